-- The option `dry_run`: reads are sent, changes are checked and not sent, whatever makes the call.

local cases = require "spec.support.endpoint_cases"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local oauth = require "spec.support.oauth"
local script = require "spec.support.booking_script"
local servers = require "spec.support.server"

local TOKEN = "pit-behaviour-dry-run-token"

--- The only request that is no GET and changes nothing.
local function is_change(case) return case.method ~= "GET" and case.name ~= "groups:validate_slug" end

--- What spec.support.json read, as plain values.
local function plain(value)
  if value == json.null then return hoopai.null end
  if type(value) ~= "table" then return value end
  if value.number then return math.tointeger(tonumber(value.number)) or tonumber(value.number) end
  local copy = {}
  for key, item in pairs(value) do
    if key ~= "[]" then copy[key] = plain(item) end
  end
  return copy
end

--- Both ways in which a script makes a call.
local WAYS = {
  ["in a script"] = function(fn) return fn() end,
  ["in a task"] = function(fn) return hoopai.run(fn) end,
}

describe("dry_run:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options)
    local all = { token = TOKEN, base_url = server.url, location_id = cases.LOCATION, dry_run = true }
    for name, value in pairs(options or {}) do
      if value == "absent" then value = nil end
      all[name] = value
    end
    return leak.client(all)
  end

  --- Is nothing at all sent?
  local function assert_silent()
    assert.are.equal(0, #server:ledger())
    assert.are.equal(0, #server:connections())
  end

  local function target_of(case) return case.path .. (case.query and "?" .. table.concat(case.query, "&") or "") end

  local function check_dry(case, result, response)
    assert.are.equal(case.method, result.method)
    assert.are.equal(target_of(case), result.path)
    assert.is_true(result.dry_run)
    assert.are.same(case.body and plain(json.read(case.body)) or nil, result.body)
    assert.is_true(response.dry_run)
    assert.are.equal(0, response.attempts)
    assert.are.equal(server.url .. case.path, response.url)
  end

  describe("every endpoint,", function()
    local names, changes = {}, 0

    for _, case in ipairs(cases.list) do
      names[case.name] = true
      if is_change(case) then changes = changes + 1 end
      local title = case.name .. (case.title and " " .. case.title or "")
      for way, within in pairs(WAYS) do
        it(title .. " " .. way, function()
          local events = {}
          local client = new { on = { dry_run = function(event) events[#events + 1] = event end } }
          if is_change(case) then
            local result, response = within(function() return case.call(client, table.unpack(case.ids)) end)
            check_dry(case, result, response)
            assert_silent()
            assert.are.equal(1, #events)
            assert.are.same(
              { endpoint = case.name, method = case.method, path = target_of(case), body = result.body },
              events[1]
            )
          else
            server:reply { status = case.status, body = case.answer }
            local result, response = within(function() return case.call(client, table.unpack(case.ids)) end)
            assert.are.same(case.result, result)
            assert.are.equal(1, response.attempts)
            assert.is_nil(response.dry_run)
            assert.are.equal(1, #server:ledger())
            assert.are.equal(0, #events)
          end
        end)
      end
    end

    it("which are all of them, and aliases", function()
      local endpoints, aliases = 0, 0
      for _, resource in ipairs(require "hoopai.api") do
        for _, data in ipairs(require("hoopai.api." .. resource)) do
          if data.alias then
            aliases = aliases + 1
          else
            endpoints = endpoints + 1
          end
          assert.is_true(names[resource .. ":" .. data.name] or data.alias ~= nil, resource .. ":" .. data.name)
        end
      end
      assert.are.equal(66, endpoints)
      assert.is_true(aliases >= 3)
      assert.is_true(changes > 25)
    end)
  end)

  it("the aliases send nothing either", function()
    local client = new()
    for _, call in ipairs {
      { "PUT", "/calendars/events/appointments/e1", client.appointments.cancel, client.appointments },
      { "DELETE", "/calendars/events/e1", client.appointments.delete, client.appointments },
      { "DELETE", "/calendars/events/e1", client.block_slots.delete, client.block_slots },
    } do
      local result = assert(call[3](call[4], "e1"))
      assert.are.equal(call[1], result.method)
      assert.are.equal(call[2], result.path)
    end
    assert_silent()
  end)

  it("client:request goes by its method", function()
    local client = new()
    for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
      local result, response = client:request { method = method, path = "/contacts/c1", body = { name = "N" } }
      assert.are.same({ dry_run = true, method = method, path = "/contacts/c1", body = { name = "N" } }, result)
      assert.is_true(response.dry_run)
    end
    assert_silent()
    server:reply { path = "/contacts/c1", body = [[{"contact":{"id":"c1"}}]] }
    local result, response = client:request { method = "GET", path = "/contacts/c1" }
    assert.are.same({ contact = { id = "c1" } }, result)
    assert.are.equal(200, response.status)
  end)

  describe("is an option", function()
    it("of a call, which has precedence over that of the client", function()
      local live = new { dry_run = "absent" }
      assert.is_true(live.calendars:delete("c", { dry_run = true }).dry_run)
      assert.is_true(live:request({ method = "DELETE", path = "/x" }, { dry_run = true }).dry_run)
      assert.is_true(live.calendars:update("c", { name = "N" }, { dry_run = true }).dry_run)
      assert_silent()
      server:reply { method = "DELETE", path = "/calendars/c", body = [[{"success":true}]], times = 2 }
      assert.are.same({ success = true }, (live.calendars:delete("c", { dry_run = false })))
      assert.are.same({ success = true }, (new().calendars:delete("c", { dry_run = false })))
      assert.are.equal(2, #server:ledger())
    end)

    it("of client:with, which switches it on, and off again", function()
      local live = new { dry_run = "absent" }
      local dry = live:with { dry_run = true }
      local again = dry:with { dry_run = false }
      local kept = dry:with { timeout = 5 }
      assert.is_true(dry.calendars:delete("c").dry_run)
      assert.is_true(kept.calendars:delete("c").dry_run)
      assert_silent()
      server:reply { method = "DELETE", path = "/calendars/c", body = [[{"success":true}]], times = 2 }
      assert.are.same({ success = true }, (again.calendars:delete "c"))
      assert.are.same({ success = true }, (live.calendars:delete "c"))
    end)

    it("that must be a boolean, and that a query or body does not take", function()
      local client = new()
      expect.misuse(
        function() hoopai.new { token = TOKEN, dry_run = 1 } end,
        "option `dry_run` of hoopai.new must be true or false"
      )
      expect.misuse(function() client:with { dry_run = "yes" } end, "`dry_run` of client:with must be true or false")
      expect.misuse(
        function() client.calendars:get("c", { dry_run = 0 }) end,
        "`dry_run` of calendars:get must be true or false"
      )
      expect.misuse(function() client:with { dryrun = true } end, "did you mean `dry_run`?")
      expect.misuse(
        function() hoopai.oauth { client_id = "i", client_secret = "secret-of-an-app", dry_run = true } end,
        "unknown option `dry_run` of hoopai.oauth: it is an option of hoopai.new"
      )
      local _, err = client.calendars:create { name = "N", dry_run = true }
      expect.failure("invalid_request", nil, err)
      assert.matches("dry_run: is an option: pass it in the last argument", tostring(err), 1, true)
      assert_silent()
    end)
  end)

  describe("refuses what is refused otherwise:", function()
    it("wrong fields, all of them at once", function()
      local function create(client)
        local _, err = client.appointments:create {
          calendarId = 7,
          startTime = "tomorrow",
          endTime = "2026-12-01T10:00:00",
          titel = "x",
        }
        return err
      end
      local dry, live = create(new()), create(new { dry_run = "absent" })
      expect.failure("invalid_request", nil, dry)
      assert.are.same(live.details, dry.details)
      assert.is_true(#dry.details >= 5, tostring(dry))
      assert_silent()
    end)

    it("wrong ids, what JSON cannot express, another location, and no table", function()
      local events = 0
      local client = new {
        on = {
          dry_run = function() events = events + 1 end,
          done = function() events = events + 1 end,
        },
      }
      expect.failure("invalid_request", client.calendars:delete "..")
      expect.failure("invalid_request", client.resources:delete("chairs", "r1"))
      expect.failure("invalid_request", client.calendars:update("c", { meta = { x = print } }, { validate = false }))
      expect.misuse(function() client.calendars:delete() end, "needs calendarId as argument 1")
      expect.misuse(function() client.calendars:update("c", "name") end, "expects a table as argument 2")
      expect.misuse(function() client.calendars:delete("c", { retrys = 1 }) end, "`retries`")
      expect.misuse(function() client:request { method = "PUT", path = 5 } end, "field `path`")
      assert.are.equal(0, events)
      assert_silent()
    end)

    it("an option among the fields of a booking", function()
      local _, err = new({ dry_run = "absent" }).appointments:book(script.given { dry_run = true })
      expect.failure("invalid_request", nil, err)
      assert.matches("dry_run: is an option: pass it in the last argument", tostring(err), 1, true)
      assert_silent()
    end)

    it("nothing but that with `validate = false`", function()
      local client = new { validate = false }
      local result = client.calendars:update("c", { undocumented = { 1, 2 }, name = 7 })
      assert.are.same({ undocumented = { 1, 2 }, name = 7 }, result.body)
      assert_silent()
    end)

    it("a client that is closed", function()
      local client = new()
      local light = client:with { dry_run = true }
      light:close()
      expect.failure("closed", light.calendars:delete "c")
      assert.is_true(client.calendars:delete("c").dry_run)
      client:close()
      expect.failure("closed", client.calendars:delete "c")
      assert_silent()
    end)

    it("a call inside a hook", function()
      local client, message
      client = new {
        on = {
          dry_run = function()
            local _
            _, message = pcall(function() return client.calendars:delete "d" end)
          end,
        },
      }
      assert.is_true(client.calendars:delete("c").dry_run)
      assert.matches("calendars:delete cannot be called inside on.dry_run", message, 1, true)
    end)
  end)

  it("asks a token function for nothing, and waits for no rate limit", function()
    local asked, waited = 0, 0
    local client = new {
      token = function()
        asked = asked + 1
        return TOKEN
      end,
      on = { wait = function() waited = waited + 1 end },
      queue_timeout = 0.001,
    }
    for _ = 1, 300 do -- more than the 100 that the API allows in ten seconds
      assert.is_true(client.calendars:delete("c").dry_run)
    end
    assert.are.equal(0, asked)
    assert.are.equal(0, waited)
    assert_silent()
    server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
    assert(client.calendars:get "c")
    assert.are.equal(1, asked)
  end)

  it("many calls side by side", function()
    server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]], times = 20 }
    local client, items = new(), {}
    for index = 1, 20 do
      items[index] = index
    end
    local results, errors = hoopai.map(items, function(index)
      assert(client.calendars:get "c")
      return client.calendars:update("c", { name = "N" .. index })
    end)
    assert.is_nil(errors)
    for index = 1, 20 do
      assert.are.same({ name = "N" .. index }, results[index].body)
    end
    assert.are.equal(20, #server:ledger())
  end)

  describe("appointments:book", function()
    local function free(body) return { path = script.FREE, body = body } end
    local ONE = '{"2026-12-01":{"slots":["' .. script.SLOT .. '","2026-12-01T11:00:00-05:00"]}}'

    local function posts() return script.creates(server) end

    it("names the slot that it would take", function()
      for way, within in pairs(WAYS) do
        server:reply(free(ONE))
        local events, result, response = {}, nil, nil
        local client = new { on = { dry_run = function(event) events[#events + 1] = event end } }
        within(function()
          result, response = client.appointments:book {
            calendarId = "cal",
            contactId = "con",
            from = "2026-12-01T00:00:00-05:00",
            to = "2026-12-02T00:00:00-05:00",
          }
        end)
        assert.is_true(result.dry_run, way)
        assert.are.equal(script.CREATE, result.path)
        assert.are.equal(script.SLOT, result.body.startTime)
        assert.are.equal(script.SLOT, response.slot)
        assert.matches("^hoopai%-%x+$", response.reference)
        assert.are.equal("[ref " .. response.reference .. "]", result.body.description)
        assert.is_true(response.dry_run)
        assert.is_nil(response.reconciled)
        assert.is_nil(response.existing)
        assert.are.equal(1, #events)
        assert.are.equal(0, posts())
      end
    end)

    it("with a reference looks for its booking first, and returns the one that is there", function()
      server:reply(script.list_of())
      local client = new()
      local result, response = client.appointments:book(script.given())
      assert.are.equal(script.SLOT, result.body.startTime)
      assert.are.equal("my-reference", response.reference)
      assert.are.equal(1, #server:ledger())

      server:reply(script.list_of(script.event()), script.one "e1")
      result, response = client.appointments:book(script.given())
      assert.are.equal("e1", result.id)
      assert.is_true(response.existing)
      assert.is_nil(response.dry_run)
      assert.are.equal(0, posts())
    end)

    it("without a reference, and as an option of the call", function()
      server:reply(script.list_of())
      local client = new { dry_run = "absent" }
      local result, response = client.appointments:book(script.given { reference = false }, { dry_run = true })
      assert.is_true(result.dry_run)
      assert.are.equal(script.SLOT, response.slot)
      assert.is_nil(response.reference)
      assert.are.equal(0, posts())
    end)

    it("fails where nothing is free, and refuses wrong fields", function()
      server:reply(free "{}")
      local client = new()
      expect.failure(
        "slot_taken",
        client.appointments:book {
          calendarId = "cal",
          contactId = "con",
          from = "2026-12-01T00:00:00-05:00",
          to = "2026-12-02T00:00:00-05:00",
        }
      )
      local _, err = client.appointments:book { contactId = 5, from = "soon" }
      expect.failure("invalid_request", nil, err, { applied = "no" })
      assert.is_true(#err.details >= 3)
      assert.are.equal(0, posts())
    end)

    it("leaves nothing unclear when its task is cut off", function()
      server:reply(script.list_of())
      local client, result, err = new(), nil, nil
      hoopai.run(function()
        result, err = hoopai.timeout(0.05, function()
          assert(client.appointments:book(script.given()))
          hoopai.sleep(600)
        end)
      end)
      expect.failure("timeout", result, err, { applied = "no" })
      assert.is_nil(err.unclear)
    end)
  end)

  it("the log says that a change was not sent", function()
    server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
    local lines = {}
    local client = new { on = hoopai.log { write = function(line) lines[#lines + 1] = line:gsub("^%S+ ", "") end } }
    assert(client.calendars:get "c")
    assert(client.calendars:delete "c")
    assert.are.equal(2, #lines)
    assert.is_nil(lines[1]:find("dry_run", 1, true))
    assert.matches("^DELETE /calendars/c %- %d+ms attempts=0 dry_run=yes$", lines[2])
  end)
end)

describe("dry_run with an app:", function()
  local box

  setup(function() box = oauth.start() end)
  teardown(oauth.stop)
  before_each(oauth.before)
  after_each(oauth.after)

  it("the sign-in and renewals are made, reads are sent, changes are not", function()
    local app = oauth.signed_in()
    local client = app:client { location_id = box.location_id, dry_run = true }
    local calendars = assert(client.calendars:list())
    oauth.expire()
    local id = calendars[1].id
    local result, response = client.calendars:delete(id)
    assert.is_true(result.dry_run)
    assert.is_true(response.dry_run)
    assert.are.equal(0, #oauth.ledger())
    assert(client.calendars:get(id)) -- the token was refused, and is renewed
    assert.are.equal(1, #oauth.ledger())
    oauth.note(result, response)
    client:close()
  end)

  it("a change needs no sign-in, and asks for no token", function()
    local app = oauth.new_app()
    local client = oauth.new_client(app, { dry_run = true })
    assert.is_true(client.calendars:delete("c").dry_run)
    assert.are.equal(0, #oauth.ledger())
    expect.failure("reauth_required", client.calendars:get "c")
  end)

  it("a location or an agency must be named, and a body must name no other one", function()
    local app = oauth.new_app()
    local client = oauth.new_client(app, { dry_run = true })
    local _, err = client.calendars:create { name = "N", locationId = "another-location" }
    expect.failure("invalid_request", nil, err)
    assert.matches("is not the location the call is made for", tostring(err), 1, true)
    local lost = hoopai.new { oauth = app, dry_run = true }
    expect.misuse(function() lost.calendars:delete "c" end, "needs a location_id or a company_id")
    lost:close()
    assert.are.equal(0, #oauth.ledger())
  end)
end)
