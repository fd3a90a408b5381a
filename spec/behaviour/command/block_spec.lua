-- `hoopai block` as a process, against a sandbox.

local clinic = require "spec.support.clinic"
local hoopai = require "hoopai"

describe("hoopai block", function()
  local home

  before_each(function() home = clinic.home() end)
  after_each(function() home:close() end)

  local function blocks(from, to)
    local words = { "agenda", "--from", from, "--to", to or from, "--jsonl" }
    local found = {}
    for line in (home:run(words)):gmatch "[^\n]+" do
      local entry = assert(hoopai.decode(line))
      if entry.kind == "block" then
        found[#found + 1] = ("%s %s %s"):format(entry.startTime, entry.endTime, entry.title)
      end
    end
    return found
  end

  it("blocks a day of a person, and once if it runs twice", function()
    local words = { "block", "UserLee", "2024-03-06", "--title", "休み" }
    local output, errors, status = home:run(words)
    assert.are.same({ "", 0 }, { errors, status })
    local times = "Lee Marsh from 2024-03-06 00:00 to 2024-03-07 00:00 (Europe/Berlin)\n"
    assert.are.equal("blocked " .. times, output)
    output, errors, status = home:run(words)
    assert.are.same({ "was blocked already: " .. times, "", 0 }, { output, errors, status })
    assert.are.same({ "2024-03-06T00:00:00+01:00 2024-03-07T00:00:00+01:00 休み" }, blocks "2024-03-06")
  end)

  it("blocks two moments of a calendar, and times of a day", function()
    local document = assert(hoopai.decode((home:run {
      "block",
      "yoga",
      "--from",
      "2024-03-06T09:00",
      "--to",
      "10:30",
      "--json",
    })))
    assert.is_false(document.existing)
    assert.are.equal(hoopai.time.parse("2024-03-06T10:30:00+01:00"):ms(), hoopai.time.parse(document.endTime):ms())
    assert.are.equal(0, select(3, home:run { "block", "UserLee", "2024-03-07", "--from", "9:00", "--to", "12:00" }))
    assert.are.same({ "2024-03-07T09:00:00+01:00 2024-03-07T12:00:00+01:00 Blocked" }, blocks "2024-03-07")
    document = assert(
      hoopai.decode((home:run { "block", "UserLee", "2024-03-07", "--from", "9:00", "--to", "12:00", "--json" }))
    )
    assert.is_true(document.existing)
  end)

  it("sends no change in a dry run", function()
    local output, errors, status = home:run { "block", "UserLee", "2024-03-06", "--dry-run" }
    assert.are.same({ "", 0 }, { errors, status })
    assert.matches('^would send POST /calendars/events/block%-slots {"assignedUserId":"UserLeeMarsh00000000",', output)
    assert.are.same({}, blocks "2024-03-06")
    local words = { "block", "UserLee", "2024-03-05", "--from", "10:00", "--to", "12:00", "--dry-run" }
    assert.are.equal("nothing would be sent\n", (home:run(words)))
  end)

  it("says what was done when nothing can be printed", function()
    local _, errors, status = home:run({ "block", "UserLee", "2024-03-06" }, { output = "/dev/full" })
    assert.are.equal(1, status)
    assert.matches("^hoopai: output: .-\nhoopai: done:\n  the block of Lee Marsh from 2024%-03%-06", errors)
  end)
end)
