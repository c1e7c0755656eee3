-- sock:close(): gives the socket back; what was written is still delivered. Closing twice is harmless.
local sock = socket.udp()
print(sock:fileno())         --> 3
sock:close()
sock:close()
print(sock:fileno())         --> -1
print(sock:write("x"))       --> nil	Bad file descriptor
