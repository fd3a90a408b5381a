local core = require "hoopai.core"
local time = require "hoopai.time"
local validate = require "hoopai.validate"
local containers = require "hoopai.validate.containers"
local messages = require "hoopai.validate.messages"
local util = require "luassert.util"
local samples = require "spec.support.samples"
local validation = require "spec.support.validation"

local fields_of, body_checks, deep_copy = validation.fields_of, validation.body_checks, validation.deep_copy
local trapped, only, lines = validation.trapped, validation.only, validation.lines
local null = core.null
local nan, infinity = 0 / 0, math.huge

describe("a container", function()
  local refused = {
    -- type, value, problem, given, expected, suggestion
    {
      { type = "array", items = { type = "string" } },
      "abc",
      'must be a list, not a string: write { "abc" }',
      '"abc"',
      "a list",
    },
    { { type = "array", items = { type = "string" } }, "a b", "must be a list, not a string", '"a b"' },
    { { type = "array", items = { type = "string" } }, 5, "must be a list, not a number", "5" },
    { { type = "array", items = { type = "string" } }, null, "must be a list, not null", "null" },
    { { type = "array", items = { type = "string" } }, time.now(), "must be a list, not a time value" },
    {
      { type = "array", items = { type = "string" } },
      { a = "b" },
      'must be a list, not a table with the key "a"',
      "a table",
    },
    {
      { type = "array", items = fields_of {} },
      { userId = "b" },
      'must be a list, not a table with the key "userId": write { { ... } }',
      "a table",
    },
    {
      { type = "array", items = { type = "string" } },
      { "a", nil, "c" },
      "has a gap: item 2 is missing while item 3 is there",
    },
    {
      { type = "array", items = { type = "string" } },
      { [2] = "b" },
      "has a gap: item 1 is missing while item 2 is there",
    },
    {
      { type = "array", items = { type = "string" } },
      { "a", [1000000] = "b" },
      "has a gap: item 2 is missing while item 1000000 is there",
    },
    { { type = "array", items = { type = "string" } }, { "a", x = 1 }, 'mixes list items with the key "x"' },
    { { type = "array", items = { type = "string" } }, { "a", [0] = "b" }, "has the position 0: lists begin at 1" },
    { { type = "array", items = { type = "string" } }, { "a", [-1] = "b" }, "has the position -1: lists begin at 1" },
    {
      { type = "array", items = { type = "string" } },
      { "a", [1.5] = "b" },
      "has the position 1.5: positions are whole numbers",
    },
    { { type = "array", items = { type = "string" } }, { "a", [true] = "b" }, "mixes list items with the key true" },
    {
      { type = "array", items = { type = "string" }, min_items = 1 },
      {},
      "must not be empty",
      "an empty table",
      "a list of at least 1 item",
    },
    {
      { type = "array", items = { type = "string" }, max_items = 2 },
      { "a", "b", "c" },
      "must have at most 2 items, has 3",
    },
    { fields_of {}, "x", "must be a table with named fields, not a string", '"x"', "a table with named fields" },
    { fields_of {}, { 1 }, "must be a table with named fields, not a list", "a list of 1 item" },
    { fields_of {}, core.array {}, "must be a table with named fields, not a list", "a list of 0 items" },
    { fields_of {}, null, "must be a table with named fields, not null", "null" },
    { fields_of {}, time.now(), "must be a table with named fields, not a time value" },
    { fields_of {}, time.days(1), "must be a table with named fields, not a duration" },
    { { type = "object", values = { type = "string" } }, { "a" }, "must be a table with named fields, not a list" },
    { { type = "object", values = { type = "string" } }, 5, "must be a table with named fields, not a number" },
    { { type = "string", read_only = true }, "x", "is read-only: leave it out", '"x"' },
    {
      { type = "string", read_only = true, deprecated = "places[].kind" },
      "x",
      "is read-only: leave it out, and use places[].kind",
    },
    { { type = "string", read_only = true, nullable = true }, null, "is read-only: leave it out", "null" },
  }
  for i, row in ipairs(refused) do
    it(("%d of type %s: %s"):format(i, row[1].type, row[3]), function() validation.refuses(row) end)
  end

  local accepted = {
    -- type, value, what is sent (the value itself if left out)
    { { type = "array", items = { type = "string" } }, {} },
    { { type = "array", items = { type = "string" } }, core.array {}, {} },
    { { type = "array", items = { type = "integer" } }, { 1, 2.0 }, { 1, 2 } },
    { { type = "array", items = { type = "string", nullable = true } }, { "a", null } },
    { { type = "array" }, { 1, "x", { y = 1 } } },
    { { type = "object", values = { type = "integer" } }, { a = 1.0, ["b c"] = 2 }, { a = 1, ["b c"] = 2 } },
    { { type = "object", values = { type = "integer" } }, {} },
    { fields_of {}, {} },
  }
  for i, row in ipairs(accepted) do
    it(("%d of type %s is sent"):format(i, row[1].type), function() validation.sends(row) end)
  end
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

  it("is copied: no table of the caller is changed or shared", function()
    local given = {
      name = "x",
      teamMembers = { { userId = "a", places = { { kind = "k" } } } },
      hours = { a = 1 },
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

  it("is read raw", function()
    local given = trapped {
      name = "x",
      teamMembers = trapped { trapped { userId = "a" } },
      hours = trapped { a = 1 },
      extra = trapped { deep = trapped { 1, 2 } },
    }
    local result = assert(checks.body(given))
    assert.is_nil(getmetatable(result))
    assert.is_nil(getmetatable(result.teamMembers[1]))
    assert.is_nil(getmetatable(result.extra.deep))
    local _, details = checks.body(trapped {
      name = trapped(),
      teamMembers = trapped { trapped { trapped() } },
      hours = trapped { trapped() },
      extra = trapped { x = trapped { print } },
      [trapped()] = 1,
      unknown = trapped(),
    })
    assert.are.equal(6, #details, validate.message(details))
  end)

  it("does not get its fields from a metatable", function()
    local given = setmetatable({}, { __index = { name = "x" } })
    local _, details = checks.body(given)
    assert.are.equal("is required", only(details).problem)
  end)

  it("reports names that are not fields", function()
    local _, details = checks.body {
      name = "x",
      [1] = "a",
      [2.5] = "b",
      [true] = "c",
      ["time zone"] = 1,
      [""] = 2,
      ["\27[31m"] = 3,
      ["a\xFF"] = 4,
      [("k"):rep(100000)] = 5,
    }
    assert.are.same({
      '[""]: unknown field, there are `name`, `teamMembers`, `hours` and `extra`',
      '["\\x1B[31m"]: unknown field',
      '["a\\xFF"]: unknown field',
      '["' .. ("k"):rep(40) .. '..." (100000 bytes)]: unknown field',
      '["time zone"]: unknown field',
      "[1]: is no field name: fields are named by strings",
      "[2.5]: is no field name: fields are named by strings",
      "[true]: is no field name: fields are named by strings",
    }, lines(details))
  end)

  it("keeps rules on which fields go together", function()
    local owned = body_checks {
      type = "object",
      at_least_one = { "a", "b" },
      at_most_one = { "a", "b" },
      fields = {
        { name = "a", type = "string" },
        { name = "b", type = "string" },
        { name = "c", type = "string" },
      },
    }
    assert.is_table(owned.body { a = "x" })
    assert.is_table(owned.body { b = "x", c = "y" })
    local _, details = owned.body { c = "y" }
    assert.are.same(
      { path = "", problem = "give at least one of `a` or `b`", expected = "one of `a` or `b`" },
      only(details)
    )
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
    assert.are.same(
      { limit = 5, flag = true, inner = { n = 2 } },
      filled.body { limit = 5, flag = true, inner = { n = 2 } }
    )
    assert.are.same({ limit = 20, flag = false }, filled.body({}, { validate = false }))
  end)
end)

describe("tables with very many entries", function()
  local checks = body_checks(fields_of {
    { name = "free", type = "object" },
    { name = "any", type = "any" },
    { name = "list", type = "array", items = { type = "string" } },
    { name = "inner", type = "object", fields = { { name = "inner", type = "string" } } },
    { name = "map", type = "object", values = { type = "any" } },
  })

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
    local text = validate.message(details, "x:y")
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
    for i = 1, 200 do
      items[i] = i
    end
    local _, details = checks.body { list = items }
    assert.are.equal(50, #details)
    assert.are.equal(150, details.more)
    assert.are.equal("list[50]", details[50].path)
  end)
end)

describe("the types of the real endpoints", function()
  local endpoints = samples.endpoints()

  it("are checked alike with and without a list of problems", function()
    local odd = {
      0,
      1,
      -1,
      0.5,
      1e300,
      nan,
      infinity,
      "",
      "x",
      "5",
      "true",
      "\xFF",
      "2026-12-24",
      "UTC",
      true,
      false,
      null,
      {},
      { 1 },
      { "x" },
      { x = 1 },
      { 1, nil, 3 },
      { [0] = 1 },
      core.array {},
      { {} },
      { { x = {} } },
      print,
      "2026-01-05T10:00:00-05:00",
      time.now("UTC"),
      time.from_ms(1767571200000),
      time.days(1),
      1767571200000,
    }
    local tried = 0
    local function both_ways(kind, value)
      local check = containers.compile(kind)
      local short = check(value, nil, 0)
      local found = messages.new_problems()
      local long, why = check(value, found, 0)
      local right = long ~= nil and found.count == 0
      -- Not through luassert: it is slow, and this runs hundreds of thousands of times.
      if (short ~= nil) ~= right then error("they differ: " .. tostring(why or validate.message(found:details()))) end
      if not right and not why and found.count == 0 then error("refused without a reason") end
      if right and not util.deepcompare(short, long) then error("they make different values") end
      tried = tried + 1
    end
    local function every(kind)
      for _, value in ipairs(odd) do
        both_ways(kind, value)
      end
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
      for _, field in ipairs(entry.endpoint.query or {}) do
        every(field)
      end
    end
    assert.is_true(tried > 10000, tostring(tried))
  end)
end)
