-- What appointments:book and service_bookings:book share: each has its own kind, and never looks for the other's.
-- (What each does: spec/unit/booking_spec.lua and spec/unit/booking/services_spec.lua.)

local hoopai = require "hoopai"
local kinds = require "hoopai.booking.kinds"
local leak = require "spec.support.leak"
local safe = require "hoopai.booking.safe"
local servers = require "spec.support.server"

local SLOT = "2026-12-01T10:00:00-05:00"

-- Kind -> what is booked, the path of the list, and a list with the booking.
local CASES = {
  appointments = {
    { calendarId = "cal", contactId = "con", startTime = SLOT, reference = false },
    "/calendars/events",
    '{"events":[{"id":"x","calendarId":"cal","contactId":"con","startTime":"' .. SLOT .. '"}]}',
  },
  service_bookings = {
    {
      contactId = "con",
      startTime = SLOT,
      endTime = "2026-12-01T10:30:00-05:00",
      timezone = "America/New_York",
      services = { { id = "s" } },
    },
    "/calendars/services/bookings",
    '{"bookings":[{"bookingId":"x","contactId":"con","startTime":"' .. SLOT .. '","services":[{"id":"s"}]}]}',
  },
}

describe("hoopai.booking.safe", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "loc", timeout = 5 }
  end)
  after_each(function() leak.after(server) end)

  for name, case in pairs(CASES) do
    it("sends the create of " .. name .. " once, and finds it by what is in their own list", function()
      local kind, given, list, found = kinds[name], table.unpack(case)
      server:reply(
        { method = "GET", path = list, body = (found:gsub('"x"', '"older"')) },
        { method = "POST", path = kind.path, reset = "before" },
        { method = "GET", path = list, body = found },
        { method = "GET", path = kind.path .. "/x", status = 404, body = "{}" }
      )
      local state = { client = client, settings = { location_id = "loc", timeout = 5, validate = true } }
      local booked, response = assert(safe.book(kind, state, given))
      assert.are.same({ "x", true }, { booked[kind.id], response.reconciled })
      local posts = 0
      for _, entry in ipairs(server:ledger()) do
        if entry.method == "POST" then posts = posts + 1 end
      end
      assert.are.equal(1, posts)
    end)
  end

  it("lets bookings of two kinds for one contact run side by side", function()
    for name, case in pairs(CASES) do
      local own = name == "appointments" and '{"id":"new"}' or '{"bookingId":"new"}'
      server:reply(
        { method = "GET", path = case[2], body = '{"events":[],"bookings":[]}' },
        { method = "POST", path = kinds[name].path, body = own }
      )
    end
    local results, errors = hoopai.all {
      function() return client.appointments:book(CASES.appointments[1]) end,
      function() return client.service_bookings:book(CASES.service_bookings[1]) end,
    }
    assert.is_nil(errors)
    assert.are.same({ "new", "new" }, { results[1].id, results[2].bookingId })
  end)
end)
