-- The generated table of widths, judged by Python's Unicode data.

local cjson = require "cjson"
local python = require "spec.support.python"
local width_table = require "hoopai.command.lib.width_table"

describe("the table of widths", function()
  it("is what its generator makes of Python's Unicode data", function()
    local result = cjson.decode(python.run("check_widths.py", cjson.encode(width_table)))
    assert.are.same({}, result.different)
    -- All code points where Python has the same Unicode, else those of the settled blocks.
    assert.is_true(result.compared > (result.all and 1114111 or 70000), tostring(result.compared))
  end)

  it("has no character in two lists", function()
    local owner, twice = {}, {}
    for _, name in ipairs { "zero", "mark", "wide" } do
      local list = width_table[name]
      for index = 1, #list, 2 do
        for code = list[index], list[index + 1] do
          if owner[code] then twice[#twice + 1] = ("U+%04X"):format(code) end
          owner[code] = name
        end
      end
    end
    assert.are.same({}, twice)
    assert.are.same({ "zero", "wide", nil }, { owner[0x301], owner[0x65E5], owner[0x41] })
  end)
end)
