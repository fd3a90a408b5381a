local spans = require "hoopai.command.lib.spans"

describe("spans", function()
  it("are merged in order of time, the empty ones left out", function()
    local list = { { 50, 60 }, { 10, 20 }, { 15, 30 }, { 30, 40 }, { 45, 45 } }
    assert.are.same({ { 10, 40 }, { 50, 60 } }, spans.merge(list))
    assert.are.same({ 50, 60 }, list[1])
    assert.are.same({}, spans.merge {})
  end)

  it("have in common what is in both lists", function()
    local a, b = { { 0, 10 }, { 20, 30 } }, { { 5, 22 }, { 25, 26 }, { 30, 40 } }
    assert.are.same({ { 5, 10 }, { 20, 22 }, { 25, 26 } }, spans.common(a, b))
    assert.are.same({ { 5, 10 }, { 20, 22 }, { 25, 26 } }, spans.common(b, a))
    assert.are.same({}, spans.common(a, {}))
  end)

  it("have a length in minutes", function()
    assert.are.equal(3, spans.minutes { { 0, 60000 }, { 120000, 240000 } })
    assert.are.equal(0, spans.minutes {})
  end)
end)
