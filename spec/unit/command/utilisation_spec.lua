local contexts = require "hoopai.command.lib.context"
local events = require "hoopai.command.lib.events"
local hoopai = require "hoopai"
local names = require "hoopai.command.lib.names"
local utilisation = require "hoopai.command.utilisation"

describe("hoopai utilisation", function()
  local read = events.read
  after_each(function() events.read = read end)

  local function entry(first, last, fields)
    local day = hoopai.time.day("2024-03-04", "UTC")
    fields.start, fields.stop = day + hoopai.time.hours(first), day + hoopai.time.hours(last)
    return fields
  end

  local function run(entries, hours, schedules, err)
    events.read = function() return entries end
    local context = contexts.new(utilisation, {}, {})
    context.on_terminal = { stderr = false }
    context.opened = {
      schedules = {
        all = function()
          if err then return nil, err end
          return schedules or {}, {}
        end,
      },
      close = function() end,
    }
    context.options.zone = "UTC"
    context.found_names = names.new {
      calendars = {
        list = function() return { { id = "c", teamMembers = { { userId = "u" } }, openHours = hours } } end,
      },
      users = { get = function() return nil, { kind = "scope" } end },
    }
    return utilisation.run(context, { from = "2024-03-04", days = 1 })[1]
  end

  local HOURS = { { daysOfTheWeek = { 1 }, hours = { { openHour = 9, closeHour = 17 } } } }
  local OF_USER = { assignedUserId = "u" }

  it("counts each minute once", function()
    local row = run({
      entry(9, 11, { record = OF_USER }),
      entry(10, 12, { record = { assignedUserId = "v", users = { "u" } } }),
      entry(-2, 10, { record = OF_USER, is_block = true }), -- one of its hours is open, and booked
      entry(16, 30, { record = OF_USER, is_block = true }),
      entry(13, 14, { record = OF_USER, status = "cancelled" }),
      entry(14, 15, { record = { assignedUserId = "v" } }),
    }, HOURS)
    assert.are.same(
      { 180, 60, 480, 37.5, "calendars" },
      { row.bookedMinutes, row.blockedMinutes, row.openMinutes, row.bookedPercent, row.openHoursFrom }
    )
  end)

  it("has no share of open hours that nothing says", function()
    local row = run({ entry(9, 11, { record = OF_USER }), entry(12, 13, { record = OF_USER, is_block = true }) }, nil)
    assert.are.same(
      { 120, 60, 0, "none" },
      { row.bookedMinutes, row.blockedMinutes, row.openMinutes, row.openHoursFrom }
    )
    assert.is_nil(row.bookedPercent)
  end)

  it("fails if the schedules cannot be read", function()
    local ok, problem = pcall(run, {}, HOURS, nil, { kind = "scope" })
    assert.are.same({ false, "scope" }, { ok, problem.kind })
  end)
end)
