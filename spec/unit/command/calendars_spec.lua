local calendars = require "hoopai.command.calendars"
local contexts = require "hoopai.command.lib.context"
local names = require "hoopai.command.lib.names"

local function run(options, list)
  local context = contexts.new(calendars, options, {})
  context.opened = { close = function() end }
  context.found_names = names.new {
    calendars = { list = function() return list end },
    groups = { list = function() return { { id = "g", name = "Skin" } } end },
    users = {
      get = function(_, id)
        if id == "u" then return { name = "Dr. Okafor" } end
        return nil, { kind = "not_found" }
      end,
    },
  }
  local document, view = calendars.run(context, options)
  local rows, lines = {}, {}
  view {
    line = function(_, text) lines[#lines + 1] = text end,
    table = function(_, columns, records)
      for index, record in ipairs(records) do
        local cells = {}
        for place, column in ipairs(columns) do
          local value = column.value
          cells[place] = type(value) == "function" and value(record) or record[value] or ""
        end
        rows[index] = table.concat(cells, "|")
      end
    end,
  }
  return document, rows, lines
end

describe("hoopai calendars", function()
  local LIST = {
    { id = "2", name = "Laser", calendarType = "event", isActive = false },
    {
      id = "1",
      name = "Botox",
      groupId = "g",
      locationId = "l",
      calendarType = "personal",
      isActive = true,
      slotDuration = 30,
      slotDurationUnit = "mins",
      teamMembers = { { userId = "u" }, { userId = "v" } },
    },
  }

  it("lists them by name, with the names of the team", function()
    local document, rows = run({}, LIST)
    assert.are.same({ LIST[2], LIST[1] }, document)
    assert.are.same({ "Botox|personal|30 min|yes|Dr. Okafor, v|1", "Laser|event||no||2" }, rows)
  end)

  it("lists those of a group", function()
    local document = run({ group = "sk" }, LIST)
    assert.are.same({ LIST[2] }, document)
  end)

  it("says that there are none", function()
    local document, rows, lines = run({}, {})
    assert.are.same({ {}, {}, { "no calendars" } }, { document, rows, lines })
  end)
end)
