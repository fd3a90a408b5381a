local command = require "hoopai.redis.command"
local expect = require "spec.support.expect"

local function returning(...)
  local results = table.pack(...)
  return function() return table.unpack(results, 1, results.n) end
end

describe("hoopai.redis.command", function()
  it("returns the result of a command, or nil and one line", function()
    assert.are.same({ "value" }, { command.send(returning "value", "GET", "key") })
    assert.are.same({}, { command.send(returning(nil), "GET", "key") })
    assert.are.same({ nil, "no route" }, { command.send(returning(nil, "no\nroute"), "GET", "key") })
    assert.are.same({ nil, "two lines" }, { command.send(function() error("two\nlines", 0) end, "GET", "key") })
  end)

  it("returns numbers, whatever the client makes of them", function()
    assert.are.equal(7, command.number(returning(7), "return 7", 0))
    assert.are.equal(7, command.number(returning "7", "return 7", 0))
    assert.are.same({ nil, "refused" }, { command.number(returning(nil, "refused"), "return 7", 0) })
    assert.are.same({ nil, "`call` returned table for an integer of Redis" }, { command.number(returning {}, "x", 0) })
  end)

  it("refuses options without `call`", function()
    expect.misuse(function() command.need_call("a function", {}) end, "a function needs the option `call`")
  end)
end)
