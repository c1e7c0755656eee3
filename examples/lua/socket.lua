-- socket.socket(family, type[, protocol]): a socket of any kind, or nil and why there is none.
local sock, err = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
print(sock, err)                                             --> <socket: 3>	nil
local six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print(six)                                                   --> <socket: 4>
print(socket.socket(socket.AF_INET, socket.SOCK_RDM))        --> nil	Socket type not supported
print(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 17)) --> nil	Protocol not supported
sock:close()
six:close()
