local cancel = require "hoopai.command.cancel"
local command_context = require "spec.support.command_context"

local function run(status, options)
  local cancelled
  local record = { id = "a", calendarId = "c", startTime = "2024-03-04T09:00:00+01:00", appointmentStatus = status }
  local ok, document, view, context = command_context.run(cancel, options or { appointment = "a", yes = true }, {
    appointments = {
      get = function() return record, {} end,
      cancel = function(_, id)
        cancelled = id
        return { id = id, appointmentStatus = "cancelled" }, {}
      end,
    },
  })
  return cancelled, ok, document, view, context
end

describe("hoopai cancel", function()
  it("cancels an appointment, and leaves a cancelled one alone", function()
    local cancelled, _, document, view, context = run "confirmed"
    assert.are.same({ "a", false }, { cancelled, document.unchanged })
    assert.are.equal("cancelled Yoga, Mon 2024-03-04 09:00 (Europe/Berlin)", command_context.lines(view)[1])
    assert.are.equal(1, #context.done)
    cancelled, _, document, view = run "cancelled"
    assert.are.same({ nil, true }, { cancelled, document.unchanged })
    assert.matches("^was cancelled already: ", command_context.lines(view)[1])
  end)
end)
