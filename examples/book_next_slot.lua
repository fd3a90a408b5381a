--- Books the next free slot of a calendar and prints that day's agenda.
--
--   HOOPAI_TOKEN=... HOOPAI_LOCATION_ID=... lua5.4 examples/book_next_slot.lua CONTACT_ID [calendar name]
local hoopai = require "hoopai"
local time = hoopai.time

local contact, wanted = arg[1] or os.getenv("CONTACT_ID"), arg[2]
if not contact then error("usage: book_next_slot.lua CONTACT_ID [calendar name]", 0) end
local client <close> = hoopai.new()
local function heading(text) print(("\n%s\n%s"):format(text, ("-"):rep(#text))) end

local calendars, chosen = assert(client.calendars:list()), 1
heading("Calendars")
for index, calendar in ipairs(calendars) do
  print(("  %-26s %s"):format(calendar.name, calendar.id))
  if calendar.name == wanted then chosen = index end
end

local now = time.now()
local window = { startDate = now, endDate = now + time.days(5) }
local free, errors = hoopai.map(calendars, function(each) return client.calendars:free_slots(each.id, window) end)
if errors then error(errors) end
heading("Free in the next five days")
for index, calendar in ipairs(calendars) do
  print("  " .. calendar.name)
  local days, slots = {}, {}
  for day, slot in hoopai.slots(free[index]) do
    if days[#days] ~= day then days[#days + 1] = day end
    slots[day] = slots[day] or {}
    table.insert(slots[day], slot:sub(12, 16))
  end
  for _, day in ipairs(days) do
    local more = #slots[day] > 9 and (" ... and %d more"):format(#slots[day] - 9) or ""
    print(("    %s  %s%s"):format(day, table.concat(slots[day], " ", 1, math.min(9, #slots[day])), more))
  end
end

local calendar = calendars[chosen]
local day, slot, instant = hoopai.slots(free[chosen])()
if not slot then error(calendar.name .. " has nothing free in the next five days", 0) end
local booking = { calendarId = calendar.id, contactId = contact, startTime = slot, title = "First visit" }
local booked = assert(client.appointments:book(booking))
heading("Booked")
print(("  %s on %s at %s (%s)"):format(calendar.name, day, slot:sub(12, 16), booked.id))

heading("Agenda of " .. day)
local midnight = instant:start_of_day()
local query = { calendarId = calendar.id, startTime = midnight, endTime = midnight + time.days(1) }
local events = assert(client.events:list(query))
table.sort(events, function(a, b) return time.parse(a.startTime) < time.parse(b.startTime) end)
local first = (time.parse(events[1].startTime) - midnight):minutes() // 60 * 60
for _, event in ipairs(events) do
  local from, till = time.parse(event.startTime), time.parse(event.endTime)
  local bar = (" "):rep(((from - midnight):minutes() - first) // 15) .. ("="):rep((till - from):minutes() // 15)
  local clock = from:in_zone(instant:zone()):format("%H:%M")
  local status = event.id == booked.id and "yours" or event.appointmentStatus
  print(("  %s  %-36s %s (%s)"):format(clock, bar, event.title, status))
end
