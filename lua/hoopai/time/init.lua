--- Instants, durations and time zones.
--
-- An instant is a point in time, to the millisecond, in the years 1 to 9999 of the Gregorian calendar (extended
-- backwards). It may carry a zone, which decides what the calendar and the clock show; comparison and difference do not
-- depend on the zone. Instants and durations never change: every method returns a new value.
--
--     local time = require "hoopai.time"
--     local start = time.at { year = 2024, month = 10, day = 28, hour = 10, zone = "America/Chicago" }
--     print(start)                                --> 2024-10-28T10:00:00-05:00
--     print(start + time.days(7))                 --> 2024-11-04T10:00:00-06:00
--     print(start:in_zone("Europe/Berlin"))       --> 2024-10-28T16:00:00+01:00
--     print(time.day("2024-10-31", "UTC") + time.months(1)) --> 2024-11-30T00:00:00+00:00
--
-- **Zones** are named as in the IANA database ("Europe/Berlin"), or "UTC", or an offset ("+05:30"). Names are read
-- from the system's zone files (the directory in TZDIR, then the usual ones); "UTC" and offsets need no files. Files
-- that count leap seconds ("right/...") and abbreviations ("EST") are refused.
--
-- **When clocks change**, one rule holds, in `at`, in adding days and months, everywhere: a local time that was skipped
-- is moved on by the length of the gap (02:30 becomes 03:30), and of a local time that comes twice the first is meant.
--
-- **Errors.** `parse`, `zone` and the `to_...` converters, which read data, return nil and a text that says what to
-- write instead. All other functions raise that text: their arguments are written by the programmer, and a nil in a
-- request body would go unnoticed.
-- @module hoopai.time
require "hoopai.lazy" -- first: in an older Lua it says which one is needed

local duration = require "hoopai.time.duration"
local errors = require "hoopai.errors"
local instant = require "hoopai.time.instant"
local request_values = require "hoopai.time.request_values"
local values = require "hoopai.time.values"
local zones = require "hoopai.time.zone"

local setmetatable = setmetatable

local time = {
  now = instant.now,
  at = instant.at,
  day = instant.day,
  parse = instant.parse,
  from_ms = instant.from_ms,
  from_seconds = instant.from_seconds,

  milliseconds = duration.milliseconds,
  seconds = duration.seconds,
  minutes = duration.minutes,
  hours = duration.hours,
  days = duration.days,
  weeks = duration.weeks,
  months = duration.months,
  years = duration.years,

  is_instant = values.is_instant,
  is_duration = values.is_duration,

  to_epoch_ms = request_values.to_epoch_ms,
  to_body_datetime = request_values.to_body_datetime,
  to_timezone = request_values.to_timezone,
}

--- Checks that there is such a zone on this host.
-- @tparam string name an IANA name, `UTC`, `Z`, or an offset `+hh:mm`
-- @treturn[1] string the name, with `Z` as `UTC`
-- @treturn[2] nil
-- @treturn[2] string what is wrong, naming the zone
function time.zone(name)
  local zone, problem = zones.load(name)
  if not zone then return nil, problem end
  return zone.name
end

return setmetatable(errors.check_dots(time, "hoopai.time.", { at = true }), {
  __index = function(self, name) return errors.refuse_name("time", "hoopai.time has no", name, self) end,
  __call = function() errors.raise("hoopai.time is no function: write hoopai.time.now()") end,
})
