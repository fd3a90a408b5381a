--- The checks of a body. Each function here makes one for an endpoint of `hoopai.api`.
--
-- A check is called with the caller's value and the location to fill in. It returns a copy for core.encode; or nil and
-- `details`.
local core = require "hoopai.core"
local containers = require "hoopai.validate.containers"
local json_value = require "hoopai.validate.json_value"
local messages = require "hoopai.validate.messages"
local time = require "hoopai.time"

local ipairs, next, rawget, type = ipairs, next, rawget, type
local format = string.format
local concat = table.concat
local null, to_epoch_ms = core.null, time.to_epoch_ms

local body = {}

-- The problem of the end of a range; nil if the range is right or one of its ends is missing.
local function range_problem(range, out)
  local from, to = out[range.from], out[range.to]
  if from == nil or to == nil or from == null or to == null then return nil end
  if to_epoch_ms(from) >= to_epoch_ms(to) then return format("must be after `%s`", range.from) end
end

-- The same for a body with other problems, as it was given: a text or value that is no instant has a problem already.
local function given_range_problem(range, given)
  local ends = {}
  for _, name in ipairs { "from", "to" } do
    local value = type(given) == "table" and rawget(given, range[name])
    local is_instant = type(value) == "string" or time.is_instant(value) and value:has_zone()
    ends[range[name]] = is_instant and to_epoch_ms(value) and value or nil
  end
  return range_problem(range, ends)
end

-- Whether a call may leave the body out. For an object that has no fields the API still requires `{}`.
local function is_optional(kind)
  return kind.optional
    or kind.required == false
    or (kind.type == "object" and next(kind.fields or {}) == nil and not kind.values)
end

local function missing_body(kind, location)
  local fields = kind.fields or {}
  local has_location, names = location ~= nil and containers.takes_location(fields), {}
  for _, field in ipairs(fields) do
    local is_filled = field.default ~= nil or (has_location and field.name == "locationId")
    if field.required and not is_filled then names[#names + 1] = field.name end
  end
  local expected = kind.type == "array" and "a list"
    or #names > 0 and "a table with " .. messages.names(names)
    or "a table with the fields to set"
  return messages.whole("the body is missing: give " .. expected, nil, expected)
end

-- The type at a path within another; nil if there is none.
local function type_at(kind, path, depth)
  for i = 1, depth do
    local key, part = path[i], nil
    if type(key) == "number" then
      part = kind.type == "array" and kind.items
    elseif kind.type == "object" then
      part = kind.values
      for _, field in ipairs(kind.fields or {}) do
        if field.name == key then part = field end
      end
    end
    if not part then return nil end
    kind = part
  end
  return kind
end

-- The types of the results that a caller may have read before sending them back as a body.
local function result_types(endpoint, resource)
  local types = {}
  local function add(other)
    local kind = other.result and other.result.type
    if kind and kind.type == "array" and endpoint.body.type ~= "array" then kind = kind.items end
    types[#types + 1] = kind
  end
  add(endpoint)
  for _, other in ipairs(resource or {}) do
    if other.name == "get" or other.name == "list" then add(other) end
  end
  return types
end

-- Whether an update would change nothing. Its location is filled in for every call, and switches that are sent in the
-- query say how to change something.
local function changes_nothing(switches, given)
  for name in next, given do
    if name ~= "locationId" and not switches[name] then return false end
  end
  return true
end

local function empty_update(kind, given)
  local names = {}
  for _, field in ipairs(kind.fields) do
    if field.name ~= "locationId" and not field.read_only and not field.in_query then names[#names + 1] = field.name end
  end
  local wanted = #names <= 8 and "at least one of " .. messages.names(names, "or") or "the fields to set"
  return messages.whole("the body is empty, nothing would change: give " .. wanted, given, "a table with fields to set")
end

-- Where a field is changed that this call does not take: by another method of the resource, or at another moment.
local function other_way(endpoint, resource, path, depth)
  local names = {}
  for i = 1, depth do
    if type(path[i]) == "string" then names[#names + 1] = path[i] end
  end
  local hint = endpoint.elsewhere and endpoint.elsewhere[concat(names, ".")]
  if hint then return hint end
  local methods = {}
  for _, other in ipairs(resource or {}) do
    local writes = other.name == "create" or other.name == "update"
    local kind = writes and other ~= endpoint and other.body
    local field = kind and kind.type == endpoint.body.type and type_at(kind, path, depth)
    if field and not field.read_only then methods[#methods + 1] = resource.name .. ":" .. other.name end
  end
  if not methods[1] then return nil end
  return format("is read-only here: leave it out, it can only be set by %s", concat(methods, " and "))
end

-- Checks a body again, for all its problems. There may be none: a finaliser can change the table in between.
local function explain(endpoint, resource, check, given, location)
  local kind = endpoint.body
  local problems = messages.new_problems(function(path, depth)
    local misplaced = depth == 1 and messages.misplaced_name(endpoint, path[1])
    if misplaced then return misplaced end
    local way = other_way(endpoint, resource, path, depth)
    if way then return way end
    for _, result in ipairs(result_types(endpoint, resource)) do
      if type_at(result, path, depth) then return "is read-only: leave it out" end
    end
  end)
  local out, why, suggestion = check(given, problems, 0, location)
  if out == nil and why then problems:add(0, "the body " .. why, nil, kind, suggestion) end
  local range, wrong = kind.range, nil
  if range and problems.count > 0 then
    wrong = given_range_problem(range, given)
  elseif range then
    wrong = range_problem(range, out)
  end
  if wrong then
    problems.path[1] = range.to
    problems:add(1, wrong, rawget(given, range.to))
  end
  if problems.count > 0 then return nil, problems:details() end
  return out
end

local function refuse_body(given)
  if given == nil then return nil end
  return nil, messages.whole("this call takes no body", given)
end

--- Compiles the check of an endpoint's body.
-- @tparam table endpoint
-- @tparam ?table resource the endpoints beside it: a field that their `get` or `list` returns is named read-only
function body.compile(endpoint, resource)
  local kind = endpoint.body
  if not kind then return refuse_body end
  local is_update = kind.update
  local nulls = is_update and containers.CLEAR or endpoint.method == "POST" and containers.REFUSE or nil
  local check, range, may_be_absent = containers.compile(kind, nulls), kind.range, is_optional(kind)
  local switches = {}
  for _, field in ipairs(kind.fields or {}) do
    switches[field.name] = field.in_query
  end
  return function(given, location)
    if given == nil then
      if not may_be_absent then return nil, missing_body(kind, location) end
      given = {}
    end
    local out = check(given, nil, 0, location)
    if out ~= nil and not (range and range_problem(range, out)) then
      if is_update and changes_nothing(switches, given) then return nil, empty_update(kind, given) end
      return out
    end
    return explain(endpoint, resource, check, given, location)
  end
end

local function add_defaults(kind, out, location)
  if location ~= nil and out.locationId == nil and containers.takes_location(kind.fields or {}) then
    out.locationId = location
  end
  for _, field in ipairs(kind.fields or {}) do
    if field.required and field.default ~= nil and out[field.name] == nil then
      out[field.name] = json_value.copy(field.default, nil, 0, true)
    end
  end
end

--- Compiles the check of a body with the checks off: only what JSON cannot express is refused.
function body.compile_unchecked(endpoint)
  local kind = endpoint.body
  if not kind then return refuse_body end
  local may_be_absent = is_optional(kind)
  return function(given, location)
    if given == nil then
      if not may_be_absent then return nil, missing_body(kind, location) end
      given = {}
    end
    local out = json_value.copy(given, nil, 0, true)
    if out == nil then
      local problems = messages.new_problems()
      out = json_value.copy(given, problems, 0, true)
      if problems.count > 0 then return nil, problems:details() end
    end
    local is_object = type(out) == "table" and (not messages.is_list(out) or next(out) == nil)
    if is_object and kind.type == "object" then add_defaults(kind, out, location) end
    return out
  end
end

return body
