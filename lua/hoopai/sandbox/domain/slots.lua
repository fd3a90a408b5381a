--- Free slots: the bookable start times, computed from open hours, appointments and blocked times.
--
-- A slot is free for a team member if it lies within the member's hours, overlaps no blocked time of the member or the
-- calendar and no appointment of the member in another calendar, and overlaps fewer than `appoinmentPerSlot`
-- appointments of the same calendar. Buffers apply to both sides: the gap between two appointments is at least the
-- larger of the two buffers.
--
-- A slot of a `collective` calendar needs all members to be free, a slot of another calendar one of them. Calendars
-- without members count the calendar's own appointments.
-- @module hoopai.sandbox.domain.slots

local local_time = require "hoopai.sandbox.domain.local_time"

local ipairs, pairs = ipairs, pairs
local max, min = math.max, math.min
local match, sort = string.match, table.sort
local tonumber = tonumber

local MINUTE, HOUR, DAY = 60000, 3600000, 86400000
local UNITS = { mins = MINUTE, hours = HOUR, days = DAY, weeks = 7 * DAY }
local WEEKDAYS = { [0] = "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" }

local slots = {}

local function span(amount, unit, default) return ((amount or default) * UNITS[unit or "mins"]) // 1 | 0 end

--- The duration of a calendar's slots.
-- @tparam table calendar
-- @treturn integer ms
function slots.duration(calendar) return max(span(calendar.slotDuration, calendar.slotDurationUnit, 30), MINUTE) end

local function interval(calendar) return max(span(calendar.slotInterval, calendar.slotIntervalUnit, 30), MINUTE) end

local function buffers(calendar)
  return span(calendar.preBuffer, calendar.preBufferUnit, 0), span(calendar.slotBuffer, calendar.slotBufferUnit, 0)
end

--- The user ids of a calendar's team, in order.
-- @tparam table calendar
-- @treturn table
function slots.members(calendar)
  local ids = {}
  for i, member in ipairs(calendar.teamMembers or {}) do
    ids[i] = member.userId
  end
  return ids
end

--- Whether an appointment occupies its time.
-- @tparam table appointment
-- @treturn boolean
function slots.is_active(appointment)
  return appointment.appointmentStatus ~= "cancelled" and appointment.appointmentStatus ~= "invalid"
end

-- Hours --------------------------------------------------------------------------------------------------------------

-- A calendar cannot write midnight as 24:00: hours that close at 0:00 close at the end of the day.
local function closing(opens, closes) return closes <= opens and closes == 0 and 1440 or closes end

local function calendar_hours(hours, found)
  for _, hour in ipairs(hours or {}) do
    local opens = hour.openHour * 60 + hour.openMinute
    found[#found + 1] = { opens, closing(opens, hour.closeHour * 60 + hour.closeMinute) }
  end
  return found
end

local function custom_hours(calendar, date)
  local text = local_time.date_text(date)
  for _, day in ipairs(calendar.availabilities or {}) do
    if not day.deleted and day.date:sub(1, 10) == text then return calendar_hours(day.hours, {}) end
  end
end

-- `availabilityType` 0: open hours alone; 1: custom availability alone; null: custom availability on the dates that
-- have it, open hours on the others. Returns nil if the open hours apply.
local function special_hours(calendar, date)
  local kind = calendar.availabilityType
  if kind == 0 then return nil end
  return custom_hours(calendar, date) or kind == 1 and {} or nil
end

local function weekly_hours(calendar, date)
  local found = {}
  for _, open in ipairs(calendar.openHours or {}) do
    for _, weekday in ipairs(open.daysOfTheWeek) do
      if weekday == local_time.weekday(date) then calendar_hours(open.hours, found) end
    end
  end
  return found
end

local function clock_minutes(text)
  local hours, minutes = match(text, "^(%d+):(%d+)$")
  return tonumber(hours) * 60 + tonumber(minutes)
end

-- A rule for the date replaces the rules for its weekday.
local function hours_of_schedule(schedule, date)
  local text, weekday = local_time.date_text(date), WEEKDAYS[local_time.weekday(date)]
  local of_date, of_weekday
  for _, rule in ipairs(schedule.rules or {}) do
    local found
    if rule.type == "date" and rule.date == text then
      of_date = of_date or {}
      found = of_date
    elseif rule.type == "wday" and rule.day == weekday then
      of_weekday = of_weekday or {}
      found = of_weekday
    end
    for _, range in ipairs(found and rule.intervals or {}) do
      local opens = clock_minutes(range.from)
      found[#found + 1] = { opens, closing(opens, clock_minutes(range.to)) }
    end
  end
  return of_date or of_weekday or {}
end

local function schedule_of(store, calendar, user)
  for _, schedule in ipairs(store.schedules.items) do
    if schedule.userId == user then
      for _, id in ipairs(schedule.calendarIds) do
        if id == calendar.id then return schedule end
      end
    end
  end
end

-- The working hours of a member, as { from, to } in ms, on all local days that overlap [from, to]. A member's schedule,
-- or that of an event calendar, replaces the weekly hours of the calendar. The calendar's special dates apply to all
-- members.
local function open_spans(store, calendar, user, from, to)
  local schedule = user and schedule_of(store, calendar, user)
    or calendar.calendarType == "event" and store.event_schedules:get(calendar.id)
    or nil
  local calendar_zone = store:zone_of(calendar.locationId)
  local user_zone = schedule and schedule.timezone or calendar_zone
  local spans = {}
  for date = local_time.date(from, user_zone) - 1, (local_time.date(to, user_zone)) do
    local hours, zone = special_hours(calendar, date), calendar_zone
    if not hours then
      hours, zone = schedule and hours_of_schedule(schedule, date) or weekly_hours(calendar, date), user_zone
    end
    for _, hour in ipairs(hours) do
      spans[#spans + 1] = { local_time.instant(date, hour[1], zone), local_time.instant(date, hour[2], zone) }
    end
  end
  return spans
end

-- Occupied times -----------------------------------------------------------------------------------------------------

local function appointment_entry(store, appointment)
  local calendar = store.calendars:get(appointment.calendarId)
  local pre, post = 0, 0
  if calendar then
    pre, post = buffers(calendar)
  end
  return {
    from = appointment.from,
    to = appointment.to,
    pre = pre,
    post = post,
    calendar = appointment.calendarId,
    user = appointment.assignedUserId,
  }
end

-- Whether an item has this id, or is an instance of the series of this id.
local function is_of(item, id) return id ~= nil and (item.id == id or item.masterEventId == id) end

-- The times that service bookings take of their staff.
local function add_services(store, near, occupied)
  for _, booking in ipairs(store.service_bookings.items) do
    if near(booking) and not booking.deleted and slots.is_active { appointmentStatus = booking.status } then
      for _, part in ipairs(booking.parts) do
        occupied[#occupied + 1] = { from = part.from, to = part.to, pre = part.pre, post = part.post, user = part.user }
      end
    end
  end
end

-- All appointments, service bookings and blocked times of the location between two instants, with a day's margin for
-- long buffers.
local function occupied_between(store, calendar, from, to, except)
  local occupied = {}
  from, to = from - DAY, to + DAY
  local function near(item)
    return item.locationId == calendar.locationId and not is_of(item, except) and item.from < to and item.to > from
  end
  for _, appointment in ipairs(store.appointments.items) do
    if near(appointment) and slots.is_active(appointment) then
      occupied[#occupied + 1] = appointment_entry(store, appointment)
    end
  end
  add_services(store, near, occupied)
  for _, block in ipairs(store.blocks.items) do
    if near(block) then
      occupied[#occupied + 1] = {
        from = block.from,
        to = block.to,
        pre = 0,
        post = 0,
        calendar = block.calendarId,
        user = block.assignedUserId,
        block = true,
      }
    end
  end
  return occupied
end

local function concerns(entry, calendar, user)
  if entry.user then return entry.user == user or not user and entry.calendar == calendar.id end
  return entry.calendar == calendar.id
end

local function touches(entry, from, to, pre, post)
  if entry.block then return from < entry.to and to > entry.from end
  return from - pre < entry.to and to + post > entry.from
    or from < entry.to + entry.post and to > entry.from - entry.pre
end

local function is_free(occupied, calendar, user, from, to)
  local pre, post = buffers(calendar)
  local seats = calendar.appoinmentPerSlot or 1
  for _, entry in ipairs(occupied) do
    if concerns(entry, calendar, user) and touches(entry, from, to, pre, post) then
      if entry.block or entry.calendar ~= calendar.id then return false end
      seats = seats - 1
      if seats <= 0 then return false end
    end
  end
  return true
end

-- Whether a span lies within the hours of a user: of one of the user's schedules, if there are any.
local function is_in_hours(store, location_id, user, from, to)
  local has_schedule = false
  for _, schedule in ipairs(store.schedules.items) do
    if schedule.userId == user and schedule.locationId == location_id then
      has_schedule = true
      local date = local_time.date(from, schedule.timezone)
      for _, hour in ipairs(hours_of_schedule(schedule, date)) do
        local opens = local_time.instant(date, hour[1], schedule.timezone)
        if from >= opens and to <= local_time.instant(date, hour[2], schedule.timezone) then return true end
      end
    end
  end
  return not has_schedule
end

--- Whether a user is free for a service.
-- @tparam table store
-- @tparam string location_id
-- @tparam string user
-- @tparam table part `from`, `to`, and the buffers `pre` and `post`, all in ms
-- @tparam ?string except a service booking to ignore: the one being moved
-- @treturn boolean
function slots.is_user_free(store, location_id, user, part, except)
  if not is_in_hours(store, location_id, user, part.from, part.to) then return false end
  for _, entry in ipairs(occupied_between(store, { locationId = location_id }, part.from, part.to, except)) do
    if entry.user == user and touches(entry, part.from, part.to, part.pre, part.post) then return false end
  end
  return true
end

-- The dates that have the calendar's maximum of appointments per day.
local function full_days(store, calendar, except)
  local full, limit = {}, calendar.appoinmentPerDay
  if not limit or limit <= 0 then return full end
  local count, zone = {}, store:zone_of(calendar.locationId)
  for _, appointment in ipairs(store.appointments.items) do
    local counts = appointment.calendarId == calendar.id and not is_of(appointment, except)
    if counts and slots.is_active(appointment) then
      local date = local_time.date(appointment.from, zone)
      count[date] = (count[date] or 0) + 1
      if count[date] >= limit then full[date] = true end
    end
  end
  return full
end

-- The first and the last instant that can be booked now: notice and date range of the calendar.
local function booking_window(store, calendar)
  local now, zone = store.now(), store:zone_of(calendar.locationId)
  local date, minutes = local_time.date(now, zone)
  local function later(amount, unit)
    if unit == "hours" or unit == "mins" then return now + span(amount, unit, 0) end
    local target = unit == "months" and local_time.add_months(date, amount // 1 | 0)
      or date + (amount // 1 | 0) * (unit == "weeks" and 7 or 1)
    return local_time.instant(target, minutes, zone) + now % MINUTE
  end
  local first, last = now, math.maxinteger
  if (calendar.allowBookingAfter or 0) > 0 then
    first = later(calendar.allowBookingAfter, calendar.allowBookingAfterUnit or "hours")
  end
  if (calendar.allowBookingFor or 0) > 0 then
    last = later(calendar.allowBookingFor, calendar.allowBookingForUnit or "days")
  end
  return first, last
end

-- Start times --------------------------------------------------------------------------------------------------------

-- The free start times of one member (nil: of the calendar itself) as a set.
local function starts_of(store, calendar, user, from, to, length, occupied)
  local starts, step = {}, interval(calendar)
  for _, hours in ipairs(open_spans(store, calendar, user, from, to)) do
    local start = hours[1]
    if start < from then start = start + (from - start + step - 1) // step * step end
    while start <= to and start + length <= hours[2] do
      if is_free(occupied, calendar, user, start, start + length) then starts[start] = true end
      start = start + step
    end
  end
  return starts
end

local function wanted_members(calendar, wanted)
  local members = slots.members(calendar)
  if not wanted then return members end
  local chosen = {}
  for _, id in ipairs(members) do
    if wanted[id] then chosen[#chosen + 1] = id end
  end
  return chosen
end

-- Start time -> list of the free members (an empty list for a calendar without a team).
local function starts_by_member(store, calendar, query)
  local from, to = query.from, query.to
  if not query.ignore_date_range then
    local first, last = booking_window(store, calendar)
    from, to = max(from, first), min(to, last)
  end
  local by_start = {}
  if from > to then return by_start end
  local length = query.length or slots.duration(calendar)
  local occupied = occupied_between(store, calendar, from, to + length, query.except)
  if #slots.members(calendar) == 0 then
    for start in pairs(starts_of(store, calendar, nil, from, to, length, occupied)) do
      by_start[start] = {}
    end
  end
  local members = wanted_members(calendar, query.users)
  for _, user in ipairs(members) do
    for start in pairs(starts_of(store, calendar, user, from, to, length, occupied)) do
      by_start[start] = by_start[start] or {}
      by_start[start][#by_start[start] + 1] = user
    end
  end
  if calendar.calendarType == "collective" then
    for start, free in pairs(by_start) do
      if #free < #members then by_start[start] = nil end
    end
  end
  local full, zone = full_days(store, calendar, query.except), store:zone_of(calendar.locationId)
  for start in pairs(by_start) do
    if full[local_time.date(start, zone)] then by_start[start] = nil end
  end
  return by_start
end

--- The bookable start times, in order.
-- @tparam table store
-- @tparam table calendar
-- @tparam table query
-- @tparam integer query.from first start time, in ms
-- @tparam integer query.to last start time, in ms
-- @tparam ?table query.users set of user ids: other members are ignored
-- @treturn table list of ms
function slots.free(store, calendar, query)
  local list = {}
  if calendar.isActive == false then return list end
  for start in pairs(starts_by_member(store, calendar, query)) do
    list[#list + 1] = start
  end
  sort(list)
  return list
end

--- The members that are free for an appointment, or nil if the slot is not free.
-- @tparam table store
-- @tparam table calendar
-- @tparam integer start in ms
-- @tparam ?table options
-- @tparam ?integer options.length in ms; default: the duration of the calendar's slots
-- @tparam ?string options.user this member alone
-- @tparam ?boolean options.ignore_date_range ignore notice and date range
-- @tparam ?string options.except an appointment or a series to ignore: the one being moved
-- @treturn ?table list of user ids; empty for a calendar without a team
function slots.free_members(store, calendar, start, options)
  options = options or {}
  if calendar.isActive == false then return nil end
  return starts_by_member(store, calendar, {
    from = start,
    to = start,
    users = options.user and { [options.user] = true } or nil,
    length = options.length,
    ignore_date_range = options.ignore_date_range,
    except = options.except,
  })[start]
end

return slots
