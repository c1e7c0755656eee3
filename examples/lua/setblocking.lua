-- sock:setblocking(block): true or 1 waits without limit, false or 0 not at all.
local sock = socket.udp()
sock:setblocking(false)
print(sock:gettimeout())  --> 0
sock:setblocking(1)
print(sock:gettimeout())  --> -1
sock:close()
