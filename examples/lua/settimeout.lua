-- sock:settimeout(seconds): how long a call may wait; 0 not at all, negative without limit.
local sock = socket.udp()
sock:bind("", 9)
sock:settimeout(2.5)
print(sock:read(10))     --> \	Operation timed out
sock:settimeout(0)
print(sock:read(10))     --> \	Resource temporarily unavailable
sock:close()
