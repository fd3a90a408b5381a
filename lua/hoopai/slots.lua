--- Free slots in order of time.
local errors = require "hoopai.errors"
local time = require "hoopai.time"

local ipairs, pairs, sort, type = ipairs, pairs, table.sort, type

--- Iterates over free slots in order of time: `for day, slot, instant in hoopai.slots(free) do ... end`.
-- @function slots
-- @tparam FreeSlots free what `client.calendars:free_slots` returned
-- @treturn function an iterator of the day (such as "2024-10-28"), the slot (a string as the API sent it: book with
-- exactly this) and the instant (a `hoopai.time` value)
-- @tparam[opt] Error err the error of a `free_slots` that failed
-- @raise when `free` is not a table; the text of `err` is part of the message
local function slots(free, err)
  errors.check_first("hoopai.slots(...)", free, err)
  if type(free) ~= "table" then errors.raise("hoopai.slots expects the result of free_slots, got " .. type(free)) end
  local list = {}
  for day, entry in pairs(free) do
    local strings = type(entry) == "table" and entry.slots
    for _, slot in ipairs(type(strings) == "table" and strings or {}) do
      local instant = type(slot) == "string" and time.parse(slot)
      if instant then list[#list + 1] = { day = day, slot = slot, instant = instant } end
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
