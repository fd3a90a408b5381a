local contexts = require "hoopai.command.lib.context"
local events = require "hoopai.command.lib.events"
local export = require "hoopai.command.export"
local hoopai = require "hoopai"

describe("hoopai export", function()
  local read = events.read
  after_each(function() events.read = read end)

  local function run(kind, entries)
    events.read = function() return entries end
    local context = contexts.new(export, { zone = "Europe/Berlin" }, {})
    context.found_names = {}
    local _, view = export.run(context, { format = kind, from = "2024-03-31", days = 1 })
    local texts = {}
    view { text = function(_, text) texts[#texts + 1] = text end }
    return table.concat(texts)
  end

  local function entry(fields)
    local start = hoopai.time.parse "2024-03-31T00:30:00Z"
    return {
      record = fields,
      start = start,
      stop = start + hoopai.time.hours(1),
      title = fields.title or "",
      calendar = "",
      user = "",
    }
  end

  it("has the local times of a night in which clocks change", function()
    local text = run("csv", { entry { id = "1", title = 'a "b", c', notes = "x\ny" } })
    assert.matches('\r\n2024%-03%-31 01:30:00,2024%-03%-31 03:30:00,Europe/Berlin,60,"a ""b"", c",appointment,', text)
    assert.matches(',"x\ny",,,1,2024%-03%-31T00:30:00Z,2024%-03%-31T01:30:00Z\r\n$', text)
  end)

  it("has an event whose end the API did not send", function()
    local one = entry { id = "1", startTime = "2024-03-31T00:30:00Z" }
    one.stop = one.start
    local text = run("ics", { one })
    assert.matches("\r\nDTSTART;TZID=Europe/Berlin:20240331T013000\r\n", text)
    assert.is_nil(text:find "DTEND")
  end)

  it("is an empty document of each format without events", function()
    assert.are.equal("[]\n", run("json", {}))
    assert.matches("^start,end,[^\r]*\r\n$", run("csv", {}))
    assert.matches("^BEGIN:VCALENDAR\r\n.*END:VCALENDAR\r\n$", run("ics", {}))
  end)
end)
