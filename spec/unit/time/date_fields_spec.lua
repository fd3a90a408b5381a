-- hoopai.time.date_fields: the fields of the table of hoopai.time.at.

local date_fields = require "hoopai.time.date_fields"
local time = require "hoopai.time"
local times = require "spec.support.times"

local raised = times.raised

describe("the fields of a date", function()
  local function fields(changes)
    local t = { year = 2024, month = 10, day = 28, zone = "UTC" }
    for name, value in pairs(changes) do
      if value == "nothing" then
        t[name] = nil
      else
        t[name] = value
      end
    end
    return t
  end
  local MOVE = "; to move a time, add a duration such as hoopai.time.days(1)"
  for _, case in ipairs {
    { { year = "nothing" }, "at: year is missing" },
    { { month = "nothing" }, "at: month is missing" },
    { { day = "nothing" }, "at: day is missing" },
    { { year = "2024" }, 'at: year must be a whole number (got "2024")' },
    { { hour = 10.5 }, "at: hour must be a whole number (got 10.5)" },
    { { day = {} }, "at: day must be a whole number (got a table)" },
    { { day = 1 / 0 }, "at: day must be a whole number (got inf)" },
    { { year = 0 }, "at: year must be 1 to 9999 (got 0)" .. MOVE },
    { { year = 10000 }, "at: year must be 1 to 9999 (got 10000)" .. MOVE },
    { { year = -1 }, "at: year must be 1 to 9999 (got -1)" .. MOVE },
    { { month = 0 }, "at: month must be 1 to 12 (got 0)" .. MOVE },
    { { month = 13 }, "at: month must be 1 to 12 (got 13)" .. MOVE },
    { { day = 0 }, "at: day must be 1 to 31 (got 0)" .. MOVE },
    { { day = 32 }, "at: day must be 1 to 31 (got 32)" .. MOVE },
    { { month = 2, day = 30 }, "at: 2024-02 has no day 30" },
    { { year = 2023, month = 2, day = 29 }, "at: 2023-02 has no day 29" },
    { { month = 11, day = 31 }, "at: 2024-11 has no day 31" },
    { { hour = 24 }, "at: hour must be 0 to 23 (got 24)" .. MOVE },
    { { hour = -1 }, "at: hour must be 0 to 23 (got -1)" .. MOVE },
    { { min = 60 }, "at: min must be 0 to 59 (got 60)" .. MOVE },
    { { sec = 60 }, "at: sec must be 0 to 59 (got 60)" .. MOVE },
    { { ms = 1000 }, "at: ms must be 0 to 999 (got 1000)" .. MOVE },
    { { minute = 5 }, 'at: unknown field "minute" (did you mean "min"?)' },
    { { second = 5 }, 'at: unknown field "second" (did you mean "sec"?)' },
    { { timezone = "UTC" }, 'at: unknown field "timezone" (did you mean "zone"?)' },
    { { wibble = 5 }, 'at: unknown field "wibble"' },
    { { 2024 }, "at: unknown field 1" },
  } do
    it("raises: " .. case[2], function()
      assert.are.equal(case[2], raised(function() time.at(fields(case[1])) end))
    end)
  end

  it("are returned in order, with those of the clock 0 by default", function()
    assert.are.same({ 2024, 10, 28, 0, 0, 0, 0 }, { date_fields.read(fields {}, 1) })
    local all = fields { hour = 1, min = 2, sec = 3, ms = 4.0, overlap = "later", wday = 1, abbreviation = "x" }
    assert.are.same({ 2024, 10, 28, 1, 2, 3, 4 }, { date_fields.read(all, 1) })
  end)
end)
