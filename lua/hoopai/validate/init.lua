--- Checks what a call is about to send against the fields its endpoint declares, and says every problem at once.
--
-- `schema.compile` turns the query and body of one endpoint of `hoopai.api` into functions, once; they read the user's
-- tables raw, never change them, and give back new ones in which instants have the form the API wants.
--
-- Problems come as `details`, a list of
--     { path = "teamMembers[2].priority", problem = "must be one of 0, 0.5, 1", given = "2",
--       expected = "one of 0, 0.5, 1", suggestion = nil }
-- `suggestion` is what was probably meant, where that can be told; `given` is absent where a name is the problem. The
-- list ends after fifty; `details.more` then says how many more there are. Deprecated fields are accepted without a
-- word: the documentation tells of them, and a call that works today is none the worse for them.
local ipairs, require = ipairs, require

local schema = {}

local NO_OPTIONS = {}

-- Where core.encode must write a list though the table is empty; nil when there is no such place.
local function shape_of(kind)
  if kind.type == "array" then return { array = true, items = kind.items and shape_of(kind.items) } end
  if kind.type ~= "object" then return nil end
  if kind.values then
    local values = shape_of(kind.values)
    return values and { values = values }
  end
  local fields
  for _, field in ipairs(kind.fields or {}) do
    local shape = shape_of(field)
    if shape then
      fields = fields or {}
      fields[field.name] = shape
    end
  end
  return fields and { fields = fields }
end

local function collect_nullable(kind, names)
  if kind.name and kind.nullable then names[kind.name] = true end
  for _, field in ipairs(kind.fields or {}) do collect_nullable(field, names) end
  if kind.items then collect_nullable(kind.items, names) end
  if kind.values then collect_nullable(kind.values, names) end
end

local function has_words(endpoint)
  for _, param in ipairs(endpoint.params or {}) do
    if param.enum then return true end
  end
  return false
end

-- Builds a check when it is first wanted: most scripts use three endpoints, and many send neither query nor body.
local function lazily(name, endpoint, resource)
  local check
  return function(given, location)
    check = check or require("hoopai.validate.checks")[name](endpoint, resource)
    return check(given, location)
  end
end

--- Compiles the checks of an endpoint.
-- @tparam table endpoint an entry of `hoopai.api.*`
-- @tparam ?table resource the table the endpoint is an entry of: fields that its `get` answers, and this endpoint does
-- not take, are then called read-only instead of unknown
-- @treturn table `params(given, options)` (nil where any will do), `query(given, options)`, `body(given, options)`,
-- `body_shape`, `keep_null`; options are `validate` and `location_id`
function schema.compile(endpoint, resource)
  local checked_query, loose = lazily("strict_query", endpoint, resource), lazily("loose_query", endpoint)
  local checked_body = lazily(endpoint.body and "strict_body" or "no_body", endpoint, resource)
  local unchecked_body = lazily(endpoint.body and "loose_body" or "no_body", endpoint)
  local keep_null = {}
  if endpoint.result and endpoint.result.type then collect_nullable(endpoint.result.type, keep_null) end

  local checked_params = has_words(endpoint) and lazily("strict_params", endpoint)
  local checks = { body_shape = endpoint.body and shape_of(endpoint.body), keep_null = keep_null }

  --- The path arguments, a list of strings in order.
  -- @tparam table given
  -- @tparam ?table options
  -- @treturn ?table details
  checks.params = checked_params and function(given, options)
    if options and options.validate == false then return nil end
    return checked_params(given)
  end

  --- The query as the flat list `core.query` takes: name, value, name, value, in declared order.
  -- @tparam ?table given
  -- @tparam ?table options
  -- @treturn table|nil
  -- @treturn ?table details
  function checks.query(given, options)
    options = options or NO_OPTIONS
    if options.validate == false then return loose(given, options.location_id) end
    return checked_query(given, options.location_id)
  end

  --- The body as `core.encode` takes it together with `body_shape`: a copy. Nil for an endpoint without a body.
  -- @tparam ?table given
  -- @tparam ?table options
  -- @treturn table|nil
  -- @treturn ?table details
  function checks.body(given, options)
    options = options or NO_OPTIONS
    if options.validate == false then return unchecked_body(given, options.location_id) end
    return checked_body(given, options.location_id)
  end

  return checks
end

--- Loads now what is otherwise loaded by the first check.
function schema.load()
  require "hoopai.validate.checks"
end

--- The text of an error, see hoopai.validate.problems.
function schema.message(details, name)
  return require("hoopai.validate.problems").message(details, name)
end

--- A short printable form of a value, see hoopai.validate.messages.
function schema.given(value, name)
  return require("hoopai.validate.messages").given(value, name)
end

return schema
