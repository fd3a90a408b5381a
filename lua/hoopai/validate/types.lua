--- Turns the declared types of `hoopai.api` into functions that check and convert a value.
--
-- Every check is called as `check(value, problems, depth)` with a value that is not nil and returns the value to send.
-- When something is wrong it returns nil and the problem in words, or nil alone when it has added the problems of its
-- parts itself. Without `problems` the first mistake ends the check: nearly all calls are right, so they are checked on
-- the short way, and only a wrong one is gone through a second time to name everything that is wrong with it.
local _ENV = require "hoopai.standard"
local error, getmetatable, ipairs, next = error, getmetatable, ipairs, next
local rawget, rawlen, tonumber, tostring, type = rawget, rawlen, tonumber, tostring, type
local find, format = string.find, string.format
local math_type, tointeger, huge = math.type, math.tointeger, math.huge
local sort = table.sort
local utf8_len = utf8.len
local core = require "hoopai.core"
local free = require "hoopai.validate.json_value"
local errors = require "hoopai.errors"
local text = require "hoopai.validate.messages"
local time = require "hoopai.time"

local null, is_array, is_plain = core.null, core.is_array, text.is_plain
local to_epoch_ms, to_body_datetime = time.to_epoch_ms, time.to_body_datetime
local string_problem, list_problem, LONGEST = free.string_problem, free.list_problem, free.LONGEST

local types = {}

-- A list or map without a declared limit is cut off here: a mistake, not a wish.
local MOST_ITEMS = 10000

-- Every JSON reader agrees on integers up to here.
local LARGEST = 2 ^ 53 | 0

-- Problems of names nobody declared are sorted, unless there are absurdly many.
local MOST_SORTED = 1000

local compile

-- The text for a value of the wrong kind, with the fix where it is obvious.
local function wrong_kind(value, wanted, fix)
  local problem = "must be " .. wanted .. ", not " .. text.kind(value)
  return fix and problem .. ": write " .. fix or problem
end

local function printable_word(value)
  return type(value) == "string" and #value <= 40 and find(value, "^[%w_.+-]+$") ~= nil
end

local function enum_problem(value, field)
  local listed = text.values(field.enum)
  local problem = (#field.enum == 1 and "must be " or "must be one of ") .. listed
  if field.nullable then problem = problem .. ", or hoopai.null" end
  if type(value) == type(field.enum[1]) then
    if type(value) == "string" then
      local question, near = errors.did_you_mean(value, field.enum)
      if near then return problem .. "; " .. question, near end
    end
    return problem
  end
  problem = problem .. ", not " .. text.kind(value)
  if printable_word(value) then
    for _, allowed in ipairs(field.enum) do
      if tostring(allowed) == value then return problem .. ": write " .. value .. " without quotes" end
    end
  end
  return problem
end

local function compile_enum(field)
  local allowed = {}
  for _, value in ipairs(field.enum) do allowed[value] = true end
  local whole = field.type == "integer"
  return function(value)
    -- NaN is the one value that cannot be looked up and is never found; nil does not come here
    if allowed[value] then
      if whole then return tointeger(value) end
      return value == 0 and 0 or value -- -0.0 is found too
    end
    return nil, enum_problem(value, field)
  end
end

local makers = {}

-- An empty id where one is demanded comes from a variable that was never set.
local function least_length(field)
  return field.required and field.name and find(field.name, "Id$") and 1 or 0
end

function makers.string(field)
  local low, high, pattern = field.min_length or least_length(field), field.max_length or LONGEST, field.pattern
  local limits = text.sizes(field.min_length, field.max_length, "character")

  local function long_way(value)
    if type(value) ~= "string" then
      return nil, wrong_kind(value, "a string", type(value) == "number" and '"' .. text.number(value) .. '"' or nil)
    end
    local problem = string_problem(value)
    local length = utf8_len(value)
    -- A declared limit says more than the general one.
    if problem and not (length and length > high) then return nil, problem end
    if length < low or length > high then
      if length == 0 then return nil, "must not be empty" end
      if not limits then return nil, problem end
      return nil, format("must have %s, has %d", limits, length)
    end
    if pattern and not find(value, pattern) then
      if type(field.example) == "string" then return nil, format('must look like "%s"', field.example) end
      return nil, "must match the Lua pattern " .. pattern
    end
    return value
  end

  return function(value)
    if type(value) == "string" then
      local length = utf8_len(value)
      if length and length >= low and length <= high and #value <= LONGEST and not find(value, "\0", 1, true)
        and (not pattern or find(value, pattern)) then return value end
    end
    return long_way(value)
  end
end

local function number_problem(value, wanted)
  local fix = type(value) == "string" and #value <= 40 and find(value, "^%-?%d+%.?%d*$") and value .. " without quotes"
  return wrong_kind(value, wanted, fix or nil)
end

function makers.integer(field)
  local low, high = field.min or -LARGEST, field.max or LARGEST
  local limits = text.limits(field.min, field.max) or text.limits(-LARGEST, LARGEST)
  return function(value)
    local whole = value
    if math_type(value) ~= "integer" then
      if type(value) ~= "number" then return nil, number_problem(value, "a whole number") end
      if value ~= value or value == huge or value == -huge then return nil, wrong_kind(value, "a whole number") end
      whole = tointeger(value)
      if not whole then
        if value >= -LARGEST and value <= LARGEST then return nil, "must be a whole number" end
        return nil, "must be " .. limits
      end
    end
    if whole < low or whole > high then return nil, "must be " .. limits end
    return whole
  end
end

function makers.number(field)
  local low, high = field.min or -huge, field.max or huge
  local limits = text.limits(field.min, field.max)
  return function(value)
    if type(value) ~= "number" then return nil, number_problem(value, "a number") end
    if value ~= value or value == huge or value == -huge then return nil, wrong_kind(value, "a finite number") end
    if value < low or value > high then return nil, "must be " .. limits end
    if value == 0 then return 0 end -- -0.0 is not worth a surprise
    return value
  end
end

function makers.boolean()
  return function(value)
    if value == true or value == false then return value end
    local fix = value == "true" and "true without quotes" or value == "false" and "false without quotes" or nil
    return nil, wrong_kind(value, "true or false", fix)
  end
end

-- The words of hoopai.time quote what was given.
local function time_problem(value, problem)
  if type(value) == "string" and text.is_secret(value) then return wrong_kind(value, "an instant") end
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

local DAYS = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

function makers.date(field)
  local example = type(field.example) == "string" and field.example or "2024-10-28"
  local pattern = field.pattern
  return function(value)
    if type(value) ~= "string" then return nil, wrong_kind(value, "a local date", '"' .. example .. '"') end
    local _, _, year, month, day, rest = find(value, "^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
    if not year or #value > 40 or (rest ~= "" and not find(rest, "^T%d%d:%d%d[%d:.]*[Z%d:+-]*$"))
      or (pattern and not find(value, pattern)) then
      return nil, format('must be a local date like "%s"', example)
    end
    year, month, day = tonumber(year), tonumber(month), tonumber(day)
    local last = DAYS[month]
    if month == 2 and (year % 4 ~= 0 or (year % 100 == 0 and year % 400 ~= 0)) then last = 28 end
    if not last or day < 1 or day > last then return nil, "is a day that does not exist" end
    return value
  end
end

function makers.timezone(field)
  local example = type(field.example) == "string" and field.example or "America/New_York"
  return function(value)
    -- What zones the API knows is its own affair: longer than the pattern it documents, shorter than tzdata.
    if type(value) == "string" and #value <= 64 and find(value, "^%a[%w_+/-]*$") and not find(value, "//", 1, true)
      and not find(value, "/$") then
      local _, problem = time.to_timezone(value) -- abbreviations such as EST are wrong half of the year
      if problem then return nil, problem end
      return value
    end
    if type(value) ~= "string" then return nil, wrong_kind(value, "a time zone name", '"' .. example .. '"') end
    return nil, format('must be an IANA time zone name like "%s"', example)
  end
end

function makers.any()
  return function(value, problems, depth)
    return free.copy(value, problems, depth)
  end
end

function makers.array(field)
  local items = field.items or { type = "any" }
  local check = compile(items)
  local low, high = field.min_items or 0, field.max_items or MOST_ITEMS
  local limits = text.sizes(field.min_items, field.max_items or MOST_ITEMS, "item")

  local function explain(value, problems, depth)
    if not is_plain(value) then
      local fix = type(value) == "string" and items.type == "string" and "{ " .. text.given(value) .. " }"
      return nil, wrong_kind(value, "a list", printable_word(value) and fix or nil)
    end
    local problem = list_problem(value)
    if problem then
      if items.type == "object" and rawget(value, 1) == nil and find(problem, "^must be a list") then
        problem = problem .. ": write { { ... } }"
      end
      return nil, problem
    end
    local length, out = rawlen(value), {}
    if length < low or length > high then
      if length == 0 then return nil, "must not be empty" end
      problems:add(depth, format("must have %s, has %d", limits, length), nil, field)
      if length > MOST_ITEMS then return end
    end
    local path = problems.path
    for i = 1, length do
      local item = rawget(value, i)
      path[depth + 1] = i
      local sent, why, suggestion = check(item, problems, depth + 1)
      if sent == nil and why then problems:add(depth + 1, why, item, items, suggestion) end
      out[i] = sent
    end
    return out
  end

  return function(value, problems, depth)
    if problems then return explain(value, problems, depth) end
    if not is_plain(value) then return nil end
    local length, out = rawlen(value), {}
    if length < low or length > high then return nil end
    for i = 1, length do
      local item = rawget(value, i)
      if item == nil then return nil end
      local sent = check(item)
      if sent == nil then return nil end
      out[i] = sent
    end
    local count = 0
    for _ in next, value do count = count + 1 end
    if count == length then return out end
  end
end

-- A table whose names the user chooses.
local function compile_map(field)
  local values = field.values
  local check = compile(values)
  return function(value, problems, depth)
    if not is_plain(value) or text.is_list(value) then
      return nil, wrong_kind(value, "a table with named fields")
    end
    local out, count, names = {}, 0, problems and {}
    for key, item in next, value do
      count = count + 1
      if count > MOST_ITEMS then return nil, format("must have at most %d names", MOST_ITEMS) end
      if problems then
        names[count] = key
      else
        local sent
        if type(key) == "string" and not string_problem(key) then sent = check(item) end
        if sent == nil then return nil end
        out[key] = sent
      end
    end
    if not problems then return out end
    sort(names, text.comes_before)
    for _, key in ipairs(names) do
      local item = rawget(value, key)
      problems.path[depth + 1] = key
      if type(key) ~= "string" then
        problems:add(depth + 1, "is no name: names are strings")
      elseif string_problem(key) then
        problems:add(depth + 1, string_problem(key))
      else
        local sent, why, suggestion = check(item, problems, depth + 1)
        if sent == nil and why then problems:add(depth + 1, why, item, values, suggestion) end
        out[key] = sent
      end
    end
    return out
  end
end

local function compile_free_object()
  return function(value, problems, depth)
    if not is_plain(value) or text.is_list(value) then
      return nil, wrong_kind(value, "a table with named fields")
    end
    return free.copy(value, problems, depth)
  end
end

-- Names nobody declared, in an order that is the same every time.
-- @treturn table the names, strings first
-- @treturn integer how many more there are
local function undeclared(value, checks)
  local names, rest = {}, 0
  for key in next, value do
    if type(key) ~= "string" or not checks[key] then
      if #names < MOST_SORTED then names[#names + 1] = key else rest = rest + 1 end
    end
  end
  sort(names, text.comes_before)
  return names, rest
end

-- A short list of the known fields is named, once.
local function unknown_problem(names, question, told)
  if question then return "unknown field, " .. question end
  if told or #names == 0 or #names > 8 then return "unknown field" end
  return (#names == 1 and "unknown field, the only one is " or "unknown field, there are ") .. text.names(names)
end

local function add_undeclared(value, checks, names, problems, depth)
  local unknown, rest = undeclared(value, checks)
  local told = false
  for i, key in ipairs(unknown) do
    if problems:is_full() then
      rest = rest + #unknown - i + 1
      break
    end
    problems.path[depth + 1] = key
    if type(key) ~= "string" then
      problems:add(depth + 1, "is no field name: fields are named by strings")
    else
      local special = problems.explain_unknown and problems.explain_unknown(problems.path, depth + 1)
      if special then
        problems:add(depth + 1, special)
      else
        local question, near = errors.did_you_mean(key, names)
        problems:add(depth + 1, unknown_problem(names, question, told), nil, nil, near)
        told = told or not near
      end
    end
  end
  if rest > 0 then problems:more(rest) end
end

-- How many of some names a table has.
local function count_given(names, value)
  local count = 0
  for i = 1, #names do
    if rawget(value, names[i]) ~= nil then count = count + 1 end
  end
  return count
end

-- Are the rules on which names may or must go together kept?
local function keeps_rules(field, value)
  local some, single = field.at_least_one, field.at_most_one
  return (not some or count_given(some, value) > 0) and (not single or count_given(single, value) < 2)
end

local function add_broken_rules(field, value, problems, depth)
  local some, single = field.at_least_one, field.at_most_one
  if some and count_given(some, value) == 0 then
    problems:add(depth, "give at least one of " .. text.names(some, "or"), nil, "one of " .. text.names(some, "or"))
  end
  if single and count_given(single, value) > 1 then
    problems:add(depth, "give only one of " .. text.names(single, "or"), nil, "one of " .. text.names(single, "or"))
  end
end

--- Compiles an object with declared fields.
-- Its check takes a fourth argument: the value for a `locationId` that is absent.
function types.object(field)
  local fields = field.fields
  local names, writable, checks, needed, defaults = {}, {}, {}, {}, {}
  for i, part in ipairs(fields) do
    names[i] = part.name
    if not part.read_only then writable[#writable + 1] = part.name end
    checks[part.name] = compile(part)
    if part.required then
      needed[#needed + 1] = part.name
      if part.default ~= nil then defaults[#defaults + 1] = part end
    end
  end
  local fills_location = false
  for _, part in ipairs(fields) do
    if part.name == "locationId" and part.fill ~= false then fills_location = true end
  end

  local function explain(value, problems, depth, location)
    -- A table with a declared name in it was meant as one, whatever else is in it.
    if not is_plain(value) or is_array(value) or (rawget(value, 1) ~= nil and count_given(names, value) == 0) then
      return nil, wrong_kind(value, "a table with named fields")
    end
    local out, path = {}, problems.path
    for i, name in ipairs(names) do
      local part, item = fields[i], rawget(value, name)
      path[depth + 1] = name
      if item == nil and name == "locationId" and fills_location then item = location end
      if item == nil and part.required then item = part.default end
      if item ~= nil then
        local sent, why, suggestion = checks[name](item, problems, depth + 1)
        if sent == nil and why then problems:add(depth + 1, why, item, part, suggestion) end
        out[name] = sent
      elseif part.required then
        local how = "is required"
        if depth == 0 and name == "locationId" and fills_location then
          how = "is required (set it here, as location_id in the last argument, or in hoopai.new)"
        end
        problems:add(depth + 1, how, nil, part)
      end
    end
    add_undeclared(value, checks, writable, problems, depth)
    add_broken_rules(field, value, problems, depth)
    return out
  end

  local needed_count, defaults_count = #needed, #defaults
  local has_rules = field.at_least_one or field.at_most_one
  return function(value, problems, depth, location)
    if problems then return explain(value, problems, depth, location) end
    if type(value) ~= "table" then return nil end
    -- A time value or a marked list is no object, whatever is in it.
    if getmetatable(value) ~= nil and (is_array(value) or not is_plain(value)) then return nil end
    local out = {}
    for key, item in next, value do
      local check = checks[key]
      if not check then return nil end
      local sent = check(item)
      if sent == nil then return nil end
      out[key] = sent
    end
    if location ~= nil and fills_location and out.locationId == nil then
      local sent = checks.locationId(location)
      if sent == nil then return nil end
      out.locationId = sent
    end
    for i = 1, defaults_count do
      local part = defaults[i]
      if out[part.name] == nil then
        local sent = checks[part.name](part.default)
        if sent == nil then return nil end
        out[part.name] = sent
      end
    end
    for i = 1, needed_count do
      if out[needed[i]] == nil then return nil end
    end
    if has_rules and not keeps_rules(field, value) then return nil end
    return out
  end
end

function makers.object(field)
  if field.fields then return types.object(field) end
  if field.values then return compile_map(field) end
  return compile_free_object()
end

-- Some fields are declared only to say that they cannot be sent.
local function read_only(field)
  local problem = "is read-only: leave it out"
  if field.deprecated then problem = problem .. ", and use " .. field.deprecated end
  return function() return nil, problem end
end

--- Compiles one declared type.
-- @tparam table field a type of the endpoint data
-- @treturn function check(value, problems, depth) -> value to send | nil, problem, suggestion
function compile(field)
  if field.read_only then return read_only(field) end
  local make = makers[field.type] or error("no such type: " .. tostring(field.type))
  local check = field.enum and field.type ~= "array" and compile_enum(field) or make(field)
  if field.type == "any" then return check end -- null is a JSON value like any other there
  if field.nullable then
    return function(value, problems, depth)
      if value == null then return value end
      return check(value, problems, depth)
    end
  end
  return check
end
types.compile = compile

return types
