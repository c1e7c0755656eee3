-- socket.udp(): the same as socket.socket(socket.AF_INET, socket.SOCK_DGRAM).
local sock = socket.udp()
print(sock:getoption(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM) --> true
sock:close()
