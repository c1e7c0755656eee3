-- sock:gettimeout(): what settimeout or setblocking has set last; -1 for no limit.
local sock = socket.udp()
print(sock:gettimeout())  --> -1
sock:settimeout(5)
print(sock:gettimeout())  --> 5
sock:close()
