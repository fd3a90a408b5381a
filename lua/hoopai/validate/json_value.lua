--- Values of undeclared form: free-form objects, and whole bodies when the checks are off. A value is refused only if
-- JSON cannot express it. The result is a copy in which instants are ISO strings.
local core = require "hoopai.core"
local messages = require "hoopai.validate.messages"
local time = require "hoopai.time"

local getmetatable, next, rawget, rawlen, type = getmetatable, next, rawget, rawlen, type
local find, format, sort = string.find, string.format, table.sort
local huge, math_type, utf8_len = math.huge, math.type, utf8.len

local null, array, is_array = core.null, core.array, core.is_array
local is_instant, to_body_datetime = time.is_instant, time.to_body_datetime

local json_value = {}

-- core.encode stops at 64 levels; the declared types around a free-form value take some of them.
local DEEPEST, ENCODED = 48, 64

-- Shared subtables can make a small table endless.
local MOST_VALUES = 100000
local TOO_MANY = format("holds more than %d values", MOST_VALUES)

-- Keys are sorted for a stable order of problems, unless there are more than this.
local MOST_SORTED = 1000

--- Longest string of a checked body, in bytes.
json_value.LONGEST = 1048576

--- Why a string cannot be sent; nil if it can.
-- @tparam string value
-- @tparam ?boolean any_length
-- @treturn ?string
local function string_problem(value, any_length)
  local length, place = utf8_len(value)
  if not length then return format("is not valid UTF-8 (byte %d)", place) end
  if find(value, "\0", 1, true) then return "contains a NUL byte" end
  if #value > json_value.LONGEST and not any_length then
    return format("is %d bytes long, at most %d are sent", #value, json_value.LONGEST)
  end
end
json_value.string_problem = string_problem

local function explain_list(list)
  local count, last = 0, 0
  for key in next, list do
    count = count + 1
    local kind = math_type(key)
    if kind == "integer" and key < 1 then return format("has the position %d: lists begin at 1", key) end
    if kind == "float" then return format("has the position %s: positions are whole numbers", messages.number(key)) end
    if not kind then
      local is_named = count == 1 and rawget(list, 1) == nil
      return (is_named and "must be a list, not a table with the key " or "mixes list items with the key ")
        .. messages.describe(key)
    end
    if key > last then last = key end
  end
  if last == count then return nil end
  local gap = 1
  while rawget(list, gap) ~= nil do
    gap = gap + 1
  end
  return format("has a gap: item %d is missing while item %d is there", gap, last)
end

--- Why a table is not a list; nil if it is one.
-- @treturn ?string
local function list_problem(list)
  local count = 0
  for key in next, list do
    count = count + 1
    if key ~= count then return explain_list(list) end -- of a list too, if some of its items are in the hash part
  end
end
json_value.list_problem = list_problem

-- The state of a copy: the number of `values` so far, the tables that are `open`, the list of `problems`, the `depth`
-- of the whole, the number of levels (`deepest`), and the flags `loose`, `plain`, `failed` and `done`. Without
-- `problems` the first failure ends the copy.

local function fail(state, depth, problem, given, expected)
  state.failed = true
  if not state.problems then
    state.done = true
    return
  end
  state.problems:add(depth, problem, given, expected)
end

local function copy_leaf(state, value, depth)
  local kind = type(value)
  local problem
  if value == null or kind == "boolean" then return value end
  if kind == "string" then
    problem = string_problem(value, state.loose)
  elseif kind == "number" then
    if value ~= value or value == huge or value == -huge then problem = "cannot be written in JSON" end
  elseif kind == "table" and is_instant(value) then
    local iso
    iso, problem = to_body_datetime(value)
    if iso then return iso end
  else
    problem = "cannot be sent: " .. messages.kind(value) .. " has no form in JSON"
  end
  if not problem then return value end
  fail(state, depth, problem, value, "a JSON value")
end

local copy_value

local function copy_list(state, list, depth, level)
  local problem = list_problem(list)
  if problem then return fail(state, depth, problem) end
  local out = is_array(list) and array {} or {}
  for i = 1, rawlen(list) do
    if state.problems then state.problems.path[depth + 1] = i end
    out[i] = copy_value(state, rawget(list, i), depth + 1, level + 1)
    if state.done then return nil end
  end
  return out
end

-- Keys and values, in a stable order if problems are listed.
local function each_field(object, problems)
  if not problems then return next, object end
  local keys, index = {}, 0
  for key in next, object do
    keys[#keys + 1] = key
  end
  if #keys <= MOST_SORTED then sort(keys, messages.comes_before) end
  return function()
    index = index + 1
    local key = keys[index]
    if key ~= nil then return key, rawget(object, key) end
  end
end

local function copy_object(state, object, depth, level)
  local out, problems = {}, state.problems
  for key, value in each_field(object, problems) do
    if problems then problems.path[depth + 1] = key end
    local problem = type(key) ~= "string" and "is no name: the keys of a table that is not a list are strings"
      or string_problem(key)
    if problem then
      fail(state, depth + 1, problem)
    else
      out[key] = copy_value(state, value, depth + 1, level + 1)
    end
    if state.done then return nil end
  end
  return out
end

function copy_value(state, value, depth, level)
  state.values = state.values + 1
  if state.values > MOST_VALUES and not state.loose then
    state.done = true
    return fail(state, state.depth, TOO_MANY) -- the value as a whole is too large, not the one that was reached
  end
  if not messages.is_plain(value) then return copy_leaf(state, value, depth) end
  if state.open[value] then return fail(state, depth, "contains itself") end
  if state.plain and getmetatable(value) ~= nil and not is_array(value) then
    return fail(state, depth, "has a metatable: give a plain table, or a list marked by hoopai.array")
  end
  if level > state.deepest then
    state.done = true
    return fail(state, depth, format("is nested more than %d levels deep", state.deepest))
  end
  state.open[value] = true
  local copy_table = messages.is_list(value) and copy_list or copy_object
  local out = copy_table(state, value, depth, level)
  state.open[value] = nil
  return out
end

--- Copies a value of any form.
-- @param value
-- @tparam ?table problems the list of problems, see hoopai.validate.messages; if absent the first problem ends the walk
-- @tparam ?integer depth how far down the path of `problems` the value is
-- @tparam ?boolean loose no limits on sizes, only on what JSON can express
-- @return the copy; nil if something cannot be sent
function json_value.copy(value, problems, depth, loose)
  depth = depth or 0
  local state = { values = 0, open = {}, problems = problems, loose = loose, depth = depth, deepest = DEEPEST }
  local out = copy_value(state, value, depth, 1)
  if not state.failed then return out end
end

--- Copies a whole body of any form and size. A table with a metatable is refused: what it shows may be elsewhere.
-- @param value
-- @tparam ?table problems
-- @return the copy; nil if something cannot be sent
function json_value.copy_plain(value, problems)
  local state = { values = 0, open = {}, problems = problems, loose = true, plain = true, depth = 0, deepest = ENCODED }
  local out = copy_value(state, value, 0, 1)
  if not state.failed then return out end
end

return json_value
