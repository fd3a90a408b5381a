--- The open hours of a person or a calendar: the schedule of the person where one applies, else the hours of the
-- calendar. Hours of single dates (`availabilities`) take the place of both on their dates, as the calendar says with
-- `availabilityType`.
--
-- A weekday and a time of day are meant in a zone: of a schedule in its own, of a calendar in the zone of the calendar.
local for_calendar = require("hoopai.command.lib.schedules").for_calendar
local spans = require "hoopai.command.lib.spans"
local time = require "hoopai.time"

local ipairs, tonumber = ipairs, tonumber
local match, sub = string.match, string.sub

local open_hours = {}

local WEEKDAYS = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" }

--- Hours that close at 0:00 close at the end of the day.
local function add(list, opens, closes)
  if closes == 0 and opens > 0 then closes = 1440 end
  if closes > opens then list[#list + 1] = { opens, closes } end
end

local function calendar_hours(hours)
  local list = {}
  for _, hour in ipairs(hours or {}) do
    if hour.openHour and hour.closeHour then
      add(list, hour.openHour * 60 + (hour.openMinute or 0), hour.closeHour * 60 + (hour.closeMinute or 0))
    end
  end
  return list
end

local function append(list, more)
  for _, item in ipairs(more) do
    list[#list + 1] = item
  end
end

--- The hours of a date that a calendar sets for this date alone; nil if its weekly ones apply.
local function hours_of_date(calendar, date)
  local kind = calendar.availabilityType
  if kind == 0 then return nil end
  for _, day in ipairs(calendar.availabilities or {}) do
    if not day.deleted and sub(day.date or "", 1, 10) == date then return calendar_hours(day.hours) end
  end
  return kind == 1 and {} or nil
end

local function weekly_hours(calendar, weekday)
  local list = {}
  for _, open in ipairs(calendar.openHours or {}) do
    for _, day in ipairs(open.daysOfTheWeek or {}) do
      if day == weekday then append(list, calendar_hours(open.hours)) end
    end
  end
  return list
end

local function clock_minutes(text)
  local hours, minutes = match(text or "", "^(%d+):(%d+)$")
  return hours and tonumber(hours) * 60 + tonumber(minutes)
end

--- The hours of a schedule on a date. A rule for the date takes the place of those for its weekday.
local function schedule_hours(schedule, date, weekday)
  local of_date, of_weekday
  for _, rule in ipairs(schedule.rules or {}) do
    local list
    if rule.type == "date" and rule.date == date then
      of_date = of_date or {}
      list = of_date
    elseif rule.type == "wday" and rule.day == WEEKDAYS[weekday + 1] then
      of_weekday = of_weekday or {}
      list = of_weekday
    end
    for _, range in ipairs(list and rule.intervals or {}) do
      local opens, closes = clock_minutes(range.from), clock_minutes(range.to)
      if opens and closes then add(list, opens, closes) end
    end
  end
  return of_date or of_weekday or {}
end

--- The span of hours on a day, in milliseconds.
local function span_on(fields, hours, zone)
  local function ms(minutes)
    return time
      .at({
        year = fields.year,
        month = fields.month,
        day = fields.day + minutes // 1440,
        hour = minutes % 1440 // 60,
        min = minutes % 60,
        zone = zone,
      })
      :ms()
  end
  return { ms(hours[1]), ms(hours[2]) }
end

--- Adds the spans of each day. `hours_on(date, weekday)` returns the hours, in minutes of the day.
local function add_days(list, from, to, zone, hours_on)
  local day = from:start_of_day(zone)
  while day < to do
    local fields = day:date()
    for _, hours in ipairs(hours_on(day:format("%F", zone), fields.wday - 1)) do
      list[#list + 1] = span_on(fields, hours, zone)
    end
    day = (day + time.days(1)):start_of_day()
  end
end

--- The open hours of a person or of a calendar without a team, within a span.
-- @tparam table calendars list of the person's calendars; or the one calendar
-- @tparam table schedules list of the person's schedules
-- @tparam instant from
-- @tparam instant to
-- @tparam function zone_of returns the zone of a calendar
-- @treturn table list of spans, see hoopai.command.lib.spans
-- @treturn string the source: "schedules", "calendars", "schedules and calendars" or "none"
function open_hours.of(calendars, schedules, from, to, zone_of)
  local list, has = {}, {}
  for _, calendar in ipairs(calendars) do
    local schedule = for_calendar(schedules, calendar)
    local calendar_zone = zone_of(calendar)
    local zone = schedule and schedule.timezone and time.zone(schedule.timezone) and schedule.timezone or calendar_zone
    if schedule then has.schedules = true end
    if not schedule and (calendar.openHours or calendar.availabilities) then has.calendars = true end
    add_days(list, from, to, calendar_zone, function(date) return hours_of_date(calendar, date) or {} end)
    add_days(list, from, to, zone, function(date, weekday)
      if hours_of_date(calendar, date) then return {} end
      return schedule and schedule_hours(schedule, date, weekday) or weekly_hours(calendar, weekday)
    end)
  end
  local source = has.schedules and (has.calendars and "schedules and calendars" or "schedules")
    or has.calendars and "calendars"
    or "none"
  return spans.common(spans.merge(list), { { from:ms(), to:ms() } }), source
end

return open_hours
