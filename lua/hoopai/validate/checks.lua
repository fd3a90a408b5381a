--- The checks of a query, a body and path arguments: each function here makes one for an endpoint of `hoopai.api`.
--
-- A check is called with what was given and the location to fill in. It returns what is to be sent, or nil and
-- `details`.
local _ENV = require "hoopai.standard"
local error, ipairs, next, rawget, rawlen = error, ipairs, next, rawget, rawlen
local tonumber, type = tonumber, type
local sort = table.sort
local format = string.format
local ceil, math_type, tointeger, huge = math.ceil, math.type, math.tointeger, math.huge
local free = require "hoopai.validate.json_value"
local problems = require "hoopai.validate.problems"
local text = require "hoopai.validate.messages"
local time = require "hoopai.time"
local types = require "hoopai.validate.types"

local is_instant, to_epoch_ms = time.is_instant, time.to_epoch_ms

local checks = {}

-- The options of a call, which are put into the query or body by mistake.
local OPTIONS = require("hoopai.options").call_names

-- The field at a place of a type, nil when there is none.
local function field_at(kind, path, depth)
  for i = 1, depth do
    if not kind then return nil end
    local key, found = path[i], nil
    if type(key) == "number" then
      found = kind.type == "array" and kind.items
    elseif kind.type == "object" and kind.fields then
      for _, part in ipairs(kind.fields) do
        if part.name == key then found = part end
      end
    elseif kind.type == "object" then
      found = kind.values
    end
    kind = found
  end
  return kind
end

-- What people may have read before they send it back: the types in which a name may be known that cannot be sent.
local function answers(endpoint, resource)
  local found = {}
  local function add(other)
    local kind = other.result and other.result.type
    if kind and kind.type == "array" and endpoint.body.type ~= "array" then kind = kind.items end
    if kind then found[#found + 1] = kind end
  end
  add(endpoint)
  for _, other in ipairs(resource or {}) do
    if other.name == "get" or other.name == "list" then add(other) end
  end
  return found
end

-- Why a name that is not declared was probably given: an option, an argument, or a field that is only ever read.
local function explainer(endpoint, resource, is_body)
  local arguments = {}
  for _, param in ipairs(endpoint.params or {}) do arguments[param.name] = true end
  return function(path, depth)
    local key = path[depth]
    if depth == 1 and OPTIONS[key] then return "is an option: pass it in the last argument" end
    if depth == 1 and arguments[key] then return "is an argument of its own, before the table: leave it out here" end
    if not is_body then return nil end
    for _, kind in ipairs(answers(endpoint, resource)) do
      if field_at(kind, path, depth) then return "is read-only: leave it out" end
    end
  end
end

local function fail(path_problem, given, expected)
  local found = problems.new()
  found:add(0, path_problem, given, expected)
  return nil, found:details()
end

-- ---------------------------------------------------------------------------------------------------------------------
-- Queries

local MS_PER_DAY = 86400000

-- Is one of the declared range's ends missing or the range right? Else the problem.
local function range_problem(range, out)
  local from, to = tonumber(out[range.from]), tonumber(out[range.to])
  if not from or not to then return nil end
  if from >= to then return format("must be after `%s`", range.from) end
  if range.max_days and to - from > range.max_days * MS_PER_DAY then
    return format("must be at most %d days after `%s`, is %s days after it", range.max_days, range.from,
      text.number(ceil((to - from) / MS_PER_DAY * 100) / 100))
  end
end

-- A number as a query can carry it.
local function query_number(value)
  if math_type(value) == "integer" then return value end
  return tointeger(value) or text.number(value)
end

-- The flat list of names and values, in declared order.
local function query_list(fields, out)
  local list, n = {}, 0
  for i = 1, #fields do
    local name = fields[i].name
    local value = out[name]
    if type(value) == "table" then
      for j = 1, #value do
        local item = value[j]
        list[n + 1], list[n + 2] = name, type(item) == "number" and query_number(item) or item
        n = n + 2
      end
    elseif value ~= nil then
      list[n + 1], list[n + 2] = name, type(value) == "number" and query_number(value) or value
      n = n + 2
    end
  end
  return list
end

function checks.strict_query(endpoint, resource)
  local fields = endpoint.query or {}
  for _, field in ipairs(fields) do
    local kind = field.type == "array" and field.items.type or field.type
    if kind == "object" or kind == "array" or kind == "any" then
      error("the query field " .. field.name .. " cannot be written in a query")
    end
  end
  local check = types.object {
    type = "object", fields = fields, at_least_one = endpoint.at_least_one, at_most_one = endpoint.at_most_one,
  }
  local explain_unknown = explainer(endpoint, resource, false)
  local range = endpoint.range
  if range then range = { from = range.from or range[1], to = range.to or range[2], max_days = range.max_days } end

  return function(given, location)
    if given == nil then given = {} end
    local out = check(given, nil, 0, location)
    if out and not (range and range_problem(range, out)) then return query_list(fields, out) end
    local found = problems.new()
    found.explain_unknown = explain_unknown
    local why
    out, why = check(given, found, 0, location)
    if not out then return fail("the query " .. why) end
    local wrong = range and range_problem(range, out)
    if wrong then
      found.path[1] = range.to
      found:add(1, wrong, rawget(given, range.to))
    end
    if found.count > 0 then return nil, found:details() end
    return query_list(fields, out)
  end
end

--- With the checks off: whatever a query can carry at all.
function checks.loose_query(endpoint)
  local fields = endpoint.query or {}
  local declared, fills_location = {}, false
  for _, field in ipairs(fields) do
    declared[field.name] = field
    if field.name == "locationId" and field.fill ~= false then fills_location = true end
  end

  local function scalar(value)
    local kind = type(value)
    if kind == "string" or kind == "boolean" then return value end
    if kind == "number" and value == value and value ~= huge and value ~= -huge then return query_number(value) end
    if is_instant(value) then return to_epoch_ms(value) end
  end

  local function add(list, found, name, value)
    found.path[1] = name
    if text.is_plain(value) then
      local wrong = free.list_problem(value)
      if wrong then return found:add(1, "cannot be written in a query: it " .. wrong, value) end
      for i = 1, rawlen(value) do
        local item = scalar(rawget(value, i))
        found.path[2] = i
        if item == nil then
          found:add(2, "cannot be written in a query", rawget(value, i))
        else
          list[#list + 1], list[#list + 2] = name, item
        end
      end
      return
    end
    local sent
    if declared[name] and declared[name].type == "epoch_ms" then sent = to_epoch_ms(value) end
    if sent == nil then sent = scalar(value) end
    if sent == nil then return found:add(1, "cannot be written in a query", value) end
    list[#list + 1], list[#list + 2] = name, sent
  end

  return function(given, location)
    if given == nil then given = {} end
    if not text.is_plain(given) then
      return fail("the query must be a table with named fields, not " .. text.kind(given))
    end
    local list, found = {}, problems.new()
    for _, field in ipairs(fields) do
      local value = rawget(given, field.name)
      if value == nil and field.name == "locationId" and fills_location then value = location end
      if value == nil and field.required then value = field.default end
      if value ~= nil then add(list, found, field.name, value) end
    end
    local others = {}
    for key in next, given do
      if not declared[key] then others[#others + 1] = key end
    end
    sort(others, text.comes_before)
    for _, name in ipairs(others) do
      if type(name) == "string" then
        add(list, found, name, rawget(given, name))
      else
        found.path[1] = name
        found:add(1, "is no field name: fields are named by strings")
      end
    end
    if found.count > 0 then return nil, found:details() end
    return list
  end
end

-- ---------------------------------------------------------------------------------------------------------------------
-- Bodies

local function required_names(kind, location)
  local names = {}
  for _, field in ipairs(kind.fields or {}) do
    local filled = field.default ~= nil or (location ~= nil and field.name == "locationId" and field.fill ~= false)
    if field.required and not filled then names[#names + 1] = field.name end
  end
  return names
end

local function missing_body(kind, location)
  local names = required_names(kind, location)
  local wanted = kind.type == "array" and "a list"
    or #names > 0 and "a table with " .. text.names(names) or "a table with the fields to set"
  return fail("the body is missing: give " .. wanted, nil, wanted)
end

-- May the body be left out? Where nothing can be said the API still wants an empty object.
local function may_be_absent(kind)
  return kind.optional or kind.required == false
    or (kind.type == "object" and next(kind.fields or {}) == nil and not kind.values)
end

-- Whether the instants of a checked body are in order.
local function order_problem(range, out)
  local from, to = out[range.from], out[range.to]
  if from == nil or to == nil then return nil end
  if to_epoch_ms(from) >= to_epoch_ms(to) then return format("must be after `%s`", range.from) end
end

function checks.strict_body(endpoint, resource)
  local kind = endpoint.body
  local range = kind.range
  local check = types.compile(kind)
  local explain_unknown = explainer(endpoint, resource, true)
  local absent = may_be_absent(kind)
  return function(given, location)
    if given == nil then
      if not absent then return missing_body(kind, location) end
      given = {}
    end
    local out = check(given, nil, 0, location)
    if out ~= nil and not (range and order_problem(range, out)) then return out end
    local found = problems.new()
    found.explain_unknown = explain_unknown
    local why, suggestion
    out, why, suggestion = check(given, found, 0, location)
    if out == nil and why then found:add(0, "the body " .. why, nil, kind, suggestion) end
    local wrong = range and found.count == 0 and order_problem(range, out)
    if wrong then
      found.path[1] = range.to
      found:add(1, wrong, rawget(given, range.to))
    end
    if found.count > 0 then return nil, found:details() end
    return out
  end
end

--- With the checks off: whatever JSON can say.
function checks.loose_body(endpoint)
  local kind = endpoint.body
  local absent = may_be_absent(kind)
  local fills_location, defaults = false, {}
  for _, field in ipairs(kind.fields or {}) do
    if field.name == "locationId" and field.fill ~= false then fills_location = true end
    if field.required and field.default ~= nil then defaults[#defaults + 1] = field end
  end
  return function(given, location)
    if given == nil then
      if not absent then return missing_body(kind, location) end
      given = {}
    end
    local out = free.copy(given, nil, 0, true)
    if out == nil then
      local found = problems.new()
      free.copy(given, found, 0, true)
      return nil, found:details()
    end
    if type(out) == "table" and kind.type == "object" and not (text.is_list(out) and next(out) ~= nil) then
      if fills_location and out.locationId == nil then out.locationId = location end
      for _, field in ipairs(defaults) do
        if out[field.name] == nil then out[field.name] = free.copy(field.default, nil, 0, true) end
      end
    end
    return out
  end
end

--- For an endpoint without one.
function checks.no_body()
  return function(given)
    if given == nil then return nil end
    return fail("this call takes no body", given)
  end
end

-- ---------------------------------------------------------------------------------------------------------------------
-- Path arguments

--- Only those that must be one of some words; what any argument must be to stand in a path is core.path's to say.
function checks.strict_params(endpoint)
  local wordy = {}
  for index, param in ipairs(endpoint.params or {}) do
    if param.enum then wordy[#wordy + 1] = { index = index, param = param, check = types.compile(param) } end
  end
  return function(given)
    local found = problems.new()
    for _, entry in ipairs(wordy) do
      local value, problem, suggestion = entry.check(given[entry.index])
      if value == nil then
        found.path[1] = entry.param.name
        found:add(1, problem, given[entry.index], entry.param, suggestion)
      end
    end
    if found.count > 0 then return found:details() end
  end
end

return checks
