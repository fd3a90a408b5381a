local hoopai = require "hoopai"
local records = require "hoopai.command.lib.records"

describe("records", function()
  it("are the items that are tables", function()
    local a, b = { id = "a" }, {}
    assert.are.same({ a, b }, records { hoopai.null, a, "x", b, hoopai.null })
    assert.are.same({}, records {})
  end)
end)
