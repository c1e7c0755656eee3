-- sock:getoption(level, optname): a boolean, a number, a string or a table.
local sock = socket.tcp()
print(sock:getoption(socket.IPPROTO_TCP, socket.TCP_NODELAY))            --> false
print(sock:getoption(socket.IPPROTO_TCP, socket.TCP_CONGESTION))         --> cubic
print(sock:getoption(socket.SOL_SOCKET, socket.SO_LINGER).onoff)         --> false
print(sock:getoption(socket.SOL_SOCKET, socket.SO_ERROR))                --> 0
sock:connect("there", 7)
print(sock:getoption(socket.IPPROTO_TCP, socket.TCP_INFO).tcpi_snd_mss)  --> 1448
sock:close()
