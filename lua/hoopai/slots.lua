--- Free slots in order of time.
local errors = require "hoopai.errors"
local private = require "hoopai.private"
local time = require "hoopai.time"

local ipairs, pairs, sort, type = ipairs, pairs, table.sort, type

-- What is given instead of free slots, which have days as keys: without a word it would seem that nothing is free.
local function free_problem(free)
  if free[1] ~= nil then return "a list: give what client.calendars:free_slots returned, as a whole" end
  if type(free.slots) == "table" then return "one of its days: give the whole result" end
  if errors.is_response(free) then return "the response: its first result, the free slots, stands before it" end
end

-- The zone that the instants are to carry: nil for none. After `hoopai.slots(client.calendars:free_slots(...))` the
-- second argument is the second result of that call.
local function zone_of(second)
  if second == nil or errors.is(second) or errors.is_response(second) then return nil end
  local zone, problem = time.zone(second)
  if not zone then errors.raise("hoopai.slots: " .. problem) end
  return zone
end

--- Iterates over free slots in order of time: `for day, slot, instant in hoopai.slots(free) do ... end`.
-- @function slots
-- @tparam FreeSlots free what `client.calendars:free_slots` returned
-- @tparam[opt] string|Error|Response zone the zone that the instants carry, such as "Europe/Berlin": a week after a
-- slot is then the same time of day. Default: each instant carries the offset in its text. The second result of
-- `free_slots` may stand here too: `hoopai.slots(client.calendars:free_slots(...))`
-- @treturn function an iterator of the day (such as "2024-10-28"), the slot (a string as the API sent it: book with
-- exactly this) and the instant (a `hoopai.time` value)
-- @raise when `free` is not a table, also because `free_slots` failed: the text of its error is part of the message.
-- When there is no such zone
local function slots(free, zone)
  errors.check_first("hoopai.slots(...)", free, zone)
  if type(free) ~= "table" then errors.raise("hoopai.slots expects the result of free_slots, got " .. type(free)) end
  local problem = private.name_of(free) or free_problem(free) -- a client, say, refuses unknown fields
  if problem then errors.raise("hoopai.slots expects the result of free_slots, got " .. problem) end
  local view, list = zone_of(zone), {}
  for day, entry in pairs(free) do
    local strings = type(entry) == "table" and entry.slots
    for _, slot in ipairs(type(strings) == "table" and strings or {}) do
      local instant = type(slot) == "string" and time.parse(slot)
      if instant then
        list[#list + 1] = { day = day, slot = slot, instant = view and instant:in_zone(view) or instant }
      end
    end
  end
  sort(list, function(a, b) return a.instant < b.instant end)
  local position = 0
  return function()
    position = position + 1
    local entry = list[position]
    if entry then return entry.day, entry.slot, entry.instant end
  end
end

return slots
