local command_context = require "spec.support.command_context"
local free = require "hoopai.command.free"
local hoopai = require "hoopai"

local SLOTS = { "2024-03-31T01:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-04-01T09:00:00+02:00" }

local function run(options, calendars)
  local wanted
  options.calendar = options.calendar or {}
  local ok, document, view = command_context.run(free, options, {
    calendars = {
      list = calendars and function() return calendars end,
      each_slot = function(_, given)
        wanted = given
        local index = 0
        return function()
          index = index + 1
          local start = SLOTS[index]
          return start
            and { calendarId = "c", day = start:sub(1, 10), startTime = start, instant = hoopai.time.parse(start) }
        end
      end,
    },
  })
  return wanted, document, view, ok
end

describe("hoopai free", function()
  it("asks for the slots of the calendars that are named, else of the active ones", function()
    local calendars = { { id = "c", name = "Yoga" }, { id = "d", name = "Old", isActive = false } }
    local wanted = run({ from = "2024-03-31", days = 2 }, calendars)
    assert.are.same({ "c" }, wanted.calendarIds)
    assert.are.same(
      { "2024-03-31T00:00:00+01:00", "2024-04-02T00:00:00+02:00", "Europe/Berlin" },
      { wanted.from:iso(), wanted.to:iso(), wanted.timezone }
    )
    assert.are.same({ "d" }, run({ calendar = { "old" } }, calendars).calendarIds)
    local nothing, document = run({}, {})
    assert.is_nil(nothing)
    assert.are.equal("[]", hoopai.encode(document))
  end)

  it("prints a line per slot for programs, and days for people", function()
    local _, document, view = run { from = "2024-03-31", days = 2 }
    assert.are.same({ 3, "Yoga", SLOTS[2] }, { #document, document[1].calendar, document[2].startTime })
    assert.are.equal(SLOTS[1] .. "\tYoga\tc", command_context.lines(view)[1])
    assert.are.same({
      "Times in Europe/Berlin (--zone)",
      "",
      "Sun 2024-03-31",
      "  Yoga",
      "    01:30 03:00",
      "",
      "Mon 2024-04-01",
      "  Yoga",
      "    09:00",
    }, command_context.lines(view, 40))
  end)
end)
