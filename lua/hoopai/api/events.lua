--- Events: the appointments and blocked times between two instants.
-- @module hoopai.api.events
local models = require "hoopai.api.models"

-- stylua: ignore start

return {
  name = "events", doc = "Appointments and blocked times in a window of time.",

  { name = "list", method = "GET", path = "/calendars/events",
    doc = "List the appointments between two instants, of a user, a calendar or a group.",
    scope = "calendars/events.readonly", retry = "safe",
    params = {},
    query = {
      models.location,
      { name = "userId", type = "string", doc = "Only events owned by this user." },
      { name = "calendarId", type = "string", doc = "Only events of this calendar." },
      { name = "groupId", type = "string", doc = "Only events of the calendars in this group." },
      { name = "startTime", type = "epoch_ms", wire = "string", required = true, doc = "Start of the window.",
        example = 1767571200000 },
      { name = "endTime", type = "epoch_ms", wire = "string", required = true, doc = "End of the window.",
        example = 1767657600000 },
    },
    at_least_one = { "userId", "calendarId", "groupId" },
    range = { from = "startTime", to = "endTime" },
    status = 200,
    result = { keys = { "events" }, type = { type = "array", items = models.event } },
  },

  -- reconcile = "none": the id may be that of a blocked time, which the API cannot get by its id. The 404 of the
  -- appointment route would look like a delete that succeeded.
  { name = "delete", method = "DELETE", path = "/calendars/events/{eventId}",
    doc = "Delete an appointment or a blocked time for good; to keep an appointment use `appointments:cancel`.",
    scope = "calendars/events.write", retry = "idempotent", reconcile = "none",
    params = { models.event_id },
    empty_body = true,
    status = 201,
    result = { type = { type = "object", class = "EventDeleted", doc = "Confirmation of a delete.", fields = {
      { name = "succeeded", type = "boolean", doc = "Whether the event was deleted." },
    } } },
  },
}
