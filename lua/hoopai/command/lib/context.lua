--- What a command is given: its options, the streams, the client, names, the zone, and the list of what it did.
local failure = require "hoopai.command.lib.failure"
local profiles = require "hoopai.command.lib.profile"

local error, io, ipairs, os = error, io, ipairs, os
local require, setmetatable, type = require, setmetatable, type
local remove = table.remove
local format, match = string.format, string.match

local context = {}

local Context = {}
Context.__index = Context

--- Makes a context.
-- @tparam table command the data of the command
-- @tparam table options of the command line
-- @tparam table streams `input`, `output`, `error`
-- @tparam ?function load_all returns the data of all commands
-- @treturn table to-be-closed
function context.new(command, options, streams, load_all)
  return setmetatable({
    command = command,
    options = options,
    streams = streams,
    load_all = load_all,
    done = {},
    unclear = {},
    planned = {},
    schedules = {}, -- user id -> list
  }, Context)
end

function Context:__close()
  if self.opened then self.opened:close() end
  if self.app then self.app:close() end
end

--- The public module.
-- @treturn table
function Context.library() return require "hoopai" end

--- The profile, or the environment: see hoopai.command.lib.profile.
-- @treturn table
-- @raise a failure, if there is no token
function Context:choice()
  self.chosen = self.chosen or profiles.choose(self.options)
  return self.chosen
end

--- The client of the command. With --dry-run its changes are collected and not sent.
-- @treturn Client
-- @raise a failure, if there is no token
function Context:client()
  if self.opened then return self.opened end
  local hoopai = require "hoopai"
  local given, app = require("hoopai.command.lib.account").open(self:choice(), self.options)
  self.app = app
  given.dry_run = self.options.dry_run or nil
  given.on = {
    dry_run = function(event) self.planned[#self.planned + 1] = event end,
    wait = function(event)
      if self.bar then self.bar.on_wait(event) end
    end,
  }
  self.opened = hoopai.new(given)
  return self.opened
end

--- The names of calendars, groups and team members: see hoopai.command.lib.names.
-- @treturn table
function Context:names()
  self.found_names = self.found_names or require("hoopai.command.lib.names").new(self:client())
  return self.found_names
end

--- A progress bar on stderr, if that is a terminal: see hoopai.command.lib.progress. While it is open, it shows the
-- waits of the client too.
-- @tparam string title what is done, in a few words
-- @treturn Bar to be closed
function Context:progress(title)
  local terminal = require "hoopai.command.lib.terminal"
  local columns = self:streams_on_terminal().stderr and terminal.size() or nil
  self.bar = require("hoopai.command.lib.progress").new {
    title = title,
    columns = columns,
    output = self.streams.error,
  }
  return self.bar
end

--- Marks a list, so that it is printed as `[]` when it is empty.
-- @tparam table list
-- @treturn table the same
function Context.list(_, list) return require("hoopai").array(list) end

--- The instant of a field of a record.
-- @tparam any value
-- @treturn ?instant nil: the record lacks the field, or it cannot be read
function Context.instant(value) return type(value) == "string" and require("hoopai").time.parse(value) or nil end

--- The location of the command's requests.
-- @treturn ?string nil: neither an option nor the profile nor the environment names one
function Context:location_or_nil() return profiles.location(self:choice(), self.options) end

--- The location of the command's requests.
-- @treturn string
-- @raise a failure if neither an option nor the profile nor the environment names a location
function Context:location()
  local id = self:location_or_nil()
  if id then return id end
  failure.refuse("location", "no location", "write --location ID, or set HOOPAI_LOCATION_ID")
end

--- The agency of the profile.
-- @treturn string
-- @raise a failure if neither the profile nor the environment names an agency
function Context:company()
  local fields = self:choice().fields or {}
  local id = fields.company_id or profiles.variable "HOOPAI_COMPANY_ID"
  if id then return id end
  failure.refuse("agency", "the profile has no agency", "set HOOPAI_COMPANY_ID")
end

-- Zones

local function is_zone(name) return require("hoopai").time.zone(name) ~= nil end

--- Raises unless the system knows a zone.
local function check_zone(name, where)
  if not is_zone(name) then
    failure.usage(format('%s: there is no time zone "%s"', where, name), "write one such as Europe/London")
  end
  return name
end

local function first_line(path)
  local file = io.open(path, "r")
  local line = file and file:read "l"
  if file then file:close() end
  return line
end

--- The name of the zone to which /etc/localtime leads. Many systems have no other name of their zone.
local function linked_zone()
  local pipe = io.popen("readlink -f /etc/localtime 2>/dev/null", "r")
  local path = pipe and pipe:read "l"
  if pipe then pipe:close() end
  return match(path or "", "/zoneinfo/([%w_+/-]+)$")
end

--- The zone of this computer, by its IANA name; UTC if that is not known.
-- @treturn string
-- @treturn string where it comes from, for people
local function own_zone()
  local named = match(os.getenv "TZ" or "", "^:?([%w_+/-]+)$")
  if named and is_zone(named) then return named, "this computer" end
  for _, find_name in ipairs { linked_zone, function() return first_line "/etc/timezone" end } do
    local name = find_name()
    if name and is_zone(name) then return name, "this computer" end
  end
  return "UTC", "no other zone is known"
end

-- Users whose schedules are read for the zone. All of a large location would use up its rate limit.
local MOST_USERS = 5

--- The users whose schedules the zone is read from: the team of the calendar, else the first members of any team.
local function users_for_zone(calendars)
  local users, seen = {}, {}
  for _, calendar in ipairs(calendars) do
    for _, id in ipairs(require("hoopai.command.lib.names").team(calendar)) do
      if #users < MOST_USERS and not seen[id] then users[#users + 1] = id end
      seen[id] = true
    end
  end
  return users
end

-- Errors that say that there is nothing to read for this token, today and tomorrow.
local REFUSALS = { auth = true, scope = true, forbidden = true, not_found = true, refused = true, rejected = true }

--- The schedules of users that have a zone. Those of a user are read once in a run. A refusal leaves a user out: the
-- zone is found elsewhere then. Any other failure is raised: after it "tomorrow 10:00" would be another moment than in
-- the last run.
local function schedules_of(self, users)
  local client, known, unread, found = self:client(), self.schedules, {}, {}
  for _, id in ipairs(users) do
    if not known[id] then unread[#unread + 1] = id end
  end
  local lists, errors = require("hoopai").map(unread, function(id) return client.schedules:list { userId = id } end)
  for index, id in ipairs(unread) do
    local problem = errors and errors[index]
    if problem and not REFUSALS[problem.kind] then error(problem, 0) end
    known[id] = require "hoopai.command.lib.records"(lists[index] or {})
  end
  for _, id in ipairs(users) do
    for _, schedule in ipairs(known[id]) do
      if schedule.timezone and is_zone(schedule.timezone) then found[#found + 1] = schedule end
    end
  end
  return found
end

--- The schedule of some users that has the zone: one that applies to the calendar, else any.
local function schedule_of(self, users, calendar)
  local found = schedules_of(self, users)
  return require("hoopai.command.lib.schedules").for_calendar(found, calendar) or found[1]
end

--- The schedule that has the zone of a person, of a calendar, or of the location.
local function schedule_for_zone(self, record, kind)
  local found, calendar = nil, kind == "calendar" and record or nil
  if kind == "user" then
    found = schedule_of(self, { record.id })
    calendar = self:names():by_id("calendars", record.calendarIds[1])
  end
  if not found and calendar then found = schedule_of(self, users_for_zone { calendar }, calendar) end
  return found or schedules_of(self, users_for_zone(self:names():calendars()))[1]
end

--- The zone in which times are shown and dates are meant: that of --zone; of the profile; of the person's own schedule;
-- of the calendar's schedule; of another schedule of the location; else of this computer.
-- @tparam ?table record of a calendar, or of a user: whose times they are
-- @tparam[opt="calendar"] string kind of the record: "calendar" or "user"; any other has the zone of the location
-- @treturn string such as "Europe/London"
-- @treturn string where it comes from, for people
function Context:zone(record, kind)
  if self.options.zone then return check_zone(self.options.zone, "--zone"), "--zone" end
  local fields = self:choice().fields
  if fields and fields.zone then return check_zone(fields.zone, "the profile"), "the profile" end
  local schedule = schedule_for_zone(self, record, record and (kind or "calendar"))
  if schedule then return schedule.timezone, format('the schedule "%s"', schedule.name or schedule.id or "?") end
  return own_zone()
end

-- Changes

--- Makes a change, which is reported if the command fails or is interrupted later. Until its outcome is known,
-- `what` is in the list of what is unclear.
-- @tparam string what such as "the booking of Physiotherapy at 10:00 (reference order-17)"
-- @tparam function call makes the change, and returns a result and a response, or nil and an Error
-- @treturn any the result
-- @treturn Response
-- @raise the Error
function Context:change(what, call)
  if self.options.dry_run then return self.check(call()) end
  local unclear, done = self.unclear, self.done
  local place = #unclear + 1
  unclear[place] = what
  local result, response = call()
  if result == nil and response.applied == "maybe" then error(response, 0) end
  remove(unclear, place)
  if result == nil then error(response, 0) end
  done[#done + 1] = what
  return result, response
end

--- The results of a call of the library; its error is raised.
-- @tparam any result
-- @tparam any response
-- @return both
-- @raise the Error
function Context.check(result, response)
  if result == nil then error(response, 0) end
  return result, response
end

-- Output

--- Which of the standard streams are terminals.
-- @treturn table `stdin`, `stdout`, `stderr`
function Context:streams_on_terminal()
  self.on_terminal = self.on_terminal or require("hoopai.command.lib.terminal").streams()
  return self.on_terminal
end

--- A line on stderr about what the output lacks.
-- @tparam string text
function Context:note(text) self.streams.error:write("hoopai: ", require "hoopai.command.lib.printable"(text), "\n") end

--- A view that prints a document as --json does: for commands whose document is JSON for people too.
-- @tparam any document
-- @treturn function
function Context.json_view(document)
  return function(screen) screen:raw(require("hoopai.command.lib.json").document(document)) end
end

local function show_planned(planned, screen)
  if #planned == 0 then return screen:line "nothing would be sent" end
  for _, event in ipairs(planned) do
    local body = event.body ~= nil and " " .. require("hoopai").encode(event.body) or ""
    screen:line(format("would send %s %s%s", event.method, event.path, body))
  end
end

--- The requests that --dry-run kept from being sent.
local function planned_document(self)
  local list = {}
  for index, event in ipairs(self.planned) do
    list[index] = { method = event.method, path = event.path, body = event.body }
  end
  return self:list(list), function(screen) show_planned(list, screen) end
end

--- Prints what a command returned, as the options want it. With --dry-run, and without a document, the requests that
-- were not sent.
-- @tparam table output see hoopai.command.lib.output
-- @tparam any document nil: nothing is printed
-- @tparam ?function view
function Context:print(output, document, view)
  if document == nil and self.options.dry_run then
    document, view = planned_document(self)
  end
  if document == nil then return end
  if self.options.json then return output:write(require("hoopai.command.lib.json").document(document)) end
  if self.options.jsonl then
    for line in require("hoopai.command.lib.json").lines(document) do
      output:write(line)
    end
    return
  end
  local screen =
    require("hoopai.command.lib.screen").new(output, self:streams_on_terminal().stdout, self.options.no_color)
  return (view or require "hoopai.command.lib.record"(document))(screen)
end

return context
