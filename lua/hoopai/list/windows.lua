--- A span of time as windows that `calendars:free_slots` takes, and the slots of a window in order of time.
--
-- A window is 30 days long at most. The API takes 31: 30 are valid whether it counts hours, or the dates of a zone
-- whose clocks are set forward meanwhile.
--
-- Whether the ends of its window belong to it, the API does not say. So the slots of each window are cut to
-- [start, stop) here, and a window starts and stops at a moment at which no slot begins: a millisecond before a whole
-- second.
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

--- Where the first window of a span starts: a slot may begin at the beginning of the span.
-- @tparam integer from the beginning of the span, in milliseconds
-- @treturn integer
function windows.start(from) return from % SECOND == 0 and from - 1 or from end

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
  local count, start = 0, windows.start(from)
  while start do
    local _, next_start = windows.stop(start, to, zone)
    count, start = count + 1, next_start
  end
  return count
end

--- Reads the days of one calendar.
-- @tparam table free what `free_slots` returned
-- @tparam function add is called with each day and the list of its slots
-- @return the key of a day that has no list of slots; in a response without days, a key that is no day. nil if all days
-- can be read
local function each_day(free, add)
  local odd, other, has_days = nil, nil, false
  for day, entry in pairs(free) do
    local slots = type(entry) == "table" and entry.slots
    if type(slots) == "table" then
      has_days = true
      add(day, slots)
    elseif type(day) == "string" and find(day, "^%d%d%d%d%-%d%d%-%d%d$") then
      odd = day
    else
      other = day
    end
  end
  if odd == nil and not has_days then return other end
  return odd
end

--- Makes an iterator of slots: of each moment in turn, those of all calendars.
--
-- A slot is made when it is asked for: there are thousands of them, and one that is dropped before the next one is made
-- costs the collector little. Made all at once they took the processor a fifth longer
-- (`lua5.4 spec/bench/lists_bench.lua chain`).
-- @tparam table ids the calendars
-- @tparam table texts of each calendar: number of the moment -> text of the slot
-- @tparam table days of each calendar: number of the moment -> day of the slot
-- @tparam table numbers those of the moments, in order of time
-- @tparam table instants text -> instant
-- @treturn function
local function in_order(ids, texts, days, numbers, instants)
  local position, place, last, number = 0, #ids, #ids, nil
  return function()
    while true do
      if place == last then
        position, place = position + 1, 0
        number = numbers[position]
        if not number then
          position, place = #numbers, last -- it may be called again
          return nil
        end
      end
      place = place + 1
      local text = texts[place][number]
      if text then
        return { calendarId = ids[place], day = days[place][number], startTime = text, instant = instants[text] }
      end
    end
  end
end

--- Sorts the slots of a window, of several calendars.
--
-- Calendars of one location have many slots in common, so each text is read once. Not the slots are sorted but their
-- moments: there are fewer of them, and Lua compares numbers fast.
-- @tparam table ids the calendars, in the order in which slots of one instant are returned
-- @tparam table free id -> what `free_slots` returned; nil for a calendar without slots
-- @tparam integer from milliseconds: earlier slots are left out
-- @tparam integer to milliseconds: slots at this moment and later are left out
-- @tparam[opt] string zone that the instants carry. Default: the offset of each slot
-- @treturn function an iterator of the slots: { calendarId, day, startTime, instant }
-- @return a slot or a day that cannot be read; nil if all can be read
-- @treturn ?string its calendar
function windows.merge(ids, free, from, to, zone)
  local moments, by_moment = {}, {} -- number -> milliseconds, and the reverse
  local by_text, instants = {}, {} -- text -> the number of its moment, and its instant
  local texts, days = {}, {} -- of each calendar: the number of a moment -> text and day of its slot
  local calendar, texts_here, days_here, odd, odd_calendar

  --- The number of the moment of a slot; false if the slot is not of this window.
  local function number_of(slot)
    local instant = type(slot) == "string" and time.parse(slot) or nil
    if not instant then
      odd, odd_calendar = slot, calendar
      return false
    end
    local ms = instant:ms()
    if ms < from or ms >= to then return false end
    if not by_moment[ms] then
      by_moment[ms], moments[#moments + 1] = #moments + 1, ms
    end
    instants[slot] = zone and instant:in_zone(zone) or instant
    return by_moment[ms]
  end

  local function add(day, slots)
    for _, slot in ipairs(slots) do
      local number = by_text[slot]
      if number == nil then
        number = number_of(slot)
        by_text[slot] = number
      end
      if number and not texts_here[number] then -- else it is listed twice
        texts_here[number], days_here[number] = slot, day
      end
    end
  end

  for place, id in ipairs(ids) do
    calendar, texts_here, days_here = id, {}, {}
    texts[place], days[place] = texts_here, days_here
    local strange = each_day(free[id] or {}, add)
    if strange ~= nil then
      odd, odd_calendar = strange, id
    end
  end
  sort(moments)
  local numbers = {}
  for position, ms in ipairs(moments) do
    numbers[position] = by_moment[ms]
  end
  return in_order(ids, texts, days, numbers, instants), odd, odd_calendar
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
