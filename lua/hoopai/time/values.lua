--- What the files of `hoopai.time` share: units, the range of instants, the keys of the two types, and how messages
-- name a value.
local gregorian = require "hoopai.time.gregorian"

local rawget, tostring, type = rawget, tostring, type
local byte, format, gsub, sub = string.byte, string.format, string.gsub, string.sub
local math_type, tointeger = math.type, math.tointeger

local values = {}

--- Units, in milliseconds.
values.SECOND, values.MINUTE, values.HOUR, values.DAY = 1000, 60000, 3600000, 86400000

--- The first and the last instant, in milliseconds since 1970: the years 1 to 9999.
values.FIRST_MS = gregorian.days(1, 1, 1) * values.DAY
values.LAST_MS = gregorian.days(10000, 1, 1) * values.DAY - 1

values.OUT_OF_RANGE = "is outside the years 1 to 9999"

--- The keys of the fields of instants (MS, ZONE) and durations (DAYS, LENGTH). They are tables that only the files of
-- `hoopai.time` have: no other code can write the fields, and no other table can pass for an instant or a duration.
values.MS, values.ZONE, values.DAYS, values.LENGTH = {}, {}, {}, {}

local MS, LENGTH = values.MS, values.LENGTH

--- Whether a value is an instant.
-- @tparam any v
-- @treturn boolean
function values.is_instant(v) return type(v) == "table" and rawget(v, MS) ~= nil end

--- Whether a value is a duration.
-- @tparam any v
-- @treturn boolean
function values.is_duration(v) return type(v) == "table" and rawget(v, LENGTH) ~= nil end

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
