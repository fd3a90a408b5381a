-- Many processes as hosts with one rate limit in Redis, at 100 calls per 10 s:
--
--   eval "$(make -s env)"; PROCESSES=16 CALLS=4000 lua5.4 spec/torture/rate_limit.lua
--
-- From the root of the checkout, after make build. Needs redis-server.
--
-- 1. CALLS calls while Redis is up: none is answered 429.
-- 2. A tenth of them without Redis: calls go on; prints how many are answered 429.
-- Ends with status 1 when anything else happened.
package.path = "./?.lua;" .. package.path

local machines = require "spec.support.rate_limit_machines"
local redis = require "spec.support.redis"
local sandbox = require "hoopai.sandbox"

local processes = tonumber(os.getenv "PROCESSES") or 16
local calls = tonumber(os.getenv "CALLS") or 4000

local is_right = true

local function check(ok, what)
  if not ok then
    is_right = false
    print("WRONG: " .. what)
  end
end

local function report(what, result)
  print(
    ("%s: %d calls done, %d failed, %d answered 429, %.1f s, Redis asked %.1f times per second and process"):format(
      what,
      result.done,
      result.failed,
      result.refused,
      result.seconds,
      result.asked / result.seconds / processes
    )
  )
  io.stdout:flush()
end

local server <close> = redis.start()
do
  local box <close> = sandbox.start { control = true, rate_limit = { max = 100, interval_ms = 10000 } }
  local result = machines.run(box, server.port, processes, calls // processes, 10)
  report("Redis is up", result)
  check(result.done == calls // processes * processes, "all calls are done")
  check(result.refused == 0, "none is answered 429")
end
server:kill()
do
  local box <close> = sandbox.start { control = true, rate_limit = { max = 100, interval_ms = 10000 } }
  local result = machines.run(box, server.port, processes, calls // 10 // processes, 10)
  report("Redis is down", result)
  check(result.done + result.failed == calls // 10 // processes * processes, "all calls have ended")
end
if not is_right then os.exit(false) end
