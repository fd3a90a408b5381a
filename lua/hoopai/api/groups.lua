--- Groups of calendars.
-- @module hoopai.api.groups
local models = require "hoopai.api.models"

-- stylua: ignore start

local group_id = { name = "groupId", type = "string", doc = "Identifier of the group." }

local name = { name = "name", type = "string", required = true, doc = "Name of the group." }
local description = { name = "description", type = "string", required = true, doc = "What the group is for." }
local slug = {
  name = "slug", type = "string", required = true, doc = "Last part of the group's public address.",
  example = "first-consultation",
}

local group = {
  type = "object", class = "Group", doc = "A group of calendars.", fields = {
    { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
    name,
    description,
    slug,
    { name = "isActive", type = "boolean", doc = "Whether the group can be booked." },
    { name = "id", type = "string", doc = "Identifier of the group." },
  },
}

-- All changes have reconcile = "list": the route that gets one group is in HoopAI's overview, not in the vendor's
-- document. If the route does not exist, its 404 looks like a delete that succeeded. The list has all fields.
return {
  name = "groups", doc = "Groups of calendars.",

  { name = "list", method = "GET", path = "/calendars/groups",
    doc = "List the groups of a location.",
    scope = "calendars/groups.readonly", retry = "safe",
    params = {},
    query = { models.location },
    status = 200,
    result = { keys = { "groups" }, type = { type = "array", items = group } },
  },

  { name = "create", method = "POST", path = "/calendars/groups",
    doc = "Create a group.",
    scope = "calendars/groups.write", retry = "once", reconcile = "list",
    params = {},
    body = { type = "object", class = "GroupCreate", doc = "A group to be created.", fields = {
      models.location,
      name,
      description,
      slug,
      { name = "isActive", type = "boolean", doc = "Whether the group can be booked." },
    } },
    confirms = { "locationId" },
    status = 201,
    result = { keys = { "group" }, type = group },
  },

  -- A POST that changes nothing: it is repeated like any read.
  { name = "validate_slug", method = "POST", path = "/calendars/groups/validate-slug",
    doc = "Check whether a slug is free.",
    scope = "calendars/groups.write", retry = "safe",
    params = {},
    body = { type = "object", class = "GroupSlug", doc = "A slug to be checked.", fields = {
      models.location,
      { name = "slug", type = "string", required = true, doc = "Slug to check." },
    } },
    status = 200,
    result = { type = { type = "object", class = "SlugAvailability", doc = "Whether a slug is free.", fields = {
      { name = "available", type = "boolean", required = true, doc = "Whether the slug is free." },
    } } },
  },

  -- The response is not documented; its form is assumed to be that of create and update.
  { name = "get", method = "GET", path = "/calendars/groups/{groupId}", undocumented = true,
    doc = "Get one group. The vendor's document lacks this route: if the API refuses it, use `list`.",
    scope = "calendars/groups.readonly", retry = "safe",
    params = { group_id },
    status = 200,
    result = { keys = { "group" }, type = group },
  },

  { name = "update", method = "PUT", path = "/calendars/groups/{groupId}",
    doc = "Change a group; name, description and slug must all be given.",
    scope = "calendars/groups.write", retry = "idempotent", reconcile = "list",
    params = { group_id },
    body = { type = "object", class = "GroupUpdate", update = true, doc = "The group's new texts.", fields = {
      name,
      description,
      slug,
    } },
    elsewhere = { isActive = "is read-only here: use groups:set_status(groupId, { isActive = ... })" },
    status = 200,
    result = { keys = { "group" }, type = group },
  },

  { name = "delete", method = "DELETE", path = "/calendars/groups/{groupId}",
    doc = "Delete a group.",
    scope = "calendars/groups.write", retry = "idempotent", reconcile = "list",
    params = { group_id },
    status = 200,
    result = { type = models.success },
  },

  { name = "set_status", method = "PUT", path = "/calendars/groups/{groupId}/status",
    doc = "Switch a group on or off.",
    scope = "calendars/groups.write", retry = "idempotent", reconcile = "list",
    params = { group_id },
    body = { type = "object", class = "GroupStatus", update = true, doc = "The group's new state.", fields = {
      { name = "isActive", type = "boolean", required = true, doc = "True switches the group on, false off." },
    } },
    status = 200,
    result = { type = models.success },
  },
}
