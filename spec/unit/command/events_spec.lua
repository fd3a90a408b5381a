local command_context = require "spec.support.command_context"
local events = require "hoopai.command.events"

local function client()
  return {
    events = {
      all = function()
        local times = { startTime = "2024-03-04T09:00:00+01:00", endTime = "2024-03-04T09:30:00+01:00" }
        return {
          {
            id = "a",
            calendarId = "c",
            title = "Visit",
            appointmentStatus = "confirmed",
            startTime = times.startTime,
            endTime = times.endTime,
          },
        }, {}
      end,
    },
    block_slots = {
      all = function()
        return {
          {
            id = "b",
            assignedUserId = "u",
            startTime = "2024-03-04T12:00:00+01:00",
            endTime = "2024-03-04T13:00:00+01:00",
          },
        }, {}
      end,
    },
  }
end

describe("hoopai events", function()
  it("lists events with their ids, and leaves blocked times out if it is asked to", function()
    local options = { from = "2024-03-04", days = 1 }
    local ok, document, view = command_context.run(events, options, client())
    assert.is_true(ok, document)
    assert.are.same({ "a", "b" }, { document[1].id, document[2].id })
    local lines = command_context.lines(view)
    assert.are.equal("2024-03-04 09:00\t09:30\tVisit\tconfirmed\tYoga\t\ta", lines[1])
    assert.matches("\tblocked\t\tu\tb$", lines[2])
    options.no_blocked = true
    assert.are.equal(1, #select(2, command_context.run(events, options, client())))
  end)
end)
