--- The checks of a query. Each function here makes one for an endpoint of `hoopai.api`.
--
-- A check is called with the caller's table and the location to fill in. It returns the flat list that core.query takes
-- (name, value, name, value); or nil and `details`.
local containers = require "hoopai.validate.containers"
local json_value = require "hoopai.validate.json_value"
local messages = require "hoopai.validate.messages"
local time = require "hoopai.time"

local error, ipairs, next, rawget, rawlen = error, ipairs, next, rawget, rawlen
local tonumber, type = tonumber, type
local format, sort = string.format, table.sort
local abs, ceil, huge, math_type, tointeger = math.abs, math.ceil, math.huge, math.type, math.tointeger

local query = {}

local MS_PER_DAY = 86400000

-- The problem of the end of a range; nil if the range is right or one of its ends is missing.
local function range_problem(range, out)
  local from, to = tonumber(out[range.from]), tonumber(out[range.to])
  if not from or not to then return nil end
  if from >= to then return format("must be after `%s`", range.from) end
  local excess = range.max_days and to - from - range.max_days * MS_PER_DAY
  if excess and excess > 0 then
    local days = ceil((to - from) / MS_PER_DAY * 100) / 100
    return format(
      "must be at most %d days after `%s`, is %s days after it%s",
      range.max_days,
      range.from,
      messages.number(days),
      messages.clock_advice(range.from, range.max_days, excess)
    )
  end
end

-- An empty filter that is left out, or sent without a value, selects everything. A program that worked out the list of
-- users whose slots to show, and found none, would show those of all.
local EMPTY_LIST = "is an empty list: leave it out to mean all"
local EMPTY_TEXT = "is empty: leave it out to mean all"

-- The fields of a query with the rule for empty values.
local function without_empty(fields)
  local strict = {}
  for i, field in ipairs(fields) do
    strict[i] = field
    local is_list = field.type == "array"
    if is_list or field.type == "string" and not field.enum then
      local copy = {}
      for key, value in next, field do
        copy[key] = value
      end
      if is_list then
        copy.min_items, copy.empty_problem = field.min_items or 1, EMPTY_LIST
        if field.items.type == "string" and not field.items.enum then
          copy.items = { type = "string", min_length = 1, max_length = field.items.max_length }
          copy.items.pattern, copy.items.example = field.items.pattern, field.items.example
        end
      else
        copy.min_length = field.min_length or 1
        if not field.required then copy.empty_problem = EMPTY_TEXT end
      end
      strict[i] = copy
    end
  end
  return strict
end

-- core.query writes integers and strings.
local function query_value(value)
  if type(value) ~= "number" or math_type(value) == "integer" then return value end
  return tointeger(value) or messages.number(value)
end

local function query_list(fields, out)
  local list, n = {}, 0
  for i = 1, #fields do
    local name = fields[i].name
    local value = out[name]
    if type(value) == "table" then
      for j = 1, #value do
        list[n + 1], list[n + 2] = name, query_value(value[j])
        n = n + 2
      end
    elseif value ~= nil then
      list[n + 1], list[n + 2] = name, query_value(value)
      n = n + 2
    end
  end
  return list
end

local function refuse_nested_types(fields)
  for _, field in ipairs(fields) do
    local kind = field.type == "array" and field.items.type or field.type
    if kind == "object" or kind == "array" or kind == "any" then
      error("the query field " .. field.name .. " cannot be written in a query")
    end
  end
end

-- Checks a query again, for all its problems. There may be none: a finaliser can change the table in between.
local function explain(endpoint, check, range, given, location)
  local problems = messages.new_problems(
    function(path, depth) return depth == 1 and messages.misplaced_name(endpoint, path[1]) or nil end
  )
  local out, why = check(given, problems, 0, location)
  if not out then return nil, messages.whole("the query " .. why) end
  local wrong = range and range_problem(range, out)
  if wrong then
    problems.path[1] = range.to
    problems:add(1, wrong, rawget(given, range.to))
  end
  if problems.count > 0 then return nil, problems:details() end
  return out
end

--- Compiles the check of an endpoint's query.
function query.compile(endpoint)
  local fields = endpoint.query or {}
  refuse_nested_types(fields)
  local check = containers.object {
    fields = without_empty(fields),
    at_least_one = endpoint.at_least_one,
    at_most_one = endpoint.at_most_one,
  }
  local range = endpoint.range
  if range then range = { from = range.from or range[1], to = range.to or range[2], max_days = range.max_days } end

  return function(given, location)
    if given == nil then given = {} end
    local out = check(given, nil, 0, location)
    if not out or (range and range_problem(range, out)) then
      local details
      out, details = explain(endpoint, check, range, given, location)
      if not out then return nil, details end
    end
    return query_list(fields, out)
  end
end

-- Without checks

local function unchecked_scalar(value)
  local kind = type(value)
  if kind == "string" or kind == "boolean" then return value end
  if kind == "number" and value == value and abs(value) ~= huge then return query_value(value) end
  if time.is_instant(value) then return time.to_epoch_ms(value) end
end

local function add_items(list, problems, name, items)
  local wrong = json_value.list_problem(items)
  if wrong then return problems:add(1, "cannot be written in a query: it " .. wrong, items) end
  if rawlen(items) == 0 then return problems:add(1, EMPTY_LIST) end
  for i = 1, rawlen(items) do
    local item = unchecked_scalar(rawget(items, i))
    if item == nil then
      problems.path[2] = i
      problems:add(2, "cannot be written in a query", rawget(items, i))
    else
      list[#list + 1], list[#list + 2] = name, item
    end
  end
end

local function add_unchecked(list, problems, name, value, field)
  problems.path[1] = name
  if type(name) ~= "string" then return problems:add(1, "is no field name: fields are named by strings") end
  if messages.is_plain(value) then return add_items(list, problems, name, value) end
  local sent
  if field and field.type == "epoch_ms" then sent = time.to_epoch_ms(value) end
  if sent == nil then sent = unchecked_scalar(value) end
  if sent == nil then return problems:add(1, "cannot be written in a query", value) end
  list[#list + 1], list[#list + 2] = name, sent
end

--- Compiles the check of a query with the checks off: only what a query cannot express is refused.
function query.compile_unchecked(endpoint)
  local fields = endpoint.query or {}
  local takes_location, is_declared = containers.takes_location(fields), {}
  for _, field in ipairs(fields) do
    is_declared[field.name] = true
  end

  return function(given, location)
    if given == nil then given = {} end
    if not messages.is_plain(given) then
      return nil, messages.whole("the query " .. messages.wrong_kind(given, "a table with named fields"))
    end
    local list, problems = {}, messages.new_problems()
    for _, field in ipairs(fields) do
      local value = rawget(given, field.name)
      if value == nil and field.name == "locationId" and takes_location then value = location end
      if value == nil and field.required then value = field.default end
      if value ~= nil then add_unchecked(list, problems, field.name, value, field) end
    end
    local others = {}
    for name in next, given do
      if not is_declared[name] then others[#others + 1] = name end
    end
    sort(others, messages.comes_before)
    for _, name in ipairs(others) do
      add_unchecked(list, problems, name, rawget(given, name))
    end
    if problems.count > 0 then return nil, problems:details() end
    return list
  end
end

return query
