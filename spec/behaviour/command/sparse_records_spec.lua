-- Records without the fields that the API documents: every command prints what there is, or fails with one clear error.

local command_context = require "spec.support.command_context"
local failure = require "hoopai.command.lib.failure"
local hoopai = require "hoopai"

-- What the API may send in the place of a whole record.
local RECORDS = {
  ["nothing"] = {},
  ["an id alone"] = { id = "x" },
  ["an id and odd times"] = { id = "x", startTime = "soon", endTime = "later", calendarId = "c", assignedUserId = "u" },
  ["a start alone"] = { startTime = "2024-03-04T09:00:00+01:00" },
  ["empty fields"] = { id = "", name = "", title = "", body = "", startTime = "", teamMembers = {}, calendarIds = {} },
  ["empty parts"] = {
    id = "x",
    teamMembers = { {} },
    openHours = { {}, { daysOfTheWeek = { 1 }, hours = { {} } } },
    availabilities = { {} },
    rules = { {}, { type = "wday", day = "monday" }, { type = "wday", day = "monday", intervals = { {} } } },
    slotDuration = 1.5,
  },
}

local function client_of(record)
  local function list() return { record, hoopai.null, record }, {} end
  local function one() return record, {} end
  local function edit(_, _, change)
    change {}
    return record, {}
  end
  return {
    calendars = {
      list = list,
      each_slot = function()
        local done = false
        return function()
          local slot = { calendarId = "c", startTime = "2024-03-04T09:00:00Z", day = "2024-03-04" }
          slot.instant = hoopai.time.parse(slot.startTime)
          if done then return nil end
          done = true
          return slot
        end
      end,
    },
    groups = { list = list },
    events = { all = list },
    block_slots = { all = list, ensure = one },
    schedules = { list = list, all = list },
    notes = { all = list, create = one, update = one, delete = one },
    appointments = { get = one, cancel = one, book = one, edit = edit },
    request = function() return { users = { record } }, {} end,
  }
end

local DAY = { from = "2024-03-04", to = "2024-03-05" }

-- { command, options, whether --zone is left out }
local RUNS = {
  { "agenda", DAY },
  { "events", DAY },
  { "utilisation", DAY },
  { "export", { from = "2024-03-04", to = "2024-03-05", format = "ics" } },
  { "export", { from = "2024-03-04", to = "2024-03-05", format = "csv" } },
  { "export", { from = "2024-03-04", to = "2024-03-05", format = "json" } },
  { "calendars", {} },
  { "calendars", { group = "x" } },
  { "free", { calendar = {}, from = "2024-03-04", to = "2024-03-05" } },
  { "notes", { appointment = "a" } },
  { "notes", { appointment = "a", add = "text" } },
  { "cancel", { appointment = "a", yes = true } },
  { "move", { appointment = "a", when = "2024-03-05", yes = true } },
  { "move", { appointment = "a", when = "2024-03-05T10:00", yes = true } },
  { "book", { calendar = "x", contact = "p", at = "2024-03-04T09:00", yes = true } },
  { "block", { owner = "x", day = "2024-03-04" } },
}

describe("records that are", function()
  for what, record in pairs(RECORDS) do
    for _, run in ipairs(RUNS) do
      it(("%s: %s %s"):format(what, run[1], run[2].format or run[2].when or ""), function()
        local written = {}
        local streams = { error = { write = function(_, ...) written[#written + 1] = table.concat { ... } end } }
        local options = {}
        for name, value in pairs(run[2]) do
          options[name] = value
        end
        local data = require("hoopai.command." .. run[1])
        local ok, document, view, context = command_context.run(data, options, client_of(record), streams)
        if ok and view then
          ok, document = pcall(function()
            assert(hoopai.encode(document))
            for _, columns in ipairs { false, 40, 200 } do
              context.on_terminal = { stdin = false, stdout = false, stderr = false }
              command_context.lines(view, columns or nil)
            end
          end)
        end
        if ok then return end
        local status, message = failure.explain(document)
        assert.is_true(status == 1 or status == 2, message)
        assert.is_nil(message:find("internal", 1, true), message)
      end)
    end
  end

  it("without a start are named on stderr", function()
    local written = {}
    local streams = { error = { write = function(_, ...) written[#written + 1] = table.concat { ... } end } }
    local client = client_of { id = "odd", startTime = "soon" }
    local ok, document = command_context.run(require "hoopai.command.agenda", { from = "2024-03-04" }, client, streams)
    assert.are.same({ true, 0 }, { ok, #document })
    assert.are.equal(
      "hoopai: left out, without a start that can be read: 4 (odd, odd, odd, odd)\n",
      table.concat(written)
    )
  end)
end)
