-- The result of a change that is not sent. Which calls are sent is in spec/behaviour/dry_run_spec.lua.

local async = require "hoopai.async"
local child = require "spec.support.child"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"

local TOKEN = "pit-7e57-dry-run-spec-token"
-- Port 9 is closed: a connection attempt would fail.
local URL = "http://127.0.0.1:9"

describe("hoopai.call.dry_run:", function()
  before_each(leak.before)
  after_each(leak.after)

  local function new(options)
    local all = { token = TOKEN, base_url = URL, location_id = "loc", dry_run = true }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return leak.client(all)
  end

  it("the result is the request, decoded from what would be sent", function()
    local start = hoopai.time.at { year = 2026, month = 12, day = 1, hour = 9, zone = "Europe/Paris" }
    local result, response = new().appointments:create { calendarId = "c", contactId = "p", startTime = start }
    assert.are.same({
      dry_run = true,
      method = "POST",
      path = "/calendars/events/appointments",
      body = { calendarId = "c", contactId = "p", locationId = "loc", startTime = "2026-12-01T09:00:00+01:00" },
    }, result)
    assert.are.same({
      dry_run = true,
      attempts = 0,
      elapsed = 0,
      headers = {},
      extra = {},
      url = URL .. "/calendars/events/appointments",
    }, response)
    assert.is_nil(response.status)
  end)

  it("null stays null, numbers stay integers, and a call without a body has none", function()
    local client = new()
    local result = client.calendars:update("c", { description = hoopai.null, slotDuration = 30, teamMembers = {} })
    assert.are.same({ description = hoopai.null, slotDuration = 30, teamMembers = {} }, result.body)
    assert.are.equal("integer", math.type(result.body.slotDuration))
    result = client.schedules:add_calendar("s1", "c1")
    assert.is_nil(result.body)
    assert.are.equal("/calendars/schedules/s1/associations/c1", result.path)
  end)

  it("ids are encoded in the path, and a query is part of it", function()
    local client = new()
    assert.are.equal("/calendars/events/a%20b", client.events:delete("a b").path)
    local result, response =
      client:request { method = "POST", path = "/x", query = { b = "x y", a = 1 }, body = { list = hoopai.array {} } }
    assert.are.same({ dry_run = true, method = "POST", path = "/x?a=1&b=x%20y", body = { list = {} } }, result)
    assert.are.equal(URL .. "/x", response.url)
  end)

  it("shows no token, wherever the caller wrote it", function()
    local events = {}
    local function note(event) events[#events + 1] = event end
    local client = new { on = { dry_run = note, done = note } }
    local result, response = client:request {
      method = "PUT",
      path = "/x/" .. TOKEN,
      query = { key = TOKEN },
      body = { note = "token " .. TOKEN, list = { TOKEN }, [TOKEN] = 1 },
    }
    assert.are.same({ note = "token ***", list = { "***" }, ["***"] = 1 }, result.body)
    assert.are.equal(2, #events)
    for _, value in ipairs { result, response, events } do
      expect.no_secret(value, TOKEN)
    end
  end)

  it("the hooks `dry_run` and `done` are called, in this order and no other one", function()
    local events, on = {}, {}
    for _, name in ipairs { "request", "response", "retry", "wait", "refresh", "done", "dry_run" } do
      on[name] = function(event) events[#events + 1] = { name, event } end
    end
    local result = new({ on = on }).notes:create("a1", { body = "x", userId = "u" })
    assert.are.equal(2, #events)
    assert.are.equal("dry_run", events[1][1])
    local path = "/calendars/appointments/a1/notes"
    assert.are.same(
      { endpoint = "notes:create", method = "POST", path = path, body = { body = "x", userId = "u" } },
      events[1][2]
    )
    assert.are.equal("done", events[2][1])
    local done = events[2][2]
    assert.is_true(done.elapsed >= 0 and done.elapsed < 10)
    done.elapsed = nil
    assert.are.same({ endpoint = "notes:create", method = "POST", path = path, attempts = 0, dry_run = true }, done)
    -- What a hook does to its event reaches no other one.
    events[1][2].body.body = "changed"
    assert.are.equal("x", result.body.body)
  end)

  it("a hook that raises or yields changes nothing", function()
    local text, ok = child.run [[
      warn "@on"
      local hoopai = require "hoopai"
      local client = hoopai.new {
        token = "t", base_url = "http://127.0.0.1:9", dry_run = true,
        on = { dry_run = function() error("broken", 0) end, done = coroutine.yield },
      }
      local result = client.calendars:delete("c")
      print(result.dry_run, result.path)
    ]]
    assert.is_true(ok, text)
    assert.matches("error in on.dry_run: broken", text, 1, true)
    assert.matches("error in on.done: a hook may not yield", text, 1, true)
    assert.matches("true%s+/calendars/c", text)
  end)

  it("records no change in the task that made the call", function()
    local client = new()
    local result, err
    hoopai.run(function()
      result, err = hoopai.timeout(0.02, function()
        assert(client.calendars:delete("c").dry_run)
        hoopai.sleep(600)
      end)
      assert.is_nil(async.last_cut_off())
    end)
    expect.failure("timeout", result, err, { applied = "no", retryable = true })
    assert.is_nil(err.unclear)
  end)

  it("is found by hoopai.preload: it works when `require` is gone", function()
    local text, ok = child.run [[
      local hoopai = require "hoopai"
      hoopai.preload()
      require, package, io, os = nil, nil, nil, nil
      local client = hoopai.new { token = "t", base_url = "http://127.0.0.1:9", dry_run = true }
      print(client.calendars:update("c", { name = "x" }).body.name)
    ]]
    assert.is_true(ok, text)
    assert.matches("^x\n", text)
  end)
end)
