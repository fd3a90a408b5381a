--- The bytes of each endpoint on the wire and the result of its response, written down by hand from the
-- vendor's document and what is known of the live API. Nothing here is derived from the library's own tables.
--
-- A case: `endpoint` of the overview, `name` of the method, `title` (when an endpoint has several), `ids` handed to
-- `call` after the client, the `path` and `query` that must go out (query: the pairs as spelt on the wire, in any
-- order), the `body` (JSON text; absent = none), `status` and `answer` (JSON text) of the API, and the `result`,
-- `extra` and `trace_id` that must come out. The client's location is LOCATION.

local hoopai = require "hoopai"

local LOCATION = "ve9EPM428h8vShlRW1KT"
local CALENDAR = "BqTwX8QFwXzpegMve9EQ"
local OTHER_CALENDAR = "CVokAlI8fgw4WYWoCtQz"
local GROUP = "9NkT25Vor1v4aQatFsv2"
local EVENT = "0TkCdp9PfvLeWKYRRvIz"
local INSTANCE = "ocQHyuzHvysMo5N5VsXc_1729821600000_1800"
local CONTACT = "GCs5KuzPqTls7vWclkEV"
local USER = "YlWd2wuCAZQzh2cH1fVZ"
local NOTE = "HGPcayliwcdoUFzvbTok"
local RESOURCE = "5f8d0d55b54764421b7156c9"
local NOTIFICATION = "66a1f0c2e4b0d15a9c8f7e31"
local SCHEDULE = "IkqiJlXJ7o9h61tCHHod"
local TRACE = "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e"

local cases = {}

local function case(fields)
  fields.ids = fields.ids or {}
  fields.status = fields.status or 200
  cases[#cases + 1] = fields
end

---------------------------------------------------------------------------------------------------------- calendars

case {
  endpoint = "GET /calendars/",
  name = "calendars:list",
  call = function(client) return client.calendars:list() end,
  method = "GET",
  path = "/calendars/",
  query = { "locationId=ve9EPM428h8vShlRW1KT" },
  answer = [[{
    "calendars": [
      { "id": "BqTwX8QFwXzpegMve9EQ", "locationId": "ve9EPM428h8vShlRW1KT", "name": "First consultation",
        "calendarType": "round_robin", "slotDuration": 30, "slotDurationUnit": "mins", "isActive": true,
        "teamMembers": [ { "userId": "YlWd2wuCAZQzh2cH1fVZ", "priority": 0.5, "isPrimary": true } ],
        "availabilityType": 0, "description": null },
      { "id": "CVokAlI8fgw4WYWoCtQz", "locationId": "ve9EPM428h8vShlRW1KT", "name": "Yoga", "teamMembers": [] }
    ],
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = {
    {
      id = CALENDAR,
      locationId = LOCATION,
      name = "First consultation",
      calendarType = "round_robin",
      slotDuration = 30,
      slotDurationUnit = "mins",
      isActive = true,
      teamMembers = { { userId = USER, priority = 0.5, isPrimary = true } },
      availabilityType = 0,
    },
    { id = OTHER_CALENDAR, locationId = LOCATION, name = "Yoga", teamMembers = {} },
  },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/",
  name = "calendars:list",
  title = "of a group, without drafts, of another location",
  call = function(client)
    return client.calendars:list({ groupId = GROUP, showDrafted = false }, { location_id = "C2QujeCh8ZnC7al2InWR" })
  end,
  method = "GET",
  path = "/calendars/",
  query = { "locationId=C2QujeCh8ZnC7al2InWR", "groupId=9NkT25Vor1v4aQatFsv2", "showDrafted=false" },
  answer = [[{"calendars":[]}]],
  result = {},
  extra = {},
}

case {
  endpoint = "POST /calendars/",
  name = "calendars:create",
  call = function(client)
    return client.calendars:create {
      name = 'Erstgespräch "kurz"',
      calendarType = "event",
      slotDuration = 30,
      slotDurationUnit = "mins",
      slotInterval = 15,
      slotIntervalUnit = "mins",
      appoinmentPerSlot = 1,
      appoinmentPerDay = 8,
      teamMembers = {},
      autoConfirm = true,
      availabilityType = hoopai.null,
      openHours = {
        { daysOfTheWeek = { 1, 2 }, hours = { { openHour = 9, openMinute = 0, closeHour = 17, closeMinute = 30 } } },
        { daysOfTheWeek = { 5 }, hours = {} },
      },
      availabilities = { { date = "2026-12-24T00:00:00.000Z", hours = {} } },
      lookBusyConfig = { enabled = true, LookBusyPercentage = 12.5 },
    }
  end,
  method = "POST",
  path = "/calendars/",
  body = [[{
    "name": "Erstgespräch \"kurz\"", "calendarType": "event", "slotDuration": 30, "slotDurationUnit": "mins",
    "slotInterval": 15, "slotIntervalUnit": "mins", "appoinmentPerSlot": 1, "appoinmentPerDay": 8,
    "teamMembers": [], "autoConfirm": true, "availabilityType": null, "locationId": "ve9EPM428h8vShlRW1KT",
    "openHours": [
      { "daysOfTheWeek": [1, 2], "hours": [ { "openHour": 9, "openMinute": 0, "closeHour": 17, "closeMinute": 30 } ] },
      { "daysOfTheWeek": [5], "hours": [] }
    ],
    "availabilities": [ { "date": "2026-12-24T00:00:00.000Z", "hours": [] } ],
    "lookBusyConfig": { "enabled": true, "LookBusyPercentage": 12.5 } }]],
  answer = [[{
    "calendar": { "id": "BqTwX8QFwXzpegMve9EQ", "locationId": "ve9EPM428h8vShlRW1KT", "name": "Erstgespr\u00e4ch",
      "availabilityType": null, "openHours": [ { "daysOfTheWeek": [5], "hours": [] } ] },
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = {
    id = CALENDAR,
    locationId = LOCATION,
    name = "Erstgespräch",
    availabilityType = hoopai.null,
    openHours = { { daysOfTheWeek = { 5 }, hours = {} } },
  },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/{calendarId}",
  name = "calendars:get",
  ids = { CALENDAR },
  call = function(client, id) return client.calendars:get(id) end,
  method = "GET",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ",
  answer = [[{
    "calendar": { "id": "BqTwX8QFwXzpegMve9EQ", "locationId": "ve9EPM428h8vShlRW1KT", "name": "First consultation",
      "availabilityType": null, "formId": null, "slotBuffer": 0, "appoinmentPerSlot": 1.0 },
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = {
    id = CALENDAR,
    locationId = LOCATION,
    name = "First consultation",
    availabilityType = hoopai.null,
    slotBuffer = 0,
    appoinmentPerSlot = 1,
  },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "PUT /calendars/{calendarId}",
  name = "calendars:update",
  ids = { CALENDAR },
  call = function(client, id)
    return client.calendars:update(id, {
      isActive = false,
      openHours = {},
      availabilities = { { id = "av1", date = "2026-01-01T00:00:00.000Z", hours = {}, deleted = true } },
    })
  end,
  method = "PUT",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ",
  body = [[{ "isActive": false, "openHours": [],
    "availabilities": [ { "id": "av1", "date": "2026-01-01T00:00:00.000Z", "hours": [], "deleted": true } ] }]],
  answer = [[{ "calendar": { "id": "BqTwX8QFwXzpegMve9EQ", "locationId": "ve9EPM428h8vShlRW1KT", "name": "Yoga",
    "isActive": false, "openHours": [] } }]],
  result = { id = CALENDAR, locationId = LOCATION, name = "Yoga", isActive = false, openHours = {} },
  extra = {},
}

case {
  endpoint = "DELETE /calendars/{calendarId}",
  name = "calendars:delete",
  ids = { CALENDAR },
  call = function(client, id) return client.calendars:delete(id) end,
  method = "DELETE",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ",
  answer = [[{"success":true,"traceId":"2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e"}]],
  result = { success = true },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/{calendarId}/free-slots",
  name = "calendars:free_slots",
  ids = { CALENDAR },
  call = function(client, id)
    return client.calendars:free_slots(id, { startDate = 1730073600000, endDate = 1730246400000 })
  end,
  method = "GET",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/free-slots",
  query = { "startDate=1730073600000", "endDate=1730246400000" },
  answer = [[{
    "2024-10-28": { "slots": [ "2024-10-28T10:00:00-05:00", "2024-10-28T11:00:00-05:00" ] },
    "2024-10-29": { "slots": [ "2024-10-29T10:00:00-05:00" ] },
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = {
    ["2024-10-28"] = { slots = { "2024-10-28T10:00:00-05:00", "2024-10-28T11:00:00-05:00" } },
    ["2024-10-29"] = { slots = { "2024-10-29T10:00:00-05:00" } },
  },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/{calendarId}/free-slots",
  name = "calendars:free_slots",
  ids = { CALENDAR },
  title = "with every parameter, and instants in other forms",
  call = function(client, id)
    return client.calendars:free_slots(id, {
      startDate = "2024-10-28T00:00:00+01:00",
      endDate = hoopai.time.from_seconds(1730246400),
      timezone = "America/New_York",
      userId = USER,
      userIds = { "user/1", "user 2" },
      enableLookBusy = true,
      locationId = LOCATION,
    })
  end,
  method = "GET",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/free-slots",
  query = {
    "startDate=1730070000000",
    "endDate=1730246400000",
    "timezone=America%2FNew_York",
    "userId=YlWd2wuCAZQzh2cH1fVZ",
    "userIds=user%2F1",
    "userIds=user%202",
    "enableLookBusy=true",
    "locationId=ve9EPM428h8vShlRW1KT",
  },
  answer = [[{"traceId":"2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e"}]],
  result = {},
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

------------------------------------------------------------------------------------------------------------- groups

local GROUP_ANSWER = [[{ "group": { "id": "9NkT25Vor1v4aQatFsv2", "locationId": "ve9EPM428h8vShlRW1KT",
  "name": "Adults", "description": "All adults", "slug": "adults", "isActive": true },
  "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]]
local GROUP_RESULT = {
  id = GROUP,
  locationId = LOCATION,
  name = "Adults",
  description = "All adults",
  slug = "adults",
  isActive = true,
}

case {
  endpoint = "GET /calendars/groups",
  name = "groups:list",
  call = function(client) return client.groups:list() end,
  method = "GET",
  path = "/calendars/groups",
  query = { "locationId=ve9EPM428h8vShlRW1KT" },
  answer = [[{ "groups": [ { "id": "9NkT25Vor1v4aQatFsv2", "locationId": "ve9EPM428h8vShlRW1KT", "name": "Adults",
    "description": "All adults", "slug": "adults", "isActive": true } ] }]],
  result = { GROUP_RESULT },
  extra = {},
}

case {
  endpoint = "POST /calendars/groups",
  name = "groups:create",
  call = function(client)
    return client.groups:create { name = "Adults", description = "All adults", slug = "adults", isActive = true }
  end,
  method = "POST",
  path = "/calendars/groups",
  body = [[{ "locationId": "ve9EPM428h8vShlRW1KT", "name": "Adults", "description": "All adults", "slug": "adults",
    "isActive": true }]],
  status = 201,
  answer = GROUP_ANSWER,
  result = GROUP_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "POST /calendars/groups/validate-slug",
  name = "groups:validate_slug",
  call = function(client) return client.groups:validate_slug { slug = "adults" } end,
  method = "POST",
  path = "/calendars/groups/validate-slug",
  body = [[{"locationId":"ve9EPM428h8vShlRW1KT","slug":"adults"}]],
  answer = [[{"available":false}]],
  result = { available = false },
  extra = {},
}

case {
  endpoint = "GET /calendars/groups/{groupId}",
  name = "groups:get",
  ids = { GROUP },
  call = function(client, id) return client.groups:get(id) end,
  method = "GET",
  path = "/calendars/groups/9NkT25Vor1v4aQatFsv2",
  answer = GROUP_ANSWER,
  result = GROUP_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "PUT /calendars/groups/{groupId}",
  name = "groups:update",
  ids = { GROUP },
  call = function(client, id)
    return client.groups:update(id, { name = "Adults", description = "All adults", slug = "adults" })
  end,
  method = "PUT",
  path = "/calendars/groups/9NkT25Vor1v4aQatFsv2",
  body = [[{"name":"Adults","description":"All adults","slug":"adults"}]],
  answer = GROUP_ANSWER,
  result = GROUP_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "DELETE /calendars/groups/{groupId}",
  name = "groups:delete",
  ids = { GROUP },
  call = function(client, id) return client.groups:delete(id) end,
  method = "DELETE",
  path = "/calendars/groups/9NkT25Vor1v4aQatFsv2",
  answer = [[{"success":true}]],
  result = { success = true },
  extra = {},
}

case {
  endpoint = "PUT /calendars/groups/{groupId}/status",
  name = "groups:set_status",
  ids = { GROUP },
  call = function(client, id) return client.groups:set_status(id, { isActive = false }) end,
  method = "PUT",
  path = "/calendars/groups/9NkT25Vor1v4aQatFsv2/status",
  body = [[{"isActive":false}]],
  answer = [[{"success":true}]],
  result = { success = true },
  extra = {},
}

------------------------------------------------------------------------------------------------------------- events

local EVENTS_ANSWER = [[{
  "events": [
    { "id": "ocQHyuzHvysMo5N5VsXc_1729821600000_1800", "title": "Check-up", "calendarId": "BqTwX8QFwXzpegMve9EQ",
      "locationId": "ve9EPM428h8vShlRW1KT", "contactId": "GCs5KuzPqTls7vWclkEV", "appointmentStatus": "confirmed",
      "assignedUserId": "YlWd2wuCAZQzh2cH1fVZ", "users": [], "isRecurring": true, "groupId": null,
      "startTime": "2024-10-25T07:30:00+05:30", "endTime": "2024-10-25T08:00:00+05:30",
      "dateAdded": "2024-10-01T08:00:00.000Z", "dateUpdated": "2024-10-01T08:00:00.000Z" } ],
  "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]]
local EVENTS_RESULT = {
  {
    id = INSTANCE,
    title = "Check-up",
    calendarId = CALENDAR,
    locationId = LOCATION,
    contactId = CONTACT,
    appointmentStatus = "confirmed",
    assignedUserId = USER,
    users = {},
    isRecurring = true,
    startTime = "2024-10-25T07:30:00+05:30",
    endTime = "2024-10-25T08:00:00+05:30",
    dateAdded = "2024-10-01T08:00:00.000Z",
    dateUpdated = "2024-10-01T08:00:00.000Z",
  },
}

case {
  endpoint = "GET /calendars/events",
  name = "events:list",
  call = function(client)
    return client.events:list { calendarId = CALENDAR, startTime = 1729814400000, endTime = 1729900800000 }
  end,
  method = "GET",
  path = "/calendars/events",
  query = {
    "locationId=ve9EPM428h8vShlRW1KT",
    "calendarId=BqTwX8QFwXzpegMve9EQ",
    "startTime=1729814400000",
    "endTime=1729900800000",
  },
  answer = EVENTS_ANSWER,
  result = EVENTS_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/events",
  name = "events:list",
  title = "of a user, in other forms of time",
  call = function(client)
    return client.events:list {
      userId = USER,
      locationId = "C2QujeCh8ZnC7al2InWR",
      startTime = "2024-10-25T00:00:00Z",
      endTime = hoopai.time.from_ms(1729900800000),
    }
  end,
  method = "GET",
  path = "/calendars/events",
  query = {
    "locationId=C2QujeCh8ZnC7al2InWR",
    "userId=YlWd2wuCAZQzh2cH1fVZ",
    "startTime=1729814400000",
    "endTime=1729900800000",
  },
  answer = [[{"events":[]}]],
  result = {},
  extra = {},
}

case {
  endpoint = "DELETE /calendars/events/{eventId}",
  name = "events:delete",
  ids = { INSTANCE },
  call = function(client, id) return client.events:delete(id) end,
  method = "DELETE",
  path = "/calendars/events/ocQHyuzHvysMo5N5VsXc_1729821600000_1800",
  body = "{}",
  status = 201,
  answer = [[{"succeeded":true,"traceId":"2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e"}]],
  result = { succeeded = true },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

------------------------------------------------------------------------------------------------------- appointments

local APPOINTMENT_ANSWER = [[{ "id": "0TkCdp9PfvLeWKYRRvIz", "calendarId": "BqTwX8QFwXzpegMve9EQ",
  "locationId": "ve9EPM428h8vShlRW1KT", "contactId": "GCs5KuzPqTls7vWclkEV", "title": "Check-up",
  "appoinmentStatus": "confirmed", "appointmentStatus": "confirmed", "assignedUserId": "YlWd2wuCAZQzh2cH1fVZ",
  "isRecurring": false, "address": "", "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]]
local APPOINTMENT_RESULT = {
  id = EVENT,
  calendarId = CALENDAR,
  locationId = LOCATION,
  contactId = CONTACT,
  title = "Check-up",
  appoinmentStatus = "confirmed",
  appointmentStatus = "confirmed",
  assignedUserId = USER,
  isRecurring = false,
  address = "",
}

case {
  endpoint = "POST /calendars/events/appointments",
  name = "appointments:create",
  call = function(client)
    return client.appointments:create {
      calendarId = CALENDAR,
      contactId = CONTACT,
      assignedUserId = USER,
      title = "Check-up",
      startTime = "2024-10-28T10:00:00-05:00",
      endTime = hoopai.time.at {
        year = 2024,
        month = 10,
        day = 28,
        hour = 10,
        min = 30,
        zone = "America/Chicago",
      },
      appointmentStatus = "new",
      toNotify = false,
    }
  end,
  method = "POST",
  path = "/calendars/events/appointments",
  body = [[{ "calendarId": "BqTwX8QFwXzpegMve9EQ", "contactId": "GCs5KuzPqTls7vWclkEV",
    "locationId": "ve9EPM428h8vShlRW1KT", "assignedUserId": "YlWd2wuCAZQzh2cH1fVZ", "title": "Check-up",
    "startTime": "2024-10-28T10:00:00-05:00", "endTime": "2024-10-28T10:30:00-05:00",
    "appointmentStatus": "new", "toNotify": false }]],
  answer = APPOINTMENT_ANSWER,
  result = APPOINTMENT_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/events/appointments/{eventId}",
  name = "appointments:get",
  ids = { EVENT },
  title = "as documented",
  call = function(client, id) return client.appointments:get(id) end,
  method = "GET",
  path = "/calendars/events/appointments/0TkCdp9PfvLeWKYRRvIz",
  answer = [[{ "event": { "id": "0TkCdp9PfvLeWKYRRvIz", "title": "Check-up", "contactId": "GCs5KuzPqTls7vWclkEV",
    "startTime": "2024-10-28T10:00:00-05:00", "endTime": "2024-10-28T10:30:00-05:00" } }]],
  result = {
    id = EVENT,
    title = "Check-up",
    contactId = CONTACT,
    startTime = "2024-10-28T10:00:00-05:00",
    endTime = "2024-10-28T10:30:00-05:00",
  },
  extra = {},
}

case {
  endpoint = "GET /calendars/events/appointments/{eventId}",
  name = "appointments:get",
  ids = { INSTANCE },
  title = "as the live API answers",
  call = function(client, id) return client.appointments:get(id) end,
  method = "GET",
  path = "/calendars/events/appointments/ocQHyuzHvysMo5N5VsXc_1729821600000_1800",
  answer = [[{ "appointment": { "id": "ocQHyuzHvysMo5N5VsXc_1729821600000_1800", "title": "Check-up",
    "appoinmentStatus": "confirmed", "masterEventId": "ocQHyuzHvysMo5N5VsXc" },
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = {
    id = INSTANCE,
    title = "Check-up",
    appoinmentStatus = "confirmed",
    masterEventId = "ocQHyuzHvysMo5N5VsXc",
  },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "PUT /calendars/events/appointments/{eventId}",
  name = "appointments:update",
  ids = { EVENT },
  call = function(client, id)
    return client.appointments:update(id, {
      startTime = "2024-10-29T14:30:00-05:00",
      endTime = "2024-10-29T15:00:00-05:00",
      ignoreDateRange = true,
    })
  end,
  method = "PUT",
  path = "/calendars/events/appointments/0TkCdp9PfvLeWKYRRvIz",
  body = [[{ "startTime": "2024-10-29T14:30:00-05:00", "endTime": "2024-10-29T15:00:00-05:00",
    "ignoreDateRange": true }]],
  answer = APPOINTMENT_ANSWER,
  result = APPOINTMENT_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "PUT /calendars/events/appointments/{eventId}",
  name = "appointments:cancel",
  alias = true,
  ids = { EVENT },
  call = function(client, id) return client.appointments:cancel(id) end,
  method = "PUT",
  path = "/calendars/events/appointments/0TkCdp9PfvLeWKYRRvIz",
  body = [[{"appointmentStatus":"cancelled"}]],
  answer = APPOINTMENT_ANSWER,
  result = APPOINTMENT_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "DELETE /calendars/events/{eventId}",
  name = "appointments:delete",
  alias = true,
  ids = { EVENT },
  call = function(client, id) return client.appointments:delete(id) end,
  method = "DELETE",
  path = "/calendars/events/0TkCdp9PfvLeWKYRRvIz",
  body = "{}",
  status = 201,
  answer = [[{"succeeded":true}]],
  result = { succeeded = true },
  extra = {},
}

-------------------------------------------------------------------------------------------------------- block slots

local BLOCK_ANSWER = [[{ "id": "0TkCdp9PfvLeWKYRRvIz", "locationId": "ve9EPM428h8vShlRW1KT", "title": "Lunch",
  "startTime": "2024-10-28T12:00:00-05:00", "endTime": "2024-10-28T13:00:00-05:00",
  "calendarId": "BqTwX8QFwXzpegMve9EQ" }]]
local BLOCK_RESULT = {
  id = EVENT,
  locationId = LOCATION,
  title = "Lunch",
  startTime = "2024-10-28T12:00:00-05:00",
  endTime = "2024-10-28T13:00:00-05:00",
  calendarId = CALENDAR,
}

case {
  endpoint = "GET /calendars/blocked-slots",
  name = "block_slots:list",
  call = function(client)
    return client.block_slots:list { groupId = GROUP, startTime = 1729814400000, endTime = 1729900800000 }
  end,
  method = "GET",
  path = "/calendars/blocked-slots",
  query = {
    "locationId=ve9EPM428h8vShlRW1KT",
    "groupId=9NkT25Vor1v4aQatFsv2",
    "startTime=1729814400000",
    "endTime=1729900800000",
  },
  answer = EVENTS_ANSWER,
  result = EVENTS_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "POST /calendars/events/block-slots",
  name = "block_slots:create",
  call = function(client)
    return client.block_slots:create {
      calendarId = CALENDAR,
      title = "Lunch",
      startTime = "2024-10-28T12:00:00-05:00",
      endTime = "2024-10-28T13:00:00-05:00",
    }
  end,
  method = "POST",
  path = "/calendars/events/block-slots",
  body = [[{ "calendarId": "BqTwX8QFwXzpegMve9EQ", "locationId": "ve9EPM428h8vShlRW1KT", "title": "Lunch",
    "startTime": "2024-10-28T12:00:00-05:00", "endTime": "2024-10-28T13:00:00-05:00" }]],
  status = 201,
  answer = BLOCK_ANSWER,
  result = BLOCK_RESULT,
  extra = {},
}

case {
  endpoint = "PUT /calendars/events/block-slots/{eventId}",
  name = "block_slots:update",
  ids = { EVENT },
  call = function(client, id)
    return client.block_slots:update(id, {
      assignedUserId = USER,
      startTime = "2024-10-28T12:00:00-05:00",
      endTime = "2024-10-28T13:00:00-05:00",
    })
  end,
  method = "PUT",
  path = "/calendars/events/block-slots/0TkCdp9PfvLeWKYRRvIz",
  body = [[{ "assignedUserId": "YlWd2wuCAZQzh2cH1fVZ", "locationId": "ve9EPM428h8vShlRW1KT",
    "startTime": "2024-10-28T12:00:00-05:00", "endTime": "2024-10-28T13:00:00-05:00" }]],
  status = 201,
  answer = BLOCK_ANSWER,
  result = BLOCK_RESULT,
  extra = {},
}

case {
  endpoint = "DELETE /calendars/events/{eventId}",
  name = "block_slots:delete",
  alias = true,
  ids = { EVENT },
  call = function(client, id) return client.block_slots:delete(id) end,
  method = "DELETE",
  path = "/calendars/events/0TkCdp9PfvLeWKYRRvIz",
  body = "{}",
  status = 201,
  answer = [[{"succeeded":true}]],
  result = { succeeded = true },
  extra = {},
}

-------------------------------------------------------------------------------------------------------------- notes

local NOTE_ANSWER = [[{ "note": { "id": "HGPcayliwcdoUFzvbTok", "body": "Prefers mornings\nCall first",
  "userId": "YlWd2wuCAZQzh2cH1fVZ", "dateAdded": "2021-07-08T12:02:11.285Z", "contactId": "GCs5KuzPqTls7vWclkEV",
  "createdBy": { "id": "YlWd2wuCAZQzh2cH1fVZ", "name": "John Doe" } } }]]
local NOTE_RESULT = {
  id = NOTE,
  body = "Prefers mornings\nCall first",
  userId = USER,
  dateAdded = "2021-07-08T12:02:11.285Z",
  contactId = CONTACT,
  createdBy = { id = USER, name = "John Doe" },
}

case {
  endpoint = "GET /calendars/appointments/{appointmentId}/notes",
  name = "notes:list",
  ids = { EVENT },
  call = function(client, id) return client.notes:list(id) end,
  method = "GET",
  path = "/calendars/appointments/0TkCdp9PfvLeWKYRRvIz/notes",
  query = { "limit=20", "offset=0" },
  answer = [[{ "notes": [ { "id": "HGPcayliwcdoUFzvbTok", "body": "Prefers mornings\nCall first",
    "userId": "YlWd2wuCAZQzh2cH1fVZ", "dateAdded": "2021-07-08T12:02:11.285Z",
    "contactId": "GCs5KuzPqTls7vWclkEV", "createdBy": { "id": "YlWd2wuCAZQzh2cH1fVZ", "name": "John Doe" } } ],
    "hasMore": true, "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = { NOTE_RESULT },
  extra = { hasMore = true, traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/appointments/{appointmentId}/notes",
  name = "notes:list",
  title = "a later page",
  ids = { EVENT },
  call = function(client, id) return client.notes:list(id, { limit = 5, offset = 40 }) end,
  method = "GET",
  path = "/calendars/appointments/0TkCdp9PfvLeWKYRRvIz/notes",
  query = { "limit=5", "offset=40" },
  answer = [[{"notes":[],"hasMore":false}]],
  result = {},
  extra = { hasMore = false },
}

case {
  endpoint = "POST /calendars/appointments/{appointmentId}/notes",
  name = "notes:create",
  ids = { EVENT },
  -- stylua: ignore
  call = function(client, id)
    return client.notes:create(id, { body = "Prefers mornings\nCall first", userId = USER })
  end,
  method = "POST",
  path = "/calendars/appointments/0TkCdp9PfvLeWKYRRvIz/notes",
  body = [[{"body":"Prefers mornings\nCall first","userId":"YlWd2wuCAZQzh2cH1fVZ"}]],
  status = 201,
  answer = NOTE_ANSWER,
  result = NOTE_RESULT,
  extra = {},
}

case {
  endpoint = "PUT /calendars/appointments/{appointmentId}/notes/{noteId}",
  name = "notes:update",
  ids = { EVENT, NOTE },
  call = function(client, id, note) return client.notes:update(id, note, { body = "Paid" }) end,
  method = "PUT",
  path = "/calendars/appointments/0TkCdp9PfvLeWKYRRvIz/notes/HGPcayliwcdoUFzvbTok",
  body = [[{"body":"Paid"}]],
  answer = NOTE_ANSWER,
  result = NOTE_RESULT,
  extra = {},
}

case {
  endpoint = "DELETE /calendars/appointments/{appointmentId}/notes/{noteId}",
  name = "notes:delete",
  ids = { EVENT, NOTE },
  call = function(client, id, note) return client.notes:delete(id, note) end,
  method = "DELETE",
  path = "/calendars/appointments/0TkCdp9PfvLeWKYRRvIz/notes/HGPcayliwcdoUFzvbTok",
  answer = [[{"success":true}]],
  result = { success = true },
  extra = {},
}

---------------------------------------------------------------------------------------------------------- resources

local RESOURCE_ANSWER = [[{ "locationId": "ve9EPM428h8vShlRW1KT", "name": "yoga room", "resourceType": "rooms",
  "isActive": true, "description": "First floor", "quantity": 1, "outOfService": 0, "capacity": 85,
  "calendarIds": [ "BqTwX8QFwXzpegMve9EQ" ] }]]
local RESOURCE_RESULT = {
  locationId = LOCATION,
  name = "yoga room",
  resourceType = "rooms",
  isActive = true,
  description = "First floor",
  quantity = 1,
  outOfService = 0,
  capacity = 85,
  calendarIds = { CALENDAR },
}

case {
  endpoint = "GET /calendars/resources/{resourceType}",
  name = "resources:list",
  call = function(client) return client.resources:list("rooms") end,
  method = "GET",
  path = "/calendars/resources/rooms",
  query = { "locationId=ve9EPM428h8vShlRW1KT", "limit=100", "skip=0" },
  answer = "[" .. RESOURCE_ANSWER .. "]",
  result = { RESOURCE_RESULT },
  extra = {},
}

case {
  endpoint = "GET /calendars/resources/{resourceType}",
  name = "resources:list",
  title = "none, with paging",
  call = function(client) return client.resources:list("equipments", { limit = 10, skip = 20 }) end,
  method = "GET",
  path = "/calendars/resources/equipments",
  query = { "locationId=ve9EPM428h8vShlRW1KT", "limit=10", "skip=20" },
  answer = "[]",
  result = {},
  extra = {},
}

case {
  endpoint = "POST /calendars/resources/{resourceType}",
  name = "resources:create",
  call = function(client)
    return client.resources:create("rooms", {
      name = "yoga room",
      description = "First floor",
      quantity = 1,
      outOfService = 0,
      capacity = 85,
      calendarIds = {},
    })
  end,
  method = "POST",
  path = "/calendars/resources/rooms",
  body = [[{ "locationId": "ve9EPM428h8vShlRW1KT", "name": "yoga room", "description": "First floor",
    "quantity": 1, "outOfService": 0, "capacity": 85, "calendarIds": [] }]],
  status = 201,
  answer = RESOURCE_ANSWER,
  result = RESOURCE_RESULT,
  extra = {},
}

case {
  endpoint = "GET /calendars/resources/{resourceType}/{id}",
  name = "resources:get",
  ids = { RESOURCE },
  call = function(client, id) return client.resources:get("rooms", id) end,
  method = "GET",
  path = "/calendars/resources/rooms/5f8d0d55b54764421b7156c9",
  answer = RESOURCE_ANSWER,
  result = RESOURCE_RESULT,
  extra = {},
}

case {
  endpoint = "PUT /calendars/resources/{resourceType}/{id}",
  name = "resources:update",
  ids = { RESOURCE },
  call = function(client, id)
    return client.resources:update("equipments", id, { quantity = 3, calendarIds = { CALENDAR } })
  end,
  method = "PUT",
  path = "/calendars/resources/equipments/5f8d0d55b54764421b7156c9",
  body = [[{ "quantity": 3, "calendarIds": [ "BqTwX8QFwXzpegMve9EQ" ], "locationId": "ve9EPM428h8vShlRW1KT" }]],
  answer = RESOURCE_ANSWER,
  result = RESOURCE_RESULT,
  extra = {},
}

case {
  endpoint = "DELETE /calendars/resources/{resourceType}/{id}",
  name = "resources:delete",
  ids = { RESOURCE },
  call = function(client, id) return client.resources:delete("rooms", id) end,
  method = "DELETE",
  path = "/calendars/resources/rooms/5f8d0d55b54764421b7156c9",
  answer = [[{"success":true}]],
  result = { success = true },
  extra = {},
}

------------------------------------------------------------------------------------------------------ notifications

local NOTIFICATION_ANSWER = [[{ "_id": "66a1f0c2e4b0d15a9c8f7e31", "receiverType": "contact", "channel": "email",
  "notificationType": "reminder", "isActive": true, "additionalEmailIds": [], "subject": "Soon",
  "beforeTime": [ { "timeOffset": 1, "unit": "hours" } ], "deleted": false }]]
local NOTIFICATION_RESULT = {
  _id = NOTIFICATION,
  receiverType = "contact",
  channel = "email",
  notificationType = "reminder",
  isActive = true,
  additionalEmailIds = {},
  subject = "Soon",
  beforeTime = { { timeOffset = 1, unit = "hours" } },
  deleted = false,
}

case {
  endpoint = "GET /calendars/{calendarId}/notifications",
  name = "notifications:list",
  ids = { CALENDAR },
  call = function(client, id) return client.notifications:list(id) end,
  method = "GET",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/notifications",
  answer = "[" .. NOTIFICATION_ANSWER .. "]",
  result = { NOTIFICATION_RESULT },
  extra = {},
}

case {
  endpoint = "GET /calendars/{calendarId}/notifications",
  name = "notifications:list",
  title = "with every parameter",
  ids = { CALENDAR },
  call = function(client, id)
    return client.notifications:list(id, { isActive = true, deleted = false, limit = 2, skip = 4 })
  end,
  method = "GET",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/notifications",
  query = { "isActive=true", "deleted=false", "limit=2", "skip=4" },
  answer = "[]",
  result = {},
  extra = {},
}

case {
  endpoint = "POST /calendars/{calendarId}/notifications",
  name = "notifications:create",
  ids = { CALENDAR },
  call = function(client, id)
    return client.notifications:create(id, {
      {
        receiverType = "contact",
        channel = "email",
        notificationType = "reminder",
        subject = "Soon",
        beforeTime = { { timeOffset = 1, unit = "hours" } },
        additionalEmailIds = {},
      },
      {
        receiverType = "business",
        channel = "inApp",
        notificationType = "booked",
        selectedUsers = { "sub_account_admin" },
      },
    })
  end,
  method = "POST",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/notifications",
  body = [[[
    { "receiverType": "contact", "channel": "email", "notificationType": "reminder", "subject": "Soon",
      "beforeTime": [ { "timeOffset": 1, "unit": "hours" } ], "additionalEmailIds": [] },
    { "receiverType": "business", "channel": "inApp", "notificationType": "booked",
      "selectedUsers": [ "sub_account_admin" ] } ] ]],
  answer = "[" .. NOTIFICATION_ANSWER .. "]",
  result = { NOTIFICATION_RESULT },
  extra = {},
}

case {
  endpoint = "GET /calendars/{calendarId}/notifications/{notificationId}",
  name = "notifications:get",
  ids = { CALENDAR, NOTIFICATION },
  call = function(client, id, notification) return client.notifications:get(id, notification) end,
  method = "GET",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/notifications/66a1f0c2e4b0d15a9c8f7e31",
  answer = NOTIFICATION_ANSWER,
  result = NOTIFICATION_RESULT,
  extra = {},
}

case {
  endpoint = "PUT /calendars/{calendarId}/notifications/{notificationId}",
  name = "notifications:update",
  ids = { CALENDAR, NOTIFICATION },
  call = function(client, id, notification)
    return client.notifications:update(id, notification, { isActive = false, selectedUsers = {} })
  end,
  method = "PUT",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/notifications/66a1f0c2e4b0d15a9c8f7e31",
  body = [[{"isActive":false,"selectedUsers":[]}]],
  answer = [[{"message":"Notification updated","traceId":"2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e"}]],
  result = { message = "Notification updated" },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "DELETE /calendars/{calendarId}/notifications/{notificationId}",
  name = "notifications:delete",
  ids = { CALENDAR, NOTIFICATION },
  call = function(client, id, notification) return client.notifications:delete(id, notification) end,
  method = "DELETE",
  path = "/calendars/BqTwX8QFwXzpegMve9EQ/notifications/66a1f0c2e4b0d15a9c8f7e31",
  answer = [[{"message":"Notification deleted"}]],
  result = { message = "Notification deleted" },
  extra = {},
}

---------------------------------------------------------------------------------------------------------- schedules

local SCHEDULE_ANSWER = [[{ "schedule": { "id": "IkqiJlXJ7o9h61tCHHod", "name": "Business hours",
  "locationId": "ve9EPM428h8vShlRW1KT", "timezone": "America/New_York", "userId": "YlWd2wuCAZQzh2cH1fVZ",
  "rules": [ { "type": "wday", "day": "monday", "intervals": [ { "from": "09:00", "to": "17:00" } ] } ],
  "calendarIds": [], "deleted": false, "dateAdded": "2023-01-15T10:30:00.000Z",
  "dateUpdated": "2023-01-20T14:45:00.000Z" }, "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]]
local SCHEDULE_RESULT = {
  id = SCHEDULE,
  name = "Business hours",
  locationId = LOCATION,
  timezone = "America/New_York",
  userId = USER,
  rules = { { type = "wday", day = "monday", intervals = { { from = "09:00", to = "17:00" } } } },
  calendarIds = {},
  deleted = false,
  dateAdded = "2023-01-15T10:30:00.000Z",
  dateUpdated = "2023-01-20T14:45:00.000Z",
}

case {
  endpoint = "GET /calendars/schedules/search",
  name = "schedules:list",
  call = function(client) return client.schedules:list { userId = USER } end,
  method = "GET",
  path = "/calendars/schedules/search",
  query = { "locationId=ve9EPM428h8vShlRW1KT", "userId=YlWd2wuCAZQzh2cH1fVZ" },
  answer = [[{"schedules":[]}]],
  result = {},
  extra = {},
}

case {
  endpoint = "GET /calendars/schedules/search",
  name = "schedules:list",
  title = "of a calendar, with paging",
  -- stylua: ignore
  call = function(client)
    return client.schedules:list { userId = USER, calendarId = CALENDAR, skip = 50, limit = 500 }
  end,
  method = "GET",
  path = "/calendars/schedules/search",
  query = {
    "locationId=ve9EPM428h8vShlRW1KT",
    "userId=YlWd2wuCAZQzh2cH1fVZ",
    "calendarId=BqTwX8QFwXzpegMve9EQ",
    "skip=50",
    "limit=500",
  },
  answer = [[{ "schedules": [ { "id": "IkqiJlXJ7o9h61tCHHod", "name": "Business hours", "rules": [] } ],
    "traceId": "2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e" }]],
  result = { { id = SCHEDULE, name = "Business hours", rules = {} } },
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "POST /calendars/schedules",
  name = "schedules:create",
  call = function(client)
    return client.schedules:create {
      name = "Business hours",
      userId = USER,
      timezone = "America/New_York",
      calendarIds = {},
      rules = {
        { type = "wday", day = "monday", intervals = { { from = "09:00", to = "17:00" } } },
        { type = "date", date = "2026-12-24", intervals = {} },
      },
    }
  end,
  method = "POST",
  path = "/calendars/schedules",
  body = [[{ "name": "Business hours", "userId": "YlWd2wuCAZQzh2cH1fVZ", "timezone": "America/New_York",
    "locationId": "ve9EPM428h8vShlRW1KT", "calendarIds": [],
    "rules": [
      { "type": "wday", "day": "monday", "intervals": [ { "from": "09:00", "to": "17:00" } ] },
      { "type": "date", "date": "2026-12-24", "intervals": [] } ] }]],
  status = 201,
  answer = SCHEDULE_ANSWER,
  result = SCHEDULE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "GET /calendars/schedules/{id}",
  name = "schedules:get",
  ids = { SCHEDULE },
  call = function(client, id) return client.schedules:get(id) end,
  method = "GET",
  path = "/calendars/schedules/IkqiJlXJ7o9h61tCHHod",
  answer = SCHEDULE_ANSWER,
  result = SCHEDULE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "PUT /calendars/schedules/{id}",
  name = "schedules:update",
  ids = { SCHEDULE },
  call = function(client, id) return client.schedules:update(id, { name = "Short week", rules = {} }) end,
  method = "PUT",
  path = "/calendars/schedules/IkqiJlXJ7o9h61tCHHod",
  body = [[{"name":"Short week","rules":[]}]],
  answer = SCHEDULE_ANSWER,
  result = SCHEDULE_RESULT,
  extra = { traceId = TRACE },
  trace_id = TRACE,
}

case {
  endpoint = "DELETE /calendars/schedules/{id}",
  name = "schedules:delete",
  ids = { SCHEDULE },
  call = function(client, id) return client.schedules:delete(id) end,
  method = "DELETE",
  path = "/calendars/schedules/IkqiJlXJ7o9h61tCHHod",
  answer = [[{"success":true}]],
  result = { success = true },
  extra = {},
}

case {
  endpoint = "PUT /calendars/schedules/{id}/associations/{calendarId}",
  name = "schedules:add_calendar",
  ids = { SCHEDULE, CALENDAR },
  call = function(client, id, calendar) return client.schedules:add_calendar(id, calendar) end,
  method = "PUT",
  path = "/calendars/schedules/IkqiJlXJ7o9h61tCHHod/associations/BqTwX8QFwXzpegMve9EQ",
  answer = [[{"success":true}]],
  result = { success = true },
  extra = {},
}

case {
  endpoint = "DELETE /calendars/schedules/{id}/associations/{calendarId}",
  name = "schedules:remove_calendar",
  ids = { SCHEDULE, CALENDAR },
  call = function(client, id, calendar) return client.schedules:remove_calendar(id, calendar) end,
  method = "DELETE",
  path = "/calendars/schedules/IkqiJlXJ7o9h61tCHHod/associations/BqTwX8QFwXzpegMve9EQ",
  answer = [[{"success":true}]],
  result = { success = true },
  extra = {},
}

for _, newer in ipairs(require "spec.support.newer_cases") do
  cases[#cases + 1] = newer
end

return { LOCATION = LOCATION, list = cases }
