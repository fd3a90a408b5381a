-- What a caller can hand to the library that is wrong, odd, or looks wrong and is not: 197 kinds in five groups. Each
-- is a row: the kind, and what must become of it. Some are refused before anything is sent, some raise at the caller's
-- line, some are right and must arrive exactly as they are meant. The server's ledger is the witness of all three.
--
-- A row is named after the one kind it stands for. Kinds whose variants differ in what must become of them (month 0 and
-- month 13, the four required fields, __index and __pairs) are a row for each; those that do not are calls of one row
-- (one to nine digits of a fraction).

local child = require "spec.support.child"
local core_host = require "spec.support.core_host"
local core_locale = require "spec.support.core_locale"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local time = hoopai.time

local TOKEN = "pit-0b3c4d5e-bad-inputs"
-- Stands wherever a row gives something that may not be shown.
local PASSWORD = "hunter2"

-- Responses that every method can read.
local ANSWER = [[{"id":"a","calendar":{"id":"c"},"note":{"id":"n"},"events":[],"success":true}]]

local server, client
local expected -- the requests that are to arrive, in order: { target, body }, body nil where any will do
local last_error

local function new(options)
  local all = { token = TOKEN, base_url = server.url, location_id = "L" }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return leak.client(all)
end

----------------------------------------------------------------------------------------------------------- outcomes

--- The call raises at a line of this file, with these texts in its message.
local function raises(...) return { raises = { ... } } end

--- The call returns nil and an `invalid_request` whose details begin with these: path, text, path, text ...
local function refused(...)
  local outcome, list = { details = {} }, { ... }
  for index = 1, #list, 2 do
    outcome.details[#outcome.details + 1] = { path = list[index], problem = list[index + 1] }
  end
  return outcome
end

--- The call fails with this kind, and no request arrives.
local function fails(kind) return { kind = kind } end

--- One request arrives: target and, if given, body.
local function sent(target, body) return { target = target, body = body } end

--- The call succeeds without a request; its result is or has this text.
local function gives(text) return { text = text } end

-- Nothing that a person reads is the interpreter's own complaint, an address, or a secret.
local function check_text(text)
  assert.are.equal("string", type(text))
  for _, wrong in ipairs { "attempt to", TOKEN, PASSWORD, "table: 0x", "function: 0x", "userdata: 0x" } do
    assert.is_nil(text:find(wrong, 1, true), text)
  end
  assert.is_nil(text:find("[%z\1-\9\11-\31\127]"), ("control characters in %q"):format(text))
  assert.is_true(#text < 4000, "a message of " .. #text .. " bytes")
end

local function check_error(err)
  check_text(tostring(err))
  check_text(err.message)
  for _, detail in ipairs(err.details or {}) do
    for _, text in pairs(detail) do
      check_text(text)
    end
  end
  last_error = err
end

local function has(text, part) assert.is_truthy(text:find(part, 1, true), ("%s\nlacks: %s"):format(text, part)) end

local judge = {}

function judge.raises(outcome, fn, ok, message)
  assert.is_false(ok, "it did not raise")
  check_text(message)
  local info = debug.getinfo(fn, "S")
  local file, line = message:match("^(.-):(%d+): ")
  assert.are.equal(info.short_src, file, message)
  line = tonumber(line)
  assert.is_true(line >= info.linedefined and line <= info.lastlinedefined, message)
  for _, text in ipairs(outcome.raises) do
    has(message, text)
  end
end

function judge.details(outcome, _, ok, result, err)
  assert.is_true(ok, result)
  expect.failure("invalid_request", result, err, { applied = "no", attempts = 0, retryable = false })
  check_error(err)
  for index, wanted in ipairs(outcome.details) do
    local detail = err.details[index]
    assert.is_truthy(detail, ("there is no detail %d in %s"):format(index, tostring(err)))
    assert.are.equal(wanted.path, detail.path, tostring(err))
    has(detail.problem, wanted.problem)
    if outcome.shows_given then assert.are.equal("string", type(detail.given), tostring(err)) end
  end
end

function judge.kind(outcome, _, ok, result, err)
  assert.is_true(ok, result)
  expect.failure(outcome.kind, result, err, { applied = "no" })
  check_error(err)
end

function judge.text(outcome, _, ok, result)
  assert.is_true(ok, result)
  check_text(tostring(result))
  has(tostring(result), outcome.text)
end

function judge.target(outcome, _, ok, result, err)
  assert.is_true(ok, result)
  assert.is_truthy(result, tostring(err))
  expected[#expected + 1] = { outcome.target, outcome.body }
end

--- The ledger holds what was expected, and nothing else.
local function check_ledger()
  local ledger = server:ledger()
  for index, wanted in ipairs(expected) do
    local request = ledger[index] or {}
    assert.are.equal(wanted[1], request.target)
    if wanted[2] then assert.are.equal(wanted[2], request.body) end
    assert.are.equal("Bearer " .. TOKEN, request.header.authorization)
  end
  assert.are.equal(#expected, #ledger)
end

--- Calls fn(client, ...), which must be a function of this file whose last call is no tail call: it has no position.
local function check(outcome, fn, ...)
  local before = server:count("arrived")
  local ok, result, err = pcall(fn, client, ...)
  local arrived = server:count("arrived") - before
  for name, judged in pairs(judge) do
    if outcome[name] then judged(outcome, fn, ok, result, err) end
  end
  assert.are.equal(outcome.target and 1 or 0, arrived, "requests that arrived")
end

--- A row of calls: pairs of an outcome and a function that takes the client.
local function row(kind, ...)
  local list = { ... }
  return {
    kind,
    function()
      for index = 1, #list, 2 do
        check(list[index], list[index + 1])
      end
    end,
  }
end

local function good_call()
  assert(client.calendars:get("afterwards"))
  expected[#expected + 1] = { "/calendars/afterwards", "" }
end

--- A group: its rows as cases, with a good call of the same client after each, and their number.
local function group(name, count, rows)
  describe(name, function()
    it("are " .. count, function()
      assert.are.equal(count, #rows)
      local seen = {}
      for _, entry in ipairs(rows) do
        assert.is_nil(seen[entry[1]], entry[1])
        seen[entry[1]] = true
      end
    end)
    for index, entry in ipairs(rows) do
      it(("%02d %s"):format(index, entry[1]), function()
        entry[2]()
        good_call()
        check_ledger()
        if last_error then expect.no_secret(last_error, TOKEN) end
      end)
    end
  end)
end

---------------------------------------------------------------------------------------------------------------- ids

-- Where ids go: the first and the only place, either of two, both at once; with and without query and body. `params`
-- are the parameters that are given the value, `at` the number of the first one.
local id_places = {
  {
    id = "calendars:get",
    at = 1,
    params = { "calendarId" },
    target = "/calendars/%s",
    call = function(c, id)
      local result, err = c.calendars:get(id)
      return result, err
    end,
  },
  {
    id = "calendars:free_slots",
    at = 1,
    params = { "calendarId" },
    target = "/calendars/%s/free-slots?startDate=1730127600000&endDate=1730131200000",
    call = function(c, id)
      local result, err = c.calendars:free_slots(id, { startDate = 1730127600000, endDate = 1730131200000 })
      return result, err
    end,
  },
  {
    id = "events:delete",
    at = 1,
    params = { "eventId" },
    target = "/calendars/events/%s",
    body = "{}",
    call = function(c, id)
      local result, err = c.events:delete(id)
      return result, err
    end,
  },
  {
    id = "notes:update",
    at = 1,
    params = { "appointmentId" },
    target = "/calendars/appointments/%s/notes/n",
    body = '{"body":"x"}',
    call = function(c, id)
      local result, err = c.notes:update(id, "n", { body = "x" })
      return result, err
    end,
  },
  {
    id = "notes:delete",
    at = 2,
    params = { "noteId" },
    target = "/calendars/appointments/a/notes/%s",
    call = function(c, id)
      local result, err = c.notes:delete("a", id)
      return result, err
    end,
  },
  {
    id = "schedules:add_calendar",
    at = 1,
    params = { "id", "calendarId" },
    target = "/calendars/schedules/%s/associations/%s",
    call = function(c, id)
      local result, err = c.schedules:add_calendar(id, id)
      return result, err
    end,
  },
}

--- An id of a wrong type: raises everywhere.
local function id_raises(kind, value, type_name)
  return {
    kind,
    function()
      for _, place in ipairs(id_places) do
        check(
          raises("hoopai: " .. place.id, place.params[1], "argument " .. place.at, "a string; got " .. type_name),
          place.call,
          value
        )
      end
    end,
  }
end

--- Ids that are refused everywhere, each bad one by its name; with the checks off as well: the path is no less broken.
local function id_refused(kind, problem, ...)
  local values = { ... }
  return {
    kind,
    function()
      for _, place in ipairs(id_places) do
        local list = {}
        for _, name in ipairs(place.params) do
          list[#list + 1] = name
          list[#list + 1] = problem
        end
        local outcome = refused(table.unpack(list))
        outcome.shows_given = true
        for _, value in ipairs(values) do
          check(outcome, place.call, value)
          check(outcome, function(c)
            local result, err = place.call(c:with { validate = false }, value)
            return result, err
          end)
        end
      end
    end,
  }
end

--- An id that may be one: it arrives as this text, and cannot change which endpoint is called.
local function id_sent(kind, value, text)
  return {
    kind,
    function()
      for _, place in ipairs(id_places) do
        check(sent(place.target:format(text, text), place.body or ""), place.call, value)
      end
    end,
  }
end

local EMPTY, DOTS = "must not be empty", 'must not be "." or ".."'
local SLASH = "must not hold / or \\, not even percent-encoded: the path would be another one"
local ENCODED = "must not be percent-encoded: give the id itself"
local CONTROL, LONG = "must not hold control characters", "must have at most 512 bytes"

local ids = {
  id_raises("nil", nil, "nothing"),
  id_raises("boolean", true, "boolean"),
  -- Numbers are not taken for strings: 1e3 and 1000.0 would be ids that no caller wrote.
  id_raises("int", 5, "number"),
  id_raises("float", 5.5, "number"),
  id_raises("table", { id = "c" }, "table"),
  id_raises("function", print, "function"),
  id_raises("userdata", io.stdout, "userdata"),
  id_refused('""', EMPTY, ""),
  id_refused('" "', "must not have blanks around it: it begins with a space", " ", " a"),
  id_refused('"a "', "must not have blanks around it: it ends in a space", "a ", "a b "),
  id_refused(".", DOTS, "."),
  id_refused("..", DOTS, ".."),
  id_refused("...", "must not consist of dots", "...", "..;", "..;a"),
  id_refused("../x", SLASH, "../x"),
  id_refused("x/..", SLASH, "x/..", "x/../../admin/users"),
  id_refused("a/b", SLASH, "a/b"),
  id_refused("a\\b", SLASH, "a\\b"),
  id_sent("a?b=c", "a?b=c", "a%3Fb%3Dc"),
  id_sent("a#f", "a#f", "a%23f"),
  id_sent("a;b", "a;b", "a%3Bb"),
  id_sent("a&b", "a&b", "a%26b"),
  id_sent("a=b", "a=b", "a%3Db"),
  id_sent("a:b", "a:b", "a%3Ab"),
  id_sent("a@h", "a@h", "a%40h"),
  id_refused("//h", SLASH, "//h"),
  id_refused("http://h", SLASH, "http://h"),
  id_sent("%", "%", "%25"),
  id_sent("%zz", "%zz", "%25zz"),
  id_refused("%2f", SLASH, "%2f", "a%2Fb", "..%5c"),
  id_refused("%2e%2e", ENCODED, "%2e%2e", "%252f", "%25252e", "a%41"),
  -- What looks encoded otherwise is encoded once more: the server reads back what was given.
  id_sent("%00", "%00", "%2500"),
  id_refused("NUL", CONTROL, "\0", "a\0b"),
  id_refused("CR", CONTROL, "\r", "a\r"),
  id_refused("LF", CONTROL, "\n", "a\n"),
  id_refused("CRLF+header", CONTROL, "a\r\nX-Evil: 1", "a HTTP/1.1\r\nHost: evil\r\n\r\n"),
  id_refused("TAB", CONTROL, "\t", "a\tb"),
  id_refused("DEL", CONTROL, "\127", "a\127"),
  -- Bytes beyond ASCII are left to the API; none of them comes out as anything but its own code.
  id_sent("0x80", "\x80", "%80"),
  id_sent("overlong UTF-8", "\xC0\xAF", "%C0%AF"),
  id_sent("lone surrogate", "\xED\xA0\x80", "%ED%A0%80"),
  id_refused(
    "BOM",
    "must not have blanks around it: it begins with a no-break space or another blank beyond ASCII",
    "\xEF\xBB\xBFa"
  ),
  id_sent("RTL mark", "a\u{200F}b", "a%E2%80%8Fb"),
  id_sent("NFD", "e\u{301}", "e%CC%81"),
  id_sent("emoji", "\u{1F600}", "%F0%9F%98%80"),
  id_sent("129 B", ("x"):rep(129), ("x"):rep(129)),
  id_refused("4 KiB", LONG, ("x"):rep(4096)),
  id_refused("1 MiB", LONG, ("x"):rep(1 << 20), ("\0"):rep(1 << 20)),
  id_sent('"null"', "null", "null"),
  id_sent('"__gc"', "__gc", "__gc"),
  id_raises(
    "table with raising __tostring",
    setmetatable({}, {
      __tostring = function() error("__tostring was called") end,
      __name = PASSWORD,
    }),
    "table"
  ),
}

-------------------------------------------------------------------------------------------------------------- times

local MS = 1730127600000 -- 2024-10-28T15:00:00Z

-- An instant as the start of a window, in milliseconds: a number at one endpoint, a string at the other.
local query_places = {
  {
    path = "startDate",
    target = "/calendars/c/free-slots?startDate=%d&endDate=%d",
    call = function(c, start, finish)
      local result, err = c.calendars:free_slots("c", { startDate = start, endDate = finish })
      return result, err
    end,
  },
  {
    path = "startTime",
    target = "/calendars/events?locationId=L&calendarId=c&startTime=%d&endTime=%d",
    call = function(c, start, finish)
      local result, err = c.events:list { calendarId = "c", startTime = start, endTime = finish }
      return result, err
    end,
  },
}

-- An instant in a body, where the offset is the only zone the API learns.
local body_places = {
  {
    path = "startTime",
    target = "/calendars/events/appointments",
    body = '{"calendarId":"c","contactId":"k","locationId":"L","startTime":"%s"}',
    call = function(c, value)
      local result, err = c.appointments:create { calendarId = "c", contactId = "k", startTime = value }
      return result, err
    end,
  },
  {
    path = "endTime",
    target = "/calendars/events/block-slots/e",
    body = '{"calendarId":"c","endTime":"%s","locationId":"L"}',
    call = function(c, value)
      local result, err = c.block_slots:update("e", { calendarId = "c", endTime = value })
      return result, err
    end,
  },
}

local function check_query(value, ms, problem)
  for _, place in ipairs(query_places) do
    local finish = (ms or MS) + 60000
    local outcome = ms and sent(place.target:format(ms, finish), "") or refused(place.path, problem)
    check(outcome, place.call, value, finish)
  end
end

local function check_body(value, text, problem)
  for _, place in ipairs(body_places) do
    check(text and sent(place.target, place.body:format(text)) or refused(place.path, problem), place.call, value)
  end
end

local function check_parse(value, ms, problem)
  local instant, text = time.parse(value)
  if ms then
    assert.are.equal(ms, instant:ms())
    assert.is_true(instant:has_zone())
  else
    assert.is_nil(instant)
    check_text(text)
    has(text, problem)
  end
end

--- A time that is wrong wherever it is given, for the same reason.
local function wrong(value, problem)
  return function()
    check_query(value, nil, problem)
    check_body(value, nil, problem)
    if type(value) == "string" then check_parse(value, nil, problem) end
  end
end

--- A text that means this instant, and is sent verbatim in a body; or is not, where it is spelled in a way that not
-- everybody reads: then `usual` is what the message says to write.
local function right(value, ms, usual)
  return function()
    check_query(value, ms)
    check_body(value, not usual and value, usual and ('is an unusual spelling: write "%s"'):format(usual))
    check_parse(value, ms)
  end
end

--- A number, or something else that is no text: milliseconds or a problem in a query, a text or a problem in a body.
local function other(value, query, body)
  return function()
    check_query(value, math.type(query) == "integer" and query or nil, query)
    check_body(value, body:find("^%d%d%d%d%-") and body or nil, body)
  end
end

local function times_row(kind, ...)
  local checks = { ... }
  return {
    kind,
    function()
      for _, run in ipairs(checks) do
        run()
      end
    end,
  }
end

local function fractions()
  for digits = 1, 9 do
    local fraction = ("123456789"):sub(1, digits)
    local ms = tonumber((fraction .. "00"):sub(1, 3))
    right(("2024-10-28T15:00:00.%sZ"):format(fraction), MS + ms)()
  end
end

local BARE = "a bare number carries no zone"
local CHICAGO = "America/Chicago"

local function at(fields)
  fields.zone = fields.zone or CHICAGO
  return time.at(fields)
end

-- Windows whose ends are right and which are none. At the block slot and the appointment the API has no chance to say
-- it better, and a booking that ends before it begins is nobody's wish.
local function window(start, finish, problem)
  return function()
    check(refused("endDate", problem), function(c)
      local result, err = c.calendars:free_slots("c", { startDate = start, endDate = finish })
      return result, err
    end)
    check(refused("endTime", problem), function(c)
      local result, err = c.events:list { calendarId = "c", startTime = start, endTime = finish }
      return result, err
    end)
  end
end

local function booking(start, finish, problem)
  return function()
    check(refused("endTime", problem), function(c)
      local result, err = c.block_slots:create { calendarId = "c", startTime = start, endTime = finish }
      return result, err
    end)
    check(refused("endTime", problem), function(c)
      local result, err = c.appointments:update("e", { startTime = start, endTime = finish })
      return result, err
    end)
  end
end

--- A zone: in a query, in a body, and in hoopai.time, where it must exist on this host.
local function zone(value, request_problem, time_problem)
  local query = "/calendars/c/free-slots?startDate=1730127600000&endDate=1730131200000&timezone="
  return function()
    check(
      request_problem and refused("timezone", request_problem) or sent(query .. value:gsub("/", "%%2F")),
      function(c)
        local result, err = c.calendars:free_slots("c", { startDate = MS, endDate = MS + 3600000, timezone = value })
        return result, err
      end
    )
    check(
      request_problem and refused("timezone", request_problem)
        or sent("/calendars/schedules/s", ('{"timezone":"%s"}'):format(value)),
      function(c)
        local result, err = c.schedules:update("s", { timezone = value })
        return result, err
      end
    )
    check(raises(time_problem), function() return (time.at { year = 2024, month = 1, day = 1, zone = value }) end)
    check(raises(time_problem), function() return (time.now(value)) end)
    check(raises(time_problem), function() return (time.from_ms(MS):iso(value)) end)
    local name, problem = time.zone(value)
    assert.is_nil(name)
    check_text(problem)
    has(problem, time_problem)
  end
end

-- A program in a locale with a decimal comma: what goes out has points, and what is said can be read back.
local function german()
  local folder = core_locale.make()
  local text, ok = child.run(
    ([[
    assert(os.setlocale("comma", "numeric"))
    assert(string.format("%%.1f", 1.5) == "1,5")
    local hoopai = require "hoopai"
    local client <close> = hoopai.new { token = %q, base_url = %q, location_id = "L" }
    assert(client.calendars:free_slots("c", { startDate = 1730127600000.0, endDate = "2024-10-28T16:00:00,5Z" }))
    assert(client.calendars:create { name = "x", lookBusyConfig = { enabled = true, LookBusyPercentage = 12.5 } })
    local start = hoopai.time.from_ms(1730127600000, "America/Chicago") + hoopai.time.seconds(0.5)
    assert(client.block_slots:update("e", { calendarId = "c", endTime = start }))
    local _, err = client.calendars:free_slots("c", { startDate = 1730127600000.5, endDate = 1730131200000 })
    print(err)
    print(select(2, pcall(function() return start + 0.5 end)))
  ]]):format(TOKEN, server.url),
    { set = { LOCPATH = folder } }
  )
  core_locale.remove(folder)
  assert.is_true(ok, text)
  check_text(text)
  has(text, "startDate: 1730127600000.5 has a fraction")
  has(text, "seconds(0.5)")
  expected = {
    { "/calendars/c/free-slots?startDate=1730127600000&endDate=1730131200500", "" },
    { "/calendars/", '{"locationId":"L","lookBusyConfig":{"LookBusyPercentage":12.5,"enabled":true},"name":"x"}' },
    {
      "/calendars/events/block-slots/e",
      '{"calendarId":"c","endTime":"2024-10-28T10:00:00.500-05:00","locationId":"L"}',
    },
  }
end

local times = {
  times_row('""', wrong("", "is empty: write the date, the time and its offset")),
  times_row("date only", wrong("2024-10-28", "names a day, not an instant")),
  times_row("no offset", wrong("2024-10-28T10:00:00", 'has no offset: write "2024-10-28T10:00:00-05:00"')),
  times_row("Z", right("2024-10-28T15:00:00Z", MS)),
  times_row("z", right("2024-10-28T15:00:00z", MS, "2024-10-28T15:00:00+00:00")),
  times_row("+05:30", right("2024-10-28T20:30:00+05:30", MS)),
  times_row("-00:00", right("2024-10-28T15:00:00-00:00", MS)),
  times_row("+14:00", right("2024-10-29T05:00:00+14:00", MS)),
  times_row("+24:00", wrong("2024-10-29T15:00:00+24:00", 'must be written as "+05:00", up to "+23:59"')),
  times_row("+5", wrong("2024-10-28T20:00:00+5", 'offset "+5" must be written as "+05:00"')),
  times_row("space for T", right("2024-10-28 10:00:00-05:00", MS, "2024-10-28T10:00:00-05:00")),
  times_row("week date", wrong("2024-W44-1T15:00:00Z", "is a week or ordinal date")),
  times_row("ordinal date", wrong("2024-302T15:00:00Z", "is a week or ordinal date")),
  times_row("1-9 fraction digits", fractions, wrong("2024-10-28T15:00:00.1234567890Z", "more than nine digits")),
  times_row("comma fraction", right("2024-10-28T15:00:00,5Z", MS + 500, "2024-10-28T15:00:00.500+00:00")),
  times_row(":60", wrong("2024-12-31T23:59:60Z", "leap seconds are not counted")),
  times_row("24:00", wrong("2024-10-28T24:00:00Z", "write 00:00 of the next day")),
  times_row("25:00", wrong("2024-10-28T25:00:00Z", "there is no time 25:00")),
  times_row("minute 60", wrong("2024-10-28T10:60:00Z", "there is no time 10:60")),
  times_row("month 0", wrong("2024-00-28T10:00:00Z", "there is no month 00")),
  times_row("month 13", wrong("2024-13-28T10:00:00Z", "there is no month 13")),
  times_row("day 0", wrong("2024-10-00T10:00:00Z", "2024-10 has no day 00")),
  times_row("day 32", wrong("2024-10-32T10:00:00Z", "2024-10 has no day 32")),
  times_row(
    "Feb 29",
    right("2024-02-29T00:00:00Z", 1709164800000),
    wrong("2023-02-29T00:00:00Z", "2023-02 has no day 29"),
    wrong("2100-02-29T00:00:00Z", "2100-02 has no day 29")
  ),
  times_row("Feb 30", wrong("2024-02-30T00:00:00Z", "2024-02 has no day 30")),
  times_row("year 0", wrong("0000-01-01T00:00:00Z", "years are written with four digits, 0001 to 9999")),
  -- A time in 1969 is valid, but nothing was booked then.
  times_row("year 1969", other("1969-12-31T23:59:59Z", "is before 1970", "1969-12-31T23:59:59Z")),
  times_row("year 2038", right("2038-01-19T03:14:08Z", 2147483648000)),
  times_row("year 9999", right("9999-12-31T23:00:00Z", 253402297200000)),
  times_row("year 10000", wrong("10000-01-01T00:00:00Z", "years are written with four digits, 0001 to 9999")),
  times_row(
    "negative",
    other(-1, "is before 1970: write milliseconds since 1970", BARE),
    other(-1730127600000, "is before 1970", BARE),
    other("-1", "is before 1970", BARE)
  ),
  times_row("0", other(0, "0 is not a time to ask for", BARE), other("0", "is not a time to ask for", BARE)),
  times_row(
    "s for ms",
    other(
      1730127600,
      "looks like seconds: write milliseconds (1730127600000), or hoopai.time.from_seconds(1730127600)",
      'or hoopai.time.from_seconds(1730127600, "America/Chicago")'
    ),
    other("1730127600", "looks like seconds", "hoopai.time.from_seconds(1730127600")
  ),
  times_row("ms as string", other("1730127600000", MS, 'hoopai.time.from_ms(1730127600000, "America/Chicago")')),
  times_row(
    "float ms",
    other(1730127600000.0, MS, "hoopai.time.from_ms(1730127600000"),
    other(1730127600000.5, "has a fraction: write whole milliseconds", BARE)
  ),
  times_row(
    "2^53+1",
    other((1 << 53) + 1, "looks like microseconds", BARE),
    other("9007199254740993", "looks like microseconds", BARE)
  ),
  times_row("inf", other(math.huge, "infinity is not a time", BARE), other(-math.huge, "infinity is not a time", BARE)),
  times_row("nan", other(0 / 0, "not-a-number is not a time", BARE)),
  times_row(
    "start=end",
    window(MS, MS, "must be after `start"),
    window(MS, "2024-10-28T10:00:00-05:00", "must be after `start"),
    booking("2024-10-28T15:00:00Z", "2024-10-28T10:00:00-05:00", "must be after `startTime`")
  ),
  times_row(
    "start>end",
    window(MS + 1, MS, "must be after `start"),
    -- The later text, the earlier instant.
    window("2024-10-28T15:00:01Z", "2024-10-28T20:00:00+05:00", "must be after `start"),
    booking(
      at { year = 2024, month = 10, day = 28, hour = 11 },
      "2024-10-28T20:00:00+05:00",
      "must be after `startTime`"
    )
  ),
  times_row(">31 days", function()
    check(
      refused("endDate", "must be at most 31 days after `startDate`"),
      query_places[1].call,
      MS,
      MS + 31 * 86400000 + 1
    )
    check(sent(query_places[1].target:format(MS, MS + 31 * 86400000)), query_places[1].call, MS, MS + 31 * 86400000)
    check(sent(query_places[2].target:format(MS, MS + 366 * 86400000)), query_places[2].call, MS, MS + 366 * 86400000)
  end),
  times_row(
    "far past",
    other(-62135596800000, "is before 1970", BARE),
    other("0001-01-01T00:00:00Z", "is before 1970", "0001-01-01T00:00:00Z"),
    other(time.from_ms(-62135596800000, "UTC"), "is before 1970", "0001-01-01T00:00:00+00:00"),
    wrong("0001-01-01T00:00:00+01:00", "is outside the years 1 to 9999")
  ),
  times_row(
    "far future",
    other(253402300800000, "is after the year 9999", BARE),
    other(1 << 62, "looks like nanoseconds", BARE),
    other(1e300, "is after the year 9999", BARE),
    other(("9"):rep(400), "is after the year 9999", BARE),
    wrong("9999-12-31T23:59:59-01:00", "is outside the years 1 to 9999")
  ),
  -- A local time that was skipped is moved on by the length of the gap; a text with an offset is an instant anyway.
  times_row(
    "DST gap",
    other(at { year = 2024, month = 3, day = 10, hour = 2, min = 30 }, 1710059400000, "2024-03-10T03:30:00-05:00"),
    right("2024-03-10T02:30:00-06:00", 1710059400000)
  ),
  -- Of one that comes twice the first is meant, unless the second is asked for.
  times_row(
    "DST overlap",
    other(at { year = 2024, month = 11, day = 3, hour = 1, min = 30 }, 1730615400000, "2024-11-03T01:30:00-05:00"),
    other(
      at { year = 2024, month = 11, day = 3, hour = 1, min = 30, overlap = "later" },
      1730619000000,
      "2024-11-03T01:30:00-06:00"
    )
  ),
  -- Which zones the API knows is its own affair; hoopai.time must find it here.
  times_row("unknown tz", zone("Mars/Olympus", nil, 'unknown time zone "Mars/Olympus"')),
  -- -05:00 all year, which is an hour off half of the year for nearly every user of that name.
  times_row("EST", zone("EST", "abbreviation", 'zone "EST" is an abbreviation and says too little')),
  times_row("tz with NUL", zone("Europe/Berlin\0", "must be an IANA time zone name", "Europe/Berlin\\x00")),
  times_row("tz 1 KiB", zone(("a"):rep(1024), "must be an IANA time zone name", ("a"):rep(45) .. "...")),
  times_row("de_DE locale", german),
}

------------------------------------------------------------------------------------------------------------- bodies

local START = "2024-10-28T10:00:00-05:00"
local UNCHECKED = { validate = false }

--- A booking with these fields besides, or instead of, the required ones.
local function book(fields, options)
  return function(c)
    local body = { calendarId = "c", contactId = "k", startTime = START }
    for name, value in pairs(fields) do
      body[name] = value
    end
    local result, err = c.appointments:create(body, options)
    return result, err
  end
end

local APPOINTMENTS = "/calendars/events/appointments"

local function booked(extra)
  return sent(
    APPOINTMENTS,
    ('{"calendarId":"c","contactId":"k",%s"locationId":"L",%s"startTime":"%s"%s}'):format(
      extra.before_l or "",
      extra.before_s or "",
      START,
      extra.last or ""
    )
  )
end

--- A calendar with these fields besides its name.
local function calendar(fields, options)
  return function(c)
    local body = { name = "x" }
    for name, value in pairs(fields) do
      body[name] = value
    end
    local result, err = c.calendars:create(body, options)
    return result, err
  end
end

local function note(body, options)
  return function(c)
    local result, err = c.notes:create("a", body, options)
    return result, err
  end
end

local NOTES = "/calendars/appointments/a/notes"

--- The same value where a text is wanted, and where all of JSON may stand because nothing is checked.
local function anywhere(kind, value, checked, unchecked)
  return row(
    kind,
    refused("title", checked),
    book { title = value },
    refused("title", unchecked),
    book({ title = value }, UNCHECKED),
    refused("title.deep[2].x", unchecked),
    book({ title = { deep = { 1, { x = value } } } }, UNCHECKED)
  )
end

local function nested(depth)
  local value = {}
  for _ = 2, depth do
    value = { a = value }
  end
  return value
end

local function cycle()
  local value = {}
  value.a = { b = { value } }
  return value
end

local function million_keys()
  local value = { known = 1 }
  for index = 1, 1000000 do
    value[-index] = index
  end -- a million names would take seconds to make
  return value
end

local function missing(name, fields, where, call)
  return row("missing required: " .. name, refused(where or name, "is required"), call or function(c)
    local result, err = c.appointments:create(fields)
    return result, err
  end)
end

local loud = { __index = function() error("__index was called") end, __len = function() error("__len was called") end }
local paired = { __pairs = function() error("__pairs was called") end }

-- While a body is read nothing else runs, except debug hooks and finalisers.
local function changing()
  local rounds = 0
  for step = 1, 60 do
    local body = { body = "right", userId = "u" }
    debug.sethook(function()
      rounds = rounds + 1
      body.body = ({ "right", 5, nil })[rounds % 3 + 1]
    end, "", step % 13 + 1)
    local ok, result, err = pcall(client.notes.create, client.notes, "a", body)
    debug.sethook()
    assert.is_true(ok, result)
    if result then
      expected[#expected + 1] = { NOTES, '{"body":"right","userId":"u"}' }
    else
      expect.failure("invalid_request", nil, err)
      check_error(err)
      assert.are.equal("body", err.details[1].path)
    end
  end
  assert.is_true(#expected > 0 and #expected < 60, #expected .. " of 60 were sent")
end

local bodies = {
  row(
    "nil",
    refused("", "the body is missing: give a table with `calendarId`, `contactId` and `startTime`"),
    function(c)
      local result, err = c.appointments:create(nil)
      return result, err
    end,
    refused("", "the body is missing: give a table with `body`"),
    note(nil),
    refused("", "the body is missing"),
    note(nil, UNCHECKED)
  ),
  row(
    "string for table",
    raises("hoopai: notes:create expects a table as argument 2 (the body), got string"),
    note('{"body":"x"}'),
    refused("teamMembers", "must be a list, not a string"),
    calendar { teamMembers = "u" },
    refused("lookBusyConfig", "must be a table with named fields, not a string"),
    calendar { lookBusyConfig = "on" }
  ),
  row(
    "empty table",
    refused("calendarId", "is required", "contactId", "is required", "startTime", "is required"),
    function(c)
      local result, err = c.appointments:create {}
      return result, err
    end,
    -- In the place of a list it is an empty list.
    refused("", "the body is empty, nothing would change: give the fields to set"),
    function(c)
      local result, err = c.calendars:update("c", {})
      return result, err
    end,
    sent("/calendars/", '{"locationId":"L","name":"x","teamMembers":[]}'),
    calendar { teamMembers = {} },
    sent("/calendars/", '{"locationId":"L","name":"x","teamMembers":[]}'),
    calendar({ teamMembers = {} }, UNCHECKED),
    refused("body", "is required"),
    note {}
  ),
  row(
    "array for object",
    refused("", "the body must be a table with named fields, not a list"),
    note { { body = "x" } },
    refused("", "the body must be a table with named fields, not a list"),
    note(hoopai.array {}),
    refused("lookBusyConfig", "must be a table with named fields, not a list"),
    calendar { lookBusyConfig = { { enabled = true } } }
  ),
  row(
    "sparse",
    refused("teamMembers", "has a gap: item 2 is missing while item 3 is there"),
    calendar { teamMembers = { { userId = "u" }, nil, { userId = "v" } } },
    refused("teamMembers", "has a gap: item 2 is missing while item 3 is there"),
    calendar({ teamMembers = { { userId = "u" }, nil, { userId = "v" } } }, UNCHECKED)
  ),
  row(
    "mixed keys",
    refused("teamMembers", 'mixes list items with the key "x"'),
    calendar { teamMembers = { { userId = "u" }, x = 1 } },
    refused("[1]", "is no field name"),
    note { "x", body = "y" },
    refused("", 'mixes list items with the key "body"'),
    note({ "x", body = "y" }, UNCHECKED)
  ),
  row(
    "number keys",
    refused("[5]", "is no field name"),
    book { [5] = 1 },
    refused("[2.5]", "is no name"),
    book({ [2.5] = 1 }, UNCHECKED),
    refused("teamMembers", "has the position 0: lists begin at 1"),
    calendar { teamMembers = { [0] = { userId = "u" }, { userId = "v" } } }
  ),
  row(
    "boolean keys",
    refused("[true]", "is no field name"),
    book { [true] = 1 },
    refused("[false]", "is no name"),
    book({ [false] = 1 }, UNCHECKED)
  ),
  row(
    "cycle",
    refused("title", "must be a string, not a table"),
    book { title = cycle() },
    refused("title.a.b[1]", "contains itself"),
    book({ title = cycle() }, UNCHECKED)
  ),
  row(
    "depth 65",
    refused("title", "must be a string, not a table"),
    book { title = nested(64) },
    refused("title" .. (".a"):rep(47), "is nested more than 48 levels deep"),
    book({ title = nested(64) }, UNCHECKED)
  ),
  row(
    "depth 10^5",
    refused("title", "must be a string, not a table"),
    book { title = nested(100000) },
    refused("title" .. (".a"):rep(47), "levels deep"),
    book({ title = nested(100000) }, UNCHECKED)
  ),
  anywhere("function value", print, "must be a string, not a function", "a function has no form in JSON"),
  anywhere(
    "thread value",
    coroutine.create(print),
    "must be a string, not a coroutine",
    "a coroutine has no form in JSON"
  ),
  anywhere("userdata value", io.stdout, "must be a string, not a userdata", "a userdata has no form in JSON"),
  row(
    "NaN",
    refused("lookBusyConfig.LookBusyPercentage", "must be a finite number, not NaN"),
    calendar { lookBusyConfig = { enabled = true, LookBusyPercentage = 0 / 0 } },
    refused("slotBuffer", "must be a whole number, not NaN"),
    calendar { slotBuffer = 0 / 0 },
    refused("slotBuffer", "cannot be written in JSON"),
    calendar({ slotBuffer = 0 / 0 }, UNCHECKED)
  ),
  row(
    "inf",
    refused("lookBusyConfig.LookBusyPercentage", "must be a finite number, not infinity"),
    calendar { lookBusyConfig = { enabled = true, LookBusyPercentage = math.huge } },
    refused("slotBuffer", "must be a whole number, not -infinity"),
    calendar { slotBuffer = -math.huge },
    refused("slotBuffer", "cannot be written in JSON"),
    calendar({ slotBuffer = math.huge }, UNCHECKED)
  ),
  row(
    "-0",
    sent("/calendars/", '{"locationId":"L","name":"x","slotBuffer":0}'),
    calendar { slotBuffer = -0.0 },
    sent("/calendars/", '{"locationId":"L","lookBusyConfig":{"LookBusyPercentage":0,"enabled":true},"name":"x"}'),
    calendar { lookBusyConfig = { enabled = true, LookBusyPercentage = -0.0 } }
  ),
  row(
    "2^63",
    refused("slotBuffer", "must be from -9007199254740992 to 9007199254740992"),
    calendar { slotBuffer = 2 ^ 63 },
    refused("slotBuffer", "must be from -9007199254740992"),
    calendar { slotBuffer = math.maxinteger },
    sent("/calendars/", '{"locationId":"L","name":"x","slotBuffer":-9223372036854775808}'),
    calendar({ slotBuffer = math.mininteger }, UNCHECKED),
    sent("/calendars/", '{"locationId":"L","name":"x","slotBuffer":9.223372036854776e+18}'),
    calendar({ slotBuffer = 2 ^ 63 }, UNCHECKED)
  ),
  {
    "10 MB string",
    function()
      local long = ("x"):rep(10000000)
      check(refused("body", "must have at most 5000 characters, has 10000000"), note { body = long })
      check(refused("title", "is 10000000 bytes long, at most 1048576 are sent"), book { title = long })
      check(refused('["' .. ("x"):rep(40) .. '..." (10000000 bytes)]', "unknown field"), book { [long] = 1 })
    end,
  },
  row(
    "NUL",
    refused("title", "contains a NUL byte"),
    book { title = "a\0b" },
    refused("title", "contains a NUL byte"),
    book({ title = "a\0b" }, UNCHECKED),
    refused('["a\\x00b"]', "contains a NUL byte"),
    book({ ["a\0b"] = 1 }, UNCHECKED)
  ),
  row(
    "invalid UTF-8",
    refused("title", "is not valid UTF-8 (byte 2)"),
    book { title = "a\xC3(" },
    refused("title", "is not valid UTF-8 (byte 2)"),
    book({ title = "a\xC3(" }, UNCHECKED),
    refused("title", "is not valid UTF-8 (byte 1)"),
    book { title = "\xC0\xAF" },
    refused('["\\xFF"]', "is not valid UTF-8"),
    book({ ["\xFF"] = 1 }, UNCHECKED)
  ),
  row(
    "lone surrogate",
    refused("title", "is not valid UTF-8 (byte 1)"),
    book { title = "\xED\xA0\x80" },
    refused("title", "is not valid UTF-8 (byte 1)"),
    book({ title = "\xED\xBF\xBF" }, UNCHECKED)
  ),
  row(
    "unknown field",
    refused("startime", "unknown field, did you mean `startTime`?"),
    book { startime = START },
    refused("timeout", "is an option: pass it in the last argument"),
    book { timeout = 1 },
    sent(NOTES, '{"body":"x","brandNew":1}'),
    note({ body = "x", brandNew = 1 }, UNCHECKED)
  ),
  row(
    "wrong enum",
    refused("appointmentStatus", "did you mean `cancelled`?"),
    book { appointmentStatus = "canceled" },
    refused("appointmentStatus", "must be one of new, confirmed"),
    book { appointmentStatus = "" },
    refused("appointmentStatus", "must be one of new, confirmed"),
    book { appointmentStatus = true }
  ),
  row(
    "wrong type",
    refused("title", 'must be a string, not a number: write "5"'),
    book { title = 5 },
    refused("slotBuffer", "not a string: write 5 without quotes"),
    calendar { slotBuffer = "5" },
    refused("slotBuffer", "must be a whole number"),
    calendar { slotBuffer = 0.5 },
    refused("isActive", "must be true or false, not a number"),
    calendar { isActive = 1 },
    refused("title", "must be a string, not null"),
    book { title = hoopai.null }
  ),
  missing("calendarId", { contactId = "k", startTime = START }),
  missing("contactId", { calendarId = "c", startTime = START }),
  missing("startTime", { calendarId = "c", contactId = "k" }),
  missing(
    "teamMembers[].userId",
    nil,
    "teamMembers[2].userId",
    calendar {
      teamMembers = { { userId = "u" }, { priority = 0.5 } },
    }
  ),
  -- A field that is in the table and, otherwise, behind its metatable: only what is in the table counts.
  row(
    "duplicate via metatable",
    sent(NOTES, '{"body":"x"}'),
    note(setmetatable({ body = "x" }, {
      __index = { body = "y", userId = "u" },
      __pairs = function() return next, { body = "z" } end,
    })),
    sent(NOTES, '{"body":"x"}'),
    note(
      setmetatable({ body = "x" }, {
        __index = { body = "y", userId = "u" },
        __pairs = function() return next, { body = "z" } end,
      }),
      UNCHECKED
    ),
    refused("body", "is required"),
    note(setmetatable({}, { __index = { body = "y" } }))
  ),
  row(
    "raising __index",
    sent(NOTES, '{"body":"x"}'),
    note(setmetatable({ body = "x" }, loud)),
    refused("body", "is required"),
    note(setmetatable({}, loud)),
    refused("", "the body must be a table with named fields, not a list"),
    note(setmetatable({ "x" }, loud)),
    refused("title", "must be a string, not a table"),
    book { title = setmetatable({ x = 1 }, loud) }
  ),
  row(
    "raising __pairs",
    sent(NOTES, '{"body":"x"}'),
    note(setmetatable({ body = "x" }, paired)),
    sent(NOTES, '{"body":"x"}'),
    note(setmetatable({ body = "x" }, paired), UNCHECKED),
    refused("bdy", "unknown field, did you mean `body`?"),
    note(setmetatable({ body = "x", bdy = "y" }, paired))
  ),
  { "changing table during encode", changing },
  -- A second line would be another property in the calendar object.
  row(
    "rrule with CRLF",
    refused("rrule", ""),
    book { rrule = "RRULE:FREQ=DAILY;COUNT=2\r\nDTSTART:20240101T000000Z" },
    refused("rrule", ""),
    book { rrule = "RRULE:FREQ=DAILY\n" }
  ),
  {
    "10^6 keys",
    function()
      local value = million_keys()
      check(refused("body", "is required"), note(value))
      check(refused("lookBusyConfig.enabled", "is required"), calendar { lookBusyConfig = value })
    end,
  },
  -- It switches off the API's own guard, and is what the caller asks for: it goes out as given, and is never filled in.
  row(
    "ignoreFreeSlotValidation true",
    booked { before_l = '"ignoreFreeSlotValidation":true,' },
    book { ignoreFreeSlotValidation = true },
    booked {},
    book {},
    refused("ignoreFreeSlotValidation", "must be true or false, not a string: write true without quotes"),
    book { ignoreFreeSlotValidation = "true" },
    refused("ignoreFreeSlotValidation", "must be true or false, not a number"),
    book { ignoreFreeSlotValidation = 1 }
  ),
  row(
    "toNotify string",
    refused("toNotify", "must be true or false, not a string: write false without quotes"),
    book { toNotify = "false" },
    booked { last = ',"toNotify":false' },
    book { toNotify = false }
  ),
}

------------------------------------------------------------------------------------------------------------- config

--- hoopai.new with these options besides a token.
local function made(options)
  return function()
    local all = { token = TOKEN }
    for name, value in pairs(options) do
      all[name] = value
    end
    local one = hoopai.new(all) -- opens nothing, so there is nothing to close
    return one
  end
end

local function base_url(kind, problem, ...)
  local list = {}
  for _, url in ipairs { ... } do
    list[#list + 1] = raises("hoopai: option `base_url` of hoopai.new", problem)
    list[#list + 1] = made { base_url = url }
  end
  return row(kind, table.unpack(list))
end

--- A call of a client made with these options, at the test server unless they say otherwise.
local function call_with(options)
  return function()
    local own <close> = new(options)
    local result, err = own.notes:create("a", { body = "x" })
    return result, err
  end
end

local function timeouts(kind, value, type_problem)
  local list = {}
  for _, name in ipairs { "timeout", "connect_timeout", "queue_timeout" } do
    list[#list + 1] = raises(("hoopai: option `%s` of hoopai.new must be %s"):format(name, type_problem))
    list[#list + 1] = made { [name] = value }
  end
  for _, name in ipairs { "timeout", "queue_timeout" } do
    list[#list + 1] = raises(("hoopai: option `%s` of client:with must be %s"):format(name, type_problem))
    list[#list + 1] = function(c)
      local light = c:with { [name] = value }
      return light
    end
    list[#list + 1] = raises(("hoopai: option `%s` of notes:create must be %s"):format(name, type_problem))
    list[#list + 1] = note({ body = "x" }, { [name] = value })
  end
  return row(kind, table.unpack(list))
end

local SECONDS = "a number of seconds above 0"

--- Certificates that cannot be read: nothing is sent to a server that cannot be verified.
local function certificates(kind, file)
  return {
    kind,
    function()
      local name, remove = file()
      local url = server.url:gsub("^http:", "https:")
      check(fails("tls"), call_with { base_url = url, ca_file = name, timeout = 10 })
      check(fails("tls"), function()
        return hoopai.run(function()
          local own <close> = new { base_url = url, ca_file = name, timeout = 10 }
          local result, err = own.calendars:get("c")
          return result, err
        end)
      end)
      if remove then remove() end
    end,
  }
end

local function garbage_file()
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write("-----BEGIN CERTIFICATE-----\n", PASSWORD, "\n-----END CERTIFICATE-----\n\0\255")
  file:close()
  return name, function() os.remove(name) end
end

local function headers(kind, problem, ...)
  local list = {}
  for _, given in ipairs { ... } do
    list[#list + 1] = raises("hoopai: option `headers` of notes:create", problem)
    list[#list + 1] = note({ body = "x" }, { headers = given })
    list[#list + 1] = raises("hoopai: option `headers` of calendars:list", problem)
    list[#list + 1] = function(c)
      local result, err = c.calendars:list(nil, { headers = given })
      return result, err
    end
    list[#list + 1] = raises("hoopai: option `headers` of client:with", problem)
    list[#list + 1] = function(c)
      local light = c:with { headers = given }
      return light
    end
  end
  return row(kind, table.unpack(list))
end

local NAMES = "must be a table with header names as keys"
local VALUES = "must be a table whose value for `X-A` is a string without control characters"

--- A token that none can be: given as such, and by a function that is asked for one.
local function tokens(kind, problem, ...)
  local list = {}
  for _, token in ipairs { ... } do
    list[#list + 1] = raises("hoopai: the token is unusable: " .. problem)
    list[#list + 1] = made { token = token }
    list[#list + 1] = raises("hoopai: the token function returned an unusable token: " .. problem)
    list[#list + 1] = call_with { token = function() return token end }
  end
  return row(kind, table.unpack(list))
end

local HTTPS = "must begin with https://"

local config = {
  base_url(
    "base URL http",
    "plain http only to 127.0.0.1, [::1] or localhost",
    "http://services.leadconnectorhq.com",
    "HTTP://example.com",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://192.0.2.7"
  ),
  base_url("base URL file", "option `base_url`", "file:///etc/passwd", "file://localhost/etc/passwd"),
  base_url("base URL ftp", HTTPS, "ftp://example.com", "ftps://example.com"),
  base_url("base URL gopher", HTTPS, "gopher://127.0.0.1:70/_GET"),
  base_url(
    "base URL without scheme",
    "is not a URL such as https://host",
    "example.com",
    "//example.com",
    "127.0.0.1:443",
    "https://"
  ),
  base_url(
    "base URL with userinfo",
    "must not hold a user name or password",
    ("https://me:%s@example.com"):format(PASSWORD),
    ("https://%s@example.com"):format(PASSWORD),
    ("http://me:%s@127.0.0.1"):format(PASSWORD)
  ),
  base_url(
    "base URL with query",
    "must not hold a query or fragment",
    ("https://example.com?token=%s"):format(PASSWORD),
    "https://example.com/v1?",
    "https://example.com?"
  ),
  base_url(
    "base URL with fragment",
    "must not hold a query or fragment",
    "https://example.com#x",
    "https://example.com/#"
  ),
  -- Right, over TLS; and in plain only on this machine, whatever its spelling.
  row(
    "base URL with IP literal",
    gives("hoopai.Client (https://192.0.2.7)"),
    made { base_url = "https://192.0.2.7" },
    raises("plain http only to"),
    made { base_url = "http://192.0.2.7" },
    gives("hoopai.Client (http://127.0.0.1)"),
    made { base_url = "http://127.1" },
    sent("/v1" .. NOTES, '{"body":"x"}'),
    function()
      local own <close> = new { base_url = server.url .. "/v1/" }
      local result, err = own.notes:create("a", { body = "x" })
      return result, err
    end
  ),
  row(
    "base URL with [v6]",
    gives("hoopai.Client (https://[2001:db8::1]:8443)"),
    made { base_url = "https://[2001:db8::1]:8443" },
    gives("hoopai.Client (http://[::1])"),
    made { base_url = "http://[::1]/" },
    raises("plain http only to"),
    made { base_url = "http://[2001:db8::1]" },
    raises("must not hold an address with a zone"),
    made { base_url = "https://[fe80::1%25eth0]" },
    raises("is not a URL"),
    made { base_url = "https://[::1" }
  ),
  row(
    "base URL with trailing dot",
    gives("hoopai.Client (https://example.com.)"),
    made { base_url = "https://example.com." },
    raises("plain http only to"),
    made { base_url = "http://localhost." }
  ),
  row(
    "base URL with punycode",
    gives("hoopai.Client (https://xn--bcher-kva.example)"),
    made { base_url = "https://xn--bcher-kva.example" },
    raises("must not hold spaces, control characters or characters beyond ASCII"),
    made { base_url = "https://b\u{FC}cher.example" }
  ),
  base_url("base URL with port 0", "must not have port 0", "https://example.com:0", "http://127.0.0.1:00000"),
  base_url("base URL with port 65536", "is not a URL", "https://example.com:65536", "https://example.com:99999999999"),
  base_url("base URL with port abc", "is not a URL", "https://example.com:abc", "https://example.com:-1"),
  base_url(
    "base URL with CRLF",
    "must be a string that is neither empty nor has control characters",
    "https://example.com\r\n",
    "https://example.com/\r\nX-Evil: 1",
    "https://exa\r\nmple.com"
  ),
  timeouts("timeout 0", 0, SECONDS),
  timeouts("timeout -1", -1, SECONDS),
  timeouts("timeout nan", 0 / 0, SECONDS),
  timeouts("timeout inf", math.huge, SECONDS),
  timeouts("timeout 1e300", 1e300, "a number of seconds below 1000: 1e+300 seconds are more than 1000 years"),
  timeouts(
    "timeout 30000",
    30000,
    "a number of seconds below 1000: 30000 seconds are more than 8 hours; write 30 for 30000 milliseconds"
  ),
  timeouts(
    "timeout 1000",
    1000,
    "a number of seconds below 1000: 1000 seconds are more than 16 minutes; write 1 for 1000 milliseconds"
  ),
  timeouts("timeout string", "30", SECONDS),
  -- There are no retries yet, and so no such option; with them both numbers stay wrong.
  row(
    "retries -1",
    raises("hoopai: ", "`retries` of hoopai.new"),
    made { retries = -1 },
    raises("hoopai: ", "`retries` of notes:create"),
    note({ body = "x" }, { retries = -1 })
  ),
  row(
    "retries 1e9",
    raises("hoopai: ", "`retries` of hoopai.new"),
    made { retries = 1000000000 },
    raises("hoopai: ", "`retries` of notes:create"),
    note({ body = "x" }, { retries = 1e9 })
  ),
  certificates("missing CA", function() return "/nonexistent/ca.pem" end),
  certificates("CA that is a folder", function() return "/tmp" end),
  certificates("garbage CA", garbage_file),
  headers('header name with ":"', NAMES, { ["X-A:"] = "b" }, { ["X-A: b\r\nX-Evil"] = PASSWORD }, { [":path"] = "/" }),
  headers("header name with space", NAMES, { ["X A"] = "b" }, { ["X-A "] = "b" }, { [" X-A"] = "b" }, { [""] = "b" }),
  headers("header name with CRLF", NAMES, { ["X-A\r\nX-Evil"] = "b" }, { ["X-A\n"] = "b" }),
  headers(
    "header value with CRLF",
    VALUES,
    { ["X-A"] = "b\r\nX-Key: " .. PASSWORD },
    { ["X-A"] = "b\n" },
    { ["X-A"] = "\rb" }
  ),
  headers("header value with NUL", VALUES, { ["X-A"] = PASSWORD .. "\0" }, { ["X-A"] = "\0" }),
  tokens('token ""', "it is empty", ""),
  tokens("token with space", "it holds a space", PASSWORD .. " x"),
  tokens("token after a space", "it begins with a space", " " .. PASSWORD, " "),
  tokens("token before a space", "it ends in a space", PASSWORD .. " "),
  tokens("token with CRLF", "it holds a carriage return", PASSWORD .. "\r\nX-Evil: 1"),
  tokens("token with LF", "it ends in a line feed", PASSWORD .. "\n"),
  tokens(
    "token with a Windows line end",
    "it ends in a carriage return (does the file it comes from have Windows line ends?)",
    PASSWORD .. "\r",
    PASSWORD .. "\r\n"
  ),
  tokens("token with NUL", "it ends in a zero byte", PASSWORD .. "\0"),
  tokens("token after NUL", "it begins with a zero byte", "\0" .. PASSWORD),
  tokens("token with non-ASCII", "it ends in a character beyond ASCII", PASSWORD .. "\u{E9}", PASSWORD .. "\xFF"),
  tokens(
    "token with Bearer",
    'it begins with "Bearer": leave out "Bearer "',
    "Bearer " .. PASSWORD,
    "bearer  " .. PASSWORD,
    "BEARER:" .. PASSWORD
  ),
  tokens("Bearer alone", 'it is the word "Bearer" alone, without a token', "Bearer"),
  tokens("token with its header", 'it begins with "Authorization:"', "Authorization: Bearer " .. PASSWORD),
  tokens(
    "token with quotes",
    "it has quotes around it: leave them out",
    '"' .. PASSWORD .. '"',
    "'" .. PASSWORD .. "'",
    '"Bearer ' .. PASSWORD .. '"'
  ),
  tokens("token of 100 KiB", "it is longer than 64 KiB", PASSWORD .. ("x"):rep(102400)),
  row(
    "callback not callable",
    raises("option `on` of hoopai.new", "`request`"),
    made { on = { request = 5 } },
    raises("option `on` of hoopai.new", "`response`"),
    made { on = { response = {} } },
    raises("option `on` of hoopai.new", "a table of hooks"),
    made { on = print },
    raises("option `token` of hoopai.new", "a string, a function or a secret of hoopai.store.secret"),
    made { token = {} },
    raises("hoopai.run expects a function, got table"),
    function() return (hoopai.run({})) end,
    raises("hoopai.map expects a function, got nil"),
    function() return (hoopai.map({ 1 }, nil)) end,
    raises("hoopai.spawn expects a function, got number"),
    function() return (hoopai.spawn(5)) end
  ),
}

------------------------------------------------------------------------------------------------------------- misuse

local function get(c)
  local result, err = c.calendars:get("c")
  return result, err
end

local GET = sent("/calendars/c", "")

--- In a loop: fn(client) as its only task.
local function in_task(fn)
  return function(c) return hoopai.run(fn, c) end
end

local function use_after_close()
  local own = new()
  local light = own:with {}
  own:close()
  local function closed(fn)
    check(fails("closed"), function() return fn(own) end)
    check(fails("closed"), function() return fn(light) end)
    check(fails("closed"), in_task(function() return fn(own) end))
  end
  closed(get)
  closed(note { body = "x" })
  closed(function(c)
    local result, err = c:request { method = "POST", path = "/x", body = {} }
    return result, err
  end)
  check(raises("hoopai: calendars:get needs calendarId"), function()
    local result, err = own.calendars:get(5)
    return result, err
  end)
  assert.are.equal(0, server:count("open"))
end

local function double_close()
  do
    local own <close> = new()
    check(GET, function() return get(own) end)
    for _ = 1, 3 do
      own:close()
    end
    local light <close> = own:with {}
    light:close()
    light:close()
    own:close()
    check(fails("closed"), function() return get(own) end)
  end
  server:wait("open", "exactly", 0)
end

local hosts = {}

local function host()
  hosts[1] = hosts[1] or core_host.build()
  return hosts[1]
end

-- In the child its parent's client refuses, at the caller's line, and leaves the parent's connections alone.
local function after_fork()
  local text, ok = core_host.run(
    host(),
    [[
    local url, token = ...
    local hoopai = require "hoopai"
    local client <close> = hoopai.new { token = token, base_url = url }
    assert(client.calendars:get("before"))
    hoopai.run(function() assert(client.calendars:get("before")) end)
    local pid = host.fork()
    if pid == 0 then
      for _, call in ipairs {
        function() local result, err = client.calendars:get("child") return result, err end,
        function() local result, err = client.notes:create("a", { body = "child" }) return result, err end,
        function()
          return (hoopai.run(function() local result, err = client.calendars:get("child") return result, err end))
        end,
      } do
        local done, problem = pcall(call)
        print(tostring(done) .. ": " .. tostring(problem))
      end
      client:close()
      local own <close> = hoopai.new { token = token, base_url = url }
      assert(own.calendars:get("own"))
      hoopai.run(function() assert(own.calendars:get("own")) end)
      return
    end
    assert(host.wait(pid) == 0, "the child failed")
    assert(client.calendars:get("after"))
    hoopai.run(function() assert(client.calendars:get("after")) end)
    print "parent done"
  ]],
    { arguments = { server.url, TOKEN } }
  )
  assert.is_true(ok, text)
  check_text(text)
  for _, id in ipairs { "before", "before", "own", "own", "after", "after" } do
    expected[#expected + 1] = { "/calendars/" .. id, "" }
  end
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  assert.are.equal("parent done", lines[4])
  for index = 1, 3 do
    has(lines[index], "belongs to the parent process: make a new one after fork")
    assert.matches("^false: /tmp/[^:]*:%d+: hoopai: ", lines[index])
  end
end

-- No Lua value can go from one state to another; what can be done wrong is to close, in one thread, what another one
-- uses. And within a state: to wait in a coroutine of the host, while the loop runs.
local function foreign_state()
  local text, ok = core_host.run(
    host(),
    [[
    local url, token = ...
    local hoopai = require "hoopai"
    for round = 1, 5 do
      local client = hoopai.new { token = token, base_url = url }
      assert(client.calendars:get("blocking"))
      hoopai.run(function() assert(client.calendars:get("task")) end)
      client:close()
      local result, err = client.calendars:get("closed")
      assert(result == nil and err.kind == "closed")
    end
  ]],
    { threads = 3, arguments = { server.url, TOKEN } }
  )
  assert.is_true(ok, text)
  assert.are.equal("", text)
  -- In an unspecified order.
  assert.are.equal(30, server:count("arrived"))
  for index, request in ipairs(server:ledger()) do
    expected[index] = { request.target, "" }
  end
  check(
    raises("hoopai: calendars:get cannot wait in a coroutine that hoopai did not start", "hoopai.spawn"),
    function(c)
      return hoopai.run(function()
        local co = coroutine.create(function()
          local result, err = c.calendars:get("c")
          return result, err
        end)
        local ok_co, problem = coroutine.resume(co)
        if not ok_co then error(problem, 0) end
      end)
    end
  )
end

local function wrong_self()
  local colon = raises("hoopai: call it with a colon: ")
  local function method(fn) check(colon, fn) end
  method(function(c) return (c.calendars.get("c")) end)
  method(function(c) return (c.calendars.list()) end)
  method(function(c) return (c.calendars.get(c, "c")) end)
  method(function(c) return (c.notes.create(5, "a", { body = "x" })) end)
  method(function(c) return (c.notes.create(io.stdout, "a", { body = "x" })) end)
  method(function(c) return (c.notes.create(setmetatable({}, loud), "a", { body = "x" })) end)
  method(function(c) return (c.notes.create(setmetatable({}, { __metatable = 5 }), "a", { body = "x" })) end)
  method(function(c) return (c.request { method = "GET", path = "/x" }) end)
  method(function(c) return (c.with {}) end)
  method(function(c) return (c.close()) end)
  method(function(c) return (c.close(c.calendars)) end)
  -- Another resource object of the same client works as well: it holds its client.
  check(GET, function(c)
    local result, err = c.calendars.get(c.notes, "c")
    return result, err
  end)
  local function of_time(fn, name) check(raises(name .. " must be called with a colon"), fn) end
  of_time(function() return (time.now().ms()) end, "ms")
  of_time(function() return (time.now().iso("UTC")) end, "iso")
  of_time(function() return (time.days(1).hours(5)) end, "hours")
  for _, name in ipairs { "join", "cancel" } do
    check(raises("colon"), function()
      return hoopai.run(function()
        local task = hoopai.spawn(print, "")
        task:cancel()
        return (task[name]())
      end)
    end)
  end
end

-- A token function that does `act` when it is first asked, and is right from then on.
local function token_that(act)
  local asked = 0
  return function()
    asked = asked + 1
    if asked == 1 then act() end
    return TOKEN
  end
end

--- Hooks and token functions that do this: what becomes of the call in which they do, and that the next one is good.
local function callback(act, hook_outcome, token_outcome, task_token_outcome)
  for _, name in ipairs { "request", "response" } do
    for _, wrap in ipairs { function(fn) return fn end, in_task } do
      local own
      own = new { on = { [name] = function() act(own) end } }
      check(hook_outcome[name], wrap(function() return get(own) end))
    end
  end
  for wrap, outcome in pairs {
    [function(fn) return fn end] = token_outcome,
    [in_task] = task_token_outcome or token_outcome,
  } do
    local own
    own = new { token = token_that(function() act(own) end) }
    check(outcome, wrap(function() return get(own) end))
    if outcome.kind ~= "closed" then check(GET, function() return get(own) end) end
  end
end

local BOTH = { request = GET, response = GET }

local function callback_raises()
  local function act() error("raised by the callback") end
  -- The result of a hook is ignored; the error of a token function is the call's own. Its line is the one in `act`.
  local own
  for _, name in ipairs { "request", "response" } do
    own = new { on = { [name] = act } }
    check(GET, function() return get(own) end)
    check(GET, in_task(function() return get(own) end))
  end
  for _, wrap in ipairs { function(fn) return fn end, in_task } do
    own = new { token = token_that(act) }
    local ok, message = pcall(wrap(function() return get(own) end), client)
    assert.is_false(ok)
    assert.matches("^[^:]*bad_inputs_spec%.lua:%d+: raised by the callback$", message)
    check(GET, function() return get(own) end)
    -- An error that cannot be printed, in a function that gives no token.
    own = new {
      token = function()
        return nil, setmetatable({}, { __tostring = function() error(PASSWORD) end })
      end,
    }
    local result, err = wrap(function() return get(own) end)(client)
    expect.failure("auth", result, err, { applied = "no" })
    check_text(tostring(err))
  end
  check(raises("raised by the callback"), function()
    return hoopai.map({ 1, 2 }, function() error("raised by the callback") end)
  end)
end

local function callback_yields()
  for _, name in ipairs { "request", "response" } do
    local own = new { on = { [name] = function() coroutine.yield() end } }
    check(GET, function() return get(own) end)
    check(GET, in_task(function() return get(own) end))
  end
  -- A token function may wait, in the ways that hoopai has.
  local own = new { token = token_that(function() hoopai.sleep(0) end) }
  check(GET, in_task(function() return get(own) end))
  own = new { token = token_that(coroutine.yield) }
  local ok, message = pcall(hoopai.run, function() return get(own) end)
  assert.is_false(ok)
  check_text(message)
  has(message, "coroutine.yield() was called in a task; only hoopai may suspend it")
  check(GET, function() return get(own) end)
  -- Where the host resumes, it is the host's business.
  own = new { token = token_that(coroutine.yield) }
  local resume = coroutine.wrap(function() return get(own) end)
  resume()
  check(GET, function() return resume() end)
end

local function callback_closes()
  local function act(own) own:close() end
  callback(act, { request = fails("closed"), response = GET }, fails("closed"))
end

-- In a hook nothing may wait. A token function that makes a call which needs the token gets an error instead of waiting
-- for itself, and the call for which it runs goes on.
local function callback_reenters()
  local messages = {}
  local function act(own)
    local ok, message = pcall(function()
      local result, err = own.calendars:get("inner")
      return result, err
    end)
    assert(not ok)
    messages[#messages + 1] = message
  end
  callback(act, BOTH, GET)
  assert.are.equal(6, #messages)
  for index, message in ipairs(messages) do
    check_text(message)
    assert.matches("^[^:]*bad_inputs_spec%.lua:%d+: hoopai: ", message)
    has(
      message,
      index <= 2 and "cannot be called inside on.request"
        or index <= 4 and "inside on.response"
        or "the token function is already running"
    )
  end
end

--- Calls fn with a hook that raises after so many instructions, as Ctrl-C does in the standalone interpreter.
local function interrupted(count, fn)
  local ok, message = pcall(function()
    debug.sethook(function()
      debug.sethook()
      error("interrupted!")
    end, "", count)
    local result, err = fn()
    debug.sethook()
    return result, err
  end)
  debug.sethook()
  return ok, message
end

local function debug_hook()
  local cut, whole = 0, 0
  for count = 1, 1500, 53 do
    for _, call in ipairs { function() return get(client) end, function() return hoopai.run(get, client) end } do
      local ok, message = interrupted(count, call)
      if ok then
        whole = whole + 1
      else
        cut = cut + 1
        has(message, "interrupted!")
      end
      assert.are.equal(0, leak.in_flight())
      assert(get(client))
    end
  end
  assert.is_true(cut > 10 and whole > 10, ("%d interrupted, %d not"):format(cut, whole))
  -- A token function that is interrupted does not keep others from being asked.
  for count = 1, 400, 41 do
    local own = new { token = function() return TOKEN end }
    interrupted(count, function() return get(own) end)
    assert(get(own))
  end
  -- What was interrupted had arrived, or had not.
  for index, request in ipairs(server:ledger()) do
    expected[index] = { request.target, "" }
  end
end

-- Everything a script can reach of the standard library raises, after `preload`.
local function patched_globals()
  local text, ok = child.run(([==[
    local hoopai = require "hoopai"
    local client <close> = hoopai.new { token = %q, base_url = %q, location_id = "L" }
    local print, pcall, tostring, error = print, pcall, tostring, error
    hoopai.preload()
    local calls = {
      function() return client.calendars:get("c", { headers = { ["X-A"] = "b" } }) end,
      function() return hoopai.run(function() return client.calendars:get("c") end) end,
      function() return client.notes:create("a", { body = "x" }) end,
      function() return client.notes:create("a", { bdy = 5 }) end,
      function() return client.notes:create(".", { body = "x" }) end,
      function() local result, err = client.calendars:get(5) return result, err end,
      function() local result, err = client.calendars:get("c", { timout = 5 }) return result, err end,
      function() local other = hoopai.new { tokn = 5 } return other end,
      function() local method = client.calendars.lst return method end,
      function() return client.groups:validate_slug { slug = "s", locationId = "l" } end,
      function() return client:request { method = "GET", path = "/x", query = { a = 1 } } end,
    }
    local count = #calls
    local function broken() error("a global was used") end
    for _, library in ipairs { "string", "table", "coroutine", "math", "utf8", "os", "io", "debug" } do
      for name in pairs(_G[library]) do _G[library][name] = broken end
    end
    local names = {}
    for name, value in next, _G do
      if type(value) == "function" then names[#names + 1] = name end
    end
    for index = 1, #names do _G[names[index]] = broken end
    for index = 1, count do
      local fine, result, problem = pcall(calls[index])
      local text = fine and result and "good" or tostring(fine and problem or result)
      print(index .. ": " .. tostring(fine) .. ": " .. text)
    end
  ]==]):format(TOKEN, server.url))
  assert.is_true(ok, text)
  check_text(text)
  assert.is_nil(text:find("a global was used", 1, true), text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    if line:find("^%d+: ") then lines[#lines + 1] = line end
  end
  for index, wanted in ipairs {
    "true: good",
    "true: good",
    "true: good",
    "true: invalid_request: notes:create has 2 problems:",
    "true: invalid_request: notes:create: appointmentId",
    "false: ",
    "false: ",
    "false: ",
    "false: ",
    "true: good",
    "true: good",
  } do
    has(lines[index], wanted)
  end
  for index, request in ipairs(server:ledger()) do
    expected[index] = { request.target }
  end
  assert.are.equal(5, #expected)
  has(lines[6], "calendars:get needs calendarId")
  has(lines[7], "did you mean `timeout`?")
  has(lines[8], "did you mean `token`?")
  has(lines[9], "did you mean `list`?")
end

local misuse = {
  { "use after close", use_after_close },
  { "double close", double_close },
  { "after fork", after_fork },
  { "from a foreign state", foreign_state },
  { "wrong self", wrong_self },
  { "callback that raises", callback_raises },
  { "callback that yields", callback_yields },
  { "callback that closes", callback_closes },
  { "callback that re-enters", callback_reenters },
  { "debug hook", debug_hook },
  { "host-patched globals", patched_globals },
}

--------------------------------------------------------------------------------------------------------------- cases

describe("bad inputs:", function()
  setup(function() server = servers.start() end)
  teardown(function()
    server:stop()
    if hosts[1] then os.remove(hosts[1]) end
  end)

  before_each(function()
    leak.before()
    server:reply { always = true, body = ANSWER }
    client, expected, last_error = new(), {}, nil
  end)
  after_each(function()
    debug.sethook()
    leak.after(server)
  end)

  group("ids", 50, ids)
  group("times", 50, times)
  group("bodies", 37, bodies)
  group("config", 50, config)
  group("misuse", 11, misuse)

  it("are 198 kinds", function() assert.are.equal(198, #ids + #times + #bodies + #config + #misuse) end)
end)
