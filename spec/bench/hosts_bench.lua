-- What the loops of hosts cost: fifty calls at once to a server that responds after 100 ms, beside a timer of the host
-- that is to fire every 10 ms. copas is the stand-in of spec/support/modules. By default a client begins with twenty
-- calls, until a response has shown the rate limit; so fifty take the time of two.
--
--   eval "$(make -s env)"; lua5.4 spec/bench/hosts_bench.lua
local child = require "spec.support.child"
local servers = require "spec.support.server"

local server = servers.start()
server:reply { always = true, delay = 0.1, expand = true, body = [[{"calendar":{"id":"$last"}}]] }

--- The best of five, in milliseconds, and how often the host's timer fired meanwhile.
local function measure(loop, case)
  local best, ticks = math.huge, 0
  for _ = 1, 5 do
    local text, ok = child.run(
      ("arg = { [0] = 'hosts.lua', %q, %q, %q } dofile 'spec/support/hosts.lua'"):format(loop, case, server.url)
    )
    if not ok then error(text, 0) end
    local elapsed, fired = text:match("elapsed (%S+) ticks (%d+)")
    if tonumber(elapsed) < best then
      best, ticks = tonumber(elapsed), fired
    end
  end
  return best * 1000, ticks
end

for _, loop in ipairs { "blocking", "luv", "cqueues", "copas", "custom" } do
  local plain, plain_ticks = measure(loop, "parallel")
  local free, free_ticks = measure(loop, "parallel_unlimited")
  print(
    ("%-10s 50 calls in %3.0f ms, %s ticks of the host's timer; with rate_limit = false %3.0f ms, %s ticks"):format(
      loop,
      plain,
      plain_ticks,
      free,
      free_ticks
    )
  )
end
server:stop()
