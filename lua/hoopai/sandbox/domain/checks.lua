--- Checks queries and bodies against the declared fields. The problems have the messages of the live API.
-- @module hoopai.sandbox.domain.checks

local core = require "hoopai.core"
local local_time = require "hoopai.sandbox.domain.local_time"

local find, format = string.find, string.format
local concat, sort = table.concat, table.sort
local ipairs, next, pairs, tonumber, tostring, type = ipairs, next, pairs, tonumber, tostring, type
local tointeger = math.tointeger

local checks = {}

local function add(problems, text, ...) problems[#problems + 1] = format(text, ...) end

local function is_list(value)
  return type(value) == "table" and (value[1] ~= nil or next(value) == nil or core.is_array(value))
end

local function is_object(value) return type(value) == "table" and value[1] == nil and not core.is_array(value) end

local function prefix(path) return path == "" and "" or path .. "." end

local check

-- Declared type -> the test of a value, and the message for a value that fails it.
local kinds = {
  string = { function(v) return type(v) == "string" end, "%s must be a string" },
  number = {
    function(v) return type(v) == "number" end,
    "%s must be a number conforming to the specified constraints",
  },
  boolean = { function(v) return type(v) == "boolean" end, "%s must be a boolean value" },
  array = { is_list, "%s must be an array" },
  object = { is_object, "%s must be an object" },
  datetime = {
    function(v) return type(v) == "string" and local_time.parse(v, "UTC") ~= nil end,
    "%s must be a valid ISO 8601 date string",
  },
  timezone = {
    function(v) return type(v) == "string" and local_time.is_zone(v) end,
    "%s must be a valid IANA time zone",
  },
  any = { function() return true end, "" },
}
kinds.integer, kinds.epoch_ms, kinds.date = kinds.number, kinds.number, kinds.string

local function check_number(problems, path, declared, value)
  if declared.min and value < declared.min then add(problems, "%s must not be less than %s", path, declared.min) end
  if declared.max and value > declared.max then add(problems, "%s must not be greater than %s", path, declared.max) end
end

local function check_string(problems, path, declared, value)
  if declared.max_length and utf8.len(value, 1, -1, true) > declared.max_length then
    add(problems, "%s must be shorter than or equal to %d characters", path, declared.max_length)
  end
  if declared.min_length and #value < declared.min_length then
    add(problems, "%s must be longer than or equal to %d characters", path, declared.min_length)
  end
  if declared.pattern and not find(value, declared.pattern) then
    add(problems, "%s must match the required pattern", path)
  end
end

local function check_array(problems, path, declared, value)
  if declared.max_items and #value > declared.max_items then
    add(problems, "%s must contain no more than %d elements", path, declared.max_items)
  end
  if declared.min_items and #value < declared.min_items then
    add(problems, "%s must contain at least %d elements", path, declared.min_items)
  end
  if declared.items then
    for i, item in ipairs(value) do
      check(problems, prefix(path) .. i - 1, declared.items, item)
    end
  end
end

local function check_enum(problems, path, declared, value)
  for _, allowed in ipairs(declared.enum) do
    if value == allowed then return end
  end
  local names = {}
  for i, allowed in ipairs(declared.enum) do
    names[i] = tostring(allowed)
  end
  add(problems, "%s must be one of the following values: %s", path, concat(names, ", "))
end

local function check_fields(problems, path, fields, value)
  local known = {}
  for _, field in ipairs(fields) do
    known[field.name] = field
  end
  local unknown = {}
  for name in pairs(value) do
    if not known[name] then unknown[#unknown + 1] = tostring(name) end
  end
  sort(unknown)
  for _, name in ipairs(unknown) do
    add(problems, "%sproperty %s should not exist", prefix(path), name)
  end
  for _, field in ipairs(fields) do
    local item = value[field.name]
    local is_null = item == core.null
    if is_null then item = nil end
    if is_null and field.clearable == false then
      add(problems, kinds[field.type][2], prefix(path) .. field.name)
    elseif item ~= nil then
      check(problems, prefix(path) .. field.name, field, item)
    elseif field.required then
      add(problems, kinds[field.type][2], prefix(path) .. field.name)
    end
  end
end

function check(problems, path, declared, value)
  local kind = kinds[declared.type]
  if not kind[1](value) then
    add(problems, kind[2], path == "" and "body" or path)
    return
  end
  if declared.enum then check_enum(problems, path, declared, value) end
  if type(value) == "number" then check_number(problems, path, declared, value) end
  if type(value) == "string" then check_string(problems, path, declared, value) end
  if declared.type == "array" then check_array(problems, path, declared, value) end
  if declared.fields then check_fields(problems, path, declared.fields, value) end
end

--- Checks a decoded body.
-- @tparam table declared the body of the endpoint
-- @param value
-- @treturn table list of problems
function checks.body(declared, value)
  local problems = {}
  check(problems, "", declared, value)
  return problems
end

local BOOLEANS = { ["true"] = true, ["false"] = false }

-- Converts a text of a query to the declared type; nil if the text is no value of the type.
local function convert(field, texts)
  if field.type == "array" then return texts end
  local text = texts[1]
  if field.type == "boolean" then return BOOLEANS[text] end
  if field.type == "integer" or field.type == "number" or field.type == "epoch_ms" then
    local number = find(text, "^-?%d+%.?%d*$") and tonumber(text)
    return number and (tointeger(number) or number) or nil
  end
  return text
end

-- Instants in milliseconds are numbers on some endpoints and strings of digits on others, with different messages.
-- stylua: ignore
local function message_for(field)
  return field.wire == "string" and "%s must be a number string" or kinds[field.type][2]
end

-- Clients may also write lists with commas.
local function split_commas(texts)
  local list = {}
  for _, text in ipairs(texts) do
    for part in text:gmatch("[^,]+") do
      list[#list + 1] = part
    end
  end
  return list
end

--- Checks the texts of a query and converts them to values.
-- @tparam table fields declared fields of the query
-- @tparam table texts name -> list of texts
-- @treturn table name -> value
-- @treturn table list of problems
function checks.query(fields, texts)
  local values, problems, rest = {}, {}, {}
  for name, list in pairs(texts) do
    rest[name] = list
  end
  for _, field in ipairs(fields) do
    local list = rest[field.name]
    rest[field.name] = nil
    if list then
      if field.type == "array" then list = split_commas(list) end
      local value = convert(field, list)
      if value == nil then
        add(problems, message_for(field), field.name)
      else
        check(problems, field.name, field, value)
        values[field.name] = value
      end
    elseif field.required then
      add(problems, message_for(field), field.name)
    end
  end
  local unknown = {}
  for name in pairs(rest) do
    unknown[#unknown + 1] = name
  end
  sort(unknown)
  for i, name in ipairs(unknown) do
    unknown[i] = format("property %s should not exist", name)
  end
  for _, problem in ipairs(problems) do
    unknown[#unknown + 1] = problem
  end
  return values, unknown
end

--- Checks the arguments of a path.
-- @tparam table fields declared parameters
-- @tparam table values name -> text
-- @treturn table list of problems
function checks.path(fields, values)
  local problems = {}
  for _, field in ipairs(fields) do
    check(problems, field.name, field, values[field.name])
  end
  return problems
end

--- The shape with which `core.encode` writes empty lists as `[]`.
-- @tparam ?table declared a type
-- @treturn ?table shape
function checks.shape(declared)
  if not declared then return nil end
  if declared.type == "array" then return { array = true, items = checks.shape(declared.items) } end
  if declared.values then return { values = checks.shape(declared.values) } end
  if not declared.fields then return nil end
  local fields = {}
  for _, field in ipairs(declared.fields) do
    fields[field.name] = checks.shape(field)
  end
  return { fields = fields }
end

return checks
