-- appointments:book: what it sends, what it finds out when the answer is lost, and what it says then.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse
local time = hoopai.time

local TOKEN = "pit-booking-spec-token"
local CREATE = "/calendars/events/appointments"
local LIST = "/calendars/events"
local FREE = "/calendars/cal/free-slots"
local SLOT = "2026-12-01T10:00:00-05:00"
local SAME_INSTANT = "2026-12-01T16:00:00+01:00"

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

    local function event(fields)
      local all = {
        id = "e1",
        calendarId = "cal",
        contactId = "con",
        startTime = SLOT,
        appointmentStatus = "confirmed",
        description = "[ref my-reference]",
      }
      for name, value in pairs(fields or {}) do
        all[name] = value or nil
      end
      local parts = {}
      for name, value in pairs(all) do
        parts[#parts + 1] = json.quote(name) .. ":" .. json.quote(value)
      end
      return "{" .. table.concat(parts, ",") .. "}"
    end

    local function list_of(...) return { path = LIST, body = '{"events":[' .. table.concat({ ... }, ",") .. "]}" } end

    -- stylua: ignore
    local function one(id)
      return { path = CREATE .. "/" .. id, body = '{"appointment":' .. event { id = id } .. "}" }
    end

    local function lost(how) return { method = "POST", path = CREATE, [how or "reset"] = "before" } end

    local function book(more, options)
      local given = { calendarId = "cal", contactId = "con", startTime = SLOT, reference = "my-reference" }
      for name, value in pairs(more or {}) do
        given[name] = value
      end
      if more and more.startTime == false then given.startTime = nil end
      return client.appointments:book(given, options)
    end

    local function posts()
      local found = {}
      for _, entry in ipairs(server:ledger()) do
        if entry.method == "POST" then found[#found + 1] = entry end
      end
      return found
    end

    it("sends one create, with a reference at the end of the description, and nothing that is unknown", function()
      server:reply { method = "POST", path = CREATE, body = '{"id":"a1"}' }
      local booked, response = assert(book { description = "Bring the papers.", title = "Visit" })
      assert.are.equal("a1", booked.id)
      assert.are.equal(SLOT, response.slot)
      assert.are.equal("my-reference", response.reference)
      assert.is_nil(response.reconciled)
      assert.are.equal(1, #server:ledger())
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
      local events = {}
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
      for _, entry in ipairs(server:ledger()) do
        if entry.path == LIST then
          local from, to = entry.query:match("^locationId=loc&calendarId=cal&startTime=(%d+)&endTime=(%d+)$")
          assert.is_true(tonumber(from) >= start - 3600000 and tonumber(to) <= start + 3600000 + 600000)
          assert.are.equal(7200000, to - from)
        end
      end
    end)

    it("finds one that the API made late", function()
      server:reply(lost(), list_of(), list_of(event()), one "e1")
      local booked, response = assert(book())
      assert.are.equal("e1", booked.id)
      assert.is_true(response.reconciled)
      assert.are.equal(1, #posts())
    end)

    it("answers with the entry of the list where the booking itself cannot be read", function()
      server:reply(lost(), list_of(event()), { path = CREATE .. "/e1", status = 404, body = "{}" })
      local booked, response = assert(book())
      assert.are.equal("e1", booked.id)
      assert.is_true(response.reconciled)
    end)

    it("takes an event without any description by calendar, contact and instant", function()
      server:reply(
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
      server:reply(lost(), list_of(event { description = "[ref my-reference-2]" }))
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
      server:reply(lost(), list_of(event(), event { id = "e2" }))
      local err = failure("duplicate", nil, select(2, book()), { applied = "yes", details = { "e1", "e2" } })
      assert.are.equal("network", err.cause.kind)
      assert.are.equal("my-reference", err.booking.reference)
    end)

    it("says that nothing was booked only after long enough, and while the slot is free", function()
      -- Three bookings at a time, as each has to wait.
      local free = { path = FREE, always = true, body = '{"2026-12-01":{"slots":["' .. SAME_INSTANT .. '"]}}' }
      local none = { path = "/calendars/full/free-slots", always = true, body = '{"2026-12-01":{"slots":[]}}' }
      local unwilling = { path = FREE, status = 400, body = '{"message":"ask again"}' }
      server:reply(
        { method = "POST", path = CREATE, reset = "before", times = 3 },
        unwilling,
        free,
        none,
        { path = LIST, always = true, body = '{"events":[]}' }
      )
      local cases = { { patience = 14 }, { patience = 14, calendar = "full" }, { patience = 3 } }
      local errs = select(
        2,
        hoopai.map(
          cases,
          function(case, index)
            return client.appointments:book {
              calendarId = case.calendar or "cal",
              contactId = "con",
              reference = "reference-" .. index,
              startTime = ("2026-12-01T1%d:00:00-05:00"):format(index - 1),
              reconcile_timeout = case.patience,
            }
          end
        )
      )
      failure("network", nil, errs[1], { applied = "no", retryable = true })
      assert.is_nil(errs[1].booking)
      for index = 2, 3 do
        local err = failure("network", nil, errs[index], { applied = "maybe", retryable = false })
        assert.are.equal("reference-" .. index, err.booking.reference)
        assert.matches("find_booking", err.message)
      end
      assert.are.equal(3, #posts())
    end)

    it("is not sure that nothing was booked where one like it lacks the reference", function()
      local free = { path = FREE, always = true, body = '{"2026-12-01":{"slots":["' .. SAME_INSTANT .. '"]}}' }
      local cut = list_of(event { description = "Bring the pap" })
      cut.always = true
      server:reply(lost(), cut, free)
      local _, err = book { reconcile_timeout = 14 }
      failure("network", nil, err, { applied = "maybe" })
      _, err = client.appointments:find_booking(err.booking)
      failure("not_found", nil, err, { applied = "maybe", details = { "e1" } })
    end)

    it("stops looking when that is hopeless, and says how to look again", function()
      server:reply(lost(), { path = LIST, status = 403, body = '{"message":"no access"}' })
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
      server:reply(lost(), { path = LIST, status = 403, body = "{}" })
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
      server:reply(lost(), { path = LIST, steps = { { stall = true } } }, list_of(event()), one "e1")
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

    it("passes a refusal on at once", function()
      for status, kind in pairs { [400] = "refused", [403] = "forbidden", [404] = "not_found", [422] = "refused" } do
        server:reply { method = "POST", path = CREATE, status = status, body = '{"message":"no"}' }
        failure(kind, nil, select(2, book()), { applied = "no", status = status })
      end
      server:reply {
        method = "POST",
        path = CREATE,
        status = 400,
        body = '{"message":"The slot you have selected is no longer available."}',
      }
      failure("slot_taken", nil, select(2, book()), { applied = "no" })
      assert.are.equal(5, #server:ledger())
    end)

    it("tries the next free slots, up to a bound", function()
      local taken = {
        method = "POST",
        path = CREATE,
        status = 400,
        times = 2,
        body = '{"message":"The slot you have selected is no longer available."}',
      }
      local day = '{"2026-12-01":{"slots":["2026-12-01T09:00:00-05:00","2026-12-01T10:00:00-05:00",'
        .. '"2026-12-01T10:30:00-05:00","2026-12-01T11:00:00-05:00"]}}'
      server:reply(
        taken,
        { path = FREE, body = day, times = 2 },
        { method = "POST", path = CREATE, body = '{"id":"a1"}' }
      )
      local _, response = assert(book { on_taken = "next" })
      assert.are.equal("2026-12-01T11:00:00-05:00", response.slot)
      assert.are.equal(3, #posts())
      server:reset()

      server:reply(taken, { path = FREE, body = day, times = 1 })
      failure("slot_taken", nil, select(2, book { on_taken = "next", max_slots = 2 }), { applied = "no", status = 400 })
      assert.are.equal(2, #posts())
      server:reset()

      server:reply(taken, { path = FREE, body = day }, { path = FREE, body = "{}" })
      failure("slot_taken", nil, select(2, book { on_taken = "next" }), { applied = "no" })
    end)

    it("books the first free slot of a window", function()
      server:reply({
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
      local asked = server:ledger()[1]
      assert.are.equal(
        ("startDate=%d&endDate=%d&timezone=America%%2FNew_York&userId=u"):format(from:ms(), from:ms() + 2 * 86400000),
        asked.query
      )
      assert.is_nil(json.read(server:last().body).timezone)
    end)

    it("says when no slot of the window is free", function()
      local body = '{"2026-12-01":{"slots":["' .. SLOT .. '"]},"traceId":"t"}'
      server:reply({ path = FREE, body = '{"traceId":"t"}' }, { path = FREE, body = body })
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
      server:reply(
        lost(),
        list_of(event { description = "[ref first-booking]" }),
        one "e1",
        { method = "POST", path = CREATE, status = 400, body = '{"message":"The slot is no longer available"}' }
      )
      local results, errs = hoopai.map(
        { "first-booking", "second-booking" },
        function(reference) return book { reference = reference } end
      )
      assert.are.equal("e1", results[1].id)
      failure("slot_taken", nil, errs[2])
      local methods = {}
      for index, entry in ipairs(server:ledger()) do
        methods[index] = entry.method
      end
      assert.are.same({ "POST", "GET", "GET", "POST" }, methods)
    end)

    it("waits for its turn no longer than queue_timeout", function()
      server:reply { method = "POST", path = CREATE, hold = "open", body = '{"id":"a1"}' }
      hoopai.run(function()
        local first = hoopai.spawn(book)
        expect.eventually(function() return server:count "arrived" == 1 end, "the first create arrived")
        local err = failure("timeout", nil, select(2, book({}, { queue_timeout = 0.1 })), { stage = "queue" })
        assert.are.equal("no", err.applied)
        assert.is_true(err.retryable)
        server:release "open"
        assert.are.equal("a1", assert(first:join()).id)
      end)
      assert.are.equal(1, #posts())
    end)

    it("leaves the slot to others when its task is cancelled", function()
      server:reply(
        { method = "POST", path = CREATE, steps = { { stall = true } } },
        { method = "POST", path = CREATE, body = '{"id":"a2"}' }
      )
      hoopai.run(function()
        local task = hoopai.spawn(book)
        expect.eventually(function() return server:count "arrived" == 1 end, "the first create arrived")
        task:cancel()
        assert.are.equal("a2", assert(book()).id)
      end)
    end)

    it("that is cut off after it left is told with what to look for", function()
      local function cut_off(seconds)
        local result, err = hoopai.timeout(seconds, book)
        return failure("timeout", result, err).unclear, err.applied
      end
      server:reply { method = "POST", path = CREATE, steps = { { stall = true } } }
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

      server:reply(lost()) -- cut off before the first look
      local unclear, applied = cut_off(0.6)
      assert.are.equal("maybe", applied)
      assert.are.equal(1, #unclear)
      failure("cancelled", nil, unclear[1], { applied = "maybe" })
      assert.are.equal("network", unclear[1].cause.kind)
      server:reply(list_of(event()), one "e1")
      assert.are.equal("e1", assert(client.appointments:find_booking(unclear[1].booking)).id)
    end)

    it("ends at once when its client is closed while it finds out", function()
      server:reply(lost(), list_of())
      hoopai.run(function()
        local task = hoopai.spawn(book)
        expect.eventually(function() return server:count "ended" == 2 end, "the first look ended")
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
      problems(with { from = "2026-12-02T00:00:00Z", to = "2026-12-01T00:00:00Z" }, "to")
      problems(with { from = "2026-12-01T00:00:00Z", to = "2027-02-01T00:00:00Z" }, "to")
      problems(with { from = "2026-12-01T00:00:00Z", startTime = SLOT }, "from")
      problems(with { endTime = "2026-12-01T11:00:00Z" }, "endTime")
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
