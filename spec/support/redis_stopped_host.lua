--- A host that stops its loop during a token exchange, and then ends:
--
--   lua5.4 spec/support/redis_stopped_host.lua LOOP URL CLIENT_ID CLIENT_SECRET LOCATION CALENDAR REDIS_PORT
package.path = "./?.lua;" .. package.path

local core = require "hoopai.core"
local hoopai = require "hoopai"

local loop, url, client_id, client_secret, location, calendar, port = table.unpack(arg)

warn "@on"
hoopai.use(hoopai.loop[loop])
local call = hoopai.redis[loop] { port = tonumber(port), timeout = 5 }
local app = hoopai.oauth {
  client_id = client_id,
  client_secret = client_secret,
  base_url = url,
  store = hoopai.store.redis { call = call },
}
local client = hoopai.new { oauth = app, base_url = url, location_id = location }

local function main()
  hoopai.spawn(function() print(client.calendars:get(calendar)) end)
end

if loop == "luv" then
  local uv = require "luv"
  main()
  local timer = uv.new_timer()
  timer:start(700, 0, function()
    timer:close()
    uv.stop()
  end)
  uv.run()
else
  local controller = require("cqueues").new()
  controller:wrap(main)
  local ends = core.now() + 0.7
  while core.now() < ends do
    controller:step(0.05)
  end
end
print "stopped"
