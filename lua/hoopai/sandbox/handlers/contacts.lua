--- Contacts.
-- @module hoopai.sandbox.handlers.contacts

local access = require "hoopai.sandbox.domain.access"
local core = require "hoopai.core"
local local_time = require "hoopai.sandbox.domain.local_time"
local people = require "hoopai.sandbox.domain.people"

local gsub, lower, sub = string.gsub, string.lower, string.sub
local ipairs, pairs, sort = ipairs, pairs, table.sort

local contacts = {}

local function get(context) return access.get(context, "contacts", context.params.contactId, "Contact") end

local function view(contact)
  local shown = people.view(contact)
  if contact.added then
    shown.dateAdded, shown.dateUpdated = local_time.stamp(contact.added), local_time.stamp(contact.updated)
  end
  return shown
end

local function digits(phone) return (gsub(phone, "[^%d+]", "")) end

-- The contact with the address, else the one with the number.
local function find(store, body)
  for _, name in ipairs { "email", "phone" } do
    local normal = name == "email" and lower or digits
    for _, contact in ipairs(body[name] and store.contacts.items or {}) do
      local is_here = contact.locationId == body.locationId and contact[name]
      if is_here and normal(contact[name]) == normal(body[name]) then return contact end
    end
  end
end

-- The location allows no duplicates, so createNewIfDuplicateAllowed changes nothing.
function contacts.upsert(context)
  local store, body = context.store, context.body
  local now, contact = store.now(), find(store, body)
  local is_new = contact == nil
  contact = contact or store.contacts:add { id = store:new_id(), locationId = body.locationId, added = now }
  body.createNewIfDuplicateAllowed = nil
  if not body.name and (body.firstName or body.lastName) then contact.name = nil end
  for name, value in pairs(body) do
    contact[name] = value
  end
  if contact.customFields then
    for index, field in ipairs(contact.customFields) do
      contact.customFields[index] = { id = field.id, value = field.field_value or field.value }
    end
  end
  contact.added, contact.updated = contact.added or now, now
  contact.name = people.view(contact).name
  return view(contact), { new = is_new }
end

function contacts.get(context) return view(get(context)) end

-- Local time without a zone, such as "2026-05-04 09:30:00".
local function naive(ms, zone)
  local text = local_time.iso(ms, zone)
  return sub(text, 1, 10) .. " " .. sub(text, 12, 19)
end

function contacts.appointments(context)
  local store, contact = context.store, get(context)
  local zone = store:zone_of(contact.locationId)
  local found = store.appointments:where(function(appointment) return appointment.contactId == contact.id end)
  sort(found, function(a, b) return a.from < b.from end)
  for index, appointment in ipairs(found) do
    local calendar = store.calendars:get(appointment.calendarId)
    found[index] = {
      id = appointment.id,
      calendarId = appointment.calendarId,
      locationId = appointment.locationId,
      contactId = contact.id,
      groupId = calendar and calendar.groupId,
      title = appointment.title,
      status = "booked",
      appointmentStatus = appointment.appointmentStatus,
      assignedUserId = appointment.assignedUserId,
      users = core.array(appointment.assignedUserId and { appointment.assignedUserId } or {}),
      address = appointment.address,
      startTime = naive(appointment.from, zone),
      endTime = naive(appointment.to, zone),
      dateAdded = naive(appointment.added, zone),
      dateUpdated = naive(appointment.updated, zone),
    }
  end
  return found
end

return contacts
