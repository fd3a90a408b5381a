--- Schedules of event calendars: the weekly hours and special dates of a calendar without a team, one for each.
-- @module hoopai.api.event_schedules
local models = require "hoopai.api.models"

-- stylua: ignore start

-- The API calls the schedule's calendar its identifier.
local schedule = {
  type = "object", class = "EventSchedule", id = "calendarId", doc = "Hours of an event calendar.", fields = {
    { name = "calendarId", type = "string", required = true, doc = "Calendar to which the hours belong." },
    { name = "rules", type = "array", required = true, items = models.schedule_rules.items,
      doc = models.schedule_rules.doc },
    { name = "timezone", type = "timezone", required = true, doc = "Time zone of the hours." },
    { name = "dateAdded", type = "datetime", doc = "When it was created." },
    { name = "dateUpdated", type = "datetime", doc = "When it was last changed." },
  },
}

return {
  name = "event_schedules", doc = "Weekly hours and special dates of event calendars.",

  { name = "get", method = "GET", path = "/calendars/schedules/event-calendar/{calendarId}",
    doc = "Get the schedule of an event calendar.",
    version = "v3", scope = "calendars.readonly", retry = "safe",
    params = { models.calendar_id },
    status = 200,
    result = { keys = { "schedule" }, type = schedule },
  },

  -- reconcile = "none": no list shows the schedules of calendars.
  { name = "create", method = "POST", path = "/calendars/schedules/event-calendar/{calendarId}",
    doc = "Create the schedule of an event calendar.",
    version = "v3", scope = "calendars.write", retry = "once", reconcile = "none",
    params = { models.calendar_id },
    body = { type = "object", class = "EventScheduleCreate", doc = "Hours of an event calendar.", fields = {
      { name = "rules", type = "array", required = true, items = models.schedule_rules.items,
        doc = models.schedule_rules.doc },
      { name = "timezone", type = "timezone", required = true, pattern = models.zone_pattern, doc = models.zone_doc,
        example = "Europe/Madrid" },
    } },
    hints = models.zone_hints,
    status = 201,
    result = { keys = { "schedule" }, type = schedule },
  },

  { name = "update", method = "PUT", path = "/calendars/schedules/event-calendar/{calendarId}",
    doc = "Change the schedule of an event calendar.",
    version = "v3", scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { models.calendar_id },
    body = { type = "object", class = "EventScheduleUpdate", update = true,
      doc = "What to change; fields left out stay.", fields = {
      { name = "rules", type = "array", clearable = false, items = models.schedule_rules.items,
        doc = models.schedule_rules.doc },
      { name = "timezone", type = "timezone", pattern = models.zone_pattern, clearable = false, doc = models.zone_doc,
        example = "Europe/Madrid" },
    } },
    hints = models.zone_hints,
    status = 200,
    result = { keys = { "schedule" }, type = schedule },
  },
}
