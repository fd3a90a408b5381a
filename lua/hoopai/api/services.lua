--- Services: what is offered, how long it takes, what it costs, and the staff that gives it.
-- @module hoopai.api.services
local models = require "hoopai.api.models"

local ipairs = ipairs

-- stylua: ignore start

local id = { name = "serviceId", type = "string", doc = "Identifier of the service." }

local UNITS = { "mins", "hours" }

--- One list of the fields of several.
local function join(...)
  local all = {}
  for _, fields in ipairs { ... } do
    for _, field in ipairs(fields) do all[#all + 1] = field end
  end
  return all
end

local payment = {
  name = "payment", type = "object", class = "ServicePayment", doc = "Price, in the location's currency.",
  fields = {
    { name = "amount", type = "number", doc = "Price of the service." },
    { name = "deposit", type = "number", doc = "What is paid in advance, in the unit of `depositType`." },
    { name = "depositType", type = "string", enum = { "percentage", "amount" }, doc = "Unit of `deposit`." },
  },
}

-- How long a service, or one of its variations, takes.
local times = {
  { name = "serviceDuration", type = "number", doc = "How long it takes, in `serviceDurationUnit`." },
  { name = "serviceDurationUnit", type = "string", enum = UNITS, doc = "Unit of `serviceDuration`." },
  { name = "preBuffer", type = "number", doc = "Time kept free before it, in `preBufferUnit`." },
  { name = "preBufferUnit", type = "string", enum = UNITS, doc = "Unit of `preBuffer`." },
  { name = "postBuffer", type = "number", doc = "Time kept free after it, in `postBufferUnit`." },
  { name = "postBufferUnit", type = "string", enum = UNITS, doc = "Unit of `postBuffer`." },
  payment,
}

local variation_id = { name = "id", type = "string", required = true, doc = "Identifier of the variation." }
local variation_name = { name = "name", type = "string", required = true, doc = "Name of the variation." }

local function variations(doc, class, kind_doc, fields, adds_without)
  return {
    name = "variations", type = "array", doc = doc, adds_without = adds_without, items = {
      type = "object", class = class, doc = kind_doc, fields = join(fields, times),
    },
  }
end

-- What a service has in a request and in a response.
local settings = join({
  { name = "description", type = "string", doc = "What it is." },
  { name = "eventColor", type = "string", doc = "Color of its bookings, such as #66C61C." },
  { name = "coverImage", type = "string", doc = "Address of the cover image." },
  { name = "serviceCategoryId", type = "string",
    doc = "Category it is in; the location's default one without it. No endpoint lists categories." },
  { name = "formId", type = "string", doc = "Form to fill in when this service alone is booked." },
}, times)

local function is_private(default)
  return { name = "isPrivate", type = "boolean", default = default, doc = "Whether it is hidden from the public." }
end

local staff_items = {
  type = "object", class = "ServiceStaff", doc = "A member of the staff.", fields = {
    { name = "id", type = "string", required = true, doc = "Identifier of the user." },
  },
}
local STAFF_DOC = "Users who give it."

local service = {
  type = "object", class = "Service", doc = "A service that can be booked.", fields = join({
    { name = "id", type = "string", required = true, doc = "Identifier of the service." },
    { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
    { name = "name", type = "string", required = true, doc = "Name of the service." },
    { name = "slug", type = "string", doc = "Last part of its public address." },
    is_private(false),
    { name = "staff", type = "array", items = staff_items, doc = STAFF_DOC },
    variations("Forms of it with a length and price of their own.", "ServiceVariation", "A form of a service.",
      { variation_id, variation_name }),
  }, settings),
}

return {
  name = "services", doc = "Services that can be booked.",

  { name = "list", method = "GET", path = "/calendars/services/catalog",
    doc = "List the services of a location.",
    version = "v3", scope = "calendars.readonly", retry = "safe",
    params = {},
    query = {
      models.location,
      { name = "serviceCategoryId", type = "string", doc = "Only services of this category." },
      { name = "isPrivate", type = "boolean", doc = "True: only private ones; false: only public ones." },
    },
    status = 200,
    result = { keys = { "services" }, type = { type = "array", items = service } },
  },

  { name = "create", method = "POST", path = "/calendars/services/catalog",
    doc = "Create a service.",
    version = "v3", scope = "calendars.write", retry = "once", reconcile = "list",
    params = {},
    body = { type = "object", class = "ServiceCreate", doc = "A service to be created.", fields = join({
      models.location,
      { name = "name", type = "string", required = true, doc = "Name of the service." },
      { name = "slug", type = "string", required = true, doc = "Last part of its public address.",
        example = "hair-styling" },
      is_private(),
      { name = "staff", type = "array", required = true, min_items = 1, items = staff_items,
        doc = "Users who give it, at least one." },
      variations("Forms of it with a length and price of their own.", "ServiceVariationCreate",
        "A form of a service to be created.", { variation_name }),
    }, settings) },
    confirms = { "locationId" },
    status = 201,
    result = { keys = { "service" }, type = service },
  },

  { name = "get", method = "GET", path = "/calendars/services/catalog/{serviceId}",
    doc = "Get one service.",
    version = "v3", scope = "calendars.readonly", retry = "safe",
    params = { id },
    status = 200,
    result = { keys = { "service" }, type = service },
  },

  { name = "update", method = "PUT", path = "/calendars/services/catalog/{serviceId}",
    doc = "Change a service; an empty list of `variations` removes all.",
    version = "v3", scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { id },
    body = { type = "object", class = "ServiceUpdate", update = true,
      doc = "What to change; fields left out stay.", fields = join({
      { name = "name", type = "string", clearable = false, doc = "Name of the service." },
      { name = "slug", type = "string", clearable = false, doc = "Last part of its public address." },
      is_private(),
      { name = "staff", type = "array", clearable = false, items = staff_items, doc = STAFF_DOC },
      variations("All its variations: one with an `id` is changed, one without is new. An empty list removes all.",
        "ServiceVariationUpdate", "A form of a service, changed or new.", {
        { name = "id", type = "string", doc = "Variation to change; none for a new one." },
        { name = "name", type = "string", doc = "Name of the variation." },
      }, "id"),
    }, settings) },
    status = 200,
    result = { keys = { "service" }, type = service },
  },

  { name = "delete", method = "DELETE", path = "/calendars/services/catalog/{serviceId}",
    doc = "Delete a service.",
    version = "v3", scope = "calendars.write", retry = "idempotent", reconcile = "get",
    params = { id },
    status = 200,
    result = { type = models.deleted },
  },
}
