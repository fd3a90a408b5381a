-- What the rate limit costs: 500 calls through hoopai.map against the sandbox's 100 per 10 s, which take 40 s at
-- least. Prints how many got status 429, and the time over the least.
--
--   LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="build/?.so;;" lua5.4 spec/bench/rate_limit_bench.lua [calls]
local core = require "hoopai.core"
local hoopai = require "hoopai"
local sandbox = require "hoopai.sandbox"

local MOST, INTERVAL = 100, 10

local count = tonumber(arg and arg[1]) or 500
local box <close> = sandbox.start { control = true, rate_limit = { max = MOST, interval_ms = INTERVAL * 1000 } }
local client <close> = hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id }

local calls = {}
for index = 1, count do
  calls[index] = index
end
local begun = core.now()
local _, errors = hoopai.map(calls, function() return client.calendars:list() end, { concurrency = 50 })
local seconds = core.now() - begun
if errors then error(errors) end

local refused = 0
for _, entry in ipairs(box:control("requests").requests) do
  if entry.status == 429 then refused = refused + 1 end
end
local least = (count - 1) // MOST * INTERVAL
print(
  ("%d calls at %d per %d s: %d answered 429, %.2f s, %.2f %% over the least of %d s"):format(
    count,
    MOST,
    INTERVAL,
    refused,
    seconds,
    100 * (seconds / least - 1),
    least
  )
)
