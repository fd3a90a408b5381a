-- What a call costs with a rate limit in Redis, over that of one program: the same calls, without waiting for permits,
-- in turns. Prints the CPU time and the time of a call, and the ratios of the medians. Needs redis-server and cqueues.
--
--   eval "$(make -s env)"; lua5.4 spec/bench/rate_limit_redis_bench.lua [calls]
local core = require "hoopai.core"
local hoopai = require "hoopai"
local redis = require "spec.support.redis"
local sandbox = require "hoopai.sandbox"

local ROUNDS = 10

local count = tonumber(arg and arg[1]) or 2000
local box <close> = sandbox.start { rate_limit = { max = 1000000, interval_ms = 10000 } }
local server <close> = redis.start()

local asked = 0
local call = hoopai.redis.cqueues { port = server.port }
local shared = hoopai.rate_limit.redis {
  call = function(...)
    asked = asked + 1
    return call(...)
  end,
}

local function new_client(limit)
  return hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id, rate_limit = limit }
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local kinds = { single = new_client(true), shared = new_client(shared) }
local calls, cpu, wall = {}, { single = {}, shared = {} }, { single = {}, shared = {} }
for index = 1, count do
  calls[index] = index
end

local function measure(kind)
  collectgarbage()
  local began, clock = core.now(), os.clock()
  local _, errors = hoopai.map(calls, function() return kinds[kind].calendars:get "unknown" end, { concurrency = 16 })
  assert(errors) -- each is a 404
  table.insert(cpu[kind], (os.clock() - clock) / count * 1e6)
  table.insert(wall[kind], (core.now() - began) / count * 1e6)
end

measure "single"
measure "shared"
cpu, wall, asked = { single = {}, shared = {} }, { single = {}, shared = {} }, 0
for round = 1, ROUNDS do -- in changing order, as the first of two has an advantage
  measure(round % 2 == 0 and "single" or "shared")
  measure(round % 2 == 0 and "shared" or "single")
end
for name, times in pairs { ["CPU time"] = cpu, time = wall } do
  local single, both = median(times.single), median(times.shared)
  local line = "%s of a call: %.1f us with the limit of one program, %.1f us in Redis: %.3f"
  print(line:format(name, single, both, both / single))
end
print(("%d commands of Redis for %d calls"):format(asked, ROUNDS * count))
