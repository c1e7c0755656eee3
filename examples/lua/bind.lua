-- sock:bind(host, port): an address and a port of this host; "" is any address, port 0 any free one.
local sock = socket.tcp()
print(sock:bind("", 8080))                 --> true
print(sock:getsockname()[2])               --> 8080
print(sock:bind("", 8081))                 --> nil	Invalid argument
local other = socket.tcp()
print(other:bind("10.0.0.1", 8080))        --> nil	Address already in use
print(other:bind("10.9.9.9", 0))           --> nil	Cannot assign requested address
local named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
print(named:bind("/tmp/post"))             --> true
print(named:getsockname())                 --> /tmp/post
sock:close() other:close() named:close()
