local core = require "hoopai.core"
local time = require "hoopai.time"
local validate = require "hoopai.validate"
local validation = require "spec.support.validation"

local trapped, only, deep_copy = validation.trapped, validation.only, validation.deep_copy
local null = core.null
local nan, infinity = 0 / 0, math.huge

describe("a query", function()
  local endpoint = {
    name = "list",
    method = "GET",
    params = { { name = "groupId", type = "string" } },
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
  local checks = validate.compile(endpoint)
  local START = 1767571200000
  local options = { location_id = "L" }

  local function query(changes)
    local value = { startTime = START, endTime = START + 86400000, userId = "u" }
    for key, change in pairs(changes or {}) do
      value[key] = change
    end
    return value
  end

  local function failed(changes, more)
    local list, details = checks.query(query(changes), more or options)
    assert.is_nil(list)
    return only(details)
  end

  it("becomes a flat list in declared order", function()
    local given = query { userIds = { "b", "a" }, deep = false, timezone = "Europe/Berlin", ratio = 0.5, limit = 5.0 }
    local before = deep_copy(given)
    assert.are.same({
      "locationId",
      "L",
      "startTime",
      "1767571200000",
      "endTime",
      START + 86400000,
      "timezone",
      "Europe/Berlin",
      "userIds",
      "b",
      "userIds",
      "a",
      "limit",
      5,
      "ratio",
      "0.5",
      "deep",
      false,
      "userId",
      "u",
    }, checks.query(given, options))
    assert.are.same(before, given)
    assert.are.same(
      { "locationId", "L", "startTime", "1767571200000", "endTime", START + 86400000, "limit", 20, "userId", "u" },
      checks.query(query(), options)
    )
  end)

  it("takes instants however they are written", function()
    local begun = time.from_ms(START)
    for _, value in ipairs { START, START + 0.0, "2026-01-05T00:00:00Z", "2026-01-05T01:00:00+01:00", begun } do
      local list, details = checks.query(query { startTime = value, endTime = time.from_ms(START + 1) }, options)
      assert.is_table(list, details and validate.message(details))
      assert.are.equal("1767571200000", list[4])
      assert.are.equal(START + 1, list[6])
    end
  end)

  it("carries numbers as they read back, whole ones as integers", function()
    for _, case in ipairs {
      { 0.1, "0.1" },
      { 1 / 3, "0.33333333333333331" },
      { 2.0, 2 },
      { 1e15, 1000000000000000 },
    } do
      local list = assert(checks.query(query { ratio = case[1] }, options))
      assert.are.equal(case[2], list[10])
      assert.are.equal(math.type(case[2]), math.type(list[10]))
    end
  end)

  it("refuses an empty list, which would select everything", function()
    for _, unchecked in ipairs { false, true } do
      local given = { location_id = "L", validate = not unchecked }
      for _, empty in ipairs { {}, core.array {}, setmetatable({}, { __index = { "u" } }) } do
        local list, details = checks.query(query { userIds = empty }, given)
        assert.is_nil(list)
        assert.are.equal("userIds: is an empty list: leave it out to mean all", validation.lines(details)[1])
      end
    end
  end)

  it("refuses an empty text in a filter, which would select everything too", function()
    local list, details = checks.query(query { userId = "", userIds = { "a", "" } }, options)
    assert.is_nil(list)
    assert.are.same({
      "userIds[2]: must not be empty",
      "userId: is empty: leave it out to mean all",
    }, validation.lines(details))
  end)

  it("must have one of the fields of `at_least_one`", function()
    local _, details = checks.query({ startTime = START, endTime = START + 1 }, options)
    assert.are.same(
      { path = "", problem = "give at least one of `userId` or `userIds`", expected = "one of `userId` or `userIds`" },
      only(details)
    )
    assert.are.equal("userId", failed { userId = 5 }.path)
  end)

  it("must have the ends of its range in order, and not too far apart", function()
    local detail = failed { endTime = START }
    assert.are.equal("endTime", detail.path)
    assert.are.equal("must be after `startTime`", detail.problem)
    assert.are.equal("1767571200000", detail.given)
    assert.are.equal("must be after `startTime`", failed({ endTime = START - 1 }).problem)
    assert.are.equal(
      "must be at most 31 days after `startTime`, is 31.01 days after it",
      failed({ endTime = START + 31 * 86400000 + 1 }).problem
    )
    assert.are.equal(
      "must be at most 31 days after `startTime`, is 40 days after it",
      failed({ endTime = START + 40 * 86400000 }).problem
    )
    assert.is_table(checks.query(query { endTime = START + 31 * 86400000 }, options))
    assert.are.equal("startTime", failed({ startTime = 1716230400 }).path)
    local pairwise = validate.compile { query = endpoint.query, range = { "startTime", "endTime" } }
    assert.is_table(pairwise.query(query { endTime = START + 400 * 86400000 }, options))
    local _, details = pairwise.query(query { endTime = START }, options)
    assert.are.equal("endTime", only(details).path)
  end)

  it("says where options and arguments belong", function()
    for _, name in ipairs {
      "location_id",
      "timeout",
      "queue_timeout",
      "retries",
      "headers",
      "api_version",
      "validate",
    } do
      local detail = failed { [name] = true }
      assert.are.equal(name, detail.path)
      assert.are.equal("is an option: pass it in the last argument", detail.problem)
    end
    assert.are.equal(
      "is an argument of its own, before the table: leave it out here",
      failed({ groupId = "x" }).problem
    )
    assert.are.equal("unknown field, did you mean `timezone`?", failed({ timeZone = "x" }).problem)
    assert.are.equal("timezone", failed({ time_zone = "x" }).suggestion)
  end)

  it("has all its problems reported", function()
    local _, details = checks.query({ startTime = 1716230400, timeZone = "x", limit = "5", userIds = { "a", 5 } })
    assert.are.same(
      { "locationId", "startTime", "endTime", "userIds[2]", "limit", "timeZone" },
      validation.paths(details)
    )
  end)

  it("that is missing lacks its required fields", function()
    local _, details = checks.query(nil, options)
    assert.are.equal(3, #details)
    assert.are.same({}, validate.compile({ name = "x" }).query(nil))
    assert.are.same({}, validate.compile({ name = "x" }).query {})
    assert.are.same(
      { "limit", 20, "offset", 0 },
      validate
        .compile({
          query = {
            { name = "limit", type = "integer", required = true, default = 20 },
            { name = "offset", type = "integer", required = true, default = 0 },
          },
        })
        .query(nil)
    )
    _, details = validate.compile({ name = "x" }).query { a = 1 }
    assert.are.equal("unknown field", only(details).problem)
  end)

  it("of the wrong kind is one problem", function()
    for _, value in ipairs { 5, "x", true, print, null, { "a" }, core.array {}, time.now() } do
      for _, is_checked in ipairs { true, false } do
        if is_checked or type(value) ~= "table" or time.is_instant(value) then
          local list, details = checks.query(value, { validate = is_checked })
          assert.is_nil(list)
          assert.are.equal("", only(details).path)
          assert.is_truthy(details[1].problem:find("^the query must be a table with named fields, not "))
        end
      end
    end
  end)

  it("is read raw", function()
    assert.is_table(checks.query(trapped(query { userIds = trapped { "a" } }), options))
    assert.is_table(checks.query(trapped(query { userIds = trapped { "a" } }), { validate = false }))
    local wrong = trapped { userIds = trapped { trapped() }, limit = trapped(), x = trapped() }
    local _, details = checks.query(wrong, options)
    assert.are.equal(5, #details, validate.message(details))
  end)

  it("with the checks off carries whatever a query can", function()
    local list, details = checks.query({
      zzz = "x",
      aaa = { 1, 2.5, "z", true },
      startTime = "not an instant",
      endTime = time.from_ms(START),
      limit = "99",
      userIds = "single",
      at = time.from_ms(START),
      ratio = 2.0,
    }, { validate = false, location_id = "L" })
    assert.is_table(list, details and validate.message(details))
    assert.are.same({
      "locationId",
      "L",
      "startTime",
      "not an instant",
      "endTime",
      START,
      "userIds",
      "single",
      "limit",
      "99",
      "ratio",
      2,
      "aaa",
      1,
      "aaa",
      "2.5",
      "aaa",
      "z",
      "aaa",
      true,
      "at",
      START,
      "zzz",
      "x",
    }, list)
    assert.are.same({ "limit", 20 }, checks.query(nil, { validate = false }))
  end)

  it("with the checks off still refuses what a query cannot carry", function()
    local _, details = checks.query({
      a = { x = 1 },
      b = { 1, { 2 } },
      c = print,
      d = nan,
      e = null,
      f = { 1, nil, 3 },
      g = time.days(1),
      [1] = "x",
      h = infinity,
      userIds = { null },
    }, { validate = false })
    assert.are.same({ "userIds[1]", "a", "b[2]", "c", "d", "e", "f", "g", "h", "[1]" }, validation.paths(details))
  end)

  it("explains 31 days that are an hour longer, with advice that is taken", function()
    for _, case in ipairs {
      { "America/New_York", { year = 2026, month = 10, day = 15 } },
      { "Europe/Berlin", { year = 2026, month = 10, day = 1 } },
      { "Australia/Lord_Howe", { year = 2027, month = 3, day = 20 } },
    } do
      case[2].zone = case[1]
      local from = time.at(case[2])
      local list, details = checks.query(query { startTime = from, endTime = from + time.days(31) }, options)
      assert.is_nil(list)
      assert.matches("the clocks are set back meanwhile", validation.only(details).problem, 1, true)
      local hours = assert(details[1].problem:match "write startTime %+ hoopai.time.hours%((%d+)%)$")
      hours = math.tointeger(tonumber(hours))
      assert.is_table(checks.query(query { startTime = from, endTime = from + time.hours(hours) }, options))
    end
  end)
end)
