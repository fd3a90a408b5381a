-- Deep copies and comparisons of records.

local hoopai = require "hoopai"
local values = require "hoopai.list.values"

local same = values.same
local null, time = hoopai.null, hoopai.time

describe("hoopai.list.values", function()
  it("copies tables at every depth, and says of which tables the copies are", function()
    local instant = time.now()
    local value = { a = { b = { 1, null } }, list = hoopai.array {}, instant = instant }
    local origins = {}
    local copy = values.copy(value, origins)
    assert.are.same(value, copy)
    assert.are_not.equal(value.a.b, copy.a.b)
    assert.are.equal(value.a.b, origins[copy.a.b])
    assert.are.equal(value, origins[copy])
    assert.are.equal(instant, copy.instant)
    assert.are.equal(getmetatable(value.list), getmetatable(copy.list))
    copy.a.b[1] = 2
    assert.are.equal(1, value.a.b[1])
    assert.are.equal("text", values.copy("text", origins))
  end)

  it("compares at every depth", function()
    local value = { a = { 1, { b = "c" } }, d = true, n = null }
    assert.is_true(same(value, { a = { 1.0, { b = "c" } }, d = true, n = null }))
    for _, other in ipairs {
      { a = { 1, { b = "x" } }, d = true, n = null },
      { a = { 1, { b = "c" }, 3 }, d = true, n = null },
      { a = { 1 }, d = true, n = null },
      { a = { 1, { b = "c" } }, d = true },
      { a = { 1, { b = "c" } }, d = true, n = null, more = false },
      { a = "text", d = true, n = null },
    } do
      assert.is_false(same(value, other))
      assert.is_false(same(other, value))
    end
    assert.is_false(same(nil, null))
    assert.is_false(same(1, "1"))
    assert.is_false(same(time.now(), {}))
  end)

  it("compares a value that contains itself with one that does not", function()
    local circle = { a = {} }
    circle.a.a = circle
    assert.is_false(same(circle, { a = { a = { a = 1 } } }))
    assert.is_true(same(circle, circle))
  end)

  it("compares instants as instants where the type is declared", function()
    local kind = {
      type = "object",
      fields = { { name = "at", type = "datetime" }, { name = "list", type = "array", items = { type = "datetime" } } },
    }
    local left = { at = "2026-12-01T10:00:00-05:00", list = { "2026-12-01T10:00:00Z" }, text = "2026-12-01T10:00:00Z" }
    local right = { at = "2026-12-01T15:00:00Z", list = { "2026-12-01T10:00:00.000Z" }, text = left.text }
    assert.is_true(same(left, right, kind))
    assert.is_false(same(left, right))
    right.text = "2026-12-01T10:00:00+00:00"
    assert.is_false(same(left, right, kind))
    assert.is_false(same({ at = "x" }, { at = "y" }, kind))
    assert.is_true(same("2026-12-01T15:00:00Z", time.parse(left.at), kind.fields[1]))
  end)
end)
