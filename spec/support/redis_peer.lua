--- A peer that is no good Redis, for the specs of its clients: lua5.4 spec/support/redis_peer.lua CONDUCT. Prints its
-- port, serves one connection after the other, and ends with its standard input.
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
print(port)
io.stdout:flush()

-- Each gets the connection and which command it is of all so far, once that has come. true ends the connection.
local conducts = {
  silent = function() end,
  hangs_up = function() return true end,
  garbage = function(peer) peer:send "HTTP/1.1 400 Bad Request\r\n\r\n" end,
  talks = function(peer) peer:send "+one\r\n+two\r\n" end,
  half = function(peer)
    peer:send "$5\r\nab"
    return true
  end,
  huge = function(peer) peer:send "$99999999\r\n" end,
  endless = function(peer) peer:send("+" .. ("x"):rep(100000)) end,
  crumbs = function(peer)
    for char in ("*2\r\n$3\r\nabc\r\n:7\r\n"):gmatch "." do
      peer:send(char)
      socket.sleep(0.002)
    end
  end,
  tells = function(peer) peer:send "-ERR the password is pass%word, \27[2J\n is it not\r\n" end,
  late = function(peer, number)
    if number == 1 then socket.sleep(0.6) end
    peer:send("+reply " .. number .. "\r\n")
  end,
}

local conduct, number = conducts[arg[1]], 0
while true do
  local peer = listener:accept()
  peer:settimeout(20)
  while true do
    local head = peer:receive "*l"
    if not head then break end
    for _ = 1, tonumber(head:match "^%*(%d+)") do
      local length = tonumber(peer:receive("*l"):match "%d+")
      peer:receive(length + 2)
    end
    number = number + 1
    if conduct(peer, number) then break end
  end
  peer:close()
end
