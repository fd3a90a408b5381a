local command_context = require "spec.support.command_context"
local notes = require "hoopai.command.notes"

local function run(options, input)
  local sent = {}
  options.appointment, options.yes = "a", true
  local streams = { input = { read = function() return input end }, error = { write = function() end } }
  local ok, document, view = command_context.run(notes, options, {
    appointments = { get = function() return { calendarId = "c" }, {} end },
    notes = {
      all = function()
        return { { id = "n", body = "called\27[2J", userId = "u", dateAdded = "2024-03-01T08:00:00.000Z" } }, {}
      end,
      create = function(_, id, body)
        sent = { id, body }
        return { id = "new" }, {}
      end,
      update = function(_, id, note, body)
        sent = { id, note, body }
        return { id = note, body = body.body }, {}
      end,
      delete = function(_, id, note)
        sent = { id, note }
        return true, {}
      end,
    },
  }, streams)
  return sent, ok, document, view
end

describe("hoopai notes", function()
  it("lists, adds, changes and deletes", function()
    local _, _, document, view = run {}
    assert.are.equal(1, #document)
    assert.are.equal("2024-03-01T09:00:00+01:00", document[1].dateAdded)
    local lines = command_context.lines(view, 80)
    assert.are.equal("Times in Europe/Berlin (--zone)", lines[1])
    assert.matches("^2024%-03%-01 09:00  called", lines[4])
    assert.is_nil(lines[4]:find "\27")
    assert.are.same({ "a", { body = "hello", userId = "u" } }, (run { add = "hello", user = "u" }))
    assert.are.same({ "a", { body = "two\nlines" } }, (run({ add = "-" }, "two\nlines\n")))
    assert.are.same({ "a", "n" }, (run { delete = "n" }))
    local change, _, changed, edit_view = run { edit = { "n", "new" } }
    assert.are.same({ { "a", "n", { body = "new" } }, "new" }, { change, changed.body })
    assert.are.same({ "changed note n" }, command_context.lines(edit_view))
    assert.are.same({ "a", "n", { body = "two\nlines" } }, (run({ edit = { "n", "-" } }, "two\nlines\n")))
    local sent, ok, problem = run({ add = "-" }, "\n")
    assert.are.same({ {}, false, 2 }, { sent, ok, problem.status })
  end)
end)
