--- Creating, changing and deleting appointments: whether the slot is free, and which member of the team is assigned.
-- A series is created, changed and deleted like one appointment, through its master.
-- @module hoopai.sandbox.domain.bookings

local api_errors = require "hoopai.sandbox.api_errors"
local series = require "hoopai.sandbox.domain.series"
local slots = require "hoopai.sandbox.domain.slots"
local local_time = require "hoopai.sandbox.domain.local_time"

local gsub = string.gsub
local ipairs, sort = ipairs, table.sort

local bookings = {}

-- Fields that are stored as they are sent.
local PLAIN = { "title", "meetingLocationType", "meetingLocationId", "description", "address", "appointmentStatus" }

local function is_member(calendar, user)
  for _, id in ipairs(slots.members(calendar)) do
    if id == user then return true end
  end
  return false
end

local function load_of(store, calendar, user)
  local count = 0
  for _, appointment in ipairs(store.appointments.items) do
    local is_theirs = appointment.calendarId == calendar.id and appointment.assignedUserId == user
    if is_theirs and slots.is_active(appointment) then count = count + 1 end
  end
  return count
end

-- The member to assign among the free ones: by priority, then by load. Calendars with equal distribution compare the
-- load first.
local function choose(store, calendar, free)
  if #free <= 1 then return free[1] end
  local place, priority, load = {}, {}, {}
  for i, member in ipairs(calendar.teamMembers) do
    place[member.userId], priority[member.userId] = i, member.priority or 0.5
    load[member.userId] = load_of(store, calendar, member.userId)
  end
  local even = calendar.eventType == "RoundRobin_OptimizeForEqualDistribution"
  sort(free, function(a, b)
    if even and load[a] ~= load[b] then return load[a] < load[b] end
    if priority[a] ~= priority[b] then return priority[a] > priority[b] end
    if load[a] ~= load[b] then return load[a] < load[b] end
    return place[a] < place[b]
  end)
  return free[1]
end

local function check_user(store, calendar, user)
  if not user then return end
  if not store.users:get(user) then api_errors.bad_request("The user id is not valid.") end
  if #slots.members(calendar) > 0 and not is_member(calendar, user) then
    api_errors.bad_request("The user id is not part of the calendar team.")
  end
end

-- The assigned user of an appointment that is not checked against the free slots.
local function unchecked_user(calendar, user)
  local members = slots.members(calendar)
  if not user and #members > 1 then
    api_errors.unprocessable("A team member needs to be selected. assignedUserId is missing")
  end
  return user or members[1]
end

-- The assigned user of an appointment whose slot must be free.
local function checked_user(store, calendar, from, to, body, user, except)
  local free = slots.free_members(store, calendar, from, {
    length = to - from,
    user = user,
    ignore_date_range = body.ignoreDateRange,
    except = except,
  })
  if not free then api_errors.slot_taken() end
  return user or choose(store, calendar, free)
end

-- stylua: ignore
local function instant(store, calendar, text)
  return text and local_time.parse(text, store:zone_of(calendar.locationId))
end

local function check_span(from, to)
  if to <= from then api_errors.unprocessable { "endTime must be after startTime" } end
end

local function title_of(calendar, contact)
  return (gsub(calendar.eventTitle or "{{contact.name}}", "{{contact%.name}}", contact.name))
end

local function copy_plain(appointment, body)
  for _, name in ipairs(PLAIN) do
    if body[name] ~= nil then appointment[name] = body[name] end
  end
  if body.address then appointment.meetingLocationType = "custom" end
end

local function clear_plain(appointment, cleared)
  for _, name in ipairs(PLAIN) do
    if cleared[name] then appointment[name] = nil end
  end
end

local WEBHOOKS = { booked = "AppointmentCreate", changed = "AppointmentUpdate", deleted = "AppointmentDelete" }

-- Notes a change in the ledger, and announces it.
local function note_change(store, what, appointment)
  store:announce(WEBHOOKS[what], appointment)
  store.ledger[#store.ledger + 1] = {
    what = what,
    at = store.now(),
    id = appointment.id,
    calendarId = appointment.calendarId,
    contactId = appointment.contactId,
    assignedUserId = appointment.assignedUserId,
    appointmentStatus = appointment.appointmentStatus,
    startTime = local_time.iso(appointment.from, store:zone_of(appointment.locationId)),
  }
end

--- Books an appointment or a series. Raises a 400 if the slot is not free, and a 422 for a rule that cannot be read.
-- @tparam table store
-- @tparam table calendar
-- @tparam table contact
-- @tparam table body of the request
-- @treturn table the appointment, or the master of the series
function bookings.create(store, calendar, contact, body)
  local from = instant(store, calendar, body.startTime)
  local to = instant(store, calendar, body.endTime) or from + slots.duration(calendar)
  check_span(from, to)
  check_user(store, calendar, body.assignedUserId)
  local user
  if body.ignoreFreeSlotValidation then
    user = unchecked_user(calendar, body.assignedUserId)
  else
    user = checked_user(store, calendar, from, to, body, body.assignedUserId)
  end
  -- Without ignoreFreeSlotValidation the rule of a series is ignored.
  local rrule = body.ignoreFreeSlotValidation and body.rrule or nil
  local starts = rrule and series.starts(store, calendar, rrule, from)
  local now = store.now()
  local appointment = {
    id = store:new_id(),
    locationId = calendar.locationId,
    calendarId = calendar.id,
    contactId = contact.id,
    assignedUserId = user,
    from = from,
    to = to,
    added = now,
    updated = now,
    title = title_of(calendar, contact),
    appointmentStatus = calendar.autoConfirm == false and "new" or "confirmed",
  }
  copy_plain(appointment, body)
  series.put(store, appointment, { rrule = rrule, starts = starts })
  note_change(store, "booked", appointment)
  return appointment
end

-- Begin, end and assigned user of an appointment after a change.
local function target(store, appointment, calendar, body, cleared)
  local moved_calendar = calendar.id ~= appointment.calendarId
  local from = instant(store, calendar, body.startTime) or appointment.from
  local length = moved_calendar and slots.duration(calendar) or appointment.to - appointment.from
  local to = instant(store, calendar, body.endTime)
    or (body.startTime or moved_calendar) and from + length
    or appointment.to
  check_span(from, to)
  local user = body.assignedUserId or not cleared.assignedUserId and appointment.assignedUserId or nil
  -- The user may be no member of the other calendar's team. Then one of its members is chosen.
  if moved_calendar and not body.assignedUserId and user and not is_member(calendar, user) then user = nil end
  return from, to, user
end

-- The assigned user of an appointment at all its times, which must be free.
local function user_of_all(store, calendar, spans, body, user, except)
  for _, span in ipairs(spans) do
    user = checked_user(store, calendar, span.from, span.to, body, user, except)
  end
  return user
end

-- Makes a change of a series, other than of its times, in its instances.
local function change_instances(store, master, body, cleared)
  for _, instance in ipairs(series.instances(store, master)) do
    instance.assignedUserId, instance.updated = master.assignedUserId, master.updated
    copy_plain(instance, body)
    clear_plain(instance, cleared)
  end
end

--- Changes the fields of an appointment that the body has. Raises a 400, and changes nothing, if the slot is not free;
-- of a series, if one of them is not free.
-- @tparam table store
-- @tparam table appointment
-- @tparam table calendar the calendar of the appointment after the change
-- @tparam table body of the request
-- @tparam table cleared the names of the fields that the request clears
-- @treturn table the appointment
function bookings.update(store, appointment, calendar, body, cleared)
  local from, to, user = target(store, appointment, calendar, body, cleared)
  if body.assignedUserId then check_user(store, calendar, body.assignedUserId) end
  local was_active = slots.is_active(appointment)
  local active = slots.is_active { appointmentStatus = body.appointmentStatus or appointment.appointmentStatus }
  local plan = series.plan(store, appointment, calendar, { from = from, to = to }, body, cleared)
  local moved = from ~= appointment.from
    or to ~= appointment.to
    or user ~= appointment.assignedUserId and not cleared.assignedUserId
    or calendar.id ~= appointment.calendarId
    or plan.starts ~= nil
  if active and (moved or not was_active) then
    if body.ignoreFreeSlotValidation then
      user = unchecked_user(calendar, user)
    else
      user = user_of_all(store, calendar, plan.spans, body, user, appointment.id)
    end
  end
  appointment.from, appointment.to, appointment.assignedUserId = from, to, user
  appointment.calendarId = calendar.id
  copy_plain(appointment, body)
  clear_plain(appointment, cleared)
  appointment.updated = store.now()
  series.put(store, appointment, plan)
  if plan.rrule and not plan.starts then change_instances(store, appointment, body, cleared) end
  note_change(store, "changed", appointment)
  return appointment
end

--- Deletes an appointment and its notes, or a series with all its instances.
-- @tparam table store
-- @tparam table appointment
function bookings.remove(store, appointment)
  series.remove(store, appointment)
  note_change(store, "deleted", appointment)
end

return bookings
