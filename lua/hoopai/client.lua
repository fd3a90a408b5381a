--- The client: the pipeline of one call, from the arguments to the result.
--
--   arguments -> checks -> request -> token -> transfer -> answer
--
local answer = require "hoopai.answer"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local generic = require "hoopai.generic"
local options = require "hoopai.options"
local resources = require "hoopai.resources"
local scheduler = require "hoopai.scheduler"
local schema = require "hoopai.schema"
local suggest = require "hoopai.suggest"
local token = require "hoopai.auth.token"

local type, tostring, getmetatable, setmetatable = type, tostring, getmetatable, setmetatable
local pairs, ipairs, rawget, rawset, select, pcall = pairs, ipairs, rawget, rawset, select, pcall
local unpack, concat = table.unpack, table.concat
local format, lower = string.format, string.lower
local now = core.now

-- The key of a client's own data: no string, so no misspelt field can hit it.
local PRIVATE = {}

---------------------------------------------------------------------------------------------------- 1. arguments

local given_words = { ["nil"] = "nothing", table = "table (give its id)" }

local function argument_problem(endpoint, position, name, value)
  errors.raise(format("%s needs %s as argument %d, a string; got %s",
    endpoint.id, name, position, given_words[type(value)] or type(value)))
end

--- Splits (ids..., payload?, options?) as the endpoint declares them. Wrong use raises.
local function split_arguments(endpoint, ...)
  local given = select("#", ...)
  local ids = endpoint.id_count
  local payload_at = endpoint.takes_payload and ids + 1 or nil
  local options_at = ids + (payload_at and 2 or 1)
  if given > options_at then
    errors.raise(format("%s takes at most %d arguments, got %d", endpoint.id, options_at, given))
  end
  local arguments = { ... }
  for index = 1, ids do
    if type(arguments[index]) ~= "string" then
      argument_problem(endpoint, index, endpoint.params[index].name, arguments[index])
    end
  end
  local payload = payload_at and arguments[payload_at]
  if payload ~= nil and payload_at and type(payload) ~= "table" then
    errors.raise(format("%s expects a table as argument %d (%s), got %s",
      endpoint.id, payload_at, endpoint.query and "the query" or "the body", type(payload)))
  end
  local call_options = arguments[options_at]
  options.check_call(endpoint.id, call_options)
  return arguments, payload_at and payload or nil, call_options
end

--- An option of this call: given with it, else the client's.
local function option(settings, call_options, name)
  local value = call_options and call_options[name]
  if value == nil then return settings[name] end
  return value
end

--------------------------------------------------------------------------------------------- 2. checks and request

local function add_all(details, more)
  if not more then return end
  for _, detail in ipairs(more) do details[#details + 1] = detail end
  details.more = more.more -- how many were left out of a very long list
end

local function invalid(exchange, details)
  return answer.failure(exchange, {
    kind = "invalid_request", applied = "no",
    message = schema.message(details, exchange.endpoint.id), details = details,
  })
end

--- The path with its ids; where one cannot stand in a path, what is wrong with each of them.
local function build_path(endpoint, arguments, details)
  local path = core.path(endpoint.path, unpack(arguments, 1, endpoint.id_count))
  if path then return path end
  for index = 1, endpoint.id_count do
    local _, problem = core.path("{id}", arguments[index])
    if problem then
      details[#details + 1] = {
        path = endpoint.params[index].name, problem = problem,
        given = schema.given(arguments[index]), expected = "an id",
      }
    end
  end
end

--- With an app the token is that of one location: another one in the query or body is a slip.
local function foreign_location(exchange, payload, location_id)
  local named = type(payload) == "table" and rawget(payload, "locationId")
  if not exchange.source.key or not location_id or not named or named == location_id then return nil end
  return {
    path = "locationId", given = schema.given(named), expected = location_id,
    problem = format("is not the location the call is made for (%s): use client:with { location_id = ... }",
      location_id),
  }
end

--- Turns checked arguments into the parts of a request: path, query string and body text.
local function build_request(exchange, settings, arguments, payload, call_options)
  local endpoint, details = exchange.endpoint, {}
  local checks = endpoint.checks()
  local context = {
    validate = option(settings, call_options, "validate"),
    location_id = option(settings, call_options, "location_id"),
  }
  local location_problem = foreign_location(exchange, payload, context.location_id)
  local path = build_path(endpoint, arguments, details)
  exchange.path = path or endpoint.path
  local query, query_details, body, body_details
  if path then add_all(details, checks.params(arguments, context)) end
  if endpoint.query then query, query_details = checks.query(payload, context) end
  if endpoint.body and not endpoint.empty_body then body, body_details = checks.body(payload, context) end
  if location_problem then details[#details + 1] = location_problem end
  add_all(details, query_details)
  add_all(details, body_details)
  if #details > 0 then return invalid(exchange, details) end
  if query and #query > 0 then exchange.query = core.query(query) end
  if endpoint.empty_body then
    exchange.body = "{}"
  elseif body then
    local problem, place
    exchange.body, problem, place = core.encode(body, checks.body_shape)
    if not exchange.body then
      return invalid(exchange, { { path = place, problem = problem, expected = "a JSON value" } })
    end
  end
  return exchange
end

----------------------------------------------------------------------------------------------------- 3. transfer

local function header_lines(settings, call_options, has_body)
  local lines = {
    "Version: " .. option(settings, call_options, "api_version"),
    "Accept: application/json",
  }
  if has_body then lines[3] = "Content-Type: application/json" end
  local own, seen = call_options and call_options.headers, {}
  for name, value in pairs(own or {}) do
    lines[#lines + 1] = name .. ": " .. value
    seen[lower(name)] = true
  end
  for name, value in pairs(settings.headers or {}) do
    if not seen[lower(name)] then lines[#lines + 1] = name .. ": " .. value end
  end
  return lines
end

--- The set of transfers to use: tasks share one, nested in the loop; blocking calls have their own.
local function transfers_of(shared, where)
  local multi = shared[where]
  if not multi then
    multi = core.multi(shared.transport)
    shared[where] = multi
    if where == "task" then scheduler.attach(multi) end
  end
  return multi
end

--- What the hook `request` is told.
-- @table RequestEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt 1, or 2 where the token was renewed

--- What the hook `response` is told.
-- @table ResponseEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt 1, or 2 where the token was renewed
-- @tfield number elapsed seconds since the first sending
-- @tfield[opt] integer status HTTP status, where an answer came
-- @tfield[opt] string trace_id what the vendor's support asks for
-- @tfield[opt] string kind the kind of the error, where the request failed

local function event_of(exchange, attempt)
  local endpoint = exchange.endpoint
  return { endpoint = endpoint.id, method = endpoint.method, path = exchange.path, attempt = attempt }
end

local function tell_request(hook, exchange)
  scheduler.call_hook("on.request", hook, event_of(exchange, exchange.attempts))
end

local function tell_response(hook, exchange, err)
  local event, response = event_of(exchange, exchange.attempts), exchange.response
  event.elapsed = exchange.elapsed
  event.status = response and response.status
  event.trace_id = response and response.trace_id
  event.kind = err and err.kind
  scheduler.call_hook("on.response", hook, event)
end

--- Waits for a transfer; false when queue_timeout passed while no connection was free.
local function wait_for(transfer, where, multi, queue_timeout)
  if where == "block" then
    scheduler.block(multi, transfer)
    return true
  end
  local deadline = queue_timeout and now() + queue_timeout
  if scheduler.await(transfer, deadline) == "timeout" then
    if transfer:state() == "queued" then return false end
    if transfer:state() == "running" then scheduler.await(transfer) end
  end
  return true
end

local function queue_failure(exchange, queue_timeout)
  exchange.sent = 0
  return answer.failure(exchange, {
    kind = "timeout", stage = "queue",
    message = format("no connection was free within the queue_timeout of %g s", queue_timeout),
  })
end

local function closed_failure(exchange)
  return answer.failure(exchange, { kind = "closed", message = "the client is closed" })
end

local function is_closed(client)
  local own = client[PRIVATE]
  return own.closed or own.shared.closed
end

local function refresh_timeout(exchange)
  return answer.failure(exchange, {
    kind = "timeout", stage = "refresh", applied = "no",
    message = format("renewing the refused token left no time of the timeout of %g s", exchange.timeout),
  })
end

--- One attempt: hands the request to libcurl, waits, reads the answer.
local function attempt(client, exchange, secret, where)
  local hooks = client[PRIVATE].settings.on
  exchange.attempts = exchange.attempts + 1
  exchange.secret = secret
  -- What is known of an attempt before was that it had no effect.
  exchange.sent, exchange.response, exchange.transfer = 0, nil, nil
  if hooks.request then tell_request(hooks.request, exchange) end
  if is_closed(client) then return closed_failure(exchange) end -- while a token was fetched, or by the hook
  local multi = transfers_of(client[PRIVATE].shared, where)
  local begun = exchange.begun or now()
  local left = exchange.timeout - (exchange.begun and now() - begun or 0)
  if left <= 0 then return refresh_timeout(exchange) end
  local transfer <close> = multi:add {
    method = exchange.endpoint.method,
    url = exchange.url .. (exchange.query and "?" .. exchange.query or ""),
    headers = exchange.headers,
    token = secret,
    body = exchange.body,
    timeout = left,
    once = exchange.endpoint.class ~= "R",
  }
  exchange.transfer = transfer
  if not wait_for(transfer, where, multi, exchange.queue_timeout) then
    return queue_failure(exchange, exchange.queue_timeout)
  end
  exchange.begun = exchange.begun or transfer:started() or begun
  exchange.elapsed = now() - exchange.begun
  local result, response = answer.read(exchange, transfer)
  if hooks.response then tell_response(hooks.response, exchange, result == nil and response or nil) end
  return result, response
end

--- A call that had no token to send was not made. The reason is shared by all who waited for it; each gets a copy.
local function token_failure(exchange, reason)
  local err = {}
  for name, value in pairs(reason) do err[name] = value end
  err.applied = "no"
  return answer.failure(exchange, err)
end

--- What to return when a refused token could not be replaced: with an app its reason says what to do, else the refusal.
local function refusal_of(exchange, source, refusal, problem)
  if problem and source.key then return token_failure(exchange, problem) end
  refusal.cause = problem
  return nil, refusal
end

--- Sends a request; when its token was refused, once more with the next token (a 401 had no effect).
local function send(client, exchange, where)
  local source, deadline = exchange.source, now() + exchange.timeout
  local secret, generation = source:get(deadline)
  if not secret then return token_failure(exchange, generation) end
  local result, response = attempt(client, exchange, secret, where)
  if result ~= nil or response.kind ~= "auth" or response.status ~= 401 then return result, response end

  deadline = exchange.begun + exchange.timeout
  local again, problem = source:refused(generation, deadline)
  if not again then return refusal_of(exchange, source, response, problem) end
  secret, generation = source:get(deadline)
  if not secret then return token_failure(exchange, generation) end
  result, response = attempt(client, exchange, secret, where)
  if result == nil and response.kind == "auth" and source.distrust then source:distrust(generation, response) end
  return result, response
end

-- A change that is cut off by a cancellation after it left is told to whoever cancelled it.
local Change = {}
Change.__close = function(exchange)
  if exchange.over or not exchange.transfer then return end
  local status = exchange.response and exchange.response.status or 0
  exchange.sent = exchange.transfer:sent()
  local applied = exchange.unclear and "maybe" or answer.applied(exchange.endpoint.class, exchange.sent, status)
  if applied == "no" then return end
  local _, err = answer.failure(exchange, {
    kind = "cancelled", applied = applied, message = "the call was cut off after it had left",
  })
  scheduler.note_change(applied, err)
end

local function end_change(exchange, result, response)
  exchange.over = true
  local applied = result ~= nil and "yes" or response.applied
  if applied ~= "no" then scheduler.note_change(applied) end
  return result, response
end

--- Sends the request of a call, so that a change is not forgotten when its task is cancelled.
local function make(client, exchange, where)
  if exchange.endpoint.class == "R" then return send(client, exchange, where) end
  local change <close> = setmetatable(exchange, Change) -- luacheck: ignore 211
  return end_change(exchange, send(client, exchange, where))
end

--- Where the token of a call comes from: with an app each location has its own.
local function source_of(client, call_options)
  local own = client[PRIVATE]
  if not own.shared.app then return own.shared.source end
  return own.shared.app:source(option(own.settings, call_options, "location_id"), own.settings.company_id)
end

local function new_exchange(client, endpoint, call_options)
  local settings = client[PRIVATE].settings
  return {
    endpoint = endpoint, source = source_of(client, call_options), path = endpoint.path, attempts = 0, sent = 0,
    timeout = option(settings, call_options, "timeout"),
    queue_timeout = option(settings, call_options, "queue_timeout"),
  }
end

local function finish_exchange(client, exchange, call_options)
  local settings = client[PRIVATE].settings
  exchange.url = client[PRIVATE].shared.base_url .. exchange.path
  exchange.headers = header_lines(settings, call_options, exchange.body ~= nil)
end

--- Connections and the token's state are the parent's: a child must not send on them.
local function check_process(client)
  if client[PRIVATE].shared.process ~= core.pid() then
    errors.raise("this client belongs to the parent process: make a new one after fork")
  end
end

--- The pipeline of an endpoint method.
local function call(client, endpoint, ...)
  check_process(client)
  local arguments, payload, call_options = split_arguments(endpoint, ...)
  local where = scheduler.where(endpoint.id)
  local exchange = new_exchange(client, endpoint, call_options)
  if is_closed(client) then return closed_failure(exchange) end
  local settings = client[PRIVATE].settings
  local ok, err = build_request(exchange, settings, arguments, payload or endpoint.preset, call_options)
  if not ok then return nil, err end
  finish_exchange(client, exchange, call_options)
  return make(client, exchange, where)
end

------------------------------------------------------------------------------------------------------- the client

local Client = {} -- methods

local is_resource = {}
for _, name in ipairs(resources.names) do is_resource[name] = true end

local function raise_unknown_member(name)
  local names = { "request", "with", "close" }
  for _, resource in ipairs(resources.names) do names[#names + 1] = resource end
  local near = suggest(name, names)
  errors.raise(format("a client has no `%s`%s", tostring(name),
    near and format(", did you mean `%s`?", near) or ("; it has " .. concat(names, ", "))))
end

local meta = { __name = "hoopai.Client" }

function meta.__index(client, name)
  local method = Client[name]
  if method then return method end
  if not is_resource[name] then raise_unknown_member(name) end
  local resource = resources.object(name, client, call)
  rawset(client, name, resource)
  return resource
end

function meta.__newindex(_, name)
  errors.raise(format("`%s` cannot be set on a client: options are given to hoopai.new or client:with", tostring(name)))
end

function meta.__tostring(client)
  local own = client[PRIVATE]
  local location = own.settings.location_id
  return format("hoopai.Client (%s%s%s)", own.shared.base_url,
    location and ", location " .. location or "", is_closed(client) and ", closed" or "")
end

local function own_data(client, method)
  local own = type(client) == "table" and getmetatable(client) == meta and client[PRIVATE]
  if not own then errors.raise(format("call it with a colon: client:%s(...)", method)) end
  return own
end

local function close_shared(shared)
  shared.closed = true
  if shared.task then scheduler.detach(shared.task) end
  if shared.block then shared.block:close() end
end

--- Closes the client. Calls in flight end with kind "closed". A client made by `with` closes only itself, and its calls
-- in flight end as they would have.
-- Idempotent; returns at once.
function Client:close()
  local own = own_data(self, "close")
  if own.closed then return end
  own.closed = true
  if own.is_root then close_shared(own.shared) end
end

meta.__close = Client.close

-- At the end of the state the core's objects may be finalised already, and they refuse then.
function meta.__gc(client)
  pcall(Client.close, client)
end

local function new_client(own)
  return setmetatable({ [PRIVATE] = own }, meta)
end

--- A light client with other defaults that shares connections and token with this one.
-- @tparam[opt] CallOptions given what shall be otherwise
-- @treturn Client one whose closing never closes its parent
-- @raise for an unknown or wrong option
function Client:with(given)
  local own = own_data(self, "with")
  options.check_call("client:with", given)
  local settings = setmetatable({}, { __index = own.settings })
  for name, value in pairs(given or {}) do settings[name] = options.copy(value) end
  return new_client { shared = own.shared, settings = settings, parent = self }
end

--- Calls an endpoint that has no method yet. The whole body is the result.
-- @tparam table given
-- @tparam string given.method GET, POST, PUT, PATCH or DELETE
-- @tparam string given.path as it is sent: begins with `/`, holds no query
-- @tparam[opt] table given.query name -> value, or a list of values
-- @tparam[opt] table given.body what to send as JSON
-- @tparam[opt] CallOptions call_options
-- @treturn[1] table the whole answer
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for wrong use
function Client:request(given, call_options)
  own_data(self, "request")
  check_process(self)
  local endpoint, query = generic.endpoint(given)
  options.check_call("client:request", call_options)
  local where = scheduler.where("client:request")
  local exchange = new_exchange(self, endpoint, call_options)
  local body, details = generic.body(given)
  local location_id = option(own_data(self, "request").settings, call_options, "location_id")
  for _, payload in ipairs { given.query or {}, given.body or {} } do
    local foreign = foreign_location(exchange, payload, location_id)
    if foreign then details = { foreign } end
  end
  if details then return invalid(exchange, details) end
  if is_closed(self) then return closed_failure(exchange) end
  exchange.body = body
  if #query > 0 then exchange.query = core.query(query) end
  finish_exchange(self, exchange, call_options)
  return make(self, exchange, where)
end

local client = {}

--- Makes a client from the options of `hoopai.new`. Opens nothing: connections are made by the first call.
-- @tparam[opt] table given
-- @raise for a missing token, an unknown or a wrong option
function client.new(given)
  local settings = options.check_new(given)
  local shared = {
    process = core.pid(), base_url = settings.base_url, transport = settings.transport, closed = false,
    app = settings.oauth,
    source = type(settings.token) == "function" and token.asked(settings.token) or token.fixed(settings.token),
  }
  if settings.oauth and settings.on.refresh then settings.oauth:listen(settings.on) end
  settings.token, settings.oauth, settings.transport, settings.base_url = nil, nil, nil, nil
  return new_client { shared = shared, settings = settings, is_root = true }
end

return client
