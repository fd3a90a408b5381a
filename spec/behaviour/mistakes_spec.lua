-- The mistakes of new users, by kind: each gets one message, which says what to write instead.

local hoopai = require "hoopai"
local sandboxes = require "hoopai.sandbox"

local NOW = 1798203600000 -- 2026-12-25T13:00:00Z

describe("a mistake of a new user:", function()
  local sandbox, client, calendar

  setup(function()
    sandbox = sandboxes.start { now = NOW }
    client = hoopai.new { base_url = sandbox.url, token = sandbox.token, location_id = sandbox.location_id }
    calendar = sandbox.seed.calendars.checkup
  end)

  teardown(function()
    client:close()
    sandbox:stop()
  end)

  -- The message of what fn raises, without the position.
  local function raised(fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok)
    return (message:gsub("^[^\n]-:%d+: ", ""):gsub("^hoopai: ", ""))
  end

  -- Reads a member.
  local function of(object, name)
    return raised(function() return object[name] end)
  end

  -- The details of a request that was not sent, as "path: problem".
  local function problems(result, err)
    assert.is_nil(result)
    assert.are.equal("invalid_request", err.kind)
    local list = {}
    for i, detail in ipairs(err.details) do
      list[i] = (detail.path == "" and "" or detail.path .. ": ") .. detail.problem
    end
    return list
  end

  it("a name that a module or an object has not", function()
    local app <close> = hoopai.oauth { client_id = "x", client_secret = "y", base_url = sandbox.url }
    local of_client = "it is a member of a client: write local client = hoopai.new { ... }, then client."
    assert.are.equal("hoopai has no `NULL`, did you mean `null`?", of(hoopai, "NULL"))
    assert.are.equal("hoopai has no `version`, did you mean `VERSION`?", of(hoopai, "version"))
    assert.are.equal("hoopai has no `Client`: write hoopai.new { ... }", of(hoopai, "Client"))
    assert.are.equal("hoopai has no `calendars`: " .. of_client .. "calendars", of(hoopai, "calendars"))
    assert.are.equal("hoopai has no `book`: " .. of_client .. "appointments:book { ... }", of(hoopai, "book"))
    assert.are.equal(
      'hoopai has no `sandbox`: it is a module of its own: write require("hoopai.sandbox").start()',
      of(hoopai, "sandbox")
    )
    assert.are.equal("hoopai.time has no `hour`, did you mean `hours`?", of(hoopai.time, "hour"))
    assert.are.equal(
      'hoopai.time has no `today`: write hoopai.time.now():start_of_day(zone), with a zone such as "America/Chicago", '
        .. "and add hoopai.time.days(1)",
      of(hoopai.time, "today")
    )
    assert.are.equal(
      'an instant has no field strftime: write start:format("%Y-%m-%d %H:%M"), or start:iso()',
      of(hoopai.time.now(), "strftime")
    )
    assert.are.equal(
      "hoopai.store has no `sql`: a store of your own is a table with get, put and lock",
      of(hoopai.store, "sql")
    )
    assert.are.equal(
      "a client has no `location_id`: options cannot be read back: keep them in a variable of yours",
      of(client, "location_id")
    )
    assert.are.equal("hoopai.store has no `fiel`, did you mean `file`?", of(hoopai.store, "fiel"))
    local supplies = "an app refreshes and supplies the tokens by itself: write hoopai.new { oauth = app, "
      .. "location_id = ... }"
    assert.are.equal("an app has no `token`: " .. supplies, of(app, "token"))
    assert.are.equal("an app has no `calendars`: " .. supplies, of(app, "calendars"))
    assert.are.equal("an app has no `login`: write app:authorize_url { ... }", of(app, "login"))
    assert.are.equal('hoopai.sandbox has no `new`: write require("hoopai.sandbox").start()', of(sandboxes, "new"))
    assert.is_nil(hoopai._name)
    assert.is_nil(hoopai.time[1])
  end)

  it("a wrong name of a sandbox, whose nil would lead to the live API", function()
    assert.are.equal("a sandbox has no `base_url`: write `url`", of(sandbox, "base_url"))
    assert.are.equal("a sandbox has no `locationId`: write `location_id`", of(sandbox, "locationId"))
    assert.are.equal("a sandbox has no `calendars`: write sandbox.seed", of(sandbox, "calendars"))
    assert.are.equal("a sandbox has no `close`: write sandbox:stop()", of(sandbox, "close"))
    assert.are.equal("sandbox.seed has no `calendar`, did you mean `calendars`?", of(sandbox.seed, "calendar"))
    assert.are.equal("sandbox.seed.users has no `webber`, did you mean `weber`?", of(sandbox.seed.users, "webber"))
    assert.is_nil(sandbox.ca_file)
    assert.is_nil(sandbox.seed.appointments[1000])
    assert.are.equal("call it with a colon: sandbox:stop()", raised(function() sandbox.stop() end))
    assert.are.equal(
      "sandbox:control needs a sandbox that was started with control = true",
      raised(function() sandbox:control "requests" end)
    )
    assert.are.equal(
      "the options of hoopai.new are a table, not hoopai.Sandbox: write { base_url = sandbox.url, "
        .. "token = sandbox.token, location_id = sandbox.location_id }",
      raised(function() hoopai.new(sandbox) end)
    )
    assert.are.equal(
      "the options of the sandbox are a table such as { port = 8080 }, got number",
      raised(function() sandboxes.start(8080) end)
    )
    assert.are.equal(
      "sandbox option `now`: 1795981738 looks like seconds: write milliseconds (1795981738000), "
        .. "or hoopai.time.from_seconds(1795981738)",
      raised(function() sandboxes.start { now = 1795981738 } end)
    )
  end)

  it("a module or a resource that is called", function()
    local no_function = "hoopai is no function: write hoopai.new { ... } to make a client"
    assert.are.equal(no_function, raised(function() hoopai { token = "x" } end))
    assert.are.equal("hoopai.time is no function: write hoopai.time.now()", raised(function() hoopai.time() end))
    assert.are.equal(
      'hoopai.sandbox is no function: write require("hoopai.sandbox").start()',
      raised(function() sandboxes {} end)
    )
    assert.are.equal(
      "client.calendars is no function: call a method of it, such as client.calendars:list(...)",
      raised(function() client:calendars() end)
    )
    assert.are.equal(
      "client.appointments is no function: call a method of it, such as client.appointments:create(...)",
      raised(function() client:appointments() end)
    )
  end)

  it("an option that is set on the module, or that has no effect", function()
    local function set(name)
      return raised(function() hoopai[name] = "x" end)
    end
    assert.are.equal("`token` cannot be set on hoopai: write hoopai.new { token = ... }", set "token")
    assert.are.equal("`api_key` cannot be set on hoopai: write hoopai.new { token = ... }", set "api_key")
    assert.are.equal("`base_url` cannot be set on hoopai: write hoopai.new { base_url = ... }", set "base_url")
    assert.are.equal(
      "option `company_id` of hoopai.new goes with `oauth`, whose agency it names: add oauth = hoopai.oauth { ... }, "
        .. "or leave it out",
      raised(function() hoopai.new { token = "x", company_id = "c" } end)
    )
    assert.are.equal(
      "hoopai.store.memory takes no argument and writes no file: hoopai.store.file(path) keeps the tokens",
      raised(function() hoopai.store.memory "folder" end)
    )
    assert.are.equal(
      'zone only returns the zone of an instant: write start:in_zone("Europe/Paris")',
      raised(function() hoopai.time.now():zone "Europe/Paris" end)
    )
    local whole = "the whole address, such as https://example.com/callback or http://127.0.0.1:8484/callback"
    local function redirect(uri)
      return raised(function() hoopai.oauth { client_id = "x", client_secret = "y", redirect_uri = uri } end)
    end
    for _, uri in ipairs { "localhost/callback", "localhost:8484/callback", "/callback" } do
      assert.are.equal("option `redirect_uri` of hoopai.oauth must be " .. whole, redirect(uri))
    end
  end)

  it("an option of the wrong form", function()
    local function new(given)
      return raised(function() hoopai.new(given) end)
    end
    assert.are.equal(
      "unknown option `1` of hoopai.new: options have names, write { token = ..., location_id = ... }",
      new { "pit-1" }
    )
    assert.are.equal(
      "unknown option `headers` of hoopai.new: it is an option of a call and of client:with",
      new { token = "x", headers = {} }
    )
    local hooks = "option `on` of hoopai.new must be a table of hooks: write hoopai.log() for a log, or { done = fn }"
    assert.are.equal(hooks, new { token = "x", on = hoopai.log })
    assert.are.equal(
      "option `timeout` of hoopai.new must be a number of seconds above 0, not a duration: "
        .. "write the number, such as 5",
      new { token = "x", timeout = hoopai.time.seconds(5) }
    )
    assert.are.equal(
      "unknown option `reason` of appointments:cancel: it takes api_version, dry_run, headers, location_id, "
        .. "queue_timeout, retries, timeout and validate",
      raised(function() client.appointments:cancel("a", { reason = "ill" }) end)
    )
    assert.are.equal(
      'resources:create needs resourceType as argument 1, a string; got table (write "equipments" or "rooms")',
      raised(function() client.resources:create { name = "x" } end)
    )
    assert.are.equal(
      "calendars:get needs calendarId as argument 1, a string; got hoopai.null",
      raised(function() client.calendars:get(hoopai.null) end)
    )
  end)

  it("a result that hoopai.slots cannot read, as if nothing were free", function()
    local window = { startDate = NOW, endDate = NOW + 5 * 86400000 }
    local free, response = client.calendars:free_slots(calendar, window)
    local expects = "hoopai.slots expects the result of free_slots, got "
    local list = "a list: give what client.calendars:free_slots returned, as a whole"
    assert.are.equal(expects .. list, raised(hoopai.slots, assert(client.calendars:list())))
    assert.are.equal(expects .. list, raised(hoopai.slots, { "2026-12-28T10:00:00-05:00" }))
    assert.are.equal(
      expects .. "the response: its first result, the free slots, stands before it",
      raised(hoopai.slots, response)
    )
    local day = hoopai.slots(free)()
    assert.are.equal(expects .. "one of its days: give the whole result", raised(hoopai.slots, free[day]))
    assert.is_nil(hoopai.slots {}())
  end)

  it("a zone of a schedule that the API refuses", function()
    local schedule = { name = "x", userId = sandbox.seed.users.weber, timezone = "UTC", rules = {} }
    local created, err = client.schedules:create(schedule)
    assert.is_nil(created)
    assert.are.equal(
      "timezone must match the required pattern. The API takes names of the form Area/City only, such as "
        .. '"Africa/Abidjan" for "UTC".',
      err.message
    )
  end)

  it("a change of nothing", function()
    local created, err = client.notifications:create(calendar, {})
    assert.are.same({ "the body must not be empty" }, problems(created, err))
  end)

  it("an instant that was made of the wrong unit, or without a century", function()
    local seconds = hoopai.time.from_ms(1798203600)
    local problem = "startTime: 1970-01-21T19:30:03.600Z looks like seconds taken for milliseconds: "
      .. "write hoopai.time.from_seconds(1798203600)"
    local window = { calendarId = calendar, startTime = seconds, endTime = NOW }
    assert.are.same({ problem }, problems(client.events:list(window)))
    local booking = { calendarId = calendar, contactId = "c", startTime = seconds }
    assert.are.same({ problem }, problems(client.appointments:create(booking)))
    booking.startTime = hoopai.time.at { year = 26, month = 12, day = 28, hour = 10, zone = "UTC" }
    assert.are.same(
      { "startTime: 0026-12-28T10:00:00+00:00 is in a year without a century: write four digits, such as 2026" },
      problems(client.appointments:create(booking))
    )
  end)

  it("the ends of a window under the names of another call", function()
    local now, later = NOW, NOW + 86400000
    local missing = { "startTime: is required", "endTime: is required" }
    local function events(from, to)
      local list = problems(client.events:list { calendarId = calendar, [from] = now, [to] = later })
      assert.are.same(missing, { list[1], list[2] })
      return { list[3], list[4] }
    end
    local start, finish = "unknown field, did you mean `startTime`?", "unknown field, did you mean `endTime`?"
    assert.are.same({ "from: " .. start, "to: " .. finish }, events("from", "to"))
    assert.are.same({ "endDate: " .. finish, "startDate: " .. start }, events("startDate", "endDate"))
    assert.are.same({ "finish: " .. finish, "start: " .. start }, events("start", "finish"))
    local booked = problems(client.appointments:book {
      calendarId = calendar,
      contactId = "c",
      startDate = now,
      endDate = later,
      ref = "abcdefghi",
    })
    table.sort(booked)
    assert.are.same({
      "endDate: is unknown, did you mean `to`?",
      "ref: is unknown, did you mean `reference`?",
      "startDate: is unknown, did you mean `from`?",
    }, booked)
  end)

  it("a table around the fields", function()
    local around = "is no field: write its fields directly, without this table around them"
    assert.are.same({ "query: " .. around }, problems(client.calendars:list { query = { showDrafted = true } }))
    assert.are.same({ "params: " .. around }, problems(client.calendars:list { params = {} }))
    local group = { name = "a", description = "b", slug = "c", data = {} }
    assert.are.same({ "data: " .. around }, problems(client.groups:create(group)))
  end)

  it("a request of the wrong form", function()
    local function request(given)
      return raised(function() client:request(given) end)
    end
    local example = '{ method = "GET", path = "/calendars/" }'
    assert.are.equal("client:request expects a table such as " .. example .. ", got string", request "GET")
    assert.are.equal(
      "unknown field `1` of client:request; fields have names, write " .. example,
      request { "GET", "/calendars/" }
    )
    assert.are.equal("unknown field `url` of client:request; write `path`", request { method = "GET", url = "/" })
    assert.are.equal("unknown field `params` of client:request; write `query`", request { params = {} })
    assert.are.equal("unknown field `json` of client:request; write `body`", request { json = {} })
    assert.are.equal(
      "unknown field `timeout` of client:request; it is an option: pass it in the last argument",
      request { timeout = 5 }
    )
    assert.are.equal(
      "client:request: a GET has no body: write `query` instead of `body`",
      request { method = "GET", path = "/calendars/", body = { limit = 5 } }
    )
    for path, problem in pairs {
      ["calendars/"] = "must begin with /",
      ["https://x.example/calendars/"] = "must be without the host: write the part from the / after it",
      ["/calendars/?a=b"] = "must have no ? or #: give what follows in `query`, a table",
      ["/calendars/{id}"] = "has a name in braces: write the id in place of it",
      ["/calendars/:id"] = "has a name after a colon: write the id in place of it",
      ["/calendars/a b"] = "has a space: write %20",
    } do
      assert.are.same({ "path: " .. problem }, problems(client:request { method = "GET", path = path }))
    end
  end)

  it("a call, or another value, in place of a function or a number of seconds", function()
    local advice = ": write function() return ... end around the call"
    local calendars = assert(client.calendars:list())
    assert.are.equal("hoopai.run expects a function, got table" .. advice, raised(hoopai.run, calendars))
    assert.are.equal("hoopai.timeout expects a function, got table" .. advice, raised(hoopai.timeout, 5, calendars))
    assert.are.equal("hoopai.all expects a function, got table" .. advice, raised(hoopai.all, { calendars }))
    assert.are.equal("hoopai.all expects a list, got function: write hoopai.all { fn, ... }", raised(hoopai.all, print))
    assert.are.equal(
      "hoopai.race expects a list, got function: write hoopai.race { fn, ... }",
      raised(hoopai.race, print)
    )
    assert.are.equal(
      "hoopai.map expects a list, got function: write hoopai.map(items, fn)",
      raised(hoopai.map, print, calendars)
    )
    local duration = " expects a number of seconds, at least 0, got a duration: write the number, such as 5"
    assert.are.equal("hoopai.sleep" .. duration, raised(hoopai.sleep, hoopai.time.seconds(5)))
    assert.are.equal("hoopai.timeout" .. duration, raised(hoopai.timeout, hoopai.time.seconds(5), print))
  end)

  it("another name of a method of a task", function()
    local function on_task(name)
      return raised(hoopai.run, function()
        local task = hoopai.spawn(function() end)
        task[name](task)
      end)
    end
    for _, name in ipairs { "wait", "await", "get" } do
      assert.are.equal("a task has no `" .. name .. "`: write task:join()", on_task(name))
    end
    for _, name in ipairs { "stop", "kill", "abort", "close" } do
      assert.are.equal("a task has no `" .. name .. "`: write task:cancel()", on_task(name))
    end
  end)
end)
