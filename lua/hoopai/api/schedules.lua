--- Schedules: weekly hours and special dates of a user, applied to calendars.
-- @module hoopai.api.schedules
local models = require "hoopai.api.models"

-- stylua: ignore start

local rules, zone_pattern, zone_doc = models.schedule_rules, models.zone_pattern, models.zone_doc

local id = { name = "id", type = "string", doc = "Identifier of the schedule." }

local calendar_ids = {
  name = "calendarIds", type = "array", items = { type = "string" }, doc = "Calendars the schedule is applied to.",
}

local deleted_hint = "is read-only here: leave it out, and use schedules:delete(id) to delete a schedule"

local schedule = {
  type = "object", class = "Schedule", doc = "Hours of a user.", fields = {
    { name = "id", type = "string", required = true, doc = "Identifier of the schedule." },
    { name = "name", type = "string", required = true, doc = "Name of the schedule." },
    { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
    { name = "rules", type = "array", required = true, items = rules.items, doc = rules.doc },
    { name = "timezone", type = "timezone", required = true, doc = "Time zone of the hours." },
    { name = "dateAdded", type = "datetime", required = true, doc = "When it was created." },
    { name = "dateUpdated", type = "datetime", required = true, doc = "When it was last changed." },
    { name = "userId", type = "string", required = true, doc = "User to whom the hours belong." },
    calendar_ids,
    { name = "deleted", type = "boolean", required = true, doc = "Whether it was deleted." },
  },
}

return {
  name = "schedules", doc = "Weekly hours and special dates of users.",

  { name = "list", method = "GET", path = "/calendars/schedules/search",
    doc = "List the schedules of a user.",
    scope = "calendars.readonly", retry = "safe",
    params = {},
    query = {
      models.location,
      { name = "userId", type = "string", required = true, doc = "User whose schedules to list." },
      { name = "calendarId", type = "string", doc = "Only schedules applied to this calendar." },
      { name = "skip", type = "integer", default = 0, min = 0, doc = "How many schedules to skip." },
      { name = "limit", type = "integer", default = 50, min = 1, max = 500,
        doc = "How many schedules to return at most." },
    },
    pages = { limit = "limit", skip = "skip", size = 500, id = "id" },
    status = 200,
    result = { keys = { "schedules" }, type = { type = "array", items = schedule } },
  },

  { name = "create", method = "POST", path = "/calendars/schedules",
    doc = "Create a schedule for a user.",
    scope = "calendars.write", retry = "once", reconcile = "list",
    params = {},
    body = { type = "object", class = "ScheduleCreate", doc = "A schedule to be created.", fields = {
      rules,
      { name = "timezone", type = "timezone", required = true, pattern = zone_pattern, doc = zone_doc,
        example = "Europe/Madrid" },
      models.location,
      { name = "name", type = "string", required = true, doc = "Name of the schedule." },
      { name = "userId", type = "string", required = true, doc = "User to whom the hours belong." },
      calendar_ids,
    } },
    elsewhere = { deleted = deleted_hint },
    hints = models.zone_hints,
    confirms = { "locationId", "userId" },
    status = 201,
    result = { keys = { "schedule" }, type = schedule },
  },

  { name = "get", method = "GET", path = "/calendars/schedules/{id}",
    doc = "Get one schedule.",
    scope = "calendars.readonly", retry = "safe",
    params = { id },
    status = 200,
    result = { keys = { "schedule" }, type = schedule },
  },

  { name = "update", method = "PUT", path = "/calendars/schedules/{id}",
    doc = "Change the name, the hours or the time zone of a schedule.",
    scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { id },
    body = { type = "object", class = "ScheduleUpdate", update = true,
      doc = "What to change; fields left out stay.", fields = {
      { name = "name", type = "string", clearable = false, doc = "Name of the schedule." },
      rules,
      { name = "timezone", type = "timezone", pattern = zone_pattern, clearable = false, doc = zone_doc,
        example = "Europe/Madrid" },
    } },
    elsewhere = {
      calendarIds = "is read-only here: use schedules:add_calendar(id, calendarId) or "
        .. "schedules:remove_calendar(id, calendarId)",
      deleted = deleted_hint,
    },
    hints = models.zone_hints,
    status = 200,
    result = { keys = { "schedule" }, type = schedule },
  },

  { name = "delete", method = "DELETE", path = "/calendars/schedules/{id}",
    doc = "Delete a schedule with all its rules; this cannot be undone.",
    scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { id },
    status = 200,
    result = { type = models.success },
  },

  -- An association is a member of the schedule's calendarIds.
  { name = "add_calendar", method = "PUT", path = "/calendars/schedules/{id}/associations/{calendarId}",
    doc = "Apply a schedule to a calendar.",
    scope = "calendars.write", retry = "idempotent", reconcile = "get", reconcile_member = "calendarIds",
    params = { id, models.calendar_id },
    status = 200,
    result = { type = models.success },
  },

  { name = "remove_calendar", method = "DELETE", path = "/calendars/schedules/{id}/associations/{calendarId}",
    doc = "Stop applying a schedule to a calendar.",
    scope = "calendars.write", retry = "idempotent", reconcile = "get", reconcile_member = "calendarIds",
    params = { id, models.calendar_id },
    status = 200,
    result = { type = models.success },
  },
}
