--- Service locations: the places where services are given, such as a studio, or the home of the customer.
-- @module hoopai.api.service_locations
local models = require "hoopai.api.models"

-- stylua: ignore start

local id = { name = "serviceLocationId", type = "string", doc = "Identifier of the service location." }

local function name(more)
  return { name = "name", type = "string", required = more.required, clearable = more.clearable,
    doc = "Name of the service location." }
end
local function slug(more)
  return { name = "slug", type = "string", required = more.required, clearable = more.clearable,
    doc = "Last part of its public address.", example = "midtown-studio" }
end
local phone = { name = "phone", type = "string", doc = "Telephone number." }
local address = {
  name = "address", type = "string",
  doc = "Its street address if it is `offline`; what customers read in its place if it is `ask_booker`.",
}
local cover_image = { name = "coverImage", type = "string", doc = "Address of the cover image." }
local location_type = {
  name = "locationType", type = "string", enum = { "offline", "ask_booker" },
  doc = "`offline`: the place has an `address`; `ask_booker`: the customer says where, in `meetingLocation`.",
}

local service_location = {
  type = "object", class = "ServiceLocation", doc = "A place where services are given.", fields = {
    { name = "id", type = "string", required = true, doc = "Identifier of the service location." },
    { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
    name { required = true },
    slug { required = true },
    { name = "isActive", type = "boolean", default = true, doc = "Whether it can be booked." },
    { name = "isPrivate", type = "boolean", default = false, doc = "Whether it is hidden from the public." },
    cover_image,
    location_type,
    address,
    phone,
  },
}

return {
  name = "service_locations", doc = "Places where services are given.",

  { name = "list", method = "GET", path = "/calendars/services/locations",
    doc = "List the service locations of a location.",
    version = "v3", scope = "calendars.readonly", retry = "safe",
    params = {},
    query = { models.location },
    status = 200,
    result = { keys = { "serviceLocations" }, type = { type = "array", items = service_location } },
  },

  { name = "create", method = "POST", path = "/calendars/services/locations",
    doc = "Create a service location.",
    version = "v3", scope = "calendars.write", retry = "once", reconcile = "list",
    params = {},
    body = { type = "object", class = "ServiceLocationCreate", doc = "A service location to be created.", fields = {
      models.location,
      name { required = true },
      slug { required = true },
      phone,
      address,
      cover_image,
      location_type,
    } },
    confirms = { "locationId" },
    status = 201,
    result = { type = service_location },
  },

  { name = "get", method = "GET", path = "/calendars/services/locations/{serviceLocationId}",
    doc = "Get one service location.",
    version = "v3", scope = "calendars.readonly", retry = "safe",
    params = { id },
    status = 200,
    result = { type = service_location },
  },

  { name = "update", method = "PUT", path = "/calendars/services/locations/{serviceLocationId}",
    doc = "Change a service location.",
    version = "v3", scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { id },
    body = { type = "object", class = "ServiceLocationUpdate", update = true,
      doc = "What to change; fields left out stay.", fields = {
      name { clearable = false },
      slug { clearable = false },
      phone,
      address,
      cover_image,
      location_type,
    } },
    status = 200,
    result = { type = service_location },
  },

  { name = "delete", method = "DELETE", path = "/calendars/services/locations/{serviceLocationId}",
    doc = "Delete a service location.",
    version = "v3", scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { id },
    status = 200,
    result = { type = models.deleted },
  },
}
