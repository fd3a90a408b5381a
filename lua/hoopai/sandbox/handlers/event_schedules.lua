--- Availability schedules of event calendars: one for each calendar, under the id of the calendar.
-- @module hoopai.sandbox.handlers.event_schedules

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"
local local_time = require "hoopai.sandbox.domain.local_time"
local schedule_rules = require "hoopai.sandbox.domain.schedule_rules"

local event_schedules = {}

local function calendar_of(context)
  local calendar = access.get(context, "calendars", context.params.calendarId, "Event calendar")
  if calendar.calendarType ~= "event" then api_errors.not_found("Event calendar not found") end
  return calendar
end

local function get(context)
  return context.store.event_schedules:get(calendar_of(context).id) or api_errors.not_found("Schedule not found")
end

local function view(schedule)
  return {
    calendarId = schedule.id,
    rules = schedule.rules,
    timezone = schedule.timezone,
    dateAdded = local_time.stamp(schedule.added),
    dateUpdated = local_time.stamp(schedule.updated),
  }
end

function event_schedules.get(context) return view(get(context)) end

function event_schedules.create(context)
  local store, body, calendar = context.store, context.body, calendar_of(context)
  schedule_rules.check(body.rules)
  if store.event_schedules:get(calendar.id) then
    api_errors.unprocessable("A schedule already exists for this event calendar.")
  end
  local now = store.now()
  return view(store.event_schedules:add {
    id = calendar.id,
    locationId = calendar.locationId,
    rules = body.rules,
    timezone = body.timezone,
    added = now,
    updated = now,
  })
end

function event_schedules.update(context)
  local schedule, body = get(context), context.body
  schedule_rules.check(body.rules)
  schedule.rules, schedule.timezone = body.rules or schedule.rules, body.timezone or schedule.timezone
  schedule.updated = context.store.now()
  return view(schedule)
end

return event_schedules
