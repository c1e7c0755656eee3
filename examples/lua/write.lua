-- sock:write(data): sends all of it and says how many octets that were; after an error nil, why, and how many had gone.
local sock = socket.tcp()
print(sock:write("too early"))     --> nil	Connection closed
sock:connect("there", 7)
print(sock:write("hello"))         --> 5
print(sock:write(""))              --> 0
print(#sock:read(5))               --> 5
sock:close()
