--- Appointments and blocked times as the responses of the API show them.
-- @module hoopai.sandbox.domain.serializers

local core = require "hoopai.core"
local local_time = require "hoopai.sandbox.domain.local_time"

local serializers = {}

--- An event of a list: all fields, with the times in the zone of the location.
-- @tparam table store
-- @tparam table item an appointment or a block
-- @treturn table
function serializers.event(store, item)
  local zone = store:zone_of(item.locationId)
  local calendar = item.calendarId and store.calendars:get(item.calendarId)
  return {
    id = item.id,
    locationId = item.locationId,
    calendarId = item.calendarId,
    contactId = item.contactId,
    groupId = calendar and calendar.groupId,
    title = item.title,
    address = item.address,
    description = item.description,
    appointmentStatus = item.appointmentStatus,
    assignedUserId = item.assignedUserId,
    users = core.array(item.assignedUserId and { item.assignedUserId } or {}),
    assignedResources = core.array {},
    isRecurring = item.isRecurring or false,
    rrule = item.rrule,
    masterEventId = item.masterEventId,
    createdBy = { source = "integration" },
    startTime = local_time.iso(item.from, zone),
    endTime = local_time.iso(item.to, zone),
    dateAdded = local_time.stamp(item.added),
    dateUpdated = local_time.stamp(item.updated),
    deleted = false,
  }
end

--- The response to `get`: the status is there under the misspelt name as well.
-- @tparam table store
-- @tparam table item an appointment
-- @treturn table
function serializers.one_event(store, item)
  local shown = serializers.event(store, item)
  shown.appoinmentStatus = shown.appointmentStatus
  return shown
end

--- The response to `create` and `update`: no times. The dates are of version v3.
-- @tparam table item an appointment
-- @treturn table
function serializers.appointment(item)
  return {
    id = item.id,
    locationId = item.locationId,
    calendarId = item.calendarId,
    contactId = item.contactId,
    title = item.title,
    meetingLocationType = item.meetingLocationType or "default",
    appointmentStatus = item.appointmentStatus,
    assignedUserId = item.assignedUserId,
    address = item.address,
    isRecurring = item.isRecurring or false,
    rrule = item.rrule,
    dateAdded = local_time.stamp(item.added),
    dateUpdated = local_time.stamp(item.updated),
  }
end

--- A blocked time in the response to `create` and `update`.
-- @tparam table store
-- @tparam table item a block
-- @treturn table
function serializers.block(store, item)
  local zone = store:zone_of(item.locationId)
  return {
    id = item.id,
    locationId = item.locationId,
    title = item.title,
    calendarId = item.calendarId,
    assignedUserId = item.assignedUserId,
    startTime = local_time.iso(item.from, zone),
    endTime = local_time.iso(item.to, zone),
  }
end

return serializers
