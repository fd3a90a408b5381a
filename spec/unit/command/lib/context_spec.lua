local contexts = require "hoopai.command.lib.context"
local errors = require "hoopai.errors"
local failure = require "hoopai.command.lib.failure"
local hoopai = require "hoopai"

local function new(options)
  local written = {}
  local function stream()
    return { write = function(_, ...) written[#written + 1] = table.concat { ... } end }
  end
  local context = contexts.new({ name = "x" }, options or {}, { output = stream(), error = stream() })
  return context, function() return table.concat(written) end
end

local function printed(context, document, view)
  local parts = {}
  context:print({ write = function(_, ...) parts[#parts + 1] = table.concat { ... } end }, document, view)
  return table.concat(parts)
end

describe("a context", function()
  it("prints a document as the options want it", function()
    local function view(screen) screen:line "for people" end
    assert.are.equal("for people\n", printed(new(), { 1 }, view))
    assert.are.equal("[\n  1\n]\n", printed(new { json = true }, { 1 }, view))
    assert.are.equal("1\n2\n", printed(new { jsonl = true }, { 1, 2 }, view))
    assert.are.equal("a\t1\n", printed(new(), { a = 1 }))
    assert.are.equal("", printed(new(), nil))
    assert.are.equal("[]\n", printed(new { json = true }, contexts.new({}, {}, {}):list {}))
  end)

  it("prints the requests that a dry run did not send", function()
    local context = new { dry_run = true }
    assert.are.equal("nothing would be sent\n", printed(context, nil))
    context.planned[1] = { method = "PUT", path = "/x", body = { a = 1 } }
    context.planned[2] = { method = "DELETE", path = "/y" }
    assert.are.equal('would send PUT /x {"a":1}\nwould send DELETE /y\n', printed(context, nil))
    context.options.jsonl = true
    assert.are.equal(
      '{"body":{"a":1},"method":"PUT","path":"/x"}\n{"method":"DELETE","path":"/y"}\n',
      printed(context, nil)
    )
  end)

  it("says on stderr what the output lacks", function()
    local context, text = new { json = true }
    context:note "left out\27"
    assert.are.equal("hoopai: left out \n", text())
  end)

  it("has the instants of records, where they can be read", function()
    local context = new()
    assert.are.equal(0, context.instant("1970-01-01T00:00:00Z"):ms())
    for _, value in ipairs { false, "", "soon", 17, hoopai.null, {} } do
      assert.is_nil(context.instant(value))
    end
    assert.is_nil(context.instant(nil))
  end)

  it("keeps what was done and what is unclear", function()
    local context = new()
    assert.are.equal(7, (context:change("the first", function()
      assert.are.same({ "the first" }, context.unclear)
      return 7, {}
    end)))
    local function fails_with(applied)
      local ok, err = pcall(
        context.change,
        context,
        "the next",
        function() return nil, errors.new { kind = "timeout", message = "x", applied = applied } end
      )
      assert.is_false(ok)
      assert.are.equal("timeout", err.kind)
    end
    fails_with "no"
    assert.are.same({ { "the first" }, {} }, { context.done, context.unclear })
    fails_with "maybe"
    pcall(context.change, context, "interrupted", function() error("x: interrupted!", 0) end)
    assert.are.same({ { "the first" }, { "the next", "interrupted" } }, { context.done, context.unclear })
  end)

  it("keeps nothing in a dry run", function()
    local context = new { dry_run = true }
    context:change("it", function() return { dry_run = true }, {} end)
    assert.are.same({ {}, {} }, { context.done, context.unclear })
  end)

  it("has the zone of the option, the profile, or a schedule", function()
    local context = new { zone = "Europe/London" }
    assert.are.same({ "Europe/London", "--zone" }, { context:zone() })
    context = new { zone = "Europe/Lodnon" }
    local status, message = failure.explain(select(2, pcall(context.zone, context)))
    assert.are.same({ 2, 'usage: --zone: there is no time zone "Europe/Lodnon"' }, { status, message })

    context = new()
    context.chosen = { fields = { zone = "Asia/Tokyo" } }
    assert.are.same({ "Asia/Tokyo", "the profile" }, { context:zone() })
    context.chosen = {}
    local schedules = {
      t = { { id = "1", name = "first", timezone = "America/New_York", calendarIds = { "x" } } },
      u = {
        { id = "2", timezone = "Europe/Berlin", userId = "u" },
        { id = "3", timezone = "Europe/Paris", calendarIds = { "c" } },
      },
    }
    local asked = {}
    context.opened = {
      schedules = {
        list = function(_, query)
          asked[#asked + 1] = query.userId
          return schedules[query.userId] or {}
        end,
      },
      close = function() end,
    }
    local function team(...)
      local members = {}
      for index, id in ipairs { ... } do
        members[index] = { userId = id }
      end
      return members
    end
    local listed =
      { { id = "a", teamMembers = team("t", "u", "v", "w") }, { id = "b", teamMembers = team("t", "x", "y") } }
    context.found_names = { calendars = function() return listed end }
    assert.are.same({ "America/New_York", 'the schedule "first"' }, { context:zone() })
    assert.are.same({ "t", "u", "v", "w", "x" }, asked) -- each once, and no more than five
    assert.are.equal("Europe/Paris", (context:zone { id = "c", teamMembers = team "u" }))
    assert.are.equal("Europe/Berlin", (context:zone { id = "d", teamMembers = team "u" }))
    assert.are.equal("America/New_York", (context:zone { id = "e", teamMembers = team "v" }))
    assert.are.equal(5, #asked) -- in all
    -- A person's own schedule comes before those of the calendars, and one without a zone counts for nothing.
    schedules = {
      t = { { id = "1", timezone = "Asia/Tokyo", calendarIds = { "c" } } },
      u = { { id = "2", name = "own", timezone = "Europe/Paris", calendarIds = { "x" } } },
      w = { { id = "3", calendarIds = { "c" } }, { id = "4", timezone = "No/Where" } },
    }
    context.schedules = {}
    local calendar = { id = "c", teamMembers = team("t", "u", "w") }
    context.found_names.by_id = function(_, _, id) return id == "c" and calendar or nil end
    assert.are.same(
      { "Europe/Paris", 'the schedule "own"' },
      { context:zone({ id = "u", calendarIds = { "c" } }, "user") }
    )
    assert.are.equal("Asia/Tokyo", (context:zone({ id = "w", calendarIds = { "c" } }, "user")))
    assert.are.equal("Asia/Tokyo", (context:zone(calendar, "calendar")))
    assert.are.equal("Asia/Tokyo", (context:zone({ id = "g" }, "group")))
    schedules, context.schedules = {}, {}
    local name, source = context:zone()
    assert.are.equal("this computer", source)
    assert.is_true(pcall(hoopai.time.zone, name))
  end)

  -- Else a server that is busy would move "tomorrow 10:00" to the zone of this computer, and a booking with it.
  it("raises a failure to read the schedules, but for a refusal", function()
    local kind
    local context = new()
    context.chosen = {}
    context.opened = {
      schedules = { list = function() return nil, errors.new { kind = kind, message = "x" } end },
      close = function() end,
    }
    local calendar = { id = "c", teamMembers = { { userId = "u" } } }
    context.found_names = { calendars = function() return { calendar } end }
    for _, transient in ipairs { "server", "network", "timeout", "rate_limit", "decode", "cancelled" } do
      kind = transient
      local ok, problem = pcall(context.zone, context, calendar)
      assert.are.same({ false, kind }, { ok, ok or problem.kind })
    end
    for _, refusal in ipairs { "scope", "forbidden", "not_found" } do
      kind = refusal
      assert.is_true(pcall(context.zone, context, calendar))
    end
  end)

  describe("without a schedule", function()
    local getenv, popen, open = os.getenv, io.popen, io.open
    local tz, link, file

    before_each(function()
      tz, link, file = nil, nil, nil
      os.getenv = function(name) -- luacheck: ignore 122
        if name == "TZ" then return tz end
        return getenv(name)
      end
      local function reader(text)
        return { read = function() return text end, close = function() return true end }
      end
      io.popen = function() return reader(link) end -- luacheck: ignore 122
      io.open = function(path, mode) -- luacheck: ignore 122
        if path ~= "/etc/timezone" then return open(path, mode) end
        return file and reader(file)
      end
    end)
    after_each(function()
      os.getenv, io.popen, io.open = getenv, popen, open -- luacheck: ignore 122
    end)

    local function zone()
      local context = new()
      context.chosen, context.opened = {}, { close = function() end }
      context.found_names = { calendars = function() return {} end }
      return { context:zone() }
    end

    it("has the zone of this computer: of TZ, of /etc/localtime, or of /etc/timezone", function()
      file = "Europe/Berlin"
      assert.are.same({ "Europe/Berlin", "this computer" }, zone())
      link = "/usr/share/zoneinfo/America/New_York"
      assert.are.same({ "America/New_York", "this computer" }, zone())
      tz = ":Asia/Tokyo"
      assert.are.same({ "Asia/Tokyo", "this computer" }, zone())
    end)

    it("does not take UTC for the zone of this computer", function()
      link = "/etc/localtime" -- a copy of a file of zones, without its name
      assert.are.same({ "UTC", "no other zone is known" }, zone())
    end)
  end)

  it("raises the error of a call", function()
    assert.are.same({ 1, 2 }, { contexts.new({}, {}, {}).check(1, 2) })
    local ok, err = pcall(contexts.new({}, {}, {}).check, nil, "problem")
    assert.are.same({ false, "problem" }, { ok, err })
  end)

  it("closes its client", function()
    local context = new()
    context.chosen = {}
    context.opened = hoopai.new { token = "x", base_url = "http://127.0.0.1:1" }
    local client = context.opened
    do
      local closing <close> = context -- luacheck: ignore 211
    end
    local _, err = client.calendars:list { locationId = "l" }
    assert.are.equal("closed", err.kind)
  end)
end)
