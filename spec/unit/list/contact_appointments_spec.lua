-- contacts:appointments: the instants of times without a zone, and whose zone counts.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse

local PATH = "/contacts/k/appointments"

describe("hoopai.list.contact_appointments", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "l" }
  end)
  after_each(function() leak.after(server) end)

  local function events(...) return { method = "GET", path = PATH, body = core.encode { events = { ... } } } end

  local function location(zone, id)
    id = id or "l"
    local body = core.encode { location = { id = id, timezone = zone } }
    return { method = "GET", path = "/locations/" .. id, body = body }
  end

  local function event(start, stop)
    return { id = "e", locationId = "l", startTime = start or "2026-07-16 11:00:00", endTime = stop }
  end

  --- The instants that the texts mean.
  local function starts(zone, ...)
    local list = {}
    for index, text in ipairs { ... } do
      list[index] = event(text)
    end
    server:reply(events(table.unpack(list)))
    local found = assert(client.contacts:appointments("k", { timezone = zone }))
    local instants = {}
    for index, appointment in ipairs(found) do
      assert.are.equal(list[index].startTime, appointment.startTime)
      instants[index] = appointment.startInstant and appointment.startInstant:iso() or false
    end
    return instants
  end

  it("keeps the texts, and adds what they mean in the zone of the option", function()
    server:reply(events(event("2026-07-16 11:00:00", "2026-07-16 11:30:00")))
    local found, response = assert(client.contacts:appointments("k", { timezone = "America/New_York", timeout = 5 }))
    local appointment = found[1]
    assert.are.same({ "2026-07-16 11:00:00", "2026-07-16 11:30:00" }, { appointment.startTime, appointment.endTime })
    assert.are.equal("2026-07-16T11:00:00-04:00", appointment.startInstant:iso())
    assert.are.equal("2026-07-16T11:30:00-04:00", appointment.endInstant:iso())
    assert.are.equal("America/New_York", appointment.startInstant:zone())
    assert.is_nil(response.body.events[1].startInstant)
    assert.are.equal(1, #server:ledger())
  end)

  it(
    "reads texts with an offset too, and gives no instant for what it cannot read",
    function()
      assert.are.same(
        {
          "2026-07-16T11:00:00+02:00",
          "2026-07-16T11:00:00+02:00",
          "2026-07-16T11:00:00+02:00",
          "2026-07-16T17:00:00+02:00",
          false,
          false,
          false,
        },
        starts(
          "Europe/Berlin",
          "2026-07-16 11:00:00",
          "2026-07-16T11:00:00",
          "2026-07-16 11:00:00.000",
          "2026-07-16T11:00:00-04:00",
          "2026-02-30 11:00:00",
          "",
          "soon"
        )
      )
    end
  )

  it(
    "takes the first of a local time that comes twice, and moves one that is skipped",
    function()
      assert.are.same(
        { "2026-10-25T02:30:00+02:00", "2026-03-29T03:30:00+02:00" },
        starts("Europe/Berlin", "2026-10-25 02:30:00", "2026-03-29 02:30:00")
      )
    end
  )

  it("reads the zone of the location once for a client", function()
    server:reply(events(event()), location "Asia/Tokyo", events(event()), events(event()))
    for _ = 1, 2 do
      local found = assert(client.contacts:appointments "k")
      assert.are.equal("2026-07-16T11:00:00+09:00", found[1].startInstant:iso())
    end
    assert(client:with({ timeout = 7 }).contacts:appointments "k")
    assert.are.equal(4, #server:ledger())
  end)

  it("reads it once for tasks side by side", function()
    local listed = events(event())
    listed.times = 5
    server:reply(listed, location "Asia/Tokyo")
    local results = hoopai.map({ 1, 2, 3, 4, 5 }, function() return client.contacts:appointments "k" end)
    for _, found in ipairs(results) do
      assert.are.equal("2026-07-16T11:00:00+09:00", found[1].startInstant:iso())
    end
    assert.are.equal(6, #server:ledger())
  end)

  it("asks for the location that the call or the appointment names, and none without appointments", function()
    server:reply(events(event()), location("Asia/Tokyo", "other"))
    assert(client.contacts:appointments("k", { location_id = "other" }))
    local moved = event()
    moved.locationId = "third"
    server:reply(events(moved), location("Asia/Tokyo", "third"), { path = PATH, body = '{"events":[]}' })
    assert(client.contacts:appointments "k")
    assert.are.same({}, (assert(client.contacts:appointments "k")))
  end)

  it("fails if the zone cannot be read, says what to write, and reads it again the next time", function()
    local refused =
      { path = "/locations/l", status = 401, body = '{"message":"The token is not authorized for this scope."}' }
    server:reply(events(event()), refused)
    local err = failure("scope", nil, select(2, client.contacts:appointments "k"), { applied = "no" })
    assert.matches('write contacts:appointments(id, { timezone = "Area/City" })', err.message, 1, true)
    server:reply(events(event()), location "Mars/Base")
    failure("decode", nil, select(2, client.contacts:appointments "k"), { applied = "no" })
    server:reply(events(event()), location "Asia/Tokyo")
    assert(client.contacts:appointments "k")
  end)

  it("returns the failure of the list, and leaves null in it", function()
    server:reply { path = PATH, status = 404, body = "{}" }
    failure("not_found", client.contacts:appointments "k")
    server:reply { path = PATH, body = '{"events":[null,{"id":"e","startTime":"2026-07-16 11:00:00"}]}' }
    local found = assert(client.contacts:appointments("k", { timezone = "UTC" }))
    assert.are.equal(core.null, found[1])
    assert.are.equal("2026-07-16T11:00:00+00:00", found[2].startInstant:iso())
    assert.is_nil(found[2].endInstant)
  end)

  it("is not misused in silence", function()
    misuse(function() client.contacts:appointments() end, "contacts:appointments needs contactId")
    misuse(function() client.contacts:appointments("k", { timezone = "Mars" }) end, "`timezone`", "time zone")
    misuse(function() client.contacts:appointments("k", { timezon = "UTC" }) end, "timezon")
    misuse(function() client.contacts:appointments("k", {}, {}) end, "takes at most 2 arguments")
    misuse(function() client.contacts.appointments "k" end, "call it with a colon: client.contacts:appointments(...)")
    misuse(function() client.contacts:search {} end, "client:request", "not documented")
    failure("invalid_request", client.contacts:appointments "a/b")
    assert.are.equal(0, #server:ledger())
  end)
end)
