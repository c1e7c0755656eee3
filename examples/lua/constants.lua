-- Some of the constants: Linux's numbers, addresses in host order, and two error texts to compare with.
print(socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)                --> 1	2	10
print(socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW)         --> 1	2	3
print(socket.SOCK_RDM, socket.SOCK_SEQPACKET)                         --> 4	5
print(socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR)               --> 0	1	2
print(socket.INADDR_ANY, socket.INADDR_LOOPBACK)                      --> 0	2130706433
print(socket.INADDR_BROADCAST == 0xffffffff, socket.INADDR_NONE)       --> true	4294967295
print(string.format("%x", socket.INADDR_UNSPEC_GROUP))                --> e0000000
print(socket.ERROR_TIMEOUT, socket.ERROR_CLOSED)                      --> Operation timed out	Connection closed
local sock = socket.udp()
sock:bind(socket.INADDR_LOOPBACK, 0)
print(sock:getsockname()[1])                                          --> 127.0.0.1
sock:close()
