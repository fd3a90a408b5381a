--- Dates as numbers of days, in the proleptic Gregorian calendar.
--
-- The arithmetic is that of `days_from_civil` and `civil_from_days` in Howard Hinnant, "chrono-Compatible Low-Level
-- Date Algorithms". Years begin on 1 March there, so that the leap day is the last day of a year and the lengths of the
-- months follow a formula. The constants: 146097 days are an era of 400 years, 719468 days lie between 0000-03-01 and
-- 1970-01-01, and (153 * month + 2) // 5 days precede a month in its year (0 is March).
local gregorian = {}

--- The number of days from 1970-01-01 to a date.
-- @tparam integer year
-- @tparam integer month 1 to 12
-- @tparam integer day any integer: days beyond the month run into its neighbours
-- @treturn integer
function gregorian.days(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 9
  else
    month = month - 3
  end
  local era, year_of_era = year // 400, year % 400
  local leap_days = year_of_era // 4 - year_of_era // 100
  -- 719469 and not 719468, as the first day of a month is 1.
  return era * 146097 + year_of_era * 365 + leap_days + (153 * month + 2) // 5 + day - 719469
end

--- The date of a number of days since 1970-01-01.
-- @tparam integer days
-- @treturn integer year
-- @treturn integer month
-- @treturn integer day
function gregorian.date(days)
  days = days + 719468
  local era, day_of_era = days // 146097, days % 146097
  -- 1460, 36524 and 146096 days: 4 years, a century and an era, each without the leap day at its end.
  local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local month = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * month + 2) // 5 + 1
  local year = era * 400 + year_of_era
  if month < 10 then return year, month + 3, day end
  return year + 1, month - 9, day
end

--- Whether a year has a 29th of February.
-- @tparam integer year
-- @treturn boolean
function gregorian.is_leap(year) return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end

local days, is_leap = gregorian.days, gregorian.is_leap

local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

--- The number of days in a month.
-- @tparam integer year
-- @tparam integer month 1 to 12
-- @treturn integer
function gregorian.month_days(year, month)
  if month == 2 and is_leap(year) then return 29 end
  return MONTH_DAYS[month]
end

local month_days = gregorian.month_days

--- The number of days from 1970-01-01 to a date, nil if there is no such date.
-- @tparam integer year
-- @tparam integer month
-- @tparam integer day
-- @treturn ?integer
function gregorian.existing_days(year, month, day)
  if month < 1 or month > 12 or day < 1 or day > 28 and day > month_days(year, month) then return nil end
  return days(year, month, day)
end

return gregorian
