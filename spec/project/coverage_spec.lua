-- The 42 endpoints of the overview, the 18 that version v3 adds, and 6 companions, copied by hand. Each has a method, a
-- case in endpoints_spec, and the sandbox.

local endpoint_cases = require "spec.support.endpoint_cases"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"

-- Method and path as the overview prints them, and the method of the client that stands for them.
local OVERVIEW = {
  { "GET", "/calendars/", "calendars:list" },
  { "POST", "/calendars/", "calendars:create" },
  { "GET", "/calendars/{calendarId}", "calendars:get" },
  { "PUT", "/calendars/{calendarId}", "calendars:update" },
  { "DELETE", "/calendars/{calendarId}", "calendars:delete" },
  { "GET", "/calendars/{calendarId}/free-slots", "calendars:free_slots" },
  { "GET", "/calendars/groups", "groups:list" },
  { "POST", "/calendars/groups", "groups:create" },
  { "POST", "/calendars/groups/validate-slug", "groups:validate_slug" },
  { "GET", "/calendars/groups/{groupId}", "groups:get" },
  { "PUT", "/calendars/groups/{groupId}", "groups:update" },
  { "DELETE", "/calendars/groups/{groupId}", "groups:delete" },
  { "PUT", "/calendars/groups/{groupId}/status", "groups:set_status" },
  { "GET", "/calendars/events", "events:list" },
  { "GET", "/calendars/blocked-slots", "block_slots:list" },
  { "POST", "/calendars/events/appointments", "appointments:create" },
  { "GET", "/calendars/events/appointments/{eventId}", "appointments:get" },
  { "PUT", "/calendars/events/appointments/{eventId}", "appointments:update" },
  { "POST", "/calendars/events/block-slots", "block_slots:create" },
  { "PUT", "/calendars/events/block-slots/{eventId}", "block_slots:update" },
  { "DELETE", "/calendars/events/{eventId}", "events:delete" },
  { "GET", "/calendars/appointments/{appointmentId}/notes", "notes:list" },
  { "POST", "/calendars/appointments/{appointmentId}/notes", "notes:create" },
  { "PUT", "/calendars/appointments/{appointmentId}/notes/{noteId}", "notes:update" },
  { "DELETE", "/calendars/appointments/{appointmentId}/notes/{noteId}", "notes:delete" },
  { "GET", "/calendars/resources/{resourceType}", "resources:list" },
  { "POST", "/calendars/resources/{resourceType}", "resources:create" },
  { "GET", "/calendars/resources/{resourceType}/{id}", "resources:get" },
  { "PUT", "/calendars/resources/{resourceType}/{id}", "resources:update" },
  { "DELETE", "/calendars/resources/{resourceType}/{id}", "resources:delete" },
  { "GET", "/calendars/{calendarId}/notifications", "notifications:list" },
  { "POST", "/calendars/{calendarId}/notifications", "notifications:create" },
  { "GET", "/calendars/{calendarId}/notifications/{notificationId}", "notifications:get" },
  { "PUT", "/calendars/{calendarId}/notifications/{notificationId}", "notifications:update" },
  { "DELETE", "/calendars/{calendarId}/notifications/{notificationId}", "notifications:delete" },
  { "GET", "/calendars/schedules/search", "schedules:list" },
  { "POST", "/calendars/schedules", "schedules:create" },
  { "GET", "/calendars/schedules/{id}", "schedules:get" },
  { "PUT", "/calendars/schedules/{id}", "schedules:update" },
  { "DELETE", "/calendars/schedules/{id}", "schedules:delete" },
  { "PUT", "/calendars/schedules/{id}/associations/{calendarId}", "schedules:add_calendar" },
  { "DELETE", "/calendars/schedules/{id}/associations/{calendarId}", "schedules:remove_calendar" },
  -- The newer ones, of version v3.
  { "GET", "/calendars/schedules/event-calendar/{calendarId}", "event_schedules:get" },
  { "POST", "/calendars/schedules/event-calendar/{calendarId}", "event_schedules:create" },
  { "PUT", "/calendars/schedules/event-calendar/{calendarId}", "event_schedules:update" },
  { "GET", "/calendars/services/catalog", "services:list" },
  { "POST", "/calendars/services/catalog", "services:create" },
  { "GET", "/calendars/services/catalog/{serviceId}", "services:get" },
  { "PUT", "/calendars/services/catalog/{serviceId}", "services:update" },
  { "DELETE", "/calendars/services/catalog/{serviceId}", "services:delete" },
  { "GET", "/calendars/services/bookings", "service_bookings:list" },
  { "POST", "/calendars/services/bookings", "service_bookings:create" },
  { "GET", "/calendars/services/bookings/{bookingId}", "service_bookings:get" },
  { "PUT", "/calendars/services/bookings/{bookingId}", "service_bookings:update" },
  { "DELETE", "/calendars/services/bookings/{bookingId}", "service_bookings:delete" },
  { "GET", "/calendars/services/locations", "service_locations:list" },
  { "POST", "/calendars/services/locations", "service_locations:create" },
  { "GET", "/calendars/services/locations/{serviceLocationId}", "service_locations:get" },
  { "PUT", "/calendars/services/locations/{serviceLocationId}", "service_locations:update" },
  { "DELETE", "/calendars/services/locations/{serviceLocationId}", "service_locations:delete" },
  -- The companions, of other documents.
  { "GET", "/contacts/{contactId}", "contacts:get" },
  { "POST", "/contacts/upsert", "contacts:upsert" },
  { "GET", "/contacts/{contactId}/appointments", "contacts:appointments" },
  { "GET", "/users/{userId}", "users:get" },
  { "GET", "/users/search", "users:search" },
  { "GET", "/locations/{locationId}", "locations:get" },
}

-- Second names of the same endpoints.
local ALIASES = {
  ["appointments:cancel"] = "PUT /calendars/events/appointments/{eventId}",
  ["appointments:delete"] = "DELETE /calendars/events/{eventId}",
  ["service_bookings:cancel"] = "PUT /calendars/services/bookings/{bookingId}",
  ["block_slots:delete"] = "DELETE /calendars/events/{eventId}",
}

local function endpoint_of(row) return row[1] .. " " .. row[2] end

--- Does a literal path stand for this template?
local function is_path_of(path, template)
  local pattern = template:gsub("[%-.]", "%%%0"):gsub("{%w+}", "[^/]+")
  return path:find("^" .. pattern .. "$") ~= nil
end

describe("coverage:", function()
  before_each(leak.before)
  after_each(leak.after)

  it("the list has the overview's 42 endpoints, the 18 newer ones and 6 companions, each once", function()
    local seen, names = {}, {}
    for _, row in ipairs(OVERVIEW) do
      assert.is_nil(seen[endpoint_of(row)])
      assert.is_nil(names[row[3]])
      seen[endpoint_of(row)], names[row[3]] = true, true
    end
    assert.are.equal(66, #OVERVIEW)
  end)

  it("each endpoint and each alias has a method", function()
    local client = leak.client { token = "t" }
    local function check(name)
      local resource, method = name:match("^(.-):(.-)$")
      assert.are.equal("function", type(client[resource][method]), name)
    end
    for _, row in ipairs(OVERVIEW) do
      check(row[3])
    end
    for name in pairs(ALIASES) do
      check(name)
    end
  end)

  it("there is no method beside them", function()
    local known = {}
    for _, row in ipairs(OVERVIEW) do
      known[row[3]] = true
    end
    for name in pairs(ALIASES) do
      known[name] = true
    end
    local count = 0
    for _, resource in ipairs(require "hoopai.api") do
      for _, entry in ipairs(require("hoopai.api." .. resource)) do
        assert.is_true(known[resource .. ":" .. entry.name], resource .. ":" .. entry.name)
        count = count + 1
      end
    end
    assert.are.equal(70, count)
  end)

  it("each endpoint and each alias has a case in endpoints_spec", function()
    local tested = {}
    for _, case in ipairs(endpoint_cases.list) do
      local method, template = case.endpoint:match("^(%u+) (.*)$")
      assert.are.equal(method, case.method, case.name)
      assert.is_true(is_path_of(case.path, template), case.name .. " " .. case.path)
      assert.is_truthy(case.call and case.answer and case.result, case.name)
      tested[case.name .. " " .. case.endpoint] = true
    end
    for _, row in ipairs(OVERVIEW) do
      assert.is_true(tested[row[3] .. " " .. endpoint_of(row)], endpoint_of(row))
    end
    for name, endpoint in pairs(ALIASES) do
      assert.is_true(tested[name .. " " .. endpoint], name)
    end
  end)

  it("each endpoint is served by the sandbox", function()
    local sandbox = require("hoopai.sandbox.server.application").new { now = 1762000000000, rate_limit = false }
    local cases = {}
    for _, case in ipairs(endpoint_cases.list) do
      if not case.title or not cases[case.endpoint] then cases[case.endpoint] = case end
    end
    for _, row in ipairs(OVERVIEW) do
      local endpoint = endpoint_of(row)
      local case = cases[endpoint]
      local resource, name = row[3]:match("^(.-):(.-)$")
      local answer = sandbox:handle {
        method = case.method,
        path = case.path,
        query_string = table.concat(case.query or {}, "&"),
        headers = {
          authorization = "Bearer " .. sandbox.token,
          version = case.version or "2021-07-28",
          ["content-type"] = "application/json",
        },
        body = case.body,
      }
      assert.are.equal(resource .. "." .. name, sandbox.ledger[#sandbox.ledger].endpoint, endpoint)
      assert.are.equal("function", type(require("hoopai.sandbox.handlers." .. resource)[name]), endpoint)
      assert.is_nil(sandbox.fault, endpoint)
      assert.is_true(answer.status >= 200 and answer.status < 500, endpoint)
      assert.is_nil(answer.body:find("Cannot " .. case.method, 1, true), endpoint)
    end
    assert.are.equal(66, #sandbox.ledger)
  end)

  it("the sandbox serves nothing beside them", function()
    local sandbox = require("hoopai.sandbox.server.application").new { now = 1762000000000, rate_limit = false }
    for _, request in ipairs {
      { "GET", "/calendars" },
      { "GET", "/calendars/schedules" },
      { "PATCH", "/calendars/c" },
      { "GET", "/" },
      { "DELETE", "/calendars/" },
      { "GET", "/calendars/events/block-slots/e" },
      { "POST", "/calendars/c" },
    } do
      local answer = sandbox:handle {
        method = request[1],
        path = request[2],
        headers = { authorization = "Bearer " .. sandbox.token, version = "2021-07-28" },
      }
      assert.is_true(answer.status == 404, request[1] .. " " .. request[2])
    end
  end)

  it("the version is one", function() assert.matches("^%d+%.%d+%.%d+$", hoopai.VERSION) end)
end)
