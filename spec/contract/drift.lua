--- Compares the vendor's OpenAPI document with the endpoint data of hoopai.api, field by field, in both directions.
--
-- A difference is { place, kind, ours, theirs }: `place` is spelt "calendars:list result[].hours[].openHour" ("{}" for
-- the values of a map), `ours` and `theirs` are texts, nil where that side says nothing.

local document = require "spec.contract.document"

local ipairs, pairs, setmetatable, tostring, type = ipairs, pairs, setmetatable, tostring, type
local concat, sort = table.concat, table.sort

local drift = {}

-- What each type is on the wire.
local WIRE = {
  string = "string",
  integer = "number",
  number = "number",
  boolean = "boolean",
  object = "object",
  array = "array",
  datetime = "string",
  date = "string",
  timezone = "string",
}

local LIMITS = {
  minimum = "min",
  maximum = "max",
  minLength = "min_length",
  maxLength = "max_length",
  minItems = "min_items",
  maxItems = "max_items",
}

-- All that is compared or means nothing to a client. What is not in here must not be overlooked in a later document.
local UNDERSTOOD = {
  type = true,
  properties = true,
  required = true,
  items = true,
  enum = true,
  default = true,
  pattern = true,
  deprecated = true,
  readOnly = true,
  nullable = true,
  additionalProperties = true,
  description = true,
  example = true,
  examples = true,
}
local PARAMETER_UNDERSTOOD = {
  name = true,
  ["in"] = true,
  required = true,
  schema = true,
  description = true,
  example = true,
  examples = true,
}
for name in pairs(LIMITS) do
  UNDERSTOOD[name] = true
end

local function add(self, place, kind, ours, theirs)
  self.differences[#self.differences + 1] = { place = place, kind = kind, ours = ours, theirs = theirs }
end

local function text_of(value)
  if value == nil then return nil end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for index, item in ipairs(value) do
    parts[index] = tostring(item)
  end
  return concat(parts, ", ")
end

--- The members of a list in an order of their own: which comes first has no meaning.
local function set_text(list)
  if list == nil then return nil end
  local parts = {}
  for index, item in ipairs(list) do
    parts[index] = tostring(item)
  end
  sort(parts)
  return concat(parts, ", ")
end

local function same(self, place, kind, ours, theirs)
  self.compared = self.compared + 1
  if ours ~= theirs then add(self, place, kind, text_of(ours), text_of(theirs)) end
end

local function flag(value)
  if value then return "yes" end
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list or {}) do
    set[name] = true
  end
  return set
end

local function sorted_keys(map)
  local list = {}
  for name in pairs(map) do
    list[#list + 1] = name
  end
  sort(list)
  return list
end

local compare_type

--- Our fields with the properties of a schema.
local function compare_fields(self, place, fields, properties, required, side)
  local demanded, ours = set_of(required), {}
  for _, field in ipairs(fields) do
    local part = place .. "." .. field.name
    local theirs = properties[field.name]
    ours[field.name] = true
    self.fields[side] = self.fields[side] + 1
    if not theirs then
      add(self, part, "undocumented", flag(field.undocumented) or "no")
    else
      same(self, part, "marked as undocumented", flag(field.undocumented), nil)
      same(self, part, "required", flag(field.required), flag(demanded[field.name]))
      compare_type(self, part, field, theirs, side)
    end
  end
  for _, name in ipairs(sorted_keys(properties)) do
    if not ours[name] then add(self, place .. "." .. name, "missing", nil, "documented") end
  end
end

local function compare_kind(self, place, ours, theirs)
  local wire = WIRE[ours.type]
  if ours.type == "epoch_ms" then wire = ours.wire == "string" and "string" or "number" end
  if wire ~= theirs.type then
    same(self, place, "type", ours.type, theirs.type)
  elseif ours.type ~= "epoch_ms" then
    same(self, place, "narrower type", ours.type, theirs.type)
  end
end

local function compare_contents(self, place, ours, theirs, side)
  if theirs.type == "array" and ours.type == "array" then
    compare_type(self, place .. "[]", ours.items, theirs.items, side)
  elseif theirs.type == "object" and ours.type == "object" then
    same(self, place, "map", flag(ours.values), flag(theirs.additionalProperties))
    if ours.values and theirs.additionalProperties then
      compare_type(self, place .. "{}", ours.values, theirs.additionalProperties, side)
    else
      compare_fields(self, place, ours.fields or {}, theirs.properties or {}, theirs.required, side)
    end
  end
end

function compare_type(self, place, ours, schema, side)
  local theirs = document.resolve(self.doc, schema)
  for _, key in ipairs(sorted_keys(theirs)) do
    if not UNDERSTOOD[key] then add(self, place, "not understood", nil, key) end
  end
  compare_kind(self, place, ours, theirs)
  same(self, place, "enum", set_text(ours.enum), set_text(theirs.enum))
  for name, own in pairs(LIMITS) do
    same(self, place, own, ours[own], theirs[name])
  end
  same(self, place, "default", ours.default, theirs.default)
  same(self, place, "pattern", ours.pattern, theirs.pattern)
  same(self, place, "deprecated", flag(ours.deprecated), flag(theirs.deprecated))
  same(self, place, "read_only", flag(ours.read_only), flag(theirs.readOnly))
  same(self, place, "nullable", flag(ours.nullable), flag(theirs.nullable))
  same(self, place, "at_least_one", text_of(ours.at_least_one), nil)
  same(self, place, "at_most_one", text_of(ours.at_most_one), nil)
  compare_contents(self, place, ours, theirs, side)
end

--- Parameters by where they go: { path = { name -> parameter }, query = ..., header = ... }
local function sort_parameters(self, id, found)
  local sorted = { path = {}, query = {}, header = {} }
  for _, parameter in ipairs(document.parameters(found)) do
    local place = id .. " " .. parameter["in"] .. "." .. parameter.name
    if not sorted[parameter["in"]] then
      add(self, place, "missing", nil, "documented")
    else
      sorted[parameter["in"]][parameter.name] = parameter
      for _, key in ipairs(sorted_keys(parameter)) do
        if not PARAMETER_UNDERSTOOD[key] then add(self, place, "not understood", nil, key) end
      end
    end
  end
  return sorted
end

local function schemas_of(parameters)
  local schemas, required = {}, {}
  for name, parameter in pairs(parameters) do
    schemas[name] = parameter.schema
    if parameter.required then required[#required + 1] = name end
  end
  return schemas, required
end

--- Of the path's arguments nothing is optional, and no declaration says so.
local function compare_path(self, id, params, parameters)
  local fields = {}
  for index, param in ipairs(params) do
    local field = { required = true }
    for key, value in pairs(param) do
      field[key] = value
    end
    fields[index] = field
  end
  local schemas, required = schemas_of(parameters)
  compare_fields(self, id .. " path", fields, schemas, required, "request")
end

--- The fields of a body that are sent in the query, or those that are not.
local function by_place(body, in_query)
  local found = {}
  for _, field in ipairs(body and body.fields or {}) do
    if (field.in_query or false) == in_query then found[#found + 1] = field end
  end
  return found
end

local function compare_query(self, id, endpoint, parameters)
  local schemas, required = schemas_of(parameters)
  local fields = endpoint.query or by_place(endpoint.body, true)
  compare_fields(self, id .. " query", fields, schemas, required, "request")
  same(self, id .. " query", "at_least_one", text_of(endpoint.at_least_one), nil)
  if endpoint.range then
    local range = endpoint.range
    local days = range.max_days and (", at most %d days"):format(range.max_days) or ""
    add(self, id .. " query", "range", range.from .. " before " .. range.to .. days)
  end
end

local function compare_headers(self, id, parameters, api_version)
  for _, name in ipairs(sorted_keys(parameters)) do
    local place = id .. " header." .. name
    if name ~= "Version" then
      add(self, place, "missing", nil, "documented")
    else
      same(self, place, "value", api_version, set_text(parameters[name].schema.enum))
    end
  end
  if not parameters.Version then add(self, id .. " header.Version", "undocumented", "sent") end
end

local function json_schema(self, place, holder)
  local schema, problem = document.json_schema(holder)
  if not schema then add(self, place, "content", "application/json", problem) end
  return schema
end

local function compare_body(self, id, endpoint, body)
  local place = id .. " body"
  if not body then
    same(self, place, "body", flag(endpoint.body or endpoint.empty_body), nil)
    return
  end
  same(self, place, "body", flag(endpoint.body or endpoint.empty_body), flag(body.required))
  local schema = json_schema(self, place, body)
  if not schema then return end
  if endpoint.body then
    local sent = endpoint.body
    if sent.fields then sent = setmetatable({ fields = by_place(sent, false) }, { __index = sent }) end
    compare_type(self, place, sent, schema, "request")
  else
    compare_fields(self, place, {}, document.resolve(self.doc, schema).properties or {}, nil, "request")
  end
end

--- The response's envelope: the declared keys of the result, and what stands beside it.
local function compare_envelope(self, place, result, schema)
  local theirs, found = document.resolve(self.doc, schema), nil
  local rest = {}
  for name, part in pairs(theirs.properties or {}) do
    rest[name] = part
  end
  for _, key in ipairs(result.keys) do
    if not rest[key] then
      add(self, place, "envelope", key)
    else
      compare_type(self, place, result.type, rest[key], "response")
      found, rest[key] = true, nil
    end
  end
  if not found then add(self, place, "envelope", concat(result.keys, ", "), set_text(sorted_keys(rest))) end
  compare_fields(self, place .. ".extra", result.extra or {}, rest, theirs.required, "response")
end

local function compare_answer(self, id, endpoint, operation)
  local statuses = document.success_statuses(operation)
  same(self, id, "status", tostring(endpoint.status), text_of(statuses))
  local response = operation.responses[tostring(statuses[1])]
  local schema = response and json_schema(self, id .. " result", response)
  if not schema then return end
  if endpoint.result.keys then
    compare_envelope(self, id .. " result", endpoint.result, schema)
  else
    compare_type(self, id .. " result", endpoint.result.type, schema, "response")
  end
end

local function scopes_of(operation)
  local scopes = {}
  for _, requirement in ipairs(operation.security or {}) do
    for _, list in pairs(requirement) do
      for _, scope in ipairs(list) do
        scopes[#scopes + 1] = scope
      end
    end
  end
  return set_text(scopes)
end

local function compare_endpoint(self, id, endpoint, found)
  local operation = found.operation
  local parameters = sort_parameters(self, id, found)
  same(self, id, "marked as undocumented", flag(endpoint.undocumented), nil)
  same(self, id, "scope", endpoint.scope, scopes_of(operation))
  same(self, id, "deprecated", flag(endpoint.deprecated), flag(operation.deprecated))
  compare_headers(self, id, parameters.header, endpoint.version or self.api_version)
  compare_path(self, id, endpoint.params, parameters.path)
  compare_query(self, id, endpoint, parameters.query)
  compare_body(self, id, endpoint, operation.requestBody)
  compare_answer(self, id, endpoint, operation)
end

local function server_of(doc)
  local urls = {}
  for index, server in ipairs(doc.servers or {}) do
    urls[index] = server.url
  end
  return set_text(urls)
end

--- Compares.
-- @tparam table doc the vendor's document, as read
-- @tparam table endpoints list of { id = "notes:list", endpoint = data }
-- @tparam table own `base_url` and `api_version` that a client uses by default
-- @treturn table list of differences
-- @treturn table counts: endpoints, compared (values), fields = { request, response }
function drift.compare(doc, endpoints, own)
  local self = {
    doc = doc,
    api_version = own.api_version,
    differences = {},
    compared = 0,
    endpoints = 0,
    fields = { request = 0, response = 0 },
  }
  local documented = {}
  for _, found in ipairs(document.operations(doc)) do
    documented[found.id] = found
  end
  same(self, "document", "server", own.base_url, server_of(doc))
  for _, entry in ipairs(endpoints) do
    local endpoint = entry.endpoint
    local route = endpoint.method .. " " .. endpoint.path
    local found = documented[route]
    documented[route] = nil
    self.endpoints = self.endpoints + 1
    if found then
      compare_endpoint(self, entry.id, endpoint, found)
    else
      add(self, entry.id, "undocumented", flag(endpoint.undocumented) or "no")
    end
  end
  for _, id in ipairs(sorted_keys(documented)) do
    add(self, id, "missing", nil, "documented")
  end
  return self.differences, self
end

--- A difference as a line.
function drift.line(difference)
  return ("%s: %s: ours %s, documented %s"):format(
    difference.place,
    difference.kind,
    difference.ours or "nothing",
    difference.theirs or "nothing"
  )
end

--- Does an intended difference explain this one?
-- @tparam table entry { kind, place = Lua pattern, ours = text, theirs = text, why }; what is left out fits anything
function drift.explains(entry, difference)
  return entry.kind == difference.kind
    and (entry.place == nil or difference.place:find(entry.place) ~= nil)
    and (entry.ours == nil or entry.ours == difference.ours)
    and (entry.theirs == nil or entry.theirs == difference.theirs)
end

--- Holds differences against the list of intended ones.
-- @treturn table lines: the differences that none of them explains, or more than one
-- @treturn table how many differences each of them explains
function drift.explain(differences, intended)
  local open, hits = {}, {}
  for index = 1, #intended do
    hits[index] = 0
  end
  for _, difference in ipairs(differences) do
    local explained = 0
    for index, entry in ipairs(intended) do
      if drift.explains(entry, difference) then
        explained = explained + 1
        hits[index] = hits[index] + 1
      end
    end
    if explained ~= 1 then
      open[#open + 1] = drift.line(difference) .. (explained > 1 and " (explained more than once)" or "")
    end
  end
  return open, hits
end

return drift
