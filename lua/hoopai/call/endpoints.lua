--- The endpoints of hoopai.api, as methods of client.calendars, client.notes and so on. The data of a resource is
-- loaded, and the checks of an endpoint are compiled, on first use.
local calls = require "hoopai.call"
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"
local private = require "hoopai.private"
local resource_names = require "hoopai.api"
local responses = require "hoopai.call.response"
local validate = require "hoopai.validate"

local assert, ipairs, pairs, setmetatable = assert, ipairs, pairs, setmetatable
local sort = table.sort
local format, match = string.format, string.match

local endpoints = {}

local found = {} -- "notes.list" -> endpoint
local named = {} -- "notes.list notes:each" -> the same endpoint under another name
local metatables = {} -- resource name -> metatable of its objects
local states = private.states "hoopai.Resource" -- resource object -> the state of its client
local added = {} -- resource name -> methods that make several calls, see endpoints.add
local derived = {} -- functions that return such methods, see endpoints.derive

local get_data = {} -- resource name -> getter of its data
for _, name in ipairs(resource_names) do
  get_data[name] = lazy.module("hoopai.api." .. name)
end
local get_reconcile = lazy.module "hoopai.call.reconcile"
local get_advice = lazy.module "hoopai.call.advice"

-- Endpoints

local find

--- Sets how a lost response is reconciled: `reconcile`, `member`, and `reader()`, the endpoint that reads the record.
local function set_reconcile(endpoint, resource_name, data)
  local reconcile = data.reconcile
  endpoint.reconcile, endpoint.member = reconcile, data.reconcile_member
  if reconcile == "get" or reconcile == "list" then
    local key = data.reconcile_with or resource_name .. "." .. reconcile
    endpoint.reconcile_with = key
    endpoint.reader = function() return find(key) end
  end
end

--- The names of the fields with a mark; nil if there are none.
local function marked_fields(kind, mark)
  local names
  for _, field in ipairs(kind and kind.fields or {}) do
    if field[mark] then
      names = names or {}
      names[#names + 1] = field.name
    end
  end
  return names
end

local function new_endpoint(resource_name, data)
  local params = data.params or {}
  assert(#params <= 2, "a call takes two ids")
  local sends_body = data.body ~= nil and not data.empty_body
  local takes_payload = data.query ~= nil or sends_body
  local endpoint = {
    id = resource_name .. ":" .. data.name,
    method = data.method,
    path = data.path,
    params = params,
    id_count = #params,
    query = data.query,
    body = data.body,
    empty_body = data.empty_body,
    sends_body = sends_body,
    takes_payload = takes_payload,
    most_arguments = #params + (takes_payload and 2 or 1),
    retry = data.retry,
    result = data.result,
    version = data.version,
    flags = marked_fields(data.body, "in_query"),
    flat_lists = marked_fields(data.result.type, "flat"),
    hints = data.hints,
    confirms = data.confirms,
    pages = data.pages,
    undocumented = data.undocumented,
    keeps_fields = data.retry == "idempotent" or data.confirms ~= nil,
  }
  set_reconcile(endpoint, resource_name, data)
  function endpoint.compile_checks()
    local checks = validate.compile(data, get_data[resource_name]())
    endpoint.keep_null = checks.keep_null
    -- All that reconciling takes is loaded before the change is sent: nothing may fail to load after that.
    if data.retry == "idempotent" then
      get_reconcile()
      validate.load()
    end
    if data.confirms then endpoint.read = responses.read_create end
    endpoint.checks = checks -- last: if something cannot be loaded, the next call tries again
    return checks
  end
  return endpoint
end

local function endpoint_of(resource_name, data)
  local key = resource_name .. "." .. data.name
  local endpoint = found[key] or new_endpoint(resource_name, data)
  found[key] = endpoint
  return endpoint
end

--- Finds an endpoint.
-- @tparam string key such as "calendars.get"
-- @treturn ?table
function find(key)
  local resource_name, name = match(key, "^(.-)%.(.+)$")
  for _, data in ipairs(get_data[resource_name]()) do
    if data.name == name then return endpoint_of(resource_name, data) end
  end
end

endpoints.find = find

--- An endpoint under the name of the method that calls it, for messages.
-- @tparam string key such as "notes.list"
-- @tparam string id such as "notes:each"
-- @treturn table
function endpoints.named(key, id)
  local place = key .. " " .. id
  local endpoint = named[place] or setmetatable({ id = id }, { __index = find(key) })
  named[place] = endpoint
  return endpoint
end

--- An endpoint under another name; with `preset` its body is fixed, and the caller gives none.
local function alias_of(resource_name, data)
  local overrides = { id = resource_name .. ":" .. data.name, preset = data.preset }
  local aliased = find(data.alias)
  if data.preset then
    overrides.takes_payload, overrides.most_arguments = false, aliased.id_count + 1
  end
  if data.reconcile then set_reconcile(overrides, resource_name, data) end
  return setmetatable(overrides, { __index = aliased })
end

-- Methods

local function raise_no_resource(id) errors.raise(format("call it with a colon: client.%s(...)", id)) end

--- The state of the client that a resource object belongs to.
-- @tparam table resource
-- @tparam string id the method, for the message
-- @treturn table
-- @raise if the method was called without a colon
function endpoints.state_of(resource, id) return states[resource] or raise_no_resource(id) end

local perform = calls.perform

local function new_method(endpoint)
  return function(resource, a, b, c, d, e)
    return perform(states[resource] or raise_no_resource(endpoint.id), endpoint, a, b, c, d, e)
  end
end

local function raise_unknown_method(resource_name, methods, name)
  local names, has = {}, {}
  for method in pairs(methods) do
    names[#names + 1], has[method] = method, true
  end
  local what, instead = format("client.%s has no method", resource_name), get_advice().method(resource_name, name, has)
  if instead then errors.raise(format("%s `%s`: write %s", what, name, instead)) end
  sort(names)
  errors.raise_unknown(what, name, names)
end

local function metatable_of(resource_name)
  local meta = metatables[resource_name]
  if meta then return meta end
  local methods = {}
  for name, method in pairs(added[resource_name] or {}) do
    methods[name] = method
  end
  for _, methods_of in ipairs(derived) do
    for name, method in pairs(methods_of(resource_name, get_data[resource_name]())) do
      methods[name] = method
    end
  end
  for _, data in ipairs(get_data[resource_name]()) do
    -- The method of a wrapped endpoint is one of those above, and calls the endpoint.
    if not data.wrapped then
      methods[data.name] = new_method((data.alias and alias_of or endpoint_of)(resource_name, data))
    end
  end
  local name = "hoopai." .. resource_name
  setmetatable(methods, { __index = function(_, key) raise_unknown_method(resource_name, methods, key) end })
  local first = get_data[resource_name]()[1].name
  local function refuse_call()
    errors.raise(
      format(
        "client.%s is no function: call a method of it, such as client.%s:%s(...)",
        resource_name,
        resource_name,
        first
      )
    )
  end
  meta = { __name = name, __index = methods, __tostring = function() return name end, __call = refuse_call }
  metatables[resource_name] = private.seal(meta)
  return meta
end

--- Adds methods that make several calls. To be called before the first object of the resource is made.
-- @tparam string resource_name
-- @tparam table methods name -> function(resource, ...)
function endpoints.add(resource_name, methods) added[resource_name] = methods end

--- Adds methods that make several calls to all resources. To be called before the first object of a resource is made.
-- @tparam function methods_of is called with the name and the data of a resource. It returns methods as `add` takes
-- them
function endpoints.derive(methods_of) derived[#derived + 1] = methods_of end

--- The resource object of a client, e.g. client.calendars.
-- @tparam string resource_name one of hoopai.api
-- @tparam table state of the client
-- @treturn table
function endpoints.object(resource_name, state)
  local resource = setmetatable({}, metatable_of(resource_name))
  states[resource] = state
  return resource
end

return endpoints
