-- hoopai.time.gregorian

local gregorian = require "hoopai.time.gregorian"

describe("dates", function()
  it("are counted the same there and back, over 400 years", function()
    local days = gregorian.days(1900, 1, 1)
    local year, month, day = 1900, 1, 1
    while year < 2301 do
      assert(gregorian.days(year, month, day) == days, "days")
      local y, m, d = gregorian.date(days)
      assert(y == year and m == month and d == day, "date")
      days, day = days + 1, day + 1
      if day > gregorian.month_days(year, month) then
        day, month = 1, month + 1
        if month > 12 then
          month, year = 1, year + 1
        end
      end
    end
    assert.are.equal(gregorian.days(2301, 1, 1), days)
  end)

  it("have known distances", function()
    for _, case in ipairs {
      { 1970, 1, 1, 0 },
      { 1969, 12, 31, -1 },
      { 2000, 2, 29, 11016 },
      { 1, 1, 1, -719162 },
      { 9999, 12, 31, 2932896 },
      { 1600, 2, 29, -135081 },
      { 1900, 3, 1, -25508 },
      { 2024, 10, 28, 20024 },
    } do
      assert.are.equal(case[4], gregorian.days(case[1], case[2], case[3]))
      assert.are.same({ case[1], case[2], case[3] }, { gregorian.date(case[4]) })
    end
  end)
end)

describe("leap years", function()
  it("are those of the Gregorian calendar, before it too", function()
    for _, year in ipairs { 4, 400, 1600, 2000, 2024, 2400, 0, -4 } do
      assert.is_true(gregorian.is_leap(year), year)
    end
    for _, year in ipairs { 1, 100, 1900, 2023, 2100, 2200, 9999, -1 } do
      assert.is_false(gregorian.is_leap(year), year)
    end
  end)

  it("decide the length of February", function()
    local lengths = {}
    for month = 1, 12 do
      lengths[month] = gregorian.month_days(2023, month)
    end
    assert.are.same({ 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }, lengths)
    assert.are.equal(29, gregorian.month_days(2024, 2))
    assert.are.equal(28, gregorian.month_days(1900, 2))
  end)
end)

describe("days beyond a month", function()
  it("run into its neighbours", function()
    assert.are.equal(gregorian.days(2024, 3, 1), gregorian.days(2024, 2, 30))
    assert.are.equal(gregorian.days(2024, 2, 29), gregorian.days(2024, 3, 0))
    assert.are.equal(gregorian.days(2025, 1, 1), gregorian.days(2024, 1, 367))
    assert.are.equal(gregorian.days(2023, 12, 31), gregorian.days(2024, 1, 0))
  end)
end)
