--- Availability schedules: which one applies to a calendar.
local ipairs, type = ipairs, type

local schedules = {}

local function applies(schedule, calendar)
  for _, id in ipairs(schedule.calendarIds or {}) do
    if calendar and id == calendar.id then return true end
  end
  return false
end

--- The schedule that applies to a calendar. One that is applied to no calendar at all counts for each.
-- @tparam table list of schedules; deleted ones are left out
-- @tparam ?table calendar nil: only a schedule that is applied to no calendar
-- @treturn ?table
function schedules.for_calendar(list, calendar)
  local general
  for _, schedule in ipairs(list) do
    if schedule.deleted ~= true then
      if applies(schedule, calendar) then return schedule end
      if not (type(schedule.calendarIds) == "table" and schedule.calendarIds[1]) then general = general or schedule end
    end
  end
  return general
end

return schedules
