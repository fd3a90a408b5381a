-- The endpoint data is well formed, complete, and has the method names that scripts rely on.

local ENDPOINTS = [[
GET /calendars/
POST /calendars/
GET /calendars/{calendarId}
PUT /calendars/{calendarId}
DELETE /calendars/{calendarId}
GET /calendars/{calendarId}/free-slots
GET /calendars/groups
POST /calendars/groups
POST /calendars/groups/validate-slug
GET /calendars/groups/{groupId}
PUT /calendars/groups/{groupId}
DELETE /calendars/groups/{groupId}
PUT /calendars/groups/{groupId}/status
GET /calendars/events
GET /calendars/blocked-slots
POST /calendars/events/appointments
GET /calendars/events/appointments/{eventId}
PUT /calendars/events/appointments/{eventId}
POST /calendars/events/block-slots
PUT /calendars/events/block-slots/{eventId}
DELETE /calendars/events/{eventId}
GET /calendars/appointments/{appointmentId}/notes
POST /calendars/appointments/{appointmentId}/notes
PUT /calendars/appointments/{appointmentId}/notes/{noteId}
DELETE /calendars/appointments/{appointmentId}/notes/{noteId}
GET /calendars/resources/{resourceType}
POST /calendars/resources/{resourceType}
GET /calendars/resources/{resourceType}/{id}
PUT /calendars/resources/{resourceType}/{id}
DELETE /calendars/resources/{resourceType}/{id}
GET /calendars/{calendarId}/notifications
POST /calendars/{calendarId}/notifications
GET /calendars/{calendarId}/notifications/{notificationId}
PUT /calendars/{calendarId}/notifications/{notificationId}
DELETE /calendars/{calendarId}/notifications/{notificationId}
GET /calendars/schedules/search
POST /calendars/schedules
GET /calendars/schedules/{id}
PUT /calendars/schedules/{id}
DELETE /calendars/schedules/{id}
PUT /calendars/schedules/{id}/associations/{calendarId}
DELETE /calendars/schedules/{id}/associations/{calendarId}
GET /calendars/schedules/event-calendar/{calendarId}
POST /calendars/schedules/event-calendar/{calendarId}
PUT /calendars/schedules/event-calendar/{calendarId}
GET /calendars/services/catalog
POST /calendars/services/catalog
GET /calendars/services/catalog/{serviceId}
PUT /calendars/services/catalog/{serviceId}
DELETE /calendars/services/catalog/{serviceId}
GET /calendars/services/bookings
POST /calendars/services/bookings
GET /calendars/services/bookings/{bookingId}
PUT /calendars/services/bookings/{bookingId}
DELETE /calendars/services/bookings/{bookingId}
GET /calendars/services/locations
POST /calendars/services/locations
GET /calendars/services/locations/{serviceLocationId}
PUT /calendars/services/locations/{serviceLocationId}
DELETE /calendars/services/locations/{serviceLocationId}
GET /contacts/{contactId}
POST /contacts/upsert
GET /contacts/{contactId}/appointments
GET /users/{userId}
GET /users/search
GET /locations/{locationId}
]]

-- The methods of a client: the arguments in order, or "= resource.method" for an alias.
local METHODS = {
  calendars = {
    "list(query?)",
    "create(body)",
    "get(calendarId)",
    "update(calendarId, body)",
    "delete(calendarId)",
    "free_slots(calendarId, query)",
  },
  groups = {
    "list(query?)",
    "create(body)",
    "validate_slug(body)",
    "get(groupId)",
    "update(groupId, body)",
    "delete(groupId)",
    "set_status(groupId, body)",
  },
  events = { "list(query)", "delete(eventId)" },
  appointments = {
    "create(body)",
    "get(eventId)",
    "update(eventId, body)",
    "cancel = appointments.update",
    "delete = events.delete",
  },
  block_slots = { "list(query)", "create(body)", "update(eventId, body)", "delete = events.delete" },
  notes = {
    "list(appointmentId, query?)",
    "create(appointmentId, body)",
    "update(appointmentId, noteId, body)",
    "delete(appointmentId, noteId)",
  },
  resources = {
    "list(resourceType, query?)",
    "create(resourceType, body)",
    "get(resourceType, id)",
    "update(resourceType, id, body)",
    "delete(resourceType, id)",
  },
  notifications = {
    "list(calendarId, query?)",
    "create(calendarId, body)",
    "get(calendarId, notificationId)",
    "update(calendarId, notificationId, body)",
    "delete(calendarId, notificationId)",
  },
  schedules = {
    "list(query)",
    "create(body)",
    "get(id)",
    "update(id, body)",
    "delete(id)",
    "add_calendar(id, calendarId)",
    "remove_calendar(id, calendarId)",
  },
  event_schedules = { "get(calendarId)", "create(calendarId, body)", "update(calendarId, body)" },
  services = { "list(query?)", "create(body)", "get(serviceId)", "update(serviceId, body)", "delete(serviceId)" },
  service_bookings = {
    "list(query)",
    "create(body)",
    "get(bookingId)",
    "update(bookingId, body)",
    "cancel = service_bookings.update",
    "delete(bookingId)",
  },
  service_locations = {
    "list(query?)",
    "create(body)",
    "get(serviceLocationId)",
    "update(serviceLocationId, body)",
    "delete(serviceLocationId)",
  },
  contacts = { "get(contactId)", "upsert(body)", "appointments(contactId)" },
  users = { "get(userId)", "search(query)" },
  locations = { "get(locationId)" },
}

local ORDER = {
  "calendars",
  "groups",
  "events",
  "appointments",
  "block_slots",
  "notes",
  "resources",
  "notifications",
  "schedules",
  "event_schedules",
  "services",
  "service_bookings",
  "service_locations",
  "contacts",
  "users",
  "locations",
}

local TYPES = {
  string = true,
  integer = true,
  number = true,
  boolean = true,
  object = true,
  array = true,
  any = true,
  epoch_ms = true,
  datetime = true,
  date = true,
  timezone = true,
}

-- The modifiers of a type, and the types of their values.
local MODIFIERS = {
  required = "boolean",
  nullable = "boolean",
  undocumented = "boolean",
  read_only = "boolean",
  fill = "boolean",
  clearable = "boolean",
  update = "boolean",
  min = "number",
  max = "number",
  min_length = "integer",
  max_length = "integer",
  min_items = "integer",
  max_items = "integer",
  pattern = "string",
  range = "table",
  enum = "table",
  wire = "string",
  class = "string",
  deprecated = "string",
  deprecated_since = "string",
  since = "string",
  enum_since = "table",
  in_query = "boolean",
  any_order = "boolean", -- a list that a record may show in another order
  adds_without = "string", -- items without this field are added: the change is not sent again
  shown_as = "any", -- another name, or false
  computed = "boolean",
  flat = "boolean",
  id = "string",
  doc = "string",
  name = "string",
  type = "string",
  default = "any",
  example = "any",
  fields = "table",
  values = "table",
  items = "table",
  at_least_one = "table",
  at_most_one = "table",
}

local SCOPES = {}
for _, area in ipairs {
  "calendars",
  "calendars/groups",
  "calendars/resources",
  "calendars/events",
  "contacts",
  "users",
  "locations",
} do
  SCOPES[area .. ".readonly"], SCOPES[area .. ".write"] = "R", "W"
end

local ENDPOINT_KEYS = {
  name = true,
  method = true,
  path = true,
  doc = true,
  scope = true,
  retry = true,
  reconcile = true,
  reconcile_with = true,
  reconcile_member = true,
  pages = true, -- see spec/unit/list/pages_spec.lua
  params = true,
  query = true,
  body = true,
  at_least_one = true,
  range = true,
  elsewhere = true,
  hints = true,
  confirms = true,
  status = true,
  result = true,
  empty_body = true,
  undocumented = true,
  version = true,
  wrapped = true,
  deprecated = true,
  deprecated_since = true,
}
local ALIAS_KEYS = { name = true, doc = true, alias = true, preset = true, reconcile = true, reconcile_with = true }

local names = require "hoopai.api"
local resources, by_resource, endpoints, aliases, by_id = {}, {}, {}, {}, {}
for index, name in ipairs(names) do
  local resource = require("hoopai.api." .. name)
  resources[index], by_resource[name] = resource, resource
  for _, entry in ipairs(resource) do
    local id = name .. "." .. tostring(entry.name)
    local list = entry.alias and aliases or endpoints
    list[#list + 1] = { id = id, data = entry, resource = name }
    by_id[id] = entry
  end
end

local function each(body)
  for _, entry in ipairs(endpoints) do
    body(entry.data, entry.id)
  end
end

-- Calls visit(type, where) for the type, and for all types in it; raises on a cycle.
local function walk(kind, where, visit, open)
  open = open or {}
  assert(not open[kind], where .. ": contains itself")
  open[kind] = true
  visit(kind, where)
  for _, field in ipairs(kind.fields or {}) do
    walk(field, where .. "." .. tostring(field.name), visit, open)
  end
  if kind.items then walk(kind.items, where .. "[]", visit, open) end
  if kind.values then walk(kind.values, where .. "{}", visit, open) end
  open[kind] = nil
end

local function walk_requests(visit)
  each(function(endpoint, id)
    for _, field in ipairs(endpoint.params) do
      walk(field, id .. " path " .. tostring(field.name), visit)
    end
    for _, field in ipairs(endpoint.query or {}) do
      walk(field, id .. " query " .. tostring(field.name), visit)
    end
    if endpoint.body then walk(endpoint.body, id .. " body", visit) end
  end)
end

local function walk_responses(visit)
  each(function(endpoint, id)
    walk(endpoint.result.type, id .. " result", visit)
    for _, field in ipairs(endpoint.result.extra or {}) do
      walk(field, id .. " extra " .. tostring(field.name), visit)
    end
  end)
end

local function walk_all(visit)
  walk_requests(visit)
  walk_responses(visit)
end

local function field_named(fields, name)
  for _, field in ipairs(fields) do
    if field.name == name then return field end
  end
end

-- A doc is one line, a sentence, without the markup of the vendor's document.
local function check_doc(doc, where)
  assert.is_string(doc, where .. " has no doc")
  assert.is_true(#doc >= 8 and #doc <= 200, where .. ": doc of " .. #doc .. " bytes")
  assert.is_nil(doc:find "[\n\r\t\128-\255*]", where .. ": " .. doc)
  assert.is_truthy(doc:find "^[%u`]", where .. ": " .. doc)
  assert.is_truthy(doc:find "%.$", where .. ": " .. doc)
end

local function is_one_of_type(kind, value)
  if kind.type == "string" then return type(value) == "string" end
  if kind.type == "integer" then return math.type(value) == "integer" end
  if kind.type == "number" then return type(value) == "number" end
  if kind.type == "boolean" then return type(value) == "boolean" end
  if kind.type == "epoch_ms" then return math.type(value) == "integer" and value > 1e12 end
  if kind.type == "datetime" then return tostring(value):find "^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d[+-]%d%d:%d%d$" ~= nil end
  return type(value) == "string"
end

local function check_type(kind, where)
  assert.is_table(kind, where)
  assert.is_true(TYPES[kind.type] == true, where .. ": unknown type " .. tostring(kind.type))
  assert.is_nil(getmetatable(kind), where)
  for key, value in pairs(kind) do
    local wanted = MODIFIERS[key]
    assert.is_truthy(wanted, where .. ": unknown modifier " .. tostring(key))
    local found = wanted == "integer" and math.type(value) or type(value)
    assert.is_true(wanted == "any" or found == wanted, where .. "." .. key .. " is a " .. found)
  end

  local textual, numeric = kind.type == "string", kind.type == "integer" or kind.type == "number"
  assert.is_true(not (kind.min or kind.max) or numeric, where .. ": limits of a " .. kind.type)
  assert.is_true(not (kind.min_length or kind.max_length) or textual, where .. ": lengths of a " .. kind.type)
  assert.is_true(not (kind.min_items or kind.max_items) or kind.type == "array", where .. ": items of a " .. kind.type)
  assert.is_true(not (kind.fields or kind.values) or kind.type == "object", where .. ": fields of a " .. kind.type)
  assert.is_true((kind.items ~= nil) == (kind.type == "array"), where .. ": items")
  assert.is_true(not (kind.fields and kind.values), where .. ": fields and values")
  assert.is_true(kind.wire == nil or (kind.wire == "string" and kind.type == "epoch_ms"), where .. ": wire")
  for low, high in pairs { min = "max", min_length = "max_length", min_items = "max_items" } do
    assert.is_true(not (kind[low] and kind[high]) or kind[low] <= kind[high], where .. ": limits the wrong way round")
  end
  for _, flag in ipairs { "required", "nullable", "undocumented", "read_only", "in_query", "computed", "flat" } do
    assert.is_true(kind[flag] ~= false, where .. ": " .. flag .. " = false says nothing")
  end
  assert.is_true(kind.clearable ~= true, where .. ": clearable = true says nothing")
  assert.is_true(kind.update == nil or (kind.update and kind.fields ~= nil), where .. ": update")
  assert.is_true(kind.fill == nil or (kind.fill == false and kind.name == "locationId"), where .. ": fill")
  if kind.class then assert.is_truthy(kind.class:find "^%u%a+$", where .. ": class " .. kind.class) end
  if kind.deprecated then assert.is_truthy(kind.deprecated:find "%a", where .. ": what to use instead of it") end

  if kind.enum then
    assert.is_true(#kind.enum > 0, where .. ": no value is allowed")
    local seen = {}
    for _, value in ipairs(kind.enum) do
      assert.is_nil(seen[value], where .. ": value twice: " .. tostring(value))
      seen[value] = true
      assert.is_true(is_one_of_type(kind, value), where .. ": value " .. tostring(value))
    end
    assert.is_true(kind.default == nil or seen[kind.default], where .. ": default is none of the values")
  end
  if kind.default ~= nil then
    assert.is_true(is_one_of_type(kind, kind.default), where .. ": default " .. tostring(kind.default))
    assert.is_true(not kind.min or kind.default >= kind.min, where .. ": default below min")
    assert.is_true(not kind.max or kind.default <= kind.max, where .. ": default above max")
  end
  if kind.example ~= nil then
    assert.is_true(is_one_of_type(kind, kind.example), where .. ": example " .. tostring(kind.example))
  end
  if kind.pattern then
    assert.is_truthy(kind.pattern:find "^%^.*%$$", where .. ": pattern " .. kind.pattern)
    assert.is_string(kind.example, where .. ": a pattern needs an example")
    assert.is_truthy(kind.example:find(kind.pattern), where .. ": example does not match")
  end

  if kind.fields then
    local seen = {}
    for index, field in ipairs(kind.fields) do
      assert.is_string(field.name, where .. ": field " .. index .. " has no name")
      assert.is_nil(seen[field.name], where .. ": field twice: " .. field.name)
      seen[field.name] = true
      check_doc(field.doc, where .. "." .. field.name)
    end
    for key in pairs(kind.fields) do
      assert.is_true(math.type(key) == "integer" and key >= 1 and key <= #kind.fields, where .. ": fields is no list")
    end
    for _, rule in ipairs { "at_least_one", "at_most_one" } do
      for _, name in ipairs(kind[rule] or {}) do
        assert.is_true(seen[name] == true, where .. ": " .. rule .. " of unknown " .. name)
        assert.is_nil(field_named(kind.fields, name).required, where .. ": " .. rule .. " of required " .. name)
      end
    end
  end
end

describe("the endpoint data", function()
  it("names its resources in the order of the contract", function()
    assert.are.same(ORDER, names)
    for index, name in ipairs(names) do
      assert.are.equal(name, resources[index].name)
      check_doc(resources[index].doc, name)
    end
  end)

  it("describes exactly the 42 endpoints of the overview, the 18 newer ones and 6 companions", function()
    local wanted, found = {}, {}
    for line in ENDPOINTS:gmatch "[^\n]+" do
      wanted[#wanted + 1] = line
    end
    each(function(endpoint) found[#found + 1] = endpoint.method .. " " .. endpoint.path end)
    assert.are.equal(66, #wanted)
    assert.are.equal(66, #found)
    table.sort(wanted)
    table.sort(found)
    assert.are.same(wanted, found)
  end)

  it("has the methods that scripts rely on, with their arguments in order", function()
    for _, resource in ipairs(resources) do
      local found = {}
      for index, entry in ipairs(resource) do
        if entry.alias then
          found[index] = entry.name .. " = " .. entry.alias
        else
          local arguments, needs_query = {}, entry.at_least_one ~= nil
          for position, param in ipairs(entry.params) do
            arguments[position] = param.name
          end
          for _, field in ipairs(entry.query or {}) do
            local filled = field.default ~= nil or field.name == "locationId"
            needs_query = needs_query or (field.required == true and not filled)
          end
          if entry.query then arguments[#arguments + 1] = needs_query and "query" or "query?" end
          if entry.body then arguments[#arguments + 1] = "body" end
          found[index] = entry.name .. "(" .. table.concat(arguments, ", ") .. ")"
        end
      end
      assert.are.same(METHODS[resource.name], found)
    end
  end)

  it("has unique method names in each resource", function()
    for _, resource in ipairs(resources) do
      local seen = {}
      for _, entry in ipairs(resource) do
        assert.is_truthy(entry.name:find "^%l[%l_]*$", resource.name .. "." .. entry.name)
        assert.is_nil(seen[entry.name], resource.name .. "." .. entry.name)
        seen[entry.name] = true
      end
    end
  end)

  it("has every part of every endpoint, and no unknown one", function()
    each(function(endpoint, id)
      for key in pairs(endpoint) do
        assert.is_true(ENDPOINT_KEYS[key] == true, id .. ": unknown key " .. tostring(key))
      end
      for _, key in ipairs { "name", "method", "path", "scope", "retry", "params", "status", "result" } do
        assert.is_truthy(endpoint[key] ~= nil, id .. ": no " .. key)
      end
      check_doc(endpoint.doc, id)
      assert.is_true(endpoint.status == 200 or endpoint.status == 201, id)
      assert.is_true(endpoint.query == nil or #endpoint.query > 0, id .. ": an empty query")
    end)
  end)

  it("confirms creates alone, by fields of the request that the record has too", function()
    local count = 0
    each(function(endpoint, id)
      for _, name in ipairs(endpoint.confirms or {}) do
        count = count + 1
        assert.are.equal("once", endpoint.retry, id)
        for place, kind in pairs { body = endpoint.body, result = endpoint.result.type } do
          local field = field_named(kind.fields, name)
          assert.is_table(field, id .. ": no " .. name .. " in its " .. place)
          local is_instant = name:find "Time$" ~= nil
          assert.are.equal(is_instant and "datetime" or "string", field.type, id .. ": " .. name .. " in its " .. place)
        end
      end
    end)
    assert.is_true(count > 0)
  end)

  it("sends bodies with POST and PUT, queries with GET", function()
    each(function(endpoint, id)
      local method = endpoint.method
      assert.is_truthy(method == "GET" or method == "POST" or method == "PUT" or method == "DELETE", id)
      if method ~= "GET" then assert.is_nil(endpoint.query, id) end
      if method == "GET" or method == "DELETE" then assert.is_nil(endpoint.body, id) end
      if method == "POST" then assert.is_table(endpoint.body, id) end
      if endpoint.body then assert.is_true(endpoint.body.type == "object" or endpoint.body.type == "array", id) end
      assert.is_true((endpoint.empty_body == true) == (id == "events.delete"), id)
    end)
  end)

  it("has the placeholders of each path as parameters, in order", function()
    each(function(endpoint, id)
      local area = id:match "^(%l+)%." or ""
      local is_companion = area == "contacts" or area == "users" or area == "locations"
      assert.are.equal(is_companion, by_resource[id:match "^[^.]+"].companion == true, id)
      assert.is_truthy(endpoint.path:find("^/" .. (is_companion and area or "calendars") .. "/[%w/{}-]*$"), id)
      local index = 0
      for placeholder in endpoint.path:gmatch "{(.-)}" do
        index = index + 1
        assert.is_table(endpoint.params[index], id)
        assert.are.equal(placeholder, endpoint.params[index].name)
      end
      assert.are.equal(index, #endpoint.params)
      for _, param in ipairs(endpoint.params) do
        assert.are.equal("string", param.type)
        assert.is_nil(param.required, id .. ": path arguments are always required")
        check_doc(param.doc, id .. "." .. param.name)
      end
    end)
  end)

  it("lists the fixed segments of its paths, none of which may be an id", function()
    local words = {}
    each(function(endpoint)
      for word in endpoint.path:gmatch "[^/]+" do
        if not word:find "{" then words[word:lower()] = true end
      end
    end)
    assert.are.same(words, require "hoopai.api.reserved_segments")
  end)

  it("has unique query fields, and rules over fields that exist", function()
    each(function(endpoint, id)
      local seen = {}
      for _, field in ipairs(endpoint.query or {}) do
        assert.is_nil(seen[field.name], id .. ": " .. field.name .. " twice")
        seen[field.name] = field
        check_doc(field.doc, id .. "." .. field.name)
        assert.is_true(field.type ~= "object" and field.type ~= "datetime" and field.type ~= "any", id)
        if field.type == "array" then assert.are.equal("string", field.items.type) end
      end
      for _, param in ipairs(endpoint.params) do
        assert.is_nil(seen[param.name], id .. ": " .. param.name)
      end
      for _, name in ipairs(endpoint.at_least_one or {}) do
        assert.is_table(seen[name], id .. ": " .. name)
      end
      if endpoint.range then
        for _, name in ipairs { endpoint.range.from, endpoint.range.to } do
          assert.is_table(seen[name], id .. ": " .. name)
          assert.are.equal("epoch_ms", seen[name].type)
          assert.is_true(seen[name].required, id)
        end
      end
      for name, field in pairs(seen) do
        assert.is_true(field.type ~= "epoch_ms" or endpoint.range ~= nil, id .. ": no range for " .. name)
      end
    end)
  end)

  it("has sound types at every depth", function() walk_all(check_type) end)

  it("has a doc on every class, and one shape per class", function()
    local function shape_of(kind)
      local words = {}
      for _, field in ipairs(kind.fields or {}) do
        words[#words + 1] = field.name
          .. ":"
          .. field.type
          .. (field.required and "!" or "")
          .. (field.items and field.items.class or "")
          .. (field.class or "")
      end
      return table.concat(words, " ")
    end
    local shapes = {}
    walk_all(function(kind, where)
      if kind.type == "object" and kind.fields then assert.is_string(kind.class, where .. " has no class") end
      if kind.class then
        check_doc(kind.doc, where)
        local shape = shape_of(kind)
        assert.are.equal(shapes[kind.class] or shape, shape, where .. ": another shape of " .. kind.class)
        shapes[kind.class] = shape
      end
    end)
  end)

  it("has envelope keys, and siblings beside them only", function()
    each(function(endpoint, id)
      local result = endpoint.result
      for key in pairs(result) do
        assert.is_true(key == "keys" or key == "type" or key == "extra", id)
      end
      assert.is_table(result.type, id)
      if result.keys then
        assert.is_true(#result.keys > 0, id)
        for _, key in ipairs(result.keys) do
          assert.is_truthy(key:find "^%l%a+$", id)
        end
      end
      if result.extra then
        assert.is_table(result.keys, id)
        for _, field in ipairs(result.extra) do
          check_doc(field.doc, id .. "." .. field.name)
        end
      end
    end)
  end)

  it("has a retry class that goes with the method, and a lookup for every write", function()
    each(function(endpoint, id)
      local reads = endpoint.method == "GET" or id == "groups.validate_slug"
      local wanted = reads and "safe" or (endpoint.method == "POST" and "once" or "idempotent")
      assert.are.equal(wanted, endpoint.retry, id)
      if endpoint.retry == "safe" then
        assert.is_nil(endpoint.reconcile, id)
        assert.is_nil(endpoint.reconcile_with, id)
        return
      end
      local reconcile = endpoint.reconcile
      assert.is_true(reconcile == "get" or reconcile == "list" or reconcile == "none", id)
      assert.is_true(endpoint.retry ~= "once" or reconcile ~= "get", id .. ": nothing new can be got by its id")
    end)
  end)

  it("reconciles writes with reads that exist", function()
    local function check(entry)
      local data = entry.data
      if data.reconcile == nil or data.reconcile == "none" then
        assert.is_nil(data.reconcile_with, entry.id)
        return
      end
      local lookup = by_id[data.reconcile_with or entry.resource .. "." .. data.reconcile]
      assert.is_table(lookup, entry.id)
      assert.are.equal("safe", lookup.retry, entry.id)
      assert.are.equal("GET", lookup.method, entry.id)
      assert.is_nil(lookup.undocumented, entry.id .. ": a route that may not exist proves nothing")
      local params = (data.alias and by_id[data.alias] or data).params
      if data.reconcile == "get" then
        -- associations are looked up by the schedule alone
        assert.is_true(#lookup.params >= 1 and #lookup.params <= #params, entry.id)
        for index, param in ipairs(lookup.params) do
          assert.are.equal(param.name, params[index].name, entry.id)
        end
      end
    end
    for _, entry in ipairs(endpoints) do
      check(entry)
    end
    for _, entry in ipairs(aliases) do
      check(entry)
    end
  end)

  it("requires a scope that fits the endpoint", function()
    each(function(endpoint, id)
      local kind = SCOPES[endpoint.scope]
      assert.is_truthy(kind, id .. ": " .. tostring(endpoint.scope))
      assert.are.equal(endpoint.method == "GET" and "R" or "W", kind, id)
    end)
  end)

  it("has aliases of real endpoints only", function()
    for _, entry in ipairs(aliases) do
      for key in pairs(entry.data) do
        assert.is_true(ALIAS_KEYS[key] == true, entry.id .. ": " .. tostring(key))
      end
      local target = by_id[entry.data.alias]
      assert.is_table(target, entry.id)
      assert.is_nil(target.alias, entry.id)
      check_doc(entry.data.doc, entry.id)
      for name, value in pairs(entry.data.preset or {}) do
        local field = field_named(target.body.fields, name)
        assert.is_table(field, entry.id)
        assert.is_true(is_one_of_type(field, value), entry.id)
      end
    end
    assert.are.equal(4, #aliases)
    assert.are.same({ appointmentStatus = "cancelled" }, by_id["appointments.cancel"].preset)
    assert.are.same({ status = "cancelled" }, by_id["service_bookings.cancel"].preset)
  end)
end)

describe("what the endpoint data must not get wrong", function()
  local function query_of(id) return by_id[id].query end
  local function body_of(id) return by_id[id].body.fields end

  it("declares instants as each endpoint spells them", function()
    for _, id in ipairs { "events.list", "block_slots.list" } do
      for _, name in ipairs { "startTime", "endTime" } do
        local field = field_named(query_of(id), name)
        assert.are.equal("epoch_ms", field.type)
        assert.are.equal("string", field.wire)
      end
      assert.are.same({ "userId", "calendarId", "groupId" }, by_id[id].at_least_one)
      assert.are.same({ from = "startTime", to = "endTime" }, by_id[id].range)
    end
    for _, name in ipairs { "startDate", "endDate" } do
      local field = field_named(query_of "calendars.free_slots", name)
      assert.are.equal("epoch_ms", field.type)
      assert.is_nil(field.wire)
    end
    assert.are.same({ from = "startDate", to = "endDate", max_days = 31 }, by_id["calendars.free_slots"].range)
    for _, id in ipairs { "appointments.create", "appointments.update", "block_slots.create", "block_slots.update" } do
      assert.are.equal("datetime", field_named(body_of(id), "startTime").type)
      assert.are.equal("datetime", field_named(body_of(id), "endTime").type)
    end
    walk_requests(function(kind, where)
      if kind.type == "epoch_ms" then assert.is_truthy(where:find " query ", where) end
      if kind.type == "datetime" or kind.type == "date" then assert.is_truthy(where:find " body", where) end
    end)
    walk_responses(function(kind, where) assert.are_not.equal("epoch_ms", kind.type, where) end)
  end)

  it("declares the local dates that look like instants", function()
    local date = field_named(field_named(body_of "calendars.create", "availabilities").items.fields, "date")
    assert.are.equal("date", date.type)
    assert.is_truthy(("2026-12-24T00:00:00.000Z"):find(date.pattern))
    for _, wrong in ipairs { "2026-12-24", "2026-12-24T00:00:00Z", "2026-12-24T00:00:00.000-05:00" } do
      assert.is_nil(wrong:find(date.pattern))
    end
    local rule = field_named(body_of "schedules.create", "rules").items.fields
    assert.are.equal("date", field_named(rule, "date").type)
    assert.is_truthy(("2026-12-24"):find(field_named(rule, "date").pattern))
  end)

  it("checks the hours of schedules", function()
    local rule = field_named(body_of "schedules.update", "rules").items.fields
    local pattern = field_named(field_named(rule, "intervals").items.fields, "from").pattern
    for _, right in ipairs { "00:00", "9:30", "09:30", "19:05", "23:59" } do
      assert.is_truthy(right:find(pattern), right)
    end
    for _, wrong in ipairs { "", "9", "09:60", "30:00", "009:00", "9:5", "9:30 ", "09:30:00", "9.30" } do
      assert.is_nil(wrong:find(pattern), wrong)
    end
  end)

  it("keeps the vendor's spelling", function()
    for _, id in ipairs { "calendars.create", "calendars.update" } do
      local fields = body_of(id)
      assert.is_table(field_named(fields, "appoinmentPerSlot"))
      assert.is_table(field_named(fields, "appoinmentPerDay"))
      assert.is_nil(field_named(fields, "appointmentPerSlot"))
      assert.is_table(field_named(field_named(fields, "lookBusyConfig").fields, "LookBusyPercentage"))
    end
    local event = by_id["appointments.get"].result.type.fields
    assert.is_table(field_named(event, "appointmentStatus"))
    assert.is_true(field_named(event, "appoinmentStatus").undocumented)
    assert.are.equal("_id", by_id["notifications.get"].result.type.fields[1].name)
  end)

  it("keeps null apart from absent for availabilityType alone", function()
    walk_all(function(kind, where) assert.are.equal(kind.name == "availabilityType", kind.nullable == true, where) end)
  end)

  it("lets null clear the fields of every update, and only there", function()
    local updates = 0
    each(function(endpoint, id)
      local is_update = endpoint.method == "PUT" and endpoint.body ~= nil
      if endpoint.body then assert.are.equal(is_update, endpoint.body.update == true, id) end
      if is_update then updates = updates + 1 end
    end)
    assert.are.equal(13, updates)
    walk_all(function(kind, where)
      if kind.update then assert.is_truthy(where:find " body$", where) end
      assert.is_true(kind.clearable == nil or not kind.required, where .. ": required says it")
    end)
  end)

  it("says of read-only fields where they can be changed", function()
    local count = 0
    each(function(endpoint, id)
      for name, hint in pairs(endpoint.elsewhere or {}) do
        count = count + 1
        local where = id .. " " .. name
        assert.matches("^is read%-only here: ", hint, where)
        for resource, method in hint:gmatch "([%l_]+):([%l_]+)" do
          if resource ~= "here" then assert.is_table(by_id[resource .. "." .. method], where) end
        end
        assert.is_nil(field_named(endpoint.body.fields or endpoint.body.items.fields, name), where)
      end
    end)
    assert.is_true(count > 10)
  end)

  it("never shows a traceId as data", function()
    walk_responses(function(kind, where) assert.are_not.equal("traceId", kind.name, where) end)
    assert.is_nil(field_named(by_id["notes.list"].result.extra, "traceId"))
  end)

  it("fills in paging if the API requires it, and nothing that changes the request", function()
    local filled = {}
    walk_requests(function(kind, where)
      if kind.required and kind.default ~= nil then filled[#filled + 1] = where .. "=" .. tostring(kind.default) end
    end)
    table.sort(filled)
    assert.are.same({
      "notes.list query limit=20",
      "notes.list query offset=0",
      "resources.list query limit=100",
      "resources.list query skip=0",
    }, filled)
  end)

  it("has the limits of the API", function()
    local limit = field_named(query_of "notes.list", "limit")
    assert.are.equal(20, limit.max)
    assert.are.equal(5000, field_named(body_of "notes.create", "body").max_length)
    limit = field_named(query_of "schedules.list", "limit")
    assert.are.same({ 1, 500, 50 }, { limit.min, limit.max, limit.default })
    assert.are.equal(100, field_named(body_of "resources.create", "calendarIds").max_items)
    assert.are.equal(100, field_named(body_of "resources.update", "calendarIds").max_items)
    local recurring = field_named(body_of "calendars.create", "recurring").fields
    assert.are.equal(24, field_named(recurring, "count").max)
    local open_hours = field_named(body_of "calendars.create", "openHours").items.fields
    local hours = field_named(open_hours, "hours").items.fields
    assert.are.same({ 0, 23 }, { field_named(hours, "openHour").min, field_named(hours, "openHour").max })
    assert.are.same({ 0, 60 }, { field_named(hours, "closeMinute").min, field_named(hours, "closeMinute").max })
  end)

  it("takes a location in free slots if it is given, but never fills it in", function()
    local field = field_named(query_of "calendars.free_slots", "locationId")
    assert.is_true(field.undocumented)
    assert.is_false(field.fill)
    assert.is_nil(field.required)
    assert.is_true(field_named(query_of "calendars.free_slots", "enableLookBusy").undocumented)
  end)

  it("leaves what cannot be changed out of a calendar's update", function()
    for _, name in ipairs { "locationId", "calendarType", "slotBufferUnit" } do
      assert.is_table(field_named(body_of "calendars.create", name), name)
      assert.is_nil(field_named(body_of "calendars.update", name), name)
    end
  end)

  it("has no defaults in updates: a field that is left out keeps its value", function()
    for _, id in ipairs {
      "calendars.update",
      "appointments.update",
      "block_slots.update",
      "resources.update",
      "notifications.update",
      "schedules.update",
    } do
      for _, field in ipairs(body_of(id)) do
        assert.is_nil(field.default, id .. "." .. field.name)
      end
    end
  end)

  it("leaves the contact and the location out of an appointment's update", function()
    assert.is_nil(field_named(body_of "appointments.update", "contactId"))
    assert.is_nil(field_named(body_of "appointments.update", "locationId"))
  end)

  it("takes the envelope off if there is one, and leaves bare responses bare", function()
    assert.are.same({ "event", "appointment" }, by_id["appointments.get"].result.keys)
    assert.are.same({ "events" }, by_id["block_slots.list"].result.keys)
    for _, id in ipairs {
      "appointments.create",
      "appointments.update",
      "block_slots.create",
      "block_slots.update",
      "resources.list",
      "resources.create",
      "resources.get",
      "resources.update",
      "notifications.list",
      "notifications.create",
      "notifications.get",
      "calendars.free_slots",
      "groups.validate_slug",
      "events.delete",
    } do
      assert.is_nil(by_id[id].result.keys, id)
    end
    assert.are.equal("succeeded", by_id["events.delete"].result.type.fields[1].name)
    assert.is_table(by_id["calendars.free_slots"].result.type.values)
    assert.are.equal("array", by_id["notifications.create"].body.type)
  end)

  it("names the version that an endpoint needs, where the client's will not do", function()
    each(function(endpoint, id)
      local is_newer = id:find "^service" or id:find "^event_schedules"
      local is_companion = by_resource[id:match "^[^.]+"].companion
      assert.are.equal(is_newer and "v3" or is_companion and "2021-07-28" or nil, endpoint.version, id)
    end)
  end)

  it("marks what version v3 adds and deprecates", function()
    local since, deprecated, values = {}, {}, {}
    walk_all(function(kind, where)
      if kind.since then since[kind.name] = kind.since end
      assert.is_true(kind.deprecated_since == nil or kind.deprecated ~= nil, where)
      if kind.deprecated_since then deprecated[kind.name] = kind.deprecated_since end
      for value, version in pairs(kind.enum_since or {}) do
        values[value] = version
        local is_value = false
        for _, other in ipairs(kind.enum) do
          is_value = is_value or other == value
        end
        assert.is_true(is_value, where .. ": " .. value)
      end
    end)
    assert.are.same({ deleted = "v3", dateAdded = "v3", dateUpdated = "v3" }, since)
    assert.are.same({ openHours = "v3", availabilities = "v3", availabilityType = "v3" }, deprecated)
    assert.are.same({ mins = "v3", completed = "v3", active = "v3" }, values)
    each(function(endpoint, id)
      assert.are.equal(id:find "^resources%." and "v3" or nil, endpoint.deprecated_since, id)
      assert.are.equal(endpoint.deprecated_since ~= nil, endpoint.deprecated ~= nil, id)
    end)
  end)

  it("sends the switches of service bookings in the query", function()
    for _, id in ipairs { "service_bookings.create", "service_bookings.update" } do
      for _, name in ipairs { "overrideAvailability", "skipSchedulingNotice" } do
        local field = field_named(body_of(id), name)
        assert.are.same({ "boolean", true }, { field.type, field.in_query }, id)
      end
    end
    local count = 0
    walk_all(function(kind) count = count + (kind.in_query and 1 or 0) end)
    assert.are.equal(4, count)
  end)

  it("knows what is read under another name than it is written", function()
    local items = field_named(body_of "service_bookings.create", "services").items.fields
    local shown = field_named(by_id["service_bookings.get"].result.type.fields, "services").items.fields
    local count = 0
    for _, field in ipairs(items) do
      if field.shown_as then
        count = count + 1
        assert.is_table(field_named(shown, field.shown_as), field.name)
      end
    end
    assert.are.equal(2, count)
    assert.are.equal("bookingId", by_id["service_bookings.get"].result.type.id)
    assert.are.equal("calendarId", by_id["event_schedules.get"].result.type.id)
  end)

  it("lists the endpoints that return 201", function()
    local found = {}
    each(function(endpoint, id)
      if endpoint.status == 201 then found[#found + 1] = id end
    end)
    table.sort(found)
    assert.are.same({
      "block_slots.create",
      "block_slots.update",
      "event_schedules.create",
      "events.delete",
      "groups.create",
      "notes.create",
      "resources.create",
      "schedules.create",
      "service_bookings.create",
      "service_locations.create",
      "services.create",
    }, found)
  end)
end)
