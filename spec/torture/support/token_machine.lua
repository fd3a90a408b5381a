--- Stands for the program of one host, for spec/torture/machines.lua: makes calls with the tokens in Redis until a file
-- exists, and prints the outcome of each:
--
--   lua5.4 spec/torture/support/token_machine.lua URL CLIENT_ID CLIENT_SECRET LOCATION CALENDAR REDIS_HOST REDIS_PORT
--     STOP_FILE
package.path = "./?.lua;" .. package.path

local core = require "hoopai.core"
local hoopai = require "hoopai"

local url, client_id, client_secret, location, calendar, host, port, stop_file = table.unpack(arg)

local app = hoopai.oauth {
  client_id = client_id,
  client_secret = client_secret,
  base_url = url,
  store = hoopai.store.redis { call = hoopai.redis.cqueues { host = host, port = tonumber(port), timeout = 1 } },
}
local client = hoopai.new { oauth = app, base_url = url, location_id = location, timeout = 20 }

local function is_over()
  local file = io.open(stop_file)
  if file then file:close() end
  return file ~= nil
end

repeat
  local ok, err = client.calendars:get(calendar)
  io.write(ok and "ok" or err.kind, ok and "" or ": " .. tostring(err), "\n")
  io.flush()
  core.sleep(core.random() * 0.3)
until is_over()
