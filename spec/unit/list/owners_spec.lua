-- The team of a location; and events and blocked times of all owners in the sandbox, with the clients of apps too.

local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local oauth = require "spec.support.oauth"
local sandbox = require "hoopai.sandbox"
local span_server = require "spec.support.span_server"

local time = hoopai.time

local function ids_of(list)
  local ids = {}
  for index, record in ipairs(list) do
    ids[index] = record.id
  end
  return ids
end

describe("hoopai.list.owners:", function()
  describe("calendars:team", function()
    local server, client

    setup(function() server = span_server.start() end)
    teardown(function() server:stop() end)
    before_each(function()
      leak.before()
      client = leak.client { token = "t", base_url = server.url, location_id = "l" }
    end)
    after_each(function() leak.after() end)

    local function member(...)
      local members = {}
      for index, id in ipairs { ... } do
        members[index] = { userId = id, priority = 0.5 }
      end
      return members
    end

    it("has each member once, in the order of ids, whatever the order of the API", function()
      local listed = {
        { id = "c3", teamMembers = member("u2", "u1", "u2") },
        { id = "c1", teamMembers = member("u3", "u2") },
        { id = "c2", isActive = false, teamMembers = {} },
        { id = "c4" },
        { id = "c1", teamMembers = member("u3", "u2") },
      }
      local expected = {
        { userId = "u1", calendarIds = { "c3" } },
        { userId = "u2", calendarIds = { "c1", "c3" } },
        { userId = "u3", calendarIds = { "c1" } },
      }
      for _ = 1, #listed do
        table.insert(listed, table.remove(listed, 1))
        server:set { calendars = listed }
        local team, response = client.calendars:team()
        assert.are.same(expected, team)
        assert.are.equal(200, response.status)
        assert.are.equal(1, #server:ledger())
        hoopai.run(function() assert.are.same(expected, client.calendars:team { timeout = 5 }) end)
      end
    end)

    it("is empty without calendars", function()
      server:set {}
      local team, response = client.calendars:team()
      assert.are.same({}, team)
      assert.are.equal(200, response.status)
    end)

    it("is that of the location in the options, and has one item of progress", function()
      server:set {}
      local steps = {}
      local options = {
        location_id = "m",
        progress = function(done, total) steps[#steps + 1] = { done, total } end,
      }
      assert(client.calendars:team(options))
      assert.are.equal("m", server:ledger()[1].location)
      assert.are.same({ { 1, 1 } }, steps)
    end)

    it("does not hide what cannot be read", function()
      local cases = {
        [{ { teamMembers = {} } }] = "a calendar in the list has no id",
        [{ { id = "" } }] = "a calendar in the list has no id",
        [{ { id = 5 } }] = "a calendar in the list has no id",
        [{ { id = "c", teamMembers = { {} } } }] = "a team member of the calendar c has no userId",
        [{ { id = "c", teamMembers = { { userId = 5 } } } }] = "a team member of the calendar c has no userId",
        [{ { id = "c", teamMembers = { "u" } } }] = "a team member of the calendar c has no userId",
        [{ { id = "c", teamMembers = "u" } }] = "`teamMembers` of the calendar c is no list",
      }
      for calendars, message in pairs(cases) do
        server:set { calendars = calendars }
        local team, err = client.calendars:team()
        assert.is_nil(team)
        assert.are.equal("decode", err.kind)
        assert.are.equal(message, err.message)
        assert.are.equal("GET", err.method)
        assert.are.equal("/calendars/", err.path)
        assert.matches("^spec/unit/list/owners_spec.lua:%d+$", err.where)
      end
    end)

    it("does not hide a failure", function()
      server:set { calendars = false }
      local team, err = client.calendars:team()
      assert.is_nil(team)
      assert.are.equal("server", err.kind)
      assert.matches("^spec/unit/list/owners_spec.lua:%d+$", err.where)
    end)

    it("needs a location, and takes the options alone", function()
      server:set {}
      local team, err = leak.client({ token = "t", base_url = server.url }).calendars:team()
      assert.is_nil(team)
      assert.are.equal("invalid_request", err.kind)
      assert.are.equal("locationId", err.details[1].path)
      local function refused(text, ...)
        local ok, problem = pcall(client.calendars.team, ...)
        assert.is_false(ok)
        assert.matches(text, problem, 1, true)
      end
      refused("call it with a colon: client.calendars:team(...)")
      refused("the options of calendars:team are a table, got string", client.calendars, "l")
      refused("unknown option `showDrafted` of calendars:team", client.calendars, { showDrafted = false })
      refused("calendars:team takes at most 1 argument, got 2", client.calendars, {}, {})
      assert.are.equal(0, #server:ledger())
    end)
  end)

  describe("in the sandbox,", function()
    local box, seed

    setup(function()
      box = oauth.start()
      seed = box.seed
    end)
    teardown(oauth.stop)
    before_each(oauth.before)
    after_each(oauth.after)

    local function span()
      local now = time.now()
      return { from = now - time.days(200), to = now + time.days(200) }
    end

    --- What there is, checked with a client.
    local function check(client)
      local team = assert(client.calendars:team())
      assert.are.same({
        { userId = seed.users.okafor, calendarIds = { seed.calendars.checkup } },
        { userId = seed.users.solberg, calendarIds = { seed.calendars.physio } },
        { userId = seed.users.weber, calendarIds = { seed.calendars.checkup } },
      }, team)
      local events = assert(client.events:all(span()))
      local found = ids_of(events)
      table.sort(found)
      local expected = table.move(seed.appointments, 1, #seed.appointments, 1, {})
      table.sort(expected)
      assert.are.same(expected, found)
      for index = 2, #events do
        assert.is_true(time.parse(events[index].startTime) >= time.parse(events[index - 1].startTime))
      end
      assert.are.same({ seed.blocks.training }, ids_of(assert(client.block_slots:all(span()))))
      assert.are.same({}, client.block_slots:all { from = time.now() - time.days(5), to = time.now() })
    end

    it(
      "with a token",
      function() check(leak.client { token = box.token, base_url = box.url, location_id = box.location_id }) end
    )

    it("with the clients of apps: of a location, and of an agency", function()
      check(oauth.new_client(oauth.signed_in()))
      local app = oauth.agency()
      check(app:client { location_id = box.location_id, company_id = box.oauth.company_id })
    end)

    it("a light client reads another location", function()
      local app = oauth.agency()
      local client = app:client { location_id = box.location_id, company_id = box.oauth.company_id }
      local other = client:with { location_id = seed.other_location_id }
      assert.are.same(
        { { userId = seed.users.ashworth, calendarIds = { seed.calendars.vaccination } } },
        other.calendars:team()
      )
      assert.are.same({}, other.events:all(span()))
    end)

    it("events of a group and of a user, and the block of a user", function()
      local client = leak.client { token = box.token, base_url = box.url, location_id = box.location_id }
      local of_group = span()
      of_group.groupId = seed.groups.treatments
      for event in client.events:each(of_group) do
        assert.are.equal(seed.groups.treatments, event.groupId)
      end
      local of_user = span()
      of_user.userId = seed.users.okafor
      local count = 0
      for event in client.events:each(of_user) do
        count = count + 1
        assert.are.equal(seed.users.okafor, event.assignedUserId)
      end
      assert.is_true(count > 3)
      assert.are.same({ seed.blocks.training }, ids_of(client.block_slots:all(of_user)))
      local of_calendar = span()
      of_calendar.calendarId = seed.calendars.checkup
      assert.are.same({}, client.block_slots:all(of_calendar))
      of_calendar.calendarId = "nosuch"
      local list, err = client.events:all(of_calendar)
      assert.is_nil(list)
      assert.are.equal("not_found", err.kind)
    end)
  end)

  it("a year of dozens of calendars is read within the rate limit, with events on the seams", function()
    local box <close> = sandbox.start {
      control = true,
      now = time.parse("2026-11-02T12:00:00Z"):ms(), -- the blocked time of the seed is before the year
      rate_limit = { max = 60, interval_ms = 400, daily = 100000 },
    }
    leak.before()
    local client = leak.client {
      token = box.token,
      base_url = box.url,
      location_id = box.location_id,
      rate_limit = true,
      retries = 0, -- a 429 would be an error
      timeout = 60,
    }
    local zone, expected = "America/New_York", {}
    local from = time.at { year = 2027, month = 1, day = 1, zone = zone }
    local to = time.at { year = 2028, month = 1, day = 1, zone = zone }
    hoopai.run(function()
      local numbers = {}
      for index = 1, 24 do
        numbers[index] = index
      end
      local made, errors = hoopai.map(numbers, function(index)
        local calendar = assert(client.calendars:create { name = "Room " .. index, calendarType = "event" })
        -- One each window's width, so that an hour around each seam is blocked.
        local start = from + time.hours(92 * 24 * (index % 4)) - time.minutes(30)
        return client.block_slots:create {
          calendarId = calendar.id,
          startTime = start:in_zone(zone),
          endTime = (start + time.hours(1)):in_zone(zone),
        }
      end, { concurrency = 8 })
      assert.is_nil(errors)
      for index, block in ipairs(made) do
        expected[index] = block.id
      end
    end)
    table.sort(expected)
    local function sorted(list)
      local ids = ids_of(list)
      table.sort(ids)
      return ids
    end
    local list, response = client.block_slots:all { from = from, to = to }
    assert.is_truthy(list, response)
    assert.are.same(expected, sorted(list))
    hoopai.run(function()
      local seen = {}
      for block in client.block_slots:each { from = from, to = to } do
        seen[#seen + 1] = block
      end
      assert.are.same(ids_of(list), ids_of(seen))
    end)
    local per_calendar = 0
    for _, request in ipairs(box:control("requests").requests) do
      assert.are_not.equal(429, request.status)
      if request.path == "/calendars/blocked-slots" then per_calendar = per_calendar + 1 end
    end
    -- Of 27 calendars and 3 users, four windows each, twice.
    assert.are.equal(2 * 4 * 30, per_calendar)
    leak.after()
  end)
end)
