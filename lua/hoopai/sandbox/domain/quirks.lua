--- Where the live API differs from its own documents: what it takes without saying so, and what it refuses although
-- guides send it.
-- @module hoopai.sandbox.domain.quirks

local ipairs, pairs = ipairs, pairs

local quirks = {}

-- Taken and dropped: `notes` of an appointment leaves no trace.
local TAKEN = {
  ["appointments.create"] = { { name = "notes", type = "string" } },
  ["appointments.update"] = { { name = "notes", type = "string" } },
}

-- Refused: the quick start of HoopAI sends locationId, the live API answers "property locationId should not exist".
local REFUSED = {
  ["calendars.free_slots"] = { locationId = true },
}

local function without(fields, names)
  local kept = {}
  for _, field in ipairs(fields) do
    if not names[field.name] then kept[#kept + 1] = field end
  end
  return kept
end

--- The declared fields of an endpoint's query, as the live API sees them.
-- @tparam table endpoint
-- @treturn table
function quirks.query(endpoint)
  return without(endpoint.query or {}, REFUSED[endpoint.label] or {})
end

--- The declared body of an endpoint, as the live API sees it.
-- @tparam table endpoint
-- @treturn ?table nil when it takes none
function quirks.body(endpoint)
  local body, more = endpoint.body, TAKEN[endpoint.label]
  if endpoint.empty_body then return { type = "object", fields = {} } end
  if not more then return body end
  local copy, fields = {}, without(body.fields, {})
  for name, value in pairs(body) do copy[name] = value end
  for _, field in ipairs(more) do fields[#fields + 1] = field end
  copy.fields = fields
  return copy
end

--- Forgets the members of a body that were only taken for politeness.
-- @tparam table endpoint
-- @tparam table body changed in place
function quirks.drop(endpoint, body)
  for _, field in ipairs(TAKEN[endpoint.label] or {}) do body[field.name] = nil end
end

return quirks
