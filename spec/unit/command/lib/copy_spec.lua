local copy = require "hoopai.command.lib.copy"

describe("a copy of a record", function()
  it("has further fields, and leaves the record as it is", function()
    local record = { a = 1, b = { 2 } }
    local copied = copy(record, { a = false, c = 3 })
    assert.are.same({ a = false, b = { 2 }, c = 3 }, copied)
    assert.are.equal(record.b, copied.b)
    assert.are.same({ a = 1, b = { 2 } }, record)
    assert.are.same({ a = 1, b = { 2 } }, copy(record))
  end)
end)
