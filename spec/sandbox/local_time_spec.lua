-- Dates and times of the sandbox.

local local_time = require "hoopai.sandbox.domain.local_time"

local ZONE = "America/New_York"

describe("hoopai.sandbox.domain.local_time", function()
  it("reads ISO times with and without offset", function()
    local nine = 1777986000000
    for _, text in ipairs {
      "2026-05-05T09:00:00-04:00",
      "2026-05-05T13:00:00Z",
      "2026-05-05T13:00:00.000Z",
      "2026-05-05T18:30:00+05:30",
      "2026-05-05T09:00:00",
      "2026-05-05T09:00-0400",
      "2026-05-05T09:00",
    } do
      assert.are.equal(nine, local_time.parse(text, ZONE), text)
    end
    assert.are.equal(nine + 125, local_time.parse("2026-05-05T13:00:00.125Z", ZONE))
    for _, text in ipairs {
      "",
      "2026-05-05",
      "2026-05-05 09:00:00",
      "2026-02-30T09:00:00Z",
      "2026-05-05T24:00:00Z",
      "2026-05-05T09:60:00Z",
      "2026-05-05T09:00:00+25:00",
      "2026-05-05T09:00:00Zulu",
      "2026-13-05T09:00:00Z",
      "1777986000000",
    } do
      assert.is_nil(local_time.parse(text, ZONE), text)
    end
  end)

  it("writes them with the offset of the zone and the season", function()
    assert.are.equal("2026-05-05T09:00:00-04:00", local_time.iso(1777986000000, ZONE))
    assert.are.equal("2026-01-05T09:00:00-05:00", local_time.iso(1767621600000, ZONE))
    assert.are.equal("2026-05-05T18:30:00+05:30", local_time.iso(1777986000000, "Asia/Kolkata"))
    assert.are.equal("2026-05-05T13:00:00+00:00", local_time.iso(1777986000000, "UTC"))
    assert.are.equal("2026-05-05T13:00:00.125Z", local_time.stamp(1777986000125))
  end)

  it("adds months, and stays in them", function()
    local function later(date, months)
      return local_time.date_text(local_time.add_months(local_time.parse_date(date), months))
    end
    assert.are.equal("2026-06-15", later("2026-05-15", 1))
    assert.are.equal("2027-02-28", later("2026-12-31", 2))
    assert.are.equal("2028-02-29", later("2028-01-31", 1))
  end)
end)
