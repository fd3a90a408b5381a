local hoopai = require "hoopai"
local view_of = require "hoopai.command.lib.record"

local function shown(document)
  local lines = {}
  local screen = {
    line = function(_, text) lines[#lines + 1] = text end,
    table = function(_, columns, rows)
      for _, row in ipairs(rows) do
        local cells = {}
        for index, column in ipairs(columns) do
          local value = column.value
          cells[index] = column.title .. "=" .. (type(value) == "function" and value(row) or row[value])
        end
        lines[#lines + 1] = table.concat(cells, " ")
      end
    end,
  }
  view_of(document)(screen)
  return lines
end

describe("the view of a document without one", function()
  it(
    "has the fields of a record, in order",
    function() assert.are.same({ "field=a value=[1]", "field=b value=x" }, shown { b = "x", a = { 1 } }) end
  )

  it(
    "has a column per field of a list",
    function() assert.are.same({ "a=1 b=", 'a= b={"c":2}' }, shown { { a = 1 }, { b = { c = 2 } } }) end
  )

  it("has a line for a value", function()
    assert.are.same({ "done" }, shown "done")
    assert.are.same({}, shown(hoopai.array {}))
  end)
end)
