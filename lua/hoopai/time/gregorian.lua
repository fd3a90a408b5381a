--- Dates as numbers of days, in the proleptic Gregorian calendar.
local civil = {}

--- The number of days from 1970-01-01 to a date.
-- @tparam integer year
-- @tparam integer month 1 to 12
-- @tparam integer day any integer: days beyond the month run into its neighbours
-- @treturn integer
function civil.days(year, month, day)
  -- Years start in March here, so that the leap day is the last one and month lengths follow a formula.
  if month <= 2 then
    year, month = year - 1, month + 9
  else
    month = month - 3
  end
  local era, yoe = year // 400, year % 400
  return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + (153 * month + 2) // 5 + day - 719469
end

--- The date of a number of days since 1970-01-01.
-- @tparam integer days
-- @treturn integer year
-- @treturn integer month
-- @treturn integer day
function civil.date(days)
  days = days + 719468
  local era, doe = days // 146097, days % 146097
  local yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
  local doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
  local month = (5 * doy + 2) // 153
  local day = doy - (153 * month + 2) // 5 + 1
  if month < 10 then
    return yoe + era * 400, month + 3, day
  end
  return yoe + era * 400 + 1, month - 9, day
end

local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

--- Whether a year has a 29th of February.
-- @tparam integer year
-- @treturn boolean
function civil.is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

--- The number of days in a month.
-- @tparam integer year
-- @tparam integer month 1 to 12
-- @treturn integer
function civil.month_days(year, month)
  if month == 2 and civil.is_leap(year) then
    return 29
  end
  return MONTH_DAYS[month]
end

return civil
