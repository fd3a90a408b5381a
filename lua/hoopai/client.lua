--- The client: the pipeline of one call, from the arguments to the result.
--
--   arguments -> checks -> request -> sending (hoopai.call: budget, token, transfer, answer, retries)
--
local answer = require "hoopai.call.response"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local generic = require "hoopai.call.raw_request"
local locks = require "hoopai.async.lock"
local options = require "hoopai.options"
local resources = require "hoopai.call.endpoints"
local scheduler = require "hoopai.async.scheduler"
local schema = require "hoopai.validate"
local sending = require "hoopai.call"
local suggest = require "hoopai.suggest"
local retry = require "hoopai.call.retry"
local token = require "hoopai.oauth.token_source"
local words = require "hoopai.api.reserved_segments"

local type, tostring, getmetatable, setmetatable = type, tostring, getmetatable, setmetatable
local pairs, ipairs, rawget, rawset, select, pcall = pairs, ipairs, rawget, rawset, select, pcall
local unpack, concat = table.unpack, table.concat
local format, lower, max = string.format, string.lower, math.max
local now = core.now

local LONGEST_WORD = 0 -- of the API's paths
for word in pairs(words) do LONGEST_WORD = max(LONGEST_WORD, #word) end

local MOST_PAGES = 50 -- of a list in which a record is looked for

-- The key of a client's own data: no string, so no misspelt field can hit it.
local PRIVATE = {}

---------------------------------------------------------------------------------------------------- 1. arguments

local given_words = { ["nil"] = "nothing", table = "table (give its id)" }

local function argument_problem(endpoint, position, name, value)
  errors.raise(format("%s needs %s as argument %d, a string; got %s",
    endpoint.id, name, position, given_words[type(value)] or type(value)))
end

local function check_ids(endpoint, ...)
  for index = 1, endpoint.id_count do
    local id = select(index, ...)
    if type(id) ~= "string" then argument_problem(endpoint, index, endpoint.params[index].name, id) end
  end
end

--- Sorts (ids..., payload?, options?) as the endpoint declares them. Wrong use raises.
-- @return payload, options
local function sort_arguments(endpoint, a, b, c, d, e)
  local count, payload, call_options = endpoint.id_count, a, b
  local given = e ~= nil and 5 or d ~= nil and 4 or c ~= nil and 3 or b ~= nil and 2 or 1
  if given > endpoint.most_arguments then
    errors.raise(format("%s takes at most %d arguments, got %d", endpoint.id, endpoint.most_arguments, given))
  end
  if count == 1 then payload, call_options = b, c elseif count == 2 then payload, call_options = c, d end
  if count > 0 and type(a) ~= "string" or count > 1 and type(b) ~= "string" then check_ids(endpoint, a, b) end
  if not endpoint.takes_payload then payload, call_options = nil, payload end
  if payload ~= nil and type(payload) ~= "table" then
    errors.raise(format("%s expects a table as argument %d (%s), got %s",
      endpoint.id, count + 1, endpoint.query and "the query" or "the body", type(payload)))
  end
  if call_options ~= nil then options.check_call(endpoint.id, call_options) end
  return payload, call_options
end

--- What holds for a call: its own options, and for the others the client's.
local function options_of(settings, call_options)
  if call_options == nil then return settings end
  return setmetatable(options.copy(call_options), { __index = settings })
end

--------------------------------------------------------------------------------------------- 2. checks and request

local function invalid(exchange, details)
  return answer.failure(exchange, {
    kind = "invalid_request", applied = "no",
    message = schema.message(details, exchange.endpoint.id), details = details,
  })
end

--- All problems of a call in one list.
local function join(...)
  local details = {}
  for index = 1, select("#", ...) do
    local more = select(index, ...)
    for _, detail in ipairs(more or {}) do details[#details + 1] = detail end
    details.more = more and more.more or details.more -- how many were left out of a very long list
  end
  return details
end

--- Is this one of the API's own words? Servers may match paths without regard to case.
local function is_word(id)
  return #id <= LONGEST_WORD and words[lower(id)] ~= nil
end

--- Why an id cannot stand in a path, nil when it can.
local function id_problem(id)
  local _, problem = core.path("{id}", id)
  if problem or not is_word(id) then return problem end
  return "must not be a word of the API's own paths, which would call another endpoint"
end

local function wrong_ids(endpoint, ...)
  local details = {}
  for index = 1, endpoint.id_count do
    local id = select(index, ...)
    local problem = id_problem(id)
    if problem then
      details[#details + 1] = {
        path = endpoint.params[index].name, problem = problem, given = schema.given(id), expected = "an id",
      }
    end
  end
  return details
end

--- The path with its ids; where one of them cannot stand in it nil, and what is wrong with them.
local function build_path(endpoint, a, b)
  local count, path = endpoint.id_count, endpoint.path
  if count == 0 then return path end
  if count == 1 then path = core.path(path, a) else path = core.path(path, a, b) end
  if path and not is_word(a) and not (count > 1 and is_word(b)) then return path end
  return nil, wrong_ids(endpoint, a, b)
end

--- With an app the token is that of one location: another one in the query or body is a slip.
local function foreign_location(payload, location_id)
  local named = rawget(payload, "locationId")
  if not location_id or not named or named == location_id then return nil end
  return {
    path = "locationId", given = schema.given(named), expected = location_id,
    problem = format("is not the location the call is made for (%s): use client:with { location_id = ... }",
      location_id),
  }
end

local function encode_body(exchange, body, shape)
  local problem, place
  exchange.content = body
  exchange.body, problem, place = core.encode(body, shape)
  if exchange.body then return true end
  return invalid(exchange, { { path = place, problem = problem, expected = "a JSON value" } })
end

--- Turns the arguments of a call into the parts of its request: `path`, `target` and `body`.
-- @return true; or nil and an error
local function build_request(exchange, chosen, payload, a, b)
  local endpoint = exchange.endpoint
  local checks = endpoint.checks()
  local query, query_problems, body, body_problems, foreign
  local path, problems = build_path(endpoint, a, b)
  if path then
    exchange.path = path
    if checks.params then problems = checks.params({ a, b }, chosen) end
  end
  if endpoint.query then query, query_problems = checks.query(payload, chosen) end
  if endpoint.sends_body then body, body_problems = checks.body(payload, chosen) end
  if payload and exchange.source.key then foreign = foreign_location(payload, chosen.location_id) end
  if problems or foreign or query_problems or body_problems then
    return invalid(exchange, join(problems, foreign and { foreign }, query_problems, body_problems))
  end
  exchange.target = query and query[1] and path .. "?" .. core.query(query) or path
  if body then return encode_body(exchange, body, checks.body_shape) end
  if endpoint.empty_body then exchange.body = "{}" end
  return true
end

----------------------------------------------------------------------------------------------- 3. the exchange

local function header_lines(settings, chosen, has_body)
  local lines, seen = { "Version: " .. chosen.api_version, "Accept: application/json" }, {}
  if has_body then lines[3] = "Content-Type: application/json" end
  for name, value in pairs(chosen.headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
    seen[lower(name)] = true
  end
  for name, value in pairs(settings.headers or {}) do
    if not seen[lower(name)] then lines[#lines + 1] = name .. ": " .. value end
  end
  return lines
end

local function new_request(own, endpoint, chosen, has_body)
  return core.request {
    method = endpoint.method, url = own.shared.base_url, headers = header_lines(own.settings, chosen, has_body),
    once = endpoint.retry ~= "safe",
  }
end

--- What the requests of an endpoint have in common: made once for all calls that have no headers of their own.
local function request_of(own, endpoint, chosen, has_body)
  local settings = own.settings
  local is_usual = chosen.headers == settings.headers and chosen.api_version == settings.api_version
  local request = is_usual and own.requests[endpoint]
  if request then return request end
  request = new_request(own, endpoint, chosen, has_body)
  if is_usual then own.requests[endpoint] = request end
  return request
end

--- The location whose request budget a call is on: the one that it names, else the client's.
local function location_of(chosen, payload)
  local named = payload and rawget(payload, "locationId")
  return type(named) == "string" and named or chosen.location_id
end

--- What is known of a call while it is made.
local function new_exchange(client, own, endpoint, chosen, payload)
  local shared, queue_timeout = own.shared, chosen.queue_timeout
  local app = shared.app
  return sending.exchange {
    client = client, -- which must not be collected while its call is in flight
    endpoint = endpoint, base_url = shared.base_url,
    -- With an app each location has its own token.
    source = app and app:source(chosen.location_id, chosen.company_id) or shared.source,
    location_id = payload and location_of(chosen, payload) or chosen.location_id,
    chosen = chosen, timeout = chosen.timeout, queue_deadline = queue_timeout and now() + queue_timeout,
    -- Places for what is set later, when there may be no memory for more fields.
    path = endpoint.path, target = nil, body = nil, request = nil,
    begun = nil, elapsed = nil, attempts = 0, sent = 0, has_left = false,
    secret = nil, generation = nil, transfer = nil, gate = nil, response = nil,
  }
end

--- Connections and the token's state are the parent's: a child must not send on them.
local function check_process(client)
  if client[PRIVATE].shared.process ~= core.pid() then
    errors.raise("this client belongs to the parent process: make a new one after fork")
  end
end

local perform

--- When a request first left, on the server's clock, in milliseconds since 1970; nil where the server does not tell it.
local function sent_ms(exchange, response)
  local server = retry.date(response.headers.date)
  return server and server * 1000 - (now() - exchange.begun) * 1000
end

local function entry_with(list, id)
  for _, entry in ipairs(list) do
    if entry.id == id then return entry end
  end
end

--- Reads the page of a list that has the record.
local function find_in_list(client, begun, lookup, plan, call_options)
  local ids = plan.ids
  for _ = 1, MOST_PAGES do
    ids[lookup.id_count + 1], ids[lookup.id_count + 2] = plan.query, call_options
    local list, response = perform(client, begun, lookup, unpack(ids, 1, lookup.id_count + 2))
    if list == nil then return nil, response end
    local record = entry_with(list, plan.id)
    if record or not response.extra.hasMore then return record, response end
    if not plan.query.offset then break end -- a list that should be whole
    plan.query.offset = plan.query.offset + plan.query.limit
  end
  return nil, errors.new { kind = "too_large", message = "the list does not end" }
end

local function get_one(client, begun, lookup, plan, call_options)
  plan.ids[lookup.id_count + 1] = call_options
  local record, response = perform(client, begun, lookup, unpack(plan.ids, 1, lookup.id_count + 1))
  if record == nil and response.kind == "not_found" then response = response.response end
  return record, response
end

--- Was a change made whose answer was lost? See verify.judge for the words that it returns.
local function look(client, exchange, arguments, call_options)
  local endpoint = exchange.endpoint
  local verify = endpoint.verifier
  local lookup = resources.endpoint(endpoint.reconcile_with)
  local plan = verify.plan(endpoint, lookup.id_count, arguments, exchange.content, exchange.location_id)
  if not plan then return "unknown" end
  local read = plan.id and find_in_list or get_one
  local reading = options.copy(call_options or {})
  reading.validate = false
  local record, response = read(client, exchange.begun, lookup, plan, reading)
  if errors.is(response) or response.unexpected then return "unknown" end
  local kind = lookup.result.type
  local verdict = verify.judge(endpoint, arguments, exchange.content, record, (kind.items or kind).fields,
    sent_ms(exchange, response))
  return verdict, verify.result(endpoint, record), response
end

--- Makes a call, from its arguments to its result.
-- @tparam Client client
-- @tparam ?number begun since when its `timeout` counts, where it is part of another call
-- @param a the ids, at most two, then what the endpoint takes as query or body, then the options; `e` is one too many
function perform(client, begun, endpoint, a, b, c, d, e)
  check_process(client)
  local payload, call_options = sort_arguments(endpoint, a, b, c, d, e)
  local where, task = scheduler.where(endpoint.id)
  local own = client[PRIVATE]
  local chosen = options_of(own.settings, call_options)
  local exchange = new_exchange(client, own, endpoint, chosen, payload)
  if sending.is_closed(own) then return sending.closed_failure(exchange) end
  local ok, err = build_request(exchange, chosen, payload or endpoint.preset, a, b)
  if not ok then return nil, err end
  exchange.request = request_of(own, endpoint, chosen, exchange.body ~= nil)
  exchange.begun = begun
  return sending.send(own, exchange, where, task, endpoint.retry == "idempotent" and function()
    return look(client, exchange, { a, b }, call_options)
  end)
end

--- The pipeline of an endpoint method.
local function call(client, endpoint, a, b, c, d, e)
  return perform(client, nil, endpoint, a, b, c, d, e)
end

--- An option of a call, for the methods that make several; wrong ones raise.
local function client_option(client, id, name, call_options)
  options.check_call(id, call_options)
  return options_of(client[PRIVATE].settings, call_options)[name]
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
  local resource = resources.object(name, client, call, client_option)
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
    location and ", location " .. location or "", sending.is_closed(own) and ", closed" or "")
end

local function own_data(client, method)
  local own = type(client) == "table" and getmetatable(client) == meta and client[PRIVATE]
  if not own then errors.raise(format("call it with a colon: client:%s(...)", method)) end
  return own
end

--- Those who wait for another attempt, or for the request budget, look whether their client is closed.
local function wake_waiting(shared)
  if shared.process ~= core.pid() then return end -- they wait in the parent
  shared.bell:ring()
  for _, gate in pairs(shared.gates) do gate:wake() end
end

local function close_shared(shared)
  shared.closed = true
  if shared.task then scheduler.detach(shared.task) end
  if shared.block then shared.block:close() end
end

--- Closes the client. Calls in flight end with kind "closed". A client made by `with` closes only itself: its requests
-- in flight end as they would have, and none is sent any more.
-- Idempotent; returns at once.
function Client:close()
  local own = own_data(self, "close")
  if own.closed then return end
  own.closed = true
  if own.is_root then close_shared(own.shared) end
  wake_waiting(own.shared)
end

meta.__close = Client.close

-- At the end of the state the core's objects may be finalised already, and they refuse then.
function meta.__gc(client)
  pcall(Client.close, client)
end

local function new_client(own)
  own.requests = {} -- by endpoint
  return setmetatable({ [PRIVATE] = own }, meta)
end

--- A light client with other defaults that shares connections and token with this one.
-- @tparam[opt] CallOptions given what shall be otherwise
-- @treturn Client one whose closing never closes its parent
-- @raise for an unknown or wrong option
function Client:with(given)
  local own = own_data(self, "with")
  options.check_call("client:with", given)
  local settings = options.copy(own.settings)
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
  local own = own_data(self, "request")
  check_process(self)
  local endpoint, query = generic.endpoint(given)
  options.check_call("client:request", call_options)
  local where, task = scheduler.where("client:request")
  local chosen = options_of(own.settings, call_options)
  local names_location = given.query and rawget(given.query, "locationId") ~= nil
  local exchange = new_exchange(self, own, endpoint, chosen, names_location and given.query or given.body)
  local body, details = generic.body(given)
  for _, payload in ipairs { given.query or {}, given.body or {} } do
    local foreign = exchange.source.key and foreign_location(payload, chosen.location_id)
    if foreign then details = { foreign } end
  end
  if details then return invalid(exchange, details) end
  if sending.is_closed(own) then return sending.closed_failure(exchange) end
  exchange.body = body
  exchange.target = #query > 0 and endpoint.path .. "?" .. core.query(query) or endpoint.path
  exchange.request = new_request(own, endpoint, chosen, body ~= nil)
  return sending.send(own, exchange, where, task)
end

local client = {}

--- Makes a client from the options of `hoopai.new`. Opens nothing: connections are made by the first call.
-- @tparam[opt] table given
-- @raise for a missing token, an unknown or a wrong option
function client.new(given)
  local settings = options.check_new(given)
  local shared = {
    process = core.pid(), base_url = settings.base_url, transport = settings.transport, closed = false,
    app = settings.oauth, rate_limit = settings.rate_limit, gates = {}, retry_budgets = {}, bell = locks.bell(),
    source = type(settings.token) == "function" and token.asked(settings.token) or token.fixed(settings.token),
  }
  if settings.oauth and settings.on.refresh then settings.oauth:listen(settings.on) end
  settings.token, settings.oauth, settings.transport, settings.base_url = nil, nil, nil, nil
  return new_client { shared = shared, settings = settings, is_root = true }
end

return client
