-- A calendar file of what the API returns: appointments and blocked times of the sandbox, read by python3-icalendar.

local hoopai = require "hoopai"
local ical = require "spec.support.ical"
local sandbox = require "hoopai.sandbox"

local time = hoopai.time
local ZONE = "America/New_York"

local function seconds(text) return assert(time.parse(text)):ms() // 1000 end

describe("the calendar file of an account", function()
  local account, client

  setup(function()
    account = sandbox.start {}
    client = hoopai.new { base_url = account.url, token = account.token, location_id = account.location_id }
  end)

  teardown(function()
    client:close()
    account:stop()
  end)

  local function check(events, options)
    assert.is_true(#events > 0)
    local file = ical.read(hoopai.ical(events, options))
    assert.are.equal(#events, #file.events)
    for index, read in ipairs(file.events) do
      local record = events[index]
      assert.are.equal(record.id .. "@hoopai", read.UID)
      assert.are.equal(record.title, read.SUMMARY)
      assert.are.equal(seconds(record.startTime), read.DTSTART)
      assert.are.equal(seconds(record.endTime), read.DTEND)
      local zone = options and options.zone
      assert.are.equal(zone, read["DTSTART zone"])
      assert.are.equal(zone and read.DTSTART, read["DTSTART by VTIMEZONE"])
    end
    return file
  end

  it("has the appointments of a colleague", function()
    local sick = account.seed.sick
    local morning = time.day(sick.date, ZONE)
    local query = { userId = sick.userId, startTime = morning, endTime = morning + time.days(1) }
    local events = assert(client.events:list(query))
    local file = check(events)
    check(events, { zone = ZONE })
    for index, read in ipairs(file.events) do
      assert.is_string(read.STATUS, events[index].appointmentStatus)
      assert.are.equal(seconds(events[index].dateUpdated), read["LAST-MODIFIED"])
    end
    -- In one line, with the response as the second argument.
    assert.are.equal(hoopai.ical(events), hoopai.ical(client.events:list(query)))
    local one = assert(client.appointments:get(events[1].id))
    assert.are.equal(events[1].id .. "@hoopai", check({ one }).events[1].UID)
    assert.are.equal(hoopai.ical { one }, hoopai.ical(client.appointments:get(one.id)))
  end)

  it("changes with an appointment that is moved and cancelled, and keeps its UID", function()
    local id = account.seed.sick.appointments[1]
    local function read() return ical.read(hoopai.ical(assert(client.appointments:get(id)))).events[1] end
    local before = read()
    assert(client.appointments:cancel(id))
    local after = read()
    assert.are.equal(before.UID, after.UID)
    assert.are.equal("CANCELLED", after.STATUS)
    assert.are.equal("TRANSPARENT", after.TRANSP)
    assert.is_true(after.SEQUENCE >= before.SEQUENCE)
  end)

  it("has blocked times", function()
    local day = time.day("2027-03-14", ZONE) -- the clocks change at two
    local user = account.seed.sick.userId
    local block = assert(client.block_slots:create {
      assignedUserId = user,
      title = "Off; really, 100%",
      startTime = day,
      endTime = day + time.days(1),
    })
    local blocks = assert(client.block_slots:list { userId = user, startTime = day, endTime = day + time.days(1) })
    local read = check(blocks, { zone = ZONE }).events[1]
    assert.are.equal(block.id .. "@hoopai", read.UID)
    assert.are.equal("OPAQUE", read.TRANSP)
    assert.are.equal(23 * 3600, read.DTEND - read.DTSTART)
    assert.are.equal("2027-03-15T00:00:00", read["DTEND local"])
  end)
end)
