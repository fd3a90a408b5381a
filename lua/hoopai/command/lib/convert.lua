--- How the words of options become values. Each function gets a word and returns the value, or nil and what is wrong.
local format, match = string.format, string.match
local math_type, tonumber, utf8 = math.type, tonumber, utf8

local convert = {}

--- A whole number of at least 1.
-- @tparam string word
-- @treturn[1] integer
-- @treturn[2] nil
-- @treturn[2] string
function convert.count(word)
  local number = match(word, "^%d+$") and tonumber(word)
  if math_type(number) == "integer" and number >= 1 then return number end
  return nil, format('expects a whole number of at least 1, got "%s"', word)
end

local MOST_DAYS = 36525 -- a hundred years: more is a slip of the keyboard

--- A number of days.
-- @tparam string word
-- @treturn[1] integer
-- @treturn[2] nil
-- @treturn[2] string
function convert.days(word)
  local number = convert.count(word)
  if number and number <= MOST_DAYS then return number end
  return nil, format('expects a whole number from 1 to %d, got "%s"', MOST_DAYS, word)
end

--- The number of a port.
-- @tparam string word
-- @treturn[1] integer
-- @treturn[2] nil
-- @treturn[2] string
function convert.port(word)
  local number = convert.count(word)
  if number and number <= 65535 then return number end
  return nil, format('expects a port from 1 to 65535, got "%s"', word)
end

--- A number of minutes, hours or days as seconds: `90s`, `30m`, `2h`, `1d`.
-- @tparam string word
-- @treturn[1] integer seconds
-- @treturn[2] nil
-- @treturn[2] string
function convert.seconds(word)
  local digits, unit = match(word, "^(%d+)([smhd])$")
  local number = digits and math_type(tonumber(digits)) == "integer" and tonumber(digits)
  if number and number <= 100000000 then return number * ({ s = 1, m = 60, h = 3600, d = 86400 })[unit] end
  return nil, format('expects a length such as 90s, 30m, 2h or 1d, got "%s"', word)
end

--- A word that is not empty.
-- @tparam string word
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string
function convert.word(word)
  if match(word, "%S") then return word end
  return nil, "expects a text that is not empty"
end

--- A reference of a booking.
-- @tparam string word
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string
function convert.reference(word)
  local length = utf8.len(word)
  if length and length >= 8 and length <= 200 then return word end
  return nil, format('expects a text of 8 to 200 characters, got "%s"', word)
end

--- The name of a profile, which is also the name of its file.
-- @tparam string word
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string
function convert.profile(word)
  if match(word, "^[%w_][%w_.-]*$") and #word <= 58 then return word end
  return nil, format('expects a name of letters, digits, "_", "-" and ".", got "%s"', word)
end

return convert
