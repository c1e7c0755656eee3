-- sock:connect(host, port): opens a connection; names are looked up. A refusal is nil and why.
local sock = socket.tcp()
print(sock:connect("there", 7))  --> true
sock:close()
sock = socket.tcp()
print(sock:connect("there", 81)) --> nil	Connection refused
sock:close()
-- AF_UNIX sockets take a path.
local here = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
print(here:connect("/nowhere"))  --> nil	No such file or directory
here:close()
