--- What the specs of hoopai.validate share: endpoints made of a type, and what their checks return.
local assert = require "luassert"
local core = require "hoopai.core"
local time = require "hoopai.time"
local validate = require "hoopai.validate"

local validation = {}

--- A table each of whose metamethods raises: the checks may only read it raw.
function validation.trapped(t)
  local function trap() error("a metamethod was called") end
  return setmetatable(t or {}, {
    __index = trap,
    __newindex = trap,
    __pairs = trap,
    __len = trap,
    __tostring = trap,
    __eq = trap,
    __name = 5,
    __lt = trap,
    __le = trap,
    __concat = trap,
    __call = trap,
    __close = trap,
    __unm = trap,
    __band = trap,
  })
end

function validation.fields_of(list) return { type = "object", fields = list } end

--- The checks of an endpoint with a body.
function validation.body_checks(kind)
  return validate.compile { name = "sample", method = "PUT", path = "/", body = kind }
end

--- The checks of a body with one field `f`.
function validation.field_checks(field)
  field.name = "f"
  return validation.body_checks(validation.fields_of { field })
end

--- The one problem of some details.
function validation.only(details)
  assert.is_table(details)
  assert.are.equal(1, #details, validate.message(details))
  assert.is_nil(details.more)
  return details[1]
end

--- The one problem of a value given for a field.
function validation.problem_of(field, value)
  local result, details = validation.field_checks(field).body { f = value }
  assert.is_nil(result)
  local detail = validation.only(details)
  assert.are.equal("f", detail.path)
  return detail
end

--- What is sent of a value given for a field.
function validation.sent(field, value)
  local result, details = validation.field_checks(field).body { f = value }
  assert.is_table(result, details and validate.message(details))
  return result.f
end

--- "path: problem" of each detail.
function validation.lines(details)
  local found = {}
  for i, detail in ipairs(details) do
    found[i] = detail.path .. ": " .. detail.problem
  end
  return found
end

--- The path of each detail.
function validation.paths(details)
  local found = {}
  for i, detail in ipairs(details) do
    found[i] = detail.path
  end
  return found
end

function validation.deep_copy(value)
  if type(value) ~= "table" or time.is_instant(value) then return value end
  local copy = core.is_array(value) and core.array {} or {}
  for key, item in next, value do
    copy[key] = validation.deep_copy(item)
  end
  return copy
end

--- Checks a row { type, value, problem, given, expected, suggestion }; a text that is nil is not checked.
function validation.refuses(row)
  local field, value, problem, given, expected, suggestion = table.unpack(row, 1, 6)
  local detail = validation.problem_of(field, value)
  assert.are.equal(problem, detail.problem)
  assert.are.equal(suggestion, detail.suggestion)
  if given then assert.are.equal(given, detail.given) end
  if expected then assert.are.equal(expected, detail.expected) end
  assert.is_true(#(detail.given or "") < 200)
  assert.is_true(#detail.problem < 300)
end

--- Checks a row { type, value, what is sent }; without the third the value itself is sent.
function validation.sends(row)
  local expected = row[2]
  if row[3] ~= nil then expected = row[3] end
  local result = validation.sent(row[1], row[2])
  assert.are.same(expected, result)
  assert.are.equal(math.type(expected), math.type(result))
end

return validation
