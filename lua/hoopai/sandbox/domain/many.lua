--- Several pages of everything, for trying what reads all pages: the option `many` of a sandbox.
--
-- All of it belongs to a user and a calendar of their own, so that the slots of the other calendars stay as they are.
-- The identifiers are the field `many` of the seed:
--
--     user_id          the user of all schedules and blocked times
--     calendar_id      the calendar of all appointments and notifications
--     appointment_id   the appointment of all notes
--     contacts, appointments, calendars, groups    lists of ids
-- @module hoopai.sandbox.domain.many

local local_time = require "hoopai.sandbox.domain.local_time"

local format = string.format

local many = {}

-- Twenty letters and digits, such as "NoteMany000000000001".
local function id(kind, number)
  local stem = kind .. "Many"
  return stem .. format("%0" .. 20 - #stem .. "d", number)
end

local function people(store, location_id, count)
  local user = store.users:add { id = id("User", 1), name = "Robin Many", locationId = location_id }
  local contacts = {}
  for i = 1, count do
    contacts[i] =
      store.contacts:add({ id = id("Contact", i), name = format("Contact %d", i), locationId = location_id }).id
  end
  return user.id, contacts
end

local function groups(store, location_id, count)
  local list = {}
  for i = 1, count do
    list[i] = store.groups:add({
      id = id("Group", i),
      locationId = location_id,
      name = format("Group %d", i),
      description = "One of many",
      slug = format("group-%d", i),
      isActive = true,
    }).id
  end
  return list
end

local function calendars(store, location_id, user_id, count)
  local list = {}
  for i = 1, count do
    list[i] = store.calendars:add({
      id = id("Calendar", i),
      locationId = location_id,
      name = format("Calendar %d", i),
      slug = format("calendar-%d", i),
      calendarType = "personal",
      isActive = true,
      eventTitle = "{{contact.name}}",
      eventColor = "#039be5",
      teamMembers = { { userId = user_id, priority = 0.5, isPrimary = true } },
      slotDuration = 30,
      slotDurationUnit = "mins",
      slotInterval = 30,
      slotIntervalUnit = "mins",
      appoinmentPerSlot = 1,
      autoConfirm = true,
      openHours = {
        {
          daysOfTheWeek = { 1, 2, 3, 4, 5 },
          hours = { { openHour = 9, openMinute = 0, closeHour = 17, closeMinute = 0 } },
        },
      },
    }).id
  end
  return list
end

-- An appointment at 9:00 and a blocked time at 12:00 on each day, half of them in the past.
local function events(store, location_id, handles, count)
  local zone, now, list = store:zone_of(location_id), store.now(), {}
  local first = local_time.date(now, zone) - count // 2
  for i = 1, count do
    local date = first + i - 1
    local from, noon = local_time.instant(date, 9 * 60, zone), local_time.instant(date, 12 * 60, zone)
    list[i] = store.appointments:add({
      id = id("Event", i),
      locationId = location_id,
      calendarId = handles.calendar_id,
      contactId = handles.contacts[i],
      assignedUserId = handles.user_id,
      title = format("Contact %d", i),
      appointmentStatus = from < now and "showed" or "confirmed",
      from = from,
      to = from + 1800000,
      added = now,
      updated = now,
    }).id
    store.blocks:add {
      id = id("Block", i),
      locationId = location_id,
      title = format("Break %d", i),
      assignedUserId = handles.user_id,
      from = noon,
      to = noon + 3600000,
      added = now,
      updated = now,
    }
  end
  return list
end

local function paged(store, location_id, handles, count)
  local now, zone = store.now(), store:zone_of(location_id)
  for i = 1, count do
    store.notes:add {
      id = id("Note", i),
      locationId = location_id,
      appointmentId = handles.appointment_id,
      contactId = handles.contacts[1],
      userId = handles.user_id,
      body = format("Note %d", i),
      added = now,
    }
    store.notifications:add {
      id = id("Notice", i),
      locationId = location_id,
      calendarId = handles.calendar_id,
      receiverType = "contact",
      channel = "email",
      notificationType = "reminder",
      isActive = true,
      deleted = false,
      subject = format("Notification %d", i),
      body = "See you soon.",
      beforeTime = { { timeOffset = i, unit = "hours" } },
    }
    store.schedules:add {
      id = id("Schedule", i),
      locationId = location_id,
      name = format("Schedule %d", i),
      userId = handles.user_id,
      timezone = zone,
      rules = {},
      calendarIds = {},
      added = now,
      updated = now,
    }
    for kind, resource_type in pairs { Room = "rooms", Equipment = "equipments" } do
      store.resources:add {
        id = id(kind, i),
        locationId = location_id,
        resourceType = resource_type,
        name = format("%s %d", kind, i),
        description = "One of many",
        isActive = true,
        quantity = 1,
        outOfService = 0,
        capacity = 1,
        calendarIds = {},
      }
    end
  end
end

--- Adds so many of everything to a location.
-- @tparam table store
-- @tparam string location_id
-- @tparam integer count
-- @treturn table the identifiers, as listed above
function many.fill(store, location_id, count)
  local handles = {}
  handles.user_id, handles.contacts = people(store, location_id, count)
  handles.groups = groups(store, location_id, count)
  handles.calendars = calendars(store, location_id, handles.user_id, count)
  handles.calendar_id = handles.calendars[1]
  handles.appointments = events(store, location_id, handles, count)
  handles.appointment_id = handles.appointments[1]
  paged(store, location_id, handles, count)
  return handles
end

return many
