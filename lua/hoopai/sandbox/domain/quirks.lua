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

--- The fields that the live API accepts in an endpoint's query.
-- @tparam table endpoint
-- @treturn table
function quirks.query(endpoint) return without(endpoint.query or {}, REJECTED[endpoint.label] or {}) end

--- The body that the live API accepts.
-- @tparam table endpoint
-- @treturn ?table nil for an endpoint without a body
function quirks.body(endpoint)
  local body, more = endpoint.body, ACCEPTED[endpoint.label]
  if endpoint.empty_body then return { type = "object", fields = {} } end
  if not more then return body end
  local copy, fields = {}, without(body.fields, {})
  for name, value in pairs(body) do
    copy[name] = value
  end
  for _, field in ipairs(more) do
    fields[#fields + 1] = field
  end
  copy.fields = fields
  return copy
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
