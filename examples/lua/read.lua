-- sock:read(maxsize): what there is, at most so much, always a string; with an error it is empty and the error follows.
local sock = socket.tcp()
sock:connect("there", 7)
sock:write("one two")
print(sock:read(3))          --> one
print(sock:read(100))        --> \ two
sock:settimeout(1)
print(sock:read(100))        --> \	Operation timed out
sock:shutdown(socket.SHUT_WR)
print(sock:read(100))        --> \	Connection closed
sock:close()
