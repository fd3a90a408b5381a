--- The client: its members, `with`, `close` and `request`.
local async = require "hoopai.async"
local calls = require "hoopai.call"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"
local list = require "hoopai.list"
local options = require "hoopai.options"
local private = require "hoopai.private"
local raw_request = require "hoopai.call.raw_request"
local resource_names = require "hoopai.api"
local token_source = require "hoopai.oauth.token_source"

local type, tostring, setmetatable = type, tostring, setmetatable
local pairs, ipairs, rawset, pcall = pairs, ipairs, rawset, pcall
local format = string.format

local get_booking = lazy.module "hoopai.booking"
local get_services = lazy.module "hoopai.booking.services"
local get_advice = lazy.module "hoopai.call.advice"
local get_log_environment = lazy.module "hoopai.log.environment"

endpoints.add("appointments", {
  --- Books a slot, see hoopai.booking.
  book = function(appointments, given, call_options)
    return get_booking().book(endpoints.state_of(appointments, "appointments:book"), given, call_options)
  end,
  --- Looks again for a booking whose outcome stayed unclear, see hoopai.booking.
  find_booking = function(appointments, wanted, call_options)
    local state = endpoints.state_of(appointments, "appointments:find_booking")
    return get_booking().find_booking(state, wanted, call_options)
  end,
})

endpoints.add("service_bookings", {
  --- Books services, see hoopai.booking.services.
  book = function(service_bookings, given, call_options)
    local state = endpoints.state_of(service_bookings, "service_bookings:book")
    return get_services().book(state, given, call_options)
  end,
  --- Looks again for a service booking whose outcome stayed unclear, see hoopai.booking.services.
  find_booking = function(service_bookings, wanted, call_options)
    local state = endpoints.state_of(service_bookings, "service_bookings:find_booking")
    return get_services().find_booking(state, wanted, call_options)
  end,
})

endpoints.derive(list.methods)

local Client = {} -- methods

local is_resource = {}
for _, name in ipairs(resource_names) do
  is_resource[name] = true
end

local function raise_unknown_member(name)
  local advice = get_advice().member(name)
  if advice then errors.raise(format("a client has no `%s`: %s", name, advice)) end
  local names = { "request", "with", "close" }
  for _, resource_name in ipairs(resource_names) do
    names[#names + 1] = resource_name
  end
  errors.raise_unknown("a client has no", name, names)
end

local meta = private.seal { __name = "hoopai.Client" }
local states = private.states "hoopai.Client"

function meta.__index(client, name)
  local method = Client[name]
  if method then return method end
  if not is_resource[name] then raise_unknown_member(name) end
  local resource = endpoints.object(name, states[client])
  rawset(client, name, resource)
  return resource
end

function meta.__newindex(_, name)
  errors.raise(format("`%s` cannot be set on a client: options are given to hoopai.new or client:with", tostring(name)))
end

function meta.__tostring(client)
  local state = states[client]
  local location = state.settings.location_id
  return format(
    "hoopai.Client (%s%s%s)",
    state.shared.base_url,
    location and ", location " .. location or "",
    calls.is_closed(state) and ", closed" or ""
  )
end

local function state_of(client, method)
  return states[client] or errors.raise(format("call it with a colon: client:%s(...)", method))
end

--- Wakes the calls that wait for another attempt, or for the rate limit: they end if their client is closed.
local function wake_waiting(shared)
  if shared.process ~= core.pid() then return end -- after fork: they wait in the parent
  shared.closing:broadcast()
  for _, limiter in pairs(shared.rate_limiters) do
    limiter:wake()
  end
end

local function close_shared(shared)
  shared.closed = true
  if shared.task then async.close_multi(shared.task) end
  if shared.block then shared.block:close() end
end

--- Closes the client. Calls in flight end with kind "closed". A client made by `with` closes only itself: its requests
-- in flight end as they would have, and none is sent any more.
-- Idempotent; returns at once.
function Client:close()
  local state = state_of(self, "close")
  if state.closed then return end
  state.closed = true
  if state.is_root then close_shared(state.shared) end
  wake_waiting(state.shared)
end

meta.__close = Client.close

-- At the end of the lua_State the objects of the core may be finalised already, and raise then.
function meta.__gc(client) pcall(Client.close, client) end

local function new_client(state)
  local client = setmetatable({}, meta)
  states[client] = state
  state.requests = setmetatable({}, { __mode = "k" }) -- endpoint -> core request
  state.client = client -- a call holds the state: so the client is not collected while it is in flight
  state.closed_message = "the client is closed"
  return client
end

--- A light client with other defaults that shares connections and token with this one.
-- @tparam[opt] CallOptions given the options that differ
-- @treturn Client one whose closing never closes its parent
-- @raise for an unknown or wrong option
function Client:with(given)
  local state = state_of(self, "with")
  local settings = options.copy(state.settings)
  for name, value in pairs(options.check_call("client:with", given) or {}) do
    settings[name] = value
  end
  -- The parent must not be collected, and so closed, while the light client is in use.
  return new_client { shared = state.shared, settings = settings, parent = self }
end

--- Calls an endpoint that has no method yet. The whole body is the result.
-- @tparam table given
-- @tparam string given.method GET, POST, PUT, PATCH or DELETE
-- @tparam string given.path as it is sent: begins with `/`, holds no query
-- @tparam[opt] table given.query name -> value, or a list of values; instants are sent as milliseconds
-- @tparam[opt] table given.body what to send as JSON; instants are sent as ISO 8601 text
-- @tparam[opt] CallOptions call_options
-- @treturn[1] table the whole response
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for wrong use
function Client:request(given, call_options)
  local state, endpoint = state_of(self, "request"), raw_request.endpoint(given)
  return calls.perform(state, endpoint, endpoint.given, call_options)
end

local client = {}

--- Adds the log that HOOPAI_LOG asks for to hooks. The renewal of a token has one line: that of its app.
-- @tparam Hooks on
-- @tparam boolean is_app whose hooks they are
-- @treturn Hooks
function client.with_log(on, is_app)
  local level = options.log_level()
  if not level then return on end
  return get_log_environment().add(on, level, function(name) return (name == "refresh") == is_app end)
end

--- Makes a client from the options of `hoopai.new`. Opens nothing: connections are made by the first call.
-- @tparam[opt] table given
-- @treturn Client
-- @raise for a missing token, an unknown or a wrong option
function client.new(given)
  local settings = options.check_new(given)
  settings.on = client.with_log(settings.on, false)
  local token, app = settings.token, private.state("hoopai.App", settings.oauth)
  local shared = {
    process = core.pid(),
    base_url = settings.base_url,
    transport = settings.transport,
    closed = false,
    app = app,
    rate_limit = settings.rate_limit,
    rate_limiters = {},
    retry_budgets = {},
    closing = async.new_condition(),
    source = type(token) == "function" and token_source.callback(token) or token_source.static(token),
  }
  if app and settings.on.refresh then app:listen(settings.on) end
  settings.token, settings.oauth, settings.transport, settings.base_url = nil, nil, nil, nil
  return new_client { shared = shared, settings = settings, is_root = true }
end

return client
