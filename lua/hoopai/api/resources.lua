--- Resources: rooms and equipment that are reserved with service appointments.
-- @module hoopai.api.resources
local models = require "hoopai.api.models"

-- stylua: ignore start

-- Version v3 of the API calls these "Services V1".
local SUCCESSORS = "client.services and client.service_bookings"

local resource_type = {
  name = "resourceType", type = "string", enum = { "equipments", "rooms" }, doc = "Kind of resource.",
}
local id = { name = "id", type = "string", doc = "Identifier of the resource." }

local calendar_ids_doc = "Service calendars it serves: one for equipment, any number for a room."

-- In the vendor's document neither form has an identifier, which the other calls need. It is declared for the responses
-- that have one.
local shown = {
  { name = "id", type = "string", undocumented = true,
    doc = "Identifier, where the response has one: not that of `get`." },
  { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
  { name = "name", type = "string", required = true, doc = "Name of the resource." },
  { name = "resourceType", type = "string", required = true, enum = resource_type.enum,
    doc = "Kind of resource." },
  { name = "isActive", type = "boolean", required = true, doc = "Whether it can be reserved." },
  { name = "description", type = "string", doc = "What it is." },
  { name = "quantity", type = "integer", doc = "How many pieces of equipment there are." },
  { name = "outOfService", type = "integer", doc = "How many of them are out of service." },
  { name = "capacity", type = "integer", doc = "How many people the room holds." },
}

local resource = {
  type = "object", class = "Resource", doc = "A room or a piece of equipment, with its calendars.", fields = {
    shown[1], shown[2], shown[3], shown[4], shown[5], shown[6], shown[7], shown[8], shown[9],
    { name = "calendarIds", type = "array", required = true, items = { type = "string" }, doc = calendar_ids_doc },
  },
}

local updated_resource = {
  type = "object", class = "UpdatedResource", doc = "A room or a piece of equipment, as update returns it.",
  fields = shown,
}

return {
  name = "resources", doc = "Rooms and equipment.",

  { name = "list", method = "GET", path = "/calendars/resources/{resourceType}",
    doc = "List the rooms or the equipment of a location.",
    deprecated = SUCCESSORS, deprecated_since = "v3",
    scope = "calendars/resources.readonly", retry = "safe",
    params = { resource_type },
    query = {
      models.location,
      -- The API documents no default; this is that of its notifications.
      { name = "limit", type = "integer", required = true, default = 100, min = 1,
        doc = "How many resources to return at most; filled in because the API requires it." },
      { name = "skip", type = "integer", required = true, default = 0, min = 0,
        doc = "How many resources to skip; filled in because the API requires it." },
    },
    -- The vendor's document shows no identifier. A response that has one calls it `id`.
    pages = { limit = "limit", skip = "skip", size = 100, id = "id" },
    status = 200,
    result = { type = { type = "array", items = resource } },
  },

  -- reconcile = "none": the entries of the list have neither an identifier nor a date, so a new one looks like an older
  -- one of the same name.
  { name = "create", method = "POST", path = "/calendars/resources/{resourceType}",
    doc = "Create a room or a piece of equipment.",
    deprecated = SUCCESSORS, deprecated_since = "v3",
    scope = "calendars/resources.write", retry = "once", reconcile = "none",
    params = { resource_type },
    body = { type = "object", class = "ResourceCreate", doc = "A resource to be created.", fields = {
      models.location,
      { name = "name", type = "string", required = true, doc = "Name of the resource." },
      { name = "description", type = "string", required = true, doc = "What it is." },
      { name = "quantity", type = "integer", required = true, doc = "How many pieces of equipment there are." },
      { name = "outOfService", type = "integer", required = true, doc = "How many of them are out of service." },
      { name = "capacity", type = "integer", required = true, doc = "How many people the room holds." },
      { name = "calendarIds", type = "array", required = true, max_items = 100, items = { type = "string" },
        doc = calendar_ids_doc },
    } },
    confirms = { "locationId" },
    status = 201,
    result = { type = resource },
  },

  { name = "get", method = "GET", path = "/calendars/resources/{resourceType}/{id}",
    doc = "Get one room or piece of equipment; the result lacks its identifier.",
    deprecated = SUCCESSORS, deprecated_since = "v3",
    scope = "calendars/resources.readonly", retry = "safe",
    params = { resource_type, id },
    status = 200,
    result = { type = resource },
  },

  { name = "update", method = "PUT", path = "/calendars/resources/{resourceType}/{id}",
    doc = "Change a room or a piece of equipment.",
    deprecated = SUCCESSORS, deprecated_since = "v3",
    scope = "calendars/resources.write", retry = "idempotent", reconcile = "get",
    params = { resource_type, id },
    body = { type = "object", class = "ResourceUpdate", update = true,
      doc = "What to change; fields left out stay.", fields = {
      { name = "locationId", type = "string", clearable = false,
        doc = "Location (sub-account) it belongs to; filled in from the client's `location_id`." },
      { name = "name", type = "string", clearable = false, doc = "Name of the resource." },
      { name = "description", type = "string", doc = "What it is." },
      { name = "quantity", type = "integer", doc = "How many pieces of equipment there are." },
      { name = "outOfService", type = "integer", doc = "How many of them are out of service." },
      { name = "capacity", type = "integer", doc = "How many people the room holds." },
      { name = "calendarIds", type = "array", max_items = 100, items = { type = "string" }, doc = calendar_ids_doc },
      { name = "isActive", type = "boolean", doc = "Whether it can be reserved." },
    } },
    status = 200,
    result = { type = updated_resource },
  },

  { name = "delete", method = "DELETE", path = "/calendars/resources/{resourceType}/{id}",
    doc = "Delete a room or a piece of equipment.",
    deprecated = SUCCESSORS, deprecated_since = "v3",
    scope = "calendars/resources.write", retry = "idempotent", reconcile = "get",
    params = { resource_type, id },
    status = 200,
    result = { type = models.success },
  },
}
