--- Checks of the arguments of the methods above the endpoints. All problems of a call are one error.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local options = require "hoopai.options"
local time = require "hoopai.time"
local validate = require "hoopai.validate"

local format = string.format
local ipairs, next, rawget, select, sort = ipairs, next, rawget, select, table.sort
local tostring, type = tostring, type
local to_epoch_ms = time.to_epoch_ms

local arguments = {}

-- What the ends of a span are called elsewhere.
-- stylua: ignore
local OTHER_NAMES = {
  startDate = "from", startTime = "from", start = "from", since = "from", after = "from",
  endDate = "to", endTime = "to", ["end"] = "to", ["until"] = "to", till = "to", before = "to",
  calendar = "calendarId", user = "userId", group = "groupId", calendars = "calendarIds", timeZone = "timezone",
  zone = "timezone", assignedUserId = "userId", member = "userId",
}

-- Fields of a query that are options here.
local OPTIONS = { locationId = "location_id" }

--- Adds a problem.
-- @tparam table details
-- @tparam any path the field
-- @tparam string problem such as "must be a string"
-- @tparam[opt] any given the value
function arguments.add(details, path, problem, given)
  details[#details + 1] = { path = path, problem = problem, given = given ~= nil and validate.describe(given) or nil }
end

--- The fields of the error of arguments that are wrong.
-- @tparam string what the method
-- @tparam table details the problems; sorts them by field
-- @treturn table for `errors.new`
function arguments.invalid(what, details)
  sort(details, function(a, b) return tostring(a.path) < tostring(b.path) end)
  return { kind = "invalid_request", attempts = 0, details = details, message = validate.message(details, what) }
end

--- The error of arguments that are wrong.
-- @tparam string what the method
-- @tparam table details the problems
-- @treturn Error of kind "invalid_request"
function arguments.error(what, details)
  local fields = arguments.invalid(what, details)
  fields.applied, fields.where = "no", errors.where()
  return errors.new(fields)
end

--- The field that was probably meant by an unknown name.
-- @tparam any name
-- @tparam table checks see `fields`
-- @treturn ?string nil if no field is near
function arguments.near(name, checks)
  local other = OTHER_NAMES[name]
  return checks[other] and other or type(name) == "string" and errors.suggest(name, checks) or nil
end

--- Raises wrong use if the first argument is no table. To be called before the options are checked: where an id stands
-- before the table, the table would be taken for the options.
-- @tparam string what the method
-- @tparam any given the argument
function arguments.check_table(what, given)
  if type(given) == "table" then return end
  errors.raise(format("%s expects a table, got %s: write { from = ..., to = ... }", what, errors.given(given)))
end

--- Takes the known fields out of the caller's table, which is read once and raw, and checks them.
-- @tparam table given
-- @tparam table checks field -> function(value) that returns a problem or nil; true for a field that is checked later
-- @tparam table details gets the problems
-- @tparam[opt] function other called with each unknown name and value. It returns true if the field is known after all
-- @treturn table the fields that are right
function arguments.fields(given, checks, details, other)
  local fields = {}
  for name, value in next, given do
    local check = checks[name]
    local problem = type(check) == "function" and check(value) or nil
    if problem then
      arguments.add(details, name, problem, value)
    elseif check then
      fields[name] = value
    elseif not (other and other(name, value)) then
      local near = arguments.near(name, checks)
      local option = OPTIONS[name] or options.call_names[name] and name
      problem = near and format("is unknown, did you mean `%s`?", near)
        or option and format("is an option: write `%s` in the last argument, after this table", option)
        or "is unknown"
      details[#details + 1] = { path = name, problem = problem, suggestion = near }
    end
  end
  return fields
end

--- A check of an instant.
function arguments.instant(value)
  local ms, problem = to_epoch_ms(value)
  return not ms and problem or nil
end

--- A check of an id.
function arguments.id(value)
  local problem = options.api_id_problem(value)
  return problem and "must be " .. problem or nil
end

--- A check of a function that is called after each item.
function arguments.progress(value)
  if type(value) ~= "function" then
    return "must be a function, which is called with how many are done and the total"
  end
end

--- The span of `from` and `to`, in milliseconds.
-- @tparam table fields of the caller, checked
-- @tparam table details gets the problems
-- @tparam[opt] integer default_from if `from` is not given
-- @treturn ?integer from; nil if it is missing
-- @treturn ?integer to; nil if it is missing
function arguments.span(fields, details, default_from)
  local from, to = rawget(fields, "from"), rawget(fields, "to")
  from = from ~= nil and to_epoch_ms(from) or from == nil and default_from or nil
  to = to ~= nil and to_epoch_ms(to) or nil
  local is_wrong = {}
  for _, detail in ipairs(details) do
    is_wrong[detail.path] = true
  end
  if not from and not is_wrong.from then arguments.add(details, "from", "is required: where the span begins") end
  if not to and not is_wrong.to then arguments.add(details, "to", "is required: where the span ends") end
  if from and to and to <= from then
    local begin = fields.from ~= nil and "`from`" or "now"
    arguments.add(details, "to", "must be after " .. begin, fields.to)
  end
  return from, to
end

--- Raises wrong use if something was given after the last argument.
-- @tparam string what the method
-- @tparam integer most how many arguments it takes
-- @param ... what was given after them
function arguments.check_last(what, most, ...)
  for index = select("#", ...), 1, -1 do
    if select(index, ...) ~= nil then
      local unit = most == 1 and "argument" or "arguments"
      errors.raise(format("%s takes at most %d %s, got %d", what, most, unit, most + index))
    end
  end
end

--- The location that a method is called for.
-- @tparam table state of the client
-- @tparam ?table call_options of the caller, checked
-- @tparam table details gets the problem
-- @treturn ?string nil if it is missing
function arguments.location(state, call_options, details)
  local location_id = call_options and call_options.location_id or state.settings.location_id
  if not location_id then
    arguments.add(details, "locationId", "is required: set location_id in the last argument, or in hoopai.new")
  end
  return location_id
end

--- Raises if the name of an unknown option is nearly `progress`, which the options of a call do not have.
local function check_progress_name(what, given)
  for name in next, given do
    local is_near = not options.call_names[name] and errors.suggest(name, { "progress" })
    if is_near then errors.raise(format("unknown option `%s` of %s, did you mean `progress`?", name, what)) end
  end
end

--- Splits the last argument of a method into `progress`, which is the method's own, and the options of its calls.
-- @tparam string what the method
-- @tparam ?table given
-- @treturn ?table the options for each call
-- @treturn ?function `progress`
-- @raise for a wrong or unknown option
function arguments.options(what, given)
  if type(given) ~= "table" then return options.check_call(what, given) end
  local rest, progress = options.copy(given), rawget(given, "progress")
  rest.progress = nil
  local problem = progress ~= nil and arguments.progress(progress)
  if problem then errors.raise(format("option `progress` of %s %s, got %s", what, problem, errors.given(progress))) end
  check_progress_name(what, rest)
  return options.check_call(what, rest), progress
end

--- The current time in milliseconds.
arguments.now = core.wall_ms

return arguments
