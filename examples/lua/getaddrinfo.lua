-- socket.getaddrinfo(host, port[, family[, socktype[, protocol[, flags]]]]): a list of ways to reach a host and a service.
local infos = assert(socket.getaddrinfo("there", "http", socket.AF_INET, socket.SOCK_STREAM))
for _, info in ipairs(infos) do
  print(info.family == socket.AF_INET, info.addr, info.port) --> true	10.0.0.2	80
end
print(socket.getaddrinfo("nobody", 80))                      --> nil	Name or service not known
print(#socket.getaddrinfo("127.1", 0))                       --> 3
