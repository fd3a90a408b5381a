-- hoopai.ical.timezone: local times, and the VTIMEZONE of a zone.

local time = require "hoopai.time"
local timezone = require "hoopai.ical.timezone"
local zones = require "hoopai.time.zone"

local function seconds(text) return assert(time.parse(text)):ms() // 1000 end

local function vtimezone(name, first, last)
  local lines = {}
  timezone.put(assert(zones.load(name)), seconds(first), seconds(last), function(line) lines[#lines + 1] = line end)
  return lines
end

describe("a local time", function()
  local berlin = assert(zones.load "Europe/Berlin")

  it("is what the clocks show", function()
    assert.are.equal("20261215T100000", timezone.local_time(berlin, seconds "2026-12-15T10:00:00+01:00"))
    assert.are.equal("20260615T235959", timezone.local_time(berlin, seconds "2026-06-15T23:59:59+02:00"))
    assert.are.equal("20260329T030000", timezone.local_time(berlin, seconds "2026-03-29T03:00:00+02:00"))
    assert.are.equal("00010102T000000", timezone.local_time(assert(zones.load "UTC"), seconds "0001-01-02T00:00:00Z"))
    assert.are.equal("20261215T090000Z", timezone.utc(seconds "2026-12-15T10:00:00+01:00"))
    assert.are.equal("99991231T235959Z", timezone.utc(seconds "9999-12-31T23:59:59Z"))
  end)

  it("is none where the clocks show it twice", function()
    for _, text in ipairs {
      "2026-10-25T02:00:00+02:00",
      "2026-10-25T02:59:59+02:00",
      "2026-10-25T02:00:00+01:00",
      "2026-10-25T02:59:59+01:00",
    } do
      assert.is_nil(timezone.local_time(berlin, seconds(text)), text)
    end
    assert.are.equal("20261025T015959", timezone.local_time(berlin, seconds "2026-10-25T01:59:59+02:00"))
    assert.are.equal("20261025T030000", timezone.local_time(berlin, seconds "2026-10-25T03:00:00+01:00"))
  end)
end)

describe("the name of a zone", function()
  it("is that of the database, and without a colon", function()
    assert.are.equal("Europe/Berlin", timezone.id(assert(zones.load "Europe/Berlin")))
    assert.are.equal("UTC+0530", timezone.id(assert(zones.load "+05:30")))
    assert.are.equal("UTC-0330", timezone.id(assert(zones.load "-03:30")))
  end)
end)

describe("a VTIMEZONE", function()
  it(
    "has the changes between two instants, and the one before",
    function()
      assert.are.same({
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:STANDARD",
        "DTSTART:20251026T030000",
        "RDATE:20261025T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:20260329T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
      }, vtimezone("Europe/Berlin", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"))
    end
  )

  it("has half hours, and offsets with seconds", function()
    assert.are.same({
      "BEGIN:VTIMEZONE",
      "TZID:Australia/Lord_Howe",
      "BEGIN:DAYLIGHT",
      "DTSTART:20251005T020000",
      "TZOFFSETFROM:+1030",
      "TZOFFSETTO:+1100",
      "TZNAME:+11",
      "END:DAYLIGHT",
      "BEGIN:STANDARD",
      "DTSTART:20260405T020000",
      "TZOFFSETFROM:+1100",
      "TZOFFSETTO:+1030",
      "TZNAME:+1030",
      "END:STANDARD",
      "END:VTIMEZONE",
    }, vtimezone("Australia/Lord_Howe", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"))
    -- The mean time of Paris.
    local text = table.concat(vtimezone("Europe/Paris", "1900-01-01T00:00:00Z", "1912-01-01T00:00:00Z"), "\n")
    assert.matches("TZOFFSETTO:%+000921\n", text)
    assert.matches("TZOFFSETFROM:%+000921\nTZOFFSETTO:%+0000\n", text)
  end)

  it("begins before the first event where the clocks never change", function()
    local function of(name, first)
      return table.concat(vtimezone(name, first, first), "\n"):match "BEGIN:STANDARD\nDTSTART:(%d+T%d+)\n"
    end
    assert.are.equal("19700101T000000", of("+05:30", "2026-01-01T00:00:00Z"))
    assert.are.equal("19690101T000000", of("+05:30", "1969-05-01T00:00:00Z"))
    assert.are.equal("19700101T000000", of("Etc/GMT+5", "2026-01-01T00:00:00Z"))
    assert.are.equal("19700101T000000", of("+05:30", "1969-12-31T20:00:00Z"))
  end)
end)
