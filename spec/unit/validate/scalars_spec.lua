local core = require "hoopai.core"
local time = require "hoopai.time"
local validation = require "spec.support.validation"

local fields_of, body_checks, only = validation.fields_of, validation.body_checks, validation.only
local problem_of, sent = validation.problem_of, validation.sent
local null = core.null
local nan, infinity = 0 / 0, math.huge

describe("a scalar", function()
  local bounded = { type = "integer", min = 1, max = 20 }

  local refused = {
    -- type, value, problem, given, expected, suggestion
    -- type, value, problem, given, expected, suggestion
    { { type = "string" }, 5, 'must be a string, not a number: write "5"', "5", "a string" },
    { { type = "string" }, 0.5, 'must be a string, not a number: write "0.5"', "0.5" },
    { { type = "string" }, true, "must be a string, not a boolean", "true" },
    { { type = "string" }, {}, "must be a string, not an empty table", "an empty table" },
    { { type = "string" }, { "x" }, "must be a string, not a list", "a list of 1 item" },
    { { type = "string" }, { "x", "y" }, "must be a string, not a list", "a list of 2 items" },
    { { type = "string" }, { x = 1 }, "must be a string, not a table", "a table" },
    { { type = "string" }, null, "must be a string, not null", "null" },
    { { type = "string" }, print, "must be a string, not a function", "a function" },
    { { type = "string" }, coroutine.create(print), "must be a string, not a coroutine", "a coroutine" },
    { { type = "string" }, io.stdout, "must be a string, not a userdata", "a userdata" },
    { { type = "string" }, time.now(), "must be a string, not a time value", "a time value" },
    { { type = "string" }, time.days(1), "must be a string, not a duration", "a duration" },
    { { type = "string" }, nan, 'must be a string, not NaN: write "NaN"', "NaN" },
    { { type = "string" }, "a\xFFb", "is not valid UTF-8 (byte 2)", '"a\\xFFb"' },
    { { type = "string" }, "\xED\xA0\x80", "is not valid UTF-8 (byte 1)", '"\\xED\\xA0\\x80"' },
    { { type = "string" }, "\xC0\x80", "is not valid UTF-8 (byte 1)", '"\\xC0\\x80"' },
    { { type = "string" }, "a\0b", "contains a NUL byte", '"a\\x00b"' },
    { { type = "string" }, ("x"):rep(1048577), "is 1048577 bytes long, at most 1048576 are sent" },
    { { type = "string" }, ("x"):rep(10000000), "is 10000000 bytes long, at most 1048576 are sent" },
    {
      { type = "string", max_length = 5 },
      "abcdef",
      "must have at most 5 characters, has 6",
      '"abcdef"',
      "a string of at most 5 characters",
    },
    { { type = "string", max_length = 5 }, "äöüäöü", "must have at most 5 characters, has 6" },
    {
      { type = "string", max_length = 5000 },
      ("x"):rep(10000000),
      "must have at most 5000 characters, has 10000000",
      '"' .. ("x"):rep(40) .. '..." (10000000 bytes)',
    },
    { { type = "string", min_length = 1 }, "", "must not be empty", '""', "a string of at least 1 character" },
    { { type = "string", min_length = 2, max_length = 3 }, "x", "must have from 2 to 3 characters, has 1" },
    { { type = "string", min_length = 2, max_length = 2 }, "x", "must have exactly 2 characters, has 1" },
    {
      { type = "string", pattern = "^%d%d:%d%d$", example = "08:30" },
      "8h",
      'must look like "08:30"',
      '"8h"',
      'a string like "08:30"',
    },
    { { type = "string", pattern = "^%d+$" }, "x", "must match the Lua pattern ^%d+$" },
    {
      { type = "string", enum = { "new", "confirmed", "cancelled" } },
      "canceled",
      "must be one of new, confirmed, cancelled; did you mean `cancelled`?",
      '"canceled"',
      "one of new, confirmed, cancelled",
      "cancelled",
    },
    {
      { type = "string", enum = { "noshow" } },
      "No-Show",
      "must be noshow; did you mean `noshow`?",
      '"No-Show"',
      "noshow",
      "noshow",
    },
    { { type = "string", enum = { "a", "b" } }, "zzz", "must be one of a, b", '"zzz"', "one of a, b" },
    { { type = "string", enum = { "a", "b" } }, "", "must be one of a, b", '""' },
    { { type = "string", enum = { "a", "b" } }, 1, "must be one of a, b, not a number", "1" },
    { { type = "string", enum = { "a", "b" } }, {}, "must be one of a, b, not an empty table" },
    { { type = "string", enum = { "a", "b" } }, null, "must be one of a, b, not null", "null" },
    { { type = "string", enum = { "a", "b" } }, ("a"):rep(1000000), "must be one of a, b" },
    { bounded, 0, "must be from 1 to 20", "0", "a whole number from 1 to 20" },
    { bounded, 21, "must be from 1 to 20", "21" },
    { bounded, 1.5, "must be a whole number", "1.5" },
    { bounded, "5", "must be a whole number, not a string: write 5 without quotes", '"5"' },
    { bounded, "five", "must be a whole number, not a string", '"five"' },
    { bounded, true, "must be a whole number, not a boolean", "true" },
    { bounded, nan, "must be a whole number, not NaN", "NaN" },
    { bounded, infinity, "must be a whole number, not infinity", "infinity" },
    { bounded, -infinity, "must be a whole number, not -infinity", "-infinity" },
    { { type = "integer", min = 0 }, -1, "must be at least 0", "-1", "a whole number at least 0" },
    { { type = "integer", max = 24 }, 25, "must be at most 24", "25" },
    { { type = "integer" }, 2 ^ 63, "must be from -9007199254740992 to 9007199254740992", "9.2233720368547758e+18" },
    {
      { type = "integer" },
      math.maxinteger,
      "must be from -9007199254740992 to 9007199254740992",
      "9223372036854775807",
    },
    { { type = "integer" }, 1e300, "must be from -9007199254740992 to 9007199254740992" },
    { { type = "integer", enum = { 0, 1 } }, 5, "must be one of 0, 1", "5", "one of 0, 1" },
    { { type = "integer", enum = { 0, 1 } }, nan, "must be one of 0, 1", "NaN" },
    { { type = "integer", enum = { 0, 1 } }, "1", "must be one of 0, 1, not a string: write 1 without quotes" },
    {
      { type = "integer", enum = { 0, 1 }, nullable = true },
      5,
      "must be one of 0, 1, or hoopai.null",
      "5",
      "one of 0, 1, or hoopai.null",
    },
    { { type = "number", enum = { 0, 0.5, 1 } }, 2, "must be one of 0, 0.5, 1", "2", "one of 0, 0.5, 1" },
    {
      { type = "number", enum = { 0, 0.5, 1 } },
      "0.5",
      "must be one of 0, 0.5, 1, not a string: write 0.5 without quotes",
      '"0.5"',
    },
    { { type = "number" }, "1.5", "must be a number, not a string: write 1.5 without quotes", '"1.5"', "a number" },
    { { type = "number" }, nan, "must be a finite number, not NaN", "NaN" },
    { { type = "number" }, infinity, "must be a finite number, not infinity", "infinity" },
    { { type = "number", max = 100 }, 100.5, "must be at most 100", "100.5", "a number at most 100" },
    { { type = "number", min = 0 }, -0.5, "must be at least 0", "-0.5" },
    { { type = "number" }, {}, "must be a number, not an empty table" },
    {
      { type = "boolean" },
      "true",
      "must be true or false, not a string: write true without quotes",
      '"true"',
      "true or false",
    },
    { { type = "boolean" }, "false", "must be true or false, not a string: write false without quotes" },
    { { type = "boolean" }, "yes", "must be true or false, not a string" },
    { { type = "boolean" }, 1, "must be true or false, not a number", "1" },
    { { type = "boolean" }, null, "must be true or false, not null", "null" },
    { { type = "date" }, "tomorrow", 'must be a local date like "2024-10-28"', '"tomorrow"', "a date" },
    {
      { type = "date", example = "2026-12-24" },
      "24.12.2026",
      'must be a local date like "2026-12-24"',
      '"24.12.2026"',
      'a date like "2026-12-24"',
    },
    { { type = "date" }, "2024-10-28 10:00", 'must be a local date like "2024-10-28"' },
    { { type = "date" }, "2024-10-28Tnoon", 'must be a local date like "2024-10-28"' },
    { { type = "date" }, "2024-13-01", "is a day that does not exist" },
    { { type = "date" }, "2024-00-10", "is a day that does not exist" },
    { { type = "date" }, "2024-04-31", "is a day that does not exist" },
    { { type = "date" }, "2024-04-00", "is a day that does not exist" },
    { { type = "date" }, "2023-02-29T00:00:00.000Z", "is a day that does not exist" },
    { { type = "date" }, "1900-02-29", "is a day that does not exist" },
    { { type = "date" }, 20241028, 'must be a local date, not a number: write "2024-10-28"', "20241028" },
    { { type = "date" }, time.now(), 'must be a local date, not a time value: write "2024-10-28"', "a time value" },
    {
      { type = "date", pattern = "^%d%d%d%d%-%d%d%-%d%dT00:00:00%.000Z$", example = "2026-12-24T00:00:00.000Z" },
      "2026-12-24",
      'must be a local date like "2026-12-24T00:00:00.000Z"',
    },
    { { type = "timezone" }, "", 'must be an IANA time zone name like "America/New_York"', '""', "an IANA time zone" },
    { { type = "timezone" }, "Europe/", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "Europe//Berlin", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "/Europe/Berlin", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "../../etc/passwd", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "Europe/Berlin\r\n", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "Europe\0", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "+05:30", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, ("A"):rep(1024), 'must be an IANA time zone name like "America/New_York"' },
    {
      { type = "timezone", example = "Europe/Madrid" },
      5,
      'must be a time zone name, not a number: write "Europe/Madrid"',
      "5",
      'an IANA time zone like "Europe/Madrid"',
    },
  }
  for i, row in ipairs(refused) do
    it(("%d of type %s: %s"):format(i, row[1].type, row[3]), function() validation.refuses(row) end)
  end

  local accepted = {
    -- type, value, what is sent (the value itself if left out)
    -- type, value, what is sent (the value itself when left out)
    { { type = "string" }, "" },
    { { type = "string" }, "äöü \u{1F600}\n\t" },
    { { type = "string" }, ("x"):rep(1048576) },
    { { type = "string", max_length = 5 }, "äöüäö" },
    { { type = "string", nullable = true }, null },
    { { type = "string", nullable = true }, "x" },
    { { type = "string", max_length = 2000000 }, "x" },
    { { type = "string", deprecated = "other" }, "x" },
    { { type = "string", undocumented = true }, "x" },
    { bounded, 1 },
    { bounded, 20 },
    { bounded, 20.0, 20 },
    { bounded, 2 ^ 2, 4 },
    { { type = "integer" }, -0.0, 0 },
    { { type = "integer" }, 2 ^ 53, 2 ^ 53 | 0 },
    { { type = "integer", min = 0, max = 2 ^ 60 | 0 }, 2 ^ 55 | 0 },
    { { type = "integer", enum = { 0, 1 } }, 1.0, 1 },
    { { type = "integer", enum = { 0, 1 }, nullable = true }, null },
    { { type = "number" }, 0.5 },
    { { type = "number" }, -0.0, 0 },
    { { type = "number" }, 1e300 },
    { { type = "number", enum = { 0, 0.5, 1 } }, 0.5 },
    { { type = "number", enum = { 0, 0.5, 1 } }, 1.0 },
    { { type = "number", enum = { 0, 0.5, 1 } }, -0.0, 0 },
    { { type = "boolean" }, true },
    { { type = "boolean" }, false },
    { { type = "boolean", nullable = true }, false },
    { { type = "date" }, "2024-10-28" },
    { { type = "date" }, "2024-10-28T00:00:00.000Z" },
    { { type = "date" }, "2024-02-29" },
    { { type = "date" }, "2000-02-29" },
    { { type = "timezone" }, "UTC" },
    { { type = "timezone" }, "Etc/GMT+5" },
    { { type = "timezone" }, "America/Argentina/Buenos_Aires" },
    { { type = "timezone" }, "America/Port-au-Prince" },
    -- documented pattern of the schedules: narrower than the API
    { { type = "timezone", pattern = "^[A-Za-z_]+/[A-Za-z_]+$" }, "UTC" },
    { { type = "datetime" }, "2024-10-28T10:00:00-05:00" },
    {
      { type = "datetime" },
      time.at { year = 2024, month = 10, day = 28, hour = 10, zone = "UTC" },
      "2024-10-28T10:00:00+00:00",
    },
    { { type = "epoch_ms" }, 1767571200000 },
    { { type = "epoch_ms", wire = "string" }, 1767571200000, "1767571200000" },
  }
  for i, row in ipairs(accepted) do
    it(("%d of type %s is sent"):format(i, row[1].type), function() validation.sends(row) end)
  end

  it("is refused with the message of hoopai.time", function()
    for _, field in ipairs { { type = "datetime" }, { type = "epoch_ms" } } do
      local convert = field.type == "datetime" and time.to_body_datetime or time.to_epoch_ms
      for _, value in ipairs {
        "",
        "2024-10-28",
        "2024-10-28T10:00:00",
        "2024-10-28T10:00",
        "tomorrow",
        1716230400,
        0,
        -1,
        1.5,
        nan,
        infinity,
        true,
        {},
        null,
        print,
        "2024-10-28T25:00:00Z",
        "2024-13-28T10:00:00Z",
        "2024-10-28T10:00:00+5",
        "2024-02-30T10:00:00Z",
        "2024-10-28T10:00:00.000+24:01",
      } do
        local _, problem = convert(value)
        assert.is_string(problem)
        assert.are.equal(problem, problem_of(field, value).problem)
      end
    end
    local _, problem = time.to_body_datetime(time.from_ms(1716230400000))
    assert.are.equal(problem, problem_of({ type = "datetime" }, time.from_ms(1716230400000)).problem)
  end)
end)

describe("a required id", function()
  it("is not empty", function()
    local checks = body_checks(fields_of {
      { name = "contactId", type = "string", required = true },
      { name = "groupId", type = "string" },
      { name = "description", type = "string", required = true },
    })
    assert.is_table(checks.body { contactId = "c", description = "", groupId = "" })
    local _, details = checks.body { contactId = "", description = "" }
    assert.are.same(
      { path = "contactId", problem = "must not be empty", given = '""', expected = "a string" },
      only(details)
    )
  end)
end)

describe("the advice of a problem is taken by the same check", function()
  -- What a message says to write, as the value that Lua makes of it.
  local function advised(problem)
    local values = {}
    for text in problem:gmatch '[%a:] "([^"]+)"' do
      values[#values + 1] = text
    end
    local bare = problem:match ": write (%S+) without quotes$"
    if bare then values[#values + 1] = load("return " .. bare)() end
    local call = problem:match "(hoopai%.time%.from_%l+%(%d+[^)]*%))"
    if call and not call:find "%(ms" then
      values[#values + 1] = load("local hoopai = ... return " .. call)({ time = time })
    end
    local ms = problem:match "write milliseconds %((%d+)%)"
    if ms then values[#values + 1] = math.tointeger(tonumber(ms)) end
    return values
  end

  local datetime, epoch_ms = { type = "datetime" }, { type = "epoch_ms" }
  -- stylua: ignore
  local cases = {
    { datetime, "2026-12-01 10:00" }, { datetime, "2026-12-01 10:00:00" }, { datetime, "2026-12-01t10:00" },
    { datetime, "2026-12-01T10:00:00,25" }, { datetime, "2026-12-01 10:00:00-05:00" },
    { datetime, "2026-12-01T10:00+05" },
    { datetime, "2026-12-01T10:00:00+0530" }, { datetime, "2026-12-01" }, { datetime, 1795955560 },
    { datetime, 1795955560000 }, { datetime, "1795955560" }, { datetime, "soon" }, { datetime, true },
    { epoch_ms, 1795955560 }, { epoch_ms, "1795955560" }, { epoch_ms, 5 }, { epoch_ms, "86400" }, { epoch_ms, 0 },
    { epoch_ms, "2026-12-01 10:00" }, { epoch_ms, "2026-12-01" }, { epoch_ms, 99999999 }, { epoch_ms, 100000000 },
    { { type = "string" }, 5 }, { { type = "integer", min = 1 }, "5" }, { { type = "number" }, "0.5" },
    { { type = "boolean" }, "true" }, { { type = "date" }, 20261201 }, { { type = "timezone" }, 5 },
    { { type = "timezone" }, "EST" }, { { type = "number", enum = { 0, 0.5 } }, "0.5" },
  }
  for index, case in ipairs(cases) do
    it(("%d: %s"):format(index, tostring(case[2])), function()
      local values = advised(problem_of(case[1], case[2]).problem)
      local tried = 0
      for _, value in ipairs(values) do
        if value ~= case[2] then
          tried = tried + 1
          assert.is_truthy(sent(case[1], value) ~= nil, tostring(value))
        end
      end
      assert.is_true(tried > 0, problem_of(case[1], case[2]).problem)
    end)
  end

  it("and is not given if it would not be", function()
    -- stylua: ignore
    for _, case in ipairs {
      { { type = "integer" }, "5.5" }, { { type = "integer", max = 20 }, "50" }, { { type = "number", min = 1 }, "0" },
      { { type = "string", pattern = "^%d%d:%d%d$", example = "08:30" }, 8 },
      { { type = "string", max_length = 2 }, 500 },
    } do
      assert.is_nil(problem_of(case[1], case[2]).problem:find("write", 1, true))
    end
    assert.is_nil(
      problem_of({ type = "array", items = { type = "string", max_length = 2 } }, "abc").problem:find "write"
    )
    local secret = problem_of({ type = "array", items = { type = "string" } }, "pit-0b3c4d5e")
    assert.is_nil(secret.problem:find "write")
  end)
end)
