-- Every status that a response can have x every method x JSON, a page, or no body: each a real request.

local faults = require "spec.support.faults"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"

local KINDS = {
  [400] = "refused",
  [401] = "auth",
  [403] = "forbidden",
  [404] = "not_found",
  [409] = "conflict",
  [410] = "not_found",
  [422] = "refused",
  [429] = "rate_limit",
}

local CALLS = {
  GET = function(client, options) return client.appointments:get("i", options) end,
  POST = function(client, options)
    local booking = { calendarId = "k", contactId = "c", startTime = "2026-01-05T10:00:00Z" }
    return client.appointments:create(booking, options)
  end,
  PUT = function(client, options) return client.appointments:update("i", { title = "t" }, options) end,
  DELETE = function(client, options) return client.appointments:delete("i", options) end,
}

-- A 204 has no body by definition (RFC 9110 15.3.5). It confirms a change, and is an empty result of a read. A create
-- without the id of the new record is no success.
local EMPTY_SUCCESS = { GET = true, PUT = true, DELETE = true }

--- The kinds that are right for a response, by name; empty for a success.
local function right_kinds(status, method, body)
  if status == 204 then return EMPTY_SUCCESS[method] and {} or { decode = true } end
  if status >= 200 and status <= 299 then return body == "json" and {} or { decode = true } end
  if status >= 100 and status <= 199 or status == 0 then return { network = true, protocol = true } end
  if KINDS[status] then return { [KINDS[status]] = true } end
  if status >= 400 and status <= 499 then return { rejected = true } end
  if status >= 500 and status <= 599 then return { server = true } end
  return { protocol = true }
end

local function right_applied(status, method, body)
  if method == "GET" then return "no" end
  -- What is no JSON does not prove that the API has made the change.
  if status >= 200 and status <= 299 then return (body == "json" or status == 204) and "yes" or "maybe" end
  return status >= 400 and status <= 499 and status ~= 408 and "no" or "maybe"
end

local function problem_of(row, result, response)
  local kinds = right_kinds(row.status, row.method, row.body)
  if result ~= nil then
    return next(kinds) and "a success" or response.status ~= row.status and "the status " .. response.status or nil
  end
  local err = response
  if not kinds[err.kind] then return "the kind " .. tostring(err.kind) end
  local applied = right_applied(row.status, row.method, row.body)
  if err.applied ~= applied then return ("applied = %s instead of %s"):format(err.applied, applied) end
  if err.attempts ~= 1 then return err.attempts .. " attempts" end
  if row.status >= 200 and err.status ~= row.status then return "the status " .. tostring(err.status) end
end

describe("statuses:", function()
  local server

  setup(function() server = faults.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after() end)

  local statuses = { 0, 600, 999 }
  for status = 100, 599 do
    statuses[#statuses + 1] = status
  end

  for method, call in pairs(CALLS) do
    it(method .. " with every status and body", function()
      local lanes = server:open { { asked = true } }
      -- Without retries and limits: one request of each.
      local client = leak.client {
        base_url = lanes[1].url,
        token = "t",
        location_id = "l",
        retries = false,
        rate_limit = false,
      }
      local rows, problems = {}, {}
      for _, status in ipairs(statuses) do
        for _, body in ipairs { "json", "html", "empty" } do
          rows[#rows + 1] = { status = status, method = method, body = body }
        end
      end
      hoopai.map(rows, function(row)
        local options = { headers = { ["X-Answer"] = ("%d %s"):format(row.status, row.body) } }
        local problem = problem_of(row, call(client, options))
        if problem then problems[#problems + 1] = ("%d %s: %s"):format(row.status, row.body, problem) end
      end, { concurrency = 32 })
      local arrived = server:ledger(lanes)[1].arrived
      server:close(lanes)
      assert.are.same({}, problems)
      assert.are.equal(1509, #rows)
      assert.are.equal(1509, arrived.safe + arrived.idempotent + arrived.once) -- every row a request of its own
    end)
  end

  it("a response without a body is no list, not even an empty one", function()
    local lanes = server:open { { asked = true } }
    local client = leak.client { base_url = lanes[1].url, token = "t", location_id = "l" }
    local events, err = client.events:list(
      { calendarId = "k", startTime = 1767571200000, endTime = 1767657600000 },
      { headers = { ["X-Answer"] = "204 empty" }, retries = false }
    )
    server:close(lanes)
    assert.is_nil(events)
    assert.are.equal("decode", err.kind)
    assert.are.equal("no", err.applied)
  end)
end)
