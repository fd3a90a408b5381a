--- A colleague is ill: moves all of today's (or another day's) appointments to the next free slots of their calendars.
--
--   HOOPAI_TOKEN=... HOOPAI_LOCATION_ID=... lua5.4 examples/move_sick_day.lua USER_ID ZONE [YYYY-MM-DD]
local hoopai = require "hoopai"
local time = hoopai.time

local user, zone, date = arg[1], arg[2], arg[3]
if not (user and zone) then error("usage: move_sick_day.lua USER_ID ZONE [YYYY-MM-DD]", 0) end
local client <close> = hoopai.new()

local morning = date and time.day(date, zone) or time.now(zone):start_of_day()
local evening = morning + time.days(1)

local open = { new = true, confirmed = true }
local events = assert(client.events:list { userId = user, startTime = morning, endTime = evening })
table.sort(events, function(a, b) return time.parse(a.startTime) < time.parse(b.startTime) end)

--- The next slots after the sick day, in order: one list per calendar, from which moved appointments take slots.
local slots_of = {}
local function list_slots(calendar_id)
  local window = { startDate = evening, endDate = evening + time.days(14), timezone = zone }
  local slots = {}
  for _, slot in hoopai.slots(assert(client.calendars:free_slots(calendar_id, window))) do
    slots[#slots + 1] = slot
  end
  slots_of[calendar_id] = slots
  return slots
end

--- Moves one appointment; a slot that was taken meanwhile is skipped.
local function move(event)
  local slots = slots_of[event.calendarId] or list_slots(event.calendarId)
  while slots[1] do
    local slot = table.remove(slots, 1)
    local moved, err = client.appointments:update(event.id, { startTime = slot })
    if moved then return slot end
    if err.kind ~= "slot_taken" then return nil, err end
  end
  return nil, "nothing free in the next fourteen days"
end

local left = 0
for _, event in ipairs(events) do
  if open[event.appointmentStatus] then
    local slot, problem = move(event)
    local outcome = slot and "-> " .. slot:sub(1, 16) or "NOT MOVED: " .. tostring(problem)
    print(("%s  %-28s %s"):format(event.startTime:sub(1, 16), event.title, outcome))
    if not slot then left = left + 1 end
  end
end
if left > 0 then error(left .. " appointments could not be moved", 0) end
