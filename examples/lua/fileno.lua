-- sock:fileno(): a small number, the lowest that is free from 3 on, as a kernel gives them; -1 once closed.
local a, b = socket.udp(), socket.udp()
print(a:fileno(), b:fileno())  --> 3	4
a:close()
local c = socket.udp()
print(c:fileno(), c)           --> 3	<socket: 3>
b:close() c:close()
