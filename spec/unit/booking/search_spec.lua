-- appointments:book with a reference of the caller's own: the search for a booking that an earlier run made. And what
-- search makes of clocks that are set.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local script = require "spec.support.booking_script"
local search = require "hoopai.booking.search"
local servers = require "spec.support.server"

local failure, time = expect.failure, hoopai.time
local event, list_of, one, made = script.event, script.list_of, script.one, script.made

local HOUR = 3600000
local DAY = 24 * HOUR

describe("hoopai.booking.search:", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "loc", timeout = 5 }
  end)
  after_each(function() leak.after(server) end)

  local function book(more, options) return client.appointments:book(script.given(more), options) end

  --- The span of a list in the ledger, in milliseconds.
  local function span(entry)
    local from, to = entry.query:match("^locationId=loc&calendarId=cal&startTime=(%d+)&endTime=(%d+)$")
    return tonumber(from), tonumber(to)
  end

  describe("a reference of one's own", function()
    it("is looked for before anything is sent, and its booking returned", function()
      server:reply(list_of(event { id = "e0", description = "[ref my-reference-2]" }, event()), one "e1")
      local booked, response = assert(book())
      assert.are.equal("e1", booked.id)
      assert.is_true(response.existing)
      assert.is_nil(response.reconciled)
      assert.are.equal(script.SLOT, response.slot)
      assert.are.equal("my-reference", response.reference)
      assert.are.equal(0, script.creates(server))
      local start = time.parse(script.SLOT):ms()
      local from, to = span(server:ledger()[1])
      assert.are.same({ start - DAY, start + (7 + 31) * DAY }, { from, to })
    end)

    it("is looked for from a day before the window to 31 days after it", function()
      local from, to = time.parse("2026-12-01T00:00:00Z"):ms(), time.parse("2026-12-03T00:00:00Z"):ms()
      server:reply(list_of(event { startTime = "2026-12-20T10:00:00Z" }), one("e1", { startTime = "a text" }))
      local _, response = assert(book { startTime = false, from = from, to = to })
      assert.is_true(response.existing)
      assert.are.equal("2026-12-20T10:00:00Z", response.slot) -- it was moved: where it is now
      local first, last = span(server:ledger()[1])
      assert.are.same({ from - DAY, to + 31 * DAY }, { first, last })
    end)

    it("is looked for around a window of any length, also if the list of it is too large", function()
      local from, to = time.parse("2026-12-01T00:00:00Z"):ms(), time.parse("2028-12-01T00:00:00Z"):ms()
      server:reply(
        { path = script.LIST, body = (" "):rep(9 * 1024 * 1024) }, -- a response may have 8 MiB
        list_of(),
        list_of(event { startTime = "2028-11-20T10:00:00Z" }),
        one "e1"
      )
      local booked, response = assert(book { startTime = false, from = from, to = to })
      assert.are.equal("e1", booked.id)
      assert.is_true(response.existing)
      local spans = {}
      for _, entry in ipairs(server:ledger()) do
        if entry.path == script.LIST then spans[#spans + 1] = { span(entry) } end
      end
      local middle = spans[2][2]
      assert.are.same({ { from - DAY, to + 31 * DAY }, { from - DAY, middle }, { middle, to + 31 * DAY } }, spans)
      assert.are.equal(0, script.creates(server))
    end)

    it("is not that of a booking that does not count, nor of one in another calendar", function()
      local others = {
        { appointmentStatus = "cancelled" },
        { appointmentStatus = "invalid" },
        { appointmentStatus = false, appoinmentStatus = "cancelled" },
        { deleted = true },
        { calendarId = "other" },
        { description = "[ref my-reference" },
        { description = "my-reference" },
        { description = "follows [ref my-reference]\n\n[ref another-one]" },
      }
      for _, fields in ipairs(others) do
        server:reply(list_of(event(fields)), made())
        local booked, response = assert(book())
        assert.are.equal("a1", booked.id)
        assert.is_nil(response.existing)
      end
      assert.are.equal(#others, script.creates(server))
    end)

    it("is found in a text that was written on, or that has it twice or after another one", function()
      for _, description in ipairs {
        "Visit\n\n[ref my-reference]\n\nMoved by phone.",
        "[ref my-reference] again\n\n[ref my-reference]",
        "follows [ref another-one]\n\n[ref my-reference]",
      } do
        server:reply(list_of(event { description = description }), one "e1")
        assert.is_true(select(2, assert(book())).existing, description)
      end
    end)

    it("of another contact's booking is a conflict", function()
      server:reply(list_of(event { contactId = "other" }))
      local err = failure("conflict", nil, select(2, book()), { applied = "no", details = { "e1" }, retryable = false })
      assert.matches("another contact: e1", err.message, 1, true)
      assert.are.equal(0, script.creates(server))
    end)

    it("of two bookings is an error that names them; an event that is listed twice is one", function()
      server:reply(list_of(event(), event { id = "e2", startTime = "2026-12-09T10:00:00Z" }))
      failure("duplicate", nil, select(2, book()), { applied = "yes", details = { "e1", "e2" } })
      server:reply(list_of(event(), event()), one "e1")
      assert.is_true(select(2, assert(book())).existing)
      assert.are.equal(0, script.creates(server))
    end)

    it("that cannot be looked for is not booked", function()
      local kinds = { [400] = "refused", [403] = "forbidden", [404] = "not_found", [500] = "server" }
      for status, kind in pairs(kinds) do
        server:reply { path = script.LIST, status = status, body = '{"message":"no"}' }
        failure(kind, nil, select(2, book()), { applied = "no" })
      end
      server:reply { path = script.LIST, reset = "before", always = true } -- libcurl sends a read again
      failure("network", nil, select(2, book()), { applied = "no", retryable = true })
      assert.are.equal(0, script.creates(server))
      server:reset()
      server:reply { path = script.LIST, steps = { { stall = true } } }
      failure("timeout", nil, select(2, book({}, { timeout = 0.3 })), { applied = "no" })
      server:reply { path = script.LIST, body = '{"events":"none"}' }
      failure("decode", nil, select(2, book()), { applied = "no" })
      assert.are.equal(0, script.creates(server))
    end)

    it("is read from the appointment if the list shows no descriptions", function()
      local bare = event { description = false }
      server:reply(list_of(event { id = "e0", description = false, contactId = "other" }, bare), one "e1")
      assert.is_true(select(2, assert(book())).existing)
      -- another reference, none, and an appointment that is gone meanwhile
      server:reply(list_of(bare), one("e1", { description = "[ref another-one]" }), made())
      assert.are.equal("a1", assert(book()).id)
      server:reply(list_of(bare), one("e1", { description = false }), made())
      assert.are.equal("a1", assert(book()).id)
      server:reply(list_of(bare), { path = script.CREATE .. "/e1", status = 404, body = "{}" }, made())
      assert.are.equal("a1", assert(book()).id)
      -- it may be the booking
      server:reply(list_of(bare), { path = script.CREATE .. "/e1", status = 500, body = "{}" })
      failure("server", nil, select(2, book()), { applied = "no" })
      assert.are.equal(3, script.creates(server))
    end)

    it("is not booked if another appointment comes in place of the one that may have it", function()
      local bare, path = event { description = false }, script.CREATE .. "/e1"
      local bodies = {
        ["another one"] = '{"appointment":' .. event { id = "e9" } .. "}",
        ["none"] = '{"data":' .. event() .. "}",
      }
      for problem, body in pairs(bodies) do
        server:reply(list_of(bare), { path = path, body = body })
        local err = failure("decode", nil, select(2, book()), { applied = "no", status = 200 })
        assert.matches("the event e1 cannot be read: the response has " .. problem, err.message, 1, true)
      end
      server:reply(list_of(event { description = false, id = false }))
      assert.matches("it has no id", select(2, book()).message, 1, true)
      assert.are.equal(0, script.creates(server))
      -- It hides no booking that is found.
      server:reply(list_of(bare, event { id = "e2" }), { path = path, body = bodies["another one"] }, one "e2")
      assert.are.equal("e2", assert(book()).id)
      server:reply(list_of(bare), { path = path, body = event() }) -- without an envelope
      assert.is_true(select(2, assert(book())).existing)
    end)

    it("is read from the appointment if the list shows no contacts", function()
      local bare = event { description = false, contactId = false }
      server:reply(list_of(bare), one "e1")
      assert.is_true(select(2, assert(book())).existing)
      server:reply(list_of(bare), one("e1", { contactId = "other" }))
      failure("conflict", nil, select(2, book()), { applied = "no", details = { "e1" } })
      assert.are.equal(0, script.creates(server))
    end)

    it("is found in the halves of a span whose list is too large", function()
      local body = (" "):rep(9 * 1024 * 1024) -- a response may have 8 MiB
      local function too_large() return { path = script.LIST, body = body } end
      server:reply(too_large(), list_of(event { id = "e0", description = "x" }), list_of(event()), one "e1")
      assert.is_true(select(2, assert(book())).existing)
      local start = time.parse(script.SLOT):ms()
      local from, middle = span(server:ledger()[2])
      local second, to = span(server:ledger()[3])
      assert.are.same({ start - DAY, middle, start + 38 * DAY }, { from, second, to })
      server:reset()
      local all = too_large()
      all.always = true
      server:reply(all)
      failure("too_large", nil, select(2, book()), { applied = "no" })
      assert.are.equal(7, #server:ledger()) -- 39 days, halved until it is one at most
    end)

    it("of two tasks at once is booked once", function()
      server:reply(list_of(), made(), list_of(event { id = "a1" }), one "a1")
      local results, errs = hoopai.map({ 1, 2 }, function()
        local booked, response = book()
        return booked and { id = booked.id, existing = response.existing }, response
      end)
      assert.is_nil(errs)
      assert.are.same({ "a1", "a1" }, { results[1].id, results[2].id })
      assert.is_true((results[1].existing or results[2].existing) and not (results[1].existing and results[2].existing))
      assert.are.equal(1, script.creates(server))
    end)

    it("is found though the booking itself cannot be read, or another one comes in its place", function()
      server:reply(list_of(event()), { path = script.CREATE .. "/e1", status = 500, body = "{}" })
      local booked, response = assert(book())
      assert.are.equal("e1", booked.id)
      assert.is_true(response.existing)
      local other = one "e1"
      other.body = '{"appointment":' .. event { id = "e9", description = "x" } .. "}"
      server:reply(list_of(event()), other)
      assert.are.equal("e1", assert(book()).id)
    end)
  end)

  describe("an event of a series, without its contact or with a start that cannot be read", function()
    local odd = {
      { contactId = false },
      { startTime = false },
      { startTime = "2026-12-01 10:00:00" },
      { isRecurring = true },
    }

    local function bare(fields)
      local all = { description = false }
      for name, value in pairs(fields) do
        all[name] = value
      end
      return event(all)
    end

    it("may be the booking, which is not refused then", function()
      for _, fields in ipairs(odd) do
        server:reply(list_of(), script.refused(400, script.TAKEN), list_of(bare(fields)))
        local err = failure("conflict", nil, select(2, book { reference = false, on_taken = "next" }))
        assert.are.equal("maybe", err.applied)
        assert.are.same({ "e1" }, err.details)
      end
      assert.are.equal(#odd, script.creates(server))
    end)

    it("is the booking if the appointment has its reference, and is not if it has none", function()
      for _, fields in ipairs(odd) do
        server:reply(list_of(), script.refused(400, script.TAKEN), list_of(bare(fields)), one "e1")
        assert.is_true(select(2, assert(book())).reconciled)
        local other = one("e1", { description = "x" })
        server:reply(list_of(), script.refused(400, script.TAKEN), list_of(bare(fields)), other)
        failure("slot_taken", nil, select(2, book()), { applied = "no" })
      end
    end)
  end)

  it("shows no token that a server puts into the id of an event", function()
    local token = "pit-0123456789abcdef"
    client = leak.client { token = token, base_url = server.url, location_id = "loc", timeout = 5 }
    local function check(kind, err)
      failure(kind, nil, err, { details = { "***", err.details[2] } })
      assert.is_nil(err.message:find(token, 1, true))
    end
    server:reply(list_of(event { id = token, contactId = "other" }))
    check("conflict", select(2, book()))
    server:reply(list_of(event { id = token }, event { id = "e2" }))
    check("duplicate", select(2, book()))
    local wanted = { calendarId = "cal", contactId = "con", startTime = script.SLOT, reference = "my-reference" }
    server:reply(list_of(event { id = token, description = "changed" }))
    check("not_found", select(2, client.appointments:find_booking(wanted)))
  end)

  it("a reference that was made up is not looked for before", function()
    server:reply(made())
    local _, response = assert(book { reference = true })
    assert.is_nil(response.existing)
    assert.are.equal(1, #server:ledger())
  end)

  it("finds again by the reference what was moved by days, and by the instant what has none", function()
    local wanted = { calendarId = "cal", contactId = "con", startTime = script.SLOT, reference = "my-reference" }
    server:reply(list_of(event { startTime = "2026-12-20T10:00:00Z" }), one "e1")
    local _, response = assert(client.appointments:find_booking(wanted))
    assert.is_true(response.reconciled)
    assert.are.equal("2026-12-20T10:00:00Z", response.slot)
    local start = time.parse(script.SLOT):ms()
    wanted.reference = nil
    server:reply(list_of(event { startTime = "2026-12-20T10:00:00Z" }))
    failure("not_found", nil, select(2, client.appointments:find_booking(wanted)), { applied = "no" })
    local spans = {}
    for _, entry in ipairs(server:ledger()) do
      local from, to = entry.query:match("startTime=(%d+)&endTime=(%d+)$")
      if from then spans[#spans + 1] = { tonumber(from) - start, tonumber(to) - start } end
    end
    assert.are.same({ { -DAY, 31 * DAY }, { -HOUR, HOUR } }, spans)
  end)

  -- The server's clock is right; that of this computer is set between the create and the search.
  describe("with a clock that is set", function()
    local real, shift, fresh = core.wall_ms, 0, nil

    setup(function()
      core.wall_ms = function() return real() + shift end
      package.loaded["hoopai.booking.search"] = nil
      fresh = require "hoopai.booking.search"
      package.loaded["hoopai.booking.search"], core.wall_ms = search, real
    end)
    before_each(function() shift = 0 end)

    local function stamp(ms, text) return os.date(text, ms // 1000) end

    --- What the search finds if the clock is set by so many milliseconds, and there is a booking without reference
    -- that was made so many milliseconds after the create was sent.
    local function find(by, later)
      local wanted = { calendarId = "cal", contactId = "con", startTime = script.SLOT }
      fresh.note_sending(wanted)
      local added = stamp(real() + later, "!%Y-%m-%dT%H:%M:%S.000Z")
      local rule = list_of(event { description = false, dateAdded = added })
      rule.headers = { Date = stamp(real(), "!%a, %d %b %Y %H:%M:%S GMT") }
      server:reply(rule)
      shift = by
      local from, to = fresh.near_span(wanted)
      return fresh.sent({ client = client, kind = require("hoopai.booking.kinds").appointments }, wanted, from, to, {})
    end

    it("finds the booking", function()
      for _, by in ipairs { 0, -HOUR, HOUR, -10 * DAY, 10 * DAY } do
        server:reply(one "e1")
        local booked = find(by, 1000)
        assert.are.equal("e1", booked and booked.id, by)
        shift = 0
      end
    end)

    it("does not take an older one for it", function()
      for _, by in ipairs { 0, -HOUR, -10 * DAY } do
        assert.are.same({ false }, { find(by, -HOUR) }, by)
        shift = 0
      end
    end)

    it(
      "is not sure of one that is older, unless the computer slept",
      function() assert.are.same({ false, "e1" }, { find(10 * DAY, -HOUR) }) end
    )
  end)
end)
