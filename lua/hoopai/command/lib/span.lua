--- The span of time of a command: options and their meaning.
local dates = require "hoopai.command.lib.dates"
local failure = require "hoopai.command.lib.failure"

local time = require "hoopai.time"

local format, ipairs = string.format, ipairs

local span = {}

--- The options of a command that takes a span of time.
-- @tparam string default what is taken without them, for the help
-- @treturn table list of options
function span.options(default)
  return {
    {
      "--from",
      argname = "<date>",
      convert = "word",
      description = "The first day or moment, such as tomorrow or 2026-12-01T09:30. Default: " .. default .. ".",
    },
    {
      "--to",
      argname = "<date>",
      convert = "word",
      description = "The last day, which is included, or the moment at which the span ends.",
    },
    { "--days", argname = "<n>", convert = "days", description = "How many days the span has." },
  }
end

--- Lists of options as one list.
-- @tparam table ... lists
-- @treturn table
function span.join(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, option in ipairs(list) do
      all[#all + 1] = option
    end
  end
  return all
end

--- What a command takes that has these options: `exclusive` of its data.
span.EXCLUSIVE = { "--to", "--days" }

--- Reads the span.
-- @tparam table options those of the command line: `from`, `to`, `days`
-- @tparam string zone in which days are meant
-- @tparam string default_from such as "today" or "last-month"
-- @treturn instant the first moment
-- @treturn instant the first moment after the span
-- @raise wrong use, for dates that cannot be read and for an empty span
function span.read(options, zone, default_from)
  local from, to = dates.range {
    from = options.from,
    to = options.to,
    days = options.days,
    zone = zone,
    default_from = default_from,
  }
  if not from then failure.usage(to) end
  return from, to
end

--- Reads one date.
-- @tparam string text
-- @tparam string zone
-- @tparam string label what is named in the message, such as "--day"
-- @treturn instant
-- @treturn ?instant the first moment after a day or a period
-- @treturn ?boolean whether it is a period, such as next-week
-- @raise wrong use
function span.date(text, zone, label)
  local first, after, is_period = dates.parse(text, zone)
  if not first then failure.usage(label .. ": " .. after) end
  return first, after, is_period
end

--- Reads one date where a period makes no sense.
-- @tparam string text
-- @tparam string zone
-- @tparam string label what is named in the message, such as "--day"
-- @treturn instant
-- @treturn ?instant the first moment after a day
-- @raise wrong use, for a period too
function span.day(text, zone, label)
  local first, after, is_period = span.date(text, zone, label)
  if is_period then
    local example = first:format("%F", zone)
    failure.usage(format('%s: "%s" is a period: write a day of it, such as %s', label, text, example))
  end
  return first, after
end

--- Reads a date as the week that it is in.
-- @tparam string text a date, or a period that is one week
-- @tparam string zone
-- @tparam string label what is named in the message, such as "--week"
-- @treturn instant the first moment of the week, which begins with Monday
-- @treturn instant the first moment after it
-- @raise wrong use, for another period too
function span.week(text, zone, label)
  local first, after, is_period = span.date(text, zone, label)
  local start = first:start_of_week(zone)
  local stop = (start + time.weeks(1)):start_of_day(zone)
  if is_period and (first ~= start or after ~= stop) then
    failure.usage(format('%s: "%s" is no week: write next-week, or a day of the week', label, text))
  end
  return start, stop
end

return span
