local core = require "hoopai.core"
local json_value = require "hoopai.validate.json_value"
local messages = require "hoopai.validate.messages"
local time = require "hoopai.time"
local validation = require "spec.support.validation"

local fields_of, body_checks, only = validation.fields_of, validation.body_checks, validation.only
local null = core.null
local nan = 0 / 0

describe("a value of free form", function()
  local refused = {
    -- type, value, problem, given, expected, suggestion
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
  }
  for i, row in ipairs(refused) do
    it(("%d of type %s: %s"):format(i, row[1].type, row[3]), function() validation.refuses(row) end)
  end

  local accepted = {
    -- type, value, what is sent (the value itself if left out)
    { { type = "object" }, {} },
    { { type = "object" }, { a = { b = { 1, 2, null } } } },
    { { type = "any" }, null },
    { { type = "any" }, false },
    { { type = "any" }, { 1, 2 } },
    { { type = "any" }, 1.5 },
    {
      { type = "any" },
      { at = time.at { year = 2024, month = 10, day = 28, zone = "UTC" } },
      { at = "2024-10-28T00:00:00+00:00" },
    },
  }
  for i, row in ipairs(accepted) do
    it(("%d of type %s is sent"):format(i, row[1].type), function() validation.sends(row) end)
  end
end)

describe("hostile tables", function()
  local checks = body_checks(fields_of {
    { name = "free", type = "object" },
    { name = "any", type = "any" },
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
    for _ = 1, 40 do
      bomb = { bomb, bomb }
    end
    local result, details = checks.body { any = bomb }
    assert.is_nil(result)
    assert.are.equal("holds more than 100000 values", only(details).problem)
  end)
end)

describe("a whole body of free form", function()
  it("is copied, with instants as text", function()
    local start = time.at { year = 2026, month = 12, day = 1, hour = 10, zone = "America/New_York" }
    local given = { a = start, b = { c = { start, null } }, d = core.array {} }
    assert.are.same(
      { a = "2026-12-01T10:00:00-05:00", b = { c = { "2026-12-01T10:00:00-05:00", null } }, d = core.array {} },
      json_value.copy_plain(given)
    )
    assert.is_true(core.is_array(json_value.copy_plain(given).d))
  end)

  it("loses nothing: what cannot be sent is refused", function()
    -- stylua: ignore
    for _, value in ipairs {
      print, 0 / 0, math.huge, time.now(), time.days(1), setmetatable({}, {}), setmetatable({ "x" }, {}),
      setmetatable({ x = 1 }, { __index = { y = 2 } }), { [0] = 1 }, { "x", y = 1 }, { 1, nil, 3 }, { [1.5] = 1 },
      "\xFF",
    } do
      for _, body in ipairs { { a = value }, { { a = { value } } } } do
        assert.is_nil(json_value.copy_plain(body))
        local problems = messages.new_problems()
        json_value.copy_plain(body, problems)
        assert.is_true(problems.count >= 1)
      end
    end
  end)
end)
