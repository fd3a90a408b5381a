-- each_slot, next_slot and wait_for_slot of client.calendars. (Their arguments and what they read of the calendars:
-- slot_search_spec.lua; how a span is split: windows_spec.lua.)

local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local failure, time = expect.failure, hoopai.time

local DAY = 86400000
local FROM = time.parse("2076-12-01T00:00:00Z"):ms()
local PATH = "/calendars/a/free-slots"

describe("hoopai.list.free_slots:", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "loc", timeout = 5 }
  end)
  after_each(function() leak.after(server) end)

  local function free(...)
    local days = {}
    for index, slot in ipairs { ... } do
      days[index] = ('"%s":{"slots":["%s"]}'):format(slot:sub(1, 10), slot)
    end
    return { path = PATH, body = "{" .. table.concat(days, ",") .. "}" }
  end

  local function times(count, rule)
    rule.times = count
    return rule
  end

  local function refused(status) return { path = PATH, status = status, body = '{"message":"no"}' } end

  local function stalled() return { path = PATH, steps = { { stall = true } } } end

  local function span(days, more)
    local given = { from = FROM, to = FROM + days * DAY, calendarIds = { "a" } }
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    return given
  end

  local function collect(given)
    local found = {}
    for slot in client.calendars:each_slot(given) do
      found[#found + 1] = slot.startTime
    end
    return found
  end

  local SLOTS = { "2076-12-02T10:00:00Z", "2076-12-03T10:00:00Z", "2077-01-05T10:00:00Z", "2077-02-05T10:00:00Z" }

  local function reply_slots()
    server:reply(free(SLOTS[2], SLOTS[1]), free(SLOTS[3]), free(SLOTS[4]))
    return span(90)
  end

  describe("each_slot", function()
    it("gives all slots in order, in a plain script and in a task", function()
      assert.are.same(SLOTS, collect(reply_slots()))
      assert.are.same(SLOTS, hoopai.run(collect, reply_slots()))
    end)

    -- Debian packages luv for Lua 5.4 alone.
    local loop = _VERSION == "Lua 5.4" and "luv" or "callback"

    it("gives all slots in the loop of " .. loop, function()
      reply_slots()
      server:reply(free())
      local text, ok = child.run(([[
        local hoopai, loop = require "hoopai", %q
        local host = require("spec.support.hosts")[loop]()
        hoopai.use(host.adapter or hoopai.loop[loop])
        local client = hoopai.new { token = "t", base_url = %q, location_id = "l" }
        hoopai.spawn(function()
          for slot in client.calendars:each_slot { from = %d, to = %d, calendarIds = { "a" } } do
            print(slot.startTime)
          end
          print(client.calendars:next_slot { from = %d, to = %d, calendarIds = { "a" } })
        end)
        host.loop()
      ]]):format(loop, server.url, FROM, FROM + 90 * DAY, FROM, FROM + DAY))
      assert.is_true(ok, text)
      assert.matches("^" .. table.concat(SLOTS, "\n"):gsub("%-", "%%-") .. "\nnil\tslot_taken: no slot is free", text)
    end)

    it("reads a window when it is needed", function()
      server:reply(free(SLOTS[1], SLOTS[2]))
      for slot in client.calendars:each_slot(span(365)) do
        if slot.startTime == SLOTS[2] then break end
      end
      assert.are.equal(1, #server:ledger())
      server:reply(free(SLOTS[1]))
      hoopai.run(function()
        assert.are.equal(SLOTS[1], client.calendars:each_slot(span(365))().startTime)
        hoopai.sleep(0.05)
      end)
      assert.are.equal(2, #server:ledger())
    end)

    it("in a task reads one window ahead, and aborts that if it is left", function()
      server:reply(free(SLOTS[1], SLOTS[2]), stalled())
      hoopai.run(function()
        for slot in client.calendars:each_slot(span(365)) do
          if slot.startTime == SLOTS[2] then
            expect.eventually(function() return server:count "arrived" == 2 end, "the next window is read")
            break
          end
        end
        expect.eventually(function() return server:count "busy" == 0 end, "it is aborted")
      end)
      assert.are.equal("gone", server:last().outcome)
    end)

    it("raises what fails in the middle, after the slots before it", function()
      for _, run in ipairs { function(fn) return fn() end, hoopai.run } do
        server:reply(free(SLOTS[1]), refused(403))
        local seen = {}
        local ok, err = pcall(run, function()
          for slot in client.calendars:each_slot(span(90)) do
            seen[#seen + 1] = slot.startTime
          end
        end)
        assert.is_false(ok)
        failure("forbidden", nil, err, { calendarId = "a" })
        assert.matches("free_slots_spec.lua:%d+$", err.where)
        assert.are.same({ SLOTS[1] }, seen)
      end
    end)

    it("ends when its task is cancelled, and when time is over", function()
      server:reply(stalled(), stalled())
      hoopai.run(function()
        local task = hoopai.spawn(collect, span(90))
        expect.eventually(function() return server:count "arrived" == 1 end, "the request arrived")
        task:cancel()
        failure("timeout", hoopai.timeout(0.2, collect, span(90)))
        expect.eventually(function() return server:count "busy" == 0 end, "both are aborted")
      end)
    end)
  end)

  describe("next_slot", function()
    it("is the first of the span, with the response of its calendar", function()
      server:reply(
        free(SLOTS[2]),
        { path = "/calendars/b/free-slots", body = '{"2076-12-02":{"slots":["2076-12-02T10:00:00Z"]},"traceId":"tb"}' }
      )
      local slot, response = client.calendars:next_slot(span(20, { calendarIds = { "a", "b" } }))
      assert.are.same(
        { "b", "2076-12-02", SLOTS[1], time.parse(SLOTS[1]) },
        { slot.calendarId, slot.day, slot.startTime, slot.instant }
      )
      assert.are.same({ 200, "tb" }, { response.status, response.trace_id })
    end)

    it("reads no window after the one that has a slot", function()
      server:reply(free(), free(SLOTS[3]))
      assert.are.equal(SLOTS[3], client.calendars:next_slot(span(365)).startTime)
      assert.are.equal(2, #server:ledger())
      hoopai.run(function()
        server:reply(free(SLOTS[1]))
        assert.are.equal(SLOTS[1], client.calendars:next_slot(span(365)).startTime)
        hoopai.sleep(0.05)
      end)
      assert.are.equal(3, #server:ledger())
    end)

    it("begins now by default", function()
      local before = core.wall_ms()
      server:reply(free())
      failure("slot_taken", client.calendars:next_slot { to = before + DAY, calendarIds = { "a" } })
      local from = tonumber(server:last().query:match "startDate=(%d+)")
      assert.is_true(from >= before and from <= core.wall_ms())
    end)

    it("is an error of kind slot_taken if nothing is free, which shows the span in its zone", function()
      server:reply(times(2, free()))
      local err = failure("slot_taken", client.calendars:next_slot(span(7)))
      assert.are.same({ "no", false, 0 }, { err.applied, err.retryable, err.attempts })
      local text = "no slot is free between 2076-12-01T00:00:00+00:00 and 2076-12-08T00:00:00+00:00"
      assert.are.equal(text, err.message)
      assert.matches("free_slots_spec.lua:%d+$", err.where)
      err = failure("slot_taken", client.calendars:next_slot(span(7, { timezone = "America/New_York" })))
      assert.matches("2076-11-30T19:00:00-05:00 and 2076-12-07T19:00:00-05:00", err.message, 1, true)
    end)

    it("returns what fails, with the line of the call, in a plain script and in a task", function()
      local function call()
        local line = debug.getinfo(1, "l").currentline + 1
        local slot, err = client.calendars:next_slot(span(90))
        failure("server", slot, err, { status = 500, calendarId = "a", retryable = true })
        assert.matches("free_slots_spec.lua:" .. line .. "$", err.where)
      end
      server:reply(times(2, refused(500)))
      call()
      hoopai.run(call)
    end)
  end)

  describe("wait_for_slot", function()
    local function later(seconds)
      return { from = FROM, to = FROM + DAY, give_up_after = seconds, calendarIds = { "a" } }
    end

    --- The moments of all requests, from the first one.
    local function moments()
      local found, ledger = {}, server:ledger()
      for index, entry in ipairs(ledger) do
        found[index] = entry.arrived - ledger[1].arrived
      end
      return found
    end

    it("asks again until a slot is free, and no more often than `every`", function()
      for _, run in ipairs { function(fn) return fn() end, hoopai.run } do
        server:reset()
        server:reply(times(3, free()), free(SLOTS[1]))
        local given = later(20)
        given.every, given.to = 0.3, FROM + 7 * DAY
        local slot, response = run(function() return client.calendars:wait_for_slot(given) end)
        assert.are.equal(SLOTS[1], slot.startTime)
        assert.are.equal(200, response.status)
        local at = moments()
        assert.are.equal(4, #at)
        for index = 2, #at do
          assert.is_true(at[index] - at[index - 1] >= 0.25, "too early")
        end
      end
    end)

    it("counts `every` from the beginning of a look", function()
      local slow = free()
      slow.delay = 0.6
      server:reply(slow, free(SLOTS[1]))
      local given = later(20)
      given.every, given.to = 0.7, FROM + 7 * DAY
      assert(client.calendars:wait_for_slot(given))
      local at = moments()
      assert.is_true(at[2] >= 0.65 and at[2] < 1.25, at[2])
    end)

    it("looks from now on, each time, and at the calendars of that time", function()
      local given = { to = core.wall_ms() + 7 * DAY, every = 0.2, give_up_after = 20 }
      local start = time.from_ms(core.wall_ms() + DAY):iso("UTC"):gsub("%.%d+", "")
      server:reply(
        { path = "/calendars/", body = '{"calendars":[{"id":"a"}]}' },
        free(),
        { path = "/calendars/", body = '{"calendars":[{"id":"b"}]}' },
        { path = "/calendars/b/free-slots", body = ('{"%s":{"slots":["%s"]}}'):format(start:sub(1, 10), start) }
      )
      assert.are.equal(start, client.calendars:wait_for_slot(given).startTime)
      local starts = {}
      for _, entry in ipairs(server:ledger()) do
        starts[#starts + 1] = tonumber((entry.query or ""):match "startDate=(%d+)")
      end
      assert.is_true(starts[2] >= starts[1] + 150)
    end)

    it("gives up after so many seconds", function()
      server:reply(times(20, free()))
      local begun, given = core.now(), later(0.5)
      given.every = 0.1
      local slot, err = client.calendars:wait_for_slot(given)
      failure("timeout", slot, err, { applied = "no", retryable = true })
      local asked = #server:ledger()
      assert.is_true(core.now() - begun >= 0.5)
      assert.is_true(asked >= 1 and asked <= 5, asked)
      local text = "no slot became free between 2076-12-01T00:00:00+00:00 and 2076-12-02T00:00:00+00:00 within the "
        .. "give_up_after of 0.5 s, in %d look"
      assert.are.equal(text:format(asked), (err.message:gsub("s$", "")))
      assert.is_nil(err.cause)
      assert.matches("free_slots_spec.lua:%d+$", err.where)
      server:reset()
    end)

    it("gives up then also while a request is under way, in a plain script and in a task", function()
      server:reply(times(2, stalled()))
      for _, run in ipairs { function(fn) return fn() end, hoopai.run } do
        expect.within(4, function()
          local slot, err = run(function() return client.calendars:wait_for_slot(later(0.3)) end)
          failure("timeout", slot, err)
          assert.is_nil(err.cause)
          assert.matches("in 0 looks; a look was under way$", err.message)
        end)
      end
      server:wait("busy", "exactly", 0)
    end)

    it("gives up then also while it waits for the rate limit", function()
      client = leak.client { token = "t", base_url = server.url, location_id = "loc", rate_limit = true }
      local limit = { ["X-RateLimit-Max"] = "1", ["X-RateLimit-Interval-Milliseconds"] = "40000" }
      server:reply { path = "/calendars/", body = '{"calendars":[]}', headers = limit }
      assert(client.calendars:list())
      expect.within(8, function() failure("timeout", client.calendars:wait_for_slot(later(0.3))) end)
    end)

    it("looks past what may pass", function()
      server:reply(
        refused(500),
        refused(429),
        { path = PATH, body = "<html>" },
        { path = PATH, status = 503, body = "{}" },
        { path = PATH, close = "before", times = 2 }, -- libcurl sends a read again
        free(SLOTS[1])
      )
      local given = later(30)
      given.every, given.to = 0.05, FROM + 7 * DAY
      assert.are.equal(SLOTS[1], assert(client.calendars:wait_for_slot(given)).startTime)
      assert.are.equal(7, #server:ledger())
    end)

    it("returns at once what does not pass", function()
      local kinds = { [401] = "auth", [403] = "forbidden", [404] = "not_found", [400] = "refused", [422] = "refused" }
      for status, kind in pairs(kinds) do
        server:reply(refused(status))
        local err = failure(kind, client.calendars:wait_for_slot(later(30)))
        assert.matches("free_slots_spec.lua:%d+$", err.where)
      end
      assert.are.equal(5, #server:ledger())
    end)

    it("keeps the failure of the last look as the cause", function()
      server:reply(times(100, refused(500)))
      local given = later(0.4)
      given.every = 0.1
      local err = failure("timeout", client.calendars:wait_for_slot(given))
      assert.are.equal("server", err.cause.kind)
      assert.matches("looks; the last one failed: calendar a: no", err.message, 1, true)
      server:reset()
      server:reply(refused(500), stalled())
      given.give_up_after = 0.6
      err = failure("timeout", client.calendars:wait_for_slot(given))
      assert.are.equal("server", err.cause.kind)
      assert.matches("in 1 look; a look was under way; the last one failed: calendar a: no", err.message, 1, true)
      server:reset()
    end)

    it("ends with the span: what is over does not become free", function()
      local given = { to = core.wall_ms() + 300, every = 0.1, give_up_after = 30, calendarIds = { "a" } }
      server:reply(times(100, free()))
      expect.within(10, function()
        local slot, err = client.calendars:wait_for_slot(given)
        failure("timeout", slot, err, { applied = "no", retryable = false })
        assert.matches(" before that time was over, in %d+ looks?$", err.message)
      end)
      given.every, given.to = 60, core.wall_ms() + 300
      expect.within(10, function() failure("timeout", client.calendars:wait_for_slot(given)) end)
      server:reset()
    end)

    it("may be cancelled, between two looks and in one", function()
      server:reply(free(), stalled())
      hoopai.run(function()
        local task = hoopai.spawn(function() return client.calendars:wait_for_slot(later(500)) end)
        expect.eventually(function() return server:count "ended" == 1 end, "it waits between two looks")
        task:cancel()
        failure("cancelled", task:join())
        task = hoopai.spawn(function() return client.calendars:wait_for_slot(later(500)) end)
        expect.eventually(function() return server:count "arrived" == 2 end, "it looks")
        task:cancel()
        expect.eventually(function() return server:count "busy" == 0 end, "the request is aborted")
      end)
      server:reply(free())
      local _, err = hoopai.timeout(0.3, function() return client.calendars:wait_for_slot(later(500)) end)
      failure("timeout", nil, err, { applied = "no" })
      assert.matches("hoopai.timeout", err.message, 1, true)
    end)

    it("ends when its client is closed meanwhile", function()
      server:reply(free())
      hoopai.run(function()
        local task = hoopai.spawn(function() return client.calendars:wait_for_slot(later(500)) end)
        expect.eventually(function() return server:count "ended" == 1 end, "it waits between two looks")
        client:close()
        expect.within(10, function() failure("closed", task:join()) end)
      end)
    end)

    it("needs `give_up_after`, and takes seconds", function()
      local function problems(more)
        local given = span(7, more)
        local err = failure("invalid_request", client.calendars:wait_for_slot(given))
        local paths = {}
        for index, detail in ipairs(err.details) do
          paths[index] = detail.path
        end
        return table.concat(paths, " "), err.message
      end
      local paths, message = problems()
      assert.are.equal("give_up_after", paths)
      assert.matches("is required: after how many seconds to give up", message, 1, true)
      for _, value in ipairs { 0, -1, 0 / 0, math.huge, "5", true, {}, hoopai.null, time.minutes(5) } do
        assert.are.equal("every give_up_after", (problems { every = value, give_up_after = value }))
      end
      assert.matches("not a duration", select(2, problems { give_up_after = time.minutes(5) }), 1, true)
      assert.are.equal("calendarIds every give_up_after timezone", (problems {
        calendarIds = {},
        every = 0,
        timezone = 5,
      }))
      -- they are no fields of the others
      local err = failure("invalid_request", client.calendars:next_slot(span(7, { every = 5, give_up_after = 5 })))
      assert.are.equal(2, #err.details)
      assert.are.equal(0, #server:ledger())
    end)
  end)
end)
