-- appointments:book: when a lost response proves that nothing was booked, and what is looked for before a refusal is
-- believed.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local reconcile = require "hoopai.booking.reconcile"
local script = require "spec.support.booking_script"
local servers = require "spec.support.server"

local failure, time = expect.failure, hoopai.time
local event, list_of, lost, made, one = script.event, script.list_of, script.lost, script.made, script.one
local refused = script.refused

local DAY = 86400000

describe("hoopai.booking.reconcile:", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "loc", timeout = 5 }
  end)
  after_each(function() leak.after(server) end)

  --- The reference is one of the library, so that nothing is looked for before the create.
  local function book(more, options)
    local given = script.given(more)
    if not more or more.reference == nil then given.reference = true end
    return client.appointments:book(given, options)
  end

  --- A list with one event that carries the reference of the create; the server is asked for it.
  local function list_with_own(fields)
    local all = {}
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    return function()
      for _, entry in ipairs(server:ledger()) do
        local mark = entry.method == "POST" and entry.body:match "%[ref [^%]]+%]"
        if mark then
          all.description = mark
          return list_of(event(all))
        end
      end
    end
  end

  describe("after a lost response", function()
    local whole = reconcile.SURE_AFTER
    local FREE =
      { path = script.FREE, always = true, body = '{"2026-12-01":{"slots":["' .. script.SAME_INSTANT .. '"]}}' }

    before_each(function() reconcile.SURE_AFTER = 3 end) -- a minute, here in three seconds
    after_each(function() reconcile.SURE_AFTER = whole end)

    it("the time is a minute", function() assert.are.equal(60, whole) end)

    it("says no only after all that time, by a last look for the reference in the whole span", function()
      server:reply(lost(), FREE, { path = script.LIST, always = true, body = '{"events":[]}' })
      local began = hoopai.time.now():ms()
      failure("network", nil, select(2, book { reconcile_timeout = 3 }), { applied = "no", retryable = true })
      assert.is_true(hoopai.time.now():ms() - began >= 3000)
      local ledger = server:ledger()
      local last = ledger[#ledger]
      assert.are.equal(script.LIST, last.path)
      assert.are.equal(script.FREE, ledger[#ledger - 1].path)
      local start = time.parse(script.SLOT):ms()
      local from, to = last.query:match("startTime=(%d+)&endTime=(%d+)$")
      assert.are.same({ start - DAY, start + 38 * DAY }, { tonumber(from), tonumber(to) })
      assert.are.equal(1, script.creates(server))
    end)

    for what, body in pairs { free = FREE.body, ["taken by it"] = '{"2026-12-01":{"slots":[]}}' } do
      it("finds by the last look what was booked at last, while the slot seemed " .. what, function()
        server:reply(lost(), script.times(2, list_of()), { path = script.FREE, body = body, hold = "booked" })
        hoopai.run(function()
          local task = hoopai.spawn(book, { reconcile_timeout = 3 })
          expect.eventually(function() return server:count "arrived" == 4 end, "the slots are asked for")
          server:reply(list_with_own { id = "e1", startTime = "2026-12-15T10:00:00Z" }(), one "e1")
          server:release "booked"
          local booked, response = assert(task:join())
          assert.are.equal("e1", booked.id)
          assert.is_true(response.reconciled)
          assert.is_nil(response.existing)
          assert.are.equal("2026-12-15T10:00:00Z", response.slot)
        end)
      end)
    end

    it("is not sure when less time was given", function()
      server:reply(lost(), { path = script.LIST, always = true, body = '{"events":[]}' })
      local err = failure("network", nil, select(2, book { reconcile_timeout = 2.9 }), { applied = "maybe" })
      assert.matches("find_booking", err.message)
      assert.are.equal("con", err.booking.contactId)
    end)

    it("is not sure when the slot is not offered any more, or when the last look fails", function()
      local none = { path = script.FREE, body = '{"2026-12-01":{"slots":[]}}' }
      server:reply(lost(), script.times(3, list_of()), none)
      failure("network", nil, select(2, book { reconcile_timeout = 3 }), { applied = "maybe", retryable = false })
      server:reset()
      server:reply(lost(), script.times(2, list_of()), FREE, { path = script.LIST, status = 500, body = "{}" })
      failure("network", nil, select(2, book { reconcile_timeout = 3 }), { applied = "maybe", retryable = false })
    end)

    it("does not count a booking that was cancelled meanwhile", function()
      server:reply(lost())
      hoopai.run(function()
        local task = hoopai.spawn(book, { reconcile_timeout = 2 })
        expect.eventually(function() return server:count "ended" == 1 end, "the create ended")
        server:reply(script.times(2, list_with_own { appointmentStatus = "cancelled" }()))
        failure("network", nil, select(2, task:join()), { applied = "maybe" })
      end)
    end)
  end)

  describe("before a refusal is believed", function()
    --- Books with a create that is refused, and then a list with the own booking; returns what `book` does.
    local function refused_and_there(status, message, fields, more, ...)
      local refusal = refused(status, message)
      refusal.hold = "listed"
      server:reply(refusal, ...)
      local booked, response
      hoopai.run(function()
        local task = hoopai.spawn(book, more)
        expect.eventually(function() return server:count "arrived" == server:count "ended" + 1 end, "the create came")
        expect.eventually(function() return script.creates(server) == 1 end, "it is in the ledger")
        server:reply(list_with_own(fields)())
        server:release "listed"
        booked, response = task:join()
      end)
      return booked, response
    end

    it("finds the booking that was made all the same, whatever the refusal says", function()
      for status, message in pairs {
        [400] = script.TAKEN,
        [403] = '{"message":"no"}',
        [404] = '{"message":"no"}',
        [409] = '{"message":"a second one"}',
        [422] = '{"message":"odd"}',
        [429] = '{"message":"slow down"}',
      } do
        local booked, response = refused_and_there(status, message, {}, { on_taken = "next" }, one "e1")
        assert.are.equal("e1", booked and booked.id, tostring(response))
        assert.is_true(response.reconciled)
        assert.are.equal(script.SLOT, response.slot)
        assert.are.equal(1, script.creates(server))
        server:reset()
      end
    end)

    it("finds it without a reference, by an event that is new", function()
      local old = event { id = "e0", description = false }
      server:reply(
        list_of(old),
        refused(400, script.TAKEN),
        list_of(old, event { id = "e1", description = false }),
        one "e1"
      )
      local booked, response = assert(book { reference = false })
      assert.are.equal("e1", booked.id)
      assert.is_true(response.reconciled)
    end)

    it("believes it if the slot belongs to another booking, also of the same contact", function()
      server:reply(
        refused(400, script.TAKEN),
        list_of(event { id = "e0", contactId = "other" }, event { id = "e2", description = "[ref another-one]" })
      )
      failure("slot_taken", nil, select(2, book()), { applied = "no" })
    end)

    it("does not try the next slot when it cannot look", function()
      server:reply(refused(400, script.TAKEN), { path = script.LIST, status = 500, body = '{"message":"down"}' })
      local err =
        failure("server", nil, select(2, book { on_taken = "next" }), { applied = "maybe", retryable = false })
      assert.are.equal("slot_taken", err.cause.kind)
      assert.are.equal("con", err.booking.contactId)
      assert.matches("no longer available", err.message, 1, true)
      assert.are.equal(1, script.creates(server))
    end)

    it("does not try the next slot where one like it lacks the reference", function()
      server:reply(refused(400, script.TAKEN), list_of(event { description = "Bring the pap" }))
      local err = failure("conflict", nil, select(2, book { on_taken = "next" }), { applied = "maybe" })
      assert.are.same({ "e1" }, err.details)
      assert.are.equal("slot_taken", err.cause.kind)
      assert.are.equal(1, script.creates(server))
    end)

    it("says that there are several", function()
      local refusal = refused(400, script.TAKEN)
      server:reply(list_of(), refusal, list_of(event(), event { id = "e2" }))
      local _, err = book { reference = "my-reference" }
      failure("duplicate", nil, err, { applied = "yes", details = { "e1", "e2" } })
      assert.are.equal("slot_taken", err.cause.kind)
    end)

    it("believes what refuses a request beforehand when it cannot look", function()
      for status, kind in pairs { [401] = "auth", [403] = "forbidden" } do
        server:reply(refused(status), { path = script.LIST, status = status, body = '{"message":"no"}' })
        failure(kind, nil, select(2, book()), { applied = "no", status = status })
      end
    end)

    it("does not look when nothing was sent", function()
      local url, holder = servers.refusing()
      local other = leak.client { token = "t", base_url = url, location_id = "loc", timeout = 5 }
      local given = script.given { reference = true }
      local err = failure("network", nil, select(2, other.appointments:book(given)), { applied = "no" })
      assert.are.equal(script.CREATE, err.path)
      holder:close()
    end)

    it("remembers the booking of a task that is cancelled while it looks", function()
      server:reply(refused(400, script.TAKEN), { path = script.LIST, steps = { { stall = true } } })
      local _, err = hoopai.timeout(0.6, book)
      failure("timeout", nil, err, { applied = "maybe" })
      assert.are.equal("con", err.unclear[#err.unclear].booking.contactId)
    end)
  end)

  describe("a success that describes another booking", function()
    it("is no success: the booking is looked for", function()
      local others = {
        { contactId = "other" },
        { calendarId = "other" },
        { locationId = "other" },
        { startTime = "2031-12-01T10:00:00-05:00" },
        { appointmentStatus = "cancelled" },
        { appointmentStatus = "invalid" },
        { deleted = true },
        { description = "[ref another-one]" },
      }
      server:reply(script.times(#others, { path = script.LIST, status = 403, body = '{"message":"no"}' }))
      for _, fields in ipairs(others) do
        server:reply(made(fields))
      end
      hoopai.map(others, function(fields, index)
        local slot = ("2026-12-01T10:%02d:00-05:00"):format(index)
        local _, err = book { startTime = slot }
        failure("decode", nil, err, { applied = "maybe" })
        assert.are.equal(slot, err.booking.startTime, next(fields))
      end)
      assert.are.equal(#others, script.creates(server))
    end)

    it("is one if it only spells the instant in another way, or leaves fields out", function()
      local description = "Bring the papers."
      server:reply(made { id = "a1", startTime = script.SAME_INSTANT, description = description })
      server:reply(made())
      server:reply(made { id = "a2", calendarId = false, description = false, startTime = "2026-12-01 10:00" })
      for _, id in ipairs { "a1", "a1", "a2" } do
        local booked, response = assert(book())
        assert.are.equal(id, booked.id)
        assert.is_nil(response.reconciled)
        assert.are.equal(script.SLOT, response.slot)
      end
    end)

    it("is none if the booking was there before", function()
      local old = event { id = "old", description = false }
      server:reply(list_of(old), made { id = "old" }, list_of(old, event { id = "e1", description = false }), one "e1")
      local booked, response = assert(book { reference = false })
      assert.are.equal("e1", booked.id)
      assert.is_true(response.reconciled)
    end)
  end)
end)
