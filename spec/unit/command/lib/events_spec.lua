local contexts = require "hoopai.command.lib.context"
local events = require "hoopai.command.lib.events"
local hoopai = require "hoopai"
local names = require "hoopai.command.lib.names"

local time = hoopai.time

local function new(lists)
  local context = contexts.new({}, {}, {})
  context.on_terminal = { stdin = false, stdout = false, stderr = false }
  local asked = {}
  local function all(key)
    return {
      all = function(_, query, options)
        asked[key] = query
        options.progress(1, 1)
        if lists[key] then return lists[key], {} end
        return nil, { kind = "server" }
      end,
    }
  end
  context.opened = { events = all "events", block_slots = all "block_slots", close = function() end }
  context.found_names = names.new {
    calendars = { list = function() return { { id = "c", name = "Laser", teamMembers = { { userId = "u" } } } } end },
    groups = { list = function() return { { id = "g", name = "Skin" } } end },
    users = { get = function() return nil, { kind = "scope" } end },
    contacts = {
      get = function(_, id)
        if id == "k1" then return { name = "Ann" } end
        return nil, { kind = "not_found" }
      end,
    },
  }
  return context, asked
end

describe("the events of a command", function()
  local from = time.day("2024-03-04", "UTC")
  local function at(hour) return ("2024-03-04T%02d:00:00Z"):format(hour) end

  it("are read with the blocked times, in order of time", function()
    local context, asked = new {
      events = {
        { id = "2", startTime = at(10), endTime = at(9), calendarId = "c", assignedUserId = "u", title = "b" },
        { id = "1", startTime = at(9), appoinmentStatus = "new" },
        { id = "3", startTime = at(8), endTime = at(9), deleted = true },
      },
      block_slots = { { id = "0", startTime = at(10), endTime = at(11), appointmentStatus = "confirmed" } },
    }
    local entries = events.read(context, { calendarId = "c" }, from, from + time.days(1))
    local texts = {}
    for index, entry in ipairs(entries) do
      local minutes = (entry.stop:ms() - entry.start:ms()) // 60000
      texts[index] = ("%s %d %s %s %s"):format(entry.record.id, minutes, entry.status, entry.calendar, entry.user)
    end
    assert.are.same({ "1 0 new  ", "2 0 nil Laser u", "0 60 nil  " }, texts)
    assert.are.same({ "c", from }, { asked.events.calendarId, asked.block_slots.from })
    local document = events.document(entries[2], "Asia/Tokyo")
    assert.are.same(
      { "appointment", "2024-03-04T19:00:00+09:00", "Laser" },
      { document.kind, document.startTime, document.calendar }
    )
    assert.are.equal("[]", hoopai.encode(events.documents(context, {}, "UTC")))
  end)

  it("have the names of their contacts if these are asked for, and ids where none is known", function()
    local context = new {
      events = {
        { id = "1", startTime = at(8), contactId = "k1" },
        { id = "2", startTime = at(9), contactId = "k2" },
        { id = "3", startTime = at(10) },
      },
      block_slots = {},
    }
    local entries = events.read(context, {}, from, from + time.days(1), false, true)
    local contacts = {}
    for index, entry in ipairs(entries) do
      contacts[index] = tostring(events.document(entry, "UTC").contact)
    end
    assert.are.same({ "Ann", "k2", "nil" }, contacts)
    assert.is_nil(events.read(context, {}, from, from + time.days(1))[1].contact)
  end)

  it("are not shown without those that could not be read", function()
    local context = new { events = {} }
    local ok, problem = pcall(events.read, context, {}, from, from + time.days(1))
    assert.are.same({ false, "server" }, { ok, problem.kind })
  end)

  it("are of the owner that is named", function()
    local context = new {}
    assert.are.same({}, (events.owner(context, {})))
    local query, record, kind = events.owner(context, { group = "sk" })
    assert.are.same({ { groupId = "g" }, "Skin", "group" }, { query, record.name, kind })
    assert.are.same({ calendarId = "c" }, (events.owner(context, { calendar = "Las" })))
  end)
end)
