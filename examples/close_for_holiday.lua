--- Closes all calendars of a location for a day. The API blocks the time of a calendar only if it has no team (event
-- calendars); for other calendars the time of each team member is blocked. Run again, it changes nothing.
--
--   HOOPAI_TOKEN=... HOOPAI_LOCATION_ID=... lua5.4 examples/close_for_holiday.lua ZONE YYYY-MM-DD [title]
local hoopai = require "hoopai"
local time = hoopai.time

local zone, date, title = arg[1], arg[2], arg[3] or "Closed"
if not date then error("usage: close_for_holiday.lua ZONE YYYY-MM-DD [title]", 0) end
local client <close> = hoopai.new()

local from = time.day(date, zone)
local till = from + time.days(1)

local calendars = assert(client.calendars:list())
local blocks = {}
for _, member in ipairs(assert(client.calendars:team())) do
  blocks[#blocks + 1] = { assignedUserId = member.userId, title = title, startTime = from, endTime = till }
end
for _, calendar in ipairs(calendars) do
  if #(calendar.teamMembers or {}) == 0 then
    blocks[#blocks + 1] = { calendarId = calendar.id, title = title, startTime = from, endTime = till }
  end
end

local blocked = 0
local _, errors = hoopai.map(blocks, function(block)
  local record, response = client.block_slots:ensure(block)
  if record and not response.existing then blocked = blocked + 1 end
  return record, response
end)
if errors then error(errors) end
print(("%d of %d times were blocked now"):format(blocked, #blocks))

-- Check the result: no slot may be free on that day any more. Appointments that were booked before stay booked: call
-- these people.
local still_open = 0
for _, calendar in ipairs(calendars) do
  local next_free = client.calendars:each_slot { calendarIds = { calendar.id }, from = from, to = till }
  local is_open = next_free() ~= nil
  if is_open then still_open = still_open + 1 end
  print(("%-26s %s on %s"):format(calendar.name, is_open and "STILL OPEN" or "closed", date))
  for event in client.events:each { calendarId = calendar.id, from = from, to = till } do
    if event.appointmentStatus == "new" or event.appointmentStatus == "confirmed" then
      print(("  still booked: %s  %s"):format(event.startTime:sub(12, 16), event.title))
    end
  end
end
if still_open > 0 then error(still_open .. " calendars are still open on " .. date, 0) end
