--- `hoopai calendars`: the calendars of the location.
local lists = require "hoopai.command.lib.names"

local ipairs, sort = ipairs, table.sort
local concat, format = table.concat, string.format

local UNITS = { mins = "min", hours = "h" }

local function length_of(calendar)
  if not calendar.slotDuration then return "" end
  return format("%s %s", calendar.slotDuration, UNITS[calendar.slotDurationUnit] or calendar.slotDurationUnit or "min")
end

local function view_of(context, calendars)
  local names = context:names()
  local function team_of(calendar)
    local members = {}
    for index, id in ipairs(lists.team(calendar)) do
      members[index] = names:of("users", id)
    end
    return concat(members, ", ")
  end
  return function(screen)
    if #calendars == 0 then return screen:line "no calendars" end
    screen:table({
      { title = "name", value = "name", weight = 3 },
      { title = "type", value = "calendarType" },
      { title = "length", value = length_of, align = "right" },
      { title = "active", value = function(calendar) return calendar.isActive and "yes" or "no" end },
      { title = "team", value = team_of, weight = 2 },
      { title = "id", value = "id", cut = "never" },
    }, calendars)
  end
end

return {
  name = "calendars",
  summary = "list the calendars",
  description = [[
    Lists the calendars of the location, by name. Other commands take a calendar by its name, by an unambiguous
    beginning of the name, or by its id.
  ]],
  needs = "client",
  options = {
    {
      "--group",
      argname = "<name>",
      convert = "word",
      completes = "groups",
      description = "Only those of this group.",
    },
  },
  examples = {
    { "hoopai calendars", "the calendars as a table" },
    { "hoopai calendars --jsonl | jq -r .id", "their ids" },
  },
  run = function(context, options)
    local names = context:names()
    local group = options.group and names:group(options.group)
    local calendars = context:list {}
    for _, calendar in ipairs(names:calendars()) do
      if not group or calendar.groupId == group.id then calendars[#calendars + 1] = calendar end
    end
    sort(calendars, function(a, b) return (a.name or "") < (b.name or "") end)
    return calendars, view_of(context, calendars)
  end,
}
