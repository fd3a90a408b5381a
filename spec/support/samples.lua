-- Makes valid values from the declared types of the endpoints: the least that can be sent, and all that can be sent.
local samples = {}

local DATETIME = "2026-01-05T10:00:00-05:00"
local LATER = "2026-01-05T10:30:00-05:00"
local EPOCH_MS = 1767571200000
local DAY_MS = 86400000

local function clamp(value, field)
  if field.min and value < field.min then value = field.min end
  if field.max and value > field.max then value = field.max end
  return value
end

local function text(field)
  if field.example then return field.example end
  local name = field.name or "sample"
  local value = name:find("[iI]ds?$") and "q8ZtLw2NfVb5KcRyXs1d" or "Sample " .. name
  while field.min_length and utf8.len(value) < field.min_length do
    value = value .. "x"
  end
  if field.max_length and utf8.len(value) > field.max_length then value = value:sub(1, field.max_length) end
  return value
end

local make

local function array(field, full)
  local count = full and 2 or 0
  if field.min_items and count < field.min_items then count = field.min_items end
  if field.max_items and count > field.max_items then count = field.max_items end
  local list = {}
  for i = 1, count do
    list[i] = make(field.items or { type = "string" }, full)
  end
  return list
end

local function is_in(name, names)
  for _, other in ipairs(names or {}) do
    if other == name then return true end
  end
  return false
end

local function object(field, full)
  local value = {}
  if field.values then
    if full then
      value.sample, value["another sample"] = make(field.values, full), make(field.values, full)
    end
    return value
  end
  if not field.fields then
    if full then
      value.anything, value.list, value.nested = "goes", { 1, 2.5, true }, { deeper = { "x" } }
    end
    return value
  end
  local single = field.at_most_one and field.at_most_one[1]
  local wanted = field.at_least_one and field.at_least_one[1]
  for _, part in ipairs(field.fields) do
    local excluded = part.read_only or (single and part.name ~= single and is_in(part.name, field.at_most_one))
    local needed = (part.required and part.default == nil) or part.name == wanted
    if not excluded and (full or needed) then value[part.name] = make(part, full) end
  end
  -- The least that an update takes is one change.
  if field.update and next(value) == nil then
    local first = field.fields[field.fields[1].name == "locationId" and 2 or 1]
    value[first.name] = make(first, true)
  end
  return value
end

local makers = {
  string = text,
  integer = function(field) return clamp(field.example or field.default or 1, field) end,
  number = function(field) return clamp(field.example or field.default or 1.5, field) end,
  boolean = function(field) return field.example or field.default or false end,
  any = function() return { anything = "goes" } end,
  epoch_ms = function(field) return field.example or EPOCH_MS end,
  datetime = function(field) return field.name == "endTime" and LATER or DATETIME end, -- in order
  date = function(field) return field.example or "2026-12-24" end,
  timezone = function(field) return field.example or "America/New_York" end,
  array = array,
  object = object,
}

function make(field, full)
  if field.enum and field.type ~= "array" then return field.enum[full and #field.enum or 1] end
  local maker = makers[field.type] or error("no sample for the type " .. tostring(field.type))
  return maker(field, full)
end

--- The least that can be sent: what is required and not filled in.
function samples.minimal(kind) return make(kind, false) end

--- All that can be sent at once: every field, two items in each list.
function samples.full(kind) return make(kind, true) end

--- The query of an endpoint as a type.
function samples.query_type(endpoint)
  return {
    type = "object",
    fields = endpoint.query or {},
    at_least_one = endpoint.at_least_one,
    at_most_one = endpoint.at_most_one,
  }
end

local function query(endpoint, full)
  local value = make(samples.query_type(endpoint), full)
  local range = endpoint.range
  if range and value[range.from] and value[range.from] >= value[range.to] then
    value[range.to] = value[range.from] + DAY_MS
  end
  return value
end

function samples.minimal_query(endpoint) return query(endpoint, false) end

function samples.full_query(endpoint) return query(endpoint, true) end

--- The arguments for the path of an endpoint, in order.
function samples.path_arguments(endpoint)
  local arguments = {}
  for i, param in ipairs(endpoint.params or {}) do
    arguments[i] = param.enum and param.enum[1] or param.example or "q8ZtLw2NfVb5KcRyXs1d"
  end
  return arguments
end

--- All endpoints of the library, aliases left out.
-- @treturn table list of { id = "notes:list", resource = ..., endpoint = ... }
function samples.endpoints()
  local list = {}
  for _, name in ipairs(require "hoopai.api") do
    local resource = require("hoopai.api." .. name)
    for _, endpoint in ipairs(resource) do
      if not endpoint.alias then
        list[#list + 1] = { id = name .. ":" .. endpoint.name, resource = resource, endpoint = endpoint }
      end
    end
  end
  return list
end

return samples
