--- The data that a sandbox starts with: two small clinics, their staff, calendars, rooms and the bookings of the next
-- days.
--
-- All identifiers are readable. Dates are relative to "now": there are bookings on the last working day (`past`) and on
-- the next three (`days`), in the time zone of the clinic. The identifiers are the result of `fill` and the field
-- `seed` of a handle:
--
--     company_id                         the agency of both clinics
--     location_id, other_location_id     the clinic of the token (New York), and another (London)
--     users       okafor, weber          doctors, the team of the calendar `checkup`
--                 solberg                the physiotherapist
--                 ashworth               the nurse of the other clinic
--     calendars   checkup                round robin, 30 minutes, Monday to Friday 9:00-12:30 and 13:30-17:00
--                 physio                 personal, 45 minutes and a buffer of 15; hours from the schedule `solberg`
--                 class                  event without a team, an hour for eight: Tue, Thu 17:30-18:30, Sat 10:00-11:00
--                 vaccination            of the other clinic
--     groups      treatments             checkup and physio
--     schedules   solberg
--     resources   room_1, room_2, gym, ultrasound
--     services    massage            of the physiotherapist: 45 minutes, buffers of 5 before and 10 after
--                 consultation       of the doctors: 20 minutes
--     service_locations  clinic      the default one
--                 home               the customer says where
--     contacts    adele, bruno, chidi, dagmar, elena, farid, greta, hugo; ines (of the other clinic)
--     appointments   list of ids         all appointments of the first clinic
--     past, days     dates               "2026-05-01"; { "2026-05-04", "2026-05-05", "2026-05-06" }
--     sick           a colleague to stand in for: userId, calendarId, date, appointments (list of ids)
-- @module hoopai.sandbox.domain.seed

local local_time = require "hoopai.sandbox.domain.local_time"

local format = string.format
local ipairs, pairs = ipairs, pairs

local NEW_YORK, LONDON = "America/New_York", "Europe/London"
local DAY = 86400000

-- Twenty letters and digits, like the ids of the API.
local function id(name)
  assert(#name <= 20, name)
  return (name .. ("0"):rep(20)):sub(1, 20)
end

local function at(hour, minute) return hour * 60 + (minute or 0) end

local function hours(days, ...)
  local list = {}
  for i, range in ipairs { ... } do
    list[i] = {
      openHour = range[1] // 60,
      openMinute = range[1] % 60,
      closeHour = range[2] // 60,
      closeMinute = range[2] % 60,
    }
  end
  return { daysOfTheWeek = days, hours = list }
end

local function people(store, handles)
  local here, there = handles.location_id, handles.other_location_id
  local function user(key, name, location)
    local user_id = id("User" .. name:match("%a+$"))
    handles.users[key] = store.users:add({ id = user_id, name = name, locationId = location }).id
  end
  user("okafor", "Dr. Amara Okafor", here)
  user("weber", "Dr. Jonas Weber", here)
  user("solberg", "Mira Solberg", here)
  user("ashworth", "Tom Ashworth", there)
  local function contact(key, name, location)
    local contact_id = id("Contact" .. name:match("^%a+"))
    handles.contacts[key] = store.contacts:add({ id = contact_id, name = name, locationId = location }).id
  end
  contact("adele", "Adele Laurent", here)
  contact("bruno", "Bruno Castellani", here)
  contact("chidi", "Chidi Eze", here)
  contact("dagmar", "Dagmar Lindqvist", here)
  contact("elena", "Elena Petrova", here)
  contact("farid", "Farid Haddad", here)
  contact("greta", "Greta Vogel", here)
  contact("hugo", "Hugo Almeida", here)
  contact("ines", "Ines Carvalho", there)
end

local function team(...)
  local members = {}
  for i, user in ipairs { ... } do
    members[i] = { userId = user, priority = 0.5, isPrimary = i == 1 }
  end
  return members
end

-- The fields that all calendars of the seed share.
local COMMON = {
  isActive = true,
  widgetType = "default",
  eventTitle = "{{contact.name}}",
  eventType = "RoundRobin_OptimizeForAvailability",
  slotDurationUnit = "mins",
  slotIntervalUnit = "mins",
  slotBufferUnit = "mins",
  appoinmentPerSlot = 1,
  autoConfirm = true,
  allowReschedule = true,
  allowCancellation = true,
  enableRecurring = false,
  googleInvitationEmails = false,
  formSubmitType = "ThankYouMessage",
}

local function calendars(store, handles)
  local users = handles.users
  local function calendar(key, fields)
    for name, value in pairs(COMMON) do
      if fields[name] == nil then fields[name] = value end
    end
    fields.id = id("Calendar" .. key:sub(1, 1):upper() .. key:sub(2))
    handles.calendars[key] = store.calendars:add(fields).id
  end
  calendar("checkup", {
    locationId = handles.location_id,
    groupId = handles.groups.treatments,
    name = "General check-up",
    slug = "check-up",
    description = "Half an hour with one of our doctors.",
    calendarType = "round_robin",
    eventColor = "#039be5",
    teamMembers = team(users.okafor, users.weber),
    slotDuration = 30,
    slotInterval = 30,
    allowBookingAfter = 2,
    allowBookingAfterUnit = "hours",
    allowBookingFor = 60,
    allowBookingForUnit = "days",
    openHours = { hours({ 1, 2, 3, 4, 5 }, { at(9), at(12, 30) }, { at(13, 30), at(17) }) },
  })
  calendar("physio", {
    locationId = handles.location_id,
    groupId = handles.groups.treatments,
    name = "Physiotherapy",
    slug = "physio",
    description = "Three quarters of an hour with Mira.",
    calendarType = "personal",
    eventColor = "#33b679",
    teamMembers = team(users.solberg),
    slotDuration = 45,
    slotInterval = 30,
    slotBuffer = 15,
    openHours = { hours({ 1, 2, 3, 4, 5 }, { at(9), at(17) }) },
  })
  calendar("class", {
    locationId = handles.location_id,
    name = "Back care class",
    slug = "back-care",
    description = "An hour of exercise for eight.",
    calendarType = "event",
    eventColor = "#f6bf26",
    teamMembers = {},
    slotDuration = 60,
    slotInterval = 60,
    appoinmentPerSlot = 8,
    openHours = { hours({ 2, 4 }, { at(17, 30), at(18, 30) }), hours({ 6 }, { at(10), at(11) }) },
  })
  calendar("vaccination", {
    locationId = handles.other_location_id,
    name = "Travel vaccinations",
    slug = "vaccinations",
    description = "A quarter of an hour with Tom.",
    calendarType = "personal",
    eventColor = "#8e24aa",
    teamMembers = team(users.ashworth),
    slotDuration = 15,
    slotInterval = 15,
    openHours = { hours({ 1, 2, 3, 4, 5 }, { at(8, 30), at(12) }) },
  })
end

local function schedule(store, handles)
  local rules = {}
  for _, day in ipairs { "monday", "tuesday", "wednesday", "thursday", "friday" } do
    rules[#rules + 1] = { type = "wday", day = day, intervals = { { from = "10:00", to = "18:00" } } }
  end
  rules[#rules + 1] = { type = "wday", day = "saturday", intervals = { { from = "09:00", to = "13:00" } } }
  local now = store.now()
  handles.schedules.solberg = store.schedules:add({
    id = id "ScheduleSolberg",
    locationId = handles.location_id,
    name = "Mira's hours",
    userId = handles.users.solberg,
    timezone = store:zone_of(handles.location_id),
    rules = rules,
    calendarIds = { handles.calendars.physio },
    added = now,
    updated = now,
  }).id
end

local function resources(store, handles)
  local function add(key, kind, name, description, fields)
    handles.resources[key] = store.resources:add({
      id = id("Resource" .. key:gsub("%W", "")),
      locationId = handles.location_id,
      resourceType = kind,
      name = name,
      description = description,
      isActive = true,
      quantity = fields.quantity or 1,
      outOfService = 0,
      capacity = fields.capacity or 1,
      calendarIds = fields.calendarIds or {},
    }).id
  end
  local checkup, physio, class = handles.calendars.checkup, handles.calendars.physio, handles.calendars.class
  add("room_1", "rooms", "Consulting room 1", "Ground floor, step-free", { capacity = 3, calendarIds = { checkup } })
  add("room_2", "rooms", "Consulting room 2", "First floor", { capacity = 3, calendarIds = { checkup } })
  add("gym", "rooms", "Gym", "Mats, wall bars, mirrors", { capacity = 10, calendarIds = { physio, class } })
  add("ultrasound", "equipments", "Ultrasound scanner", "Portable", { quantity = 2, calendarIds = { checkup } })
end

local function services(store, handles)
  local users = handles.users
  local function service(key, fields)
    fields.id, fields.locationId = id("Service" .. key), handles.location_id
    fields.serviceCategoryId, fields.isPrivate, fields.variations = "CategoryDefault00000", false, {}
    handles.services[key] = store.services:add(fields).id
  end
  service("massage", {
    name = "Massage",
    slug = "massage",
    description = "Three quarters of an hour with Mira.",
    serviceDuration = 45,
    serviceDurationUnit = "mins",
    preBuffer = 5,
    preBufferUnit = "mins",
    postBuffer = 10,
    postBufferUnit = "mins",
    payment = { amount = 60 },
    staff = { { id = users.solberg } },
  })
  service("consultation", {
    name = "Consultation",
    slug = "consultation",
    serviceDuration = 20,
    serviceDurationUnit = "mins",
    staff = { { id = users.okafor }, { id = users.weber } },
  })
  local function place(key, name, kind, address)
    handles.service_locations[key] = store.service_locations:add({
      id = id("Place" .. key),
      locationId = handles.location_id,
      name = name,
      slug = key,
      isActive = true,
      isPrivate = false,
      locationType = kind,
      address = address,
    }).id
  end
  place("clinic", "Linden Street Clinic", "offline", "12 Linden Street, New York, NY 10011, USA")
  place("home", "At home", "ask_booker", "We come to you")
end

-- The first date after `date` (before it, with step -1) whose weekday passes the test.
local function next_date(date, step, test)
  repeat
    date = date + step
  until test(local_time.weekday(date))
  return date
end

local function is_working_day(weekday) return weekday >= 1 and weekday <= 5 end

local function new_booker(store, handles)
  local count = 0
  return function(calendar_key, user_key, date, minutes, contact_key, fields)
    local calendar = store.calendars:get(handles.calendars[calendar_key])
    local contact = store.contacts:get(handles.contacts[contact_key])
    local from, added = local_time.instant(date, minutes, store:zone_of(calendar.locationId)), store.now() - 5 * DAY
    count = count + 1
    local appointment = {
      id = format("Appointment%09d", count),
      locationId = calendar.locationId,
      calendarId = calendar.id,
      contactId = contact.id,
      assignedUserId = user_key and handles.users[user_key],
      title = contact.name,
      appointmentStatus = "confirmed",
      from = from,
      to = from + calendar.slotDuration * 60000,
      added = added,
      updated = added,
    }
    for name, value in pairs(fields or {}) do
      appointment[name] = value
    end
    handles.appointments[count] = store.appointments:add(appointment).id
    return appointment.id
  end
end

-- The last working day, the next three, and today.
local function days(store, handles)
  local today = local_time.date(store.now(), store:zone_of(handles.location_id))
  local past = next_date(today, -1, is_working_day)
  local first = next_date(today, 1, is_working_day)
  local second = next_date(first, 1, is_working_day)
  local third = next_date(second, 1, is_working_day)
  handles.past = local_time.date_text(past)
  handles.days = { local_time.date_text(first), local_time.date_text(second), local_time.date_text(third) }
  return past, first, second, third, today
end

local function bookings(store, handles, past, first, second, third, today)
  local book = new_booker(store, handles)

  book("checkup", "okafor", past, at(9), "adele", { appointmentStatus = "showed" })
  book("checkup", "weber", past, at(10), "farid")
  book("checkup", "weber", past, at(11, 30), "greta")

  handles.sick = {
    userId = handles.users.weber,
    calendarId = handles.calendars.checkup,
    date = handles.days[1],
    appointments = {
      book("checkup", "weber", first, at(9), "bruno"),
      book("checkup", "weber", first, at(10), "elena"),
      book("checkup", "weber", first, at(10, 30), "hugo", { description = "Brings last year's results" }),
      book("checkup", "weber", first, at(14), "greta"),
    },
  }
  book("checkup", "okafor", first, at(9), "chidi")
  book("checkup", "okafor", first, at(11), "dagmar")
  book("checkup", "okafor", first, at(13, 30), "adele", { appointmentStatus = "cancelled" })
  book("checkup", "okafor", first, at(15, 30), "farid")
  book("physio", "solberg", first, at(10), "adele")
  book("physio", "solberg", first, at(14, 30), "hugo")

  book("checkup", "weber", second, at(9, 30), "dagmar")
  book("checkup", "okafor", second, at(10), "elena", { appointmentStatus = "new" })
  book("checkup", "weber", second, at(16), "adele")
  book("physio", "solberg", second, at(11), "bruno")

  book("checkup", "okafor", third, at(9), "greta")
  book("checkup", "weber", third, at(11, 30), "chidi")
  book("physio", "solberg", third, at(16), "farid")

  local class_day = next_date(today, 1, function(weekday) return weekday == 2 or weekday == 4 end)
  for _, contact in ipairs { "bruno", "chidi", "dagmar", "greta", "hugo" } do
    book("class", nil, class_day, at(17, 30), contact)
  end
end

local function extras(store, handles, training_day)
  local now, zone = store.now(), store:zone_of(handles.location_id)
  handles.blocks.training = store.blocks:add({
    id = id "BlockStaffTraining",
    locationId = handles.location_id,
    title = "Staff training",
    assignedUserId = handles.users.okafor,
    from = local_time.instant(training_day, at(15), zone),
    to = local_time.instant(training_day, at(17), zone),
    added = now,
    updated = now,
  }).id
  handles.notes.results = store.notes:add({
    id = id "NoteResults",
    locationId = handles.location_id,
    appointmentId = handles.sick.appointments[3],
    contactId = handles.contacts.hugo,
    userId = handles.users.okafor,
    body = "Asked for a printed copy.",
    added = now,
  }).id
  handles.notifications.reminder = store.notifications:add({
    id = id "NotificationReminder",
    locationId = handles.location_id,
    calendarId = handles.calendars.checkup,
    receiverType = "contact",
    channel = "email",
    notificationType = "reminder",
    isActive = true,
    deleted = false,
    subject = "See you soon",
    body = "Your check-up is tomorrow.",
    beforeTime = { { timeOffset = 1, unit = "days" } },
  }).id
end

local function branches(store, count, zone)
  for i = 1, count do
    store.locations:add {
      id = format("LocationBranch%06d", i),
      name = format("Branch %d", i),
      timezone = zone,
      address = format("%d Broadway, New York, NY, USA", i),
    }
  end
end

local seed = {}

-- The clinics, and the tables for the identifiers of what is in them.
local function clinics(store, options)
  local handles = {
    users = {},
    contacts = {},
    calendars = {},
    groups = {},
    schedules = {},
    resources = {},
    services = {},
    service_locations = {},
    appointments = {},
    blocks = {},
    notes = {},
    notifications = {},
    company_id = id "CompanyNorthStar",
  }
  store.company_id = handles.company_id
  local zone = options.zone or NEW_YORK
  handles.location_id = store.locations:add({
    id = id "LindenStreetClinic",
    name = "Linden Street Clinic",
    timezone = zone,
    address = "12 Linden Street, New York, NY 10011, USA",
  }).id
  handles.other_location_id = store.locations:add({
    id = id "HarbourViewClinic",
    name = "Harbour View Clinic",
    timezone = LONDON,
    address = "3 Harbour View, London E14 9GE, UK",
  }).id
  branches(store, options.branches or 0, zone)
  return handles
end

--- Fills an empty store.
-- @tparam table store
-- @tparam ?table options
-- @tparam ?integer options.branches the number of further, empty locations of the agency
-- @tparam ?string options.zone of the first clinic; default: New York
-- @tparam ?boolean options.empty fill in nothing but the clinics
-- @treturn table the identifiers, as listed above; of an empty clinic without `sick`
function seed.fill(store, options)
  options = options or {}
  local handles = clinics(store, options)
  local past, first, second, third, today = days(store, handles)
  if options.empty then return handles end
  handles.groups.treatments = store.groups:add({
    id = id "GroupTreatments",
    locationId = handles.location_id,
    name = "Treatments",
    description = "Everything one to one",
    slug = "treatments",
    isActive = true,
  }).id
  people(store, handles)
  calendars(store, handles)
  schedule(store, handles)
  resources(store, handles)
  services(store, handles)
  bookings(store, handles, past, first, second, third, today)
  extras(store, handles, second)
  return handles
end

return seed
