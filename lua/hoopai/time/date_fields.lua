--- The fields of a local date and time: what the table of `hoopai.time.at` has.
local gregorian = require "hoopai.time.gregorian"
local values = require "hoopai.time.values"

local describe, integer, quote = values.describe, values.integer, values.quote

local date_fields = {}

-- Name, least and greatest value, default.
local FIELDS = {
  { "year", 1, 9999 },
  { "month", 1, 12 },
  { "day", 1, 31 },
  { "hour", 0, 23, 0 },
  { "min", 0, 59, 0 },
  { "sec", 0, 59, 0 },
  { "ms", 0, 999, 0 },
}
-- Further fields that the table may have: `zone`, what selects one of two equal local times, and fields of `date` that
-- follow from the others.
local OTHERS = {
  zone = true,
  overlap = true,
  offset = true,
  wday = true,
  yday = true,
  isdst = true,
  abbreviation = true,
}
-- Wrong name -> name, for "did you mean".
local NAMES = {
  minute = "min",
  minutes = "min",
  second = "sec",
  seconds = "sec",
  hours = "hour",
  days = "day",
  months = "month",
  years = "year",
  msec = "ms",
  millisecond = "ms",
  milliseconds = "ms",
  tz = "zone",
  timezone = "zone",
  time_zone = "zone",
}

-- The value of one of FIELDS. Raises for a missing or wrong one.
local function value_of(fields, field, level)
  local name, low, high, default = field[1], field[2], field[3], field[4]
  local value = fields[name]
  if value == nil then value = default end
  if value == nil then error(("at: %s is missing"):format(name), level + 1) end
  local whole = integer(value)
  if not whole then error(("at: %s must be a whole number (got %s)"):format(name, describe(value)), level + 1) end
  if whole < low or whole > high then
    error(
      ("at: %s must be %d to %d (got %d); to move a time, add a duration such as hoopai.time.days(1)"):format(
        name,
        low,
        high,
        whole
      ),
      level + 1
    )
  end
  return whole
end

--- The date and time in the table that `hoopai.time.at` takes.
-- @tparam table fields
-- @tparam integer level of the error for missing, wrong and unknown fields
-- @treturn integer year
-- @treturn integer month
-- @treturn integer day
-- @treturn integer hour
-- @treturn integer minute
-- @treturn integer second
-- @treturn integer millisecond
function date_fields.read(fields, level)
  local found, known = {}, {}
  for i, field in ipairs(FIELDS) do
    found[i], known[field[1]] = value_of(fields, field, level + 1), true
  end
  for name in next, fields do
    if not known[name] and not OTHERS[name] then
      local shown = type(name) == "string" and quote(name) or tostring(name)
      local advice = NAMES[name] and (' (did you mean "%s"?)'):format(NAMES[name]) or ""
      error(("at: unknown field %s%s"):format(shown, advice), level + 1)
    end
  end
  local year, month, day = found[1], found[2], found[3]
  if day > gregorian.month_days(year, month) then
    error(("at: %04d-%02d has no day %d"):format(year, month, day), level + 1)
  end
  return table.unpack(found)
end

return date_fields
