-- Events and blocked times of any span: which belong, in which order, and how they are read.

local child = require "spec.support.child"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local span_server = require "spec.support.span_server"
local spans = require "hoopai.list.spans"

local MINUTE, HOUR, DAY = 60000, 3600000, 86400000
local BEGIN = hoopai.time.parse("2026-01-05T00:00:00Z"):ms()
local ALL_ENDS = { "overlap", "starts", "within" }
local ALL_BOUNDS = { "half", "closed", "open" }

local function collect(...)
  local list = {}
  for record in ... do
    list[#list + 1] = record
  end
  return list
end

local function ids_of(list)
  local ids = {}
  for index, record in ipairs(list) do
    ids[index] = record.id or record.title
  end
  return ids
end

describe("hoopai.list.spans:", function()
  local server, client

  setup(function() server = span_server.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "l", timeout = 20 }
  end)
  after_each(function() leak.after() end)

  --- An event of the calendar `owner`, in hours from BEGIN.
  local function event(id, from, to, owner, more)
    local record =
      { id = id, from = BEGIN + from * HOUR // 1, to = BEGIN + to * HOUR // 1, owners = { [owner or "a"] = true } }
    for name, value in pairs(more or {}) do
      record[name] = value
    end
    return record
  end

  local function calendars(...)
    local list = {}
    for index, id in ipairs { ... } do
      list[index] = { id = id }
    end
    return list
  end

  local function span(from, to, more)
    local given = { from = BEGIN + from * HOUR, to = BEGIN + to * HOUR }
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    return given
  end

  --- The ids of a span by `all` and by `each`, in a script and in a task, which must be the same.
  local function ids(given, resource)
    resource = resource or client.events
    local expected = ids_of(assert(resource:all(given)))
    assert.are.same(expected, ids_of(collect(resource:each(given))))
    hoopai.run(function()
      assert.are.same(expected, ids_of(assert(resource:all(given))))
      assert.are.same(expected, ids_of(collect(resource:each(given))))
    end)
    return expected
  end

  --- Lets other tasks go on until so many requests have come.
  local function wait_for(count)
    local deadline = os.time() + 20
    while #server:ledger() < count and os.time() < deadline do
      hoopai.sleep(0.005)
    end
  end

  local function requests(path)
    local found = {}
    for _, entry in ipairs(server:ledger()) do
      if entry.path == path then found[#found + 1] = entry end
    end
    return found
  end

  describe("an event belongs", function()
    local RECORDS = {
      event("ends before", -3, -1),
      event("ends at from", -2, 0),
      event("none, before", -1, -1),
      event("over from", -1, 1),
      event("over all", -1, 25),
      event("at from", 0, 1),
      event("none, at from", 0, 0),
      event("inside", 2, 3),
      event("over to", 23, 25),
      event("none, last", 23.999, 23.999),
      event("none, at to", 24, 24),
      event("at to", 24, 25),
      event("later", 30, 31),
    }
    local RIGHT = {
      "over all",
      "over from",
      "at from",
      "none, at from",
      "inside",
      "over to",
      "none, last",
    }

    for _, ends in ipairs(ALL_ENDS) do
      for _, bounds in ipairs(ALL_BOUNDS) do
        it("whatever the API means by the ends: " .. ends .. ", " .. bounds, function()
          server:set { calendars = calendars "a", events = RECORDS, ends = ends, bounds = bounds }
          assert.are.same(RIGHT, ids(span(0, 24)))
        end)

        it("once if it is on a seam: " .. ends .. ", " .. bounds, function()
          local seam = 92 * 24
          local records = {
            event("z", seam - 1, seam + 1),
            event("ends there", seam - 1, seam),
            event("begins there", seam, seam + 1),
            event("none", seam, seam),
            event("a day", seam - 12, seam + 12),
            event("second seam", 2 * seam - 0.5, 2 * seam + 0.5),
          }
          server:set { calendars = calendars "a", events = records, ends = ends, bounds = bounds }
          assert.are.same({ "a day", "ends there", "z", "begins there", "none", "second seam" }, ids(span(0, 250 * 24)))
        end)
      end
    end

    it("if the API returns it for a long time", function()
      server:set { calendars = calendars "a", events = { event("years", -20000, 20000), event("e", 5000, 5001) } }
      assert.are.same({ "years", "e" }, ids(span(0, 9000)))
      assert.are.same({ "years" }, ids(span(10000, 10001)))
      assert.are.same({}, ids(span(20000, 20001)))
    end)

    it("for blocked times also after a month, whatever the ends mean", function()
      local blocks = { event("holidays", -30 * 24, 20), event("sick", 20, 31 * 24) }
      for _, ends in ipairs(ALL_ENDS) do
        server:set { calendars = calendars "a", blocks = blocks, ends = ends }
        assert.are.same({ "holidays" }, ids(span(0, 1), client.block_slots))
        assert.are.same({ "holidays", "sick" }, ids(span(0, 30), client.block_slots))
      end
    end)
  end)

  it("events are in the order of their instants, then of their ids", function()
    server:set {
      calendars = calendars("a", "b", "c"),
      events = {
        event("m", 5, 6, "a", { startTime = "2026-01-05T00:00:00-05:00", endTime = "2026-01-05T01:00:00-05:00" }),
        event("z", 5, 7, "b", { startTime = "2026-01-05T06:00:00+01:00", endTime = "2026-01-05T07:00:00+01:00" }),
        event("b", 5, 9, "c"),
        event("first", 4, 30, "c"),
        event(nil, 5, 6, "b", { title = "no id" }),
        event("last", 6, 7, "a"),
      },
    }
    assert.are.same({ "first", "b", "m", "z", "no id", "last" }, ids(span(0, 24)))
  end)

  it("an event of several owners comes once, and so does one without an id on a seam", function()
    local seam = 92 * 24
    local shared = event("shared", 5, 6)
    shared.owners = { a = true, b = true }
    server:set {
      calendars = calendars("a", "b"),
      events = {
        shared,
        event(nil, seam - 1, seam + 1, "b", { title = "no id" }),
        event(nil, 3, 4, "b", { title = "x" }),
      },
    }
    assert.are.same({ "x", "shared", "no id" }, ids(span(0, 5000)))
  end)

  it("a year of a calendar is four requests, which meet without a gap", function()
    server:set { events = { event("e", 100, 101) } }
    for _, days in ipairs { 365, 366 } do
      server:set { events = { event("e", 100, 101) } }
      local list, response = client.events:all(span(0, days * 24, { calendarId = "a" }))
      assert.are.same({ "e" }, ids_of(list))
      assert.are.equal(200, response.status)
      local ledger = server:ledger()
      assert.are.equal(4, #ledger)
      table.sort(ledger, function(x, y) return x.from < y.from end)
      assert.is_true(ledger[1].from <= BEGIN - DAY)
      assert.is_true(ledger[4].to >= BEGIN + (days + 1) * DAY)
      for index, entry in ipairs(ledger) do
        assert.are.equal("l", entry.location)
        assert.are.equal("calendarId", entry.field)
        if index > 1 then assert.is_true(entry.from <= ledger[index - 1].to - 2 * DAY) end
      end
    end
  end)

  it("all there ever was is read in forty windows at most", function()
    server:set { events = { event("e", 100, 101) } }
    local given = { from = hoopai.time.from_ms(0), to = "9999-12-31T23:59:59Z", calendarId = "a" }
    assert.are.same({ "e" }, ids_of(client.events:all(given)))
    assert.is_true(#server:ledger() <= 40)
    -- From the years whose milliseconds look like seconds.
    given = { from = "1970-01-20T00:00:00Z", to = "1971-01-01T00:00:00Z", calendarId = "a" }
    for _, resource in ipairs { client.events, client.block_slots } do
      assert.are.same({}, resource:all(given))
    end
  end)

  describe("whose events:", function()
    local function world()
      return {
        calendars = {
          { id = "a", teamMembers = { { userId = "u1" }, { userId = "u2" } } },
          { id = "b", isActive = false, teamMembers = { { userId = "u2" }, { userId = "u3" } } },
          { id = "c" },
        },
        events = {
          event("in a", 1, 2, "a"),
          event("in b", 2, 3, "b"),
          event("in c", 3, 4, "c"),
          event("of u1", 4, 5, "u1"),
        },
        blocks = {
          event("of c", 1, 2, "c"),
          event("of u3", 2, 3, "u3"),
          event("of u1", 3, 4, "u1"),
          event("of x", 4, 5, "x"),
        },
      }
    end

    it("of all calendars", function()
      server:set(world())
      assert.are.same({ "in a", "in b", "in c" }, ids_of(client.events:all(span(0, 24))))
      assert.are.equal(1, #requests "/calendars/")
      assert.are.equal(3, #requests "/calendars/events")
    end)

    it("blocked times of all calendars and team members, each asked once", function()
      server:set(world())
      assert.are.same({ "of c", "of u3", "of u1" }, ids_of(client.block_slots:all(span(0, 24))))
      local asked = {}
      for index, entry in ipairs(requests "/calendars/blocked-slots") do
        asked[index] = entry.field .. " " .. entry.owner
      end
      table.sort(asked)
      assert.are.same({ "calendarId a", "calendarId b", "calendarId c", "userId u1", "userId u2", "userId u3" }, asked)
    end)

    it("of one", function()
      for field, id in pairs { calendarId = "b", userId = "u1", groupId = "g" } do
        for _, resource in ipairs { client.events, client.block_slots } do
          server:set(world())
          assert(resource:all(span(0, 24, { [field] = id })))
          local ledger = server:ledger()
          assert.are.equal(1, #ledger)
          assert.are.equal(field, ledger[1].field)
          assert.are.equal(id, ledger[1].owner)
        end
      end
      assert.are.same({ "of x" }, ids(span(0, 24, { userId = "x" }), client.block_slots))
    end)

    it("of a location without calendars", function()
      server:set {}
      assert.are.same({}, ids(span(0, 9999)))
      local list, response = client.block_slots:all(span(0, 24))
      assert.are.same({}, list)
      assert.are.equal(200, response.status)
    end)

    it("of the location of the options, for all requests", function()
      for _, reader in ipairs { client, client:with { location_id = "m" } } do
        server:set(world())
        reader.block_slots:all(span(0, 24), reader == client and { location_id = "m" } or nil)
        assert.are.equal(7, #server:ledger())
        for _, entry in ipairs(server:ledger()) do
          assert.are.equal("m", entry.location)
        end
      end
    end)

    it("of dozens of calendars over thirteen months, sixteen at a time, within the rate limit", function()
      local names, events, expected = {}, {}, {}
      for index = 1, 40 do
        names[index] = ("c%02d"):format(index)
        for month = 0, 12 do
          local id = ("e%02d%02d"):format(month, index)
          events[#events + 1] = event(id, month * 30 * 24 + index / 100, month * 30 * 24 + 3, names[index])
          expected[#expected + 1] = id
        end
      end
      table.sort(expected)
      local world_of_many = {
        calendars = calendars(table.unpack(names)),
        events = events,
        headers = "X-RateLimit-Max: 5000\r\nX-RateLimit-Remaining: 4000\r\n"
          .. "X-RateLimit-Interval-Milliseconds: 10000\r\n",
      }
      server:set(world_of_many)
      local limited = leak.client { token = "t", base_url = server.url, location_id = "l", rate_limit = true }
      local at_once, most = 0, 0
      local counting = limited:with {}
      for _, reader in ipairs { limited, counting } do
        hoopai.run(function()
          assert.are.same(expected, ids_of(reader.events:all(span(0, 396 * 24))))
          assert.are.same(expected, ids_of(collect(reader.events:each(span(0, 396 * 24)))))
        end)
      end
      assert.are.equal(4 * (1 + 40 * 5), #server:ledger())
      local watched = leak.client {
        token = "t",
        base_url = server.url,
        location_id = "l",
        on = {
          request = function()
            at_once = at_once + 1
            most = math.max(most, at_once)
          end,
          response = function() at_once = at_once - 1 end,
        },
      }
      assert(watched.events:all(span(0, 396 * 24)))
      assert.are.equal(16, most)
    end)
  end)

  describe("a failure", function()
    local function failing(fault, more)
      local world = {
        calendars = calendars("a", "b", "c"),
        events = { event("e1", 1, 2), event("e2", 3000, 3001), event("e3", 3, 4, "b"), event("e4", 5000, 5001, "b") },
        faults = { fault },
      }
      for name, value in pairs(more or {}) do
        world[name] = value
      end
      server:set(world)
    end

    it("of one owner ends all, and aborts the requests beside it", function()
      for _, in_task in ipairs { false, true } do
        failing({ owner = "b", status = 503, body = '{"message":"down"}' })
        local list, err
        local function read()
          list, err = client.events:all(span(0, 24))
        end
        if in_task then
          hoopai.run(read)
        else
          read()
        end
        assert.is_nil(list)
        assert.are.equal("server", err.kind)
        assert.are.equal("calendar b: down", err.message)
        assert.are.equal("b", err.calendarId)
        assert.matches("^spec/unit/list/spans_spec.lua:%d+$", err.where)
      end
      server:set {
        calendars = calendars("a", "b", "c"),
        faults = { { owner = "a" }, { owner = "c" }, { owner = "b", status = 503, after = 4 } },
      }
      local list, err = client.events:all(span(0, 24))
      assert.is_nil(list)
      assert.are.equal("server", err.kind)
      assert.are.equal(0, leak.in_flight())
      server:wait("ended", 4)
      for _, entry in ipairs(requests "/calendars/events") do
        assert.are.equal(entry.owner == "b" and "answered" or "gone", entry.outcome)
      end
    end)

    it("comes out of a loop after the records before it, with the line of the loop, and again", function()
      local sent = 0
      client = leak.client {
        token = "t",
        base_url = server.url,
        location_id = "l",
        on = { request = function() sent = sent + 1 end },
      }
      for _, in_task in ipairs { false, true } do
        failing({ owner = "b", status = 500, from = BEGIN + 200 * DAY })
        local seen, step = {}, nil
        local function read()
          step = client.events:each(span(0, 6000))
          for found in step do
            seen[#seen + 1] = found.id
          end
        end
        local ok, err = pcall(in_task and hoopai.run or read, read)
        assert.is_false(ok)
        assert.are.equal("server", err.kind)
        assert.matches("^spec/unit/list/spans_spec.lua:%d+$", err.where)
        assert.are.same({ "e1", "e3", "e2" }, seen)
        local count = sent
        ok = pcall(step)
        assert.is_false(ok)
        assert.are.equal(count, sent)
      end
    end)

    it("of a user says whose it is; of the caller's own it does not", function()
      server:set {
        calendars = { { id = "c", teamMembers = { { userId = "u" } } } },
        faults = { { owner = "u", status = 403, body = '{"message":"no"}' } },
      }
      local list, err = client.block_slots:all(span(0, 24))
      assert.is_nil(list)
      assert.are.equal("user u: no", err.message)
      assert.are.equal("u", err.userId)
      list, err = client.block_slots:all(span(0, 24, { userId = "u" }))
      assert.is_nil(list)
      assert.are.equal("no", err.message)
      assert.is_nil(err.userId)
    end)

    it("of the list of calendars", function()
      server:set { calendars = false }
      local list, err = client.events:all(span(0, 24))
      assert.is_nil(list)
      assert.are.equal("no calendars now", err.message)
      local ok
      ok, err = pcall(client.events:each(span(0, 24)))
      assert.is_false(ok)
      assert.are.equal("/calendars/", err.path)
    end)

    it("404 of a calendar that was deleted meanwhile is none", function()
      failing({ owner = "b", status = 404, calendars = calendars("a", "c") })
      local steps = {}
      local list = client.events:all(span(0, 6000, {
        progress = function(done, total) steps[#steps + 1] = done .. "/" .. total end,
      }))
      assert.are.same({ "e1", "e2" }, ids_of(list))
      assert.are.equal("10/10", steps[#steps])
      failing({ owner = "b", status = 404, from = BEGIN + 200 * DAY, calendars = calendars("a", "c") })
      assert.are.same({ "e1", "e3", "e2" }, ids_of(collect(client.events:each(span(0, 6000)))))
      -- It is asked for no more.
      failing({ owner = "b", status = 404, calendars = calendars("a", "c") })
      assert.are.same({ "e1", "e2" }, ids_of(collect(client.events:each(span(0, 6000)))))
      local asked = 0
      for _, entry in ipairs(server:ledger()) do
        if entry.owner == "b" then asked = asked + 1 end
      end
      assert.are.equal(1, asked)
    end)

    it("404 of a calendar that is still listed is one, and so is that of the caller's own", function()
      failing { owner = "b", status = 404 }
      local list, err = client.events:all(span(0, 24))
      assert.is_nil(list)
      assert.are.equal("not_found", err.kind)
      assert.are.equal("/calendars/events", err.path)
      failing({ owner = "b", status = 404, calendars = false })
      list, err = client.events:all(span(0, 24))
      assert.is_nil(list)
      assert.are.equal("not_found", err.kind)
      failing({ owner = "b", status = 404, calendars = calendars "a" })
      list, err = client.events:all(span(0, 24, { calendarId = "b" }))
      assert.is_nil(list)
      assert.are.equal("not_found", err.kind)
    end)

    it("of a user who left all teams meanwhile is none", function()
      server:set {
        calendars = { { id = "a", teamMembers = { { userId = "u1" }, { userId = "u2" } } } },
        blocks = { event("of u1", 1, 2, "u1") },
        faults = { { owner = "u2", status = 404, calendars = { { id = "a", teamMembers = { { userId = "u1" } } } } } },
      }
      assert.are.same({ "of u1" }, ids_of(client.block_slots:all(span(0, 24))))
    end)
  end)

  describe("a record that cannot be placed is an error:", function()
    local function refused(record, pattern, from)
      record.owners = { a = true }
      server:set { calendars = calendars "a", events = { event("fine", 1, 2), record } }
      local list, err = client.events:all(span(from or 0, 24))
      assert.is_nil(list)
      assert.are.equal("decode", err.kind)
      assert.are.equal("no", err.applied)
      assert.are.equal("/calendars/events", err.path)
      assert.are.equal(200, err.status)
      assert.matches(pattern, err.message)
      assert.matches("^spec/unit/list/spans_spec.lua:%d+$", err.where)
    end

    it("by its start", function()
      refused({ id = "odd" }, "^calendar a: `startTime` of the event odd cannot be read$")
      refused(
        { id = "odd", startTime = "2026-01-05 10:00:00" },
        "^calendar a: `startTime` of the event odd cannot be read: "
      )
      refused({ id = "odd", startTime = { seconds = 5 } }, "^calendar a: `startTime` of the event odd cannot be read: ")
      refused({ startTime = "soon" }, "^calendar a: `startTime` of an event without an id cannot be read: ")
    end)

    it("by its end, if that says whether it belongs", function()
      refused(
        { id = "odd", startTime = "2026-01-04T23:00:00Z" },
        "^calendar a: `endTime` of the event odd cannot be read$"
      )
      server:set {
        events = { event("odd", 3, 4, "a", { endTime = "later" }), event("e", 5, 6) },
      }
      assert.are.same({ "odd", "e" }, ids_of(client.events:all(span(0, 24, { calendarId = "a" }))))
    end)

    it("in milliseconds it can be read", function()
      server:set {
        events = {
          { id = "e", startTime = BEGIN + HOUR, endTime = tostring(BEGIN + 2 * HOUR), owners = { a = true } },
        },
      }
      assert.are.same({ "e" }, ids_of(client.events:all(span(0, 24, { calendarId = "a" }))))
      assert.are.same({ "e" }, ids_of(client.events:all(span(1.5, 24, { calendarId = "a" }))))
    end)
  end)

  it("a response that has no list is an error", function()
    for _, body in ipairs { '{"items":[]}', "{}", '{"events":[5]}', '{"events":[null,{"id":"e"}]}', "[]" } do
      server:set { faults = { { status = 200, body = body } } }
      local list, err = client.events:all(span(0, 24, { calendarId = "a" }))
      assert.is_nil(list, body)
      assert.are.equal("decode", err.kind)
    end
  end)

  it("windows that are too large are halved, those of the owner alone", function()
    local events, expected = {}, {}
    for index = 1, 60 do
      local id = ("e%02d"):format(index)
      events[index] = event(id, index * 60, index * 60 + 2)
      expected[index] = id
    end
    events[61] = event("other", 1, 2, "b")
    local steps = {}
    for _, ends in ipairs(ALL_ENDS) do
      server:set { calendars = calendars("a", "b"), events = events, most = 20, ends = ends }
      local given = span(29, 4000, {
        progress = function(done, total) steps[#steps + 1] = { done, total } end,
      })
      assert.are.same(expected, ids_of(client.events:all(given)))
      local of_b = 0
      for _, entry in ipairs(server:ledger()) do
        if entry.owner == "b" then of_b = of_b + 1 end
      end
      assert.are.equal(2, of_b)
      assert.are.same({ #server:ledger(), #server:ledger() }, steps[#steps])
    end
    -- Once halved, later windows are asked for in smaller parts at once.
    server:set { events = events, most = 20 }
    local given = span(29, 4000, { calendarId = "a" })
    assert.are.same(expected, ids_of(collect(client.events:each(given))))
    server:wait("ended", #server:ledger())
    local too_large = 0
    for _, entry in ipairs(server:ledger()) do
      if entry.outcome == "gone" then too_large = too_large + 1 end
    end
    assert.are.equal(1, too_large)
  end)

  it("a window that stays too large is an error in the end", function()
    server:set { events = { event("e", 1, 2), event("f", 1, 2) }, most = 1 }
    local list, err = client.events:all(span(0, 24, { calendarId = "a" }))
    assert.is_nil(list)
    assert.are.equal("too_large", err.kind)
    assert.is_true(#server:ledger() < 20)
  end)

  describe("a loop that is left", function()
    local function world(faults)
      local events = {}
      for index = 1, 50 do
        events[index] = event(("e%02d"):format(index), index * 100, index * 100 + 1, index % 2 == 0 and "a" or "b")
      end
      server:set { calendars = calendars("a", "b"), events = events, faults = faults }
    end

    it("in a script has read no further than it came", function()
      world()
      for found in client.events:each(span(0, 8000)) do
        if found.id == "e03" then break end
      end
      assert.are.equal(3, #server:ledger())
      for found in client.events:each(span(0, 8000)) do
        if found.id == "e30" then break end
      end
      assert.are.equal(3 + 5, #server:ledger())
    end)

    it("at the first record in a task has read nothing ahead", function()
      world()
      hoopai.run(function()
        local first = client.events:each(span(0, 8000))()
        assert.are.equal("e01", first.id)
        hoopai.sleep(0.05)
      end)
      assert.are.equal(3, #server:ledger())
    end)

    for _, how in ipairs { "break", "error", "cancel", "return" } do
      it("in a task aborts what it reads ahead: " .. how, function()
        world { { from = BEGIN + 3500 * HOUR } } -- the second window is never answered
        hoopai.run(function()
          local task = hoopai.spawn(function()
            for found in client.events:each(span(0, 8000)) do
              if found.id == "e05" then
                wait_for(5)
                if how == "error" then error "left" end
                if how == "cancel" then hoopai.sleep(600) end
                if how == "return" then return end
                if how == "break" then break end
              end
            end
            assert.are.equal(0, leak.in_flight())
          end)
          if how == "cancel" then
            wait_for(5)
            task:cancel()
          end
          local _, err = task:join()
          assert.are.equal(how == "cancel" and "cancelled" or how == "error" and "raised" or nil, err and err.kind)
          assert.are.equal(0, leak.in_flight())
          server:wait("ended", 5)
        end)
        local ledger = server:ledger()
        assert.are.equal(5, #ledger)
        for index = 4, 5 do
          assert.are.equal("gone", ledger[index].outcome)
        end
      end)
    end

    it("while it waits, by its task's end", function()
      world { {} }
      for _, read in ipairs {
        function() return client.events:all(span(0, 8000)) end,
        function() return collect(client.events:each(span(0, 8000))) end,
      } do
        local _, err = hoopai.timeout(0.3, read)
        assert.are.equal("timeout", err.kind)
        assert.are.equal("no", err.applied)
        assert.are.equal(0, leak.in_flight())
      end
      server:wait("ended", #server:ledger())
    end)
  end)

  describe("progress", function()
    local function watch(resource, given, options)
      local steps = {}
      local function progress(done, total) steps[#steps + 1] = done .. "/" .. total end
      if options then
        options.progress = progress
      else
        given.progress = progress
      end
      if resource == "each" then
        collect(client.events:each(given, options))
      else
        assert(client[resource]:all(given, options))
      end
      return steps
    end

    local function world()
      server:set { calendars = { { id = "a", teamMembers = { { userId = "u" } } }, { id = "b" } }, events = {} }
    end

    it("counts the requests", function()
      world()
      assert.are.same({ "1/5", "2/5", "3/5", "4/5", "5/5" }, watch("events", span(0, 100 * 24)))
      assert.are.same({ "1/4", "2/4", "3/4", "4/4" }, watch("block_slots", span(0, 24)))
      assert.are.same({ "1/2", "2/2" }, watch("events", span(0, 100 * 24, { calendarId = "a" })))
      assert.are.same({ "1/5", "2/5", "3/5", "4/5", "5/5" }, watch("each", span(0, 100 * 24), { timeout = 5 }))
      hoopai.run(
        function() assert.are.same({ "1/5", "2/5", "3/5", "4/5", "5/5" }, watch("each", span(0, 100 * 24))) end
      )
    end)

    it("raises what it raises, and aborts the requests", function()
      local object = { "mine" }
      for _, in_task in ipairs { false, true } do
        for _, read in ipairs {
          function(given) return client.events:all(given) end,
          function(given) return collect(client.events:each(given)) end,
        } do
          server:set { calendars = calendars("a", "b"), faults = { { owner = "b" } } }
          local given = span(0, 24, {
            progress = function(done)
              if done == 2 then error(object) end
            end,
          })
          local ok, err
          if in_task then
            ok, err = pcall(hoopai.run, read, given)
          else
            ok, err = pcall(read, given)
          end
          assert.is_false(ok)
          assert.are.equal(object, err)
          assert.are.equal(0, leak.in_flight())
        end
      end
    end)

    it("may not wait", function()
      world()
      local ok, err = pcall(function()
        client.events:all(span(0, 24, { progress = function() hoopai.sleep(0) end }))
      end)
      assert.is_false(ok)
      assert.matches("hoopai.sleep cannot be called inside `progress`", err, 1, true)
      ok, err = pcall(function() client.events:all(span(0, 24, { progress = coroutine.yield })) end)
      assert.is_false(ok)
      assert.matches("`progress` may not yield", err, 1, true)
    end)
  end)

  describe("arguments that are wrong", function()
    local function problems(given, options)
      local by_path = {}
      for _, name in ipairs { "events", "block_slots" } do
        local list, err = client[name]:all(given, options)
        assert.is_nil(list)
        assert.are.equal("invalid_request", err.kind)
        assert.matches("^" .. name .. ":all", err.message)
        assert.matches("^spec/unit/list/spans_spec.lua:%d+$", err.where)
        local ok, raised = pcall(function() client[name]:each(given, options) end)
        assert.is_false(ok)
        assert.are.equal((err.message:gsub(":all", ":each")), raised.message)
        assert.matches("^spec/unit/list/spans_spec.lua:%d+$", raised.where)
        for _, detail in ipairs(err.details) do
          assert.is_nil(name == "events" and by_path[detail.path] or nil)
          by_path[detail.path] = detail.problem
        end
      end
      return by_path
    end

    before_each(function() server:set {} end)
    after_each(function() assert.are.equal(0, #server:ledger()) end)

    it("are one error with all problems", function()
      local found =
        problems { from = 5, calendarId = "", groupId = {}, progress = 1, startTime = BEGIN, timeout = 5, x = 1 }
      local names = {}
      for path in pairs(found) do
        names[#names + 1] = path
      end
      table.sort(names)
      assert.are.same({ "", "calendarId", "from", "groupId", "progress", "startTime", "timeout", "to", "x" }, names)
      assert.are.equal("give only one of `calendarId`, `userId` or `groupId`", found[""])
      assert.are.equal("is unknown, did you mean `from`?", found.startTime)
    end)

    it(
      "several owners are one problem",
      function()
        assert.are.same(
          { [""] = "give only one of `calendarId`, `userId` or `groupId`" },
          problems(span(0, 24, { calendarId = "a", userId = "u", groupId = "g" }))
        )
      end
    )

    it("a span is not empty, nor turned round", function()
      assert.are.same({ to = "must be after `from`" }, problems(span(24, 24)))
      assert.are.same({ to = "must be after `from`" }, problems(span(24, 0)))
    end)

    it(
      "progress is given once",
      function()
        assert.are.same(
          { progress = "is given twice: leave out one of the two" },
          problems(span(0, 24, { progress = print }), { progress = print })
        )
      end
    )

    it("a location is needed", function()
      client = leak.client { token = "t", base_url = server.url }
      assert.are.same({
        locationId = "is required: set location_id in the last argument, or in hoopai.new",
        to = "is required: where the span ends",
      }, problems { from = BEGIN })
    end)

    it("or of another type raise", function()
      local function refused(text, ...)
        for _, method in ipairs { "each", "all" } do
          local arguments = table.pack(...)
          local ok, err = pcall(function() client.events[method](table.unpack(arguments, 1, arguments.n)) end)
          assert.is_false(ok)
          assert.matches(text:format(method), err, 1, true)
          assert.matches("spec/unit/list/spans_spec.lua", err, 1, true)
        end
      end
      refused("events:%s expects a table, got nil", client.events)
      refused("events:%s expects a table, got the string", client.events, "2026-01-05T00:00:00Z")
      refused("events:%s expects a table, got the string", client.events, "a", span(0, 24))
      refused("the options of events:%s are a table, got number", client.events, span(0, 24), 5)
      refused("unknown option `x` of events:%s", client.events, span(0, 24), { x = 5 })
      refused(
        "option `timeout` of events:%s must be a number of seconds",
        client.events,
        span(0, 24),
        { timeout = "5" }
      )
      refused("events:%s takes at most 2 arguments, got 3", client.events, span(0, 24), nil, {})
      refused("call it with a colon: client.events:%s(...)", span(0, 24))
    end)
  end)

  it("a change of the tables during the loop has no effect", function()
    server:set { calendars = calendars "a", events = { event("e1", 1, 2), event("e2", 3000, 3001) } }
    local given, options = span(0, 4000), { timeout = 5 }
    local seen = {}
    for found in client.events:each(given, options) do
      seen[#seen + 1] = found.id
      given.to, given.calendarId, options.timeout, options.x = BEGIN, "b", "x", 1
    end
    assert.are.same({ "e1", "e2" }, seen)
  end)

  it("works with checks off, and with a light client", function()
    server:set { calendars = calendars "a", events = { event("e", 1, 2) } }
    assert.are.same({ "e" }, ids_of(client.events:all(span(0, 24), { validate = false })))
    assert.are.same({ "e" }, ids(span(0, 24), client:with({ validate = false }).events))
  end)

  it("random events in random spans are those that belong, whatever the API means", function()
    local state = 20260105
    local function random(low, high)
      state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
      return low + (state >> 20) % (high - low + 1)
    end
    local GRID = { 1, MINUTE, HOUR, DAY }

    local STARTS = {
      half = function(at, from, to) return at >= from and at < to end,
      closed = function(at, from, to) return at >= from and at <= to end,
      open = function(at, from, to) return at > from and at < to end,
    }
    local function is_shown(record, query, ends, bounds)
      local from, to = query.startTime, query.endTime
      if ends == "starts" then return STARTS[bounds](record.from, from, to) end
      if ends == "within" then return STARTS[bounds](record.from, from, to) and record.to <= to end
      if bounds == "closed" then return record.from <= to and record.to >= from end
      return record.from < to and record.to > from
    end

    --- A client whose lists are those of the records.
    local function stub(records, owners, ends, bounds, most)
      local list = {}
      for index = 1, owners do
        list[index] = { id = "c" .. index }
      end
      return {
        calendars = { list = function() return list, {} end },
        events = {
          list = function(_, query)
            local found = {}
            for _, record in ipairs(records) do
              local is_owned = record.owners[query.calendarId]
              if is_owned and is_shown(record, query, ends, bounds) then found[#found + 1] = record end
            end
            local is_long = query.endTime - query.startTime > 20 * DAY -- shorter ones can be as full as they like
            if is_long and #found > most then return nil, { kind = "too_large" } end
            return found, {}
          end,
        },
      }
    end

    local function expected_of(records, from, to)
      local right = {}
      for _, record in ipairs(records) do
        if record.from < to and (record.from >= from or record.to > from) then right[#right + 1] = record end
      end
      table.sort(right, function(a, b)
        if a.from ~= b.from then return a.from < b.from end
        return (a.id or "~") < (b.id or "~")
      end)
      return right
    end

    local found = 0
    for case = 1, 400 do
      local ends, bounds = ALL_ENDS[random(1, 3)], ALL_BOUNDS[random(1, 3)]
      local owners, grid = random(1, 4), GRID[random(1, 4)]
      local from = BEGIN + random(0, 100) * DAY
      local length = random(0, 2) == 0 and random(1, 3 * DAY // grid + 1) * grid or random(1, 800) * DAY
      local to = from + length
      local records = {}
      for index = 1, random(0, 60) do
        local start = (from - 3 * DAY + random(0, length + 6 * DAY)) // grid * grid
        if random(0, 9) == 0 then start = from + 92 * DAY * random(0, 5) + random(-1, 1) end
        if random(0, 9) == 0 then start = random(0, 1) == 0 and from or to end
        local longest = ends == "overlap" and 300 * DAY or DAY
        local record = {
          id = random(0, 9) > 0 and ("e%02d"):format(random(10, 99) * 1000 + index) or nil,
          from = start,
          to = start + (random(0, 5) == 0 and 0 or random(0, longest // grid) * grid),
          owners = { ["c" .. random(1, owners)] = true },
        }
        if record.id then record.owners["c" .. random(1, owners)] = true end
        if ends == "overlap" and bounds ~= "closed" and not record.id then
          record.to = math.max(record.to, start + 1)
        end
        record.startTime, record.endTime = tostring(record.from), tostring(record.to)
        records[index] = record
      end
      local client_of_stub = stub(records, owners, ends, bounds, random(5, 60))
      local given, state_of_stub =
        { from = from, to = to }, { client = client_of_stub, settings = { location_id = "l" } }
      local right = expected_of(records, from, to)
      found = found + #right
      local what = ("case %d: %s, %s, %d events, %d days"):format(case, ends, bounds, #records, length // DAY)
      local all = assert(spans.all("events", state_of_stub, given))
      local loop = collect(spans.each("events", state_of_stub, given))
      for _, list in ipairs { all, loop } do
        assert.are.equal(#right, #list, what)
        for index, record in ipairs(list) do
          assert.are.equal(right[index].from, record.from, what)
          -- Those without an id that begin at once are in any order.
          if right[index].id then assert.are.equal(right[index].id, record.id, what) end
        end
      end
    end
    assert.is_true(found > 2000)
  end)

  it("works in the loops of hosts", function()
    local loops = { "blocking", "copas", "custom", "callback" }
    if _VERSION == "Lua 5.4" then -- Debian packages luv and cqueues for this Lua alone
      loops[#loops + 1], loops[#loops + 2] = "luv", "cqueues"
    end
    for _, loop in ipairs(loops) do
      server:set {
        calendars = calendars("a", "b"),
        events = { event("e1", 1, 2), event("e2", 3, 4, "b"), event("e3", 5, 6), event("e4", 4000, 4001, "b") },
        faults = { { owner = "x", status = 400 } },
      }
      local text, ok = child.run(([[
        package.path = "./?.lua;" .. package.path
        local hoopai = require "hoopai"
        local host = require("spec.support.hosts")[%q]()
        hoopai.use(host.adapter or hoopai.loop[%q])
        local client = hoopai.new { token = "t", base_url = %q, location_id = "l" }
        local given = { from = %d, to = %d }
        local spawn, ticks = host.spawn or hoopai.spawn, 0
        spawn(function()
          for event in client.events:each(given) do io.write(event.id, " ") end
          print(#assert(client.events:all(given)))
          for event in client.events:each(given) do if event.id == "e2" then break end end
          local task = hoopai.spawn(function() for _ in client.events:each(given) do hoopai.sleep(600) end end)
          hoopai.sleep(0.2)
          task:cancel()
          print "done"
        end)
        host.loop()
        -- In a coroutine of cqueues itself, with this loop.
        local direct = host.controller and function(fn) host.controller:wrap(fn) end or spawn
        direct(function()
          local count = 0
          for _ in client.events:each(given) do count = count + 1 end
          print(count)
          for event in client.events:each(given) do if event.id == "e2" then break end end
          given.calendarId = "x"
          local _, err = client.events:all(given)
          local _, raised = pcall(function() for _ in client.events:each(given) do end end)
          local info = debug.getinfo(1, "Sl")
          for place, problem in ipairs { err, raised } do
            print(problem.where == ("%%s:%%d"):format(info.short_src, info.currentline - 3 + place) or problem.where)
          end
          given.calendarId = nil
        end)
        host.loop()
        print(#assert(client.events:all(given)))
      ]]):format(loop, loop, server.url, BEGIN, BEGIN + 200 * DAY))
      assert.is_true(ok, loop .. text)
      assert.are.equal("e1 e2 e3 e4 4\ndone\n4\ntrue\ntrue\n4\n", text, loop)
    end
  end)

  it("works after preload, without the functions that load modules", function()
    server:set { calendars = calendars "a", events = { event("e", 1, 2) } }
    local text, ok = child.run(([[
      local hoopai = require "hoopai"
      hoopai.preload()
      require, package.path, package.cpath = nil, "", ""
      local client = hoopai.new { token = "t", base_url = %q, location_id = "l" }
      local given = { from = %d, to = %d }
      for event in client.events:each(given) do print(event.id) end
      print(#client.block_slots:all(given), #client.calendars:team())
    ]]):format(server.url, BEGIN, BEGIN + DAY))
    assert.is_true(ok, text)
    assert.are.equal("e\n0\t0\n", text)
  end)

  it("raises where the caller may not wait, and goes on elsewhere", function()
    server:set { calendars = calendars "a", events = { event("e1", 1, 2), event("e2", 3, 4), event("e3", 3000, 3001) } }
    hoopai.run(function()
      local step = client.events:each(span(0, 4000))
      local ok, err = pcall(coroutine.wrap(step))
      assert.is_false(ok)
      assert.matches("events:each cannot wait in a coroutine that hoopai did not start", err, 1, true)
      assert.are.same({ "e1", "e2", "e3" }, ids_of(collect(step)))
    end)
  end)
end)
