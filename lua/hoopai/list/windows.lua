--- A span of time as windows that `calendars:free_slots` takes, and the slots of a window in order of time.
--
-- A window is 30 days long at most. The API takes 31: 30 are valid whether it counts hours, or the dates of a zone
-- whose clocks are set forward meanwhile.
--
-- Whether the ends of its window belong to it, the API does not say. So the slots of each window are cut to
-- [start, stop) here, and a window stops at a moment at which no slot begins: a millisecond before a whole second.
local time = require "hoopai.time"
local zones = require "hoopai.time.zone"

local find, format = string.find, string.format
local ipairs, max, min, pairs, sort, type = ipairs, math.max, math.min, pairs, table.sort, type

local windows = {}

local SECOND, DAY = 1000, 86400000 -- milliseconds
local LONGEST = 30 * DAY

--- By how much a zone's clocks are set forward between two instants, in milliseconds; 0 if they are set back.
local function gap(zone, from, to)
  local before, after = zones.at(zone, from // SECOND), zones.at(zone, to // SECOND)
  return max(after - before, 0) * SECOND
end

--- Where a window ends.
-- @tparam integer start of the window, in milliseconds
-- @tparam integer to the end of the span
-- @tparam[opt] string zone of the slots, if it is known: then a window has at most 30 of its days as well
-- @treturn integer the end of the window
-- @treturn ?integer the start of the next window; nil if this one is the last
function windows.stop(start, to, zone)
  local stop = min(start + LONGEST, to)
  local loaded = zone and zones.load(zone)
  if loaded then stop = min(stop, start + LONGEST - gap(loaded, start, stop)) end
  if stop == to then return to end
  if stop % SECOND == 0 then stop = stop - 1 end
  local has_more = (stop // SECOND + 1) * SECOND < to -- is there a whole second?
  return stop, has_more and stop or nil
end

--- How many windows a span has.
-- @tparam integer from milliseconds
-- @tparam integer to milliseconds
-- @tparam[opt] string zone
-- @treturn integer
function windows.count(from, to, zone)
  local count, start = 0, from
  while start do
    local _, next_start = windows.stop(start, to, zone)
    count, start = count + 1, next_start
  end
  return count
end

--- Reads the slots of one calendar.
-- @tparam table free what `free_slots` returned
-- @tparam function add is called with the day and each slot
-- @return a key that is no day, or the day of an entry that has no slots; nil if there is none
local function each_slot(free, add)
  local odd
  for day, entry in pairs(free) do
    local slots = type(entry) == "table" and entry.slots
    if type(slots) == "table" then
      for _, slot in ipairs(slots) do
        add(day, slot)
      end
    elseif type(day) ~= "string" or find(day, "^%d%d%d%d%-%d%d%-%d%d$") then
      odd = day
    end
  end
  return odd
end

--- Sorts the slots of a window, of several calendars.
--
-- Calendars of one location have many slots in common, and each text is read once. The instants alone are sorted: that
-- takes a tenth of the time that sorting all slots takes.
-- @tparam table ids the calendars, in the order in which slots of one instant are returned
-- @tparam table free id -> what `free_slots` returned; nil for a calendar without slots
-- @tparam integer from milliseconds: earlier slots are left out
-- @tparam integer to milliseconds: slots at this moment and later are left out
-- @tparam[opt] string zone that the instants carry. Default: the offset of each slot
-- @treturn table list of { calendarId, day, startTime, instant }
-- @return a slot or a day that cannot be read; nil if there is none
-- @treturn ?string its calendar
function windows.merge(ids, free, from, to, zone)
  local moments, by_moment, instants = {}, {}, {}
  local calendar, odd, odd_calendar
  local function add(day, slot)
    local instant = instants[slot]
    if instant == nil then
      instant = type(slot) == "string" and time.parse(slot) or false
      if not instant then
        odd, odd_calendar = slot, calendar
      elseif instant:ms() < from or instant:ms() >= to then
        instant = false
      elseif zone then
        instant = instant:in_zone(zone)
      end
      instants[slot] = instant
    end
    if not instant then return end
    local ms = instant:ms()
    local here = by_moment[ms]
    if not here then
      here = {}
      by_moment[ms], moments[#moments + 1] = here, ms
    elseif here[#here].calendarId == calendar then
      return -- listed twice
    end
    here[#here + 1] = { calendarId = calendar, day = day, startTime = slot, instant = instant }
  end
  for _, id in ipairs(ids) do
    calendar = id
    local strange = each_slot(free[id] or {}, add)
    if strange ~= nil then
      odd, odd_calendar = strange, id
    end
  end
  sort(moments)
  local list = {}
  for _, ms in ipairs(moments) do
    for _, slot in ipairs(by_moment[ms]) do
      list[#list + 1] = slot
    end
  end
  return list, odd, odd_calendar
end

--- A span for a message.
-- @tparam integer from milliseconds
-- @tparam integer to milliseconds
-- @tparam[opt="UTC"] string zone in which it is written
-- @treturn string
function windows.text(from, to, zone)
  zone = zone and time.zone(zone) or "UTC"
  return format("%s and %s", time.from_ms(from, zone):iso(), time.from_ms(to, zone):iso())
end

return windows
