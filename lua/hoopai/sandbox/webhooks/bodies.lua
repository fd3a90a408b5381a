--- The bodies of webhooks: type -> function(store, record) that returns the fields beside the envelope.
--
-- The vendor has no webhooks of calendars, groups, blocked times, resources, notifications and schedules.
-- @module hoopai.sandbox.webhooks.bodies

local local_time = require "hoopai.sandbox.domain.local_time"
local serializers = require "hoopai.sandbox.domain.serializers"

local ipairs = ipairs

local bodies = {}

local function appointment(store, item)
  local shown = serializers.event(store, item)
  return {
    locationId = item.locationId,
    appointment = {
      id = shown.id,
      address = shown.address,
      title = shown.title,
      calendarId = shown.calendarId,
      contactId = shown.contactId,
      groupId = shown.groupId,
      appointmentStatus = shown.appointmentStatus,
      assignedUserId = shown.assignedUserId,
      users = shown.users,
      notes = shown.description,
      source = "third_party",
      startTime = shown.startTime,
      endTime = shown.endTime,
      dateAdded = shown.dateAdded,
      dateUpdated = shown.dateUpdated,
    },
  }
end

local function note(_, item)
  return {
    locationId = item.locationId,
    id = item.id,
    body = item.body,
    contactId = item.contactId,
    userId = item.userId,
    dateAdded = local_time.stamp(item.added),
  }
end

local function person(store, item)
  return {
    locationId = item.locationId,
    id = item.id,
    name = item.name,
    firstName = item.firstName,
    lastName = item.lastName,
    email = item.email,
    phone = item.phone,
    dateAdded = local_time.stamp(store.now()),
  }
end

local function installation(_, authorization)
  return {
    installType = authorization.user_type,
    locationId = authorization.location_id,
    companyId = authorization.company_id,
    userId = authorization.user_id,
    companyName = "North Star",
    isWhitelabelCompany = false,
  }
end

local function removal(_, authorization)
  local location_id = authorization.location_id
  return { locationId = location_id, companyId = not location_id and authorization.company_id or nil }
end

for _, entry in ipairs {
  { appointment, "AppointmentCreate", "AppointmentUpdate", "AppointmentDelete" },
  { note, "NoteCreate", "NoteUpdate", "NoteDelete" },
  { person, "ContactCreate", "UserCreate" },
  { installation, "INSTALL" },
  { removal, "UNINSTALL" },
} do
  for position = 2, #entry do
    bodies[entry[position]] = entry[1]
  end
end

--- The fields of an appointment in the body itself, as some receivers report it.
-- @tparam table fields
-- @treturn table
function bodies.flat(fields)
  local inner = fields.appointment
  if not inner then return fields end
  inner.locationId = fields.locationId
  return inner
end

--- Lists that stay lists when they are empty.
bodies.shape = { fields = { appointment = { fields = { users = { array = true } } }, users = { array = true } } }

return bodies
