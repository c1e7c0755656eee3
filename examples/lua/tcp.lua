-- socket.tcp(): the same as socket.socket(socket.AF_INET, socket.SOCK_STREAM).
local sock = socket.tcp()
print(sock:getoption(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM) --> true
sock:close()
