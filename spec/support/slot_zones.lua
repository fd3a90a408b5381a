--- Zones whose clocks change, and the free slots of a calendar that is always open in them, as the sandbox computes
-- them: what splitting a span is judged by.

local local_time = require "hoopai.sandbox.domain.local_time"
local slots = require "hoopai.sandbox.domain.slots"
local stores = require "hoopai.sandbox.domain.store"
local zones = require "hoopai.time.zone"

local slot_zones = {}

-- stylua: ignore
slot_zones.NAMES = {
  "America/New_York", "Europe/Berlin",
  "Australia/Lord_Howe", -- by half an hour
  "Africa/Casablanca", -- backwards for Ramadan
  "Europe/Dublin", -- in the database winter is the exception
  "America/Santiago", "America/Havana", "Africa/Cairo", -- at midnight
  "Pacific/Chatham", -- 12:45 from UTC
  "Antarctica/Troll", -- by two hours
  "America/St_Johns",
}

--- The fields of a calendar that is open all day, every day.
function slot_zones.calendar(name, interval)
  return {
    name = name,
    slotDuration = interval,
    slotInterval = interval,
    slotDurationUnit = "mins",
    slotIntervalUnit = "mins",
    openHours = {
      {
        daysOfTheWeek = { 0, 1, 2, 3, 4, 5, 6 },
        hours = { { openHour = 0, openMinute = 0, closeHour = 0, closeMinute = 0 } },
      },
    },
  }
end

--- The starts of the free slots of such a calendar, in milliseconds, both ends included.
function slot_zones.starts(zone, interval, from, to)
  local store = stores.new { now = function() return 0 end }
  store.locations:add { id = "here", timezone = zone }
  local calendar = slot_zones.calendar("always open", interval)
  calendar.id, calendar.locationId = "calendar", "here"
  return slots.free(store, store.calendars:add(calendar), { from = from, to = to })
end

--- The instant of a local time, in milliseconds.
function slot_zones.at(text, zone) return (assert(local_time.parse(text, zone), text)) end

--- The moments at which the clocks of a zone change in a year. (That of 2025 cannot change: some later laws have done
-- away with changes, such as Morocco's.)
function slot_zones.changes(zone, year)
  local loaded, found = assert(zones.load(zone)), {}
  local at, last = slot_zones.at(year .. "-01-01T00:00:00", zone), slot_zones.at((year + 1) .. "-01-01T00:00:00", zone)
  while true do
    local _, _, next_change = zones.at(loaded, at // 1000)
    if next_change >= last // 1000 then return found end -- in milliseconds "never" would overflow
    at = next_change * 1000
    found[#found + 1] = at
  end
end

return slot_zones
