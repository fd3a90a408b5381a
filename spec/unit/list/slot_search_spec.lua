-- The search for free slots: its arguments, all problems of which are one error, and what it reads.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local failure, misuse, time = expect.failure, expect.misuse, hoopai.time

local DAY = 86400000
local FROM = time.parse("2076-12-01T00:00:00Z"):ms()

describe("hoopai.list.slot_search:", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "loc", timeout = 5 }
  end)
  after_each(function() leak.after(server) end)

  local function list(...)
    local calendars = {}
    for index, id in ipairs { ... } do
      calendars[index] = ('{"id":"%s"}'):format(id)
    end
    return { path = "/calendars/", body = '{"calendars":[' .. table.concat(calendars, ",") .. "]}" }
  end

  local function free(id, ...)
    local days = {}
    for index, slot in ipairs { ... } do
      days[index] = ('"%s":{"slots":["%s"]}'):format(slot:sub(1, 10), slot)
    end
    return { path = "/calendars/" .. id .. "/free-slots", body = "{" .. table.concat(days, ",") .. "}" }
  end

  local function always(rule)
    rule.always = true
    return rule
  end

  --- What each_slot gives, as "calendar start".
  local function collect(given, options)
    local found = {}
    for slot in client.calendars:each_slot(given, options) do
      found[#found + 1] = slot.calendarId .. " " .. slot.startTime
    end
    return found
  end

  local function span(days, more)
    local given = { from = FROM, to = FROM + days * DAY }
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    return given
  end

  --- The error that each_slot raises.
  local function raised(given, options)
    local ok, err = pcall(collect, given, options)
    assert.is_false(ok)
    return err
  end

  describe("arguments", function()
    --- The paths of all problems, which next_slot and each_slot have in common.
    local function problems(given, options)
      local err = failure("invalid_request", client.calendars:next_slot(given, options))
      assert.are.equal("no", err.applied)
      local same = failure("invalid_request", nil, raised(given, options))
      assert.are.same(err.details, same.details)
      local paths, texts = {}, {}
      for index, detail in ipairs(err.details) do
        paths[index], texts[detail.path] = tostring(detail.path), detail.problem
      end
      return table.concat(paths, " "), texts, err
    end

    it("are all wrong at once", function()
      local paths, texts, err = problems {
        from = "2076-12-01",
        to = "tomorrow",
        calendarIds = { "a/b", "events", 5, { id = "c" }, "", "fine" },
        timezone = "EST",
        userId = 7,
        userIds = {},
        enableLookBusy = "yes",
        progress = 5,
        startDate = FROM,
        endTime = FROM,
        calendarId = "c",
        zone = "Europe/Berlin",
        timeout = 5,
        [3] = "x",
      }
      assert.are.equal(
        "3 calendarId calendarIds[1] calendarIds[2] calendarIds[3] calendarIds[4] calendarIds[5] enableLookBusy "
          .. "endTime from progress startDate timeout timezone to userId userIds zone",
        paths
      )
      assert.matches("did you mean `calendarIds`", texts.calendarId, 1, true)
      assert.matches("API's own paths", texts["calendarIds[2]"], 1, true)
      assert.matches("give its id", texts["calendarIds[4]"], 1, true)
      assert.matches("did you mean `from`", texts.startDate, 1, true)
      assert.matches("did you mean `to`", texts.endTime, 1, true)
      assert.matches("is an option", texts.timeout, 1, true)
      assert.matches("did you mean `timezone`", texts.zone, 1, true)
      assert.matches("leave it out to mean all", texts.userIds, 1, true)
      assert.matches("calendars:next_slot has 18 problems", err.message, 1, true)
      assert.matches("slot_search_spec.lua:%d+$", err.where)
      assert.are.equal(0, #server:ledger())
    end)

    it("each wrong in every way", function()
      local wrong = {
        from = { true, {}, "now", 5, -1, 1.5, 0 / 0, math.huge, hoopai.null, time.days(1), "2076-12-01T00:00:00" },
        to = { true, {}, "now", 5, -1, 1.5, 0 / 0, math.huge, hoopai.null, time.days(1), FROM, FROM - 1 },
        calendarIds = { true, "abc", 5, {}, { n = 1 }, { "a", nil, "b" }, hoopai.null, time.now(), { [0] = "a" } },
        timezone = { true, 5, {}, "", "EST", "+02:00", "a b", hoopai.null },
        userId = { true, 5, {}, "", hoopai.null },
        userIds = { true, 5, "u", {}, { 5 }, { "" }, hoopai.null },
        locationId = { 5, {}, hoopai.null },
        progress = { true, 5, {}, "f", hoopai.null, false },
      }
      for name, values in pairs(wrong) do
        for index, value in pairs(values) do
          local paths = problems(span(7, { [name] = value }))
          assert.matches("^" .. name .. "[^ ]*$", paths, 1, false)
          assert.is_truthy(index)
        end
      end
      assert.are.equal("to", (problems { from = FROM }))
      assert.are.equal("to", (problems {}))
      assert.are.equal("to", (problems { to = time.now() - time.days(1) })) -- before now
      assert.are.equal("progress", (problems(span(7, { progress = print }), { progress = print })))
      assert.are.equal(0, #server:ledger())
    end)

    it("that are no table, or too many, and wrong options raise", function()
      local calendars = client.calendars
      for _, name in ipairs { "each_slot", "next_slot", "wait_for_slot" } do
        local what = "calendars:" .. name
        for _, case in ipairs {
          { {}, what .. " expects a table, got nil" },
          { { "c" }, what .. " expects a table, got the string" },
          { { "c", span(7) }, what .. " expects a table, got the string" },
          { { span(7), { time_out = 5 } }, what, "did you mean `timeout`" },
          { { span(7), { progress = 5 } }, "`progress` of " .. what },
          { { span(7), {}, 5 }, what .. " takes at most 2 arguments" },
        } do
          misuse(function()
            local result = calendars[name](calendars, table.unpack(case[1], 1, 3))
            return result
          end, table.unpack(case, 2))
        end
        misuse(function()
          local result = calendars[name](span(7))
          return result
        end, "with a colon")
      end
    end)

    it("need a location only where calendars are to be listed", function()
      client = leak.client { token = "t", base_url = server.url }
      assert.are.equal("locationId", (problems(span(7))))
      server:reply(free "a")
      assert.are.same({}, collect(span(7, { calendarIds = { "a" } })))
      server:reply(list(), list())
      assert.are.same({}, collect(span(7), { location_id = "elsewhere" }))
      assert.are.equal("locationId=elsewhere", server:last().query)
      assert.are.same({}, collect(span(7, { locationId = "there" })))
      assert.are.equal("locationId=there", server:last().query)
    end)

    it(
      "of free_slots pass through; unknown ones do with the checks off, but for those that have a name here",
      function()
        local more = {
          calendarIds = { "a" },
          timezone = "Europe/Berlin",
          userIds = { "u", "v" },
          enableLookBusy = true,
        }
        server:reply(free "a")
        assert.are.same({}, collect(span(7, more)))
        local query = "startDate=%d&endDate=%d&timezone=Europe%%2FBerlin&userIds=u&userIds=v&enableLookBusy=true"
        assert.are.equal(query:format(FROM - 1, FROM + 7 * DAY), server:last().query)

        more = { calendarIds = { "a" }, brandNew = "yes" }
        assert.are.equal("brandNew", (problems(span(7, more))))
        server:reply(free "a")
        assert.are.same({}, collect(span(7, more), { validate = false }))
        assert.matches("&brandNew=yes$", server:last().query)
        assert.are.equal("endDate startDate", (problems({ startDate = 1, endDate = 2, to = FROM + DAY, from = FROM }, {
          validate = false,
        })))
      end
    )

    it("are read raw, and once: later changes have no effect", function()
      local given = span(60, { calendarIds = { "a" } })
      local next_slot = client.calendars:each_slot(given)
      given.to, given.calendarIds[1], given.from = nil, "b", "x"
      server:reply(free("a", "2076-12-02T10:00:00Z"), free "a")
      assert.are.equal("2076-12-02T10:00:00Z", next_slot().startTime)
      assert.is_nil(next_slot())
    end)

    it("of a closed client are refused as those of each call", function()
      client:close()
      failure("closed", client.calendars:next_slot(span(7)))
      failure("closed", nil, raised(span(7)))
    end)
  end)

  describe("the calendars", function()
    it("are all active ones of the location, in the order of the list, each once", function()
      local body = '{"calendars":[{"id":"b"},{"id":"a","isActive":true},{"id":"c","isActive":false},{"id":"b"}]}'
      server:reply({ path = "/calendars/", body = body })
      server:reply(free("b", "2076-12-02T10:00:00Z"), free("a", "2076-12-02T10:00:00Z", "2076-12-01T10:00:00Z"))
      assert.are.same(
        { "a 2076-12-01T10:00:00Z", "b 2076-12-02T10:00:00Z", "a 2076-12-02T10:00:00Z" },
        collect(span(7))
      )
      assert.are.equal(3, #server:ledger())
    end)

    it("that are given twice are read once", function()
      server:reply(free("a", "2076-12-02T10:00:00Z"))
      assert.are.same({ "a 2076-12-02T10:00:00Z" }, collect(span(7, { calendarIds = { "a", "a" } })))
    end)

    it("of a window are read side by side", function()
      local ids = {}
      for index = 1, 40 do
        ids[index] = "c" .. index
        local rule = free(ids[index])
        rule.hold = "all"
        server:reply(rule)
      end
      hoopai.run(function()
        local task = hoopai.spawn(collect, span(7, { calendarIds = ids }))
        expect.eventually(function() return server:count "arrived" == 40 end, "all requests arrived")
        server:release "all"
        assert.are.same({}, task:join())
      end)
    end)

    it("of which one cannot be read end it: the error names it, and the other requests are aborted", function()
      local stalled = free "a"
      stalled.steps, stalled.body = { { stall = true } }, nil
      server:reply(stalled, { path = "/calendars/b/free-slots", status = 403, body = '{"message":"no"}' })
      local err = raised(span(60, { calendarIds = { "a", "b" } }))
      failure("forbidden", nil, err, { calendarId = "b", status = 403, applied = "no" })
      assert.matches("calendar b: no", err.message, 1, true)
      assert.matches("slot_search_spec.lua:%d+$", err.where)
      server:wait("busy", "exactly", 0)
      assert.are.equal(2, #server:ledger())
    end)

    it("that are given must exist", function()
      server:reply { path = "/calendars/a/free-slots", status = 404, body = '{"message":"Calendar not found"}' }
      failure("not_found", nil, raised(span(7, { calendarIds = { "a" } })), { calendarId = "a" })
      assert.are.equal(1, #server:ledger())
    end)

    it("that were deleted since they were listed are left out", function()
      server:reply(
        list("a", "b"),
        { path = "/calendars/a/free-slots", status = 404, body = '{"message":"Calendar not found"}' },
        list "b",
        free("b", "2076-12-02T10:00:00Z"),
        free("b", "2077-01-02T10:00:00Z")
      )
      local seen = {}
      local given = span(60, { progress = function(done, total) seen[#seen + 1] = done .. "/" .. total end })
      assert.are.same({ "b 2076-12-02T10:00:00Z", "b 2077-01-02T10:00:00Z" }, collect(given))
      assert.are.equal("4/4", seen[#seen])
    end)

    it("whose 404 has another reason are an error", function()
      local missing = { path = "/calendars/a/free-slots", status = 404, body = '{"message":"no"}' }
      server:reply(list "a", missing, list "a")
      failure("not_found", nil, raised(span(60)), { calendarId = "a" })
      server:reply(list "a", missing, { path = "/calendars/", status = 500, body = "{}" })
      failure("not_found", nil, raised(span(60)))
    end)

    it("that cannot be listed are an error", function()
      server:reply { path = "/calendars/", status = 403, body = '{"message":"no"}' }
      failure("forbidden", nil, raised(span(7)))
      for _, body in ipairs { '{"calendars":[{"name":"x"}]}', '{"calendars":[5]}', '{"calendars":[{"id":7}]}', "{}" } do
        server:reply { path = "/calendars/", body = body }
        failure("decode", nil, raised(span(7)), { path = "/calendars/" })
      end
    end)

    it("may be none", function()
      server:reply(list(), list())
      assert.are.same({}, collect(span(7)))
      local err = failure("slot_taken", client.calendars:next_slot(span(7)))
      assert.matches("has no active calendar", err.message, 1, true)
    end)
  end)

  describe("the slots", function()
    it("are those of the span, whichever the API gives at its ends and at a seam", function()
      local seam = time.from_ms(FROM + 30 * DAY):iso "UTC"
      server:reply(
        free("a", "2076-11-30T23:59:59Z", "2076-12-01T00:00:00Z", "2076-12-30T23:59:00Z", seam),
        free("a", "2076-12-30T23:59:00Z", seam, "2077-01-29T23:59:00Z", "2077-01-30T00:00:00Z")
      )
      assert.are.same(
        { "a 2076-12-01T00:00:00Z", "a 2076-12-30T23:59:00Z", "a " .. seam, "a 2077-01-29T23:59:00Z" },
        collect(span(60, { calendarIds = { "a" } }))
      )
    end)

    it("carry the zone that was asked for", function()
      server:reply(free("a", "2076-12-02T10:00:00+01:00"))
      local slot = client.calendars:each_slot(span(7, { calendarIds = { "a" }, timezone = "Europe/Berlin" }))()
      assert.are.equal("Europe/Berlin", slot.instant:zone())
      assert.are.same({ "a", "2076-12-02" }, { slot.calendarId, slot.day })
    end)

    it("that cannot be read are an error: none may be missing", function()
      for _, body in ipairs {
        '{"2076-12-02":{"slots":["2076-12-02T10:00:00Z","soon"]}}',
        '{"2076-12-02":{"slots":[5]}}',
        '{"2076-12-02":{"slots":[null,"2076-12-02T10:00:00Z"]}}',
        '{"2076-12-02":{"slots":["2076-12-02T09:00:00Z",null,"2076-12-02T10:00:00Z"]}}',
        '{"2076-12-02":{"slots":null}}',
        '{"message":"try again"}',
        '{"slots":["2076-12-02T10:00:00Z"]}',
        '{"2076-12-02":{"slots":"none"}}',
        '{"2076-12-02":[]}',
      } do
        server:reply { path = "/calendars/a/free-slots", body = body }
        local err = raised(span(7, { calendarIds = { "a" } }))
        failure("decode", nil, err, { calendarId = "a", path = "/calendars/a/free-slots", status = 200 })
        assert.matches("the calendar a has free slots that cannot be read", err.message, 1, true)
      end
    end)

    it("may be asked for in any year", function()
      server:reply(always(free "a"))
      assert.are.same({}, collect { from = "1970-01-02T00:00:00Z", to = "1970-01-03T00:00:00Z", calendarIds = { "a" } })
      local far = { from = "9999-12-01T00:00:00Z", to = "9999-12-31T23:59:59Z", calendarIds = { "a" } }
      far.timezone = "Pacific/Auckland"
      assert.are.same({}, collect(far))
    end)
  end)

  describe("progress", function()
    it("is called after each request, with their total", function()
      local seen = {}
      server:reply(list("a", "b"), always(free "a"), always(free "b"))
      collect(span(90), { progress = function(done, total) seen[#seen + 1] = done .. "/" .. total end })
      assert.are.same({ "1/7", "2/7", "3/7", "4/7", "5/7", "6/7", "7/7" }, seen)
      seen = {}
      collect(span(45, {
        calendarIds = { "a" },
        progress = function(done, total) seen[#seen + 1] = done .. "/" .. total end,
      }))
      assert.are.same({ "1/2", "2/2" }, seen)
    end)

    it("that raises, or waits, ends it", function()
      server:reply(always(free "a"))
      local own = {}
      assert.are.equal(own, raised(span(90, { calendarIds = { "a" }, progress = function() error(own) end })))
      local given = span(90, { calendarIds = { "a" }, progress = function() error(own) end })
      assert.are.equal(own, select(2, pcall(client.calendars.next_slot, client.calendars, given)))
      given.give_up_after = 20
      assert.are.equal(own, select(2, pcall(client.calendars.wait_for_slot, client.calendars, given)))
      local waiting = { calendarIds = { "a" }, progress = function() hoopai.sleep(1) end }
      assert.matches("cannot be called inside `progress`", raised(span(90, waiting)), 1, true)
      assert.are.equal(4, #server:ledger())
    end)
  end)
end)
