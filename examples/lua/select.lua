-- socket.select(read, write, except, timeout): which of several sockets can be read or written.
local a, b = socket.tcp(), socket.tcp()
a:connect("there", 7)
b:connect("there", 7)
b:write("news")
local readers = socket.select({ a, b }, nil, nil, 5)
print(#readers, readers[1] == b)            --> 1	true
local none = socket.select({ a:fileno() }, nil, nil, 0.5)
print(#none)                                --> 0
a:close() b:close()
