-- sock:getsockname(): our own address and port; four values over IPv6.
local sock = socket.tcp()
local name = sock:getsockname()
print(name[1], name[2])                     --> 0.0.0.0	0
sock:connect("there", 7)
print(sock:getsockname()[1])                --> 10.0.0.1
local six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six:bind("fd00::1", 5000)
print(table.concat(six:getsockname(), " ")) --> fd00::1 5000 0 0
sock:close() six:close()
