--- Records of one's own in a sandbox: `{ kind = "calendar", id = "CalendarMassage00000", fields = { name = ... } }`.
--
-- All but contacts and users, which the Calendars API cannot create, are made by the handlers of the API, and so are
-- checked like the body of a request. What a body would have to repeat has a default: the location, and what the
-- checks of a small clinic do not depend on.
-- @module hoopai.sandbox.domain.records

local api_errors = require "hoopai.sandbox.api_errors"
local checks = require "hoopai.sandbox.domain.checks"

local format, gsub, lower, match, rep, sub =
  string.format, string.gsub, string.lower, string.match, string.rep, string.sub
local sort = table.sort
local ipairs, pairs, require, setmetatable, tostring, type = ipairs, pairs, require, setmetatable, tostring, type

local records = {}

local LOCATION = { name = "locationId", type = "string", required = true }

local function person(...)
  local fields = { LOCATION, { name = "name", type = "string", required = true, min_length = 1 } }
  for _, name in ipairs { ... } do
    fields[#fields + 1] = { name = name, type = "string" }
  end
  return { type = "object", fields = fields }
end

local function slug_of(name)
  local slug = gsub(lower(tostring(name)), "[^%w]+", "-")
  return (gsub(slug, "^%-*(.-)%-*$", "%1"))
end

-- What each kind is: `body` (its declared fields) or the endpoint that creates it; the collections in which its id must
-- be new; the fields of the endpoint's path; the query; defaults of fields; `parent`: the field and the collection of
-- the record whose location it shares.
local KINDS = {
  contact = { body = person("firstName", "lastName", "email", "phone"), collections = { "contacts" } },
  user = { body = person("firstName", "lastName", "email", "phone"), collections = { "users" } },
  group = {
    endpoint = "groups.create",
    collections = { "groups" },
    defaults = function(fields) return { description = fields.name, slug = slug_of(fields.name) } end,
  },
  calendar = {
    endpoint = "calendars.create",
    collections = { "calendars" },
    defaults = function(_, id) return { slug = lower(id) } end,
  },
  schedule = {
    endpoint = "schedules.create",
    collections = { "schedules" },
    defaults = function(_, _, zone) return { timezone = zone } end,
  },
  appointment = {
    endpoint = "appointments.create",
    collections = { "appointments", "series", "blocks" },
    defaults = function() return { ignoreFreeSlotValidation = true } end,
  },
  block = { endpoint = "block_slots.create", collections = { "blocks", "appointments", "series" } },
  note = {
    endpoint = "notes.create",
    collections = { "notes" },
    path = { "appointmentId" },
    parent = { "appointmentId", { "appointments", "series" } },
  },
  notification = {
    endpoint = "notifications.create",
    collections = { "notifications" },
    path = { "calendarId" },
    parent = { "calendarId", { "calendars" } },
    defaults = function() return { receiverType = "contact", channel = "email", notificationType = "booked" } end,
  },
  service = {
    endpoint = "services.create",
    collections = { "services" },
    defaults = function(fields) return { slug = slug_of(fields.name) } end,
  },
  service_location = {
    endpoint = "service_locations.create",
    collections = { "service_locations" },
    defaults = function(fields) return { slug = slug_of(fields.name) } end,
  },
  service_booking = {
    endpoint = "service_bookings.create",
    collections = { "service_bookings" },
    query = { overrideAvailability = true },
    defaults = function(fields, _, zone) return { timezone = zone, endTime = fields.startTime } end,
  },
  resource = {
    endpoint = "resources.create",
    collections = { "resources" },
    path = { "resourceType" },
    defaults = function(fields)
      return { description = fields.name, quantity = 1, outOfService = 0, capacity = 1, calendarIds = {} }
    end,
  },
}

records.kinds = {}
for kind in pairs(KINDS) do
  records.kinds[#records.kinds + 1] = kind
end
sort(records.kinds)

local function find_endpoint(app, label)
  for _, endpoint in ipairs(app.router.endpoints) do
    if endpoint.label == label then return endpoint end
  end
end

-- The declared fields of a kind: of its body, and of its path.
local function declared(app, kind)
  local data = KINDS[kind]
  local endpoint = data.endpoint and find_endpoint(app, data.endpoint)
  local body = endpoint and endpoint.body or data.body
  if body.type == "array" then body = body.items end
  return body, endpoint and endpoint.params or {}, endpoint
end

--- The names of the fields of a kind.
-- @tparam table app
-- @tparam string kind
-- @treturn table list
function records.fields(app, kind)
  local body, params = declared(app, kind)
  local names, seen = {}, {}
  local function add(name)
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
  add "id"
  for _, fields in ipairs { params, body.fields, KINDS[kind].parent and {} or { LOCATION } } do
    for _, field in ipairs(fields) do
      add(field.name)
    end
  end
  sort(names)
  return names
end

local function is_taken(store, collections, id)
  for _, name in ipairs(collections) do
    if store[name]:get(id) then return true end
  end
  return false
end

-- A readable id of twenty letters and digits, as those of the seed: "ContactAnna000000000". Of several records of a
-- name the later ones have a number at the end.
local function new_id(store, kind, name)
  local is_named = type(name) == "string"
  local letters = is_named and gsub(name, "[^A-Za-z0-9]", "") or ""
  local stem, number = gsub(kind, "^%l", string.upper) .. letters, is_named and 0 or 1
  while true do
    local digits = number == 0 and "" or tostring(number)
    local start = sub(stem, 1, 20 - #digits)
    local id = start .. rep("0", 20 - #start - #digits) .. digits
    if not is_taken(store, KINDS[kind].collections, id) then return id end
    number = number + 1
  end
end

local function check_id(store, kind, id)
  if type(id) ~= "string" or not match(id, "^[%w_-]+$") or #id > 100 then
    api_errors.unprocessable "id must be of letters, digits, _ and -"
  end
  if is_taken(store, KINDS[kind].collections, id) then api_errors.unprocessable(format("the id %s is taken", id)) end
  return id
end

-- The location of a record: its own, or that of the record to which it belongs.
local function location_of(app, kind, fields)
  local parent = KINDS[kind].parent
  if not parent then return fields.locationId or app.seed.location_id end
  for _, name in ipairs(parent[2]) do
    local record = app.store[name]:get(fields[parent[1]])
    if record then return record.locationId end
  end
  return app.seed.location_id
end

-- The body and the arguments of the path, with the defaults.
local function complete(app, kind, fields, id, location_id)
  local data, body, params = KINDS[kind], {}, {}
  local location = app.store.locations:get(location_id)
  if not location then api_errors.unprocessable "locationId must be the id of a location" end
  local defaults = data.defaults and data.defaults(fields, id, location.timezone) or {}
  if not data.parent then defaults.locationId = location_id end
  for _, source in ipairs { defaults, fields } do
    for name, value in pairs(source) do
      body[name] = value
    end
  end
  for _, name in ipairs(data.path or {}) do
    params[name], body[name] = body[name], nil
  end
  body.id = nil
  return body, params
end

-- The query of the request: what the kind says, and the fields of the body that are sent there.
local function take_query(kind, declared_body, body)
  local query = {}
  for name, value in pairs(KINDS[kind].query or {}) do
    query[name] = value
  end
  for _, field in ipairs(declared_body.fields) do
    if field.in_query and body[field.name] ~= nil then
      query[field.name], body[field.name] = body[field.name], nil
    end
  end
  return query
end

local function person_of(store, kind, body, id)
  body.id = id
  store:announce(kind == "contact" and "ContactCreate" or "UserCreate", body)
  return store[KINDS[kind].collections[1]]:add(body)
end

local function without_copies(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, item in pairs(value) do
    copy[name] = without_copies(item)
  end
  return copy
end

--- Adds a record. Raises an error of `hoopai.sandbox.api_errors` for a wrong one.
-- @tparam table app
-- @tparam string kind one of `records.kinds`
-- @tparam table fields as in a request to create it, and `id`
-- @treturn string its id
function records.add(app, kind, fields)
  fields = without_copies(fields)
  local store = app.store
  local declared_body, declared_params, endpoint = declared(app, kind)
  local location_id = location_of(app, kind, fields)
  local id = fields.id ~= nil and check_id(store, kind, fields.id) or new_id(store, kind, fields.name)
  local body, params = complete(app, kind, fields, id, location_id)
  local problems = checks.path(declared_params, params)
  for _, problem in ipairs(checks.body(declared_body, body)) do
    problems[#problems + 1] = problem
  end
  if problems[1] then api_errors.unprocessable(problems) end
  if not endpoint then return person_of(store, kind, body, id).id end
  local handler = require("hoopai.sandbox.handlers." .. endpoint.resource)[endpoint.name]
  handler {
    -- A store whose next id is known; reading no random numbers, it leaves those of later ids and tokens as they are.
    store = setmetatable({ new_id = function() return id end }, { __index = store }),
    options = app.options,
    token = { location_id = location_id },
    params = params,
    query = take_query(kind, declared_body, body),
    body = endpoint.body.type == "array" and { body } or body,
    cleared = {},
  }
  return id
end

return records
