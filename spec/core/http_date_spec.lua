-- core.parse_http_date: the dates of RFC 9110 5.6.7.

local core = require "hoopai.core"

local parse = core.parse_http_date

describe("dates of HTTP", function()
  it("are read in three forms", function()
    assert.are.equal(784111777, parse("Sun, 06 Nov 1994 08:49:37 GMT"))
    assert.are.equal(784111777, parse("Sunday, 06-Nov-94 08:49:37 GMT"))
    assert.are.equal(784111777, parse("Sun Nov  6 08:49:37 1994"))
    assert.are.equal(0, parse("Thu, 01 Jan 1970 00:00:00 GMT"))
    assert.are.equal(951782400, parse("Tue, 29 Feb 2000 00:00:00 GMT"))
    assert.are.equal(951782400, parse("Tuesday, 29-Feb-00 00:00:00 GMT"))
    assert.are.equal(4102444800, parse("Fri, 01 Jan 2100 00:00:00 GMT"))
    assert.are.equal(253402300799, parse("Fri, 31 Dec 9999 23:59:59 GMT"))
    assert.are.equal("integer", math.type(parse("Sunday, 06-Nov-94 08:49:37 GMT")))
  end)

  it("may have a leap second", function()
    assert.are.equal(1483228800, parse("Sat, 31 Dec 2016 23:59:60 GMT"))
    assert.are.equal(1341100800, parse("Sat Jun 30 23:59:60 2012"))
  end)

  it("are read on each day of a year, and not on the day after the last of a month", function()
    local months = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }
    local lengths = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
    local midnight = 1704067200 -- 2024-01-01
    for number, month in ipairs(months) do
      for day = 1, lengths[number] do
        for clock, seconds in pairs { ["00:00:00"] = 0, ["23:59:59"] = 86399 } do
          assert.are.equal(midnight + seconds, parse(("Mon, %02d %s 2024 %s GMT"):format(day, month, clock)))
        end
        midnight = midnight + 86400
      end
      for _, clock in ipairs { "00:00:00", "00:00:01", "23:59:60" } do
        assert.is_nil(parse(("Mon, %02d %s 2024 %s GMT"):format(lengths[number] + 1, month, clock)))
      end
    end
    assert.are.equal(1735689600, midnight) -- 2025-01-01
  end)

  it("that are none are nil", function()
    for _, text in ipairs {
      "",
      "Sun",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Wed, 29 Feb 1900 00:00:00 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 GMT ",
      "Sun Nov 66 08:49:37 1994",
      "Sunday, 06-Nov-1994 08:49:37 GMT",
      "1994-11-06T08:49:37Z",
      ("9"):rep(100000),
      "tomorrow",
      "20240101",
      "06 Nov 1994",
      "Sun, 06 Nov 1994 08:49:37",
      ", 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT\0",
      "Xyz, 06 Nov 1994 08:49:37 GMT",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 +0100",
      ("S"):rep(100000) .. ", 06 Nov 1994 08:49:37 GMT",
    } do
      assert.is_nil(parse(text), text:sub(1, 40))
    end
    assert.has_error(function() parse {} end)
  end)
end)
