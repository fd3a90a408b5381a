local appointment = require "hoopai.command.lib.appointment"
local contexts = require "hoopai.command.lib.context"
local terminal = require "hoopai.command.lib.terminal"

local zone = "Europe/Berlin"
local context = contexts.new({}, {}, {})
context.found_names = { of = function(_, kind, id) return id and kind .. " " .. id or "" end }

describe("what the commands about an appointment share", function()
  local is_terminal, confirm = terminal.is_terminal, terminal.confirm
  after_each(function()
    terminal.is_terminal, terminal.confirm = is_terminal, confirm
  end)

  it("is an appointment that exists", function()
    local problem
    context.opened = { appointments = { get = function() return nil, problem end } }
    problem = { kind = "not_found" }
    local ok, raised = pcall(appointment.read, context, "x")
    assert.are.same({ false, 1, "not_found" }, { ok, raised.status, raised.kind })
    assert.are.equal('there is no appointment "x"', raised.message)
    problem = { kind = "scope" }
    assert.are.same({ false, problem }, { pcall(appointment.read, context, "x") })
  end)

  it("shows a moment and an appointment in a zone", function()
    local record = { calendarId = "c", title = "Visit", startTime = "2024-03-31T07:00:00Z" }
    assert.are.equal(
      '"Visit", calendars c, Sun 2024-03-31 09:00 (Europe/Berlin)',
      appointment.line(context, record, zone)
    )
    assert.are.equal("calendars c, no time", appointment.line(context, { calendarId = "c", title = "" }, zone))
    assert.are.equal("no time", appointment.line(context, { startTime = "soon" }, zone))
  end)

  it("makes a document with times in the zone, and leaves what is no time", function()
    local record = { id = "a", startTime = "2024-03-31T07:00:00Z", endTime = "soon" }
    assert.are.same(
      { id = "a", startTime = "2024-03-31T09:00:00+02:00", endTime = "soon", unchanged = true },
      appointment.document(context, record, zone, { unchanged = true })
    )
    assert.are.equal("2024-03-31T07:00:00Z", record.startTime)
  end)

  it("asks on a terminal, and needs --yes without one", function()
    local asked
    terminal.is_terminal = function() return asked ~= nil end
    local ok, problem = pcall(appointment.ask, {}, "Cancel?")
    assert.are.same({ false, "usage", 2 }, { ok, problem.kind, problem.status })
    appointment.ask({ yes = true }, "Cancel?")
    appointment.ask({ dry_run = true }, "Cancel?")
    asked = ""
    terminal.confirm = function(question)
      asked = question
      return question == "Yes?"
    end
    ok, problem = pcall(appointment.ask, {}, "Cancel\27[2J?")
    assert.are.same({ false, "declined", 1 }, { ok, problem.kind, problem.status })
    assert.is_nil(asked:find "\27")
    appointment.ask({}, "Yes?")
    assert.are.equal("Yes?", asked)
  end)
end)
