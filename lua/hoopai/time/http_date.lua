--- Dates as HTTP writes them (RFC 9110 5.6.7): one form that is sent, and two older ones that must be read.
local civil = require "hoopai.time.gregorian"

local match, tonumber = string.match, tonumber

local http_date = {}

local TIME = "(%d%d):(%d%d):(%d%d)"
local IMF = "^%a+, (%d%d) (%a%a%a) (%d%d%d%d) " .. TIME .. " GMT$"
local RFC850 = "^%a+day, (%d%d)%-(%a%a%a)%-(%d%d) " .. TIME .. " GMT$"
local ASCTIME = "^%a%a%a (%a%a%a) ([%d ]%d) " .. TIME .. " (%d%d%d%d)$"

local months = {
  Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12,
}

local function seconds(year, month, day, hour, minute, second)
  year, month, day = tonumber(year) // 1 | 0, months[month], tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if not month or day < 1 or day > civil.month_days(year, month) or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return civil.days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
end

--- Reads a date.
-- @tparam string text such as "Sun, 06 Nov 1994 08:49:37 GMT"
-- @treturn ?integer seconds since 1970; nil when it is none
function http_date.parse(text)
  local day, month, year, hour, minute, second = match(text, IMF)
  if day then return seconds(year, month, day, hour, minute, second) end
  day, month, year, hour, minute, second = match(text, RFC850)
  if day then return seconds(year + (tonumber(year) < 70 and 2000 or 1900), month, day, hour, minute, second) end
  month, day, hour, minute, second, year = match(text, ASCTIME)
  return month and seconds(year, month, day, hour, minute, second)
end

return http_date
