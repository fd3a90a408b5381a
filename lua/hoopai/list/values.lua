--- Deep copies and comparisons of records as the API sends them: tables, texts, numbers, booleans and null.
local core = require "hoopai.core"
local time = require "hoopai.time"

local getmetatable, ipairs, next, rawequal, rawget, type = getmetatable, ipairs, next, rawequal, rawget, type
local array, is_array = core.array, core.is_array
local to_epoch_ms = time.to_epoch_ms

local values = {}

--- Whether a value is a table of data, and not an object such as an instant.
function values.is_plain(value) return type(value) == "table" and (getmetatable(value) == nil or is_array(value)) end

--- A deep copy.
-- @tparam any value
-- @tparam table origins gets each table of the copy -> the table that it is a copy of
-- @treturn any
function values.copy(value, origins)
  if not values.is_plain(value) then return value end
  local copy = {}
  for key, item in next, value do
    copy[key] = values.copy(item, origins)
  end
  origins[copy] = value
  return is_array(value) and array(copy) or copy
end

local function field_of(kind, name)
  for _, field in ipairs(kind and kind.fields or {}) do
    if field.name == name then return field end
  end
  return kind and (kind.values or kind.items)
end
values.field_of = field_of

local function same_instant(left, right)
  local a, b = to_epoch_ms(left), to_epoch_ms(right)
  return a ~= nil and a == b
end

--- Whether two values mean the same, as instants that are spelt differently do.
-- @tparam any left
-- @tparam any right one of the two has no circles
-- @tparam ?table kind the declared type
-- @treturn boolean
function values.same(left, right, kind)
  if rawequal(left, right) or left == right then return true end
  if left == nil or right == nil then return false end
  if kind and kind.type == "datetime" and same_instant(left, right) then return true end
  if not values.is_plain(left) or not values.is_plain(right) then return false end
  for name, item in next, left do
    if not values.same(item, rawget(right, name), field_of(kind, name)) then return false end
  end
  for name in next, right do
    if rawget(left, name) == nil then return false end
  end
  return true
end

return values
