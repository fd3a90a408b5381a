-- hoopai.slots: free slots in order of time.

local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local slots = require "hoopai.slots"
local time = require "hoopai.time"

-- What the iterator returns, as a list of { day, slot }.
local function all(free)
  local list = {}
  for day, slot, instant in slots(free) do
    assert.is_true(time.is_instant(instant))
    assert.are.equal(time.parse(slot), instant)
    list[#list + 1] = { day, slot }
  end
  return list
end

describe("slots", function()
  it("come in order of time, not of text", function()
    assert.are.same(
      {
        { "2024-11-02", "2024-11-02T09:00:00-04:00" },
        -- The clocks go back between these two.
        { "2024-11-03", "2024-11-03T01:30:00-04:00" },
        { "2024-11-03", "2024-11-03T01:00:00-05:00" },
        { "2024-11-04", "2024-11-03T22:00:00Z" },
      },
      all {
        ["2024-11-04"] = { slots = { "2024-11-03T22:00:00Z" } },
        ["2024-11-03"] = { slots = { "2024-11-03T01:00:00-05:00", "2024-11-03T01:30:00-04:00" } },
        ["2024-11-02"] = { slots = { "2024-11-02T09:00:00-04:00" } },
      }
    )
  end)

  it("are returned as the API sent them", function()
    local text = "2024-10-28T10:00:00.000-0500" -- written otherwise by hoopai.time
    assert.are.same({ { "2024-10-28", text } }, all { ["2024-10-28"] = { slots = { text } } })
  end)

  it("may be none", function()
    assert.are.same({}, all {})
    assert.are.same({}, all { ["2024-10-28"] = { slots = {} } })
  end)

  it(
    "are skipped if they are malformed",
    function()
      assert.are.same(
        { { "2024-10-28", "2024-10-28T10:00:00Z" } },
        all {
          ["2024-10-28"] = { slots = { "2024-10-28T10:00:00", 5, {}, "2024-10-28T10:00:00Z", true } },
          ["2024-10-29"] = { slots = "2024-10-29T10:00:00Z" },
          ["2024-10-30"] = "x",
          traceId = "t",
        }
      )
    end
  )

  it("end once, and stay ended", function()
    local iterator = slots { ["2024-10-28"] = { slots = { "2024-10-28T10:00:00Z" } } }
    assert.are.equal("2024-10-28", (iterator()))
    assert.is_nil(iterator())
    assert.is_nil(iterator())
  end)

  it("are not changed: the table is as before, and each iterator begins anew", function()
    local free = { ["2024-10-28"] = { slots = { "2024-10-28T11:00:00Z", "2024-10-28T10:00:00Z" } } }
    local first = all(free)
    assert.are.same(first, all(free))
    assert.are.equal("2024-10-28T11:00:00Z", free["2024-10-28"].slots[1])
  end)

  it("carry a zone that is given", function()
    local free = {
      ["2026-03-02"] = { slots = { "2026-03-02T10:00:00-05:00" } },
      ["2026-10-26"] = { slots = { "2026-10-26T10:00:00-04:00", "2026-10-26T14:30:00Z" } },
    }
    local list = {}
    for day, slot, instant in slots(free, "America/New_York") do
      assert.are.equal("America/New_York", instant:zone())
      assert.are.equal(time.parse(slot), instant)
      list[#list + 1] = { day, slot, (instant + time.weeks(1)):iso() }
    end
    -- The clocks change in both weeks that follow.
    assert.are.same({
      { "2026-03-02", "2026-03-02T10:00:00-05:00", "2026-03-09T10:00:00-04:00" },
      { "2026-10-26", "2026-10-26T10:00:00-04:00", "2026-11-02T10:00:00-05:00" },
      { "2026-10-26", "2026-10-26T14:30:00Z", "2026-11-02T10:30:00-05:00" },
    }, list)
    local _, _, instant = slots(free)()
    assert.are.equal("-05:00", instant:zone())
    _, _, instant = slots(free, "+05:30")()
    assert.are.equal("2026-03-02T20:30:00+05:30", instant:iso())
  end)

  it("refuse what is no zone", function()
    local free = { ["2026-03-02"] = { slots = { "2026-03-02T10:00:00-05:00" } } }
    for _, case in ipairs {
      { "Mars/Olympus", 'hoopai.slots: unknown time zone "Mars/Olympus"' },
      { "europe/berlin", 'did you mean "Europe/Berlin"?' },
      { "EST", 'hoopai.slots: zone "EST" is an abbreviation' },
      { "", 'hoopai.slots: "" is not the name of a time zone' },
      { 5, 'hoopai.slots: a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got number)' },
      { false, "(got boolean)" },
      { { zone = "Europe/Berlin" }, "(got table)" },
      { time.now "UTC", "(got table)" },
    } do
      expect.misuse(function() slots(free, case[1]) end, case[2])
      expect.misuse(function() slots({}, case[1]) end, case[2])
    end
  end)

  it("take the second result of a call beside free slots, and carry no zone then", function()
    local free = { ["2026-03-02"] = { slots = { "2026-03-02T10:00:00-05:00" } } }
    local function call() return free, { status = 200, headers = {}, attempts = 1 } end
    local _, _, instant = slots(call())()
    assert.are.equal("-05:00", instant:zone())
  end)

  it("need a table", function()
    for value, kind in pairs { x = "string", [5] = "number", [true] = "boolean" } do
      expect.misuse(function() slots(value) end, "hoopai.slots expects the result of free_slots, got " .. kind)
    end
    expect.misuse(function() slots(require("hoopai").new { token = "t" }) end, "got hoopai.Client")
    expect.misuse(function() slots() end, "got nil")
  end)

  it("show the error of a call that failed", function()
    local err = errors.new { kind = "not_found", message = "Calendar not found", status = 404 }
    expect.misuse(
      function() slots(nil, err) end,
      "hoopai.slots got nil, because a call before it failed: not_found: Calendar not found (HTTP 404)"
    )
    expect.misuse(function() slots(nil, "no error object") end, "got nil")
    assert.are.same({}, (function(...) return all(...) end)({}, err))
  end)
end)
