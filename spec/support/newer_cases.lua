--- The cases of spec/support/endpoint_cases.lua for the operations that need version v3 (event schedules, services,
-- service bookings and service locations) and for the companions (contacts, users, locations). Written down by hand
-- from the vendor's documents.

local LOCATION = "ve9EPM428h8vShlRW1KT"
local CALENDAR = "BqTwX8QFwXzpegMve9EQ"
local CONTACT = "GCs5KuzPqTls7vWclkEV"
local USER = "YlWd2wuCAZQzh2cH1fVZ"
local SERVICE = "65e5f6dfacf123513228d384"
local BOOKING = "7NkT25Vor1v4aQatFsv2"
local PLACE = "65e5f6dfacf123513228d390"
local COMPANY = "5DP41231LkQsiKESj6rh"
local TRACE = "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e"

local cases = {}

local function case(fields)
  fields.ids, fields.status, fields.version = fields.ids or {}, fields.status or 200, fields.version or "v3"
  fields.extra = fields.extra or {}
  cases[#cases + 1] = fields
end

---------------------------------------------------------------------------------------------------- event schedules

local SCHEDULE_PATH = "/calendars/schedules/event-calendar/" .. CALENDAR
local SCHEDULE_ANSWER = [[{ "schedule": { "timezone": "America/New_York", "calendarId": "BqTwX8QFwXzpegMve9EQ",
  "rules": [ { "type": "wday", "day": "monday", "intervals": [ { "from": "09:00", "to": "17:00" } ] } ] },
  "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]]
local SCHEDULE_RESULT = {
  timezone = "America/New_York",
  calendarId = CALENDAR,
  rules = { { type = "wday", day = "monday", intervals = { { from = "09:00", to = "17:00" } } } },
}

case {
  endpoint = "GET /calendars/schedules/event-calendar/{calendarId}",
  name = "event_schedules:get",
  ids = { CALENDAR },
  call = function(client, id) return client.event_schedules:get(id) end,
  method = "GET",
  path = SCHEDULE_PATH,
  answer = SCHEDULE_ANSWER,
  result = SCHEDULE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "POST /calendars/schedules/event-calendar/{calendarId}",
  name = "event_schedules:create",
  ids = { CALENDAR },
  call = function(client, id)
    return client.event_schedules:create(id, {
      timezone = "America/New_York",
      rules = { { type = "wday", day = "monday", intervals = { { from = "09:00", to = "17:00" } } } },
    })
  end,
  method = "POST",
  path = SCHEDULE_PATH,
  body = [[{ "timezone": "America/New_York",
    "rules": [ { "type": "wday", "day": "monday", "intervals": [ { "from": "09:00", "to": "17:00" } ] } ] }]],
  status = 201,
  answer = SCHEDULE_ANSWER,
  result = SCHEDULE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "PUT /calendars/schedules/event-calendar/{calendarId}",
  name = "event_schedules:update",
  ids = { CALENDAR },
  call = function(client, id) return client.event_schedules:update(id, { rules = {} }) end,
  method = "PUT",
  path = SCHEDULE_PATH,
  body = [[{"rules":[]}]],
  answer = SCHEDULE_ANSWER,
  result = SCHEDULE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

----------------------------------------------------------------------------------------------------------- services

local SERVICE_ANSWER = [[{ "service": { "id": "65e5f6dfacf123513228d384", "locationId": "ve9EPM428h8vShlRW1KT",
  "name": "Hair styling", "slug": "hair-styling", "serviceDuration": 30, "serviceDurationUnit": "mins",
  "payment": { "amount": 50, "deposit": 20, "depositType": "percentage" }, "variations": [],
  "staff": [ { "id": "YlWd2wuCAZQzh2cH1fVZ" } ] } }]]
local SERVICE_RESULT = {
  id = SERVICE,
  locationId = LOCATION,
  name = "Hair styling",
  slug = "hair-styling",
  serviceDuration = 30,
  serviceDurationUnit = "mins",
  payment = { amount = 50, deposit = 20, depositType = "percentage" },
  variations = {},
  staff = { { id = USER } },
}

case {
  endpoint = "GET /calendars/services/catalog",
  name = "services:list",
  call = function(client) return client.services:list() end,
  method = "GET",
  path = "/calendars/services/catalog",
  query = { "locationId=ve9EPM428h8vShlRW1KT" },
  answer = [[{ "services": [ { "id": "65e5f6dfacf123513228d384", "locationId": "ve9EPM428h8vShlRW1KT",
    "name": "Hair styling", "variations": [], "staff": [] } ] }]],
  result = { { id = SERVICE, locationId = LOCATION, name = "Hair styling", variations = {}, staff = {} } },
}

case {
  endpoint = "GET /calendars/services/catalog",
  name = "services:list",
  title = "only public ones of a category",
  call = function(client) return client.services:list { serviceCategoryId = "cat", isPrivate = false } end,
  method = "GET",
  path = "/calendars/services/catalog",
  query = { "locationId=ve9EPM428h8vShlRW1KT", "serviceCategoryId=cat", "isPrivate=false" },
  answer = [[{"services":[]}]],
  result = {},
}

case {
  endpoint = "POST /calendars/services/catalog",
  name = "services:create",
  call = function(client)
    return client.services:create {
      name = "Hair styling",
      slug = "hair-styling",
      staff = { { id = USER } },
      serviceDuration = 0.5,
      serviceDurationUnit = "hours",
      payment = { amount = 50, deposit = 20, depositType = "percentage" },
      variations = {},
    }
  end,
  method = "POST",
  path = "/calendars/services/catalog",
  body = [[{ "locationId": "ve9EPM428h8vShlRW1KT", "name": "Hair styling", "slug": "hair-styling",
    "staff": [ { "id": "YlWd2wuCAZQzh2cH1fVZ" } ], "serviceDuration": 0.5, "serviceDurationUnit": "hours",
    "payment": { "amount": 50, "deposit": 20, "depositType": "percentage" }, "variations": [] }]],
  status = 201,
  answer = SERVICE_ANSWER,
  result = SERVICE_RESULT,
}

case {
  endpoint = "GET /calendars/services/catalog/{serviceId}",
  name = "services:get",
  ids = { SERVICE },
  call = function(client, id) return client.services:get(id) end,
  method = "GET",
  path = "/calendars/services/catalog/65e5f6dfacf123513228d384",
  answer = SERVICE_ANSWER,
  result = SERVICE_RESULT,
}

case {
  endpoint = "PUT /calendars/services/catalog/{serviceId}",
  name = "services:update",
  ids = { SERVICE },
  call = function(client, id)
    return client.services:update(id, {
      name = "Hair styling",
      variations = { { id = "v1", serviceDuration = 60 }, { name = "Children" } },
    })
  end,
  method = "PUT",
  path = "/calendars/services/catalog/65e5f6dfacf123513228d384",
  body = [[{ "name": "Hair styling",
    "variations": [ { "id": "v1", "serviceDuration": 60 }, { "name": "Children" } ] }]],
  answer = SERVICE_ANSWER,
  result = SERVICE_RESULT,
}

case {
  endpoint = "PUT /calendars/services/catalog/{serviceId}",
  name = "services:update",
  title = "without any variation",
  ids = { SERVICE },
  call = function(client, id) return client.services:update(id, { variations = {} }) end,
  method = "PUT",
  path = "/calendars/services/catalog/65e5f6dfacf123513228d384",
  body = [[{"variations":[]}]],
  answer = SERVICE_ANSWER,
  result = SERVICE_RESULT,
}

case {
  endpoint = "DELETE /calendars/services/catalog/{serviceId}",
  name = "services:delete",
  ids = { SERVICE },
  call = function(client, id) return client.services:delete(id) end,
  method = "DELETE",
  path = "/calendars/services/catalog/65e5f6dfacf123513228d384",
  answer = [[{"success":true,"message":"Service deleted successfully"}]],
  result = { success = true, message = "Service deleted successfully" },
}

--------------------------------------------------------------------------------------------------- service bookings

local BOOKING_PATH = "/calendars/services/bookings/" .. BOOKING
local BOOKING_TEXT = [["bookingId": "7NkT25Vor1v4aQatFsv2", "locationId": "ve9EPM428h8vShlRW1KT",
  "contactId": "GCs5KuzPqTls7vWclkEV", "serviceLocationId": "65e5f6dfacf123513228d390", "title": "Moved",
  "startTime": "2026-01-05T10:00:00-05:00", "endTime": "2026-01-05T10:45:00-05:00", "timezone": "America/New_York",
  "services": [ { "id": "65e5f6dfacf123513228d384", "serviceCategoryId": "c1",
    "serviceStaffId": "YlWd2wuCAZQzh2cH1fVZ", "serviceStartTime": "2026-01-05T10:00:00-05:00",
    "serviceEndTime": "2026-01-05T10:45:00-05:00", "serviceResources": [ { "id": "r1" } ],
    "serviceAddOns": [ { "id": "a1", "quantity": 2 } ] } ],
  "status": "confirmed", "deleted": false, "dateAdded": "2026-01-01T10:00:00.000Z",
  "dateUpdated": "2026-01-01T10:00:00.000Z", "createdBy": { "source": "integration" }]]

local function booking_result(messages)
  return {
    bookingId = BOOKING,
    locationId = LOCATION,
    contactId = CONTACT,
    serviceLocationId = PLACE,
    title = "Moved",
    startTime = "2026-01-05T10:00:00-05:00",
    endTime = "2026-01-05T10:45:00-05:00",
    timezone = "America/New_York",
    services = {
      {
        id = SERVICE,
        serviceCategoryId = "c1",
        serviceStaffId = USER,
        serviceStartTime = "2026-01-05T10:00:00-05:00",
        serviceEndTime = "2026-01-05T10:45:00-05:00",
        serviceResources = { { id = "r1" } },
        serviceAddOns = { { id = "a1", quantity = 2 } },
      },
    },
    status = "confirmed",
    deleted = false,
    dateAdded = "2026-01-01T10:00:00.000Z",
    dateUpdated = "2026-01-01T10:00:00.000Z",
    createdBy = { source = "integration" },
    messages = messages,
  }
end

case {
  endpoint = "GET /calendars/services/bookings",
  name = "service_bookings:list",
  call = function(client)
    return client.service_bookings:list { startTime = 1767571200000, endTime = "2026-01-06T00:00:00Z" }
  end,
  method = "GET",
  path = "/calendars/services/bookings",
  query = { "locationId=ve9EPM428h8vShlRW1KT", "startTime=1767571200000", "endTime=1767657600000" },
  answer = ([[{ "bookings": [ { %s } ] }]]):format(BOOKING_TEXT),
  result = { booking_result() },
}

case {
  endpoint = "GET /calendars/services/bookings",
  name = "service_bookings:list",
  title = "at a service location, in a time zone",
  call = function(client)
    return client.service_bookings:list {
      startTime = 1767571200000,
      endTime = 1767657600000,
      timezone = "Europe/Paris",
      serviceLocationId = PLACE,
    }
  end,
  method = "GET",
  path = "/calendars/services/bookings",
  query = {
    "locationId=ve9EPM428h8vShlRW1KT",
    "startTime=1767571200000",
    "endTime=1767657600000",
    "timezone=Europe%2FParis",
    "serviceLocationId=65e5f6dfacf123513228d390",
  },
  answer = [[{"bookings":[]}]],
  result = {},
}

local function create(client, more)
  local body = {
    contactId = CONTACT,
    startTime = "2026-01-05T10:00:00-05:00",
    endTime = "2026-01-05T10:30:00-05:00",
    timezone = "America/New_York",
    title = "Moved",
    services = {
      { id = SERVICE, staffId = USER, position = 0, addOns = { { id = "a1", quantity = 2, duration = 15 } } },
    },
  }
  for name, value in pairs(more or {}) do
    body[name] = value
  end
  return client.service_bookings:create(body)
end

local CREATE_BODY = [[{ "locationId": "ve9EPM428h8vShlRW1KT", "contactId": "GCs5KuzPqTls7vWclkEV",
  "startTime": "2026-01-05T10:00:00-05:00", "endTime": "2026-01-05T10:30:00-05:00", "timezone": "America/New_York",
  "title": "Moved", "services": [ { "id": "65e5f6dfacf123513228d384", "staffId": "YlWd2wuCAZQzh2cH1fVZ",
    "position": 0, "addOns": [ { "id": "a1", "quantity": 2, "duration": 15 } ] } ] }]]

case {
  endpoint = "POST /calendars/services/bookings",
  name = "service_bookings:create",
  call = function(client) return create(client) end,
  method = "POST",
  path = "/calendars/services/bookings",
  body = CREATE_BODY,
  status = 201,
  answer = ([[{ %s, "messages": [ "The place was ignored.", "Another." ],
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]]):format(BOOKING_TEXT),
  result = booking_result { "The place was ignored.", "Another." },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "POST /calendars/services/bookings",
  name = "service_bookings:create",
  title = "with the switches, which are sent in the query, and messages in lists",
  call = function(client) return create(client, { overrideAvailability = true, skipSchedulingNotice = false }) end,
  method = "POST",
  path = "/calendars/services/bookings",
  query = { "overrideAvailability=true", "skipSchedulingNotice=false" },
  body = CREATE_BODY,
  status = 201,
  answer = ([[{ %s, "messages": [ [ "The place was ignored." ], [ "Another.", "A third." ] ] }]]):format(BOOKING_TEXT),
  result = booking_result { "The place was ignored.", "Another.", "A third." },
}

case {
  endpoint = "GET /calendars/services/bookings/{bookingId}",
  name = "service_bookings:get",
  ids = { BOOKING },
  call = function(client, id) return client.service_bookings:get(id) end,
  method = "GET",
  path = BOOKING_PATH,
  answer = ("{ %s }"):format(BOOKING_TEXT),
  result = booking_result(),
}

case {
  endpoint = "PUT /calendars/services/bookings/{bookingId}",
  name = "service_bookings:update",
  ids = { BOOKING },
  call = function(client, id) return client.service_bookings:update(id, { title = "Moved", status = "no_show" }) end,
  method = "PUT",
  path = BOOKING_PATH,
  body = [[{"title":"Moved","status":"no_show"}]],
  answer = ([[{ %s, "messages": [] }]]):format(BOOKING_TEXT),
  result = booking_result {},
}

case {
  endpoint = "PUT /calendars/services/bookings/{bookingId}",
  name = "service_bookings:update",
  title = "with a switch",
  ids = { BOOKING },
  call = function(client, id)
    return client.service_bookings:update(id, { startTime = "2026-01-05T10:00:00-05:00", skipSchedulingNotice = true })
  end,
  method = "PUT",
  path = BOOKING_PATH,
  query = { "skipSchedulingNotice=true" },
  body = [[{"startTime":"2026-01-05T10:00:00-05:00"}]],
  answer = ("{ %s }"):format(BOOKING_TEXT),
  result = booking_result(),
}

case {
  endpoint = "PUT /calendars/services/bookings/{bookingId}",
  name = "service_bookings:cancel",
  ids = { BOOKING },
  call = function(client, id) return client.service_bookings:cancel(id) end,
  method = "PUT",
  path = BOOKING_PATH,
  body = [[{"status":"cancelled"}]],
  answer = ("{ %s }"):format(BOOKING_TEXT),
  result = booking_result(),
}

case {
  endpoint = "DELETE /calendars/services/bookings/{bookingId}",
  name = "service_bookings:delete",
  ids = { BOOKING },
  call = function(client, id) return client.service_bookings:delete(id) end,
  method = "DELETE",
  path = BOOKING_PATH,
  answer = [[{"success":true,"message":"Service booking deleted successfully"}]],
  result = { success = true, message = "Service booking deleted successfully" },
}

-------------------------------------------------------------------------------------------------- service locations

local PLACE_PATH = "/calendars/services/locations/" .. PLACE
local PLACE_ANSWER = [[{ "id": "65e5f6dfacf123513228d390", "locationId": "ve9EPM428h8vShlRW1KT",
  "name": "Midtown studio", "slug": "midtown-studio", "isActive": true, "isPrivate": false,
  "locationType": "offline", "address": "789 5th Avenue", "phone": "+1-212-555-0174",
  "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]]
local PLACE_RESULT = {
  id = PLACE,
  locationId = LOCATION,
  name = "Midtown studio",
  slug = "midtown-studio",
  isActive = true,
  isPrivate = false,
  locationType = "offline",
  address = "789 5th Avenue",
  phone = "+1-212-555-0174",
}

case {
  endpoint = "GET /calendars/services/locations",
  name = "service_locations:list",
  call = function(client) return client.service_locations:list() end,
  method = "GET",
  path = "/calendars/services/locations",
  query = { "locationId=ve9EPM428h8vShlRW1KT" },
  answer = [[{ "serviceLocations": [ { "id": "65e5f6dfacf123513228d390", "locationId": "ve9EPM428h8vShlRW1KT",
    "name": "Midtown studio", "slug": "midtown-studio" } ] }]],
  result = { { id = PLACE, locationId = LOCATION, name = "Midtown studio", slug = "midtown-studio" } },
}

case {
  endpoint = "POST /calendars/services/locations",
  name = "service_locations:create",
  call = function(client)
    return client.service_locations:create {
      name = "Midtown studio",
      slug = "midtown-studio",
      locationType = "offline",
      address = "789 5th Avenue",
      phone = "+1-212-555-0174",
    }
  end,
  method = "POST",
  path = "/calendars/services/locations",
  body = [[{ "locationId": "ve9EPM428h8vShlRW1KT", "name": "Midtown studio", "slug": "midtown-studio",
    "locationType": "offline", "address": "789 5th Avenue", "phone": "+1-212-555-0174" }]],
  status = 201,
  answer = PLACE_ANSWER,
  result = PLACE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/services/locations/{serviceLocationId}",
  name = "service_locations:get",
  ids = { PLACE },
  call = function(client, id) return client.service_locations:get(id) end,
  method = "GET",
  path = PLACE_PATH,
  answer = PLACE_ANSWER,
  result = PLACE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "PUT /calendars/services/locations/{serviceLocationId}",
  name = "service_locations:update",
  ids = { PLACE },
  call = function(client, id) return client.service_locations:update(id, { name = "Midtown studio" }) end,
  method = "PUT",
  path = PLACE_PATH,
  body = [[{"name":"Midtown studio"}]],
  answer = PLACE_ANSWER,
  result = PLACE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "DELETE /calendars/services/locations/{serviceLocationId}",
  name = "service_locations:delete",
  ids = { PLACE },
  call = function(client, id) return client.service_locations:delete(id) end,
  method = "DELETE",
  path = PLACE_PATH,
  answer = [[{"success":true}]],
  result = { success = true },
}

--------------------------------------------------------------------------------------------------------- companions

local COMPANION = "2021-07-28"

case {
  endpoint = "GET /contacts/{contactId}",
  name = "contacts:get",
  version = COMPANION,
  ids = { CONTACT },
  call = function(client, id) return client.contacts:get(id) end,
  method = "GET",
  path = "/contacts/GCs5KuzPqTls7vWclkEV",
  answer = [[{ "contact": { "id": "GCs5KuzPqTls7vWclkEV", "name": "Rosan Deo", "timezone": "Asia/Calcutta",
    "tags": [], "customFields": [ { "id": "f1", "value": [ "a" ] } ],
    "dndSettings": { "Call": { "status": "active" } } },
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = {
    id = CONTACT,
    name = "Rosan Deo",
    timezone = "Asia/Calcutta",
    tags = {},
    customFields = { { id = "f1", value = { "a" } } },
    dndSettings = { Call = { status = "active" } },
  },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "POST /contacts/upsert",
  name = "contacts:upsert",
  version = COMPANION,
  call = function(client)
    return client.contacts:upsert {
      firstName = "Rosan",
      email = "rosan@example.com",
      tags = {},
      customFields = { { id = "f1", field_value = 5 } },
    }
  end,
  method = "POST",
  path = "/contacts/upsert",
  body = [[{ "locationId": "ve9EPM428h8vShlRW1KT", "firstName": "Rosan", "email": "rosan@example.com", "tags": [],
    "customFields": [ { "id": "f1", "field_value": 5 } ] }]],
  answer = [[{ "new": true, "contact": { "id": "GCs5KuzPqTls7vWclkEV", "locationId": "ve9EPM428h8vShlRW1KT" },
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = { id = CONTACT, locationId = LOCATION },
  extra = { new = true, traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /contacts/{contactId}/appointments",
  name = "contacts:appointments",
  version = COMPANION,
  ids = { CONTACT },
  call = function(client, id) return client.contacts:appointments(id) end,
  method = "GET",
  path = "/contacts/GCs5KuzPqTls7vWclkEV/appointments",
  answer = [[{"events":[]}]],
  result = {},
}

case {
  endpoint = "GET /users/{userId}",
  name = "users:get",
  version = COMPANION,
  ids = { USER },
  call = function(client, id) return client.users:get(id) end,
  method = "GET",
  path = "/users/YlWd2wuCAZQzh2cH1fVZ",
  answer = [[{ "id": "YlWd2wuCAZQzh2cH1fVZ", "name": "John Deo",
    "roles": { "type": "account", "role": "admin", "locationIds": [ "ve9EPM428h8vShlRW1KT" ] } }]],
  result = { id = USER, name = "John Deo", roles = { type = "account", role = "admin", locationIds = { LOCATION } } },
}

case {
  endpoint = "GET /users/search",
  name = "users:search",
  version = COMPANION,
  call = function(client) return client.users:search { companyId = COMPANY, query = "John", limit = 10 } end,
  method = "GET",
  path = "/users/search",
  query = { "companyId=5DP41231LkQsiKESj6rh", "locationId=ve9EPM428h8vShlRW1KT", "query=John", "limit=10" },
  answer = [[{ "users": [ { "id": "YlWd2wuCAZQzh2cH1fVZ", "name": "John Deo" } ], "count": 1 }]],
  result = { { id = USER, name = "John Deo" } },
  extra = { count = 1 },
}

case {
  endpoint = "GET /locations/{locationId}",
  name = "locations:get",
  version = COMPANION,
  ids = { "C2QujeCh8ZnC7al2InWR" },
  call = function(client, id) return client.locations:get(id) end,
  method = "GET",
  path = "/locations/C2QujeCh8ZnC7al2InWR",
  answer = [[{ "location": { "id": "C2QujeCh8ZnC7al2InWR", "name": "dentist", "timezone": "America/Chicago",
    "settings": { "allowDuplicateContact": false } } }]],
  result = {
    id = "C2QujeCh8ZnC7al2InWR",
    name = "dentist",
    timezone = "America/Chicago",
    settings = { allowDuplicateContact = false },
  },
}

return cases
