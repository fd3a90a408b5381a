--- The checks of the rules of schedules that their declared types cannot express.
-- @module hoopai.sandbox.domain.schedule_rules

local api_errors = require "hoopai.sandbox.api_errors"
local local_time = require "hoopai.sandbox.domain.local_time"

local format, match = string.format, string.match
local ipairs = ipairs

local schedule_rules = {}

-- Minutes after midnight, or nil. The vendor's document describes HH:MM, but its pattern has hours of one digit too.
-- The sandbox takes what is right by both.
local function minutes(text)
  local hour, minute = match(text, "^([0-2]%d):([0-5]%d)$")
  return hour and hour < "24" and hour * 60 + minute
end

local function check_intervals(problems, i, rule)
  for j, range in ipairs(rule.intervals) do
    local place = format("rules.%d.intervals.%d.", i - 1, j - 1)
    local from, to = minutes(range.from), minutes(range.to)
    for _, name in ipairs { "from", "to" } do
      if not minutes(range[name]) then
        problems[#problems + 1] = place .. name .. " must be in HH:MM format (24-hour format)"
      end
    end
    if from and to and from >= to then problems[#problems + 1] = place .. "to must be after from" end
  end
end

--- Checks rules. Raises a 422 with all problems.
-- @tparam ?table rules
function schedule_rules.check(rules)
  local problems = {}
  for i, rule in ipairs(rules or {}) do
    if rule.type == "wday" and not rule.day then
      problems[#problems + 1] = format("rules.%d.day must be a string", i - 1)
    elseif rule.type == "date" and not (rule.date and local_time.parse_date(rule.date)) then
      problems[#problems + 1] = format("rules.%d.date must be a valid date", i - 1)
    end
    check_intervals(problems, i, rule)
  end
  if problems[1] then api_errors.unprocessable(problems) end
end

return schedule_rules
