-- `hoopai utilisation` as a process, against a sandbox.

local clinic = require "spec.support.clinic"
local hoopai = require "hoopai"

local WEEK = { "utilisation", "--from", "2024-03-04", "--to", "2024-03-10" }

describe("hoopai utilisation", function()
  local home

  setup(function() home = clinic.home() end)
  teardown(function() home:close() end)

  it("has colours on a terminal, unless NO_COLOR says otherwise", function()
    assert.matches("\27%[32m█", (clinic.terminal(home, WEEK, { variables = { TERM = "xterm" } })))
    local output = clinic.terminal(home, WEEK, { variables = { TERM = "xterm", NO_COLOR = "1" } })
    assert.is_nil(output:find "\27")
  end)

  it("is a line per row without a terminal", function()
    local output, errors, status = home:run(WEEK)
    assert.are.same({ "", 0 }, { errors, status })
    assert.are.equal("Lee Marsh\t120\t120\t480\t25%\nYoga\t0\t0\t2700\t0%\n", output)
  end)

  it("prints JSON, with the source of the open hours", function()
    local document = assert(hoopai.decode((home:run { "utilisation", "--json", table.unpack(WEEK, 2) })))
    assert.are.same({
      id = "UserLeeMarsh00000000",
      kind = "user",
      name = "Lee Marsh",
      bookedMinutes = 120, -- the cancelled appointment takes up no time
      blockedMinutes = 120,
      openMinutes = 480,
      bookedPercent = 25,
      openHoursFrom = "schedules",
    }, document[1])
    assert.are.equal("calendars", document[2].openHoursFrom)
    local lines = home:run { "utilisation", "--jsonl", table.unpack(WEEK, 2) }
    assert.are.equal(2, select(2, lines:gsub("\n", "")))
  end)

  it("shows those of a person, a calendar, a group", function()
    local function names(...)
      local list = {}
      for line in
        (home:run { "utilisation", "--from", "2024-03-04", "--to", "2024-03-10", ... }):gmatch "([^\n\t]*)\t[^\n]*\n"
      do
        list[#list + 1] = line
      end
      return list
    end
    assert.are.same({ "Lee Marsh" }, names("--user", "UserLee"))
    assert.are.same({ "Lee Marsh" }, names("--calendar", "mass"))
    assert.are.same({ "Yoga" }, names("--calendar", "yoga"))
    assert.are.same({ "Lee Marsh" }, names("--group", "kö"))
  end)
end)
