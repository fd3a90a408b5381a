-- What the loops of hosts cost: fifty calls at once to a server that answers after 100 ms, beside a timer of the host
-- that is to fire every 10 ms. copas is the stand-in of spec/support/modules.
--
--   eval "$(make -s env)"; lua5.4 spec/bench/hosts_bench.lua
local child = require "spec.support.child"
local servers = require "spec.support.server"

local server = servers.start()
server:reply { always = true, delay = 0.1, expand = true, body = [[{"calendar":{"id":"$last"}}]] }
for _, loop in ipairs { "blocking", "luv", "cqueues", "copas", "custom" } do
  local best, ticks = math.huge, 0
  for _ = 1, 5 do
    local text, ok = child.run(("arg = { [0] = 'hosts.lua', %q, 'parallel', %q } dofile 'spec/support/hosts.lua'")
      :format(loop, server.url))
    if not ok then error(text, 0) end
    local elapsed, fired = text:match("elapsed (%S+) ticks (%d+)")
    if tonumber(elapsed) < best then best, ticks = tonumber(elapsed), fired end
  end
  print(("%-10s 50 calls in %3.0f ms, %s ticks of the host's timer"):format(loop, best * 1000, ticks))
end
server:stop()
