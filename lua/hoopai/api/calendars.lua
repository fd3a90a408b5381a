--- Calendars, and the free slots in them.
-- @module hoopai.api.calendars
local models = require "hoopai.api.models"

local ipairs, pairs = ipairs, pairs

-- stylua: ignore start

-- What version v3 recommends in the place of hours in a calendar.
local AVAILABILITY = "client.schedules and client.event_schedules"

--- One list of the fields of several.
local function join(...)
  local all = {}
  for _, fields in ipairs { ... } do
    for _, field in ipairs(fields) do all[#all + 1] = field end
  end
  return all
end

--- The same fields without defaults: a field that an update leaves out keeps its value.
local function without_defaults(fields)
  local kept = {}
  for index, field in ipairs(fields) do
    kept[index] = {}
    for key, value in pairs(field) do
      if key ~= "default" then kept[index][key] = value end
    end
  end
  return kept
end

local slot_units = { "mins", "hours" }

-- The place of a meeting. Responses have one field more than requests.
local location_kind = {
  name = "kind", type = "string", required = true,
  enum = {
    "custom", "zoom_conference", "google_conference", "inbound_call", "outbound_call", "physical", "booker",
    "ms_teams_conference",
  },
  doc = "Kind of meeting place; event calendars take no zoom, google or teams conference.",
}
local location_address = {
  name = "location", type = "string", doc = "Address, number or link; conferences set up by the platform have none.",
}
local location_configuration = {
  type = "object", class = "LocationConfigurationBody", doc = "A meeting place to be offered.", fields = {
    location_kind,
    location_address,
  },
}
local shown_location_configuration = {
  type = "object", class = "LocationConfiguration", doc = "A meeting place on offer.", fields = {
    location_kind,
    location_address,
    { name = "meetingId", type = "string", doc = "Identifier of this place for `meetingLocationId`." },
  },
}

local member_user = { name = "userId", type = "string", required = true, doc = "User who is part of the team." }
local member_priority = {
  name = "priority", type = "number", default = 0.5, enum = { 0, 0.5, 1 }, doc = "Low, medium or high priority.",
}
local member_location_type = {
  name = "meetingLocationType", type = "string", default = "custom", read_only = true,
  enum = { "custom", "zoom", "gmeet", "phone", "address", "teams", "booker" },
  deprecated = "locationConfigurations[].kind", doc = "Kind of meeting place.",
}
local member_location = {
  name = "meetingLocation", type = "string", read_only = true, deprecated = "locationConfigurations[].location",
  doc = "Place of the meeting.",
}
local member_primary = {
  name = "isPrimary", type = "boolean",
  doc = "Whether this is the primary member; a collective calendar needs exactly one.",
}
local member_locations_doc = "Meeting places of this member; several only if the calendar has one member."

local team_member = {
  type = "object", class = "TeamMemberBody", doc = "A user of the calendar's team.", fields = {
    member_user,
    member_priority,
    member_location_type,
    member_location,
    member_primary,
    { name = "locationConfigurations", type = "array", items = location_configuration, doc = member_locations_doc },
  },
}
local shown_team_member = {
  type = "object", class = "TeamMember", doc = "A user of the calendar's team.", fields = {
    member_user,
    member_priority,
    member_location_type,
    member_location,
    member_primary,
    { name = "locationConfigurations", type = "array", items = shown_location_configuration,
      doc = member_locations_doc },
  },
}

local notification = {
  type = "object", class = "LegacyCalendarNotification", doc = "Old form of a calendar's notification.", fields = {
    { name = "type", type = "string", default = "email", enum = { "email" }, doc = "How it is sent." },
    { name = "shouldSendToContact", type = "boolean", required = true, doc = "Send to the contact." },
    { name = "shouldSendToGuest", type = "boolean", required = true, doc = "Send to the guests." },
    { name = "shouldSendToUser", type = "boolean", required = true, doc = "Send to the assigned user." },
    { name = "shouldSendToSelectedUsers", type = "boolean", required = true, doc = "Send to `selectedUsers`." },
    { name = "selectedUsers", type = "string", required = true,
      doc = "E-mail addresses, separated by commas, in one string." },
  },
}

local hours = {
  name = "hours", type = "array", required = true, doc = "Open hours, as many stretches as there are.", items = {
    type = "object", class = "Hours", doc = "From opening to closing.", fields = {
      { name = "openHour", type = "integer", required = true, min = 0, max = 23, doc = "Hour of opening." },
      { name = "openMinute", type = "integer", required = true, min = 0, max = 60, doc = "Minute of opening." },
      { name = "closeHour", type = "integer", required = true, min = 0, max = 23, doc = "Hour of closing." },
      { name = "closeMinute", type = "integer", required = true, min = 0, max = 60, doc = "Minute of closing." },
    },
  },
}

local open_hours = {
  type = "object", class = "OpenHours", doc = "The same hours on some days of the week.", fields = {
    { name = "daysOfTheWeek", type = "array", required = true, items = { type = "integer", min = 0, max = 6 },
      doc = "Days of the week, 0 to 6." },
    hours,
  },
}

local availability_date = {
  name = "date", type = "date", required = true, pattern = "^%d%d%d%d%-%d%d%-%d%dT00:00:00%.000Z$",
  doc = "The calendar's local date followed by T00:00:00.000Z; not an instant.", example = "2026-12-24T00:00:00.000Z",
}
local availability_deleted = {
  name = "deleted", type = "boolean", default = false, doc = "Whether this date's hours are removed.",
}
local availability = {
  type = "object", class = "Availability", doc = "Hours of one date.", fields = {
    availability_date,
    hours,
    availability_deleted,
  },
}
local availability_update = {
  type = "object", class = "AvailabilityUpdate", doc = "Hours of one date, new or changed.", fields = {
    availability_date,
    hours,
    availability_deleted,
    { name = "id", type = "string", doc = "Entry to change or remove; none for a new date." },
  },
}

local recurring = {
  type = "object", class = "Recurring", doc = "How appointments repeat.", fields = {
    { name = "freq", type = "string", enum = { "DAILY", "WEEKLY", "MONTHLY" }, doc = "How often." },
    { name = "count", type = "integer", max = 24, doc = "How many times, 24 at most." },
    { name = "bookingOption", type = "string", enum = { "skip", "continue", "book_next" },
      doc = "What to do when one of the times is taken." },
    { name = "bookingOverlapDefaultStatus", type = "string", enum = { "confirmed", "new" },
      doc = "Status of an appointment that was booked although its time is taken." },
  },
}

-- `enabled` is required, so the API's default (false) is not declared: it would be filled in if a caller forgets it.
-- The capital L is the API's own.
local look_busy = {
  type = "object", class = "LookBusy", doc = "Hides part of the free slots.", fields = {
    { name = "enabled", type = "boolean", required = true, doc = "Whether slots are hidden." },
    { name = "LookBusyPercentage", type = "number", required = true, doc = "How many percent of the slots to hide." },
  },
}

-- The fields that create, update and get have in common.
local settings = {
  { name = "isActive", type = "boolean", default = true, doc = "Active, or a draft." },
  { name = "description", type = "string", doc = "What the calendar is for." },
  { name = "groupId", type = "string", doc = "Group the calendar is in." },
  { name = "slug", type = "string", doc = "Last part of the calendar's public address." },
  { name = "eventType", type = "string", default = "RoundRobin_OptimizeForAvailability",
    enum = { "RoundRobin_OptimizeForAvailability", "RoundRobin_OptimizeForEqualDistribution" },
    doc = "How a round robin chooses among its members." },
  { name = "eventTitle", type = "string", default = "{{contact.name}}", doc = "Title given to new appointments." },
  { name = "eventColor", type = "string", default = "#039be5", doc = "Color of its appointments." },
  { name = "meetingLocation", type = "string", read_only = true,
    deprecated = "locationConfigurations[].location or teamMembers[].locationConfigurations[].location",
    doc = "Place of the meeting." },

  { name = "slotDuration", type = "integer", default = 30, doc = "Length of an appointment, in `slotDurationUnit`." },
  { name = "slotDurationUnit", type = "string", enum = slot_units, doc = "Unit of `slotDuration`." },
  { name = "slotInterval", type = "integer", default = 30,
    doc = "Distance between the starts of the slots on offer, in `slotIntervalUnit`." },
  { name = "slotIntervalUnit", type = "string", enum = slot_units, doc = "Unit of `slotInterval`." },
  { name = "slotBuffer", type = "integer", doc = "Time kept free after an appointment, in `slotBufferUnit`." },
  { name = "preBuffer", type = "integer", doc = "Time kept free before an appointment, in `preBufferUnit`." },
  { name = "preBufferUnit", type = "string", enum = slot_units, doc = "Unit of `preBuffer`." },

  -- "appoinment" is how the API spells it.
  { name = "appoinmentPerSlot", type = "integer", default = 1,
    doc = "Bookings per slot and user; in a class booking calendar the seats per slot." },
  { name = "appoinmentPerDay", type = "integer", doc = "Bookings per day." },
  { name = "allowBookingAfter", type = "integer", doc = "Shortest notice for a booking, in `allowBookingAfterUnit`." },
  { name = "allowBookingAfterUnit", type = "string", enum = { "hours", "days", "weeks", "months", "mins" },
    enum_since = { mins = "v3" }, doc = "Unit of `allowBookingAfter`." },
  { name = "allowBookingFor", type = "integer", doc = "How far ahead bookings are allowed, in `allowBookingForUnit`." },
  { name = "allowBookingForUnit", type = "string", enum = { "days", "weeks", "months" },
    doc = "Unit of `allowBookingFor`." },

  -- Null has a meaning here that differs from leaving the field out.
  { name = "availabilityType", type = "integer", enum = { 0, 1 }, nullable = true,
    deprecated = AVAILABILITY, deprecated_since = "v3",
    doc = "Which hours count: 0 `openHours` only, 1 `availabilities` only, `hoopai.null` both." },
  { name = "openHours", type = "array", items = open_hours, deprecated = AVAILABILITY, deprecated_since = "v3",
    doc = "Weekly hours; those of single dates are in `availabilities`." },
  { name = "lookBusyConfig", type = "object", class = "LookBusy", fields = look_busy.fields,
    doc = "Hides part of the free slots." },

  { name = "enableRecurring", type = "boolean", default = false,
    doc = "Whether appointments may repeat; only for calendars with one member." },
  { name = "recurring", type = "object", class = "Recurring", fields = recurring.fields,
    doc = "How appointments repeat." },
  { name = "autoConfirm", type = "boolean", default = true, doc = "Whether new appointments are confirmed at once." },
  { name = "allowReschedule", type = "boolean", default = true, doc = "Whether contacts may move their appointments." },
  { name = "allowCancellation", type = "boolean", default = true,
    doc = "Whether contacts may cancel their appointments." },
  { name = "stickyContact", type = "boolean", doc = "Whether the widget remembers who booked before." },
  { name = "guestType", type = "string", enum = { "count_only", "collect_detail" },
    doc = "What is asked about guests: their number, or their details." },
  { name = "shouldAssignContactToTeamMember", type = "boolean",
    doc = "Whether a booking assigns the contact to the team member." },
  { name = "shouldSkipAssigningContactForExisting", type = "boolean",
    doc = "Whether contacts that are already assigned keep their user." },

  { name = "shouldSendAlertEmailsToAssignedMember", type = "boolean", doc = "Whether the assigned user gets alerts." },
  { name = "alertEmail", type = "string", doc = "Address that gets alerts." },
  { name = "googleInvitationEmails", type = "boolean", default = false, doc = "Whether Google sends its invitations." },
  { name = "notifications", type = "array", items = notification, deprecated = "the methods of client.notifications",
    doc = "Notifications in their old form." },

  { name = "widgetType", type = "string", default = "classic", enum = { "default", "classic" },
    doc = "Layout of the booking widget: `default` is the one called neo." },
  { name = "widgetSlug", type = "string", doc = "Last part of the address of the booking widget." },
  { name = "formId", type = "string", doc = "Form that people fill in when booking." },
  { name = "formSubmitType", type = "string", default = "ThankYouMessage",
    enum = { "RedirectURL", "ThankYouMessage" }, doc = "What is shown after a booking: another page, or a message." },
  { name = "formSubmitRedirectURL", type = "string", doc = "Page to go to, for `RedirectURL`." },
  { name = "formSubmitThanksMessage", type = "string", doc = "Text to show, for `ThankYouMessage`." },
  { name = "consentLabel", type = "string", doc = "Text beside the consent box." },
  { name = "calendarCoverImage", type = "string", doc = "Address of the cover image." },
  { name = "pixelId", type = "string", doc = "Tracking pixel of the booking widget." },
  { name = "isLivePaymentMode", type = "boolean", doc = "Whether payments are real rather than tests." },
  { name = "notes", type = "string", doc = "Remarks on the calendar." },
}

local required_name = { name = "name", type = "string", required = true, doc = "Name of the calendar." }
-- Update takes neither this unit nor the type.
local slot_buffer_unit = {
  name = "slotBufferUnit", type = "string", enum = slot_units,
  doc = "Unit of `slotBuffer`; can only be set when creating.",
}
local calendar_type = {
  name = "calendarType", type = "string",
  enum = { "round_robin", "event", "class_booking", "collective", "service_booking", "personal" },
  doc = "Kind of calendar; can only be set when creating.",
}
local team_doc = "Team: needed by round robin, collective, class and service calendars; exactly one in a personal one."
local team_members = { name = "teamMembers", type = "array", items = team_member, doc = team_doc }
local places_doc = "Meeting places of an event calendar."
local location_configurations = {
  name = "locationConfigurations", type = "array", items = location_configuration, doc = places_doc,
}
local dates_doc = "Hours of single dates; the weekly ones are in `openHours`."
local availabilities = {
  name = "availabilities", type = "array", items = availability, deprecated = AVAILABILITY, deprecated_since = "v3",
  doc = dates_doc,
}

local meeting_id_hint = "is read-only here: leave it out; appointments take it as `meetingLocationId`"

local calendar = {
  type = "object", class = "Calendar", doc = "A calendar.", fields = join(
    {
      { name = "id", type = "string", required = true, doc = "Identifier of the calendar." },
      { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
      required_name,
      calendar_type,
      { name = "teamMembers", type = "array", items = shown_team_member, doc = team_doc },
      { name = "locationConfigurations", type = "array", items = shown_location_configuration, doc = places_doc },
      availabilities,
      slot_buffer_unit,
    },
    settings
  ),
}

return {
  name = "calendars", doc = "Calendars, and the free slots in them.",

  { name = "list", method = "GET", path = "/calendars/",
    doc = "List the calendars of a location.",
    scope = "calendars.readonly", retry = "safe",
    params = {},
    query = {
      models.location,
      { name = "groupId", type = "string", doc = "Only calendars of this group." },
      { name = "showDrafted", type = "boolean", default = true, doc = "Whether to include drafts." },
    },
    status = 200,
    result = { keys = { "calendars" }, type = { type = "array", items = calendar } },
  },

  { name = "create", method = "POST", path = "/calendars/",
    doc = "Create a calendar.",
    scope = "calendars.write", retry = "once", reconcile = "list",
    params = {},
    body = { type = "object", class = "CalendarCreate", doc = "A calendar to be created.", fields = join(
      {
        models.location, required_name, calendar_type, team_members, location_configurations, availabilities,
        slot_buffer_unit,
      },
      settings
    ) },
    elsewhere = {
      ["teamMembers.locationConfigurations.meetingId"] = meeting_id_hint,
      ["locationConfigurations.meetingId"] = meeting_id_hint,
    },
    confirms = { "locationId" },
    status = 200,
    result = { keys = { "calendar" }, type = calendar },
  },

  { name = "get", method = "GET", path = "/calendars/{calendarId}",
    doc = "Get one calendar.",
    scope = "calendars.readonly", retry = "safe",
    params = { models.calendar_id },
    status = 200,
    result = { keys = { "calendar" }, type = calendar },
  },

  { name = "update", method = "PUT", path = "/calendars/{calendarId}",
    doc = "Change a calendar.",
    scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { models.calendar_id },
    body = { type = "object", class = "CalendarUpdate", update = true,
      doc = "What to change; fields left out stay.", fields = join(
      {
        { name = "name", type = "string", clearable = false, doc = "Name of the calendar." },
        team_members,
        location_configurations,
        { name = "availabilities", type = "array", items = availability_update, deprecated = AVAILABILITY,
          deprecated_since = "v3", doc = dates_doc },
      },
      without_defaults(settings)
    ) },
    elsewhere = {
      ["teamMembers.locationConfigurations.meetingId"] = meeting_id_hint,
      ["locationConfigurations.meetingId"] = meeting_id_hint,
    },
    status = 200,
    result = { keys = { "calendar" }, type = calendar },
  },

  { name = "delete", method = "DELETE", path = "/calendars/{calendarId}",
    doc = "Delete a calendar.",
    scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { models.calendar_id },
    status = 200,
    result = { type = models.success },
  },

  { name = "free_slots", method = "GET", path = "/calendars/{calendarId}/free-slots",
    doc = "List the free slots of a calendar by day, for 31 days at most; days without free slots are left out.",
    scope = "calendars.readonly", retry = "safe",
    params = { models.calendar_id },
    query = {
      { name = "startDate", type = "epoch_ms", required = true, doc = "Start of the window.",
        example = 1767571200000 },
      { name = "endDate", type = "epoch_ms", required = true, doc = "End of the window, 31 days later at most.",
        example = 1768176000000 },
      { name = "timezone", type = "timezone", doc = "Time zone of the slots. Default: the calendar's.",
        example = "America/Los_Angeles" },
      { name = "userId", type = "string", doc = "Only slots of this user." },
      { name = "userIds", type = "array", items = { type = "string" }, doc = "Only slots of these users." },
      -- HoopAI's quick start sends it, and the live API was seen to refuse it: sent if given, never filled in.
      { name = "locationId", type = "string", undocumented = true, fill = false,
        doc = "Location of the calendar; not needed, and refused by some versions of the API." },
      { name = "enableLookBusy", type = "boolean", undocumented = true,
        doc = "Whether the calendar's look-busy setting hides slots here too." },
    },
    range = { from = "startDate", to = "endDate", max_days = 31 },
    status = 200,
    -- The live API puts a traceId among the days; the result is without it.
    result = { type = { type = "object", class = "FreeSlots", doc = "Days (YYYY-MM-DD) with free slots.", values = {
      type = "object", class = "FreeDay", doc = "The free slots of one day.", fields = {
        { name = "slots", type = "array", required = true, items = { type = "datetime" },
          doc = "Starts of the slots, in order; send them back exactly as they are." },
      },
    } } },
  },
}
