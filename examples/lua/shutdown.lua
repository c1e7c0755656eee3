-- sock:shutdown(how): ends reading, writing or both; the peer reads to the end of the stream.
local sock = socket.tcp()
print(sock:shutdown(socket.SHUT_WR))  --> nil	Transport endpoint is not connected
sock:connect("there", 7)
sock:write("last words")
print(sock:shutdown(socket.SHUT_WR))  --> true
print(sock:write("more"))             --> nil	Connection closed
print(sock:read(100))                 --> last words
print(sock:shutdown(7))               --> nil	Invalid argument
sock:close()
