-- sock:listen(backlog): from now on connections are accepted; backlog + 1 of them may wait.
local sock = socket.tcp()
sock:bind("", 80)
print(sock:listen(5))      --> true
local udp = socket.udp()
print(udp:listen(5))       --> nil	Operation not supported
sock:close() udp:close()
