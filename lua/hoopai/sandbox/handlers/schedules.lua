--- Availability schedules of users.
-- @module hoopai.sandbox.handlers.schedules

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"
local local_time = require "hoopai.sandbox.domain.local_time"
local schedule_rules = require "hoopai.sandbox.domain.schedule_rules"

local insert, remove = table.insert, table.remove
local ipairs, pairs = ipairs, pairs

local schedules = {}

local function get(context) return access.get(context, "schedules", context.params.id, "Schedule") end

local function view(schedule)
  local shown = {}
  for name, value in pairs(schedule) do
    shown[name] = value
  end
  shown.added, shown.updated = nil, nil
  shown.dateAdded, shown.dateUpdated = local_time.stamp(schedule.added), local_time.stamp(schedule.updated)
  shown.deleted = false
  return shown
end

local function position_of(schedule, calendar_id)
  for position, id in ipairs(schedule.calendarIds) do
    if id == calendar_id then return position end
  end
end

function schedules.list(context)
  local query = context.query
  local all = context.store.schedules:where(
    function(schedule)
      return schedule.locationId == query.locationId
        and schedule.userId == query.userId
        and (not query.calendarId or position_of(schedule, query.calendarId) ~= nil)
    end
  )
  local page, skip = {}, query.skip or 0
  for position = skip + 1, skip + (query.limit or 50) do
    if not all[position] then break end
    page[#page + 1] = view(all[position])
  end
  return page
end

function schedules.create(context)
  local store, body = context.store, context.body
  local user = store.users:get(body.userId)
  if not user or user.locationId ~= body.locationId then api_errors.bad_request("The user id is not valid.") end
  schedule_rules.check(body.rules)
  for _, id in ipairs(body.calendarIds or {}) do
    access.get(context, "calendars", id, "Calendar")
  end
  local now = store.now()
  return view(store.schedules:add {
    id = store:new_id(),
    locationId = body.locationId,
    name = body.name,
    userId = body.userId,
    timezone = body.timezone,
    rules = body.rules or {},
    calendarIds = body.calendarIds or {},
    added = now,
    updated = now,
  })
end

function schedules.get(context) return view(get(context)) end

function schedules.update(context)
  local schedule, body = get(context), context.body
  schedule_rules.check(body.rules)
  for name, value in pairs(body) do
    schedule[name] = value
  end
  if context.cleared.rules then schedule.rules = {} end
  schedule.updated = context.store.now()
  return view(schedule)
end

function schedules.delete(context)
  context.store.schedules:remove(get(context).id)
  return { success = true }
end

local function association(context)
  local schedule = get(context)
  local calendar = context.store.calendars:get(context.params.calendarId)
  if not calendar then api_errors.not_found("Calendar not found") end
  if calendar.locationId ~= schedule.locationId then
    api_errors.bad_request("Schedule and calendar must belong to the same location")
  end
  return schedule, calendar.id
end

function schedules.add_calendar(context)
  local schedule, calendar_id = association(context)
  if not position_of(schedule, calendar_id) then insert(schedule.calendarIds, calendar_id) end
  return { success = true }
end

function schedules.remove_calendar(context)
  local schedule, calendar_id = association(context)
  local position = position_of(schedule, calendar_id)
  if position then remove(schedule.calendarIds, position) end
  return { success = true }
end

return schedules
