--- Rules for a scripted server (spec/support/server.lua) at which `appointments:book` is tried.

local json = require "spec.support.json"

local script = {}

script.CREATE = "/calendars/events/appointments"
script.LIST = "/calendars/events"
script.FREE = "/calendars/cal/free-slots"
script.SLOT = "2026-12-01T10:00:00-05:00"
script.SAME_INSTANT = "2026-12-01T16:00:00+01:00"
script.TAKEN = '{"message":"The slot you have selected is no longer available."}'

--- An event as JSON: the booking of "my-reference", with other fields; false leaves a field out.
function script.event(fields)
  local all = {
    id = "e1",
    calendarId = "cal",
    contactId = "con",
    startTime = script.SLOT,
    appointmentStatus = "confirmed",
    description = "[ref my-reference]",
  }
  for name, value in pairs(fields or {}) do
    all[name] = value or nil
  end
  local parts = {}
  for name, value in pairs(all) do
    parts[#parts + 1] = json.quote(name) .. ":" .. (value == true and "true" or json.quote(value))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- A list of events.
function script.list_of(...)
  local events = table.concat({ ... }, ",")
  return { path = script.LIST, body = '{"events":[' .. events .. "]}" }
end

--- The appointment of this id, with other fields.
function script.one(id, fields)
  local all = { id = id }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return { path = script.CREATE .. "/" .. id, body = '{"appointment":' .. script.event(all) .. "}" }
end

--- A create whose response is lost.
function script.lost(how) return { method = "POST", path = script.CREATE, [how or "reset"] = "before" } end

--- A create that is refused.
function script.refused(status, message)
  return { method = "POST", path = script.CREATE, status = status, body = message or '{"message":"no"}' }
end

--- A create that succeeds, with other fields in its response.
function script.made(fields)
  local body = fields and script.event(fields) or '{"id":"a1"}'
  return { method = "POST", path = script.CREATE, body = body }
end

--- The same rule, for so many requests.
function script.times(count, rule)
  rule.times = count
  return rule
end

--- How many creates are in the ledger of a server.
function script.creates(server)
  local count = 0
  for _, entry in ipairs(server:ledger()) do
    if entry.method == "POST" then count = count + 1 end
  end
  return count
end

--- The fields of a booking of the slot, with others; false leaves a field out.
function script.given(more)
  local given = { calendarId = "cal", contactId = "con", startTime = script.SLOT, reference = "my-reference" }
  for name, value in pairs(more or {}) do
    given[name] = value
    if value == false and name ~= "reference" then given[name] = nil end
  end
  return given
end

return script
