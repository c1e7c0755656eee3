-- sock:setoption(level, optname, value): flags are booleans or numbers, some options take tables.
local sock = socket.tcp()
print(sock:setoption(socket.IPPROTO_TCP, socket.TCP_NODELAY, true))                        --> true
print(sock:setoption(socket.IPPROTO_TCP, socket.TCP_KEEPALIVE, 30))                        --> true
print(sock:setoption(socket.SOL_SOCKET, socket.SO_LINGER, { onoff = true, linger = 2 }))   --> true
print(sock:setoption(socket.IPPROTO_TCP, socket.TCP_CONGESTION, "bbr"))                    --> true
print(sock:setoption(socket.IPPROTO_IP, socket.IP_TTL, 0))                                 --> nil	Invalid argument
print(sock:setoption(socket.SOL_SOCKET, 9999, 1))                                          --> nil	Protocol not available
sock:close()
