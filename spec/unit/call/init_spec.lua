-- The recipe of a call: attempts, the token, deadlines, the end. What it does after each failure is in
-- spec/behaviour/retries_spec.lua.

local calls = require "hoopai.call"
local child = require "spec.support.child"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local new_state = require("spec.support.calls").state
local request = require "hoopai.call.request"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse

local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
local UNAUTHORIZED = { method = "GET", path = "/calendars/c", status = 401, body = [[{"message":"Invalid JWT"}]] }

describe("hoopai.call:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function state_of(options)
    local all = { token = "t", base_url = server.url, location_id = "l" }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return new_state(all)
  end

  --- calendars:get with other fields.
  local function endpoint_with(fields) return setmetatable(fields, { __index = endpoints.find "calendars.get" }) end

  describe("perform", function()
    it("returns the result and the response, in a task and outside", function()
      server:reply(CALENDAR, CALENDAR)
      local state = state_of()
      for _, run in ipairs { function(fn) return fn() end, hoopai.run } do
        local results = table.pack(run(function() return calls.perform(state, endpoints.find "calendars.get", "c") end))
        assert.are.equal(2, results.n)
        assert.are.same({ id = "c" }, results[1])
        assert.are.same({ 200, 1 }, { results[2].status, results[2].attempts })
      end
    end)

    it("raises for wrong arguments, and in a child process", function()
      local state = state_of()
      misuse(function() calls.perform(state, endpoints.find "calendars.get", 5) end, "calendarId")
      state.shared.process = state.shared.process + 1
      misuse(function() calls.perform(state, endpoints.find "calendars.get", "c") end, "belongs to the parent process")
    end)

    it("sends nothing for a closed client, and emits `done`", function()
      local events = {}
      local state, client = state_of { on = { done = function(event) events[#events + 1] = event end } }
      client:close()
      local result, err = calls.perform(state, endpoints.find "calendars.get", "c")
      failure("closed", result, err, { attempts = 0, applied = "no" })
      result, err = calls.perform(state, endpoints.find "notes.create", "a", { body = "x" })
      failure("closed", result, err, { attempts = 0, applied = "no" })
      assert.are.same({}, events) -- the call did not begin
    end)

    it("reads the transfer with the endpoint's own function", function()
      server:reply(CALENDAR)
      local seen
      local endpoint = endpoint_with {
        read = function(call, attempt)
          seen = { call.attempts, attempt.transfer:sent() }
          return "mine", { status = 299 }
        end,
      }
      local result, response = calls.perform(state_of(), endpoint, "c")
      assert.are.same({ "mine", 299, { 1, 1 } }, { result, response.status, seen })
    end)

    it("closes the transfer after the attempt, unless the reader keeps it", function()
      server:reply(CALENDAR, CALENDAR)
      local state, transfer = state_of(), nil
      for _, keeps in ipairs { false, true } do
        calls.perform(
          state,
          endpoint_with {
            read = function(_, attempt)
              transfer, attempt.keeps_transfer = attempt.transfer, keeps
              return {}, {}
            end,
          },
          "c"
        )
        assert.are.equal(keeps, (pcall(transfer.result, transfer)))
      end
      transfer:close()
    end)

    it("pauses the rate limit for as long as the reader says", function()
      server:reply(CALENDAR)
      local state = state_of { rate_limit = true }
      local endpoint = endpoint_with {
        read = function(_, attempt)
          attempt.pause = 90
          return {}, {}
        end,
      }
      assert(calls.perform(state, endpoint, "c"))
      local err = failure("rate_limit", calls.perform(state, endpoint, "c"))
      assert.are.same({ "burst", 0 }, { err.scope, err.attempts })
      endpoint.rate_limit_failure = function(_, why, seconds)
        return errors.new { kind = "rate_limit", message = why, retry_after = seconds }
      end
      err = failure("rate_limit", calls.perform(state, endpoint, "c"))
      assert.are.equal("burst", err.message)
    end)

    it("records a change in its task, so that a cancelled one says what it may have changed", function()
      server:reply { method = "POST", path = "/calendars/appointments/a/notes", steps = { { stall = true } } }
      local state = state_of()
      hoopai.run(function()
        local task = hoopai.spawn(
          function() return calls.perform(state, endpoints.find "notes.create", "a", { body = "x" }) end
        )
        expect.eventually(function() return server:count("arrived") == 1 end, "the request arrived")
        task:cancel()
        local _, err = task:join()
        assert.are.same({ "cancelled", "maybe" }, { err.kind, err.applied })
        assert.are.same(
          { "cancelled", "POST", "maybe" },
          { err.unclear[1].kind, err.unclear[1].method, err.unclear[1].applied }
        )
      end)
    end)
  end)

  describe("send", function()
    it("makes a prepared request, whose timeout counts from the given moment", function()
      server:reply(CALENDAR)
      local state = state_of()
      local function send(begun)
        local prepared = assert(request.prepare(state, endpoints.find "calendars.get", state.settings, nil, "c"))
        return hoopai.run(calls.send, state, prepared, begun)
      end
      assert.are.same({ id = "c" }, (send(core.now() - 1)))
      local err = failure("timeout", send(core.now() - 31))
      assert.are.equal("no", err.applied)
      assert.are.equal(1, #server:ledger())
    end)
  end)

  describe("the token source", function()
    local SECRETS

    setup(function() SECRETS = { assert(core.secret "tok-1"), assert(core.secret "tok-2") } end)

    --- A source of tokens; `script` has what its methods return, and the calls of them are listed.
    local function new_source(script)
      local source, asked = { may_wait = true, generation = 1, key = script.key }, {}
      function source:get(deadline)
        asked[#asked + 1] = "get"
        assert(deadline > core.now())
        if script.problem then return nil, script.problem end
        return SECRETS[self.generation], self.generation
      end
      function source:refused(generation, deadline)
        asked[#asked + 1] = "refused " .. generation
        assert(deadline > core.now())
        if script.refusal then return nil, script.refusal end
        if script.has_another == false then return false end
        self.generation = self.generation + 1
        return true
      end
      if script.distrusts then
        function source.distrust(_, number, err) asked[#asked + 1] = "distrust " .. number .. " " .. err.kind end
      end
      return source, asked
    end

    local function perform(script)
      local state = state_of()
      local source, asked = new_source(script)
      state.shared.source = source
      local result, response = calls.perform(state, endpoints.find "calendars.get", "c")
      return result, response, asked
    end

    local function sent()
      local tokens = {}
      for index, entry in ipairs(server:ledger()) do
        tokens[index] = entry.header.authorization
      end
      return tokens
    end

    it("gives the token of each attempt, and another one after a 401", function()
      server:reply(UNAUTHORIZED, CALENDAR)
      local result, response, asked = perform {}
      assert(result, response)
      assert.are.equal(2, response.attempts)
      assert.are.same({ "get", "refused 1", "get" }, asked)
      assert.are.same({ "Bearer tok-1", "Bearer tok-2" }, sent())
    end)

    it("is asked for another one at most once in a call, and then distrusts it", function()
      server:reply(UNAUTHORIZED, UNAUTHORIZED)
      local result, err, asked = perform { distrusts = true }
      failure("auth", result, err, { attempts = 2, applied = "no" })
      assert.are.same({ "get", "refused 1", "get", "distrust 2 auth" }, asked)
    end)

    it("without another one leaves the 401, with the reason as the cause", function()
      server:reply(UNAUTHORIZED, UNAUTHORIZED)
      local result, err, asked = perform { has_another = false }
      failure("auth", result, err, { attempts = 1 })
      assert.is_nil(err.cause)
      assert.are.same({ "get", "refused 1" }, asked)
      local reason = errors.new { kind = "network", message = "down" }
      result, err = perform { refusal = reason }
      failure("auth", result, err, { status = 401, cause = reason })
    end)

    it("of an app gives the reason itself: it says what to do", function()
      server:reply(UNAUTHORIZED)
      local reason = errors.new { kind = "reauth_required", message = "sign in" }
      local result, err = perform { key = "app/location/l", refusal = reason }
      failure("reauth_required", result, err, { message = "sign in", attempts = 1, path = "/calendars/c" })
      assert.are_not.equal(reason, err)
    end)

    it("without any token fails the call before anything is sent", function()
      local result, err, asked = perform { problem = errors.new { kind = "auth", message = "none" } }
      failure("auth", result, err, { message = "none", attempts = 0, applied = "no", path = "/calendars/c" })
      assert.are.same({ "get" }, asked)
    end)
  end)

  describe("the end of a call", function()
    it("comes when a finaliser closes its client as it is sent", function()
      server:reply { path = "/calendars/c", always = true, body = [[{"calendar":{"id":"c"}}]] }
      for _, mode in ipairs { "block", "task" } do
        local text, ok = child.run(([[
          local core, hoopai = require "hoopai.core", require "hoopai"
          local send = debug.getmetatable(core.multi {}).__index.send
          local client, hits = nil, 0
          local function trap()
            setmetatable({}, { __gc = function()
              if debug.getinfo(2, "f").func ~= send then return trap() end
              hits = hits + 1
              client:close()
            end })
          end
          -- Finalisers run again and again: in each step, or with Lua 5.5 in many whole cycles.
          local is_54 = _VERSION == "Lua 5.4"
          require("spec.support.collector").pace(is_54 and 10 or 110, 400, is_54 and 10 or 30)
          for _ = 1, 2000 do
            local before = hits
            client = hoopai.new { token = "t", base_url = %q, timeout = 5 }
            trap()
            local function get() return select(2, client.calendars:get "c") end
            local response
            if %q == "task" then response = hoopai.run(get) else response = get() end
            assert(hits == before and response.status == 200 or response.kind == "closed", tostring(response))
            if hits == 3 then break end
          end
          assert(hits > 0, "no finaliser ran in time")
        ]]):format(server.url, mode))
        assert.is_true(ok, text)
      end
    end)

    it("leaves no request in flight when the host's loop fails as its task is cancelled", function()
      server:reply { path = "/calendars/c", always = true, delay = 0.3, body = [[{"calendar":{"id":"c"}}]] }
      local text, ok = child.run(([[
        local core, hoopai = require "hoopai.core", require "hoopai"
        local multis, multi = {}, core.multi
        function core.multi(options)
          multis[#multis + 1] = multi(options)
          return multis[#multis]
        end
        local fails = false
        hoopai.use { name = "own", changed = function() assert(not fails, "the host's own slip") end }
        local client = hoopai.new { token = "t", base_url = %q, rate_limit = true }
        local tasks = {}
        -- More than are sent while the rate limit is unknown, so that one waits and is woken.
        for index = 1, 22 do tasks[index] = hoopai.spawn(function() return client.calendars:get("c") end) end
        for _ = 1, 3 do hoopai.loop.step() end
        assert(select(2, multis[1]:count()) == 20)
        fails = true
        local fine, problem = pcall(tasks[1].cancel, tasks[1])
        fails = false
        assert(not fine and problem:find("own slip", 1, true), problem)
        print(select(2, multis[1]:count()))
        os.exit(true, false)
      ]]):format(server.url))
      assert.are.equal("19\n", text)
      assert.is_true(ok)
    end)
  end)
end)
