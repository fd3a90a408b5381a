--- Block slots: time in which nothing can be booked.
-- @module hoopai.api.block_slots
local models = require "hoopai.api.models"

-- stylua: ignore start

local title = { name = "title", type = "string", doc = "Title shown in the calendar." }
-- The vendor's document marks calendarId as required, and says that it excludes assignedUserId: a user's time could
-- never be blocked. Its text means that exactly one of the two is required.
local calendar_id = {
  name = "calendarId", type = "string", doc = "Event calendar to block; give this or `assignedUserId`, not both.",
}
local assigned_user_id = {
  name = "assignedUserId", type = "string", doc = "User to block; give this or `calendarId`, not both.",
}
local start_time = {
  name = "startTime", type = "datetime", clearable = false, doc = "When the block begins.",
  example = "2026-01-05T12:00:00-05:00",
}
local end_time = {
  name = "endTime", type = "datetime", clearable = false, doc = "When the block ends.",
  example = "2026-01-05T13:00:00-05:00",
}
local owner = { "calendarId", "assignedUserId" }

local block_slot = {
  type = "object", class = "BlockSlot", doc = "A blocked time.", fields = {
    { name = "id", type = "string", required = true, doc = "Identifier, for update and delete." },
    { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
    { name = "title", type = "string", required = true, doc = "Title shown in the calendar." },
    { name = "startTime", type = "datetime", required = true, doc = "When the block begins." },
    { name = "endTime", type = "datetime", required = true, doc = "When the block ends." },
    { name = "calendarId", type = "string", doc = "Calendar that is blocked." },
    { name = "assignedUserId", type = "string", doc = "User who is blocked." },
  },
}

-- What can be read, and is written in another way than by a field of the same name.
local elsewhere = {
  deleted = "is read-only here: leave it out, and use block_slots:delete(eventId) to delete it",
  users = "is read-only here: leave it out, and name the user in `assignedUserId`",
  groupId = "is read-only here: leave it out, and name the calendar in `calendarId`",
}

-- What to do about a refusal of the API, by a part of its text in lower case.
local hints = {
  ["not an event calendar"] = "Only event calendars can be blocked: to block a calendar with a team, block the time of "
    .. "each of its teamMembers, with `assignedUserId` instead of `calendarId`.",
}

-- The end must be after the start.
local booked_time = { from = "startTime", to = "endTime" }

return {
  name = "block_slots", doc = "Blocked times of calendars and users.",

  { name = "list", method = "GET", path = "/calendars/blocked-slots",
    doc = "List the blocked times between two instants, of a user, a calendar or a group.",
    scope = "calendars/events.readonly", retry = "safe",
    params = {},
    query = {
      models.location,
      { name = "userId", type = "string", doc = "Only blocks of this user." },
      { name = "calendarId", type = "string", doc = "Only blocks of this calendar." },
      { name = "groupId", type = "string", doc = "Only blocks of the calendars in this group." },
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

  { name = "create", method = "POST", path = "/calendars/events/block-slots",
    doc = "Block a time of a user or of an event calendar.",
    scope = "calendars/events.write", retry = "once", reconcile = "list",
    params = {},
    body = { type = "object", class = "BlockSlotCreate", range = booked_time, doc = "A time to be blocked.",
      at_least_one = owner, at_most_one = owner, fields = {
        title,
        calendar_id,
        assigned_user_id,
        models.location,
        start_time,
        end_time,
      } },
    elsewhere = elsewhere,
    hints = hints,
    confirms = { "locationId", "calendarId", "assignedUserId", "startTime", "endTime" },
    status = 201,
    result = { type = block_slot },
  },

  -- The API cannot get a blocked time by its id: an update whose outcome is unclear is reconciled with the list.
  { name = "update", method = "PUT", path = "/calendars/events/block-slots/{eventId}",
    doc = "Change a blocked time.",
    scope = "calendars/events.write", retry = "idempotent", reconcile = "list",
    params = { models.event_id },
    body = { type = "object", class = "BlockSlotUpdate", update = true, range = booked_time,
      doc = "What to change; fields left out stay.",
      at_least_one = owner, at_most_one = owner, fields = {
        title,
        calendar_id,
        assigned_user_id,
        models.location,
        start_time,
        end_time,
      } },
    elsewhere = elsewhere,
    hints = hints,
    status = 201,
    result = { type = block_slot },
  },

  { name = "delete", alias = "events.delete", doc = "Delete a blocked time; the time can be booked again." },
}
