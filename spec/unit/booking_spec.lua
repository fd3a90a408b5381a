-- appointments:book: what it sends, what it finds out when the answer is lost, and what it says then.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local script = require "spec.support.booking_script"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse
local time = hoopai.time

local TOKEN = "pit-booking-spec-token"
local CREATE, LIST, FREE, SLOT = script.CREATE, script.LIST, script.FREE, script.SLOT
local SAME_INSTANT, TAKEN = script.SAME_INSTANT, script.TAKEN
local event, list_of, one, lost, refused = script.event, script.list_of, script.one, script.lost, script.refused

describe("booking", function()
  describe("against a scripted server", function()
    local server, client

    setup(function() server = servers.start() end)
    teardown(function() server:stop() end)
    before_each(function()
      leak.before()
      client = leak.client { token = TOKEN, base_url = server.url, location_id = "loc", timeout = 5, retries = 2 }
    end)
    after_each(function() leak.after(server) end)

    --- A script that begins with the look for a reference of one's own, which finds nothing.
    local function reply(...) server:reply(list_of(), ...) end

    local function book(more, options) return client.appointments:book(script.given(more), options) end

    local function posts()
      local found = {}
      for _, entry in ipairs(server:ledger()) do
        if entry.method == "POST" then found[#found + 1] = entry end
      end
      return found
    end

    it("sends one create, with a reference at the end of the description, and nothing that is unknown", function()
      reply { method = "POST", path = CREATE, body = '{"id":"a1"}' }
      local booked, response = assert(book { description = "Bring the papers.", title = "Visit" })
      assert.are.equal("a1", booked.id)
      assert.are.equal(SLOT, response.slot)
      assert.are.equal("my-reference", response.reference)
      assert.is_nil(response.reconciled)
      assert.is_nil(response.existing)
      assert.are.equal(2, #server:ledger())
      assert.are.same({
        calendarId = "cal",
        contactId = "con",
        startTime = SLOT,
        locationId = "loc",
        title = "Visit",
        description = "Bring the papers.\n\n[ref my-reference]",
      }, json.read(server:last().body))
    end)

    it("makes up a reference that no other booking has", function()
      server:reply { method = "POST", path = CREATE, body = '{"id":"a1"}', times = 2 }
      local seen = {}
      for _ = 1, 2 do
        local _, response = assert(client.appointments:book { calendarId = "cal", contactId = "con", startTime = SLOT })
        assert.matches("^hoopai%-%x+$", response.reference)
        assert.are.equal(39, #response.reference)
        assert.is_nil(seen[response.reference])
        seen[response.reference] = true
        assert.are.equal("[ref " .. response.reference .. "]", json.read(server:last().body).description)
      end
    end)

    it("finds a booking whose answer was lost, by its reference", function()
      -- All at a time, each for a slot of its own: a look comes a second after the failure.
      local failures = {
        lost "reset",
        lost "close",
        { method = "POST", path = CREATE, status = 500, body = "{}" },
        { method = "POST", path = CREATE, status = 504, body = "<html>" },
        { method = "POST", path = CREATE, status = 200, body = "<html>" },
        {
          method = "POST",
          path = CREATE,
          status = 200,
          body = '{"id":"a1"',
          headers = { ["Content-Length"] = "99" },
          close = true,
        },
        { method = "POST", path = CREATE, status = 200, body = "{}" },
      }
      local events, none = {}, list_of()
      none.times = #failures
      server:reply(none)
      for index, rule in ipairs(failures) do
        server:reply(rule, one("e" .. index))
        events[index] = event { id = "e" .. index, description = "x\n\n[ref reference-" .. index .. "]" }
      end
      local listed = list_of(event { id = "e0", description = "another" }, table.unpack(events))
      listed.times = #failures
      server:reply(listed)
      hoopai.map(failures, function(_, index)
        local booked, response = book {
          reference = "reference-" .. index,
          startTime = ("2026-12-01T10:%02d:00-05:00"):format(index),
        }
        assert.are.equal("e" .. index, booked and booked.id, tostring(response))
        assert.is_true(response.reconciled)
      end)
      assert.are.equal(#failures, #posts())
      local start = time.parse("2026-12-01T10:00:00-05:00"):ms()
      local near = 0
      for _, entry in ipairs(server:ledger()) do
        local from, to = (entry.query or ""):match("^locationId=loc&calendarId=cal&startTime=(%d+)&endTime=(%d+)$")
        if entry.path == LIST and to - from == 7200000 then
          near = near + 1
          assert.is_true(tonumber(from) >= start - 3600000 and tonumber(to) <= start + 3600000 + 600000)
        end
      end
      assert.are.equal(#failures, near)
    end)

    it("finds one that the API made late", function()
      reply(lost(), list_of(), list_of(event()), one "e1")
      local booked, response = assert(book())
      assert.are.equal("e1", booked.id)
      assert.is_true(response.reconciled)
      assert.are.equal(1, #posts())
    end)

    it("answers with the entry of the list where the booking itself cannot be read", function()
      reply(lost(), list_of(event()), { path = CREATE .. "/e1", status = 404, body = "{}" })
      local booked, response = assert(book())
      assert.are.equal("e1", booked.id)
      assert.is_true(response.reconciled)
    end)

    it("takes an event without any description by calendar, contact and instant", function()
      reply(
        lost(),
        list_of(
          event { id = "x1", description = false, contactId = "other" },
          event { id = "x2", description = false, calendarId = "other" },
          event { id = "x3", description = false, startTime = "2026-12-01T10:30:00-05:00" },
          event { id = "x4", description = false, appointmentStatus = "cancelled" },
          event { id = "x5", description = false, dateAdded = "2001-01-01T00:00:00.000Z" },
          event { id = "e1", description = false, startTime = SAME_INSTANT }
        ),
        one "e1"
      )
      assert.are.equal("e1", assert(book()).id)
    end)

    it("takes no booking whose reference only begins like its own", function()
      reply(lost(), list_of(event { description = "[ref my-reference-2]" }))
      local err = failure("network", nil, select(2, book { reconcile_timeout = 0 }), { applied = "maybe" })
      server:reply(list_of(event { description = "[ref my-reference-2]" }))
      failure("not_found", nil, select(2, client.appointments:find_booking(err.booking)))
    end)

    it("without a reference looks before as well, and takes what is new", function()
      server:reply(
        list_of(event { id = "old", description = false }),
        lost(),
        list_of(event { id = "old", description = false }, event { id = "e1", description = false }),
        one "e1"
      )
      local booked, response = assert(book { reference = false })
      assert.are.equal("e1", booked.id)
      assert.is_nil(response.reference)
      assert.is_nil(json.read(posts()[1].body).description)
    end)

    it("without a reference sends nothing when it cannot look before", function()
      server:reply { path = LIST, status = 403, body = '{"message":"no"}' }
      failure("forbidden", nil, select(2, book { reference = false }), { applied = "no" })
      assert.are.equal(0, #posts())
    end)

    it("more than one is an error that names them", function()
      reply(lost(), list_of(event(), event { id = "e2" }))
      local err = failure("duplicate", nil, select(2, book()), { applied = "yes", details = { "e1", "e2" } })
      assert.are.equal("network", err.cause.kind)
      assert.are.equal("my-reference", err.booking.reference)
    end)

    it("is not sure that nothing was booked where one like it lacks the reference", function()
      local cut = list_of(event { description = "Bring the pap" })
      cut.always = true
      reply(lost(), cut)
      local _, err = book { reconcile_timeout = 2 }
      failure("network", nil, err, { applied = "maybe" })
      _, err = client.appointments:find_booking(err.booking)
      failure("not_found", nil, err, { applied = "maybe", details = { "e1" } })
    end)

    it("stops looking when that is hopeless, and says how to look again", function()
      reply(lost(), { path = LIST, status = 403, body = '{"message":"no access"}' })
      local err
      expect.within(4, function() err = failure("network", nil, select(2, book()), { applied = "maybe" }) end)
      server:reply(list_of(event()), one "e1")
      local booked, response = assert(client.appointments:find_booking(err.booking))
      assert.are.equal("e1", booked.id)
      assert.is_true(response.reconciled)
      server:reply(list_of())
      failure("not_found", nil, select(2, client.appointments:find_booking(err.booking)), { applied = "no" })
      server:reply(list_of(event(), event { id = "e2" }))
      failure("duplicate", nil, select(2, client.appointments:find_booking(err.booking)))
    end)

    it("says what to look for in plain data, the location included", function()
      local start = time.at { year = 2026, month = 12, day = 1, hour = 10, zone = "America/New_York" }
      reply(lost(), { path = LIST, status = 403, body = "{}" })
      local _, err = book { startTime = start, endTime = start + time.minutes(30), reconcile_timeout = 0 }
      assert.are.equal(math.type(err.booking.sent_ms), "integer")
      err.booking.sent_ms = nil
      assert.are.same({
        calendarId = "cal",
        contactId = "con",
        locationId = "loc",
        reference = "my-reference",
        startTime = SLOT,
        endTime = "2026-12-01T10:30:00-05:00",
      }, err.booking)
    end)

    it("gives no look more time than a call may take, nor more than is left", function()
      reply(lost(), { path = LIST, steps = { { stall = true } } }, list_of(event()), one "e1")
      assert.is_true(select(2, assert(book({}, { timeout = 1 }))).reconciled)
      server:reset()

      local limited = leak.client { token = TOKEN, base_url = server.url, location_id = "loc", rate_limit = true }
      local budget = { ["X-RateLimit-Max"] = "2", ["X-RateLimit-Interval-Milliseconds"] = "40000" }
      server:reply({ path = "/calendars/", body = '{"calendars":[]}', headers = budget }, lost())
      assert(limited.calendars:list())
      expect.within(15, function()
        local _, err = limited.appointments:book {
          calendarId = "cal",
          contactId = "con",
          startTime = SLOT,
          reconcile_timeout = 2,
        }
        failure("network", nil, err, { applied = "maybe" })
      end)
    end)

    it("passes a refusal on once the booking was looked for", function()
      for status, kind in pairs { [400] = "refused", [403] = "forbidden", [404] = "not_found", [422] = "refused" } do
        reply(refused(status), list_of())
        failure(kind, nil, select(2, book()), { applied = "no", status = status })
      end
      reply(refused(400, TAKEN), list_of())
      failure("slot_taken", nil, select(2, book()), { applied = "no" })
      assert.are.equal(15, #server:ledger())
    end)

    it("tries the next free slots, up to a bound", function()
      local taken, none = refused(400, TAKEN), list_of()
      taken.times, none.times = 2, 3
      local day = '{"2026-12-01":{"slots":["2026-12-01T09:00:00-05:00","2026-12-01T10:00:00-05:00",'
        .. '"2026-12-01T10:30:00-05:00","2026-12-01T11:00:00-05:00"]}}'
      server:reply(
        none,
        taken,
        { path = FREE, body = day, times = 2 },
        { method = "POST", path = CREATE, body = '{"id":"a1"}' }
      )
      local _, response = assert(book { on_taken = "next" })
      assert.are.equal("2026-12-01T11:00:00-05:00", response.slot)
      assert.are.equal(3, #posts())
      server:reset()

      server:reply(none, taken, { path = FREE, body = day, times = 1 })
      failure("slot_taken", nil, select(2, book { on_taken = "next", max_slots = 2 }), { applied = "no", status = 400 })
      assert.are.equal(2, #posts())
      server:reset()

      server:reply(none, taken, { path = FREE, body = day }, { path = FREE, body = "{}" })
      failure("slot_taken", nil, select(2, book { on_taken = "next" }), { applied = "no" })
    end)

    it("books the first free slot of a window", function()
      reply({
        path = FREE,
        body = '{"2026-12-02":{"slots":["2026-12-02T08:00:00-05:00"]},"2026-12-01":{"slots":["'
          .. SLOT
          .. '","2026-12-01T12:00:00-05:00"]}}',
      }, { method = "POST", path = CREATE, body = '{"id":"a1"}' })
      local from = time.parse("2026-12-01T00:00:00Z")
      local _, response = assert(book {
        startTime = false,
        from = from,
        to = from + time.days(2),
        assignedUserId = "u",
        timezone = "America/New_York",
      })
      assert.are.equal(SLOT, response.slot)
      local asked = server:ledger()[2]
      assert.are.equal(
        ("startDate=%d&endDate=%d&timezone=America%%2FNew_York&userId=u"):format(
          from:ms() - 1, -- an API may exclude the start of the window
          from:ms() + 2 * 86400000
        ),
        asked.query
      )
      assert.is_nil(json.read(server:last().body).timezone)
    end)

    describe("a window of any length", function()
      local DAY = 86400000
      local from = time.parse("2026-12-01T00:00:00Z"):ms()

      local function free(...)
        local list = {}
        for index, slot in ipairs { ... } do
          list[index] = ('"%s":{"slots":["%s"]}'):format(slot:sub(1, 10), slot)
        end
        return { path = FREE, body = "{" .. table.concat(list, ",") .. "}" }
      end

      --- The windows that were asked for, in days from `from`.
      local function asked()
        local spans = {}
        for _, entry in ipairs(server:ledger()) do
          local first, last = (entry.query or ""):match("^startDate=(%d+)&endDate=(%d+)")
          if first then spans[#spans + 1] = { (first - from) / DAY, (last - from) / DAY } end
        end
        return spans
      end

      local function book_within(days, more)
        local given = { startTime = false, from = from, to = from + days * DAY }
        for name, value in pairs(more or {}) do
          given[name] = value
        end
        return book(given)
      end

      it("is read in parts of 30 days, up to the first free slot", function()
        reply(free(), free("2026-12-31T10:00:00Z", "2027-01-05T10:00:00Z"), script.made())
        local _, response = assert(book_within(365))
        assert.are.equal("2026-12-31T10:00:00Z", response.slot)
        local before = -1 / DAY -- a millisecond: no slot begins at a seam
        assert.are.same({ { before, before + 30 }, { before + 30, before + 60 } }, asked())
      end)

      it("goes on after the slot that was taken, into the next part", function()
        reply(
          free "2026-12-30T23:00:00Z",
          refused(400, TAKEN),
          list_of(),
          free(),
          free "2027-01-29T23:30:00Z",
          script.made()
        )
        local _, response = assert(book_within(60))
        assert.are.equal("2027-01-29T23:30:00Z", response.slot)
        local spans = asked()
        assert.are.equal(3, #spans)
        assert.is_true(spans[2][1] * DAY == time.parse("2026-12-30T23:00:00Z"):ms() - from + 1)
      end)

      it("ends before `to`, and its error shows the zone that was given", function()
        reply(free(), free "2027-01-30T00:00:00Z")
        local err = failure("slot_taken", nil, select(2, book_within(60, { timezone = "Europe/Berlin" })))
        assert.matches("between 2026-12-01T01:00:00+01:00 and 2027-01-30T01:00:00+01:00", err.message, 1, true)
        assert.are.equal(0, #posts())
      end)

      it("is given up at the part that cannot be read", function()
        reply(free(), { path = FREE, status = 403, body = '{"message":"no"}' })
        failure("forbidden", nil, select(2, book_within(365)), { applied = "no" })
        assert.are.equal(0, #posts())
      end)
    end)

    it("does not say that no slot is free where what is offered cannot be read", function()
      local bodies = {
        '{"2026-12-01":{"slots":["2026-12-01T13:00:00"]}}',
        '{"2026-12-01":["' .. SLOT .. '"]}',
        '{"slots":["' .. SLOT .. '"]}',
        '{"2026-12-01":{"slots":["' .. TOKEN .. '"]}}',
      }
      local window = { startTime = false, from = "2026-12-01T12:00:00Z", to = "2026-12-02T12:00:00Z" }
      for _, body in ipairs(bodies) do
        reply { path = FREE, body = body }
        local err = failure("decode", nil, select(2, book(window)), { applied = "no", path = FREE, calendarId = "cal" })
        assert.matches("the calendar cal has free slots that cannot be read", err.message, 1, true)
      end
      assert.are.equal(0, #posts())
      reply({ path = FREE, body = '{"2026-12-01":{"slots":["soon","' .. SLOT .. '"]}}' }, script.made())
      assert.are.equal(SLOT, select(2, assert(book(window))).slot)
    end)

    it("says when no slot of the window is free", function()
      local body = '{"2026-12-01":{"slots":["' .. SLOT .. '"]},"traceId":"t"}'
      server:reply({ path = FREE, body = '{"traceId":"t"}' }, { path = FREE, body = body })
      local none = list_of()
      none.times = 2
      server:reply(none)
      for _ = 1, 2 do -- the second time what is offered is after the window
        local err = failure(
          "slot_taken",
          nil,
          select(
            2,
            book {
              startTime = false,
              from = "2026-12-01T12:00:00Z",
              to = "2026-12-01T14:00:00Z",
            }
          ),
          { applied = "no" }
        )
        assert.matches("no slot is free between", err.message)
      end
    end)

    it("of two tasks that want one slot, the second waits until it is known what became of the first", function()
      local none, found = list_of(), list_of(event { description = "[ref first-booking]" })
      none.times, found.times = 2, 2
      local first_create = lost()
      first_create.hold = "both"
      server:reply(none, first_create, found, one "e1", refused(400, '{"message":"The slot is no longer available"}'))
      hoopai.run(function()
        local first = hoopai.spawn(book, { reference = "first-booking" })
        expect.eventually(function() return server:count "arrived" == 2 end, "the first create arrived")
        local second = hoopai.spawn(book, { reference = "second-booking" })
        expect.eventually(function() return server:count "ended" == 2 end, "the second task looked")
        server:release "both"
        assert.are.equal("e1", assert(first:join()).id)
        failure("slot_taken", nil, select(2, second:join()))
      end)
      local methods = {}
      for index, entry in ipairs(server:ledger()) do
        methods[index] = entry.method
      end
      assert.are.same({ "GET", "POST", "GET", "GET", "GET", "POST", "GET" }, methods)
    end)

    it("waits for its turn no longer than queue_timeout", function()
      reply({ method = "POST", path = CREATE, hold = "open", body = '{"id":"a1"}' }, list_of())
      hoopai.run(function()
        local first = hoopai.spawn(book)
        expect.eventually(function() return server:count "arrived" == 2 end, "the first create arrived")
        for what, reference in pairs { reference = "my-reference", slot = "another-one" } do
          local _, err = book({ reference = reference }, { queue_timeout = 0.1 })
          failure("timeout", nil, err, { stage = "queue", applied = "no", retryable = true })
          assert.matches("another booking of the " .. what, err.message, 1, true)
        end
        server:release "open"
        assert.are.equal("a1", assert(first:join()).id)
      end)
      assert.are.equal(1, #posts())
    end)

    it("leaves the slot to others when its task is cancelled", function()
      local none = list_of()
      none.times = 2
      server:reply(
        none,
        { method = "POST", path = CREATE, steps = { { stall = true } } },
        { method = "POST", path = CREATE, body = '{"id":"a2"}' }
      )
      hoopai.run(function()
        local task = hoopai.spawn(book)
        expect.eventually(function() return server:count "arrived" == 2 end, "the first create arrived")
        task:cancel()
        assert.are.equal("a2", assert(book()).id)
      end)
    end)

    it("that is cut off after it left is told with what to look for", function()
      local function cut_off(seconds)
        local result, err = hoopai.timeout(seconds, book)
        return failure("timeout", result, err).unclear, err.applied
      end
      reply { method = "POST", path = CREATE, steps = { { stall = true } } }
      hoopai.run(function() -- the second one waits for its turn, so that it did not leave
        local first = hoopai.spawn(cut_off, 0.6)
        hoopai.sleep(0)
        local unclear, applied = cut_off(0.2)
        assert.is_nil(unclear)
        assert.are.equal("no", applied)
        unclear, applied = first:join()
        assert.are.equal("maybe", applied)
        assert.are.equal(1, #unclear)
        assert.are.equal("my-reference", unclear[1].booking.reference)
      end)
      server:reset()

      reply(lost()) -- cut off before the first look after it
      local unclear, applied = cut_off(0.6)
      assert.are.equal("maybe", applied)
      assert.are.equal(1, #unclear)
      failure("cancelled", nil, unclear[1], { applied = "maybe" })
      assert.are.equal("network", unclear[1].cause.kind)
      server:reply(list_of(event()), one "e1")
      assert.are.equal("e1", assert(client.appointments:find_booking(unclear[1].booking)).id)
    end)

    it("ends at once when its client is closed while it finds out", function()
      reply(lost(), list_of())
      hoopai.run(function()
        local task = hoopai.spawn(book)
        expect.eventually(function() return server:count "ended" == 3 end, "the first look ended")
        client:close()
        expect.within(4, function() failure("network", nil, select(2, task:join()), { applied = "maybe" }) end)
      end)
    end)

    it("refuses what it cannot vouch for, before anything is sent, with all problems at once", function()
      local function problems(given, ...)
        local err = failure("invalid_request", nil, select(2, client.appointments:book(given)), { applied = "no" })
        local found = {}
        for _, detail in ipairs(err.details) do
          found[#found + 1] = detail.path
        end
        assert.are.same({ ... }, found, tostring(err))
        return tostring(err)
      end
      local fine = { calendarId = "cal", contactId = "con" }
      local function with(more)
        for name, value in pairs(fine) do
          more[name] = more[name] or value
        end
        return more
      end
      problems({ startTime = SLOT }, "calendarId", "contactId")
      assert.matches("create", problems(with { ignoreFreeSlotValidation = true }, "ignoreFreeSlotValidation"))
      problems(
        with { rrule = "RRULE:FREQ=DAILY", titel = "x", startTime = "2026-12-01 10:00" },
        "rrule",
        "startTime",
        "titel"
      )
      assert.matches("on_taken", problems(with { on_take = "next" }, "on_take"))
      problems(
        with { on_taken = "never", max_slots = 0, reference = "short", reconcile_timeout = -1, timezone = 1 },
        "max_slots",
        "on_taken",
        "reconcile_timeout",
        "reference",
        "timezone"
      )
      problems(with { from = 1000, to = "tomorrow" }, "from", "to")
      local earlier = "2020-01-01T00:00:00Z"
      assert.matches("must be after `startTime`", problems(with { startTime = SLOT, to = earlier }, "to"), 1, true)
      problems(with { from = "2026-12-02T00:00:00Z", to = "2026-12-01T00:00:00Z" }, "to")
      problems(with { from = "2026-12-01T00:00:00Z", startTime = SLOT }, "from")
      problems(with { endTime = "2026-12-01T11:00:00Z" }, "endTime")
      problems(with { startTime = SLOT, appointmentStatus = "cancelled" }, "appointmentStatus")
      problems(with { startTime = SLOT, appointmentStatus = "invalid" }, "appointmentStatus")
      local unchecked = { startTime = "tomorrow", endTime = 7, description = hoopai.null }
      local _, err = client.appointments:book(unchecked, { validate = false })
      failure("invalid_request", nil, err, { applied = "no" })
      for _, name in ipairs { "calendarId", "startTime", "endTime", "description" } do
        assert.matches(name, tostring(err), 1, true)
      end
      misuse(function()
        client.appointments:book()
        return nil
      end, "expects a table")
      misuse(function()
        client.appointments:book(fine, { time_out = 1 })
        return nil
      end, "appointments:book", "timeout")
      misuse(function()
        client.appointments:find_booking {}
        return nil
      end, "find_booking")
      misuse(function()
        client.appointments:find_booking { calendarId = "cal", startTime = "soon" }
        return nil
      end, "find_booking")
      misuse(function()
        client.appointments:find_booking(setmetatable({}, { __index = function() error "is read" end }))
        return nil
      end, "find_booking", "its `calendarId` is nil")
      local odd = { calendarId = 5, endTime = "soon", reference = {}, sent_ms = "now", known = hoopai.null }
      for name, value in pairs(odd) do
        local wanted = { calendarId = "cal", contactId = "con", startTime = SLOT, [name] = value }
        misuse(function()
          client.appointments:find_booking(wanted)
          return nil
        end, "find_booking", "its `" .. name .. "` is")
      end
      misuse(function()
        client.appointments.book(fine)
        return nil
      end, "colon")
      assert.are.equal(0, #server:ledger())
    end)
  end)

  describe("in the sandbox", function()
    local box, client

    setup(function() box = sandbox.start { rate_limit = false } end)
    teardown(function() box:stop() end)
    before_each(function()
      leak.before()
      client = leak.client { token = box.token, base_url = box.url, location_id = box.location_id }
    end)
    after_each(function() leak.after() end)

    it("gives ten tasks that want the next free slot ten different ones", function()
      local calendar = assert(client.calendars:list())[1]
      local results, errs = hoopai.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(index)
        local booked, response = client.appointments:book {
          calendarId = calendar.id,
          contactId = "ContactAdele00000000",
          title = "visit " .. index,
          max_slots = 20,
          assignedUserId = calendar.teamMembers[1].userId,
        }
        return booked and { id = booked.id, slot = response.slot }, response
      end)
      assert.is_nil(errs)
      local ids, taken = {}, {}
      for _, booked in ipairs(results) do
        assert.is_nil(ids[booked.id])
        assert.is_nil(taken[booked.slot])
        ids[booked.id], taken[booked.slot] = true, true
      end
    end)

    it("looks a booking up by what an error would carry", function()
      local calendar = assert(client.calendars:list())[1]
      local booked, response = assert(client.appointments:book {
        calendarId = calendar.id,
        contactId = "ContactAdele00000000",
        assignedUserId = calendar.teamMembers[1].userId,
      })
      local found = assert(client.appointments:find_booking {
        calendarId = calendar.id,
        contactId = "ContactAdele00000000",
        startTime = response.slot,
        reference = response.reference,
      })
      assert.are.equal(booked.id, found.id)
    end)
  end)
end)
