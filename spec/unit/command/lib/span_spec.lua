local failure = require "hoopai.command.lib.failure"
local span = require "hoopai.command.lib.span"

local function refused(...)
  local ok, problem = pcall(...)
  assert.is_false(ok)
  local status, message = failure.explain(problem)
  return message, status
end

describe("a span of time on the command line", function()
  it("is read from its options, in a zone", function()
    local from, to = span.read({ from = "2026-12-01", to = "2026-12-03" }, "Europe/Berlin", "today")
    assert.are.equal("2026-12-01T00:00:00+01:00", from:iso())
    assert.are.equal("2026-12-04T00:00:00+01:00", to:iso())
    from, to = span.read({ from = "2026-12-01", days = 2 }, "UTC", "today")
    assert.are.equal(48, (to - from):hours())
    from, to = span.read({}, "UTC", "2026-02")
    assert.are.equal(28 * 24, (to - from):hours())
  end)

  it("is wrong use if it cannot be read or is empty", function()
    local message, status = refused(span.read, { from = "noday" }, "UTC", "today")
    assert.are.equal(2, status)
    assert.matches('^usage: %-%-from: "noday" is no date: write 2026', message)
    message = refused(span.read, { from = "2026-12-02", to = "2026-12-01" }, "UTC", "today")
    assert.matches("^usage: the span is empty", message)
  end)

  it("reads one date, with the label of its option", function()
    local first, after = span.date("2026-12-01", "UTC", "--day")
    assert.are.equal("2026-12-01T00:00:00+00:00", first:iso())
    assert.are.equal("2026-12-02T00:00:00+00:00", after:iso())
    assert.is_nil(select(2, span.date("2026-12-01T09:30", "UTC", "--day")))
    assert.matches("^usage: %-%-day: .*no month 13", (refused(span.date, "2026-13-01", "UTC", "--day")))
  end)

  it("has options that name the default, and lists of options are joined", function()
    assert.matches("Default: last%-month%.", span.options("last-month")[1].description)
    assert.are.same({ 1, 2, 3 }, span.join({ 1 }, {}, { 2, 3 }))
  end)

  it("reads a day or a moment where a period makes no sense", function()
    local first, after = span.day("2026-12-01", "UTC", "--day")
    assert.are.same({ "2026-12-01T00:00:00+00:00", "2026-12-02T00:00:00+00:00" }, { first:iso(), after:iso() })
    assert.are.same({ "2026-12-01T09:30:00+00:00" }, { span.day("2026-12-01T09:30", "UTC", "--day"):iso() })
    for _, text in ipairs { "next-week", "this-month", "last-year", "2026-02" } do
      local message, status = refused(span.day, text, "UTC", "--day")
      assert.are.equal(2, status)
      assert.matches(('usage: --day: "%s" is a period: write a day of it, such as '):format(text), message, 1, true)
    end
    local message, status = refused(span.day, "noday", "UTC", "--day")
    assert.are.equal(2, status)
    assert.matches('^usage: %-%-day: "noday" is no date', message)
  end)

  it("reads the week of a date, or a period that is one", function()
    local start, stop = span.week("2026-12-02", "Europe/Berlin", "--week")
    assert.are.same({ "2026-11-30T00:00:00+01:00", "2026-12-07T00:00:00+01:00" }, { start:iso(), stop:iso() })
    local first, after = span.date("next-week", "Europe/Berlin", "--week")
    start, stop = span.week("next-week", "Europe/Berlin", "--week")
    assert.are.same({ first:iso(), after:iso() }, { start:iso(), stop:iso() })
    for _, text in ipairs { "next-month", "this-year", "2027-02" } do -- 2027-02 begins with a Monday
      local message, status = refused(span.week, text, "UTC", "--week")
      assert.are.equal(2, status)
      assert.matches(('usage: --week: "%s" is no week: write next-week'):format(text), message, 1, true)
    end
  end)
end)
