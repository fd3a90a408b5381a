--- The checks of values without parts: strings, numbers, booleans, enumerations, instants, dates, time zones.
--
-- A check is called with a value that is not nil. It returns the value to send; or nil, the problem, and what was
-- probably meant if that is known.
local core = require "hoopai.core"
local gregorian = require "hoopai.time.gregorian"
local json_value = require "hoopai.validate.json_value"
local errors = require "hoopai.errors"
local messages = require "hoopai.validate.messages"
local request_values = require "hoopai.time.request_values"

local error, ipairs, tonumber, tostring, type = error, ipairs, tonumber, tostring, type
local find, format = string.find, string.format
local huge, math_type, tointeger = math.huge, math.type, math.tointeger
local utf8_len = utf8.len

local wrong_kind = messages.wrong_kind
local to_body_datetime, to_epoch_ms, to_timezone =
  request_values.to_body_datetime, request_values.to_epoch_ms, request_values.to_timezone
local LONGEST = json_value.LONGEST

local scalars = {}

-- A JSON reader may keep numbers as doubles, which are exact for integers up to here (RFC 8259, section 6).
local LARGEST = 2 ^ 53 | 0

--- Whether a text shows a string well: short, and without quotes or spaces.
local function is_word(value) return type(value) == "string" and #value <= 40 and find(value, "^[%w_.+-]+$") ~= nil end
scalars.is_word = is_word

local function enum_problem(value, field)
  local problem = (#field.enum == 1 and "must be " or "must be one of ") .. messages.values(field.enum)
  if field.nullable then problem = problem .. ", or hoopai.null" end
  if type(value) == type(field.enum[1]) then
    local question, near = errors.did_you_mean(value, field.enum)
    if question then return problem .. "; " .. question, near end
    return problem
  end
  problem = problem .. ", not " .. messages.kind(value)
  if is_word(value) then
    for _, allowed in ipairs(field.enum) do
      if tostring(allowed) == value then return problem .. ": write " .. value .. " without quotes" end
    end
  end
  return problem
end

local function compile_enum(field)
  local allowed = {}
  for _, value in ipairs(field.enum) do
    allowed[value] = true
  end
  local is_integer = field.type == "integer"
  return function(value)
    if allowed[value] then -- false for NaN, which reads as an absent key
      if is_integer then return tointeger(value) end
      return value == 0 and 0 or value -- -0.0 is the key 0
    end
    return nil, enum_problem(value, field)
  end
end

local makers = {}

-- An empty id in a required field comes from a variable that was never set.
local function least_length(field) return field.required and field.name and find(field.name, "Id$") and 1 or 0 end

--- Is a field, or are the items of a list, an identifier?
local function is_id(field)
  local name = field.name
  return name ~= nil and (find(name, "Id$") or find(name, "Ids$")) ~= nil
end
scalars.is_id = is_id

--- What a file of variables or a copy may leave around an id, so that it names nothing.
local function id_problem(value)
  local odd = core.odd_character(value)
  if odd then return "must not have blanks around it, nor control characters: " .. odd end
  if find(value, "^([\"'`]).*%1$") then return "must not have quotes around it: leave them out" end
end

--- Adds to the check of a string that it is an id, or of the items of a list that they are.
-- @tparam function check
-- @treturn function
function scalars.check_id(check)
  return function(value, problems, depth)
    local sent, why, suggestion = check(value, problems, depth)
    local problem = type(sent) == "string" and not find(sent, "^[%w_-]*$") and id_problem(sent)
    if problem then return nil, problem end
    return sent, why, suggestion
  end
end

function makers.string(field)
  local low, high, pattern = field.min_length or least_length(field), field.max_length or LONGEST, field.pattern
  local limits = messages.sizes(field.min_length, field.max_length, "character")

  local function is_right(value)
    local length = utf8_len(value)
    return length
      and length >= low
      and length <= high
      and #value <= LONGEST
      and not find(value, "\0", 1, true)
      and (not pattern or find(value, pattern))
  end

  local function string_problem(value)
    if type(value) ~= "string" then
      local text = type(value) == "number" and messages.number(value)
      return wrong_kind(value, "a string", text and is_right(text) and '"' .. text .. '"')
    end
    local problem, length = json_value.string_problem(value), utf8_len(value)
    -- The declared limit is named rather than the general one.
    if problem and not (length and length > high) then return problem end
    if length == 0 and low > 0 then return field.empty_problem or "must not be empty" end
    if length < low or length > high then
      return limits and format("must have %s, has %d", limits, length) or problem
    end
    return type(field.example) == "string" and format('must look like "%s"', field.example)
      or "must match the Lua pattern " .. pattern
  end

  return function(value)
    local length = type(value) == "string" and utf8_len(value)
    if
      length
      and length >= low
      and length <= high
      and #value <= LONGEST
      and not find(value, "\0", 1, true)
      and (not pattern or find(value, pattern))
    then
      return value
    end
    return nil, string_problem(value)
  end
end

-- Advises to drop the quotes if the check then takes the number.
local function number_problem(value, expected, check)
  local is_quoted = type(value) == "string" and #value <= 40 and find(value, "^%-?%d+%.?%d*$")
  return wrong_kind(value, expected, is_quoted and check(tonumber(value)) and value .. " without quotes")
end

local function is_finite(value) return value == value and value ~= huge and value ~= -huge end

function makers.integer(field)
  local low, high = field.min or -LARGEST, field.max or LARGEST
  local limits = messages.limits(field.min, field.max) or messages.limits(-LARGEST, LARGEST)
  local function check(value)
    local whole = value
    if math_type(value) ~= "integer" then
      if type(value) ~= "number" then return nil, number_problem(value, "a whole number", check) end
      if not is_finite(value) then return nil, wrong_kind(value, "a whole number") end
      whole = tointeger(value)
      if not whole and value >= -LARGEST and value <= LARGEST then return nil, "must be a whole number" end
    end
    if not whole or whole < low or whole > high then return nil, "must be " .. limits end
    return whole
  end
  return check
end

function makers.number(field)
  local low, high = field.min or -huge, field.max or huge
  local limits = messages.limits(field.min, field.max)
  local function check(value)
    if type(value) ~= "number" then return nil, number_problem(value, "a number", check) end
    if not is_finite(value) then return nil, wrong_kind(value, "a finite number") end
    if value < low or value > high then return nil, "must be " .. limits end
    return value == 0 and 0 or value -- -0.0 becomes 0
  end
  return check
end

function makers.boolean()
  return function(value)
    if value == true or value == false then return value end
    local is_quoted = value == "true" or value == "false"
    return nil, wrong_kind(value, "true or false", is_quoted and value .. " without quotes")
  end
end

-- The messages of hoopai.time quote the value.
local function time_problem(value, problem)
  if type(value) == "string" and messages.is_secret(value) then return wrong_kind(value, "an instant") end
  return problem
end

function makers.epoch_ms(field)
  local as_string = field.wire == "string"
  return function(value)
    local ms, problem = to_epoch_ms(value)
    if not ms then return nil, time_problem(value, problem) end
    return as_string and format("%d", ms) or ms
  end
end

function makers.datetime()
  return function(value)
    local iso, problem = to_body_datetime(value)
    if not iso then return nil, time_problem(value, problem) end
    return iso
  end
end

local function string_example(field, default) return type(field.example) == "string" and field.example or default end

function makers.date(field)
  local example, pattern = string_example(field, "2024-10-28"), field.pattern
  return function(value)
    if type(value) ~= "string" then return nil, wrong_kind(value, "a local date", '"' .. example .. '"') end
    local _, _, year, month, day, rest = find(value, "^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
    if
      not year
      or #value > 40
      or (rest ~= "" and not find(rest, "^T%d%d:%d%d[%d:.]*[Z%d:+-]*$"))
      or (pattern and not find(value, pattern))
    then
      return nil, format('must be a local date like "%s"', example)
    end
    local last = gregorian.month_days(tonumber(year), tonumber(month)) -- nil for a month that does not exist
    day = tonumber(day)
    if not last or day < 1 or day > last then return nil, "is a day that does not exist" end
    return value
  end
end

-- Wider than the pattern that the API documents, which has neither UTC nor America/Argentina/Buenos_Aires; which of the
-- zones of tzdata the API accepts is not documented.
local function is_zone_name(value)
  return #value <= 64 and find(value, "^%a[%w_+/-]*$") and not find(value, "//", 1, true) and not find(value, "/$")
end

function makers.timezone(field)
  local example = string_example(field, "America/New_York")
  return function(value)
    if type(value) ~= "string" then return nil, wrong_kind(value, "a time zone name", '"' .. example .. '"') end
    if not is_zone_name(value) then return nil, format('must be an IANA time zone name like "%s"', example) end
    local _, problem = to_timezone(value) -- refuses abbreviations: EST is wrong in summer
    if problem then return nil, problem end
    return value
  end
end

--- The length up to which every non-empty text of printable ASCII is right for a type; nil if it has further rules.
-- @tparam table field
-- @treturn ?integer
function scalars.plain_text_limit(field)
  if field.type ~= "string" or field.enum or field.pattern or field.read_only then return nil end
  return (field.min_length or 0) <= 1 and (field.max_length or LONGEST) or nil
end

--- The function that converts a value of a type, without the problem of a wrong one; nil if it has none.
-- @tparam table field
-- @treturn ?function convert(value) -> value to send | nil
function scalars.converter(field)
  if field.type == "datetime" and not field.nullable and not field.read_only then return to_body_datetime end
end

--- What a text of that length looks like which needs no further check.
-- @tparam table field
-- @treturn string
function scalars.plain_text_pattern(field) return is_id(field) and "^[%w_-]+$" or "^[ -~]+$" end

--- Compiles a declared type without parts.
-- @tparam table field a type of the endpoint data
-- @treturn function check(value) -> value to send | nil, problem, suggestion
function scalars.compile(field)
  local make = makers[field.type] or error("no such type: " .. tostring(field.type))
  return field.enum and compile_enum(field) or make(field)
end

return scalars
