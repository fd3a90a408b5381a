local query = require "hoopai.command.lib.query"

describe("a part of a query", function()
  it("is decoded", function()
    assert.are.equal("a b&c=\u{e9}%", query.decode "a+b%26c%3d%C3%A9%25")
    assert.are.equal("%zz", query.decode "%zz")
  end)
end)
