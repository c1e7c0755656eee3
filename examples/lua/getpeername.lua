-- sock:getpeername(): the address and the port of the other end.
local sock = socket.tcp()
print(sock:getpeername())              --> nil	Transport endpoint is not connected
sock:connect("there", 7)
local peer = sock:getpeername()
print(peer[1], peer[2])                --> 10.0.0.2	7
sock:close()
