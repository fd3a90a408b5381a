--- Methods from data: the endpoint tables of hoopai.api become the methods of client.calendars, client.notes and so on.
-- Each file of data is loaded, and each endpoint's checks are compiled, on first use.
local errors = require "hoopai.errors"
local resource_names = require "hoopai.api"
local schema = require "hoopai.validate"
local suggest = require "hoopai.suggest"

local tostring, setmetatable = tostring, setmetatable
local assert, pairs, ipairs, rawget, require = assert, pairs, ipairs, rawget, require
local concat, sort = table.concat, table.sort
local format, match = string.format, string.match

local resources = { names = resource_names }

local clients = setmetatable({}, { __mode = "k" }) -- resource object -> its client
local OPTION = {}       -- the key under which a resource object keeps the function that tells the client's options
local metatables = {}   -- resource name -> metatable of its objects
local endpoints = {}    -- "notes.list" -> endpoint

local function load_data(resource_name)
  return require("hoopai.api." .. resource_name)
end

--- How a change is looked up whose answer was lost: the endpoint to read (such as "calendars.get"), and how many of
-- the ids it takes.
local function set_verify(endpoint, resource_name, data)
  local verify = data.reconcile
  endpoint.reconcile, endpoint.member = verify, data.reconcile_member
  if verify == "get" or verify == "list" then
    endpoint.reconcile_with = data.reconcile_with or resource_name .. "." .. verify
  end
end

--- What finds out what became of a change, with all that its reading takes: loaded before the change is sent, since
-- nothing may fail to load once it has left.
local function load_verifier()
  schema.load()
  return require "hoopai.call.reconcile"
end

--- What the pipeline needs to know of an endpoint.
local function new_endpoint(resource_name, data)
  local checks
  local params = data.params or {}
  assert(#params <= 2, "the pipeline of a call takes two ids")
  local endpoint = {
    id = resource_name .. ":" .. data.name,
    method = data.method, path = data.path, params = params, id_count = #params,
    query = data.query, body = data.body, empty_body = data.empty_body,
    takes_payload = data.query ~= nil or (data.body ~= nil and not data.empty_body),
    sends_body = data.body ~= nil and not data.empty_body, retry = data.retry, result = data.result,
  }
  endpoint.most_arguments = #params + (endpoint.takes_payload and 2 or 1)
  set_verify(endpoint, resource_name, data)
  function endpoint.checks()
    if not checks then
      local made = schema.compile(data, load_data(resource_name))
      endpoint.keep_null = made.keep_null
      if data.retry == "idempotent" then endpoint.verifier = load_verifier() end
      checks = made -- last: where something could not be loaded, the next call tries again
    end
    return checks
  end
  return endpoint
end

local function endpoint_of(resource_name, data)
  local key = resource_name .. "." .. data.name
  local endpoint = endpoints[key]
  if not endpoint then
    endpoint = new_endpoint(resource_name, data)
    endpoints[key] = endpoint
  end
  return endpoint
end

--- An endpoint as the pipeline takes it.
-- @tparam string key such as "calendars.get"
local function find_endpoint(key)
  local resource_name, name = match(key, "^(.-)%.(.+)$")
  for _, data in ipairs(load_data(resource_name)) do
    if data.name == name then return endpoint_of(resource_name, data) end
  end
end

--- Another name of an endpoint; with `preset` its body is fixed and the caller gives none.
local function alias_of(resource_name, data)
  local overrides = { id = resource_name .. ":" .. data.name, preset = data.preset }
  local aliased = find_endpoint(data.alias)
  if data.preset then
    overrides.takes_payload, overrides.most_arguments = false, aliased.id_count + 1
  end
  if data.reconcile then set_verify(overrides, resource_name, data) end
  return setmetatable(overrides, { __index = aliased })
end

local function raise_no_client(id)
  errors.raise(format("call it with a colon: client.%s(...)", id))
end

local function make_method(endpoint, call)
  return function(resource, a, b, c, d, e)
    local client = clients[resource] or raise_no_client(endpoint.id)
    return call(client, endpoint, a, b, c, d, e)
  end
end

-- Methods that are more than one request: the file that has them, loaded when one of them is wanted.
local composites = { appointments = "hoopai.booking" }

local function make_composite(id, run)
  return function(resource, ...)
    local client = clients[resource] or raise_no_client(id)
    local function option(name, call_options) return resource[OPTION](client, id, name, call_options) end
    return run({ client = client, option = option }, ...)
  end
end

local function add_composites(resource_name, methods)
  local module = composites[resource_name]
  for name, run in pairs(module and require(module) or {}) do
    methods[name] = make_composite(resource_name .. ":" .. name, run)
  end
end

local function raise_unknown_method(resource_name, methods, name)
  local names = {}
  for method in pairs(methods) do names[#names + 1] = method end
  sort(names)
  local near = suggest(name, names)
  errors.raise(format("client.%s has no method `%s`%s", resource_name, tostring(name),
    near and format(", did you mean `%s`?", near) or ("; it has " .. concat(names, ", "))))
end

local function metatable_of(resource_name, call)
  local meta = metatables[resource_name]
  if meta then return meta end
  local methods = {}
  for _, data in ipairs(load_data(resource_name)) do
    local endpoint = (data.alias and alias_of or endpoint_of)(resource_name, data)
    methods[data.name] = make_method(endpoint, call)
  end
  local name = "hoopai." .. resource_name
  setmetatable(methods, {
    __index = function(_, key)
      add_composites(resource_name, methods)
      return rawget(methods, key) or raise_unknown_method(resource_name, methods, key)
    end,
  })
  meta = {
    __name = name,
    __index = methods,
    __tostring = function() return name end,
  }
  metatables[resource_name] = meta
  return meta
end

resources.endpoint = find_endpoint

--- Loads now what is otherwise loaded on first use.
function resources.load()
  for _, name in ipairs(resource_names) do load_data(name) end
  for _, module in pairs(composites) do require(module) end
  load_verifier()
end

--- The resource object of a client, e.g. client.calendars.
-- @tparam string resource_name one of resources.names
-- @param client handed to `call`
-- @tparam function call call(client, endpoint, ...): the pipeline
-- @tparam function option option(client, id, name, call_options): an option of a call of the method `id`
function resources.object(resource_name, client, call, option)
  local resource = setmetatable({ [OPTION] = option }, metatable_of(resource_name, call))
  clients[resource] = client
  return resource
end

return resources
