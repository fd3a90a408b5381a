--- Calendars and their free slots.
-- @module hoopai.sandbox.handlers.calendars

local access = require "hoopai.sandbox.domain.access"
local bookings = require "hoopai.sandbox.domain.bookings"
local core = require "hoopai.core"
local api_errors = require "hoopai.sandbox.api_errors"
local slots = require "hoopai.sandbox.domain.slots"
local local_time = require "hoopai.sandbox.domain.local_time"

local format, gsub, lower = string.format, string.gsub, string.lower
local ipairs, pairs = ipairs, pairs

local LONGEST_RANGE = 31 * 86400000

-- The fields of a calendar that was created with a location and a name alone.
local DEFAULTS = {
  isActive = true,
  eventType = "RoundRobin_OptimizeForAvailability",
  widgetType = "default",
  eventTitle = "{{contact.name}}",
  eventColor = "#039be5",
  slotDuration = 30,
  slotDurationUnit = "mins",
  slotInterval = 30,
  slotIntervalUnit = "mins",
  appoinmentPerSlot = 1,
  enableRecurring = false,
  autoConfirm = true,
  googleInvitationEmails = false,
  allowReschedule = true,
  allowCancellation = true,
  formSubmitType = "ThankYouMessage",
}

local function office_hours()
  return {
    {
      daysOfTheWeek = { 1, 2, 3, 4, 5 },
      hours = { { openHour = 8, openMinute = 0, closeHour = 17, closeMinute = 0 } },
    },
  }
end

local function slug_of(name)
  local slug = gsub(gsub(lower(name), "[^%w]+", "-"), "^%-*(.-)%-*$", "%1")
  return slug == "" and "calendar" or slug
end

local function check_slug(store, location_id, slug, own_id)
  for _, calendar in ipairs(store.calendars.items) do
    if calendar.locationId == location_id and calendar.slug == slug and calendar.id ~= own_id then
      api_errors.bad_request("A calendar with this slug already exists.")
    end
  end
end

local NEED_TEAM = { round_robin = true, collective = true, class_booking = true, service_booking = true }

local function check_team(store, calendar)
  for _, member in ipairs(calendar.teamMembers or {}) do
    local user = store.users:get(member.userId)
    if not user or user.locationId ~= calendar.locationId then
      api_errors.bad_request("The user id " .. member.userId .. " is not valid.")
    end
    member.priority = member.priority or 0.5
  end
  local count = #(calendar.teamMembers or {})
  if calendar.calendarType == "personal" and count ~= 1 then
    api_errors.unprocessable { "teamMembers must contain exactly one member for a personal calendar" }
  end
  if count == 0 and NEED_TEAM[calendar.calendarType] then
    api_errors.unprocessable { "teamMembers must contain at least 1 elements" }
  end
  if calendar.enableRecurring and count > 1 then
    api_errors.unprocessable { "enableRecurring is only possible with exactly one team member" }
  end
end

-- The pattern of the field accepts the 30th of February.
local function check_dates(calendar)
  local problems = {}
  for i, day in ipairs(calendar.availabilities or {}) do
    if not local_time.parse_date(day.date) then
      problems[#problems + 1] = format("availabilities.%d.date must be a valid date", i - 1)
    end
  end
  if problems[1] then api_errors.unprocessable(problems) end
end

local function check_group(context, id)
  if id then access.get(context, "groups", id, "Group") end
end

local calendars = {}

function calendars.list(context)
  local query = context.query
  return context.store.calendars:where(
    function(calendar)
      return calendar.locationId == query.locationId
        and (not query.groupId or calendar.groupId == query.groupId)
        and (query.showDrafted ~= false or calendar.isActive ~= false)
    end
  )
end

function calendars.create(context)
  local store, calendar = context.store, context.body
  check_group(context, calendar.groupId)
  for name, default in pairs(DEFAULTS) do
    if calendar[name] == nil then calendar[name] = default end
  end
  calendar.calendarType = calendar.calendarType or #(calendar.teamMembers or {}) > 0 and "round_robin" or "event"
  calendar.openHours = calendar.openHours or office_hours()
  check_dates(calendar)
  check_team(store, calendar)
  if calendar.slug then check_slug(store, calendar.locationId, calendar.slug) end
  calendar.id = store:new_id()
  calendar.slug = calendar.slug or slug_of(calendar.name) .. "-" .. lower(calendar.id:sub(1, 6))
  return store.calendars:add(calendar)
end

function calendars.get(context) return access.get(context, "calendars", context.params.calendarId, "Calendar") end

function calendars.update(context)
  local store, body = context.store, context.body
  local calendar = calendars.get(context)
  check_group(context, body.groupId)
  check_dates(body)
  if body.slug then check_slug(store, calendar.locationId, body.slug, calendar.id) end
  local changed = {}
  for name, value in pairs(calendar) do
    changed[name] = value
  end
  for name, value in pairs(body) do
    changed[name] = value
  end
  for name in pairs(context.cleared) do
    changed[name] = nil
  end
  if body.teamMembers or body.enableRecurring or context.cleared.teamMembers then check_team(store, changed) end
  for name in pairs(context.cleared) do
    calendar[name] = nil
  end
  for name, value in pairs(changed) do
    calendar[name] = value
  end
  return calendar
end

-- The appointments, blocked times and notifications of the calendar are deleted too.
function calendars.delete(context)
  local store, calendar = context.store, calendars.get(context)
  local function of_calendar(item) return item.calendarId == calendar.id end
  for _, name in ipairs { "series", "appointments" } do
    for _, appointment in ipairs(store[name]:where(of_calendar)) do
      bookings.remove(store, appointment)
    end
  end
  for _, name in ipairs { "blocks", "notifications" } do
    for _, item in ipairs(store[name]:where(of_calendar)) do
      store[name]:remove(item.id)
    end
  end
  for _, name in ipairs { "schedules", "resources" } do
    for _, item in ipairs(store[name].items) do
      for position = #item.calendarIds, 1, -1 do
        if item.calendarIds[position] == calendar.id then table.remove(item.calendarIds, position) end
      end
    end
  end
  store.event_schedules:remove(calendar.id)
  store.calendars:remove(calendar.id)
  return { success = true }
end

local function wanted_users(query)
  if not query.userId and not query.userIds then return nil end
  local users = {}
  for _, id in ipairs(query.userIds or {}) do
    users[id] = true
  end
  if query.userId then users[query.userId] = true end
  return users
end

function calendars.free_slots(context)
  local store, query = context.store, context.query
  local calendar = calendars.get(context)
  if query.endDate < query.startDate then api_errors.bad_request("endDate must be after startDate") end
  if query.endDate - query.startDate > LONGEST_RANGE then
    api_errors.bad_request("The date range must not be longer than 31 days.")
  end
  local zone = query.timezone or store:zone_of(calendar.locationId)
  local days = {}
  local starts = slots.free(store, calendar, {
    from = query.startDate,
    to = query.endDate,
    users = wanted_users(query),
  })
  for _, start in ipairs(starts) do
    local text = local_time.iso(start, zone)
    local date = text:sub(1, 10)
    days[date] = days[date] or { slots = core.array {} }
    days[date].slots[#days[date].slots + 1] = text
  end
  return days
end

return calendars
