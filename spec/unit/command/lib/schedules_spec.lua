local schedules = require "hoopai.command.lib.schedules"

describe("the schedule of a calendar", function()
  local calendar = { id = "c" }
  local own = { id = "own", calendarIds = { "x", "c" } }
  local general = { id = "general", calendarIds = {} }
  local other = { id = "other", calendarIds = { "x" } }

  it("is the one that is applied to it, else one that is applied to none", function()
    assert.are.equal(own, schedules.for_calendar({ other, general, own }, calendar))
    assert.are.equal(general, schedules.for_calendar({ other, general }, calendar))
    assert.are.equal(general, schedules.for_calendar({ own, general }))
    assert.is_nil(schedules.for_calendar({ other }, calendar))
    assert.is_nil(schedules.for_calendar({ own }))
    local bare = { id = "bare" }
    assert.are.equal(bare, schedules.for_calendar({ bare, general }, calendar))
  end)

  it(
    "is no deleted one",
    function()
      assert.is_nil(schedules.for_calendar({ { deleted = true }, { deleted = true, calendarIds = { "c" } } }, calendar))
    end
  )
end)
