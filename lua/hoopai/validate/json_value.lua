--- Values whose form nobody declared: free-form objects, and whole bodies when the checks are off. Only what JSON
-- cannot say is refused. Makes a copy, in which instants have become ISO strings.
local _ENV = require "hoopai.standard"
local type, next, rawget, rawlen = type, next, rawget, rawlen
local find, format = string.find, string.format
local math_type, huge = math.type, math.huge
local utf8_len = utf8.len
local sort = table.sort
local core = require "hoopai.core"
local text = require "hoopai.validate.messages"
local time = require "hoopai.time"

local null, array, is_array = core.null, core.array, core.is_array
local is_instant, to_body_datetime = time.is_instant, time.to_body_datetime

local free = {}

-- The encoder stops at 64 levels; what is declared around a free-form value takes some of them.
local DEEPEST = 48

-- A body of more values is a mistake, and shared subtables could make a small table endless.
local MOST_VALUES = 100000
local TOO_MANY = format("holds more than %d values", MOST_VALUES)

--- Longest string of a checked body, in bytes.
free.LONGEST = 1048576

--- Why a string cannot be sent; nil when it can.
-- @tparam string value
-- @treturn ?string the problem in words
function free.string_problem(value)
  local length, place = utf8_len(value)
  if not length then return format("is not valid UTF-8 (byte %d)", place) end
  if find(value, "\0", 1, true) then return "contains a NUL byte" end
  if #value > free.LONGEST then return format("is %d bytes long, at most %d are sent", #value, free.LONGEST) end
end
local string_problem = free.string_problem

-- What a table with a first item or the mark of hoopai.array lacks to be a list; nil when it is one.
-- @treturn ?string the problem in words
function free.list_problem(list)
  local count = 0
  local odd, last
  for key in next, list do
    count = count + 1
    if math_type(key) ~= "integer" or key < 1 then
      odd = key
      break
    end
    if not last or key > last then last = key end
  end
  if odd ~= nil then
    local kind = math_type(odd)
    if kind == "integer" then return format("has the position %d: lists begin at 1", odd) end
    if kind then return format("has the position %s: positions are whole numbers", text.number(odd)) end
    if count == 1 and rawget(list, 1) == nil then
      return "must be a list, not a table with the key " .. text.given(odd)
    end
    return "mixes list items with the key " .. text.given(odd)
  end
  if last and last ~= count then
    local gap = 1
    while rawget(list, gap) ~= nil do gap = gap + 1 end
    return format("has a gap: item %d is missing while item %d is there", gap, last)
  end
end
local list_problem = free.list_problem

local function leaf(value, state, depth)
  local kind = type(value)
  local problem
  if value == null or kind == "boolean" then return value end
  if kind == "string" then
    problem = string_problem(value)
    if problem and state.loose and #value > free.LONGEST and utf8_len(value) and not find(value, "\0", 1, true) then
      problem = nil
    end
  elseif kind == "number" then
    if value ~= value or value == huge or value == -huge then
      problem = "cannot be written in JSON"
    end
  elseif kind == "table" and is_instant(value) then
    local iso
    iso, problem = to_body_datetime(value)
    if iso then return iso end
  else
    problem = "cannot be sent: " .. text.kind(value) .. " has no form in JSON"
  end
  if not problem then return value end
  state.failed = true
  if state.problems then state.problems:add(depth, problem, value, "a JSON value") end
end

local walk

local function walk_list(value, state, depth, level, out)
  local problem = list_problem(value)
  if problem then
    state.failed = true
    if state.problems then state.problems:add(depth, problem) end
    return
  end
  local problems = state.problems
  for i = 1, rawlen(value) do
    if problems then problems.path[depth + 1] = i end
    out[i] = walk(rawget(value, i), state, depth + 1, level + 1)
    if state.failed and (not problems or state.stop) then return end
  end
  return out
end

-- The keys in an order that is the same every time, so that problems are; huge tables are not worth it.
local function keys_of(value)
  local keys = {}
  for key in next, value do keys[#keys + 1] = key end
  if #keys <= 1000 then sort(keys, text.comes_before) end
  return keys
end

local function walk_object(value, state, depth, level, out)
  local problems = state.problems
  local keys = problems and keys_of(value)
  local place, key = 1, nil
  while true do
    if keys then key, place = keys[place], place + 1 else key = next(value, key) end
    if key == nil then return out end
    if problems then problems.path[depth + 1] = key end
    local problem
    if type(key) == "string" then
      problem = string_problem(key)
    else
      problem = "is no name: the keys of a table that is not a list are strings"
    end
    if problem then
      state.failed = true
      if problems then problems:add(depth + 1, problem) end
    else
      out[key] = walk(rawget(value, key), state, depth + 1, level + 1)
    end
    if state.failed and (not problems or state.stop) then return end
  end
end

function walk(value, state, depth, level)
  state.values = state.values + 1
  local problem
  if state.values > MOST_VALUES and not state.loose then
    problem, state.stop = TOO_MANY, true
  elseif not text.is_plain(value) then
    return leaf(value, state, depth)
  elseif state.open[value] then
    problem = "contains itself"
  elseif level > DEEPEST then
    problem, state.stop = format("is nested more than %d levels deep", DEEPEST), true
  end
  if problem then
    state.failed = true
    -- Where the count ran out says nothing: the whole is too large.
    if state.problems then state.problems:add(problem == TOO_MANY and state.depth or depth, problem) end
    return
  end
  state.open[value] = true
  local out
  if text.is_list(value) then
    out = walk_list(value, state, depth, level, is_array(value) and array {} or {})
  else
    out = walk_object(value, state, depth, level, {})
  end
  state.open[value] = nil
  return out
end

--- Copies a value of any form.
-- @param value
-- @tparam ?table problems collects what cannot be sent; without it the first such thing ends the walk
-- @tparam ?integer depth how far down the path of `problems` the value is
-- @tparam ?boolean loose no limits on sizes, only on what JSON can say
-- @return the copy; nil when something cannot be sent
function free.copy(value, problems, depth, loose)
  local state = { values = 0, open = {}, problems = problems, loose = loose, depth = depth }
  local out = walk(value, state, depth or 0, 1)
  if not state.failed then return out end
end

return free
