-- Spans in windows, and the slots of a window in order.

local local_time = require "hoopai.sandbox.domain.local_time"
local slot_zones = require "spec.support.slot_zones"
local time = require "hoopai.time"
local windows = require "hoopai.list.windows"

local HOUR, DAY = 3600000, 86400000
local FROM = 1780000000000

-- The windows of a span as a list of { start, stop, cut }.
local function split(from, to, zone)
  local list, start = {}, windows.start(from)
  while start do
    local stop, next_start = windows.stop(start, to, zone)
    list[#list + 1] = { start, stop, next_start or to }
    start = next_start
  end
  assert.are.equal(#list, windows.count(from, to, zone))
  return list
end

-- The slots as a list, and what cannot be read.
local function merge(...)
  local list, next_slot, odd, calendar = {}, windows.merge(...)
  for slot in next_slot do
    list[#list + 1] = slot
  end
  assert.is_nil(next_slot())
  return list, odd, calendar
end

describe("hoopai.list.windows", function()
  describe("a span", function()
    it("of up to 30 days is one window, which starts before a slot at its beginning", function()
      for _, length in ipairs { 1, 1000, DAY, 29 * DAY } do
        assert.are.same({ { FROM - 1, FROM + length, FROM + length } }, split(FROM, FROM + length))
        assert.are.same({ { FROM + 1, FROM + 1 + length, FROM + 1 + length } }, split(FROM + 1, FROM + 1 + length))
      end
      assert.are.same({ { FROM - 1, FROM + 30 * DAY - 1, FROM + 30 * DAY } }, split(FROM, FROM + 30 * DAY))
    end)

    it("that is longer has windows of 30 days, each from where the one before it stops", function()
      for _, length in ipairs { 30 * DAY + 1000, 60 * DAY, 60 * DAY + 1, 180 * DAY, 400 * DAY + 12345 } do
        for _, from in ipairs { FROM, FROM + 1, FROM + 999 } do
          local list = split(from, from + length)
          assert.is_true(#list <= length // (30 * DAY) + 1)
          assert.are.equal(from % 1000 == 0 and from - 1 or from, list[1][1])
          assert.are.equal(from + length, list[#list][3])
          for index, window in ipairs(list) do
            assert.is_true(window[1] < window[2] and window[2] - window[1] <= 30 * DAY)
            if list[index + 1] then assert.are.equal(list[index + 1][1], window[2]) end
            -- No slot begins where a window starts, whether or not the API includes its ends.
            assert.are_not.equal(0, window[1] % 1000)
          end
        end
      end
    end)

    it("has no window for a last part in which no second begins", function()
      assert.are.equal(2, #split(FROM, FROM + 60 * DAY))
      assert.are.equal(2, #split(FROM + 5, FROM + 60 * DAY + 6))
      assert.are.equal(3, #split(FROM, FROM + 60 * DAY + 1))
    end)

    it("has windows of at most 30 days of a known zone too", function()
      local zone = "Europe/Berlin"
      local from = slot_zones.at("2027-03-01T23:30:00", zone)
      local list = split(from, from + 60 * DAY, zone)
      assert.are.equal(30 * DAY - HOUR, list[1][2] - list[1][1])
      assert.are.equal(30 * DAY, list[2][2] - list[2][1])
      -- of 30 days that are an hour short one window is enough
      assert.are.equal(1, #split(from, from + 30 * DAY - HOUR, zone))
      assert.are.equal(2, #split(from, from + 60 * DAY - HOUR, zone))
      -- where the clocks are set back the hours count
      from = slot_zones.at("2027-10-10T23:30:00", zone)
      assert.are.same({ { from - 1, from + 30 * DAY - 1, from + 30 * DAY } }, split(from, from + 30 * DAY, zone))
    end)

    it(
      "is not split otherwise for a zone that this host does not know",
      function() assert.are.same(split(FROM, FROM + 90 * DAY), split(FROM, FROM + 90 * DAY, "Mars/Phobos")) end
    )
  end)

  describe("over a year, in a zone whose clocks change,", function()
    -- How an API may treat the ends of a window.
    local APIS = {
      ["that includes both ends"] = function(start, from, to) return start >= from and start <= to end,
      ["that excludes the end"] = function(start, from, to) return start >= from and start < to end,
      ["that excludes both ends"] = function(start, from, to) return start > from and start < to end,
    }

    --- The place of the first slot that does not begin before a moment.
    local function first_at(all, moment)
      local low, high = 1, #all + 1
      while low < high do
        local middle = (low + high) // 2
        if all[middle].start < moment then
          low = middle + 1
        else
          high = middle
        end
      end
      return low
    end

    --- What an API returns for a window.
    local function respond(all, includes, from, to)
      local free = {}
      for index = first_at(all, from), first_at(all, to + 1) - 1 do
        local slot = all[index]
        if includes(slot.start, from, to) then
          free[slot.day] = free[slot.day] or { slots = {} }
          table.insert(free[slot.day].slots, slot.text)
        end
      end
      return free
    end

    local function check_window(from, to, zone, is_zone_known)
      assert.is_true(to - from <= 30 * DAY)
      local first, last = local_time.date(from, zone), local_time.date(to, zone)
      assert.is_true(last - first <= 31)
      if is_zone_known then assert.is_true(last - first + 1 <= 31) end -- both dates counted
    end

    --- All slots of a span, read in windows.
    local function read(all, includes, from, to, zone, known)
      local found = {}
      for _, window in ipairs(split(from, to, known)) do
        local first, last, cut = table.unpack(window)
        check_window(first, last, zone, known)
        local list, odd = merge({ "c" }, { c = respond(all, includes, first, last) }, first, cut)
        assert.is_nil(odd)
        for _, slot in ipairs(list) do
          found[#found + 1] = slot.instant:ms()
        end
      end
      return found
    end

    --- Where spans begin: with the year; and before each change, late in the evening, at odd times, and at a slot.
    local function beginnings(zone)
      local list = { slot_zones.at("2025-01-01T00:00:00", zone) }
      for index, change in ipairs(slot_zones.changes(zone, 2025)) do
        local date = local_time.date(change, zone)
        list[#list + 1] = local_time.instant(date - 1, 23 * 60 + 30, zone) + 7
        list[#list + 1] = local_time.instant(date - 25 - index, 23 * 60 + 30, zone)
        list[#list + 1] = change - 30 * DAY
      end
      return list
    end

    for _, zone in ipairs(slot_zones.NAMES) do
      it(zone .. ", no slot comes twice and none is lost", function()
        local begin, finish = slot_zones.at("2024-12-01T00:00:00", zone), slot_zones.at("2026-12-15T00:00:00", zone)
        local all = {}
        for index, start in ipairs(slot_zones.starts(zone, 60, begin, finish)) do
          local text = local_time.iso(start, zone)
          all[index] = { start = start, text = text, day = text:sub(1, 10) }
        end
        for index, from in ipairs(beginnings(zone)) do
          local to, known = from + 365 * DAY, index % 2 == 0 and zone or nil
          local first, last = first_at(all, from), first_at(all, to) - 1
          assert.is_true(last - first > 8700)
          for name, includes in pairs(APIS) do
            local found = read(all, includes, from, to, zone, known)
            assert.are.equal(last - first + 1, #found, name)
            for place, start in ipairs(found) do
              if all[first + place - 1].start ~= start then error(("%s: %d"):format(name, start)) end
            end
          end
        end
      end)
    end
  end)

  describe("the slots of a window", function()
    local function day(...) return { ["2026-12-01"] = { slots = { ... } } } end
    local from, to = time.parse("2026-12-01T08:00:00Z"):ms(), time.parse("2026-12-01T18:00:00Z"):ms()

    it("are in order of time, and of one instant in the order of the calendars", function()
      local list = merge({ "b", "a" }, {
        a = day("2026-12-01T12:00:00Z", "2026-12-01T09:00:00Z"),
        b = {
          ["2026-12-02"] = { slots = { "2026-12-01T17:00:00Z" } },
          ["2026-12-01"] = { slots = { "2026-12-01T10:00:00+01:00", "2026-12-01T10:00:00Z" } },
        },
      }, from, to)
      local texts = {}
      for index, slot in ipairs(list) do
        texts[index] = slot.calendarId .. " " .. slot.day .. " " .. slot.startTime
        assert.are.equal(time.parse(slot.startTime), slot.instant)
      end
      assert.are.same({
        "b 2026-12-01 2026-12-01T10:00:00+01:00",
        "a 2026-12-01 2026-12-01T09:00:00Z",
        "b 2026-12-01 2026-12-01T10:00:00Z",
        "a 2026-12-01 2026-12-01T12:00:00Z",
        "b 2026-12-02 2026-12-01T17:00:00Z",
      }, texts)
      assert.are.equal("+01:00", list[1].instant:zone())
    end)

    it("begin at its start, and before its end; each comes once", function()
      local list = merge({ "a" }, {
        a = day(
          "2026-12-01T07:59:59Z",
          "2026-12-01T08:00:00Z",
          "2026-12-01T09:00:00+01:00",
          "2026-12-01T17:59:59Z",
          "2026-12-01T17:59:59Z",
          "2026-12-01T18:00:00Z"
        ),
      }, from, to)
      assert.are.equal(2, #list)
      assert.are.same({ "2026-12-01T08:00:00Z", "2026-12-01T17:59:59Z" }, { list[1].startTime, list[2].startTime })
    end)

    it("carry the zone that is given: a week later is the same time of day", function()
      local list = merge(
        { "a" },
        { a = { ["2026-10-30"] = { slots = { "2026-10-30T10:00:00-04:00" } } } },
        0,
        to,
        "America/New_York"
      )
      assert.are.equal("America/New_York", list[1].instant:zone())
      assert.are.equal("2026-11-06T10:00:00-05:00", (list[1].instant + time.weeks(1)):iso())
    end)

    it("that cannot be read are reported with their calendar; the others are there", function()
      local odd = {
        { day("soon", "2026-12-01T09:00:00Z"), "soon" },
        { day(7, "2026-12-01T09:00:00Z"), 7 },
        { day("2026-12-01T09:00:00", "2026-12-01T09:00:00Z"), "2026-12-01T09:00:00" },
        { { ["2026-12-02"] = "none", ["2026-12-01"] = { slots = { "2026-12-01T09:00:00Z" } } }, "2026-12-02" },
        {
          { ["2026-12-02"] = { slots = "none" }, ["2026-12-01"] = { slots = { "2026-12-01T09:00:00Z" } } },
          "2026-12-02",
        },
      }
      for _, case in ipairs(odd) do
        local list, what, id = merge({ "b", "a" }, { a = case[1], b = {} }, from, to)
        assert.are.same({ case[2], "a", 1 }, { what, id, #list })
      end
    end)

    it("are none where a calendar has none, or is left out", function()
      assert.are.same({ {} }, { merge({}, {}, from, to) })
      assert.are.same({ {} }, { merge({ "a", "b" }, { b = {} }, from, to) })
    end)

    it("may have other entries beside them, which are no days; but not in their place", function()
      local free = day "2026-12-01T09:00:00Z"
      free.note = "text"
      local list, odd = merge({ "a" }, { a = free }, from, to)
      assert.are.same({ 1 }, { #list, odd })
      assert.are.same({ {}, "note", "a" }, { merge({ "a" }, { a = { note = "text" } }, from, to) })
    end)

    it("that are of no time in the zone are no matter outside of the window", function()
      local free = day("9999-12-31T23:59:59Z", "2026-12-01T09:00:00Z")
      local list, odd = merge({ "a" }, { a = free }, from, to, "Pacific/Auckland")
      assert.are.same({ 1 }, { #list, odd })
    end)
  end)

  it("writes a span in the zone, or in UTC", function()
    local from, to = slot_zones.at("2026-12-01T08:00:00Z", "UTC"), slot_zones.at("2026-12-02T08:00:00Z", "UTC")
    assert.are.equal("2026-12-01T08:00:00+00:00 and 2026-12-02T08:00:00+00:00", windows.text(from, to))
    assert.are.equal("2026-12-01T08:00:00+00:00 and 2026-12-02T08:00:00+00:00", windows.text(from, to, "Mars/Phobos"))
    assert.are.equal("2026-12-01T09:00:00+01:00 and 2026-12-02T09:00:00+01:00", windows.text(from, to, "Europe/Berlin"))
  end)
end)
