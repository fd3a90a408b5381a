--- The checks of values with parts: objects, maps, lists, and values of undeclared form.
--
-- A check is called as check(value, problems, depth) with a value that is not nil, and returns the value to send. If
-- the value is wrong, it returns nil and the problem; or nil alone, once it has added the problems of its parts to
-- `problems`. Without `problems` the first problem ends the check. Most calls are right, so query.lua and body.lua pass
-- no list at first, and repeat the check of a wrong value with one.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local json_value = require "hoopai.validate.json_value"
local messages = require "hoopai.validate.messages"
local scalars = require "hoopai.validate.scalars"

local getmetatable, ipairs, next, rawget, rawlen, type = getmetatable, ipairs, next, rawget, rawlen, type
local find, format = string.find, string.format
local sort = table.sort

local null, is_array = core.null, core.is_array
local is_plain, is_list, wrong_kind = messages.is_plain, messages.is_list, messages.wrong_kind
local list_problem, string_problem = json_value.list_problem, json_value.string_problem

local containers = {}

-- The limit of a list or map without a declared one.
local MOST_ITEMS = 10000

-- Undeclared names beyond this many are counted, not sorted and listed.
local MOST_SORTED = 1000

local compile

-- What `nulls` may be, the rule of an endpoint for the nulls in its body. Without one of the two a null is refused like
-- any other value of a wrong kind.
containers.CLEAR = "clear" -- of an update: null clears every field that is not required
containers.REFUSE = "refuse" -- of a create: there is nothing to clear

-- Free form

local function compile_any()
  return function(value, problems, depth) return json_value.copy(value, problems, depth) end
end

local function compile_free_object()
  return function(value, problems, depth)
    if not is_plain(value) or is_list(value) then return nil, wrong_kind(value, "a table with named fields") end
    return json_value.copy(value, problems, depth)
  end
end

-- Lists

-- Adds the fix if the value was meant as an item of such a list.
local function explain_list(value, items, problem, check)
  if not problem then
    local is_item = items.type == "string" and scalars.is_word(value) and not messages.is_secret(value)
    local fix = is_item and check(value, nil, 0) ~= nil and "{ " .. messages.describe(value) .. " }"
    return wrong_kind(value, "a list", fix)
  end
  if items.type == "object" and rawget(value, 1) == nil and find(problem, "^must be a list") then
    return problem .. ": write { { ... } }"
  end
  return problem
end

local function compile_list(field, nulls)
  local items = field.items or { type = "any" }
  local check = compile(items, nulls)
  if items.type == "string" and scalars.is_id(field) then check = scalars.check_id(check) end
  local low, high = field.min_items or 0, field.max_items or MOST_ITEMS
  local limits = messages.sizes(field.min_items, field.max_items or MOST_ITEMS, "item")

  return function(value, problems, depth)
    local is_table = is_plain(value)
    local problem = is_table and list_problem(value)
    if problem or not is_table then return nil, explain_list(value, items, problem, check) end
    local length, out = rawlen(value), {}
    if length < low or length > high then
      if length == 0 then return nil, field.empty_problem or "must not be empty" end
      if not problems then return nil end
      problems:add(depth, format("must have %s, has %d", limits, length), nil, field)
      if length > MOST_ITEMS then return nil end
    end
    for i = 1, length do
      local item = rawget(value, i)
      if problems then problems.path[depth + 1] = i end
      local sent, why, suggestion = check(item, problems, depth + 1)
      if sent == nil then
        if not problems then return nil end
        if why then problems:add(depth + 1, why, item, items, suggestion) end
      end
      out[i] = sent
    end
    return out
  end
end

-- Maps: objects whose names the caller chooses

local function sorted_names(map)
  local names = {}
  for name in next, map do
    if #names == MOST_ITEMS then return nil end
    names[#names + 1] = name
  end
  sort(names, messages.comes_before)
  return names
end

local function compile_map(field, nulls)
  local values = field.values
  local check = compile(values, nulls)
  return function(value, problems, depth)
    if not is_plain(value) or is_list(value) then return nil, wrong_kind(value, "a table with named fields") end
    local names = sorted_names(value)
    if not names then return nil, format("must have at most %d names", MOST_ITEMS) end
    local out = {}
    for _, name in ipairs(names) do
      if problems then problems.path[depth + 1] = name end
      local item = rawget(value, name)
      local wrong_name = type(name) ~= "string" and "is no name: names are strings" or string_problem(name)
      if wrong_name then
        if not problems then return nil end
        problems:add(depth + 1, wrong_name)
      else
        local sent, why, suggestion = check(item, problems, depth + 1)
        if sent == nil then
          if not problems then return nil end
          if why then problems:add(depth + 1, why, item, values, suggestion) end
        end
        out[name] = sent
      end
    end
    return out
  end
end

-- Objects with declared fields

--- Whether the client's location is filled in for one of these fields.
function containers.takes_location(fields)
  for _, field in ipairs(fields) do
    if field.name == "locationId" and field.fill ~= false then return true end
  end
  return false
end

-- Whether a field of a body takes null.
local function is_clearable(part, nulls)
  return nulls == containers.CLEAR and not part.required and not part.read_only and part.clearable ~= false
end

-- What the two checks of an object share.
local function compile_rules(field, nulls)
  local rules = {
    fields = field.fields,
    names = {},
    checks = {},
    takes_location = containers.takes_location(field.fields),
    writable = {},
    required = {},
    defaults = {}, -- names of fields, and fields
    plain_text = {},
    plain_pattern = {},
    converters = {}, -- see scalars.plain_text_limit and scalars.converter
    nulls = nulls,
    clearable = {}, -- the names of the fields that null clears
    at_least_one = field.at_least_one,
    at_most_one = field.at_most_one,
  }
  for i, part in ipairs(field.fields) do
    rules.names[i] = part.name
    rules.checks[part.name] = compile(part, nulls)
    rules.clearable[part.name] = is_clearable(part, nulls) or nil
    rules.plain_text[part.name] = scalars.plain_text_limit(part)
    rules.plain_pattern[part.name] = scalars.plain_text_pattern(part)
    rules.converters[part.name] = scalars.converter(part)
    if not part.read_only then rules.writable[#rules.writable + 1] = part.name end
    if part.required then rules.required[#rules.required + 1] = part.name end
    if part.required and part.default ~= nil then rules.defaults[#rules.defaults + 1] = part end
  end
  return rules
end

local function count_given(names, value)
  local count = 0
  for i = 1, #names do
    if rawget(value, names[i]) ~= nil then count = count + 1 end
  end
  return count
end

-- How many of these fields are set: a null that clears one of two rival fields gives way to the other.
local function count_set(rules, names, value)
  local count = count_given(names, value)
  for i = 1, #names do
    if rules.clearable[names[i]] and rawget(value, names[i]) == null then count = count - 1 end
  end
  return count
end

local function lacks_one(rules, value)
  local names = rules.at_least_one
  return names and count_set(rules, names, value) == 0
end

local function has_rivals(rules, value)
  local names = rules.at_most_one
  return names and count_set(rules, names, value) > 1
end

-- Undeclared names in a stable order, strings first, and how many more there are.
local function undeclared_names(value, checks)
  local names, rest = {}, 0
  for key in next, value do
    if type(key) == "string" and checks[key] then goto continue end
    if #names < MOST_SORTED then
      names[#names + 1] = key
    else
      rest = rest + 1
    end
    ::continue::
  end
  sort(names, messages.comes_before)
  return names, rest
end

-- If there are few names, the first unknown one that resembles none of them lists them.
local function unknown_problem(names, question, is_listed)
  if question then return "unknown field, " .. question end
  if is_listed or #names == 0 or #names > 8 then return "unknown field" end
  return (#names == 1 and "unknown field, the only one is " or "unknown field, there are ") .. messages.names(names)
end

local function add_undeclared(rules, value, problems, depth)
  local unknown, rest = undeclared_names(value, rules.checks)
  local is_listed = false
  for i, key in ipairs(unknown) do
    if problems:is_full() then
      rest = rest + #unknown - i + 1
      break
    end
    problems.path[depth + 1] = key
    local question, near
    local problem = type(key) ~= "string" and "is no field name: fields are named by strings"
      or problems.explain_unknown and problems.explain_unknown(problems.path, depth + 1)
    if not problem then
      question, near = errors.did_you_mean(key, rules.writable)
      problem = unknown_problem(rules.writable, question, is_listed)
      is_listed = is_listed or not near
    end
    problems:add(depth + 1, problem, nil, nil, near)
  end
  problems:count_more(rest)
end

local function missing_problem(rules, name, depth)
  if depth == 0 and name == "locationId" and rules.takes_location then
    return "is required (set it here, as location_id in the last argument, or in hoopai.new)"
  end
  return "is required"
end

-- Why a field does not take null, as the end of the problem; "" if its kind is the whole reason.
local function null_advice(rules, part)
  if part.read_only then return "" end
  if part.required then return "; it is required, so it cannot be cleared" end
  if rules.nulls == containers.REFUSE then return "; leave it out, null only clears a field in an update" end
  return "; it cannot be cleared: leave it out to keep it"
end

-- Checks a field that is there, and adds its problem.
local function explain_field(rules, part, item, problems, depth)
  if item == null and rules.clearable[part.name] then return item end
  local sent, why, suggestion = rules.checks[part.name](item, problems, depth)
  if sent == nil and why then
    if item == null and rules.nulls then
      if part.type == "datetime" then why = wrong_kind(item, "an instant") end -- hoopai.time knows no null
      why = why .. null_advice(rules, part)
    end
    problems:add(depth, why, item, part, suggestion)
  end
  return sent
end

-- Adds all problems of an object, in declared order.
local function explain_object(rules, value, problems, depth, location)
  -- A table with a declared name is meant as an object, also if it has items.
  if not is_plain(value) or is_array(value) or (rawget(value, 1) ~= nil and count_given(rules.names, value) == 0) then
    return nil, wrong_kind(value, "a table with named fields")
  end
  local out, path = {}, problems.path
  for _, part in ipairs(rules.fields) do
    local name = part.name
    local item = rawget(value, name)
    path[depth + 1] = name
    if item == nil and name == "locationId" and rules.takes_location then item = location end
    if item == nil and part.required then item = part.default end
    if item ~= nil then
      out[name] = explain_field(rules, part, item, problems, depth + 1)
    elseif part.required then
      problems:add(depth + 1, missing_problem(rules, name, depth), nil, part)
    end
  end
  add_undeclared(rules, value, problems, depth)
  if lacks_one(rules, value) then
    local names = messages.names(rules.at_least_one, "or")
    problems:add(depth, "give at least one of " .. names, nil, "one of " .. names)
  end
  if has_rivals(rules, value) then
    local names = messages.names(rules.at_most_one, "or")
    problems:add(depth, "give only one of " .. names, nil, "one of " .. names)
  end
  return out
end

--- Compiles an object with declared fields. Its check takes a fourth argument: the value for an absent `locationId`.
--
-- Only objects have a second check for the case without problems. One check for both would visit every declared field,
-- since problems are listed in that order, rather than the few that are given. That was 20 to 30 % slower on the bodies
-- of spec/bench/validate_bench.lua.
-- @tparam table field
-- @tparam ?string nulls `CLEAR` or `REFUSE`
function containers.object(field, nulls)
  local rules = compile_rules(field, nulls)
  local checks, required, defaults = rules.checks, rules.required, rules.defaults
  local required_count, defaults_count = #required, #defaults
  local takes_location, has_combinations = rules.takes_location, rules.at_least_one or rules.at_most_one
  local plain_text, plain_pattern = rules.plain_text, rules.plain_pattern
  local converters, clearable = rules.converters, rules.clearable

  local function check_field(name, item)
    local limit = plain_text[name]
    if limit and type(item) == "string" and #item <= limit and find(item, plain_pattern[name]) then return item end
    if item == null and clearable[name] then return item end
    local check = converters[name] or checks[name]
    return check and check(item, nil, 0)
  end

  return function(value, problems, depth, location)
    if problems then return explain_object(rules, value, problems, depth, location) end
    if type(value) ~= "table" then return nil end
    if getmetatable(value) ~= nil and (is_array(value) or not is_plain(value)) then return nil end
    local out = {}
    for name, item in next, value do
      local sent = check_field(name, item)
      if sent == nil then return nil end
      out[name] = sent
    end
    if location ~= nil and takes_location and out.locationId == nil then
      out.locationId = check_field("locationId", location)
      if out.locationId == nil then return nil end
    end
    for i = 1, defaults_count do
      local name = defaults[i].name
      if out[name] == nil then out[name] = check_field(name, defaults[i].default) end
    end
    for i = 1, required_count do
      if out[required[i]] == nil then return nil end
    end
    if has_combinations and (lacks_one(rules, value) or has_rivals(rules, value)) then return nil end
    return out
  end
end

local function compile_object(field, nulls)
  if field.fields then return containers.object(field, nulls) end
  if field.values then return compile_map(field, nulls) end
  return compile_free_object()
end

-- Some fields are declared only so that their problem can be named.
local function compile_read_only(field)
  local problem = "is read-only: leave it out"
  if field.deprecated then problem = problem .. ", and use " .. field.deprecated end
  return function() return nil, problem end
end

local makers = { any = compile_any, array = compile_list, object = compile_object }

--- Compiles a declared type.
-- @tparam table field a type of the endpoint data
-- @tparam ?string nulls `CLEAR` or `REFUSE`: the rule for the fields in it
-- @treturn function check(value, problems, depth) -> value to send | nil, problem, suggestion
function compile(field, nulls)
  if field.read_only then return compile_read_only(field) end
  local check = (makers[field.type] or scalars.compile)(field, nulls)
  if field.type == "string" and scalars.is_id(field) then check = scalars.check_id(check) end
  if not field.nullable or field.type == "any" then return check end -- in free form null is a value like any other
  return function(value, problems, depth)
    if value == null then return value end
    return check(value, problems, depth)
  end
end
containers.compile = compile

return containers
