-- The script of each worker thread of host.c, in a lua_State of its own. It starts the calls; the loop drives them.
local hoopai = require "hoopai"

local calls = ...
hoopai.use(hoopai.loop.custom)
local client = hoopai.new() -- HOOPAI_TOKEN, HOOPAI_LOCATION_ID and HOOPAI_BASE_URL from the environment
local answered, problem = 0, nil

local function work()
  while calls > 0 do
    calls = calls - 1
    local calendars, err = client.calendars:list()
    if calendars then
      answered = answered + 1
    else
      problem = err
    end
  end
end

for _ = 1, 8 do
  hoopai.spawn(work)
end -- eight calls at a time

--- Called when all calls have ended.
return function()
  client:close()
  return answered, problem
end
