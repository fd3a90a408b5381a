-- The events of a client's hooks: their fields, when they are emitted, and hooks that fail.

local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hooks = require "hoopai.call.hooks"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local new_call = require("spec.support.calls").call
local sandbox = require "hoopai.sandbox"
local servers = require "spec.support.server"

local TOKEN = "pit-9d8c7b6a-hooks-spec"
local LOCATION = "ve9EPM428h8vShlRW1KT"
local SLOT = "2026-03-07T09:00:00-05:00"
local TIMES = { "dns", "connect", "tls", "first_byte", "total" }
local CALENDARS = { path = "/calendars/", body = [[{"calendars":[]}]] }
local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }

describe("hoopai.call.hooks:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options)
    local all = { token = TOKEN, base_url = server.url, location_id = LOCATION }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return leak.client(all)
  end

  --- A hook that keeps its events, and the list of them.
  local function noted()
    local events = {}
    return function(event) events[#events + 1] = event end, events
  end

  describe("the event", function()
    local BASE = { endpoint = "things:get", method = "GET", path = "/things/x", attempt = 2 }

    --- The fields of the one event that `emit` gives to a hook, without those of BASE.
    local function emitted(name, ...)
      local note, events = noted()
      hooks[name](note, ...)
      assert.are.equal(1, #events)
      local event = events[1]
      for field, value in pairs(BASE) do
        if event[field] ~= nil then assert.are.equal(value, event[field]) end
      end
      return event
    end

    --- BASE with these fields; those that are false are not in it.
    local function with_base(fields)
      local all = {}
      for name, value in pairs(BASE) do
        all[name] = value
      end
      for name, value in pairs(fields) do
        all[name] = value or nil
      end
      return all
    end

    local function call(more)
      local fields = { attempts = 2 }
      for name, value in pairs(more or {}) do
        fields[name] = value
      end
      return new_call({}, fields)
    end

    it(
      "of `request` has the endpoint, the path and the attempt",
      function() assert.are.same(BASE, emitted("request", call())) end
    )

    it("of `response` has status, trace id, seconds and timing", function()
      local info = {
        dns = 0.1,
        connect = 0.2,
        tls = 0.3,
        first_byte = 0.4,
        total = 0.5,
        reused = false,
        http_version = "2",
        proxy_status = 0,
      }
      local event = emitted("response", call { info = info }, {}, { status = 200, trace_id = "t", elapsed = 0.6 })
      assert.are.same({
        endpoint = "things:get",
        method = "GET",
        path = "/things/x",
        attempt = 2,
        status = 200,
        trace_id = "t",
        elapsed = 0.6,
        dns = 0.1,
        connect = 0.2,
        tls = 0.3,
        first_byte = 0.4,
        total = 0.5,
        reused = false,
        http_version = "2",
      }, event)
    end)

    it("of `response` has the kind of a failure, and counts the seconds itself without a response", function()
      local response = { status = 404, elapsed = 0.6 }
      local event = emitted("response", call { info = {} }, nil, { kind = "not_found", response = response })
      assert.are.same(with_base { status = 404, kind = "not_found", elapsed = 0.6 }, event)
      event = emitted("response", call { info = {}, begun = core.now() - 7 }, nil, { kind = "network" })
      assert.is_true(event.elapsed >= 7 and event.elapsed < 27, event.elapsed)
      event.elapsed = nil
      assert.are.same(with_base { kind = "network" }, event)
    end)

    it("of `done` has the attempts, and the end of the call", function()
      local called = core.now() - 3
      local event = emitted(
        "done",
        call { info = { reused = true, total = 1 } },
        called,
        {},
        { status = 200, trace_id = "t", reconciled = true }
      )
      assert.is_true(event.elapsed >= 3 and event.elapsed < 23, event.elapsed)
      event.elapsed = nil
      assert.are.same(
        with_base {
          attempt = false,
          attempts = 2,
          status = 200,
          trace_id = "t",
          reconciled = true,
          reused = true,
        },
        event
      )

      event = emitted("done", call { attempts = 0 }, called, nil, { kind = "closed", applied = "no" })
      event.elapsed = nil
      assert.are.same(with_base { attempt = false, attempts = 0, kind = "closed", applied = "no" }, event)
    end)

    it("of `retry` has the action, the reason and the pause", function()
      local err = { kind = "server", status = 503 }
      assert.are.same(
        with_base { action = "resend", reason = "unavailable", kind = "server", status = 503, delay = 2 },
        emitted("retry", call(), err, "resend", "unavailable", 2)
      )
      assert.are.same(
        with_base { action = "look", reason = "unanswered", kind = "network", delay = 1 },
        emitted("retry", call(), { kind = "network" }, "reconcile", "unanswered", 1)
      )
    end)

    it(
      "of `wait` has the location and the seconds, and no attempt",
      function()
        assert.are.same(with_base { attempt = false, location_id = "l", seconds = 1.5 }, emitted("wait", call(), 1.5))
      end
    )
  end)

  describe("the hooks `request` and `response`", function()
    local function hook_list()
      local events = {}
      return events,
        {
          request = function(event) events[#events + 1] = { "request", event } end,
          response = function(event) events[#events + 1] = { "response", event } end,
        }
    end

    it("receive each request and each response", function()
      server:reply(
        { path = "/calendars/c", body = [[{"calendar":{},"traceId":"t-1"}]] },
        { path = "/calendars/d", status = 404, body = [[{"message":"no","traceId":"t-2"}]] },
        { path = "/calendars/e", raw = "This is no HTTP", close = true }
      )
      local events, on = hook_list()
      local client = new { on = on }
      local function check(id, kind, status, trace_id)
        local name, event = table.unpack(events[#events - 1])
        assert.are.equal("request", name)
        assert.are.same({ endpoint = "calendars:get", method = "GET", path = "/calendars/" .. id, attempt = 1 }, event)
        name, event = table.unpack(events[#events])
        assert.are.equal("response", name)
        assert.are.equal("number", type(event.elapsed))
        assert.is_true(event.elapsed >= 0)
        assert.are.equal("number", type(event.total)) -- more of the timing: see hooks_spec
        for timed in pairs {
          elapsed = 1,
          dns = 1,
          connect = 1,
          tls = 1,
          first_byte = 1,
          total = 1,
          reused = 1,
          http_version = 1,
        } do
          event[timed] = nil
        end
        assert.are.same({
          endpoint = "calendars:get",
          method = "GET",
          path = "/calendars/" .. id,
          attempt = 1,
          status = status,
          trace_id = trace_id,
          kind = kind,
        }, event)
      end
      assert(client.calendars:get("c"))
      check("c", nil, 200, "t-1")
      hoopai.run(function() expect.failure("not_found", client.calendars:get("d")) end)
      check("d", "not_found", 404, "t-2")
      expect.failure("protocol", client.calendars:get("e"))
      check("e", "protocol")
      assert.are.equal(6, #events)
    end)

    it("are those of the clients of client:with, too", function()
      server:reply(CALENDAR)
      local events, on = hook_list()
      assert(new({ on = on }):with({ timeout = 5 }).calendars:get("c"))
      assert.are.equal(2, #events)
    end)

    it("receive the method that was called", function()
      server:reply({ method = "PUT", body = "{}" }, { method = "DELETE", body = [[{"succeeded":true}]] })
      local events, on = hook_list()
      local client = new { on = on }
      assert(client.appointments:cancel("e"))
      assert.are.equal("appointments:cancel", events[1][2].endpoint)
      assert(client.block_slots:delete("e"))
      assert.are.equal("block_slots:delete", events[3][2].endpoint)
    end)

    it("receive nothing of a call that was never sent", function()
      local events, on = hook_list()
      expect.failure("invalid_request", new({ on = on }).calendars:get(""))
      assert.are.same({}, events)
    end)
  end)

  describe("the timing of a response", function()
    it("has the stages in their order, and whether a connection was reused", function()
      server:reply { path = "/calendars/c", times = 2, body = [[{"calendar":{"id":"c"}}]], delay = 0.02 }
      local note, events = noted()
      local client = new { on = { response = note } }
      for _ = 1, 2 do
        assert(client.calendars:get("c"))
      end
      local first, second = events[1], events[2]
      for _, event in ipairs(events) do
        assert.equal("1.1", event.http_version)
        assert.equal(0, event.tls)
        assert.is_true(event.first_byte >= 0.02 and event.first_byte <= event.total and event.total < 20)
        for _, name in ipairs(TIMES) do
          assert.equal("float", math.type(event[name]), name)
        end
      end
      assert.is_false(first.reused)
      assert.is_true(first.connect > 0 and first.dns <= first.connect and first.connect <= first.first_byte)
      assert.is_true(second.reused)
      assert.equal(200, second.status) -- and the other fields are there
      assert.equal("calendars:get", second.endpoint)
    end)

    it("has TLS and HTTP/2", function()
      local account <close> = sandbox.start { tls = true }
      local note, events = noted()
      local client = new {
        base_url = account.url,
        token = account.token,
        location_id = account.location_id,
        ca_file = account.ca_file,
        on = { response = note },
      }
      hoopai.run(function()
        assert(client.calendars:list())
        assert(client.calendars:list())
      end)
      assert.equal("2", events[1].http_version)
      assert.is_true(events[1].tls > events[1].connect)
      assert.is_true(events[1].first_byte > events[1].tls)
      assert.is_false(events[1].reused)
      assert.is_true(events[2].reused)
    end)

    it("is there when no response came", function()
      local url, holder = servers.refusing()
      local note, events = noted()
      local client = new { base_url = url, retries = false, on = { response = note } }
      expect.failure("network", client.calendars:get("c"))
      holder:close()
      assert.equal(1, #events)
      assert.equal("network", events[1].kind)
      assert.is_false(events[1].reused)
      assert.is_nil(events[1].http_version)
    end)
  end)

  describe("the hook `done`", function()
    it("receives one event, however many requests a call took", function()
      server:reply(
        { path = "/calendars/c", status = 503, body = "{}", headers = { ["retry-after"] = "0" }, times = 2 },
        { path = "/calendars/c", body = [[{"calendar":{"id":"c"},"traceId":"t-1"}]] }
      )
      local note, events = noted()
      local note_response, responses = noted()
      local client = new { retries = 2, on = { done = note, response = note_response } }
      assert(client.calendars:get("c"))
      assert.equal(3, #responses)
      assert.equal(1, #events)
      local event = events[1]
      assert.is_true(event.elapsed >= responses[3].elapsed)
      event.elapsed = nil
      assert.same({
        endpoint = "calendars:get",
        method = "GET",
        path = "/calendars/c",
        attempts = 3,
        status = 200,
        trace_id = "t-1",
        reused = true,
      }, event)
    end)

    it("receives a call that failed, with what is known of its effect", function()
      server:reply(
        { path = "/calendars/none", status = 404, body = "{}" },
        { method = "POST", path = "/calendars/events/appointments", status = 500, body = "{}" }
      )
      local note, events = noted()
      local client = new { on = { done = note } }
      expect.failure("not_found", client.calendars:get("none"))
      expect.failure(
        "server",
        client.appointments:create {
          calendarId = "c",
          contactId = "p",
          startTime = SLOT,
          title = "once",
        }
      )
      assert.equal(2, #events)
      assert.same(
        { "not_found", 404, "no", 1 },
        { events[1].kind, events[1].status, events[1].applied, events[1].attempts }
      )
      assert.same(
        { "server", 500, "maybe", 1 },
        { events[2].kind, events[2].status, events[2].applied, events[2].attempts }
      )
    end)

    it("receives calls that were cancelled, and those that never left", function()
      server:reply(
        { path = "/calendars/c", steps = { { stall = true } } },
        { method = "POST", path = "/calendars/events/appointments", steps = { { stall = true } } }
      )
      local note, events = noted()
      local client = new { on = { done = note }, max_connections = 2 }
      hoopai.run(function()
        local read = hoopai.spawn(function() return client.calendars:get("c") end)
        local write = hoopai.spawn(
          function()
            return client.appointments:create { calendarId = "c", contactId = "p", startTime = SLOT, title = "once" }
          end
        )
        hoopai.sleep(0.05)
        expect.failure("timeout", client.calendars:get("late", { queue_timeout = 0.02 }))
        read:cancel()
        write:cancel()
      end)
      local told = {}
      for index, event in ipairs(events) do
        told[index] = ("%s %s %s %d"):format(event.endpoint, event.kind, event.applied, event.attempts)
      end
      assert.same(
        { "calendars:get timeout no 1", "calendars:get cancelled no 1", "appointments:create cancelled maybe 1" },
        told
      )
    end)

    it("receives calls of a closed client, and not those whose arguments are refused", function()
      local note, events = noted()
      local client
      client = new { on = { done = note, request = function() client:close() end } }
      expect.failure("invalid_request", client.appointments:create { calendarId = 7 })
      assert.equal(0, #events)
      expect.failure("closed", client.calendars:get("c"))
      assert.equal(1, #events)
      assert.equal("closed", events[1].kind)
    end)

    it("may raise, yield or call without harm", function()
      server:reply { path = "/calendars/c", times = 3, body = [[{"calendar":{"id":"c"}}]] }
      local client
      for _, hook in ipairs {
        function() error("done") end,
        function() coroutine.yield() end,
        function() client.calendars:get("c") end,
      } do
        client = new { on = { done = hook } }
        assert.equal("c", hoopai.run(function() return assert(client.calendars:get("c")).id end))
      end
    end)
  end)

  describe("the hook `retry`", function()
    local random = core.random

    before_each(function()
      core.random = function() return 0.04 end -- pauses of 20 ms and more
    end)
    after_each(function() core.random = random end)

    it("receives what failed, the action, and the pause", function()
      local note, events = noted()
      local client = new { retries = 2, on = { retry = note } }
      local function get() return client.calendars:get("c") end
      server:reply(
        { method = "GET", path = "/calendars/c", reset = "before" },
        { method = "GET", path = "/calendars/c", status = 503, body = [[{"message":"no"}]] },
        CALENDAR
      )
      assert(get())
      assert.are.same({
        {
          endpoint = "calendars:get",
          method = "GET",
          path = "/calendars/c",
          attempt = 1,
          action = "resend",
          reason = "unanswered",
          kind = "network",
          delay = 0.02,
        },
        {
          endpoint = "calendars:get",
          method = "GET",
          path = "/calendars/c",
          attempt = 2,
          action = "resend",
          reason = "unavailable",
          kind = "server",
          status = 503,
          delay = 0.04,
        },
      }, events)

      server:reply(
        { method = "DELETE", path = "/calendars/c", status = 500 },
        { method = "GET", path = "/calendars/c", status = 404, body = "{}" }
      )
      assert(client.calendars:delete("c"))
      assert.are.same(
        { "look", "server", "calendars:delete" },
        { events[3].action, events[3].reason, events[3].endpoint }
      )
      assert.are.equal(3, #events)
    end)
  end)

  describe("the hook `wait`", function()
    it("receives the location whose rate limit is reached, and the length of the wait", function()
      local note, events = noted()
      local client = new { retries = 0, rate_limit = true, on = { wait = note } }
      server:reply({
        method = "GET",
        path = "/calendars/c",
        body = CALENDAR.body,
        headers = {
          ["X-RateLimit-Max"] = "1",
          ["X-RateLimit-Interval-Milliseconds"] = "2000",
        },
      }, CALENDAR)
      assert(client.calendars:get("c"))
      assert(client.calendars:get("c"))
      assert.are.equal(1, #events)
      local seconds = events[1].seconds
      assert.is_true(seconds > 0 and seconds <= 2, seconds)
      events[1].seconds = nil
      assert.are.same({
        endpoint = "calendars:get",
        method = "GET",
        path = "/calendars/c",
        location_id = LOCATION,
      }, events[1])
    end)
  end)

  describe("a hook", function()
    it("cannot wait", function()
      server:reply(CALENDAR, CALENDAR)
      local messages = {}
      local client
      local function try()
        local ok, message = pcall(hoopai.sleep, 0)
        messages[#messages + 1] = { ok, message }
        ok, message = pcall(function() return client.calendars:get("c") end)
        messages[#messages + 1] = { ok, message }
        ok, message = pcall(hoopai.run, function() end)
        messages[#messages + 1] = { ok, message }
      end
      client = new { on = { request = try } }
      assert(client.calendars:get("c"))
      hoopai.run(function() assert(client.calendars:get("c")) end)
      assert.are.equal(6, #messages)
      for _, entry in ipairs(messages) do
        assert.is_false(entry[1])
        assert.matches("on.request", entry[2], 1, true)
      end
    end)

    it("cannot yield: warn() reports it, and the call goes on", function()
      server:reply(CALENDARS, CALENDARS)
      local text, ok = child.run(([[
        warn("@on")
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { token = "t", base_url = %q, location_id = "l",
          on = { request = function() coroutine.yield(1) print "resumed" end } }
        assert(client.calendars:list())
        hoopai.run(function() assert(client.calendars:list()) end)
        print "all well"
      ]]):format(server.url))
      assert.is_true(ok, text)
      assert.matches("on.request: a hook may not yield.*on.request: a hook may not yield.*all well", text)
      assert.is_nil(text:find("resumed", 1, true))
    end)

    it("that raises is reported by warn() and does no harm", function()
      server:reply(CALENDARS, CALENDARS, CALENDARS)
      local text, ok = child.run(([[
        warn("@on")
        local hoopai = require "hoopai"
        local object = setmetatable({}, { __tostring = function() error("twice") end })
        local client <close> = hoopai.new { token = "t", base_url = %q, location_id = "l",
          on = { request = function() error("first hook") end, response = function() error("second hook") end } }
        assert(client.calendars:list())
        hoopai.run(function() assert(client.calendars:list()) end)
        local odd <close> = hoopai.new { token = "t", base_url = %q, location_id = "l",
          on = { request = function() error(object) end } }
        assert(odd.calendars:list())
        print("all well")
      ]]):format(server.url, server.url))
      assert.is_true(ok, text)
      assert.matches("all well", text)
      assert.matches("Lua warning: [^\n]*on%.request[^\n]*first hook", text)
      assert.matches("Lua warning: [^\n]*on%.response[^\n]*second hook", text)
      local _, count = text:gsub("Lua warning:", "")
      assert.are.equal(5, count)
    end)

    it("that yields does no harm: neither to its call nor to others", function()
      server:reply { path = "/calendars/c", times = 4, body = [[{"calendar":{"id":"c"}}]] }
      local bad = new { on = { request = function() coroutine.yield("gone") end } }
      local good = new()
      hoopai.run(function()
        assert.are.equal("c", assert(bad.calendars:get("c")).id)
        assert(good.calendars:get("c"))
      end)
      local thread = coroutine.create(function() return assert(bad.calendars:get("c")).id end)
      assert.are.same({ true, "c" }, { coroutine.resume(thread) })
      assert(good.calendars:get("c"))
    end)
  end)
end)
