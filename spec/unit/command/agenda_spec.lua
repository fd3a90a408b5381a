local agenda = require "hoopai.command.agenda"
local events = require "hoopai.command.lib.events"
local hoopai = require "hoopai"

describe("hoopai agenda", function()
  local read, asked = events.read, nil

  before_each(function()
    events.read = function(_, _, from, to)
      asked = from:iso() .. " " .. to:iso()
      return {}
    end
  end)
  after_each(function() events.read = read end)

  local function span(options)
    agenda.run({
      library = function() return hoopai end,
      zone = function() return "Europe/Berlin", "--zone" end,
      names = function() end,
      list = function(_, list) return list end,
    }, options)
    return asked
  end

  it("has the days that are asked for, also where clocks change", function()
    assert.are.equal("2024-03-31T00:00:00+01:00 2024-04-01T00:00:00+02:00", span { day = { "2024-03-31" } })
    assert.are.equal("2024-03-25T00:00:00+01:00 2024-04-01T00:00:00+02:00", span { week = { "2024-03-31" } })
    assert.are.equal("2024-03-04T00:00:00+01:00 2024-03-07T00:00:00+01:00", span { from = "2024-03-04", days = 3 })
    local today = hoopai.time.now "Europe/Berlin":start_of_day()
    assert.are.equal(today:iso() .. " " .. (today + hoopai.time.days(7)):iso(), span {})
    assert.are.equal(today:iso() .. " " .. (today + hoopai.time.days(1)):iso(), span { day = {} })
    assert.are.equal(today:start_of_week():iso(), span({ week = {} }):match "^%S+")
  end)
end)
