--- Checks what a call is about to send against the fields that its endpoint declares, and lists every problem at once.
--
-- `validate.compile` turns the query and body of one endpoint of `hoopai.api` into functions. They read the caller's
-- tables raw, never change them, and return new ones in which instants have the form that the API takes.
--
-- Problems are returned as `details`, a list of
--     { path = "teamMembers[2].priority", problem = "must be one of 0, 0.5, 1", given = "2",
--       expected = "one of 0, 0.5, 1", suggestion = nil }
-- `suggestion` is what was probably meant; `given` is absent if a name is the problem. The list ends after fifty, and
-- `details.more` counts the rest. Deprecated fields are accepted; the documentation of the field names its successor.
local lazy = require "hoopai.lazy"

local ipairs = ipairs

local body = lazy.module "hoopai.validate.body"
local messages = lazy.module "hoopai.validate.messages"
local query = lazy.module "hoopai.validate.query"
local scalars = lazy.module "hoopai.validate.scalars"

local validate = {}

local NO_OPTIONS = {}

-- The lists of a body, for core.encode: an empty Lua table in these places is written as `[]`. Nil if there are none.
local function list_shape(kind)
  if kind.type == "array" then return { array = true, items = kind.items and list_shape(kind.items) } end
  if kind.type ~= "object" then return nil end
  if kind.values then
    local values = list_shape(kind.values)
    return values and { values = values }
  end
  local fields
  for _, field in ipairs(kind.fields or {}) do
    local shape = list_shape(field)
    if shape then
      fields = fields or {}
      fields[field.name] = shape
    end
  end
  return fields and { fields = fields }
end

local function collect_nullable(kind, names)
  if kind.name and kind.nullable then names[kind.name] = true end
  for _, field in ipairs(kind.fields or {}) do
    collect_nullable(field, names)
  end
  if kind.items then collect_nullable(kind.items, names) end
  if kind.values then collect_nullable(kind.values, names) end
  return names
end

-- The check of the path arguments that are enumerations; nil if there are none. core.path checks the others.
local function compile_params(endpoint)
  local enums = {}
  for index, param in ipairs(endpoint.params or {}) do
    if param.enum then enums[#enums + 1] = { index = index, param = param } end
  end
  if #enums == 0 then return nil end

  return function(given, options)
    if options and options.validate == false then return nil end
    local problems
    for _, enum in ipairs(enums) do
      enum.check = enum.check or scalars().compile(enum.param)
      local value, problem, suggestion = enum.check(given[enum.index])
      if value == nil then
        problems = problems or messages().new_problems()
        problems.path[1] = enum.param.name
        problems:add(1, problem, given[enum.index], enum.param, suggestion)
      end
    end
    return problems and problems:details()
  end
end

--- Compiles the checks of an endpoint. The check of a query or body is compiled by its first call: a script uses few
-- endpoints, and most of them have only one of the two.
-- @tparam table endpoint an entry of `hoopai.api.*`
-- @tparam ?table resource the table that the endpoint is an entry of: fields that its `get` returns, and this endpoint
-- does not take, are then read-only rather than unknown
-- @treturn table `params(given, options)` (nil if any will do), `query(given, options)`, `body(given, options)`,
-- `body_shape`, `keep_null`; options are `validate` and `location_id`
function validate.compile(endpoint, resource)
  local result_type = endpoint.result and endpoint.result.type
  local checks = {
    body_shape = endpoint.body and list_shape(endpoint.body),
    keep_null = result_type and collect_nullable(result_type, {}) or {},
  }
  local checked_query, unchecked_query, checked_body, unchecked_body

  --- The path arguments.
  -- @tparam table given a list of strings in order
  -- @tparam ?table options
  -- @treturn ?table details
  checks.params = compile_params(endpoint)

  --- The query as the flat list that `core.query` takes: name, value, name, value, in declared order.
  -- @tparam ?table given
  -- @tparam ?table options
  -- @treturn table|nil
  -- @treturn ?table details
  function checks.query(given, options)
    options = options or NO_OPTIONS
    if options.validate == false then
      unchecked_query = unchecked_query or query().compile_unchecked(endpoint)
      return unchecked_query(given, options.location_id)
    end
    checked_query = checked_query or query().compile(endpoint)
    return checked_query(given, options.location_id)
  end

  --- The body as `core.encode` takes it together with `body_shape`: a copy. Nil for an endpoint without a body.
  -- @tparam ?table given
  -- @tparam ?table options
  -- @treturn table|nil
  -- @treturn ?table details
  function checks.body(given, options)
    options = options or NO_OPTIONS
    if options.validate == false then
      unchecked_body = unchecked_body or body().compile_unchecked(endpoint)
      return unchecked_body(given, options.location_id)
    end
    checked_body = checked_body or body().compile(endpoint, resource)
    return checked_body(given, options.location_id)
  end

  return checks
end

--- Loads what the first check loads otherwise.
function validate.load()
  body()
  query()
end

--- The message of an error with `details`, see hoopai.validate.messages.
function validate.message(details, name) return messages().message(details, name) end

--- A short printable form of a value, see hoopai.validate.messages.
function validate.describe(value, name) return messages().describe(value, name) end

return validate
