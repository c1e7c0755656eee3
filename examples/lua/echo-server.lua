-- The peer of the other examples: gives back what it gets, over TCP and UDP, on port 7.
local listener, datagrams = socket.tcp(), socket.udp()
assert(listener:bind("", 7))
assert(listener:listen(5))
assert(datagrams:bind("", 7))
local open = { listener, datagrams }
while true do
  for _, ready in ipairs(socket.select(open)) do
    if ready == listener then
      table.insert(open, (assert(listener:accept())))
    elseif ready == datagrams then
      local data, from = datagrams:recvfrom(65535)
      datagrams:sendto(data, from[1], from[2])
    else
      local data, err = ready:read(65536)
      if err then
        ready:close()
        for index, each in ipairs(open) do
          if each == ready then table.remove(open, index) break end
        end
      else
        ready:write(data)
      end
    end
  end
end
