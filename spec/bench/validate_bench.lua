-- The cost of the checks: microseconds per check, for bodies and queries as scripts send them.
--
--   LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="build/?.so;;" lua5.4 spec/bench/validate_bench.lua [seconds]
--
-- The argument is the time for each case. The figure is the best of five rounds, the one that other programs disturbed
-- least. "time" is the part of it in which hoopai.time reads the two instants of the body.
local validate = require "hoopai.validate"
local time = require "hoopai.time"

local clock = os.clock
local seconds = tonumber(arg and arg[1]) or 0.5

local function endpoint(resource, name)
  local data = require("hoopai.api." .. resource)
  for _, entry in ipairs(data) do
    if entry.name == name then return validate.compile(entry, data) end
  end
  error("no such endpoint: " .. resource .. ":" .. name)
end

local function measure(run)
  for _ = 1, 1000 do
    run()
  end
  local begun, count = clock(), 0
  repeat
    for _ = 1, 1000 do
      run()
    end
    count = count + 1000
  until clock() - begun > seconds / 5
  local best = math.huge
  for _ = 1, 5 do
    collectgarbage()
    begun = clock()
    for _ = 1, count do
      run()
    end
    best = math.min(best, clock() - begun)
  end
  return best / count * 1e6
end

local appointment = {
  calendarId = "ocQHyuzHvysMo5N5VsXc",
  locationId = "ve9EPM428h8vShlRW1KT",
  contactId = "a3kFo1l2mVtRbYwQpZ9e",
  startTime = "2026-01-05T10:00:00-05:00",
  endTime = "2026-01-05T10:30:00-05:00",
  title = "First consultation",
  appointmentStatus = "confirmed",
  assignedUserId = "X7dKq2LmNp4RsTvWyZ1b",
}
local wrong = {}
for name, value in pairs(appointment) do
  wrong[name] = value
end
wrong.appointmentStatus, wrong.time_zone = "canceled", "Europe/Berlin"

local calendar = {
  name = "Consultations",
  calendarType = "round_robin",
  slotDuration = 30,
  slotDurationUnit = "mins",
  teamMembers = {},
  openHours = {},
}
for i = 1, 5 do
  calendar.teamMembers[i] = {
    userId = "user" .. i,
    priority = 0.5,
    isPrimary = i == 1,
    locationConfigurations = { { kind = "custom", location = "https://example.com/" .. i } },
  }
  calendar.openHours[i] =
    { daysOfTheWeek = { i }, hours = { { openHour = 9, openMinute = 0, closeHour = 17, closeMinute = 0 } } }
end

local create = endpoint("appointments", "create")
local new_calendar = endpoint("calendars", "create")
local free_slots = endpoint("calendars", "free_slots")
local calendars = require "hoopai.api.calendars"
local with_location, unchecked = { location_id = "ve9EPM428h8vShlRW1KT" }, { validate = false }

local cases = {
  { "appointments:create body, 8 fields", function() return create.body(appointment, with_location) end },
  {
    "  of which time, 2 instants",
    function() return time.to_body_datetime(appointment.startTime), time.to_body_datetime(appointment.endTime) end,
  },
  { "the same, checks off", function() return create.body(appointment, unchecked) end },
  { "the same with 2 mistakes", function() return create.body(wrong, with_location) end, true },
  { "calendars:create body, team of 5", function() return new_calendar.body(calendar, with_location) end },
  {
    "calendars:create, compiling its checks",
    function() return validate.compile(calendars[2], calendars).body(calendar, with_location) end,
  },
  {
    "calendars:free_slots query, 3 fields",
    function()
      return free_slots.query { startDate = 1767571200000, endDate = 1768176000000, timezone = "Europe/Berlin" }
    end,
  },
}

for _, case in ipairs(cases) do
  local name, run, fails = case[1], case[2], case[3]
  local result, details = run()
  if (result == nil) ~= (fails or false) then error(details and validate.message(details, name) or name) end
  print(("%-40s %8.2f us"):format(name, measure(run)))
end
