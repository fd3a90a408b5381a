-- Rules of series: what they give, and which are rejected.

local local_time = require "hoopai.sandbox.domain.local_time"
local recurrence = require "hoopai.sandbox.domain.recurrence"

local NEW_YORK = "America/New_York"

-- The instances of a rule as texts "2026-10-20T09:00:00-04:00".
local function instances(text, start, zone)
  zone = zone or NEW_YORK
  local rule = assert(recurrence.read(text))
  local found = assert(recurrence.instants(rule, local_time.parse(start, zone), zone))
  for i, ms in ipairs(found) do
    found[i] = local_time.iso(ms, zone)
  end
  return found
end

-- The dates of a rule's instances.
local function dates(text, start)
  local found = instances(text, start .. "T09:00:00")
  for i, shown in ipairs(found) do
    found[i] = shown:sub(1, 10)
  end
  return found
end

describe("a rule of a series", function()
  it("gives the same local time of day on both sides of a change of the clocks", function()
    assert.are.same({
      "2026-10-20T09:00:00-04:00",
      "2026-10-27T09:00:00-04:00",
      "2026-11-03T09:00:00-05:00",
      "2026-11-10T09:00:00-05:00",
    }, instances("RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=4", "2026-10-20T09:00:00"))
    assert.are.same({
      "2026-10-03T23:30:00+10:30",
      "2026-10-04T23:30:00+11:00",
    }, instances("FREQ=DAILY;COUNT=2", "2026-10-03T23:30:00", "Australia/Lord_Howe"))
  end)

  it(
    "moves a time that does not exist on by the gap, on its day alone",
    function()
      assert.are.same({
        "2026-03-07T02:30:00-05:00",
        "2026-03-08T03:30:00-04:00",
        "2026-03-09T02:30:00-04:00",
      }, instances("FREQ=DAILY;COUNT=3", "2026-03-07T02:30:00"))
    end
  )

  for _, case in ipairs {
    { "FREQ=DAILY;INTERVAL=3;COUNT=3", "2026-02-26", { "2026-02-26", "2026-03-01", "2026-03-04" } },
    { "freq=daily;byday=mo,fr;count=3;", "2026-05-04", { "2026-05-04", "2026-05-08", "2026-05-11" } },
    { "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", "2026-05-05", { "2026-05-06", "2026-05-11", "2026-05-13" } },
    -- The two examples of WKST in RFC 5545, section 3.8.5.3.
    {
      "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
      "1997-08-05",
      { "1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24" },
    },
    {
      "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
      "1997-08-05",
      { "1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31" },
    },
    { "FREQ=MONTHLY;COUNT=3", "2026-01-31", { "2026-01-31", "2026-03-31", "2026-05-31" } },
    { "FREQ=MONTHLY;BYMONTHDAY=-1,15;COUNT=3", "2026-02-01", { "2026-02-15", "2026-02-28", "2026-03-15" } },
    { "FREQ=MONTHLY;BYDAY=1MO,-1FR;COUNT=3", "2026-02-01", { "2026-02-02", "2026-02-27", "2026-03-02" } },
    { "FREQ=MONTHLY;INTERVAL=2;BYDAY=+2TU;COUNT=2", "2026-12-01", { "2026-12-08", "2027-02-09" } },
    { "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR;COUNT=2", "2026-01-01", { "2026-02-13", "2026-03-13" } },
    -- 9:00 in New York is 13:00 UTC in summer.
    { "FREQ=DAILY;UNTIL=20260506T130000Z", "2026-05-05", { "2026-05-05", "2026-05-06" } },
    { "FREQ=DAILY;UNTIL=20260506T125959Z", "2026-05-05", { "2026-05-05" } },
    { "FREQ=DAILY;UNTIL=20260506T090000", "2026-05-05", { "2026-05-05", "2026-05-06" } },
    { "FREQ=DAILY;UNTIL=20260506", "2026-05-05", { "2026-05-05", "2026-05-06" } },
  } do
    it("gives its dates: " .. case[1], function() assert.are.same(case[3], dates(case[1], case[2])) end)
  end

  it("has the instances that the API documents for a calendar at most", function()
    assert.are.equal(24, #dates("FREQ=DAILY;COUNT=24", "2026-05-05"))
    assert.are.equal(24, #dates("FREQ=DAILY;UNTIL=20260528", "2026-05-05"))
    local rule = assert(recurrence.read "FREQ=DAILY;UNTIL=20260529")
    local found, problem = recurrence.instants(rule, local_time.parse("2026-05-05T09:00:00", NEW_YORK), NEW_YORK)
    assert.is_nil(found)
    assert.are.equal("the series has more than 24 instances", problem)
  end)

  for text, problem in pairs {
    [""] = "`` is no NAME=VALUE",
    ["every week"] = "`EVERY WEEK` is no NAME=VALUE",
    ["COUNT=2"] = "FREQ is missing",
    ["FREQ=DAILY"] = "a series must end: give COUNT or UNTIL",
    ["FREQ=DAILY;COUNT=2;UNTIL=20260506"] = "COUNT and UNTIL exclude each other",
    ["FREQ=DAILY;COUNT=25"] = "COUNT must not be greater than 24",
    ["FREQ=DAILY;COUNT=0"] = "the value of COUNT cannot be read: 0",
    ["FREQ=DAILY;COUNT=1.5"] = "the value of COUNT cannot be read: 1.5",
    ["FREQ=DAILY;COUNT=2;INTERVAL=-1"] = "the value of INTERVAL cannot be read: -1",
    ["FREQ=DAILY;COUNT=2;COUNT=2"] = "COUNT is there twice",
    ["FREQ=YEARLY;COUNT=2"] = "YEARLY is not supported by the sandbox: DAILY, WEEKLY or MONTHLY",
    ["FREQ=OFTEN;COUNT=2"] = "the value of FREQ cannot be read: OFTEN",
    ["FREQ=WEEKLY;COUNT=2;BYDAY=MONDAY"] = "the value of BYDAY cannot be read: MONDAY",
    ["FREQ=WEEKLY;COUNT=2;BYDAY=1MO"] = "numbers in BYDAY go with MONTHLY only",
    ["FREQ=WEEKLY;COUNT=2;BYMONTHDAY=1"] = "BYMONTHDAY does not go with WEEKLY",
    ["FREQ=MONTHLY;COUNT=2;BYMONTHDAY=32"] = "the value of BYMONTHDAY cannot be read: 32",
    ["FREQ=MONTHLY;COUNT=2;BYSETPOS=1"] = "BYSETPOS is not supported by the sandbox",
    ["FREQ=DAILY;COUNT=2;EXDATE=20260506"] = "EXDATE is no part of a rule",
    ["FREQ=DAILY;UNTIL=20260231"] = "the value of UNTIL cannot be read: 20260231",
    ["FREQ=DAILY;UNTIL=20260506T250000Z"] = "the value of UNTIL cannot be read: 20260506T250000Z",
  } do
    it("is rejected: " .. text, function()
      local rule, why = recurrence.read(text)
      assert.is_nil(rule)
      assert.are.equal(problem, why)
    end)
  end

  for text, problem in pairs {
    ["FREQ=DAILY;UNTIL=20200101"] = "the series has no instance",
    ["FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30;COUNT=2"] = "the series has no instance",
    ["FREQ=DAILY;INTERVAL=9999;COUNT=24"] = "the series has fewer than 24 instances",
  } do
    it("gives no series: " .. text, function()
      local rule = assert(recurrence.read(text))
      local found, why = recurrence.instants(rule, local_time.parse("2026-02-20T09:00:00", NEW_YORK), NEW_YORK)
      assert.is_nil(found)
      assert.are.equal(problem, why)
    end)
  end
end)
