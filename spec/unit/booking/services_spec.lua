-- service_bookings:book: what it sends, how it finds what was made although the response was lost, and what it says.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local reconcile = require "hoopai.booking.reconcile"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse
local time = hoopai.time

local PATH = "/calendars/services/bookings"
local SLOT, SAME_INSTANT = "2026-12-01T10:00:00-05:00", "2026-12-01T16:00:00+01:00"
local TAKEN = '{"message":"The slot you have selected is no longer available."}'
local HOUR, DAY = 3600000, 86400000

--- A service booking as JSON, with other fields; false leaves a field out.
local function booking(fields)
  local all = {
    bookingId = "b1",
    locationId = "loc",
    contactId = "con",
    title = "Visit",
    startTime = SLOT,
    endTime = "2026-12-01T10:45:00-05:00",
    status = "confirmed",
    services = { { id = "s1", serviceStaffId = "u1" } },
  }
  for name, value in pairs(fields or {}) do
    all[name] = value or nil
  end
  return core.encode(all)
end

local function list_of(...)
  return { method = "GET", path = PATH, body = '{"bookings":[' .. table.concat({ ... }, ",") .. "]}" }
end

local function one(id, fields)
  local all = { bookingId = id }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return { method = "GET", path = PATH .. "/" .. id, body = booking(all) }
end

local function lost(how) return { method = "POST", path = PATH, [how or "reset"] = "before" } end

local function made(fields) return { method = "POST", path = PATH, status = 201, body = booking(fields) } end

describe("a service booking", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "loc", timeout = 5 }
  end)
  after_each(function() leak.after(server) end)

  local function given(more)
    local all = {
      contactId = "con",
      startTime = SLOT,
      endTime = "2026-12-01T10:30:00-05:00",
      timezone = "America/New_York",
      services = { { id = "s1" } },
    }
    for name, value in pairs(more or {}) do
      all[name] = value
    end
    return all
  end

  local function book(more, options) return client.service_bookings:book(given(more), options) end

  local function posts()
    local found = {}
    for _, entry in ipairs(server:ledger()) do
      if entry.method == "POST" then found[#found + 1] = entry end
    end
    return found
  end

  it("is sent once, after a look at those that are there, without a reference in its title", function()
    server:reply(list_of(booking { bookingId = "b0" }), made())
    local booked, response = assert(book { skipSchedulingNotice = true })
    assert.are.equal("b1", booked.bookingId)
    assert.are.same({ SLOT }, { response.slot, response.reference, response.reconciled, response.existing })
    local ledger = server:ledger()
    assert.are.equal(2, #ledger)
    local start = time.parse(SLOT):ms()
    assert.are.equal(
      ("locationId=loc&startTime=%d&endTime=%d"):format(start - HOUR, start + HOUR + 1800000),
      ledger[1].query
    )
    assert.are.equal("skipSchedulingNotice=true", ledger[2].query)
    assert.are.equal("v3", ledger[2].header.version)
    assert.are.same({
      locationId = "loc",
      contactId = "con",
      startTime = SLOT,
      endTime = "2026-12-01T10:30:00-05:00",
      timezone = "America/New_York",
      services = { { id = "s1" } },
    }, core.decode(ledger[2].body))
  end)

  it("is found after each kind of lost response, and sent once", function()
    local failures = {
      lost "reset",
      lost "close",
      { method = "POST", path = PATH, status = 500, body = "{}" },
      { method = "POST", path = PATH, status = 504, body = "<html>" },
      { method = "POST", path = PATH, status = 201, body = "<html>" },
      {
        method = "POST",
        path = PATH,
        status = 201,
        body = '{"bookingId":"b1"',
        headers = { ["Content-Length"] = "99" },
        close = true,
      },
      { method = "POST", path = PATH, status = 201, body = '{"success":true}' },
      { method = "POST", path = PATH, status = 201, body = booking { contactId = "other" } },
      { method = "POST", path = PATH, status = 201, body = booking { bookingId = "b0" } },
      { method = "POST", path = PATH, status = 201, body = booking { status = "cancelled" } },
    }
    for index, rule in ipairs(failures) do
      local own = { bookingId = "b1", startTime = SAME_INSTANT }
      server:reply(list_of(booking { bookingId = "b0" }), rule, list_of(booking { bookingId = "b0" }, booking(own)))
      server:reply(one("b1", own))
      local booked, response = book()
      assert.are.equal("b1", booked and booked.bookingId, index .. ": " .. tostring(response))
      assert.are.same({ true, SLOT }, { response.reconciled, response.slot }, index)
      assert.are.equal(1, #posts(), index)
      server:reset()
    end
  end)

  it("is none of those that are older, gone, or of another contact, instant, service or member of the staff", function()
    server:reply(
      list_of(booking { bookingId = "x1" }),
      lost(),
      list_of(
        booking { bookingId = "x1" },
        booking { bookingId = "x2", contactId = "other" },
        booking { bookingId = "x3", startTime = "2026-12-01T10:30:00-05:00" },
        booking { bookingId = "x4", status = "cancelled" },
        booking { bookingId = "x5", deleted = true },
        booking { bookingId = "x6", services = { { id = "s2", serviceStaffId = "u1" } } },
        booking { bookingId = "x7", services = { { id = "s1", serviceStaffId = "u2" } } },
        booking { bookingId = "x8", dateAdded = "2001-01-01T00:00:00.000Z" },
        booking { bookingId = "b1" },
        "null"
      ),
      one "b1"
    )
    local booked, response = assert(book { services = { { id = "s1", staffId = "u1" } } })
    assert.are.same({ "b1", true }, { booked.bookingId, response.reconciled })
  end)

  it("that is there twice is an error", function()
    server:reply(list_of(), lost(), list_of(booking { bookingId = "b1" }, booking { bookingId = "b2" }))
    local err = failure("duplicate", nil, select(2, book()), { applied = "yes" })
    assert.are.same({ "b1", "b2" }, { err.details[1], err.details[2] })
    assert.are.equal("POST " .. PATH, err.method .. " " .. err.path)
  end)

  it("may be there as long as it is not found, since the API lists no free times of services", function()
    local whole = reconcile.SURE_AFTER
    reconcile.SURE_AFTER = 2
    local restored <close> = setmetatable({}, { __close = function() reconcile.SURE_AFTER = whole end }) -- luacheck: ignore
    server:reply(list_of(), lost(), { method = "GET", path = PATH, always = true, body = '{"bookings":[]}' })
    local booked, err = book { reconcile_timeout = 2 }
    failure("network", booked, err, { applied = "maybe", retryable = false })
    assert.matches("service_bookings:find_booking(err.booking) looks again", err.message, 1, true)
    assert.are.equal(1, #posts())
    for _, entry in ipairs(server:ledger()) do
      assert.are.equal(PATH, entry.path)
    end
    server:reset()
    server:reply(list_of(booking()), one "b1")
    local found, response = assert(client.service_bookings:find_booking(err.booking))
    assert.are.same({ "b1", true }, { found.bookingId, response.reconciled })
    server:reset()
    server:reply(list_of())
    failure("not_found", client.service_bookings:find_booking(err.booking))
  end)

  it("is looked for before a refusal is believed", function()
    server:reply(list_of(), { method = "POST", path = PATH, status = 400, body = TAKEN }, list_of(booking()), one "b1")
    local booked, response = assert(book())
    assert.are.same({ "b1", true }, { booked.bookingId, response.reconciled })
    server:reset()
    server:reply(list_of(), { method = "POST", path = PATH, status = 400, body = TAKEN }, list_of())
    failure("slot_taken", nil, select(2, book()), { applied = "no" })
  end)

  describe("with a reference of one's own", function()
    local MARKED = "Visit [ref order-0017]"

    it("carries it at the end of its title, and is found by it before anything is sent", function()
      server:reply(list_of(booking { bookingId = "b0", contactId = "other" }), made { title = MARKED })
      local _, response = assert(book { reference = "order-0017", title = "Visit" })
      assert.are.equal("order-0017", response.reference)
      assert.are.equal(MARKED, core.decode(server:last().body).title)
      local start = time.parse(SLOT):ms()
      assert.are.equal(
        ("locationId=loc&startTime=%d&endTime=%d"):format(start - DAY, start + 38 * DAY),
        server:ledger()[1].query
      )
      server:reset()
      server:reply(list_of(booking { title = MARKED }), one("b1", { title = MARKED }))
      local booked, again = assert(book { reference = "order-0017", title = "Visit" })
      assert.are.same({ "b1", true }, { booked.bookingId, again.existing })
      assert.are.equal(0, #posts())
    end)

    it("is not taken for that of another one", function()
      server:reply(
        list_of(booking { title = "Visit [ref order-0018]" }),
        lost(),
        list_of(booking { title = "Visit [ref order-0018]" }, booking { bookingId = "b2", title = MARKED }),
        one("b2", { title = MARKED })
      )
      local booked = assert(book { reference = "order-0017" })
      assert.are.equal("b2", booked.bookingId)
    end)

    it("is a conflict if it belongs to another contact", function()
      server:reply(list_of(booking { title = MARKED, contactId = "other" }))
      failure("conflict", nil, select(2, book { reference = "order-0017" }), { applied = "no" })
    end)

    it("lets two tasks take turns", function()
      server:reply(
        list_of(),
        made { title = MARKED },
        list_of(booking { title = MARKED }),
        one("b1", { title = MARKED })
      )
      local results = assert(hoopai.map({ 1, 2 }, function() return book { reference = "order-0017" } end))
      assert.are.same({ "b1", "b1" }, { results[1].bookingId, results[2].bookingId })
      assert.are.equal(1, #posts())
    end)
  end)

  it("is refused for what book cannot keep its promise with, all problems at once", function()
    local booked, err = book { overrideAvailability = true, reference = "short", services = {}, from = 5 }
    failure("invalid_request", booked, err, { applied = "no" })
    local paths = {}
    for index, detail in ipairs(err.details) do
      paths[index] = detail.path
    end
    assert.are.same({ "from", "overrideAvailability", "reference", "services" }, paths)
    assert.matches("with it use service_bookings:create", err.message, 1, true)
    for _, more in ipairs { { startTime = 5 }, { services = { {} } }, { status = "cancelled" }, { title = 5 } } do
      failure("invalid_request", nil, select(2, book(more, { validate = false })), { applied = "no" })
    end
    misuse(function() client.service_bookings:book(nil) end, "service_bookings:book expects a table, got nil")
    misuse(function() client.service_bookings:book({}, { x = 1 }) end, "service_bookings:book")
    misuse(function() client.service_bookings.book {} end, "call it with a colon: client.service_bookings:book(...)")
    misuse(
      function() client.service_bookings:find_booking { calendarId = "c", startTime = SLOT } end,
      "expects the `booking` of an error of service_bookings:book: its `services` is nil"
    )
    assert.are.equal(0, #server:ledger())
  end)

  it("that is only tried is not sent", function()
    server:reply(list_of())
    local result = assert(book(nil, { dry_run = true }))
    assert.are.same({ "POST", PATH, true }, { result.method, result.path, result.dry_run })
  end)

  it("that is cut off tells by what it can be found", function()
    server:reply(list_of(), { method = "POST", path = PATH, status = 500 })
    local task
    hoopai.run(function()
      task = hoopai.spawn(book)
      expect.eventually(function() return #posts() == 1 end, "the create arrives")
      hoopai.sleep(0.1)
      task:cancel()
      local _, err = task:join()
      assert.are.equal("cancelled", err.kind)
      assert.are.equal("maybe", err.applied)
      assert.are.same({ { id = "s1" } }, err.unclear[1].booking.services)
    end)
  end)

  it("that a bare create lost may have been made, and is not sent again", function()
    server:reply(lost())
    failure("network", nil, select(2, client.service_bookings:create(given())), { applied = "maybe", attempts = 1 })
    assert.are.equal(1, #posts())
  end)

  describe("that people have changed since", function()
    local changes = {
      ["has other staff"] = { { id = "s1", serviceStaffId = "u2" } },
      ["has one service more"] = { { id = "s1", serviceStaffId = "u1" }, { id = "s9", serviceStaffId = "u1" } },
      ["has another service"] = { { id = "s9", serviceStaffId = "u1" } },
    }
    for name, services in pairs(changes) do
      it("is found by its reference if it " .. name, function()
        local fields = { title = "Visit [ref order-0017]", services = services }
        server:reply(list_of(booking(fields)), one("b1", fields))
        local wanted = given { reference = "order-0017", services = { { id = "s1", staffId = "u1" } } }
        local found, response = client.service_bookings:book(wanted)
        assert(found, response)
        assert.are.same({ "b1", true, 0 }, { found.bookingId, response.existing, #posts() })
      end)

      it("is not taken for another one after a lost response if it " .. name, function()
        server:reply(list_of(), lost(), list_of(booking { services = services }))
        local wanted = given { services = { { id = "s1", staffId = "u1" } }, reconcile_timeout = 1 }
        local found, err = client.service_bookings:book(wanted)
        assert.is_nil(found)
        assert.are.same({ "maybe", 1 }, { err.applied, #posts() })
      end)
    end

    it("is a conflict if its title lost the reference", function()
      server:reply(list_of(booking { title = "Visit, bring towel" }))
      local found, err = client.service_bookings:book(given { reference = "order-0017" })
      failure("conflict", found, err, { applied = "no" })
      assert.are.same({ { "b1" }, 0 }, { err.details, #posts() })
    end)

    it("is another one if it has another reference", function()
      local other = { title = "Visit [ref order-0018]" }
      server:reply(list_of(booking(other)), made { bookingId = "b2", title = "[ref order-0017]" })
      local found, response = client.service_bookings:book(given { reference = "order-0017" })
      assert(found, response)
      assert.are.same({ "b2", 1 }, { found.bookingId, #posts() })
    end)
  end)

  it("is not an object without an id", function()
    server:reply(list_of(), lost(), list_of(booking()), { method = "GET", path = PATH .. "/b1", body = "{}" })
    local found, response = client.service_bookings:book(given())
    assert(found, response)
    assert.are.equal("b1", found.bookingId)
  end)

  it("is made once for one reference, whichever contact two tasks give", function()
    server:reply(list_of(), made { title = "[ref order-0017]" }, list_of(booking { title = "[ref order-0017]" }))
    local kinds = hoopai.run(function()
      return hoopai.map({ "con", "con2" }, function(contact)
        local found, err = client.service_bookings:book(given { contactId = contact, reference = "order-0017" })
        return found and "booked" or err.kind
      end)
    end)
    assert.are.same({ "booked", "conflict" }, { kinds[1], kinds[2] })
  end)
end)
