-- The error object, how wrong use is raised, and the nearest name to a misspelt one.

local core = require "hoopai.core"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"

local misuse = expect.misuse

describe("errors.new", function()
  it("makes an error object of the table it is given, with what is safe to assume", function()
    local fields = { kind = "network", message = "m" }
    local err = errors.new(fields)
    assert.are.equal(fields, err)
    assert.are.equal("no", err.applied)
    assert.is_false(err.retryable)
  end)

  it("keeps what it is given", function()
    local err = errors.new { kind = "server", message = "m", applied = "maybe", retryable = true, status = 500 }
    assert.are.same(
      { kind = "server", message = "m", applied = "maybe", retryable = true, status = 500 },
      { kind = err.kind, message = err.message, applied = err.applied, retryable = err.retryable, status = err.status }
    )
  end)

  it("makes what errors.is recognises", function()
    assert.is_true(errors.is(errors.new { kind = "closed", message = "m" }))
    for _, value in ipairs { "closed: m", 5, {}, errors.list(1), print, true } do
      assert.is_false(errors.is(value), tostring(value))
    end
    assert.is_false(errors.is(nil))
    assert.is_false(errors.is(setmetatable({ kind = "closed" }, { __name = "hoopai.Error" })))
  end)

  it("recognises a response", function()
    assert.is_true(errors.is_response { status = 200, headers = {} })
    assert.is_true(errors.is_response { dry_run = true, headers = {}, attempts = 0 })
    assert.is_false(errors.is_response { dry_run = true, method = "PUT", path = "/calendars/c1" })
    assert.is_false(errors.is_response(require("hoopai").new { token = "t" }))
    for _, value in ipairs { "200", 200, {}, { status = 200 }, { headers = {} }, print, true } do
      assert.is_false(errors.is_response(value), tostring(value))
    end
    assert.is_false(errors.is_response(nil))
    assert.is_false(errors.is_response(errors.new { kind = "server", message = "m", status = 500 }))
  end)
end)

describe("an error object prints", function()
  local rows = {
    { { kind = "closed", message = "the client was closed" }, "closed: the client was closed" },
    { { kind = "server", message = "m", status = 500 }, "server: m (HTTP 500)" },
    { { kind = "network", message = "m", status = 0 }, "network: m" },
    { { kind = "network", message = "m", method = "GET", path = "/x" }, "network: m (GET /x)" },
    { { kind = "network", message = "m", method = "GET" }, "network: m (GET nil)" },
    { { kind = "network", message = "m", path = "/x" }, "network: m" },
    { { kind = "conflict", message = "m", trace_id = "t" }, "conflict: m (trace t)" },
    { { kind = "timeout", message = "m", applied = "maybe" }, "timeout: m (applied: maybe)" },
    { { kind = "decode", message = "m", applied = "yes" }, "decode: m (applied: yes)" },
    {
      { kind = "server", message = "m", status = 502, method = "PUT", path = "/x", trace_id = "t", applied = "maybe" },
      "server: m (HTTP 502, PUT /x, trace t, applied: maybe)",
    },
    -- Its message names the method, and nothing was sent.
    { { kind = "invalid_request", message = "m", method = "GET", path = "/x" }, "invalid_request: m" },
    -- One line, without commands for a terminal.
    { { kind = "forbidden", message = "a\r\nb\27[31m\0", trace_id = "t\nu" }, "forbidden: a  b [31m  (trace t u)" },
    { {}, "nil: nil" },
  }
  for _, row in ipairs(rows) do
    it("as " .. row[2], function()
      local err = errors.new(row[1])
      assert.matches("^spec/unit/errors_spec.lua:%d+$", err.where)
      assert.are.equal(row[2] .. " at " .. err.where, tostring(err))
      err.where = nil
      assert.are.equal(row[2], tostring(err))
    end)
  end

  describe("whatever the server says, as one line of at most 2 KiB", function()
    local ODD = "\0\n\r\27[31m\127\u{9B}31m\u{85}\u{200E}\u{202E}\u{2066}\u{2028}\u{2029}\u{61C}\xFF\x9B"

    local function check(text)
      assert.is_true(#text <= 2048, #text)
      assert.is_nil(text:find "[\0-\31\127]")
      assert.is_truthy(utf8.len(text), text)
      for _, code in ipairs { 0x85, 0x9B, 0x61C, 0x200E, 0x200F, 0x202A, 0x202E, 0x2028, 0x2029, 0x2066, 0x2069 } do
        assert.is_nil(text:find(utf8.char(code), 1, true), code)
      end
    end

    it("without commands for a terminal in any part", function()
      local err = errors.new {
        kind = "server",
        message = "a" .. ODD .. "b",
        status = 500,
        method = "GET" .. ODD,
        path = "/x" .. ODD,
        trace_id = "t" .. ODD,
        details = { "one" .. ODD, { path = "a" }, "two" },
        applied = "maybe",
      }
      for _, text in ipairs { tostring(err), "x" .. err, err .. "x", err .. err, err.message, err.trace_id } do
        check(text)
      end
      check(err.details[1])
      assert.are.same({ { path = "a" }, "two" }, { err.details[2], err.details[3] })
      local shown = " [31m \\xC2\\x9B31m\\xC2\\x85\\xE2\\x80\\x8E\\xE2\\x80\\xAE\\xE2\\x81\\xA6"
      assert.matches("a    " .. shown:sub(2), tostring(err), 1, true)
      err.message = "\u{9B}" -- also what scripts set
      check(tostring(err))
    end)

    it("with all that follows the message, where that is cut", function()
      for _, unit in ipairs { "x", "\u{9B}", "\xFF", "ä", "\n", "\u{1F600}" } do
        local err = errors.new {
          kind = "server",
          message = unit:rep(8 << 20),
          status = 500,
          method = "GET",
          path = "/" .. ("p"):rep(3000),
          trace_id = unit:rep(1 << 20),
          applied = "maybe",
        }
        local text = tostring(err)
        check(text)
        assert.is_true(#text > 1000)
        assert.matches("%.%.%. %(HTTP 500, GET /p+%.%.%., trace .*, applied: maybe%) at (.*)$", text)
        assert.are.equal(" at " .. err.where, text:sub(-#err.where - 4))
        assert.is_true(#err.message <= 16384 and #err.trace_id <= 2048)
        err.where = "in the function at " .. ("f"):rep(10000)
        check(tostring(err))
      end
    end)

    it("in a list of errors, and in what is raised for wrong use", function()
      local list = errors.list(2)
      list[1], list[2] = "a" .. ODD, ("x"):rep(1 << 20)
      local lines = {}
      for line in tostring(list):gmatch "[^\n]+" do
        lines[#lines + 1] = line
      end
      assert.are.equal(3, #lines)
      check(lines[2])
      local message = misuse(function() errors.raise("no `" .. ODD .. "`") end, "no `")
      check((message:gsub("\n", "")))
    end)
  end)

  it("also where it is joined with other values", function()
    local err = errors.new { kind = "closed", message = "m" }
    assert.are.equal("Oh: closed: m at " .. err.where, "Oh: " .. err)
    err.where = nil
    assert.are.equal("Oh: closed: m", "Oh: " .. err)
    assert.are.equal("closed: m!", err .. "!")
    assert.are.equal("closed: mclosed: m", err .. err)
    assert.are.equal("1closed: m", 1 .. err)
    assert.are.equal("closed: m1.5", err .. 1.5)
    local broken = setmetatable({}, { __tostring = function() error "no" end })
    assert.are.equal("closed: m(an error value that cannot be printed)", err .. broken)
  end)

  it("and can be raised", function()
    local err = errors.new { kind = "closed", message = "m" }
    local ok, raised = pcall(error, err)
    assert.is_false(ok)
    assert.are.equal(err, raised)
  end)
end)

describe("errors.text", function()
  it("is tostring() that never fails", function()
    assert.are.equal("5", errors.text(5))
    assert.are.equal("nil", errors.text(nil))
    assert.are.equal("", errors.text(""))
    local unprintable = "(an error value that cannot be printed)"
    for _, made in ipairs { function() error "no" end, function() return {} end, function() return nil end } do
      assert.are.equal(unprintable, errors.text(setmetatable({}, { __tostring = made })))
    end
  end)
end)

describe("errors.report", function()
  it("is one line for a warning, without the secrets that are in use", function()
    local secret = assert(core.secret "secret-in-use-0001")
    assert.are.equal("a *** b", errors.report "a\nsecret-in-use-0001\tb")
    assert.are.equal("5", errors.report(5))
    assert.are.equal("nil", errors.report(nil))
    assert.are.equal(2048, #errors.report(("x"):rep(10000)))
    -- A secret at the place of the cut leaves no part.
    for before = 2010, 2060 do
      assert.is_nil(errors.report((" "):rep(before) .. "secret-in-use-0001"):find("sec", 1, true))
    end
    assert.are.equal("a ***\n\tb\\xC2\\x9B", errors.report_lines "a secret-in-use-0001\n\tb\u{9B}")
    assert.are.equal(16384, #errors.report_lines(("x\n"):rep(10000)))
    secret:close()
  end)
end)

describe("errors.list", function()
  it("prints one line for each error, in the order of the items", function()
    local list = errors.list(30)
    list[30] = errors.new { kind = "server", message = "m", status = 500 }
    list[2] = "raised text"
    list[7] = setmetatable({}, { __tostring = function() error "no" end })
    assert.are.equal(
      "3 of 30 failed\n  [2] raised text\n  [7] (an error value that cannot be printed)\n"
        .. "  [30] server: m (HTTP 500) at "
        .. list[30].where,
      tostring(list)
    )
  end)

  it("holds nothing but errors", function()
    local list = errors.list(2)
    assert.is_nil(next(list))
    list[1] = "e"
    assert.are.same({ "e" }, debug.setmetatable(list, nil))
  end)
end)

describe("errors.kinds", function()
  it("lists each kind once", function()
    local seen = {}
    for _, kind in ipairs(errors.kinds) do
      assert.matches("^[%l_]+$", kind)
      assert.is_nil(seen[kind], kind)
      seen[kind] = true
    end
    assert.are.equal(26, #errors.kinds)
  end)
end)

describe("errors.raise", function()
  it("raises a string with the position of the caller", function()
    local message = misuse(function() errors.raise("give a name") end, "give a name")
    assert.matches("^[^\n]*errors_spec%.lua:%d+: hoopai: give a name$", message)
  end)

  it("skips frames of C functions", function()
    misuse(function()
      pcall(error)
      table.sort({ 2, 1 }, function() errors.raise("inside sort") end)
    end, "inside sort")
  end)

  it("without a frame of the user's names the place of the running task's function, if it is known", function()
    local function task() end
    package.loaded["hoopai.errors"] = nil
    local fresh = require "hoopai.errors"
    package.loaded["hoopai.errors"] = errors
    local function raised(origin)
      fresh.set_origin(function() return origin end)
      -- In this coroutine there is no frame but errors.raise's own.
      local _, message = coroutine.resume(coroutine.create(fresh.raise), "wrong")
      return message
    end
    assert.are.equal("hoopai: wrong", raised(nil))
    assert.are.equal("hoopai: wrong", raised(print))
    local line = debug.getinfo(task, "S").linedefined
    assert.matches("errors_spec%.lua:" .. line .. ": hoopai: wrong$", raised(task))
  end)
end)

describe("errors.suggest", function()
  -- stylua: ignore
  local fields = { "calendarId", "locationId", "contactId", "startTime", "endTime", "timezone", "appointmentStatus",
    "appoinmentPerSlot", "assignedUserId", "userId", "userIds", "id", "title" }
  -- stylua: ignore
  local cases = {
    { "timeZone", "timezone" }, { "time_zone", "timezone" }, { "TIMEZONE", "timezone" }, { "timezon", "timezone" },
    { "tiemzone", "timezone" }, { "timezonee", "timezone" }, { "calendar_id", "calendarId" },
    { "calenderId", "calendarId" }, { "calendarID", "calendarId" }, { "calendar", "calendarId" },
    { "status", "appointmentStatus" }, { "apointmentStatus", "appointmentStatus" },
    { "appointmentPerSlot", "appoinmentPerSlot" }, { "start", "startTime" }, { "starttime", "startTime" },
    { "start-time", "startTime" }, { "users", nil }, { "userid", "userId" }, { "user_ids", "userIds" },
    { "usrId", "userId" }, { "titel", "title" }, { "assigned", "assignedUserId" },
    { "completelyDifferent", nil }, { "x", nil }, { "", nil }, { "is", nil }, { "time", nil }, { "Id", "id" },
    { "____", nil }, { "\xFF\xFE", nil }, { ("timezone"):rep(1000), nil },
  }
  for _, case in ipairs(cases) do
    it(
      ("takes %q for %s"):format(case[1]:sub(1, 30), tostring(case[2])),
      function() assert.are.equal(case[2], errors.suggest(case[1], fields)) end
    )
  end

  it("takes names from the keys of a table too", function()
    assert.are.equal("free_slots", errors.suggest("freeSlots", { free_slots = 1, list = 2, [1.5] = 3 }))
    assert.are.equal("timeout", errors.suggest("time_out", { timeout = true, retries = true }))
    assert.is_nil(errors.suggest("x", {}))
    assert.is_nil(errors.suggest(5, { "a" }))
    assert.is_nil(errors.suggest({}, { "a" }))
  end)

  it("does not take the name itself, nor one that is not a string", function()
    assert.is_nil(errors.suggest("title", { "title" }))
    assert.are.equal("titles", errors.suggest("title", { "title", 5, "titles" }))
  end)
end)

describe("errors.did_you_mean", function()
  it("is a question and the candidate, or nothing", function()
    assert.are.same({ "did you mean `luv`?", "luv" }, { errors.did_you_mean("lvu", { "luv", "copas" }) })
    assert.are.equal(0, select("#", errors.did_you_mean("x", { "luv" })))
    assert.is_nil(errors.did_you_mean(5, { "luv" }))
  end)
end)

describe("errors.raise_unknown", function()
  it("names the nearest member", function()
    misuse(
      function() errors.raise_unknown("a client has no", "clse", { "with", "close" }) end,
      "hoopai: a client has no `clse`, did you mean `close`?"
    )
  end)

  it("names all members if none is near", function()
    local message = misuse(function() errors.raise_unknown("a client has no", "x", { "with", "close" }) end)
    assert.matches("hoopai: a client has no `x`; it has with, close$", message)
    misuse(
      function() errors.raise_unknown("a client has no", 5, { "with", "close" }) end,
      "a client has no `5`; it has with, close"
    )
  end)
end)

describe("errors.check_dots", function()
  it("replaces the functions of a module: a colon, and the error of a failed call, raise", function()
    local module = { value = 5 }
    function module.add(a, b, c) return a, b, c end
    function module.make(given) return given end
    assert.are.equal(module, errors.check_dots(module, "m.", { make = true }))
    assert.are.equal(5, module.value)
    assert.are.same({ 1, 2, 3 }, { module.add(1, 2, 3) })
    assert.are.equal(3, select("#", module.add()))
    misuse(function() module:add(1) end, "call it with a dot: m.add(...)")
    misuse(function() module:make {} end, "call it with a dot: m.make{...}")
    local err = errors.new { kind = "network", message = "gone" }
    misuse(function() module.add(nil, err) end, "m.add got nil, because a call before it failed: network: gone")
    assert.is_nil((module.add(nil, "no error object")))
    misuse(function() errors.check_first("m.f(...)", module) end, "call it with a dot: m.f(...)")
    errors.check_first("m.f(...)", {}, err)
  end)
end)

describe("where an error of a call points:", function()
  local hoopai = require "hoopai"
  local client, app

  before_each(function()
    client = hoopai.new { base_url = "http://127.0.0.1:9", token = "t", location_id = "l", retries = false }
    app = hoopai.oauth { base_url = "http://127.0.0.1:9", client_id = "c", client_secret = "s" }
  end)
  after_each(function()
    client:close()
    app:close()
  end)

  local function here() return "spec/unit/errors_spec.lua:" .. debug.getinfo(2, "l").currentline end

  it("at the line of the call, whichever it is", function()
    local function check(line, result, err)
      assert.is_nil(result)
      assert.are.equal(line, err.where)
      assert.are.equal(" at " .. line, tostring(err):sub(-#line - 4))
    end
    check(here(), client.calendars:get("c"))
    check(here(), client.calendars:list({ unknown = 1 }))
    check(here(), client:request { method = "GET", path = "/x" })
    check(here(), client.appointments:book { calendarId = "c" })
    check(here(), app:exchange { code = "c" })
    check(here(), app:exchange { code = "\n" })
    check(here(), hoopai.timeout(0, hoopai.sleep, 5))
    local line, ok, err = here(), pcall(app:installed_locations { company_id = "x" })
    assert.is_false(ok)
    check(line, nil, err)
    hoopai.run(function()
      check(here(), client.calendars:get("c"))
      check(here(), app:exchange { code = "c" })
      check(here(), hoopai.spawn(error):join())
    end)
  end)

  it("at the function, after a tail call in a task", function()
    local function get() return client.calendars:get("c") end
    local function check(result, err)
      assert.is_nil(result)
      local line = "in the function at spec/unit/errors_spec.lua:" .. debug.getinfo(get, "S").linedefined
      assert.are.equal(line, err.where)
      assert.are.equal(" " .. line, tostring(err):sub(-#line - 1))
    end
    check(hoopai.run(get))
    check(hoopai.timeout(20, get))
    check(nil, select(2, hoopai.map({ 1 }, get))[1])
    check(nil, select(2, hoopai.all { get })[1])
    check(nil, select(2, hoopai.race { get })[1])
    hoopai.run(function() check(hoopai.spawn(get):join()) end)
  end)

  it("at each call that shares a failure of the token", function()
    local sharing = hoopai.new {
      base_url = "http://127.0.0.1:9",
      location_id = "l",
      token = function()
        hoopai.sleep(0.01)
        return nil, "none"
      end,
    }
    hoopai.run(function()
      local first, second
      local one = hoopai.spawn(function() first = select(2, sharing.calendars:get("c")) end)
      local two = hoopai.spawn(function() second = select(2, sharing.calendars:get("c")) end)
      one:join()
      two:join()
      assert.are.equal("auth", first.kind)
      assert.are.equal("auth", second.kind)
      assert.matches("^spec/unit/errors_spec.lua:%d+$", first.where)
      assert.matches("^spec/unit/errors_spec.lua:%d+$", second.where)
      assert.are_not.equal(first.where, second.where)
    end)
    sharing:close()
  end)

  it("nowhere without the debug library", function()
    local text, ok = require("spec.support.child").run [[
      debug = nil
      local hoopai = require "hoopai"
      local _, err = hoopai.new({ base_url = "http://127.0.0.1:9", token = "t", retries = false }).calendars:get("c")
      print(err.where, (tostring(err):gsub("^.*%(", "(")))
    ]]
    assert.is_true(ok, text)
    assert.are.equal("nil\t(GET /calendars/c)\n", text)
  end)
end)

describe("wrong arguments", function()
  local hoopai = require "hoopai"

  it("show whether a string or a number was given", function()
    local seconds = "expects a number of seconds, at least 0, got "
    misuse(function() hoopai.sleep("5") end, "hoopai.sleep " .. seconds .. 'the string "5"')
    misuse(function() hoopai.sleep(-5) end, "hoopai.sleep " .. seconds .. "-5")
    misuse(function() hoopai.sleep() end, "hoopai.sleep " .. seconds .. "nil")
    misuse(function() hoopai.timeout("5", print) end, "hoopai.timeout " .. seconds .. 'the string "5"')
    misuse(function() hoopai.timeout(print, 5) end, "hoopai.timeout " .. seconds .. "a function")
    misuse(function() hoopai.map({}, print, { concurrency = "5" }) end, 'of at least 1, got the string "5"')
    misuse(function() hoopai.map({}, print, 5) end, "are a table such as { concurrency = 8 }, got 5")
  end)

  it("are refused where a list has names instead of items", function()
    for _, row in ipairs {
      { "map", function() hoopai.map({ a = 1 }, print) end, '"a"' },
      { "map", function() hoopai.map({ [true] = 1 }, print) end, "true" },
      { "all", function() hoopai.all { a = print } end, '"a"' },
      { "race", function() hoopai.race { a = print } end, '"a"' },
    } do
      local text = "hoopai.%s expects a list such as { a, b }, got a table with the key %s and without items 1, 2, ..."
      misuse(row[2], text:format(row[1], row[3]))
    end
    assert.are.same({ n = 0 }, (hoopai.map({}, print)))
    assert.are.same({ n = 0 }, (hoopai.map({ n = 0 }, print)))
    local counted = setmetatable({ items = {} }, { __len = function(list) return #list.items end })
    assert.are.same({ n = 0 }, (hoopai.map(counted, print)))
  end)
end)
