--- What the files of `hoopai.time` share: units, the range of instants, the states of the two types, and how messages
-- name a value.
local gregorian = require "hoopai.time.gregorian"
local private = require "hoopai.private"

local concat, remove = table.concat, table.remove
local ipairs, tostring, type = ipairs, tostring, type
local byte, format, gsub, sub = string.byte, string.format, string.gsub, string.sub
local math_type, tointeger = math.type, math.tointeger

local values = {}

--- Units, in milliseconds.
values.SECOND, values.MINUTE, values.HOUR, values.DAY = 1000, 60000, 3600000, 86400000

--- The first and the last instant, in milliseconds since 1970: the years 1 to 9999.
values.FIRST_MS = gregorian.days(1, 1, 1) * values.DAY
values.LAST_MS = gregorian.days(10000, 1, 1) * values.DAY - 1

values.OUT_OF_RANGE = "is outside the years 1 to 9999"

--- The states of instants: `ms` and `zone`. Zones are shared by all instants, so no script may reach one.
values.instants = private.states "hoopai.Instant"

--- The states of durations: `months`, `days` and `length`.
values.durations = private.states "hoopai.Duration"

local instants, durations = values.instants, values.durations

--- Whether a value is an instant.
-- @tparam any v
-- @treturn boolean
function values.is_instant(v) return instants[v] ~= nil end

--- Whether a value is a duration.
-- @tparam any v
-- @treturn boolean
function values.is_duration(v) return durations[v] ~= nil end

local is_instant, is_duration = values.is_instant, values.is_duration

--- A number as an integer.
-- @tparam any v
-- @treturn ?integer nil for a number with a fraction, one that is not finite or does not fit, and other types
function values.integer(v)
  -- `math.tointeger` alone takes strings too.
  return math_type(v) and tointeger(v) or nil
end

--- A number as Lua source has it, in any locale.
-- @tparam number n
-- @treturn string
function values.number_text(n) return (gsub(tostring(n), ",", ".")) end

--- A text in one short, printable piece: quoted, escaped, and cut if it is long.
-- @tparam string text
-- @treturn string
function values.quote(text)
  local shown = #text > 48 and sub(text, 1, 45) .. "..." or text
  return '"' .. gsub(shown, "[^ !#-~]", function(c) return format("\\x%02X", byte(c)) end) .. '"'
end

--- The name of a value in an error message.
-- @tparam any v
-- @treturn string such as "an instant", "a table" or the number itself
function values.describe(v)
  if is_instant(v) then return "an instant" end
  if is_duration(v) then return "a duration" end
  if type(v) == "string" then return values.quote(v) end
  if type(v) == "number" then return values.number_text(v) end
  return v == nil and "nothing" or "a " .. type(v)
end

-- Numbers of this size are seconds or milliseconds since 1970, from the years 1973 to 5138, rather than a length.
local LEAST_SECONDS, LEAST_MS = 100000000, 100000000000

--- The call that makes an instant of a number that looks like one, such as `hoopai.time.from_seconds(1795955637)`.
-- @tparam number n
-- @treturn ?string nil if it looks like a length
-- @treturn ?string what it looks like: "seconds since 1970" or "milliseconds since 1970"
function values.instant_call(n)
  if n >= LEAST_SECONDS and n < LEAST_MS then
    return format("hoopai.time.from_seconds(%s)", values.number_text(n)), "seconds since 1970"
  elseif n >= LEAST_MS and n <= values.LAST_MS and n % 1 == 0 then
    return format("hoopai.time.from_ms(%d)", n), "milliseconds since 1970"
  end
end

-- Name and milliseconds of the units, and whether only whole numbers are taken.
local UNITS = {
  { "seconds", values.SECOND },
  { "minutes", values.MINUTE },
  { "hours", values.HOUR },
  { "days", values.DAY, true },
}
local LONGEST = 10000 * 366 * values.DAY -- of a duration

--- The calls that make a duration of a number, such as `hoopai.time.seconds(5), minutes(5), hours(5) or days(5)`. Those
-- that would refuse the number are left out.
-- @tparam number n
-- @treturn string
function values.duration_calls(n)
  local calls, text = {}, values.number_text(n)
  for _, unit in ipairs(UNITS) do
    local name, size, is_whole = unit[1], unit[2], unit[3]
    local fits = n >= -(LONGEST // size) and n <= LONGEST // size and n * size % 1 == 0
    if fits and not (is_whole and not values.integer(n)) then calls[#calls + 1] = format("%s(%s)", name, text) end
  end
  if #calls == 0 then return "hoopai.time.seconds(30), minutes(30) or hours(1)" end
  local last = #calls > 1 and " or " .. remove(calls) or ""
  return format("hoopai.time.%s%s", concat(calls, ", "), last)
end

--- Of two operands, the one of the wrong type.
-- @tparam any a
-- @tparam any b
-- @tparam function is_right the test of the right types
-- @treturn any
function values.odd_one(a, b, is_right)
  if is_right(a) then return b end
  return a
end

return values
