-- hoopai.time.values: the types, and the words of messages.

local time = require "hoopai.time"
local values = require "hoopai.time.values"

describe("an instant", function()
  it("is told from everything else", function()
    assert.is_true(time.is_instant(time.now()))
    assert.is_true(time.is_duration(time.days(1)))
    for _, value in ipairs {
      {},
      "2024-10-28T10:00:00Z",
      5,
      true,
      print,
      io.stdout,
      { ms = 5 },
      setmetatable({}, { __index = function() return 1 end, __name = "hoopai.time.instant" }),
    } do
      assert.is_false(time.is_instant(value))
      assert.is_false(time.is_duration(value))
    end
    assert.is_false(time.is_instant(nil))
    assert.is_false(time.is_duration(nil))
    assert.is_false(time.is_instant(time.days(1)))
    assert.is_false(time.is_duration(time.now()))
  end)
end)

describe("quote", function()
  for _, case in ipairs {
    { "", '""' },
    { "Europe/Berlin", '"Europe/Berlin"' },
    { 'a"b', '"a\\x22b"' },
    { "a\r\nb", '"a\\x0D\\x0Ab"' },
    { "é", '"\\xC3\\xA9"' },
    { ("a"):rep(48), '"' .. ("a"):rep(48) .. '"' },
    { ("a"):rep(49), '"' .. ("a"):rep(45) .. '..."' },
  } do
    it("writes " .. case[2], function() assert.are.equal(case[2], values.quote(case[1])) end)
  end
end)

describe("messages", function()
  it("describe a value", function()
    for _, case in ipairs {
      { time.now(), "an instant" },
      { time.days(1), "a duration" },
      { "x", '"x"' },
      { 5, "5" },
      { 1.5, "1.5" },
      { {}, "a table" },
      { true, "a boolean" },
      { print, "a function" },
    } do
      assert.are.equal(case[2], values.describe(case[1]))
    end
    assert.are.equal("nothing", values.describe(nil))
  end)

  it("name the operand of the wrong type", function()
    local instant = time.now()
    assert.are.equal(5, values.odd_one(instant, 5, time.is_instant))
    assert.are.equal(5, values.odd_one(5, instant, time.is_instant))
    assert.are.equal("x", values.odd_one("x", 5, time.is_instant))
  end)
end)

describe("integer", function()
  it("takes numbers without a fraction", function()
    for _, case in ipairs { { 5, 5 }, { 5.0, 5 }, { -2.0 ^ 53, -(1 << 53) }, { math.mininteger, math.mininteger } } do
      assert.are.equal(case[2], values.integer(case[1]))
      assert.are.equal("integer", math.type(values.integer(case[1])))
    end
  end)

  it("is nil for all else", function()
    for _, value in ipairs { 1.5, 0 / 0, 1 / 0, 2 ^ 63, "5", "5.0", {}, true } do
      assert.is_nil(values.integer(value))
    end
    assert.is_nil(values.integer(nil))
  end)
end)
