--- Stands for the program of one host, for the specs of shared rate limits: makes calls, and prints how many succeeded,
-- how many failed, how often it asked Redis, and each change of its hook `rate_limit`:
--
--   lua5.4 spec/support/rate_limit_machine.lua URL TOKEN LOCATION REDIS_PORT CALLS CONCURRENCY
package.path = "./?.lua;" .. package.path

local hoopai = require "hoopai"

local url, token, location, port = arg[1], arg[2], arg[3], tonumber(arg[4])
local calls, concurrency = tonumber(arg[5]), tonumber(arg[6])

-- cqueues is not there for each Lua: then Redis is asked by lua-redis.
local client_of = pcall(require, "cqueues") and hoopai.redis.cqueues { port = port, timeout = 0.4 }
  or hoopai.redis.lua_redis(function()
    package.path = package.path .. ";/usr/share/lua/5.3/?.lua"
    return require("redis").connect { host = "127.0.0.1", port = port, timeout = 0.4 }
  end)

local asked, changes, done, failed = 0, {}, 0, 0
local client = hoopai.new {
  base_url = url,
  token = token,
  location_id = location,
  retries = false,
  rate_limit = hoopai.rate_limit.redis {
    call = function(...)
      asked = asked + 1
      return client_of(...)
    end,
  },
  on = { rate_limit = function(event) changes[#changes + 1] = event.shared and "shared" or "alone" end },
}

local function call()
  local ok = client.calendars:list()
  done, failed = done + (ok and 1 or 0), failed + (ok and 0 or 1)
end

if concurrency == 0 then -- blocking calls
  for _ = 1, calls do
    call()
  end
else
  local items = {}
  for index = 1, calls do
    items[index] = index
  end
  hoopai.run(function() hoopai.map(items, call, { concurrency = concurrency }) end)
end
print(("%d done, %d failed, asked %d times: %s"):format(done, failed, asked, table.concat(changes, " ")))
