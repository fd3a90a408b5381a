--- Who has events and blocked times: the calendars of a location, and the members of their teams.
local arguments = require "hoopai.list.arguments"
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local secrets = require "hoopai.call.secrets"
local validate = require "hoopai.validate"

local format = string.format
local ipairs, sort, type = ipairs, table.sort, type

local owners = {}

local PATH = "/calendars/" -- of the list of calendars

--- The error of a list whose records cannot be read.
-- @tparam string path of the request
-- @tparam string message
-- @tparam Response response
-- @treturn Error of kind "decode"
function owners.unreadable(path, message, response)
  response = secrets.without_any(response)
  return errors.new {
    kind = "decode",
    method = "GET",
    path = path,
    message = secrets.without_any(message),
    response = response,
    status = response.status,
    trace_id = response.trace_id,
    attempts = response.attempts,
  }
end

--- The error of free slots that cannot be read.
-- @tparam string id of the calendar
-- @tparam any odd what is there instead
-- @tparam Response response
-- @treturn Error of kind "decode"
function owners.unreadable_slots(id, odd, response)
  local text = format("the calendar %s has free slots that cannot be read: %s", id, validate.describe(odd))
  local err = owners.unreadable(format("/calendars/%s/free-slots", id), text, response)
  err.calendarId = id
  return err
end

local function is_id(value) return type(value) == "string" and value ~= "" end

--- Reads the calendars of a location, drafts and inactive ones included: they may have events too.
-- @tparam table client
-- @tparam ?table call_options
-- @treturn[1] table the calendars, each once, in the order of their ids
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
function owners.calendars(client, call_options)
  local listed, response = client.calendars:list(nil, call_options)
  if not listed then return nil, response end
  if response.unexpected then return nil, owners.unreadable(PATH, "the response has no list of calendars", response) end
  local calendars, seen = {}, {}
  for _, calendar in ipairs(listed) do
    local id = type(calendar) == "table" and calendar.id or nil
    if not is_id(id) then return nil, owners.unreadable(PATH, "a calendar in the list has no id", response) end
    if not seen[id] then
      calendars[#calendars + 1], seen[id] = calendar, true
    end
  end
  sort(calendars, function(a, b) return a.id < b.id end)
  return calendars, response
end

--- Adds the members of a calendar.
-- @tparam table team a list
-- @tparam table by_id the same members by the user's id
-- @treturn ?string what is wrong
local function add_members(team, by_id, calendar)
  local members = calendar.teamMembers
  if members == nil or members == core.null then return nil end
  if type(members) ~= "table" then return format("`teamMembers` of the calendar %s is no list", calendar.id) end
  for _, entry in ipairs(members) do
    local id = type(entry) == "table" and entry.userId or nil
    if not is_id(id) then return format("a team member of the calendar %s has no userId", calendar.id) end
    local member = by_id[id]
    if not member then
      member = { userId = id, calendarIds = {} }
      team[#team + 1], by_id[id] = member, member
    end
    local ids = member.calendarIds
    if ids[#ids] ~= calendar.id then ids[#ids + 1] = calendar.id end
  end
end

--- The team members of calendars.
-- @tparam table calendars what `owners.calendars` returned
-- @tparam Response response
-- @treturn[1] table a list of { userId, calendarIds }, in the order of their ids
-- @treturn[2] nil
-- @treturn[2] Error
function owners.members(calendars, response)
  local team, by_id = {}, {}
  for _, calendar in ipairs(calendars) do
    local problem = add_members(team, by_id, calendar)
    if problem then return nil, owners.unreadable(PATH, problem, response) end
  end
  sort(team, function(a, b) return a.userId < b.userId end)
  return team
end

--- The team members of all calendars of the location, each once, in the order of their ids. A user who is in the team
-- of no calendar is not among them.
-- @function Calendars:team
-- @tparam[opt] CallOptions call_options
-- @treturn[1] LocationMember a list
-- @treturn[1] Response that of the list of calendars
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for a wrong option

--- A member of the teams of a location.
-- @table LocationMember
-- @tfield string userId the user
-- @tfield string calendarIds a list: the calendars in whose teams the user is, in the order of their ids

function owners.team(resource_name, state, call_options, ...)
  local what, details = resource_name .. ":team", {}
  arguments.check_last(what, 1, ...)
  local progress
  call_options, progress = arguments.options(what, call_options)
  arguments.location(state, call_options, details)
  if #details > 0 then return nil, arguments.error(what, details) end
  local calendars, response = owners.calendars(state.client, call_options)
  if not calendars then return nil, response end
  if progress then async.call_progress(progress, 1, 1) end
  local team, err = owners.members(calendars, response)
  if not team then return nil, err end
  return team, response
end

return owners
