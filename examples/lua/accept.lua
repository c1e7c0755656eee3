-- sock:accept(): the next connection, as a socket of its own; it waits for one.
local listener = socket.tcp()
listener:bind("", 9000)
listener:listen(1)
listener:settimeout(0.5)
print(listener:accept())           --> nil	Operation timed out
listener:settimeout(-1)
local sock = socket.tcp()
sock:settimeout(0)
print(sock:connect("here", 9000))  --> nil	Operation now in progress
local accepted = listener:accept()
print(accepted:getpeername()[1])   --> 10.0.0.1
accepted:close() sock:close() listener:close()
