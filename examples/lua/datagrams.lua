-- sock:sendto(data, host, port) and sock:recvfrom(maxsize): datagrams to anybody, and from whom they came.
local sock = socket.udp()
print(sock:sendto("hello", "there", 7))  --> 5
local data, from = sock:recvfrom(100)
print(data, from[1], from[2])            --> hello	10.0.0.2	7
print(sock:write("to whom?"))            --> nil	Destination address required
sock:close()
