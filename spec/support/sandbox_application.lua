--- Requests to the application of the sandbox without sockets, for specs.

local application = require "hoopai.sandbox.server.application"
local assert = require "luassert"
local core = require "hoopai.core"

local sandbox_application = {}

-- A Monday, eight in the morning in New York; the seed's days are Tuesday, Wednesday and Thursday.
local NOW = 1777896000000

sandbox_application.NOW, sandbox_application.HOUR, sandbox_application.DAY = NOW, 3600000, 86400000

sandbox_application.SLOT_TAKEN = "The slot you have selected is no longer available."

--- Label of an endpoint -> { good, bad }: whether a request succeeded, and whether a request was rejected.
local seen = {}
sandbox_application.seen = seen

-- Undeclared fields of responses: the ids that the other routes need.
local EXTRA = {
  ["resources.list"] = { id = true },
  ["resources.create"] = { id = true },
}

-- Fails if a value has undeclared fields.
local function declared_only(label, declared, value)
  if declared.type == "array" then
    for _, item in ipairs(value) do
      declared_only(label, declared.items, item)
    end
  elseif declared.values then
    for _, item in pairs(value) do
      declared_only(label, declared.values, item)
    end
  elseif declared.fields then
    local known = {}
    for _, field in ipairs(declared.fields) do
      known[field.name] = field
    end
    for name, item in pairs(value) do
      local field = known[name]
      assert(field or EXTRA[label] and EXTRA[label][name], ("%s returns an undeclared %s"):format(label, name))
      if field and type(item) == "table" then declared_only(label, field, item) end
    end
  end
end

local function check_response(endpoint, body)
  local result, value = endpoint.result, body
  for _, key in ipairs(result.keys or {}) do
    if body[key] ~= nil then value = body[key] end
  end
  if result.keys then assert(value ~= body, endpoint.label .. " lacks its envelope") end
  if value == body and result.type.type ~= "array" then
    value = {}
    for name, item in pairs(body) do
      value[name] = item
    end
    value.traceId = nil
  end
  if result.type.type ~= "array" or result.keys then assert(body.traceId, endpoint.label .. " has no traceId") end
  declared_only(endpoint.label, result.type, value)
end

--- A sandbox, and functions that send requests to it.
-- @tparam ?table options of `hoopai.sandbox.server.application`
-- @treturn table
function sandbox_application.new(options)
  options = options or {}
  options.now = options.now or NOW
  if options.rate_limit == nil then options.rate_limit = false end
  local self = application.new(options)
  local box = { app = self, seed = self.seed }

  --- Sends a request. Returns status, decoded body and the response.
  -- @param body a table, or a string that is sent unchanged
  -- @param headers more headers; false removes one
  function box.send(method, target, body, headers)
    local path, query = target:match("^([^?]*)%??(.*)$")
    local all = {
      authorization = "Bearer " .. self.token,
      version = "2021-07-28",
      ["content-type"] = body and "application/json" or nil,
    }
    for name, value in pairs(headers or {}) do
      all[name] = value or nil
    end
    local response = self:handle {
      method = method,
      path = path,
      query_string = query,
      headers = all,
      body = type(body) == "table" and assert(core.encode(body, {
        fields = {
          hours = { array = true },
          openHours = { array = true },
          teamMembers = { array = true },
          calendarIds = { array = true },
        },
      })) or body,
    }
    assert(not self.fault, self.fault)
    local endpoint = self.router:find(method, path)
    if endpoint then
      seen[endpoint.label] = seen[endpoint.label] or {}
      seen[endpoint.label][response.status < 300 and "good" or "bad"] = true
      if response.status < 300 then check_response(endpoint, assert(core.decode(response.body))) end
    end
    return response.status, assert(core.decode(response.body)), response
  end

  --- Sends a request, asserts the status and returns the body.
  function box.ask(status, method, target, body, headers)
    local got, decoded, raw = box.send(method, target, body, headers)
    assert.are.equal(status, got, method .. " " .. target .. " " .. raw.body)
    return decoded, raw
  end

  --- Sends a request, and asserts the status and all fields of the error.
  function box.refused(status, message, method, target, body, headers)
    local reasons = {
      [400] = "Bad Request",
      [401] = "Unauthorized",
      [403] = "Forbidden",
      [404] = "Not Found",
      [422] = "Unprocessable Entity",
      [429] = "Too Many Requests",
    }
    local decoded = box.ask(status, method, target, body, headers)
    assert.are.equal(status, decoded.statusCode)
    assert.are.equal(reasons[status], decoded.error)
    assert.are.same(message, decoded.message)
    assert.matches("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", decoded.traceId)
  end

  function box.booking(fields)
    local body = {
      calendarId = box.seed.calendars.checkup,
      locationId = box.seed.location_id,
      contactId = box.seed.contacts.adele,
      startTime = "2026-05-05T09:30:00-04:00",
    }
    for name, value in pairs(fields or {}) do
      body[name] = value or nil
    end
    return body
  end

  function box.book(fields) return box.ask(200, "POST", "/calendars/events/appointments", box.booking(fields)) end

  function box.refuse_booking(fields, message)
    message = message or sandbox_application.SLOT_TAKEN
    box.refused(400, message, "POST", "/calendars/events/appointments", box.booking(fields))
  end

  function box.free(calendar, query)
    local target = ("/calendars/%s/free-slots?startDate=%d&endDate=%d%s"):format(
      box.seed.calendars[calendar] or calendar,
      NOW,
      NOW + 7 * sandbox_application.DAY,
      query or ""
    )
    local days = box.ask(200, "GET", target)
    assert.is_string(days.traceId)
    days.traceId = nil
    return days
  end

  function box.is_free(calendar, slot, query)
    local day = box.free(calendar, query)[slot:sub(1, 10)]
    for _, other in ipairs(day and day.slots or {}) do
      if other == slot then return true end
    end
    return false
  end

  function box.token(name) return { authorization = "Bearer " .. self.token_names[name] } end

  return box
end

--- The names of items.
function sandbox_application.names(list)
  local found = {}
  for i, item in ipairs(list) do
    found[i] = item.name
  end
  return found
end

--- The ids of items.
function sandbox_application.ids(list)
  local found = {}
  for i, item in ipairs(list) do
    found[i] = item.id
  end
  return found
end

return sandbox_application
