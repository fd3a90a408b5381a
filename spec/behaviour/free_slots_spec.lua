-- Free slots of a year, in zones whose clocks change: what client.calendars:each_slot gives over HTTP is what the
-- sandbox computes in one piece, whether its API includes the ends of a window or not, and however it counts 31 days.

local child = require "spec.support.child"
local hoopai = require "hoopai"
local local_time = require "hoopai.sandbox.domain.local_time"
local sandbox = require "hoopai.sandbox"
local slot_zones = require "spec.support.slot_zones"

local DAY, INTERVAL = 86400000, 90
local NOW = slot_zones.at("2024-12-01T00:00:00Z", "UTC")

-- Runs in the process of the sandbox: the zone of a calendar is its name, and HOW is what becomes of the ends of a
-- window. A window that has more than 31 days of the zone, by their dates, is refused too.
local PATCH = [[
local slots = require "hoopai.sandbox.domain.slots"
local local_time, api_errors = require "hoopai.sandbox.domain.local_time", require "hoopai.sandbox.api_errors"
local free = slots.free
function slots.free(store, calendar, query)
  local zone = calendar.name
  if not local_time.is_zone(zone) then return free(store, calendar, query) end
  if (local_time.date(query.to, zone)) - local_time.date(query.from, zone) > 31 then
    api_errors.bad_request "more than 31 days"
  end
  local own = setmetatable({ zone_of = function() return zone end }, { __index = store })
  local kept = {}
  for _, start in ipairs(free(own, calendar, query)) do
    local is_end = start == query.to or "HOW" == "both" and start == query.from
    if "HOW" == "included" or not is_end then kept[#kept + 1] = start end
  end
  return kept
end
]]

--- Starts a sandbox with the patch: its interpreter is a program that loads the patch first.
local function start_sandbox(how)
  local program, patch = os.tmpname(), os.tmpname()
  for path, text in pairs {
    [patch] = PATCH:gsub("HOW", how),
    [program] = ('#!/bin/sh\nexec %s -e "dofile \'%s\'" "$@"\n'):format(child.server_interpreter(), patch),
  } do
    local file = assert(io.open(path, "w"))
    assert(file:write(text))
    assert(file:close())
  end
  assert(os.execute("chmod +x " .. program))
  local ok, box = pcall(sandbox.start, { now = NOW, rate_limit = false, interpreter = program })
  os.remove(program)
  os.remove(patch)
  if not ok then error(box, 0) end
  return box
end

--- What the sandbox computes in one piece, of all zones: "start zone" in order of time.
local function expected(from, to)
  local list = {}
  for place, zone in ipairs(slot_zones.NAMES) do
    for _, start in ipairs(slot_zones.starts(zone, INTERVAL, from, to - 1)) do
      list[#list + 1] = { start = start, place = place, zone = zone }
    end
  end
  table.sort(list, function(a, b)
    if a.start ~= b.start then return a.start < b.start end
    return a.place < b.place
  end)
  return list
end

describe("free slots of a year, in eleven zones,", function()
  for _, how in ipairs { "included", "end", "both" } do
    local names = {
      included = "where the API includes both ends of a window",
      ["end"] = "where it excludes the end",
      both = "where it excludes both ends",
    }
    it("come once each, none is lost, and all are in order of time, " .. names[how], function()
      local box <close> = start_sandbox(how)
      local client <close> =
        hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id, rate_limit = false }
      local ids, zone_of = {}, {}
      for index, zone in ipairs(slot_zones.NAMES) do
        ids[index] = assert(client.calendars:create(slot_zones.calendar(zone, INTERVAL))).id
        zone_of[ids[index]] = zone
      end
      -- where a slot begins in New York and in Berlin, and a month before the clocks of New York are set forward
      local from = slot_zones.at("2025-02-14T00:00:00", "America/New_York")
      local to = from + 360 * DAY
      local wanted, place = expected(from, to), 0
      assert.is_true(#wanted > 11 * 360 * 15)
      hoopai.run(function()
        for slot in client.calendars:each_slot { calendarIds = ids, from = from, to = to } do
          place = place + 1
          local entry = wanted[place]
          local found = zone_of[slot.calendarId] .. " " .. slot.instant:ms()
          if not entry or found ~= entry.zone .. " " .. entry.start then
            error(("slot %d is %s, not %s"):format(place, found, entry and entry.zone .. " " .. entry.start))
          end
        end
      end)
      assert.are.equal(#wanted, place)
    end)
  end

  it("carry the zone that was asked for, across a change of its clocks", function()
    local box <close> = start_sandbox "included"
    local client <close> = hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id }
    for _, zone in ipairs { "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca" } do
      local id = assert(client.calendars:create(slot_zones.calendar(zone, INTERVAL))).id
      local change = slot_zones.changes(zone, 2025)[1]
      local count = 0
      for slot in
        client.calendars:each_slot {
          calendarIds = { id },
          from = change - 3 * DAY,
          to = change + 3 * DAY,
          timezone = zone,
        }
      do
        count = count + 1
        assert.are.equal(zone, slot.instant:zone())
        local later = slot.instant + hoopai.time.weeks(1)
        local _, minutes = local_time.date(slot.instant:ms(), zone)
        local _, then_minutes = local_time.date(later:ms(), zone)
        assert.are.equal(minutes, then_minutes)
      end
      assert.is_true(count > 90)
    end
  end)
end)

describe("the next free slot", function()
  local box
  setup(function() box = sandbox.start { control = true, rate_limit = false } end)
  teardown(function() box:stop() end)

  local function check(client)
    local to = hoopai.time.now() + hoopai.time.days(60)
    local slot, response = assert(client.calendars:next_slot { to = to })
    assert.are.equal(200, response.status)
    local first = client.calendars:each_slot({ to = to }, { validate = false })()
    assert.are.same({ slot.calendarId, slot.startTime }, { first.calendarId, first.startTime })
    local waited = assert(client.calendars:wait_for_slot({ to = to, give_up_after = 20 }, { timeout = 10 }))
    assert.are.equal(slot.startTime, waited.startTime)
  end

  it("is found by a light client, and for an app, in a script and in a task", function()
    local app <close> = hoopai.oauth {
      base_url = box.url,
      client_id = box.oauth.client_id,
      client_secret = box.oauth.client_secret,
      store = hoopai.store.memory(),
    }
    assert(app:exchange { code = box.oauth.code { location_id = box.location_id } })
    local parent <close> = hoopai.new { base_url = box.url, token = box.token }
    local light <close> = parent:with { location_id = box.location_id }
    local of_app <close> = app:client { location_id = box.location_id }
    for _, client in ipairs { light, of_app } do
      check(client)
      hoopai.run(check, client)
    end
  end)

  it("is found by a host that has taken standard functions away after loading", function()
    local text, ok = child.run(([[
      local hoopai = require "hoopai"
      hoopai.preload()
      require, package, io, os, debug = nil, nil, nil, nil, nil
      local client = hoopai.new { base_url = %q, token = %q, location_id = %q }
      local slot, err = client.calendars:next_slot { to = hoopai.time.now() + hoopai.time.days(60) }
      print(slot and slot.startTime or err)
    ]]):format(box.url, box.token, box.location_id))
    assert.is_true(ok, text)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT", text)
  end)

  it("is booked by `book` from a window of any length, which no other booking takes", function()
    local client <close> = hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id }
    local calendar = assert(client.calendars:list())[1]
    local from = hoopai.time.now() + hoopai.time.days(1)
    local wanted = assert(client.calendars:next_slot {
      calendarIds = { calendar.id },
      from = from,
      to = from + hoopai.time.days(400),
    })
    local given = {
      calendarId = calendar.id,
      contactId = "ContactAdele00000000",
      from = from,
      to = from + hoopai.time.days(400),
      reference = "a year and more",
    }
    local booked, response = assert(client.appointments:book(given))
    assert.are.equal(wanted.startTime, response.slot)
    local again, second = assert(client.appointments:book(given))
    assert.are.same({ booked.id, true }, { again.id, second.existing })
  end)
end)
