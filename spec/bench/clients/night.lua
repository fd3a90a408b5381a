-- A night's work with hoopai, as a user writes it: see spec/bench/night_bench.lua.
--
--   lua5.4 spec/bench/clients/night.lua URL FOLDER NIGHT AT-A-TIME LOCATION...
--
-- FOLDER has the tokens of the locations, NIGHT is the time in milliseconds, and AT-A-TIME how many changes of a
-- location are made side by side.
local hoopai = require "hoopai"

local url, folder, night = arg[1], arg[2], hoopai.time.from_ms(tonumber(arg[3]))
local at_a_time = tonumber(arg[4])
local locations = table.move(arg, 5, #arg, 1, {})

local app <close> =
  hoopai.oauth { client_id = "client", client_secret = "secret", base_url = url, store = hoopai.store.file(folder) }
local agency <close> = hoopai.new { oauth = app, company_id = "company", max_connections = 512 }

local function count_slots(client)
  local count = 0
  for _ in client.calendars:each_slot { from = night, to = night + hoopai.time.days(60) } do
    count = count + 1
  end
  return count
end

--- Marks the events of the last month: in the location with many calls all of them, elsewhere the first 20.
local function mark_events(client, location)
  local events = assert(client.events:all { from = night - hoopai.time.days(30), to = night })
  local marked = location:find("^B") and events or table.move(events, 1, 20, 1, {})
  local function mark(event) return client.appointments:update(event.id, { appointmentStatus = "showed" }) end
  local _, errors = hoopai.map(marked, mark, { concurrency = at_a_time })
  if errors then error(errors) end
  return { events = #events, changes = #marked }
end

local results = hoopai.map(locations, function(location)
  local client <close> = agency:with { location_id = location }
  local parts, errors = hoopai.all {
    function() return count_slots(client) end,
    function() return mark_events(client, location) end,
  }
  if errors then error(errors) end
  return { slots = parts[1], events = parts[2].events, changes = parts[2].changes }
end, { concurrency = #locations })

local slots, events, changes = 0, 0, 0
for _, result in ipairs(results) do
  slots, events, changes = slots + result.slots, events + result.events, changes + result.changes
end
print(("slots=%d events=%d changes=%d"):format(slots, events, changes))
