--- Blocked times.
-- @module hoopai.sandbox.handlers.block_slots

local access = require "hoopai.sandbox.domain.access"
local events = require "hoopai.sandbox.handlers.events"
local api_errors = require "hoopai.sandbox.api_errors"
local serializers = require "hoopai.sandbox.domain.serializers"
local local_time = require "hoopai.sandbox.domain.local_time"

local block_slots = {}

-- Calendars with a team are blocked through the members.
local function check_owner(context, body)
  if body.calendarId and body.assignedUserId then
    api_errors.unprocessable("Only one of calendarId and assignedUserId can be given")
  end
  if body.calendarId then
    local calendar = access.get(context, "calendars", body.calendarId, "Calendar")
    if context.options.strict_block_slots and calendar.calendarType ~= "event" then
      api_errors.bad_request("The calendar is not an event calendar.")
    end
  elseif body.assignedUserId then
    local user = context.store.users:get(body.assignedUserId)
    if not user or user.locationId ~= body.locationId then api_errors.bad_request("The user id is not valid.") end
  end
end

local function check_span(from, to)
  local missing = {}
  if not from then missing[#missing + 1] = "startTime must be a valid ISO 8601 date string" end
  if not to then missing[#missing + 1] = "endTime must be a valid ISO 8601 date string" end
  if missing[1] then api_errors.unprocessable(missing) end
  if to <= from then api_errors.unprocessable { "endTime must be after startTime" } end
end

function block_slots.list(context) return events.window(context, "blocks") end

function block_slots.create(context)
  local store, body = context.store, context.body
  check_owner(context, body)
  if not (body.calendarId or body.assignedUserId) then
    api_errors.unprocessable("Either of calendarId or assignedUserId is required")
  end
  local zone, now = store:zone_of(body.locationId), store.now()
  local from = body.startTime and local_time.parse(body.startTime, zone)
  local to = body.endTime and local_time.parse(body.endTime, zone)
  check_span(from, to)
  return serializers.block(
    store,
    store.blocks:add {
      id = store:new_id(),
      locationId = body.locationId,
      title = body.title or "Blocked",
      calendarId = body.calendarId,
      assignedUserId = body.assignedUserId,
      from = from,
      to = to,
      added = now,
      updated = now,
    }
  )
end

function block_slots.update(context)
  local store, body = context.store, context.body
  local block = access.get(context, "blocks", context.params.eventId, "Event")
  check_owner(context, body)
  local zone = store:zone_of(block.locationId)
  local from = body.startTime and local_time.parse(body.startTime, zone) or block.from
  local to = body.endTime and local_time.parse(body.endTime, zone) or block.to
  check_span(from, to)
  if body.calendarId or body.assignedUserId then
    block.calendarId, block.assignedUserId = body.calendarId, body.assignedUserId
  end
  local title = context.cleared.title and "Blocked" or block.title
  block.title, block.from, block.to, block.updated = body.title or title, from, to, store.now()
  return serializers.block(store, block)
end

return block_slots
