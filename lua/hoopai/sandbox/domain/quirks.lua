--- Where the live API differs from its documents: fields that it accepts although undocumented, and fields that it
-- rejects although the vendor's guides send them.
-- @module hoopai.sandbox.domain.quirks

local ipairs, pairs = ipairs, pairs

local quirks = {}

-- Accepted and ignored: `notes` of an appointment are not stored.
local ACCEPTED = {
  ["appointments.create"] = { { name = "notes", type = "string" } },
  ["appointments.update"] = { { name = "notes", type = "string" } },
}

-- The quick start of HoopAI sends locationId; the live API returns "property locationId should not exist".
local REJECTED = {
  ["calendars.free_slots"] = { locationId = true },
}

local function without(fields, names)
  local kept = {}
  for _, field in ipairs(fields) do
    if not names[field.name] then kept[#kept + 1] = field end
  end
  return kept
end

local function copy_of(declared)
  local copy = {}
  for name, value in pairs(declared) do
    copy[name] = value
  end
  return copy
end

-- The fields of a body that are sent in the query, or those that are not.
local function by_place(body, in_query)
  local found = {}
  for _, field in ipairs(body and body.fields or {}) do
    if (field.in_query or false) == in_query then found[#found + 1] = field end
  end
  return found
end

-- A field without the values that only a later version of the API knows.
local function of_version(field, version)
  if not field.enum_since then return field end
  local copy, values = copy_of(field), {}
  for _, value in ipairs(field.enum) do
    local since = field.enum_since[value]
    if not since or since == version then values[#values + 1] = value end
  end
  copy.enum = values
  return copy
end

--- The fields that the live API accepts in an endpoint's query.
-- @tparam table endpoint
-- @treturn table
function quirks.query(endpoint)
  return without(endpoint.query or by_place(endpoint.body, true), REJECTED[endpoint.label] or {})
end

--- The body that the live API accepts.
-- @tparam table endpoint
-- @tparam string version of the API
-- @treturn ?table nil for an endpoint without a body
function quirks.body(endpoint, version)
  local body = endpoint.body
  if endpoint.empty_body then return { type = "object", fields = {} } end
  if not body or not body.fields then return body end
  local copy, fields = copy_of(body), by_place(body, false)
  for index, field in ipairs(fields) do
    fields[index] = of_version(field, version)
  end
  for _, field in ipairs(ACCEPTED[endpoint.label] or {}) do
    fields[#fields + 1] = field
  end
  copy.fields = fields
  return copy
end

--- Removes the fields of a response that only a later version of the API has.
-- @tparam table endpoint
-- @tparam string version of the API
-- @param value the result of a handler; changed in place
function quirks.drop_newer(endpoint, version, value)
  local kind = endpoint.result.type
  local fields = (kind.items or kind).fields
  for _, field in ipairs(fields or {}) do
    if field.since and field.since ~= version then
      for _, record in ipairs(kind.items and value or { value }) do
        record[field.name] = nil
      end
    end
  end
end

--- Removes the fields of a body that are accepted and ignored.
-- @tparam table endpoint
-- @tparam table body changed in place
function quirks.drop(endpoint, body)
  for _, field in ipairs(ACCEPTED[endpoint.label] or {}) do
    body[field.name] = nil
  end
end

return quirks
