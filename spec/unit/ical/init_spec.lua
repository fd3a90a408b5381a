-- hoopai.ical: events as an iCalendar file. The files are read back by python3-icalendar, their time zones by dateutil.

local child = require "spec.support.child"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local ical = require "spec.support.ical"
local time = require "hoopai.time"
local zones = require "hoopai.time.zone"

local null = hoopai.null

-- An event of the API, with some fields changed; false removes one.
local function event(changes)
  local record = {
    id = "q8ZtLw2NfVb5KcRyXs1d",
    title = "Haircut",
    address = "1 Main Street",
    calendarId = "c1",
    locationId = "l1",
    contactId = "k1",
    groupId = "",
    appointmentStatus = "confirmed",
    assignedUserId = "u1",
    users = {},
    startTime = "2026-12-15T10:00:00-05:00",
    endTime = "2026-12-15T10:30:00-05:00",
    dateAdded = "2026-11-01T12:00:00.000Z",
    dateUpdated = "2026-11-02T12:00:30.500Z",
  }
  for name, value in pairs(changes or {}) do
    if value == false then value = nil end
    record[name] = value
  end
  return record
end

local function seconds(text) return assert(time.parse(text)):ms() // 1000 end

-- What icalendar reads of one event.
local function read_event(changes, options) return ical.read(hoopai.ical({ event(changes) }, options)).events[1] end

describe("a calendar file", function()
  it(
    "has the fields of an event",
    function()
      assert.are.equal(
        table.concat({
          "BEGIN:VCALENDAR",
          "VERSION:2.0",
          "PRODID:-//hoopai//hoopai for Lua//EN",
          "CALSCALE:GREGORIAN",
          "BEGIN:VEVENT",
          "UID:q8ZtLw2NfVb5KcRyXs1d@hoopai",
          "DTSTAMP:20261102T120030Z",
          "DTSTART:20261215T150000Z",
          "DTEND:20261215T153000Z",
          "SUMMARY:Haircut",
          "DESCRIPTION:Bring a hat\\nLikes tea\\, not coffee",
          "LOCATION:1 Main Street",
          "STATUS:CONFIRMED",
          "TRANSP:OPAQUE",
          "SEQUENCE:86430",
          "CREATED:20261101T120000Z",
          "LAST-MODIFIED:20261102T120030Z",
          "END:VEVENT",
          "END:VCALENDAR",
          "",
        }, "\r\n"),
        hoopai.ical { event { description = "Bring a hat", notes = "Likes tea, not coffee" } }:gsub("\\n\\n", "\\n")
      )
    end
  )

  it("is read by python3-icalendar", function()
    local file = ical.read(hoopai.ical({
      event { description = "Bring a hat", notes = "Likes tea, not coffee" },
      -- As client.block_slots:all returns it.
      { id = "b1", title = "Lunch", startTime = "2026-12-15T12:00:00Z", endTime = "2026-12-15T13:00:00Z" },
    }, { name = "Team; north", method = "PUBLISH" }))
    assert.are.same({
      VERSION = "2.0",
      PRODID = "-//hoopai//hoopai for Lua//EN",
      CALSCALE = "GREGORIAN",
      METHOD = "PUBLISH",
    }, file.properties)
    assert.are.equal("Team; north", file.name)
    assert.are.same({ "VCALENDAR", "VEVENT", "VEVENT" }, file.components)
    assert.are.same({
      {
        UID = "q8ZtLw2NfVb5KcRyXs1d@hoopai",
        SUMMARY = "Haircut",
        DESCRIPTION = "Bring a hat\n\nLikes tea, not coffee",
        LOCATION = "1 Main Street",
        STATUS = "CONFIRMED",
        TRANSP = "OPAQUE",
        SEQUENCE = 86430,
        DTSTAMP = seconds "2026-11-02T12:00:30Z",
        CREATED = seconds "2026-11-01T12:00:00Z",
        ["LAST-MODIFIED"] = seconds "2026-11-02T12:00:30Z",
        DTSTART = seconds "2026-12-15T15:00:00Z",
        DTEND = seconds "2026-12-15T15:30:00Z",
      },
      {
        UID = "b1@hoopai",
        SUMMARY = "Lunch",
        TRANSP = "OPAQUE",
        DTSTAMP = 0,
        DTSTART = seconds "2026-12-15T12:00:00Z",
        DTEND = seconds "2026-12-15T13:00:00Z",
      },
    }, file.events)
  end)

  it("may have no events", function()
    for _, options in ipairs { {}, { zone = "Europe/Berlin", name = "None", domain = "example.com" } } do
      local text = hoopai.ical({}, options)
      assert.are.equal("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", text:sub(1, 30))
      assert.are.equal("\r\nEND:VCALENDAR\r\n", text:sub(-17))
      local file = ical.read(text)
      assert.are.same({ "VCALENDAR" }, file.components)
      assert.are.equal(options.name, file.name)
    end
  end)

  it(
    "is of one event that is given alone",
    function() assert.are.equal(hoopai.ical { event() }, hoopai.ical(event())) end
  )

  it("is the same for the same events, and leaves them alone", function()
    local events = { event { title = "a\r\nb" }, event { id = "2", notes = "x" } }
    local text = hoopai.ical(events, { zone = "America/New_York" })
    assert.are.equal(text, hoopai.ical(events, { zone = "America/New_York" }))
    assert.are.same({ event { title = "a\r\nb" }, event { id = "2", notes = "x" } }, events)
  end)

  it("needs neither io nor os, but for the names of zones", function()
    local text, ok = child.run [[
      local print = print
      local hoopai = require "hoopai"
      hoopai.preload()
      io, os = nil, nil
      local events = { { id = "1", startTime = "2026-12-15T12:00:00Z", endTime = "2026-12-15T13:00:00Z" } }
      print(#hoopai.ical(events) > 100 and #hoopai.ical(events, { zone = "+05:30" }) > 200)
    ]]
    assert.is_true(ok, text)
    assert.are.equal("true\n", text)
  end)
end)

describe("an event in a calendar file", function()
  it("has a status", function()
    for status, expected in pairs {
      new = "TENTATIVE",
      confirmed = "CONFIRMED",
      active = "CONFIRMED",
      showed = "CONFIRMED",
      completed = "CONFIRMED",
      noshow = "CONFIRMED",
      cancelled = "CANCELLED",
      invalid = "CANCELLED",
      Cancelled = "CANCELLED",
    } do
      local read = read_event { appointmentStatus = status }
      assert.are.equal(expected, read.STATUS, status)
      assert.are.equal(expected == "CANCELLED" and "TRANSPARENT" or "OPAQUE", read.TRANSP, status)
    end
    assert.are.equal("CANCELLED", read_event({ appointmentStatus = false, appoinmentStatus = "cancelled" }).STATUS)
    assert.are.equal("CANCELLED", read_event({ deleted = true }).STATUS)
    assert.are.equal("CONFIRMED", read_event({ deleted = false }).STATUS)
    for _, unknown in ipairs { false, "rescheduled", "", null, 5 } do
      local read = read_event { appointmentStatus = unknown }
      assert.is_nil(read.STATUS)
      assert.are.equal("OPAQUE", read.TRANSP)
    end
  end)

  it("has a description of its two texts", function()
    assert.are.equal("a\n\nb", read_event({ description = "a", notes = "b" }).DESCRIPTION)
    assert.are.equal("a", read_event({ description = "a", notes = "a" }).DESCRIPTION)
    assert.are.equal("a", read_event({ description = "a", notes = null }).DESCRIPTION)
    assert.are.equal("b", read_event({ description = "", notes = "b" }).DESCRIPTION)
  end)

  it("lacks what the record lacks", function()
    for _, none in ipairs { false, null, "" } do
      local read = read_event { title = none, address = none, description = none, notes = none }
      assert.is_nil(read.SUMMARY or read.LOCATION or read.DESCRIPTION)
    end
    local read = read_event { dateUpdated = false }
    assert.is_nil(read.SEQUENCE or read["LAST-MODIFIED"])
    assert.are.equal(seconds "2026-11-01T12:00:00Z", read.DTSTAMP)
    read = read_event { dateAdded = null }
    assert.is_nil(read.SEQUENCE or read.CREATED)
    assert.are.equal(seconds "2026-11-02T12:00:30Z", read.DTSTAMP)
    for _, unreadable in ipairs { "2026-11-01 12:00:00", "yesterday", true, {}, 5 } do
      read = read_event { dateAdded = unreadable, dateUpdated = unreadable }
      assert.is_nil(read.SEQUENCE or read.CREATED or read["LAST-MODIFIED"])
      assert.are.equal(0, read.DTSTAMP)
    end
  end)

  it("has a number that grows with each change", function()
    local last = -1
    for _, updated in ipairs {
      "2026-11-01T12:00:00Z",
      "2026-11-01T12:00:01Z",
      "2026-11-02T00:00:00Z",
      "2099-01-01T00:00:00Z",
    } do
      local number = read_event({ dateUpdated = updated }).SEQUENCE
      assert.is_true(number > last and number < 2 ^ 31)
      last = number
    end
    assert.are.equal(0, read_event({ dateUpdated = "2026-11-01T12:00:00.999Z" }).SEQUENCE)
    assert.are.equal(0, read_event({ dateUpdated = "2026-10-01T12:00:00Z" }).SEQUENCE)
    assert.are.equal(2147483647, read_event({ dateUpdated = "2199-01-01T00:00:00Z" }).SEQUENCE)
  end)

  it("has one UID in all files", function()
    local uid = read_event().UID
    local later = { title = "Other", startTime = "2026-12-16T10:00:00Z", endTime = "2026-12-16T11:00:00Z" }
    assert.are.equal(uid, read_event(later, { zone = "Europe/Berlin", name = "x", now = 1795955637000 }).UID)
    assert.are.equal("q8ZtLw2NfVb5KcRyXs1d@example.com", read_event({}, { domain = "example.com" }).UID)
    assert.are.equal("s_1765810800000_1800@hoopai", read_event({ id = "s_1765810800000_1800" }).UID)
    assert.are.equal("5@hoopai", read_event({ id = 5 }).UID)
    assert.are.equal("a,b@hoopai", read_event({ id = "a,b" }).UID)
  end)

  it("is stamped with the time that is given", function()
    for _, now in ipairs { time.from_ms(1795955637123), 1795955637123, "2026-11-29T12:33:57+00:00" } do
      assert.are.equal(1795955637, read_event({}, { now = now }).DTSTAMP)
    end
  end)

  it("stands for itself if it is of a series", function()
    local read = read_event { isRecurring = true, rrule = "RRULE:FREQ=WEEKLY;COUNT=4", masterEventId = "m" }
    assert.is_nil(read.RRULE)
  end)

  it("takes times as texts, instants and milliseconds", function()
    local start, finish = time.parse "2026-12-15T10:00:00-05:00", time.parse "2026-12-15T10:30:00-05:00"
    local text = hoopai.ical { event() }
    assert.are.equal(text, hoopai.ical { event { startTime = start, endTime = finish } })
    assert.are.equal(text, hoopai.ical { event { startTime = start:ms(), endTime = tostring(finish:ms()) } })
    assert.are.equal(text, hoopai.ical { event { startTime = "2026-12-15T15:00:00.999Z" } })
    assert.are.equal(-86400, read_event({ startTime = "1969-12-31T00:00:00Z" }).DTSTART)
  end)

  it("without a length has no end", function()
    local read = read_event { endTime = "2026-12-15T10:00:00.400-05:00" }
    assert.are.equal(seconds "2026-12-15T15:00:00Z", read.DTSTART)
    assert.is_nil(read.DTEND)
  end)

  it("is written once, as it was updated last", function()
    local old, new = event { title = "Old" }, event { title = "New", dateUpdated = "2026-11-03T00:00:00Z" }
    local other = event { id = "other", title = "Other" }
    for _, events in ipairs { { old, other, new }, { new, other, old }, { new, new, other, new } } do
      local titles = {}
      for _, read in ipairs(ical.read(hoopai.ical(events)).events) do
        titles[#titles + 1] = read.SUMMARY
      end
      assert.are.same({ "New", "Other" }, titles)
    end
  end)
end)

describe("the texts of a calendar file", function()
  -- Pieces of texts, and what is read of them where that is something else.
  -- stylua: ignore
  local PIECES = {
    { "a" }, { " " }, { "\t" }, { "," }, { ";" }, { ":" }, { '"' }, { "\\" }, { "\\n" }, { "\\N" }, { "\\," }, { "^n" },
    { "\r\n", "\n" }, { "\rx", "\nx" }, { "\n" }, { "\n ", "\n " }, { "\0", "" }, { "\27[2J", "[2J" }, { "\127", "" },
    { "\u{85}", "\n" }, { "\u{9B}", "" }, { "\u{2028}", "\n" }, { "\u{2029}", "\n" }, { "\v", "" }, { "\f", "" },
    { "é" }, { "e\u{301}" }, { "漢字" }, { "😀" }, { "👩\u{200D}👩\u{200D}👧" }, { "\u{202E}" }, { "\u{FEFF}" },
    { "\xFFx", "\u{FFFD}x" }, { "\xE2\x82x", "\u{FFFD}\u{FFFD}x" }, { "\xC0\x80", "\u{FFFD}\u{FFFD}" },
    { "\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\r\n", "\nEND:VEVENT\nBEGIN:VEVENT\nUID:evil\n" },
    { ";VALUE=DATE" }, { "BEGIN:VALARM" }, { "=0D=0A" }, { ("word"):rep(50) }, { ("😀"):rep(40) }, { ("é,"):rep(60) },
  }

  it("cannot add lines, and are read as they were", function()
    local state = 4711
    local function random(limit)
      state = (state * 1103515245 + 12345) % 2147483648
      return state // 65536 % limit + 1
    end
    local function text(count)
      local given, read = {}, {}
      for index = 1, count do
        local piece = PIECES[random(#PIECES)]
        given[index], read[index] = piece[1], piece[2] or piece[1]
      end
      return table.concat(given), table.concat(read)
    end
    local files, expected = {}, {}
    for round = 1, 120 do
      local events, reads = {}, {}
      for index = 1, 4 do
        local title, read_title = text(random(12))
        local address, read_address = text(random(12))
        local notes, read_notes = text(random(30))
        events[index] = event { id = "e" .. index, title = title, address = address, notes = notes }
        reads[index] = {
          UID = "e" .. index .. "@hoopai",
          SUMMARY = read_title ~= "" and read_title or nil,
          LOCATION = read_address ~= "" and read_address or nil,
          DESCRIPTION = read_notes ~= "" and read_notes or nil,
          STATUS = "CONFIRMED",
          TRANSP = "OPAQUE",
        }
      end
      files[round], expected[round] = hoopai.ical(events, { name = text(5) }), reads
    end
    for round, file in ipairs(ical.read_all(files)) do
      assert.are.same(expected[round], file.strictly)
      assert.are.same({ "VCALENDAR", "VEVENT", "VEVENT", "VEVENT", "VEVENT" }, file.components)
      for index, read in ipairs(file.events) do
        for name, value in pairs(expected[round][index]) do
          -- icalendar takes the escaped backslash before an n, a comma or a semicolon for the beginning of an escape.
          if not value:find("\\", 1, true) then assert.are.equal(value, read[name]) end
        end
      end
    end
  end)

  it("are left out where nothing of them is left", function()
    local empty = { title = "\0", address = "\127", notes = "\u{85}\0", description = "\1" }
    local file = hoopai.ical({ event(empty) }, { name = "" })
    assert.is_nil(file:find("SUMMARY", 1, true))
    assert.is_nil(file:find("LOCATION", 1, true))
    assert.is_nil(file:find("X-WR-CALNAME", 1, true))
    assert.is_nil(file:find ":\r\n")
  end)

  it("are those of the name and the id too", function()
    local evil = "x\r\nBEGIN:VEVENT\r\n"
    local file = ical.read(hoopai.ical({ event { id = evil } }, { name = evil }))
    assert.are.same({ "VCALENDAR", "VEVENT" }, file.components)
    assert.are.equal("x\nBEGIN:VEVENT\n", file.name)
    assert.are.equal("x\nBEGIN:VEVENT\n@hoopai", file.events[1].UID)
  end)
end)

-- Zones whose clocks change by an hour, half an hour and a day, at midnight, by a table alone, in Ramadan, or never.
-- stylua: ignore
local ZONES = {
  "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Europe/Dublin",
  "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Chatham", "America/Sao_Paulo", "Asia/Tehran", "+05:30",
  "-03:30", "Antarctica/Troll", "America/Asuncion", "Etc/GMT+5",
}

describe("a calendar file with a zone", function()
  local function add(events, starts, length)
    local start = time.from_seconds(starts, "UTC")
    events[#events + 1] = {
      id = tostring(#events + 1),
      startTime = start:iso(),
      endTime = (start + time.seconds(length)):iso(),
    }
  end

  -- Events each few days, and each quarter of an hour around each change of the clocks.
  local function events_of(name, from, to)
    local events, zone, t = {}, assert(zones.load(name)), from
    while t < to do
      add(events, t, 1800)
      t = t + 11 * 86400 + 3 * 3600
    end
    local _, _, change = zones.at(zone, from)
    while change < to do
      for step = -9, 9 do
        add(events, change + step * 900, 900)
      end
      local _, _, following = zones.at(zone, change)
      change = following
    end
    return events
  end

  -- Whether icalendar finds the changes of so late a year: in its older versions a zone of a known name has none.
  local LAST_YEAR = 2037

  local function check(name, file, events, is_known)
    local is_local = 0
    assert.are.equal(#events, #file.events)
    for index, read in ipairs(file.events) do
      for property, field in pairs { DTSTART = "startTime", DTEND = "endTime" } do
        local where = name .. " " .. events[index][field]
        if is_known then assert.are.equal(seconds(events[index][field]), read[property], where) end
        local by_rules = read[property .. " by VTIMEZONE"]
        if by_rules then
          is_local = is_local + 1
          assert.are.equal(seconds(events[index][field]), by_rules, where)
          assert.are.equal(file.zones[1], read[property .. " zone"])
          -- What the clocks show, by the zone file of the system.
          local clock = assert(time.parse(events[index][field])):format("%FT%T", name)
          assert.are.equal(clock, read[property .. " local"])
        end
      end
      assert.are.equal(read["DTSTART zone"], read["DTEND zone"])
    end
    local zone = assert(zones.load(name))
    for index, change in ipairs(file.changes[1]) do
      local offset, from, to = zones.at(zone, change[1])
      assert.are.equal(offset, change[2], name)
      if from > math.mininteger then assert.are.equal(from, change[1], name) end
      local following = file.changes[1][index + 1]
      if following then assert.are.equal(to, following[1], name) end
    end
    -- In UTC are those around a change alone.
    assert.is_true(is_local > #events, name)
  end

  for _, span in ipairs {
    { "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z" },
    { "2010-09-01T00:00:00Z", "2012-03-01T00:00:00Z" },
    { "2061-01-01T00:00:00Z", "2062-01-01T00:00:00Z" },
  } do
    it("has each event at its time, from " .. span[1], function()
      local files, lists = {}, {}
      for index, name in ipairs(ZONES) do
        lists[index] = events_of(name, seconds(span[1]), seconds(span[2]))
        files[index] = hoopai.ical(lists[index], { zone = name })
      end
      for index, file in ipairs(ical.read_all(files)) do
        assert.are.equal(1, #file.zones, ZONES[index])
        check(ZONES[index], file, lists[index], tonumber(span[1]:sub(1, 4)) < LAST_YEAR)
      end
    end)
  end

  it("writes an event in UTC whose local time comes twice", function()
    local text = hoopai.ical({
      event { startTime = "2026-10-25T01:30:00+02:00", endTime = "2026-10-25T02:30:00+02:00" },
      event { id = "2", startTime = "2026-10-25T02:30:00+01:00", endTime = "2026-10-25T03:30:00+01:00" },
      event { id = "3", startTime = "2026-10-25T01:30:00+02:00", endTime = "2026-10-25T03:30:00+01:00" },
    }, { zone = "Europe/Berlin" })
    local times = {}
    for line in text:gsub("BEGIN:VTIMEZONE.*END:VTIMEZONE", ""):gmatch "(DT[SE][TN][AD]R?T?[:;].-)\r\n" do
      times[#times + 1] = line
    end
    assert.are.same({
      "DTSTART:20261024T233000Z",
      "DTEND:20261025T003000Z",
      "DTSTART:20261025T013000Z",
      "DTEND:20261025T023000Z",
      "DTSTART;TZID=Europe/Berlin:20261025T013000",
      "DTEND;TZID=Europe/Berlin:20261025T033000",
    }, times)
  end)

  it("of UTC has no VTIMEZONE", function()
    for _, zone in ipairs { "UTC", "Z", "Etc/UTC", "+00:00" } do
      assert.are.equal(hoopai.ical { event() }, hoopai.ical({ event() }, { zone = zone }))
    end
  end)
end)

describe("hoopai.ical", function()
  it("takes the second result of the call that returned the events", function()
    local events = { event() }
    local text = hoopai.ical(events)
    local function call() return events, { status = 200, headers = {}, attempts = 1 } end
    assert.are.equal(text, hoopai.ical(call()))
    assert.are.equal(text, hoopai.ical(events, nil))
    assert.are.equal(text, hoopai.ical(events, {}))
    local err = errors.new { kind = "not_found", message = "Calendar not found", status = 404 }
    expect.misuse(
      function() hoopai.ical(nil, err) end,
      "hoopai.ical got nil, because a call before it failed: not_found: Calendar not found (HTTP 404)"
    )
  end)

  it("takes nothing but a list of events", function()
    for _, case in ipairs {
      { nil, "hoopai.ical expects a list of events, got nil" },
      { 5, "got 5" },
      { "events", 'got the string "events"' },
      { time.now(), "got a table" },
      { hoopai.new { token = "t" }, "got hoopai.Client" },
      { function() end, "got a function: client.events:all returns the list that client.events:each reads" },
      { { status = 200, headers = {} }, "got the response: the events are the result before it" },
      { { dry_run = true, headers = {}, attempts = 0 }, "got the response: the events are the result before it" },
      { { events = {} }, "got a table with the field `events`: give its list `events`" },
      { { ["2026-12-15"] = { slots = {} } }, "got a table with the field `2026-12-15`" },
      { { [3] = event() }, "got a table with the field `3`" },
      { { { event() } }, "events[1] is a list: give one list with all events" },
      { { event(), 5 }, "hoopai.ical cannot write these events: events[2] must be an event, got 5" },
      { { event(), time.now() }, "events[2] must be an event, got a table" },
    } do
      expect.misuse(function() hoopai.ical(case[1]) end, case[2])
    end
    expect.misuse(
      function() hoopai.ical({ dry_run = true, method = "PUT" }, { dry_run = true, headers = {} }) end,
      "got the request of a change that `dry_run` kept from being sent"
    )
    expect.misuse(function() hoopai:ical() end, "call it with a dot: hoopai.ical(...)")
    local lists = hoopai.map({ 1, 2 }, function(index) return event { id = index } end)
    assert.are.equal(2, #ical.read(hoopai.ical(lists)).events)
  end)

  it("names all events that it cannot write", function()
    local message = expect.misuse(
      function()
        hoopai.ical {
          event { startTime = false },
          event { id = "2", endTime = null },
          event { id = false },
          event { id = "4", startTime = "2026-12-15T10:00:00" },
          event { id = "5", endTime = "2026-12-15T09:00:00-05:00" },
          event { id = {}, startTime = 1795955637 },
          event { id = "7", title = {} },
        }
      end,
      "hoopai.ical cannot write these events: events[1].startTime is missing; events[2].endTime is missing; "
        .. 'events[3].id is missing; events[4].startTime: "2026-12-15T10:00:00" has no offset: write '
        .. '"2026-12-15T10:00:00-05:00" with the offset of the zone you mean',
      "; events[5].endTime: must not be before startTime; events[6].id: must be a text, got a table; "
        .. "events[6].startTime: 1795955637 looks like seconds: write milliseconds",
      "; events[7].title: must be a text, got a table (responses to create and update often have no times: "
        .. "read the appointment again with get)"
    )
    assert.is_nil(message:find("more", 1, true))
    local many = {}
    for index = 1, 30 do
      many[index] = event { id = index, endTime = {} }
    end
    message = expect.misuse(
      function() hoopai.ical(many) end,
      'events[8].endTime: must be an instant: write milliseconds, a text such as "2024-10-28T10:00:00-05:00"',
      "; and 22 more"
    )
    assert.is_nil(message:find("events[9]", 1, true))
    assert.is_nil(message:find("responses to create", 1, true))
  end)

  it("refuses wrong options", function()
    local names = "; it has domain, method, name, now, zone"
    for _, case in ipairs {
      { { zome = "UTC" }, "hoopai.ical has no option `zome`, did you mean `zone`?" },
      { { timezone = "UTC" }, "hoopai.ical has no option `timezone`, did you mean `zone`?" },
      { { colour = "red" }, "hoopai.ical has no option `colour`" .. names },
      { { "UTC" }, "hoopai.ical has no option `1`" .. names },
      { { zone = "Mars/Olympus" }, 'option `zone` of hoopai.ical is wrong: unknown time zone "Mars/Olympus"' },
      { { zone = 5 }, "option `zone` of hoopai.ical is wrong: a zone is a string" },
      { { name = 5 }, "option `name` of hoopai.ical must be a string, got 5" },
      {
        { domain = "a b" },
        'option `domain` of hoopai.ical must be a name such as "example.com", got the string "a b"',
      },
      { { domain = "a\r\nX:y" }, "option `domain` of hoopai.ical must be a name" },
      { { domain = "" }, "option `domain` of hoopai.ical must be a name" },
      { { domain = {} }, "option `domain` of hoopai.ical must be a name" },
      {
        { method = "publish" },
        'must be a method such as "PUBLISH", got the string "publish", did you mean `PUBLISH`?',
      },
      { { method = "X\r\nY:z" }, "option `method` of hoopai.ical must be a method" },
      { { method = true }, "option `method` of hoopai.ical must be a method" },
      { { now = true }, "option `now` of hoopai.ical is wrong: must be an instant" },
      { { now = 1795955637 }, "option `now` of hoopai.ical is wrong: 1795955637 looks like seconds" },
      { "Europe/Berlin", 'are a table such as { zone = "Europe/Berlin" }, got the string "Europe/Berlin"' },
      { time.now(), 'the options of hoopai.ical are a table such as { zone = "Europe/Berlin" }, got a table' },
      { 5, "got 5" },
    } do
      expect.misuse(function() hoopai.ical({ event() }, case[1]) end, case[2])
      expect.misuse(function() hoopai.ical({}, case[1]) end, case[2])
    end
  end)
end)
