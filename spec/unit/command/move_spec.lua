local command_context = require "spec.support.command_context"
local move = require "hoopai.command.move"

local function run(options, unchanged, read)
  options.appointment, options.yes = "a", true
  local record = read or { id = "a", calendarId = "c", startTime = "2024-03-04T09:00:00+01:00" }
  local copy = {}
  local ok, document, view = command_context.run(move, options, {
    appointments = {
      get = function() return record, {} end,
      edit = function(_, _, change)
        change(copy)
        return record, { unchanged = unchanged }
      end,
    },
  })
  return copy, ok, document, view
end

describe("hoopai move", function()
  it("moves an appointment to a moment, or to a day at the same time of day", function()
    local copy, _, document, view = run { when = "2024-03-05T10:30" }
    assert.are.same({ startTime = "2024-03-05T10:30:00+01:00" }, copy)
    assert.is_false(document.unchanged)
    assert.are.equal(
      "moved Yoga, Mon 2024-03-04 09:00 (Europe/Berlin) to Tue 2024-03-05 10:30 (Europe/Berlin)",
      command_context.lines(view)[1]
    )
    assert.are.equal("2024-03-31T09:00:00+02:00", run({ when = "2024-03-31" }).startTime)
  end)

  it("gives it to another person", function()
    local copy, _, _, view = run { user = "u" }
    assert.are.same({ assignedUserId = "u" }, copy)
    assert.matches("%) to u$", command_context.lines(view)[1])
    copy, _, _, view = run { when = "2024-03-05", user = "u" }
    assert.are.same({ startTime = "2024-03-05T09:00:00+01:00", assignedUserId = "u" }, copy)
    assert.matches(" to Tue 2024%-03%-05 09:00 %(Europe/Berlin%), and to u$", command_context.lines(view)[1])
  end)

  it("says that nothing was to do, and what is missing", function()
    local _, _, document, view = run({ when = "2024-03-04" }, true)
    assert.is_true(document.unchanged)
    assert.are.equal("was there already: Yoga, Mon 2024-03-04 09:00 (Europe/Berlin)", command_context.lines(view)[1])
    _, _, _, view = run({ when = "2024-03-04", user = "u" }, true)
    assert.are.equal(
      "was there already: Yoga, Mon 2024-03-04 09:00 (Europe/Berlin), with u",
      command_context.lines(view)[1]
    )
    local _, ok, problem = run {}
    assert.are.same({ false, 2, "where to?" }, { ok, problem.status, problem.message })
    _, ok, problem = run { when = "someday" }
    assert.are.same({ false, 2 }, { ok, problem.status })
    _, ok, problem = run { when = "next-month" }
    assert.are.same({ false, 2 }, { ok, problem.status })
    assert.matches('^the new time: "next%-month" is a period: write a day of it, such as ', problem.message)
  end)

  it("has no time of day to keep for an appointment without one", function()
    for _, start in ipairs { false, "soon" } do
      local record = { id = "a", calendarId = "c", startTime = start or nil }
      local copy, ok, problem = run({ when = "2024-03-05" }, nil, record)
      assert.are.same({ {}, false, 1, "no_time" }, { copy, ok, problem.status, problem.kind })
      copy = run({ when = "2024-03-05T10:30" }, nil, record)
      assert.are.equal("2024-03-05T10:30:00+01:00", copy.startTime)
    end
  end)
end)
