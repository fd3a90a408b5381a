-- What each worker thread of host.c runs, in a lua_State of its own: makes the calls, returns how many were answered.
local hoopai = require "hoopai"

local calls, progress = ...
local client <close> = hoopai.new() -- HOOPAI_TOKEN, HOOPAI_LOCATION_ID and HOOPAI_BASE_URL from the environment
local jobs = {}
for index = 1, calls do jobs[index] = index end

local answers, errors = hoopai.map(jobs, function()
  local calendars, err = client.calendars:list()
  progress()
  return calendars, err
end, { concurrency = 8 })
if errors then return 0, tostring(errors) end
return answers.n
