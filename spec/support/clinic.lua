--- A clinic for the specs of the command: one week of March 2024, with names in many scripts.

local command = require "spec.support.command"
local pseudo_terminal = require "spec.support.pseudo_terminal"

local clinic = {}

-- A clock for the sandbox that stands still before the week, so that its slots are free whatever the day is.
clinic.NOW = 1709280000000 -- 2024-03-01T08:00Z

clinic.CONTACT = "ContactAnnaBerg00000"

-- Titles with CJK, a combining character and emoji of several code points, and one that would command a terminal.
clinic.TITLES =
  { "山田 太郎", "Zoe\u{308} Cafe\u{301}", "👩‍⚕️ Check 🇩🇪", "\27[31mred\27[0m", "=1+2" }

local function seed(world)
  local lee = world:user { name = "Lee Marsh" }
  local anna = world:contact { name = "Anna Berg" }
  local group = world:group { name = "Körper" }
  local massage = world:calendar {
    name = "Massage 按摩",
    calendarType = "personal",
    groupId = group,
    teamMembers = { { userId = lee } },
    openHours = {
      {
        daysOfTheWeek = { 1, 2, 3, 4, 5 },
        hours = { { openHour = 9, openMinute = 0, closeHour = 17, closeMinute = 0 } },
      },
    },
  }
  world:calendar { name = "Yoga", calendarType = "event" }
  world:schedule {
    name = "Hours",
    userId = lee,
    timezone = "Europe/Berlin",
    calendarIds = { massage },
    rules = {
      { type = "wday", day = "monday", intervals = { { from = "09:00", to = "13:00" } } },
      { type = "wday", day = "tuesday", intervals = { { from = "09:00", to = "13:00" } } },
    },
  }
  local second
  for index, title in ipairs(clinic.TITLES) do
    local id = world:appointment {
      calendarId = massage,
      contactId = anna,
      title = title,
      startTime = ("2024-03-04T%02d:00:00"):format(8 + index),
      endTime = ("2024-03-04T%02d:30:00"):format(8 + index),
      appointmentStatus = index == 4 and "cancelled" or "confirmed",
    }
    second = index == 2 and id or second
  end
  world:note { appointmentId = second, userId = lee, body = "電話 back 👩‍⚕️\nin the morning" }
  world:block {
    assignedUserId = lee,
    title = "Training",
    startTime = "2024-03-05T10:00:00",
    endTime = "2024-03-05T12:00:00",
  }
end

--- The settings and the sandbox of a user, see spec.support.command.
function clinic.home(options)
  local given = { zone = "Europe/Berlin", empty = true, seed = seed }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return command.home(given)
end

--- What the command prints in a pseudo terminal.
-- @tparam table home
-- @tparam table words
-- @tparam[opt] table job see spec.support.pseudo_terminal; `variables` of the command
-- @treturn string without carriage returns
-- @treturn integer exit status
function clinic.terminal(home, words, job)
  job = job or {}
  local variables = { COLUMNS = false, TERM = "dumb" }
  for name, value in pairs(job.variables or {}) do
    variables[name] = value
  end
  job.argv = { "sh", "-c", "exec " .. home:line(words, variables) }
  job.unset, job.variables = { "COLUMNS", "LINES", "NO_COLOR" }, nil
  local sandbox = home.sandbox
  if sandbox then job.sandbox = { url = sandbox.url, control_token = sandbox.control_token } end
  local result = pseudo_terminal.run(job)
  return (result.output:gsub("\r\n", "\n")), result.how == "signal" and 128 + result.code or result.code
end

return clinic
