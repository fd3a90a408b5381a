local core = require "hoopai.core"
local samples = require "spec.support.samples"
local schema = require "hoopai.validate"
local problems = require "hoopai.validate.problems"
local time = require "hoopai.time"
local types = require "hoopai.validate.types"
local util = require "luassert.util"

local null = core.null

-- A table like {} whose every use would raise: the checks may only look at it raw.
local function trapped(t)
  local function trap() error("a metamethod was called") end
  return setmetatable(t or {}, {
    __index = trap, __newindex = trap, __pairs = trap, __len = trap, __tostring = trap, __eq = trap, __name = 5,
    __lt = trap, __le = trap, __concat = trap, __call = trap, __close = trap, __unm = trap, __band = trap,
  })
end

local function body_checks(kind, more)
  local endpoint = { name = "sample", method = "PUT", path = "/", body = kind }
  for key, value in pairs(more or {}) do endpoint[key] = value end
  return schema.compile(endpoint)
end

local function fields_of(list)
  return { type = "object", fields = list }
end

-- The checks of a body with one field `f`.
local function field_checks(field)
  field.name = "f"
  return body_checks(fields_of { field })
end

local function only(details)
  assert.is_table(details)
  assert.are.equal(1, #details, schema.message(details))
  assert.is_nil(details.more)
  return details[1]
end

-- The one problem of a value given for a field.
local function problem_of(field, value)
  local result, details = field_checks(field).body { f = value }
  assert.is_nil(result)
  local detail = only(details)
  assert.are.equal("f", detail.path)
  return detail
end

local function sent(field, value)
  local result, details = field_checks(field).body { f = value }
  assert.is_table(result, details and schema.message(details))
  return result.f
end

local function deep_copy(value)
  if type(value) ~= "table" or time.is_instant(value) then return value end
  local copy = core.is_array(value) and core.array {} or {}
  for key, item in next, value do copy[key] = deep_copy(item) end
  return copy
end

local nan, infinity = 0 / 0, math.huge

-- What is wrong with each place of a body.
local function lines(details)
  local found = {}
  for i, detail in ipairs(details) do found[i] = detail.path .. ": " .. detail.problem end
  return found
end

describe("schema.compile", function()
  it("does nothing but compile", function()
    local checks = schema.compile { name = "get", method = "GET", path = "/x" }
    assert.is_function(checks.query)
    assert.is_function(checks.body)
    assert.is_nil(checks.body_shape)
    assert.are.same({}, checks.keep_null)
  end)

  it("says at once when the data names a type that does not exist", function()
    assert.has_error(function() body_checks({ type = "strnig" }).body {} end)
    assert.has_error(function()
      schema.compile({ query = { { name = "q", type = "object" } } }).query {}
    end)
  end)

  it("marks the lists of the body for the encoder", function()
    local list = { type = "array", items = { type = "string" } }
    assert.are.same({ array = true }, body_checks(list).body_shape)
    assert.is_nil(body_checks(fields_of { { name = "a", type = "string" } }).body_shape)
    assert.is_nil(body_checks({ type = "any" }).body_shape)
    assert.are.same({ values = { array = true } }, body_checks({ type = "object", values = list }).body_shape)
    assert.are.same({
      fields = {
        ids = { array = true },
        members = { array = true, items = { fields = { places = { array = true, items = { array = true } } } } },
        deep = { fields = { ids = { array = true } } },
      },
    }, body_checks(fields_of {
      { name = "plain", type = "string" },
      { name = "ids", type = "array", items = { type = "string" } },
      { name = "members", type = "array", items = fields_of {
        { name = "places", type = "array", items = { type = "array", items = { type = "string" } } },
        { name = "userId", type = "string" },
      } },
      { name = "deep", type = "object", fields = { { name = "ids", type = "array", items = { type = "string" } } } },
      { name = "flat", type = "object", fields = { { name = "a", type = "string" } } },
    }).body_shape)
  end)

  it("collects the fields of the result in which null means something", function()
    local checks = schema.compile { result = { type = fields_of {
      { name = "a", type = "string", nullable = true },
      { name = "b", type = "array", items = fields_of { { name = "c", type = "integer", nullable = true } } },
      { name = "d", type = "object", values = fields_of { { name = "e", type = "any", nullable = true } } },
      { name = "f", type = "string" },
    } } }
    assert.are.same({ a = true, c = true, e = true }, checks.keep_null)
  end)
end)

describe("a value", function()
  local bounded = { type = "integer", min = 1, max = 20 }
  local cases = {
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
    { { type = "string" }, nan, "must be a string, not NaN: write \"NaN\"", "NaN" },
    { { type = "string" }, "a\xFFb", "is not valid UTF-8 (byte 2)", '"a\\xFFb"' },
    { { type = "string" }, "\xED\xA0\x80", "is not valid UTF-8 (byte 1)", '"\\xED\\xA0\\x80"' },
    { { type = "string" }, "\xC0\x80", "is not valid UTF-8 (byte 1)", '"\\xC0\\x80"' },
    { { type = "string" }, "a\0b", "contains a NUL byte", '"a\\x00b"' },
    { { type = "string" }, ("x"):rep(1048577), "is 1048577 bytes long, at most 1048576 are sent" },
    { { type = "string" }, ("x"):rep(10000000), "is 10000000 bytes long, at most 1048576 are sent" },
    { { type = "string", max_length = 5 }, "abcdef", "must have at most 5 characters, has 6", '"abcdef"',
      "a string of at most 5 characters" },
    { { type = "string", max_length = 5 }, "äöüäöü", "must have at most 5 characters, has 6" },
    { { type = "string", max_length = 5000 }, ("x"):rep(10000000),
      "must have at most 5000 characters, has 10000000", '"' .. ("x"):rep(40) .. '..." (10000000 bytes)' },
    { { type = "string", min_length = 1 }, "", "must not be empty", '""', "a string of at least 1 character" },
    { { type = "string", min_length = 2, max_length = 3 }, "x", "must have from 2 to 3 characters, has 1" },
    { { type = "string", min_length = 2, max_length = 2 }, "x", "must have exactly 2 characters, has 1" },
    { { type = "string", pattern = "^%d%d:%d%d$", example = "08:30" }, "8h", 'must look like "08:30"', '"8h"',
      'a string like "08:30"' },
    { { type = "string", pattern = "^%d+$" }, "x", "must match the Lua pattern ^%d+$" },
    { { type = "string", enum = { "new", "confirmed", "cancelled" } }, "canceled",
      "must be one of new, confirmed, cancelled; did you mean `cancelled`?", '"canceled"',
      "one of new, confirmed, cancelled", "cancelled" },
    { { type = "string", enum = { "noshow" } }, "No-Show", "must be noshow; did you mean `noshow`?", '"No-Show"',
      "noshow", "noshow" },
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
    { { type = "integer" }, math.maxinteger, "must be from -9007199254740992 to 9007199254740992",
      "9223372036854775807" },
    { { type = "integer" }, 1e300, "must be from -9007199254740992 to 9007199254740992" },
    { { type = "integer", enum = { 0, 1 } }, 5, "must be one of 0, 1", "5", "one of 0, 1" },
    { { type = "integer", enum = { 0, 1 } }, nan, "must be one of 0, 1", "NaN" },
    { { type = "integer", enum = { 0, 1 } }, "1", "must be one of 0, 1, not a string: write 1 without quotes" },
    { { type = "integer", enum = { 0, 1 }, nullable = true }, 5, "must be one of 0, 1, or hoopai.null", "5",
      "one of 0, 1, or hoopai.null" },

    { { type = "number", enum = { 0, 0.5, 1 } }, 2, "must be one of 0, 0.5, 1", "2", "one of 0, 0.5, 1" },
    { { type = "number", enum = { 0, 0.5, 1 } }, "0.5",
      "must be one of 0, 0.5, 1, not a string: write 0.5 without quotes", '"0.5"' },
    { { type = "number" }, "1.5", "must be a number, not a string: write 1.5 without quotes", '"1.5"', "a number" },
    { { type = "number" }, nan, "must be a finite number, not NaN", "NaN" },
    { { type = "number" }, infinity, "must be a finite number, not infinity", "infinity" },
    { { type = "number", max = 100 }, 100.5, "must be at most 100", "100.5", "a number at most 100" },
    { { type = "number", min = 0 }, -0.5, "must be at least 0", "-0.5" },
    { { type = "number" }, {}, "must be a number, not an empty table" },

    { { type = "boolean" }, "true", "must be true or false, not a string: write true without quotes", '"true"',
      "true or false" },
    { { type = "boolean" }, "false", "must be true or false, not a string: write false without quotes" },
    { { type = "boolean" }, "yes", "must be true or false, not a string" },
    { { type = "boolean" }, 1, "must be true or false, not a number", "1" },
    { { type = "boolean" }, null, "must be true or false, not null", "null" },

    { { type = "date" }, "tomorrow", 'must be a local date like "2024-10-28"', '"tomorrow"', "a date" },
    { { type = "date", example = "2026-12-24" }, "24.12.2026", 'must be a local date like "2026-12-24"',
      '"24.12.2026"', 'a date like "2026-12-24"' },
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
    { { type = "date", pattern = "^%d%d%d%d%-%d%d%-%d%dT00:00:00%.000Z$", example = "2026-12-24T00:00:00.000Z" },
      "2026-12-24", 'must be a local date like "2026-12-24T00:00:00.000Z"' },

    { { type = "timezone" }, "", 'must be an IANA time zone name like "America/New_York"', '""', "an IANA time zone" },
    { { type = "timezone" }, "Europe/", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "Europe//Berlin", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "/Europe/Berlin", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "../../etc/passwd", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "Europe/Berlin\r\n", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "Europe\0", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, "+05:30", 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone" }, ("A"):rep(1024), 'must be an IANA time zone name like "America/New_York"' },
    { { type = "timezone", example = "Europe/Madrid" }, 5,
      'must be a time zone name, not a number: write "Europe/Madrid"', "5", 'an IANA time zone like "Europe/Madrid"' },

    { { type = "array", items = { type = "string" } }, "abc", 'must be a list, not a string: write { "abc" }',
      '"abc"', "a list" },
    { { type = "array", items = { type = "string" } }, "a b", "must be a list, not a string", '"a b"' },
    { { type = "array", items = { type = "string" } }, 5, "must be a list, not a number", "5" },
    { { type = "array", items = { type = "string" } }, null, "must be a list, not null", "null" },
    { { type = "array", items = { type = "string" } }, time.now(), "must be a list, not a time value" },
    { { type = "array", items = { type = "string" } }, { a = "b" }, 'must be a list, not a table with the key "a"',
      "a table" },
    { { type = "array", items = fields_of {} }, { userId = "b" },
      'must be a list, not a table with the key "userId": write { { ... } }', "a table" },
    { { type = "array", items = { type = "string" } }, { "a", nil, "c" },
      "has a gap: item 2 is missing while item 3 is there" },
    { { type = "array", items = { type = "string" } }, { [2] = "b" },
      "has a gap: item 1 is missing while item 2 is there" },
    { { type = "array", items = { type = "string" } }, { "a", [1000000] = "b" },
      "has a gap: item 2 is missing while item 1000000 is there" },
    { { type = "array", items = { type = "string" } }, { "a", x = 1 }, 'mixes list items with the key "x"' },
    { { type = "array", items = { type = "string" } }, { "a", [0] = "b" }, "has the position 0: lists begin at 1" },
    { { type = "array", items = { type = "string" } }, { "a", [-1] = "b" }, "has the position -1: lists begin at 1" },
    { { type = "array", items = { type = "string" } }, { "a", [1.5] = "b" },
      "has the position 1.5: positions are whole numbers" },
    { { type = "array", items = { type = "string" } }, { "a", [true] = "b" }, "mixes list items with the key true" },
    { { type = "array", items = { type = "string" }, min_items = 1 }, {}, "must not be empty", "an empty table",
      "a list of at least 1 item" },
    { { type = "array", items = { type = "string" }, max_items = 2 }, { "a", "b", "c" },
      "must have at most 2 items, has 3" },

    { fields_of {}, "x", "must be a table with named fields, not a string", '"x"', "a table with named fields" },
    { fields_of {}, { 1 }, "must be a table with named fields, not a list", "a list of 1 item" },
    { fields_of {}, core.array {}, "must be a table with named fields, not a list", "a list of 0 items" },
    { fields_of {}, null, "must be a table with named fields, not null", "null" },
    { fields_of {}, time.now(), "must be a table with named fields, not a time value" },
    { fields_of {}, time.days(1), "must be a table with named fields, not a duration" },
    { { type = "object", values = { type = "string" } }, { "a" }, "must be a table with named fields, not a list" },
    { { type = "object", values = { type = "string" } }, 5, "must be a table with named fields, not a number" },
    { { type = "object" }, { "a" }, "must be a table with named fields, not a list" },
    { { type = "object" }, core.array {}, "must be a table with named fields, not a list" },
    { { type = "object" }, "x", "must be a table with named fields, not a string" },

    { { type = "any" }, print, "cannot be sent: a function has no form in JSON", "a function", "a JSON value" },
    { { type = "any" }, io.stdout, "cannot be sent: a userdata has no form in JSON" },
    { { type = "any" }, coroutine.create(print), "cannot be sent: a coroutine has no form in JSON" },
    { { type = "any" }, time.days(1), "cannot be sent: a duration has no form in JSON" },
    { { type = "any" }, nan, "cannot be written in JSON", "NaN" },
    { { type = "any" }, "\xFF", "is not valid UTF-8 (byte 1)" },
    { { type = "any" }, { 1, nil, 3 }, "has a gap: item 2 is missing while item 3 is there" },
    { { type = "string", read_only = true }, "x", "is read-only: leave it out", '"x"' },
    { { type = "string", read_only = true, deprecated = "places[].kind" }, "x",
      "is read-only: leave it out, and use places[].kind" },
    { { type = "string", read_only = true, nullable = true }, null, "is read-only: leave it out", "null" },
  }

  for i, case in ipairs(cases) do
    local field, value, problem, given, expected, suggestion = table.unpack(case, 1, 6)
    it(("%d of type %s: %s"):format(i, field.type, problem), function()
      local detail = problem_of(field, value)
      assert.are.equal(problem, detail.problem)
      assert.are.equal(suggestion, detail.suggestion)
      if given then assert.are.equal(given, detail.given) end
      if expected then assert.are.equal(expected, detail.expected) end
      assert.is_true(#(detail.given or "") < 200)
      assert.is_true(#detail.problem < 300)
    end)
  end

  local good = {
    -- type, value, what is sent (the value itself when left out)
    { { type = "string" }, "" }, { { type = "string" }, "äöü \u{1F600}\n\t" },
    { { type = "string" }, ("x"):rep(1048576) },
    { { type = "string", max_length = 5 }, "äöüäö" }, { { type = "string", nullable = true }, null },
    { { type = "string", nullable = true }, "x" },
    { { type = "string", max_length = 2000000 }, "x" },
    { { type = "string", deprecated = "other" }, "x" }, { { type = "string", undocumented = true }, "x" },
    { bounded, 1 }, { bounded, 20 }, { bounded, 20.0, 20 }, { bounded, 2 ^ 2, 4 }, { { type = "integer" }, -0.0, 0 },
    { { type = "integer" }, 2 ^ 53, 2 ^ 53 | 0 }, { { type = "integer", min = 0, max = 2 ^ 60 | 0 }, 2 ^ 55 | 0 },
    { { type = "integer", enum = { 0, 1 } }, 1.0, 1 }, { { type = "integer", enum = { 0, 1 }, nullable = true }, null },
    { { type = "number" }, 0.5 }, { { type = "number" }, -0.0, 0 }, { { type = "number" }, 1e300 },
    { { type = "number", enum = { 0, 0.5, 1 } }, 0.5 }, { { type = "number", enum = { 0, 0.5, 1 } }, 1.0 },
    { { type = "number", enum = { 0, 0.5, 1 } }, -0.0, 0 },
    { { type = "boolean" }, true }, { { type = "boolean" }, false },
    { { type = "boolean", nullable = true }, false },
    { { type = "date" }, "2024-10-28" }, { { type = "date" }, "2024-10-28T00:00:00.000Z" },
    { { type = "date" }, "2024-02-29" }, { { type = "date" }, "2000-02-29" },
    { { type = "timezone" }, "UTC" }, { { type = "timezone" }, "Etc/GMT+5" },
    { { type = "timezone" }, "America/Argentina/Buenos_Aires" }, { { type = "timezone" }, "America/Port-au-Prince" },
    -- documented pattern of the schedules: narrower than the API
    { { type = "timezone", pattern = "^[A-Za-z_]+/[A-Za-z_]+$" }, "UTC" },
    { { type = "datetime" }, "2024-10-28T10:00:00-05:00" },
    { { type = "datetime" }, time.at { year = 2024, month = 10, day = 28, hour = 10, zone = "UTC" },
      "2024-10-28T10:00:00+00:00" },
    { { type = "epoch_ms" }, 1767571200000 },
    { { type = "epoch_ms", wire = "string" }, 1767571200000, "1767571200000" },
    { { type = "array", items = { type = "string" } }, {} },
    { { type = "array", items = { type = "string" } }, core.array {}, {} },
    { { type = "array", items = { type = "integer" } }, { 1, 2.0 }, { 1, 2 } },
    { { type = "array", items = { type = "string", nullable = true } }, { "a", null } },
    { { type = "array" }, { 1, "x", { y = 1 } } },
    { { type = "object", values = { type = "integer" } }, { a = 1.0, ["b c"] = 2 }, { a = 1, ["b c"] = 2 } },
    { { type = "object", values = { type = "integer" } }, {} },
    { { type = "object" }, {} }, { { type = "object" }, { a = { b = { 1, 2, null } } } },
    { fields_of {}, {} },
    { { type = "any" }, null }, { { type = "any" }, false }, { { type = "any" }, { 1, 2 } }, { { type = "any" }, 1.5 },
    { { type = "any" }, { at = time.at { year = 2024, month = 10, day = 28, zone = "UTC" } },
      { at = "2024-10-28T00:00:00+00:00" } },
  }

  for i, case in ipairs(good) do
    local field, value = case[1], case[2]
    it(("%d of type %s is sent"):format(i, field.type), function()
      local expected = value
      if case[3] ~= nil then expected = case[3] end
      local result = sent(field, value)
      assert.are.same(expected, result)
      assert.are.equal(math.type(expected), math.type(result))
    end)
  end

  it("is refused where only the words of hoopai.time can say why", function()
    for _, field in ipairs { { type = "datetime" }, { type = "epoch_ms" } } do
      local convert = field.type == "datetime" and time.to_body_datetime or time.to_epoch_ms
      for _, value in ipairs { "", "2024-10-28", "2024-10-28T10:00:00", "2024-10-28T10:00", "tomorrow", 1716230400, 0,
        -1, 1.5, nan, infinity, true, {}, null, print, "2024-10-28T25:00:00Z", "2024-13-28T10:00:00Z",
        "2024-10-28T10:00:00+5", "2024-02-30T10:00:00Z", "2024-10-28T10:00:00.000+24:01" } do
        local _, problem = convert(value)
        assert.is_string(problem)
        assert.are.equal(problem, problem_of(field, value).problem)
      end
    end
    local _, problem = time.to_body_datetime(time.from_ms(1716230400000))
    assert.are.equal(problem, problem_of({ type = "datetime" }, time.from_ms(1716230400000)).problem)
  end)
end)

describe("an object", function()
  local member = fields_of {
    { name = "userId", type = "string", required = true },
    { name = "priority", type = "number", enum = { 0, 0.5, 1 } },
    { name = "places", type = "array", items = fields_of { { name = "kind", type = "string", required = true } } },
  }
  local checks = body_checks(fields_of {
    { name = "name", type = "string", required = true },
    { name = "teamMembers", type = "array", items = member },
    { name = "hours", type = "object", values = { type = "integer" } },
    { name = "extra", type = "object" },
  })

  it("reports every problem with its place, in declared order", function()
    local result, details = checks.body {
      teamMembers = {
        { userId = "a", priority = 2 },
        { priority = 0.5, places = { { kind = "x" }, {}, { kind = 5, knid = "y" } } },
        "b",
      },
      hours = { monday = 8, tuesday = "9", ["not a name"] = true },
      extra = { deep = { list = { 1, print } } },
      nmae = "x",
    }
    assert.is_nil(result)
    assert.are.same({
      "name: is required",
      "teamMembers[1].priority: must be one of 0, 0.5, 1",
      "teamMembers[2].userId: is required",
      "teamMembers[2].places[2].kind: is required",
      'teamMembers[2].places[3].kind: must be a string, not a number: write "5"',
      "teamMembers[2].places[3].knid: unknown field, did you mean `kind`?",
      "teamMembers[3]: must be a table with named fields, not a string",
      'hours["not a name"]: must be a whole number, not a boolean',
      "hours.tuesday: must be a whole number, not a string: write 9 without quotes",
      "extra.deep.list[2]: cannot be sent: a function has no form in JSON",
      "nmae: unknown field, did you mean `name`?",
    }, lines(details))
    assert.is_nil(details[1].given)
    assert.are.equal("a string", details[1].expected)
    assert.are.equal("name", details[11].suggestion)
    assert.is_nil(details[11].given)
  end)

  it("is copied: nothing of the caller's is changed or shared", function()
    local given = {
      name = "x", teamMembers = { { userId = "a", places = { { kind = "k" } } } }, hours = { a = 1 },
      extra = { list = core.array {}, at = time.at { year = 2024, month = 10, day = 28, zone = "UTC" } },
    }
    local before = deep_copy(given)
    local result = assert(checks.body(given))
    assert.are.same(before.teamMembers, result.teamMembers)
    assert.are.equal("2024-10-28T00:00:00+00:00", result.extra.at)
    assert.is_true(core.is_array(result.extra.list))
    assert.are_not.equal(given, result)
    assert.are_not.equal(given.teamMembers, result.teamMembers)
    assert.are_not.equal(given.teamMembers[1], result.teamMembers[1])
    assert.are_not.equal(given.teamMembers[1].places[1], result.teamMembers[1].places[1])
    assert.are_not.equal(given.hours, result.hours)
    assert.are_not.equal(given.extra, result.extra)
    assert.are_not.equal(given.extra.list, result.extra.list)
    assert.is_true(time.is_instant(given.extra.at))
    given.extra.at = nil
    before.extra.at = nil
    assert.are.same(before, given)
  end)

  it("may hold one subtable several times", function()
    local place = { kind = "k" }
    local result = assert(checks.body { name = "x", teamMembers = { { userId = "a", places = { place, place } } } })
    assert.are.same({ { kind = "k" }, { kind = "k" } }, result.teamMembers[1].places)
    local item = {}
    assert.is_table(checks.body { name = "x", extra = { a = item, b = { item, item } } })
  end)

  it("is looked at raw", function()
    local given = trapped { name = "x", teamMembers = trapped { trapped { userId = "a" } }, hours = trapped { a = 1 },
      extra = trapped { deep = trapped { 1, 2 } } }
    local result = assert(checks.body(given))
    assert.is_nil(getmetatable(result))
    assert.is_nil(getmetatable(result.teamMembers[1]))
    assert.is_nil(getmetatable(result.extra.deep))
    local _, details = checks.body(trapped { name = trapped(), teamMembers = trapped { trapped { trapped() } },
      hours = trapped { trapped() }, extra = trapped { x = trapped { print } }, [trapped()] = 1, unknown = trapped() })
    assert.are.equal(6, #details, schema.message(details))
  end)

  it("does not get its fields from a metatable", function()
    local given = setmetatable({}, { __index = { name = "x" } })
    local _, details = checks.body(given)
    assert.are.equal("is required", only(details).problem)
  end)

  it("reports names that are none", function()
    local _, details = checks.body { name = "x", [1] = "a", [2.5] = "b", [true] = "c", ["time zone"] = 1, [""] = 2,
      ["\27[31m"] = 3, ["a\xFF"] = 4, [("k"):rep(100000)] = 5 }
    assert.are.same({
      '[""]: unknown field, there are `name`, `teamMembers`, `hours` and `extra`',
      '["\\x1B[31m"]: unknown field', '["a\\xFF"]: unknown field',
      '["' .. ("k"):rep(40) .. '..." (100000 bytes)]: unknown field', '["time zone"]: unknown field',
      "[1]: is no field name: fields are named by strings", "[2.5]: is no field name: fields are named by strings",
      "[true]: is no field name: fields are named by strings",
    }, lines(details))
  end)

  it("keeps rules on which fields go together", function()
    local owned = body_checks { type = "object", at_least_one = { "a", "b" }, at_most_one = { "a", "b" }, fields = {
      { name = "a", type = "string" }, { name = "b", type = "string" }, { name = "c", type = "string" },
    } }
    assert.is_table(owned.body { a = "x" })
    assert.is_table(owned.body { b = "x", c = "y" })
    local _, details = owned.body { c = "y" }
    assert.are.same({ path = "", problem = "give at least one of `a` or `b`", expected = "one of `a` or `b`" },
      only(details))
    _, details = owned.body { a = "x", b = "y" }
    assert.are.equal("give only one of `a` or `b`", only(details).problem)
    _, details = owned.body { a = 5 }
    assert.are.equal("a", only(details).path)
    assert.is_table(owned.body({}, { validate = false }))
  end)

  it("has required fields with a default filled in, at any depth", function()
    local filled = body_checks(fields_of {
      { name = "limit", type = "integer", required = true, default = 20 },
      { name = "flag", type = "boolean", required = true, default = false },
      { name = "not_filled", type = "integer", default = 5 },
      { name = "inner", type = "object", fields = { { name = "n", type = "integer", required = true, default = 1 } } },
    })
    assert.are.same({ limit = 20, flag = false, inner = { n = 1 } }, filled.body { inner = {} })
    assert.are.same({ limit = 5, flag = true, inner = { n = 2 } },
      filled.body { limit = 5, flag = true, inner = { n = 2 } })
    assert.are.same({ limit = 20, flag = false }, filled.body({}, { validate = false }))
  end)
end)

describe("an id that is demanded", function()
  it("is not empty", function()
    local checks = body_checks(fields_of {
      { name = "contactId", type = "string", required = true }, { name = "groupId", type = "string" },
      { name = "description", type = "string", required = true },
    })
    assert.is_table(checks.body { contactId = "c", description = "", groupId = "" })
    local _, details = checks.body { contactId = "", description = "" }
    assert.are.same({ path = "contactId", problem = "must not be empty", given = '""', expected = "a string" },
      only(details))
  end)
end)

describe("the location", function()
  local function checks_of(field)
    return body_checks(fields_of { field, { name = "x", type = "string" },
      { name = "inner", type = "object", fields = { { name = "locationId", type = "string" } } } })
  end

  it("is filled in where the endpoint declares it and nobody gave it", function()
    local checks = checks_of { name = "locationId", type = "string", required = true }
    assert.are.same({ locationId = "L", x = "y" }, checks.body({ x = "y" }, { location_id = "L" }))
    assert.are.same({ locationId = "mine" }, checks.body({ locationId = "mine" }, { location_id = "L" }))
    assert.are.same({ locationId = "L", inner = {} }, checks.body({ inner = {} }, { location_id = "L" }))
    assert.are.same({ locationId = "L" }, checks.body({}, { location_id = "L", validate = false }))
    local optional = checks_of { name = "locationId", type = "string" }
    assert.are.same({ locationId = "L" }, optional.body({}, { location_id = "L" }))
    assert.are.same({}, optional.body {})
  end)

  it("is filled in nowhere else", function()
    local checks = checks_of { name = "locationId", type = "string", fill = false }
    assert.are.same({}, checks.body({}, { location_id = "L" }))
    assert.are.same({}, checks.body({}, { location_id = "L", validate = false }))
    assert.are.same({ locationId = "given" }, checks.body({ locationId = "given" }, { location_id = "L" }))
    assert.are.same({ x = "y" }, body_checks(fields_of { { name = "x", type = "string" } })
      .body({ x = "y" }, { location_id = "L" }))
    assert.are.same({ x = "y" }, body_checks(fields_of { { name = "x", type = "string" } })
      .body({ x = "y" }, { location_id = "L", validate = false }))
  end)

  it("is asked for by name when it is missing, and checked when it is filled in", function()
    local checks = checks_of { name = "locationId", type = "string", required = true }
    local _, details = checks.body {}
    assert.are.equal("is required (set it here, as location_id in the last argument, or in hoopai.new)",
      only(details).problem)
    _, details = checks.body({}, { location_id = 5 })
    assert.are.equal("locationId", only(details).path)
    _, details = checks.body({ locationId = null }, { location_id = "L" })
    assert.are.equal("must be a string, not null", only(details).problem)
  end)
end)

describe("a body", function()
  local create = {
    name = "create", method = "POST", params = { { name = "calendarId", type = "string" } },
    body = fields_of {
      { name = "title", type = "string", required = true },
      { name = "members", type = "array", items = fields_of { { name = "userId", type = "string" } } },
      { name = "appointmentStatus", type = "string" },
    },
    result = { type = fields_of {
      { name = "id", type = "string" }, { name = "title", type = "string" },
      { name = "members", type = "array", items = fields_of {
        { name = "userId", type = "string" }, { name = "_id", type = "string" } } },
      { name = "map", type = "object", values = { type = "string" } },
    } },
  }
  local checks = schema.compile(create)

  it("that is missing is asked for by its required fields", function()
    local _, details = checks.body(nil)
    assert.is_nil(_)
    assert.are.same({ path = "", problem = "the body is missing: give a table with `title`",
      expected = "a table with `title`" }, only(details))
    _, details = body_checks(fields_of { { name = "a", type = "string" } }).body(nil)
    assert.are.equal("the body is missing: give a table with the fields to set", only(details).problem)
    _, details = body_checks({ type = "array", items = { type = "string" } }).body(nil)
    assert.are.equal("the body is missing: give a list", only(details).problem)
    _, details = checks.body(nil, { validate = false })
    assert.are.equal("the body is missing: give a table with `title`", only(details).problem)
  end)

  it("that is missing is not asked for the location when that is known", function()
    local located = body_checks(fields_of {
      { name = "locationId", type = "string", required = true }, { name = "a", type = "string", required = true },
      { name = "limit", type = "integer", required = true, default = 1 },
    })
    local _, details = located.body(nil, { location_id = "L" })
    assert.are.equal("the body is missing: give a table with `a`", only(details).problem)
    _, details = located.body(nil)
    assert.are.equal("the body is missing: give a table with `locationId` and `a`", only(details).problem)
  end)

  it("may be missing where it says nothing", function()
    assert.are.same({}, body_checks(fields_of {}).body(nil))
    assert.are.same({}, body_checks({ type = "object" }).body(nil))
    assert.are.same({}, body_checks({ type = "object", optional = true, fields = { { name = "a", type = "string" } } })
      .body(nil))
    assert.are.same({}, body_checks(fields_of {}).body(nil, { validate = false }))
  end)

  it("is refused where the endpoint takes none", function()
    local none = schema.compile { name = "get", method = "GET" }
    assert.is_nil(select(2, none.body(nil)))
    local result, details = none.body { a = 1 }
    assert.is_nil(result)
    assert.are.equal("this call takes no body", only(details).problem)
  end)

  it("of the wrong kind is one problem", function()
    for value, problem in pairs {
      [5] = "the body must be a table with named fields, not a number",
      ["x"] = "the body must be a table with named fields, not a string",
      [true] = "the body must be a table with named fields, not a boolean",
      [print] = "the body must be a table with named fields, not a function",
      [null] = "the body must be a table with named fields, not null",
      [{ "a" }] = "the body must be a table with named fields, not a list",
      [core.array {}] = "the body must be a table with named fields, not a list",
      [time.now()] = "the body must be a table with named fields, not a time value",
    } do
      local result, details = checks.body(value)
      assert.is_nil(result)
      assert.are.equal("", only(details).path)
      assert.are.equal(problem, details[1].problem)
    end
  end)

  it("may be a list", function()
    local list = body_checks { type = "array", items = fields_of { { name = "a", type = "string", required = true } } }
    assert.are.same({ { a = "x" } }, list.body { { a = "x" } })
    assert.are.same({}, list.body {})
    local _, details = list.body { { a = "x" }, { a = 5 }, { b = 1 } }
    assert.are.same({ '[2].a: must be a string, not a number: write "5"', "[3].a: is required",
      "[3].b: unknown field, the only one is `a`" }, lines(details))
    _, details = list.body { a = "x" }
    assert.are.equal('the body must be a list, not a table with the key "a": write { { ... } }', only(details).problem)
    _, details = list.body { { a = "x" }, nil, { a = "x" } }
    assert.are.equal("the body has a gap: item 2 is missing while item 3 is there", only(details).problem)
    _, details = list.body "x"
    assert.are.equal("the body must be a list, not a string", only(details).problem)
  end)

  it("may be a map or anything", function()
    assert.are.same({ a = 1 }, body_checks({ type = "object", values = { type = "integer" } }).body { a = 1 })
    assert.are.same({ 1 }, body_checks({ type = "any" }).body { 1 })
    local _, details = body_checks({ type = "object", values = { type = "integer" } }).body { [1] = 5, [true] = 1 }
    assert.are.equal("the body must be a table with named fields, not a list", only(details).problem)
    _, details = body_checks({ type = "object", values = { type = "integer" } }).body { [true] = 1, ["\xFF"] = 2 }
    assert.are.equal('["\\xFF"]', details[1].path)
    assert.are.equal("is not valid UTF-8 (byte 1)", details[1].problem)
    assert.are.equal("[true]", details[2].path)
    assert.are.equal("is no name: names are strings", details[2].problem)
    local function map_of(count)
      local map = {}
      for i = 1, count do map["k" .. i] = 1 end
      return map
    end
    local map = body_checks { type = "object", values = { type = "integer" } }
    assert.is_table(map.body(map_of(10000)))
    _, details = map.body(map_of(10001))
    assert.are.equal("the body must have at most 10000 names", only(details).problem)
  end)

  it("tells options, arguments and read-only fields from unknown names", function()
    local _, details = checks.body {
      title = "x", members = { { userId = "a", _id = "b", timeout = 1 } }, id = "c", calendarId = "d", map = {},
      location_id = "L", timeout = 1, queue_timeout = 1, retries = 1, headers = {}, api_version = "x", validate = true,
      titel = "x", zzz = 1, status = "new",
    }
    local found = {}
    for _, detail in ipairs(details) do found[detail.path] = detail.problem end
    local option = "is an option: pass it in the last argument"
    assert.are.same({
      ["members[1]._id"] = "is read-only: leave it out",
      ["members[1].timeout"] = "unknown field, the only one is `userId`",
      id = "is read-only: leave it out", map = "is read-only: leave it out",
      calendarId = "is an argument of its own, before the table: leave it out here",
      location_id = option, timeout = option, queue_timeout = option, retries = option, headers = option,
      api_version = option, validate = option,
      titel = "unknown field, did you mean `title`?",
      zzz = "unknown field, there are `title`, `members` and `appointmentStatus`",
      status = "unknown field, did you mean `appointmentStatus`?",
    }, found)
  end)

  it("knows what get and list of the same resource answer", function()
    local update = { name = "update", method = "PUT", body = fields_of { { name = "name", type = "string" } } }
    local resource = {
      { name = "list", result = { type = { type = "array", items = fields_of { { name = "a", type = "string" } } } } },
      { name = "get", result = { type = fields_of { { name = "b", type = "string" } } } },
      { name = "create", result = { type = fields_of { { name = "c", type = "string" } } } },
      update,
    }
    local _, details = schema.compile(update, resource).body { a = 1, b = 2, c = 3 }
    assert.are.equal("is read-only: leave it out", details[1].problem)
    assert.are.equal("is read-only: leave it out", details[2].problem)
    assert.are.equal("unknown field, the only one is `name`", details[3].problem)
    _, details = schema.compile(update).body { a = 1 }
    assert.are.equal("unknown field, the only one is `name`", only(details).problem)
  end)

  it("with the checks off goes as it is, its instants and fills excepted", function()
    local given = {
      title = 5, unknown = { 1, { x = null } }, members = "x", huge = ("x"):rep(2000000),
      at = time.at { year = 2024, month = 10, day = 28, zone = "UTC" }, when = "2024-10-28", seconds = 1716230400,
    }
    local result = assert(checks.body(given, { validate = false }))
    local expected = deep_copy(given)
    expected.at = "2024-10-28T00:00:00+00:00"
    assert.are.equal(expected.huge, result.huge)
    expected.huge, result.huge = nil, nil
    assert.are.same(expected, result)
    assert.are.same({ 1, 2 }, checks.body({ 1, 2 }, { validate = false, location_id = "L" }))
    assert.is_table(checks.body({}, { validate = false }))
  end)

  it("with the checks off must still be JSON", function()
    local result, details = checks.body({ a = print, b = nan, c = { "\xFF", [4] = 1 }, d = "a\0", [5] = 1,
      at = time.from_ms(1716230400000), e = { deep = { infinity } } }, { validate = false })
    assert.is_nil(result)
    local paths = {}
    for i, detail in ipairs(details) do paths[i] = detail.path end
    assert.are.same({ "a", "at", "b", "c", "d", "e.deep[1]", "[5]" }, paths)
  end)
end)

describe("hostile tables", function()
  local checks = body_checks(fields_of {
    { name = "free", type = "object" }, { name = "any", type = "any" },
    { name = "list", type = "array", items = { type = "string" } },
    { name = "inner", type = "object", fields = { { name = "inner", type = "string" } } },
    { name = "map", type = "object", values = { type = "any" } },
  })

  it("that contain themselves are reported, with the checks on and off", function()
    local loop = { a = { b = {} } }
    loop.a.b.c = loop.a
    for _, options in ipairs { {}, { validate = false } } do
      local result, details = checks.body({ free = loop }, options)
      assert.is_nil(result)
      assert.are.equal("free.a.b.c", only(details).path)
      assert.are.equal("contains itself", details[1].problem)
    end
    local list = {}
    list[1] = list
    local _, details = checks.body { any = list }
    assert.are.equal("any[1]", only(details).path)
    local body = {}
    body.inner = body
    _, details = checks.body(body)
    assert.are.equal("inner.inner", only(details).path)
    body = {}
    body.free = body
    _, details = checks.body(body)
    assert.are.equal("free.free", only(details).path)
    _, details = checks.body(body, { validate = false })
    assert.are.equal("free", only(details).path)
  end)

  it("that are too deep are reported", function()
    for _, depth in ipairs { 65, 100000 } do
      local deep = {}
      local at = deep
      for _ = 1, depth do
        at.x = {}
        at = at.x
      end
      for _, options in ipairs { {}, { validate = false } } do
        local result, details = checks.body({ free = deep }, options)
        assert.is_nil(result)
        assert.are.equal("is nested more than 48 levels deep", only(details).problem)
      end
    end
    local deep = {}
    local at = deep
    for _ = 1, 40 do
      at.x = { 1 }
      at[1] = nil
      at = at.x
      at[1] = nil
    end
    assert.is_table(checks.body { free = deep })
  end)

  it("that are small and endless are reported", function()
    local bomb = {}
    for _ = 1, 40 do bomb = { bomb, bomb } end
    local result, details = checks.body { any = bomb }
    assert.is_nil(result)
    assert.are.equal("holds more than 100000 values", only(details).problem)
  end)

  it("with a million names or items are reported briefly", function()
    local names, items = {}, {}
    for i = 1, 1000000 do
      names["key" .. i] = i
      items[i] = i
    end
    local _, details = checks.body(names)
    assert.is_nil(_)
    assert.are.equal(50, #details)
    assert.are.equal(999950, details.more)
    local text = schema.message(details, "x:y")
    assert.is_truthy(text:find("^x:y has 1000000 problems:\n"))
    assert.is_truthy(text:find("\n  and 999950 more$"))
    assert.is_true(#text < 10000)

    _, details = checks.body { list = items }
    assert.are.equal("must have at most 10000 items, has 1000000", only(details).problem)
    _, details = checks.body { free = names }
    assert.are.equal("holds more than 100000 values", only(details).problem)
    _, details = checks.body { map = names }
    assert.are.equal("must have at most 10000 names", only(details).problem)
    _, details = checks.body(items)
    assert.are.equal("the body must be a table with named fields, not a list", only(details).problem)
    assert.is_table(checks.body(names, { validate = false }))
  end)

  it("with many wrong items are reported up to fifty", function()
    local items = {}
    for i = 1, 200 do items[i] = i end
    local _, details = checks.body { list = items }
    assert.are.equal(50, #details)
    assert.are.equal(150, details.more)
    assert.are.equal("list[50]", details[50].path)
  end)
end)

describe("what was given", function()
  it("is printed without its secrets", function()
    local secrets = {
      "pit-1b2c3d4e-aaaa-bbbb-cccc-0123456789ab", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "Bearer abcdef",
      "Basic Zm9vOmJhcg==", " pit-1b2c3d4e-aaaa-bbbb-cccc-0123456789ab", "token eyJhbGciOi.eyJzdWIiOi.x",
    }
    for _, secret in ipairs(secrets) do
      for _, field in ipairs { { type = "string", max_length = 2 }, { type = "integer" }, { type = "datetime" },
        { type = "epoch_ms" }, { type = "boolean" }, { type = "string", enum = { "a" } }, { type = "date" },
        { type = "array", items = { type = "string" } }, { type = "object" },
        { type = "number" } } do
        local _, details = field_checks(field).body { f = secret }
        local text = schema.message(details)
        assert.is_nil(text:find(secret, 1, true), text)
        assert.is_nil(text:find("1b2c3d4e", 1, true), text)
        assert.is_nil(text:find("eyJ", 1, true), text)
        assert.is_truthy(details[1].given:find("^a string that may be a secret"))
      end
      local _, details = field_checks({ type = "string" }).body { [secret] = 1 }
      assert.is_nil(schema.message(details):find(secret, 1, true))
    end
    local named = body_checks(fields_of { { name = "accessToken", type = "integer" } })
    local _, details = named.body { accessToken = "abc" }
    assert.are.equal("a string that may be a secret", only(details).given)
  end)

  it("cannot move a terminal's cursor", function()
    for _, char in ipairs { "\27", "\r", "\n", "\0", "\127", "\u{9B}", "\u{202E}", "\u{200B}", "\u{FEFF}",
      "\u{2066}" } do
      local _, details = field_checks({ type = "string", enum = { "a" } }).body { f = "x" .. char, ["y" .. char] = 1 }
      local text = schema.message(details)
      assert.is_nil(text:gsub("\n", "", 3):find(char, 1, true))
      assert.is_nil(text:find("[%z\1-\9\11-\31\127]"))
    end
  end)

  it("is cut between characters", function()
    local detail = problem_of({ type = "integer" }, ("ä"):rep(100))
    assert.are.equal('"' .. ("ä"):rep(20) .. '..." (200 bytes)', detail.given)
    detail = problem_of({ type = "integer" }, "x" .. ("ä"):rep(100))
    assert.are.equal('"x' .. ("ä"):rep(19) .. '..." (201 bytes)', detail.given)
    detail = problem_of({ type = "integer" }, ("\u{1F600}"):rep(100))
    assert.is_truthy(utf8.len(detail.given))
  end)
end)

describe("a query", function()
  local endpoint = {
    name = "list", method = "GET", params = { { name = "groupId", type = "string" } },
    query = {
      { name = "locationId", type = "string", required = true },
      { name = "startTime", type = "epoch_ms", wire = "string", required = true },
      { name = "endTime", type = "epoch_ms", required = true },
      { name = "timezone", type = "timezone" },
      { name = "userIds", type = "array", items = { type = "string" } },
      { name = "limit", type = "integer", required = true, default = 20, min = 1, max = 20 },
      { name = "ratio", type = "number" },
      { name = "deep", type = "boolean" },
      { name = "userId", type = "string" },
    },
    at_least_one = { "userId", "userIds" },
    range = { from = "startTime", to = "endTime", max_days = 31 },
  }
  local checks = schema.compile(endpoint)
  local START = 1767571200000
  local options = { location_id = "L" }

  local function query(changes)
    local value = { startTime = START, endTime = START + 86400000, userId = "u" }
    for key, change in pairs(changes or {}) do value[key] = change end
    return value
  end

  local function failed(changes, more)
    local list, details = checks.query(query(changes), more or options)
    assert.is_nil(list)
    return only(details)
  end

  it("becomes a flat list in declared order", function()
    local given = query { userIds = { "b", "a" }, deep = false, timezone = "Europe/Berlin", ratio = 0.5,
      limit = 5.0 }
    local before = deep_copy(given)
    assert.are.same({ "locationId", "L", "startTime", "1767571200000", "endTime", START + 86400000,
      "timezone", "Europe/Berlin", "userIds", "b", "userIds", "a", "limit", 5, "ratio", "0.5", "deep", false,
      "userId", "u" }, checks.query(given, options))
    assert.are.same(before, given)
    assert.are.same({ "locationId", "L", "startTime", "1767571200000", "endTime", START + 86400000, "limit", 20,
      "userId", "u" }, checks.query(query(), options))
  end)

  it("takes instants however they are written", function()
    local begun = time.from_ms(START)
    for _, value in ipairs { START, START + 0.0, "2026-01-05T00:00:00Z", "2026-01-05T01:00:00+01:00", begun } do
      local list, details = checks.query(query { startTime = value, endTime = time.from_ms(START + 1) }, options)
      assert.is_table(list, details and schema.message(details))
      assert.are.equal("1767571200000", list[4])
      assert.are.equal(START + 1, list[6])
    end
  end)

  it("carries numbers as they read back, whole ones as integers", function()
    for _, case in ipairs { { 0.1, "0.1" }, { 1 / 3, "0.33333333333333331" }, { 2.0, 2 },
      { 1e15, 1000000000000000 } } do
      local list = assert(checks.query(query { ratio = case[1] }, options))
      assert.are.equal(case[2], list[10])
      assert.are.equal(math.type(case[2]), math.type(list[10]))
    end
  end)

  it("leaves an empty list out", function()
    local list = assert(checks.query(query { userIds = {} }, options))
    assert.are.equal(10, #list)
  end)

  it("must have one of the names of which one is needed", function()
    local _, details = checks.query({ startTime = START, endTime = START + 1 }, options)
    assert.are.same({ path = "", problem = "give at least one of `userId` or `userIds`",
      expected = "one of `userId` or `userIds`" }, only(details))
    assert.are.equal("userId", failed { userId = 5 }.path)
  end)

  it("must have a range that is one", function()
    local detail = failed { endTime = START }
    assert.are.equal("endTime", detail.path)
    assert.are.equal("must be after `startTime`", detail.problem)
    assert.are.equal("1767571200000", detail.given)
    assert.are.equal("must be after `startTime`", failed({ endTime = START - 1 }).problem)
    assert.are.equal("must be at most 31 days after `startTime`, is 31.01 days after it",
      failed({ endTime = START + 31 * 86400000 + 1 }).problem)
    assert.are.equal("must be at most 31 days after `startTime`, is 40 days after it",
      failed({ endTime = START + 40 * 86400000 }).problem)
    assert.is_table(checks.query(query { endTime = START + 31 * 86400000 }, options))
    assert.are.equal("startTime", failed({ startTime = 1716230400 }).path)
    local pairwise = schema.compile { query = endpoint.query, range = { "startTime", "endTime" } }
    assert.is_table(pairwise.query(query { endTime = START + 400 * 86400000 }, options))
    local _, details = pairwise.query(query { endTime = START }, options)
    assert.are.equal("endTime", only(details).path)
  end)

  it("says where options and arguments belong", function()
    for _, name in ipairs { "location_id", "timeout", "queue_timeout", "retries", "headers", "api_version",
      "validate" } do
      local detail = failed { [name] = true }
      assert.are.equal(name, detail.path)
      assert.are.equal("is an option: pass it in the last argument", detail.problem)
    end
    assert.are.equal("is an argument of its own, before the table: leave it out here",
      failed({ groupId = "x" }).problem)
    assert.are.equal("unknown field, did you mean `timezone`?", failed({ timeZone = "x" }).problem)
    assert.are.equal("timezone", failed({ time_zone = "x" }).suggestion)
  end)

  it("has all its problems reported", function()
    local _, details = checks.query({ startTime = 1716230400, timeZone = "x", limit = "5", userIds = { "a", 5 } })
    local paths = {}
    for i, detail in ipairs(details) do paths[i] = detail.path end
    assert.are.same({ "locationId", "startTime", "endTime", "userIds[2]", "limit", "timeZone" }, paths)
  end)

  it("that is missing has its fields missing", function()
    local _, details = checks.query(nil, options)
    assert.are.equal(3, #details)
    assert.are.same({}, schema.compile({ name = "x" }).query(nil))
    assert.are.same({}, schema.compile({ name = "x" }).query {})
    assert.are.same({ "limit", 20, "offset", 0 }, schema.compile({ query = {
      { name = "limit", type = "integer", required = true, default = 20 },
      { name = "offset", type = "integer", required = true, default = 0 },
    } }).query(nil))
    _, details = schema.compile({ name = "x" }).query { a = 1 }
    assert.are.equal("unknown field", only(details).problem)
  end)

  it("of the wrong kind is one problem", function()
    for _, value in ipairs { 5, "x", true, print, null, { "a" }, core.array {}, time.now() } do
      for _, validate in ipairs { true, false } do
        if validate or type(value) ~= "table" or time.is_instant(value) then
          local list, details = checks.query(value, { validate = validate })
          assert.is_nil(list)
          assert.are.equal("", only(details).path)
          assert.is_truthy(details[1].problem:find("^the query must be a table with named fields, not "))
        end
      end
    end
  end)

  it("is looked at raw", function()
    assert.is_table(checks.query(trapped(query { userIds = trapped { "a" } }), options))
    assert.is_table(checks.query(trapped(query { userIds = trapped { "a" } }), { validate = false }))
    local wrong = trapped { userIds = trapped { trapped() }, limit = trapped(), x = trapped() }
    local _, details = checks.query(wrong, options)
    assert.are.equal(5, #details, schema.message(details))
  end)

  it("with the checks off carries whatever a query can", function()
    local list, details = checks.query({
      zzz = "x", aaa = { 1, 2.5, "z", true }, startTime = "not an instant", endTime = time.from_ms(START),
      limit = "99", userIds = "single", at = time.from_ms(START), ratio = 2.0,
    }, { validate = false, location_id = "L" })
    assert.is_table(list, details and schema.message(details))
    assert.are.same({ "locationId", "L", "startTime", "not an instant", "endTime", START, "userIds", "single",
      "limit", "99", "ratio", 2, "aaa", 1, "aaa", "2.5", "aaa", "z", "aaa", true, "at", START, "zzz", "x" }, list)
    assert.are.same({ "limit", 20 }, checks.query(nil, { validate = false }))
  end)

  it("with the checks off still refuses what a query cannot carry", function()
    local _, details = checks.query({
      a = { x = 1 }, b = { 1, { 2 } }, c = print, d = nan, e = null, f = { 1, nil, 3 }, g = time.days(1), [1] = "x",
      h = infinity, userIds = { null },
    }, { validate = false })
    local found = {}
    for i, detail in ipairs(details) do found[i] = detail.path end
    assert.are.same({ "userIds[1]", "a", "b[2]", "c", "d", "e", "f", "g", "h", "[1]" }, found)
  end)
end)

describe("schema.message", function()
  local detail = { path = "timeZone", problem = "unknown field, did you mean `timezone`?", suggestion = "timezone" }
  local other = { path = "a[1].b", problem = "must be one of 0, 1", given = "2", expected = "one of 0, 1" }

  it("is one line for one problem", function()
    assert.are.equal("calendars:free_slots: timeZone: unknown field, did you mean `timezone`?",
      schema.message({ detail }, "calendars:free_slots"))
    assert.are.equal("timeZone: unknown field, did you mean `timezone`?", schema.message { detail })
    assert.are.equal("x:y: the body is missing",
      schema.message({ { path = "", problem = "the body is missing" } }, "x:y"))
    assert.are.equal("a[1].b: must be one of 0, 1 (given: 2)", schema.message { other })
  end)

  it("is a list for several", function()
    assert.are.equal("x:y has 2 problems:\n  timeZone: unknown field, did you mean `timezone`?\n"
      .. "  a[1].b: must be one of 0, 1 (given: 2)", schema.message({ detail, other }, "x:y"))
    assert.are.equal("2 problems:\n  timeZone: unknown field, did you mean `timezone`?\n"
      .. "  a[1].b: must be one of 0, 1 (given: 2)", schema.message { detail, other })
    assert.are.equal("x:y has 8 problems:\n  a[1].b: must be one of 0, 1 (given: 2)\n  and 7 more",
      schema.message({ other, more = 7 }, "x:y"))
  end)

  it("does not repeat what the problem quotes", function()
    assert.are.equal("t: 5 looks like seconds", schema.message {
      { path = "t", problem = "5 looks like seconds", given = "5", expected = "an instant" } })
  end)
end)

------------------------------------------------------------------------------------------------------------------------
-- The real endpoints

local function copy_with(value, path, change)
  local copy = deep_copy(value)
  local at = copy
  for i = 1, #path - 1 do at = at[path[i]] end
  if #path == 0 then return change end
  at[path[#path]] = change
  return copy
end

local function path_text(path)
  local text = ""
  for i, key in ipairs(path) do
    if type(key) == "number" then
      text = text .. "[" .. key .. "]"
    elseif key:find("^[%a_][%w_]*$") then
      text = text .. (i > 1 and "." or "") .. key
    else
      text = text .. ("[%q]"):format(key)
    end
  end
  return text
end

-- Calls each(path, value) for every way to spoil a value of a type.
local function spoil(kind, value, path, each)
  local function bad(given) each(path, given) end
  bad(print)
  if kind.type ~= "any" and not kind.nullable then bad(null) end
  if kind.type ~= "any" then bad(io.stdout) end
  if kind.enum and kind.type ~= "array" then
    bad(type(kind.enum[1]) == "string" and "no such value" or -77)
    bad(type(kind.enum[1]) == "string" and 5 or "5")
    bad {}
  elseif kind.type == "string" then
    bad(5)
    bad(true)
    bad {}
    bad("\xFF")
    if kind.max_length then bad(("ä"):rep(kind.max_length + 1)) end
    if kind.min_length then bad(("ä"):rep(kind.min_length - 1)) end
    if kind.pattern then bad("\1 no match \1") end
  elseif kind.type == "integer" or kind.type == "number" then
    bad("5")
    bad(0 / 0)
    bad(math.huge)
    bad {}
    if kind.type == "integer" then bad(1.5) end
    if kind.max then bad(kind.max + 1) end
    if kind.min then bad(kind.min - 1) end
  elseif kind.type == "boolean" then
    bad("true")
    bad(0)
  elseif kind.type == "datetime" then
    bad(1767571200000)
    bad("2026-01-05T10:00:00")
    bad("soon")
  elseif kind.type == "epoch_ms" then
    bad(1767571200)
    bad("2026-01-05")
    bad(true)
  elseif kind.type == "date" then
    bad("2026-02-30")
    bad("soon")
    bad(5)
  elseif kind.type == "timezone" then
    bad("not a zone!")
    bad(5)
  elseif kind.type == "array" then
    bad("x")
    bad { x = 1 }
    bad { [3] = 1 }
    if kind.max_items then
      local items = {}
      for i = 1, kind.max_items + 1 do items[i] = value[1] end
      bad(items)
    end
    for i, item in ipairs(value) do
      path[#path + 1] = i
      spoil(kind.items or { type = "any" }, item, path, each)
      path[#path] = nil
    end
  elseif kind.type == "object" then
    bad("x")
    bad { "x" }
    bad(5)
    if kind.fields then
      path[#path + 1] = "zzzQqq"
      each(path, "x")
      path[#path] = nil
    end
    local parts = kind.fields or {}
    if kind.values then
      parts = {}
      for name in pairs(value) do
        local part = {}
        for key, setting in pairs(kind.values) do part[key] = setting end
        part.name = name
        parts[#parts + 1] = part
      end
    end
    for _, part in ipairs(parts) do
      path[#path + 1] = part.name
      if value[part.name] ~= nil then
        if part.required and part.default == nil then each(path, nil) end
        spoil(part, value[part.name], path, each)
      elseif part.read_only then
        each(path, "x")
      end
      path[#path] = nil
    end
  end
end

describe("the real endpoints", function()
  local endpoints = samples.endpoints()
  local total = 0

  it("are all there", function()
    assert.are.equal(42, #endpoints)
  end)

  for _, entry in ipairs(endpoints) do
    local endpoint = entry.endpoint
    local checks = schema.compile(endpoint, entry.resource)

    it(entry.id .. " takes its minimal and full samples", function()
      for _, name in ipairs { "minimal", "full" } do
        local query, details = checks.query(samples[name .. "_query"](endpoint))
        assert.is_table(query, details and schema.message(details, entry.id))
        assert.is_table(checks.query(samples[name .. "_query"](endpoint), { validate = false }))
        if endpoint.body then
          local given = samples[name](endpoint.body)
          local body
          body, details = checks.body(given)
          assert.is_table(body, details and schema.message(details, entry.id))
          assert.are.same(given, body)
          assert.are.same(given, checks.body(given, { validate = false }))
        end
      end
    end)

    it(entry.id .. " reports every single corruption where it is", function()
      local count = 0
      local function try(check, value)
        return function(path, change)
          count = count + 1
          local spoilt = copy_with(value, path, change)
          local result, details = check(spoilt)
          local where = path_text(path) .. " = " .. tostring(change)
          if result ~= nil then error(entry.id .. " accepted " .. where) end
          if #details ~= 1 or details[1].path ~= path_text(path) then
            error(where .. ": " .. schema.message(details, entry.id))
          end
        end
      end
      local query_type = samples.query_type(endpoint)
      spoil(query_type, samples.full_query(endpoint), {}, try(checks.query, samples.full_query(endpoint)))
      if endpoint.body then
        local full = samples.full(endpoint.body)
        spoil(endpoint.body, full, {}, try(checks.body, full))
      end
      total = total + count
      assert.is_true(count > 0)
    end)
  end

  it("were tried with thousands of corruptions", function()
    assert.is_true(total > 2000, tostring(total))
  end)

  it("are judged alike on the short way and on the long one", function()
    local odd = { 0, 1, -1, 0.5, 1e300, nan, infinity, "", "x", "5", "true", "\xFF", "2026-12-24", "UTC", true, false,
      null, {}, { 1 }, { "x" }, { x = 1 }, { 1, nil, 3 }, { [0] = 1 }, core.array {}, { {} }, { { x = {} } }, print,
      "2026-01-05T10:00:00-05:00", time.now("UTC"), time.from_ms(1767571200000), time.days(1), 1767571200000 }
    local tried = 0
    local function both_ways(kind, value)
      local check = types.compile(kind)
      local short = check(value, nil, 0)
      local found = problems.new()
      local long, why = check(value, found, 0)
      local right = long ~= nil and found.count == 0
      -- Not through luassert: it is slow, and this runs hundreds of thousands of times.
      if (short ~= nil) ~= right then error("they differ: " .. tostring(why or schema.message(found:details()))) end
      if not right and not why and found.count == 0 then error("refused without a reason") end
      if right and not util.deepcompare(short, long) then error("they make different values") end
      tried = tried + 1
    end
    local function every(kind)
      for _, value in ipairs(odd) do both_ways(kind, value) end
      if kind.items then every(kind.items) end
      if kind.values then every(kind.values) end
      for _, field in ipairs(kind.fields or {}) do
        local full = samples.full(kind)
        for _, value in ipairs(odd) do
          full[field.name] = value
          both_ways(kind, full)
        end
        every(field)
      end
    end
    for _, entry in ipairs(endpoints) do
      if entry.endpoint.body then every(entry.endpoint.body) end
      for _, field in ipairs(entry.endpoint.query or {}) do every(field) end
    end
    assert.is_true(tried > 10000, tostring(tried))
  end)

  it("name what get answers and update does not take", function()
    local count = 0
    for _, entry in ipairs(endpoints) do
      local endpoint = entry.endpoint
      local answer
      for _, other in ipairs(entry.resource) do
        if other.name == "get" then answer = other.result.type end
      end
      if answer and endpoint.name == "update" then
        local _, details = schema.compile(endpoint, entry.resource).body(samples.full(answer))
        assert.is_table(details)
        for _, detail in ipairs(details) do
          -- Two states can be read but not written, so the status of a full sample is refused as a value.
          local known = detail.problem:find("^is read%-only: leave it out") or detail.problem:find("^is an argument")
            or detail.path == "appointmentStatus"
          assert.is_truthy(known, schema.message(details, entry.id))
          count = count + 1
        end
      end
    end
    assert.is_true(count > 20, tostring(count))
  end)

  it("keep null where the API means something by it", function()
    for _, entry in ipairs(endpoints) do
      if entry.id == "calendars:get" then
        assert.are.same({ availabilityType = true }, schema.compile(entry.endpoint).keep_null)
      end
    end
  end)
end)
