--- The sandbox without its sockets: turns a request into a response, and changes the state.
--
--     local app = require("hoopai.sandbox.server.application").new { now = 1762000000000 }
--     local response = app:handle {
--       method = "GET", path = "/calendars/", query_string = "locationId=" .. app.seed.location_id,
--       headers = { authorization = "Bearer " .. app.token, version = "2021-07-28" },
--     }
--     print(response.status, response.headers["content-type"], response.body)
-- @module hoopai.sandbox.server.application

local core = require("hoopai.lazy").c_module "hoopai.core"
local access = require "hoopai.sandbox.domain.access"
local checks = require "hoopai.sandbox.domain.checks"
local admin = require "hoopai.sandbox.server.admin"
local oauth = require "hoopai.sandbox.oauth"
local options = require "hoopai.sandbox.server.options"
local many = require "hoopai.sandbox.domain.many"
local query_string = require "hoopai.sandbox.query_string"
local quirks = require "hoopai.sandbox.domain.quirks"
local rate_limit = require "hoopai.sandbox.domain.rate_limit"
local records = require "hoopai.sandbox.domain.records"
local api_errors = require "hoopai.sandbox.api_errors"
local router = require "hoopai.sandbox.server.router"
local seed = require "hoopai.sandbox.domain.seed"
local store = require "hoopai.sandbox.domain.store"
local webhook_bodies = require "hoopai.sandbox.webhooks.bodies"
local webhooks = require "hoopai.sandbox.webhooks"

local find, format, sub = string.find, string.format, string.sub
local ipairs, next, pairs, select, setmetatable = ipairs, next, pairs, select, setmetatable
local tostring, type, xpcall = tostring, type, xpcall
local date, traceback = os.date, debug.traceback

local LEDGER_LIMIT = 10000

local App = {}
App.__index = App

-- Requests -----------------------------------------------------------------------------------------------------------

-- The names under which a null is more than an absent field: it is a value, or in an update it clears the field.
local function null_names(declared, method)
  local names = {}
  for _, field in ipairs(declared.fields or {}) do
    if field.nullable or method == "PUT" then names[field.name] = true end
  end
  return next(names) and names or nil
end

-- Takes the nulls out of a checked body. Returns the names of the fields of the record that they clear. Below these a
-- null is an absent field, since a list or an object replaces the one before.
local function take_nulls(declared, body)
  local cleared, nullable = {}, {}
  for _, field in ipairs(declared.fields or {}) do
    nullable[field.name] = field.nullable
  end
  local function drop(value)
    for name, item in pairs(value) do
      if item == core.null and not nullable[name] and type(name) == "string" then
        value[name] = nil
        if value == body then cleared[name] = true end
      elseif type(item) == "table" then
        drop(item)
      end
    end
  end
  drop(body)
  return cleared
end

-- A body of another type than JSON is ignored, as by the live API.
local function read_body(declared, request)
  local text = request.body or ""
  local is_json = find(request.headers["content-type"] or "", "json", 1, true)
  if text == "" or not is_json then return declared.type == "array" and core.array {} or {} end
  local body, problem = core.decode(text, null_names(declared, request.method))
  if body == nil then api_errors.bad_request("Unexpected token in JSON: " .. problem) end
  return body
end

local function check_request(endpoint, request, params, version)
  local problems = checks.path(endpoint.params or {}, params)
  local query, query_problems = checks.query(quirks.query(endpoint), query_string.parse(request.query_string))
  local declared = quirks.body(endpoint, version)
  local body = declared and read_body(declared, request)
  for _, list in ipairs { query_problems, declared and checks.body(declared, body) or {} } do
    for _, problem in ipairs(list) do
      problems[#problems + 1] = problem
    end
  end
  if problems[1] then api_errors.unprocessable(problems) end
  if not body then return query end
  quirks.drop(endpoint, body)
  return query, body, take_nulls(declared, body)
end

-- Responses ----------------------------------------------------------------------------------------------------------

-- The key of the envelope. An option decides if the documents and the live API differ.
local function envelope_key(app, keys)
  for _, key in ipairs(keys) do
    if key == app.options.get_envelope then return key end
  end
  return keys[1]
end

-- Puts the result of a handler into the form that the endpoint declares: in an envelope, bare, or a bare list.
local function compose(app, endpoint, value, extra, trace_id)
  local result = endpoint.result or {}
  local shape = checks.shape(result.type)
  if result.keys then
    local key = envelope_key(app, result.keys)
    local body = { [key] = value, traceId = trace_id }
    for name, item in pairs(extra or {}) do
      body[name] = item
    end
    return body, { fields = { [key] = shape } }
  end
  if result.type and result.type.type == "array" then return value, shape end
  local body = { traceId = trace_id }
  for name, item in pairs(value) do
    body[name] = item
  end
  return body, shape
end

local function serve(app, request, facts)
  local endpoint, params = app.router:find(request.method, request.path)
  if not endpoint then api_errors.not_found(format("Cannot %s %s", request.method, request.path)) end
  facts.endpoint = endpoint.label
  local token = access.token(app.tokens, request, app.now())
  facts.location_id = token.location_id
  local allowed
  allowed, facts.headers = app.rate_limit:acquire(token.location_id or "")
  if not allowed then api_errors.too_many("Too Many Requests") end
  local version = access.version(request, endpoint)
  access.scope(token, endpoint)
  local query, body, cleared = check_request(endpoint, request, params, version)
  access.location(token, query.locationId)
  access.location(token, body and body.locationId)
  local handler = require("hoopai.sandbox.handlers." .. endpoint.resource)[endpoint.name]
  local value, extra = handler {
    store = app.store,
    options = app.options,
    token = token,
    params = params,
    query = query,
    body = body,
    cleared = cleared,
  }
  quirks.drop_newer(endpoint, version, value)
  local response, shape = compose(app, endpoint, value, extra, facts.trace_id)
  return endpoint.status, response, shape
end

local function failure(app, caught, facts)
  if api_errors.is(caught) then
    return caught.status,
      caught.body or {
        statusCode = caught.status,
        message = caught.message,
        error = caught.reason,
        traceId = facts.trace_id,
      }
  end
  app.fault = tostring(caught)
  return 500, { statusCode = 500, message = "Internal server error", traceId = facts.trace_id }
end

local function traced(caught) return api_errors.is(caught) and caught or traceback(tostring(caught), 2) end

local function add_to_ledger(app, request, facts, status)
  local ledger = app.ledger
  if #ledger >= LEDGER_LIMIT then return end
  ledger[#ledger + 1] = {
    at = app.now(),
    method = request.method,
    path = request.path,
    query = request.query_string or "",
    endpoint = facts.endpoint,
    locationId = facts.location_id,
    status = status,
  }
end

--- Prepares a request when it arrives.
-- @tparam table request
-- @treturn integer milliseconds to wait before the request is handled
function App:arrive(request) return self.latency_ms + oauth.arrive(self, request) end

--- The wait between a request and its response.
-- @tparam table request
-- @treturn integer milliseconds
function App:delay(request)
  local line = request.method .. " " .. request.path
  return sub(line, 1, #self.delayed) == self.delayed and self.delay_ms or 0
end

-- The function that serves a path.
local function server_of(app, path)
  if find(path, "^/__sandbox/") and app.options.control then return admin.serve end
  return oauth.is_path(path) and oauth.serve or serve
end

--- Handles a request.
-- @tparam table request
-- @tparam string request.method
-- @tparam string request.path percent-encoded, without query
-- @tparam ?string request.query_string without the question mark
-- @tparam table request.headers lower-case names
-- @tparam ?string request.body
-- @treturn table `status`, `headers` (lower-case names) and `body` (JSON); the response to an exchange of tokens has
-- more fields, see `hoopai.sandbox.oauth`
function App:handle(request)
  local facts = { trace_id = self.store:new_trace_id() }
  local is_admin = find(request.path, "^/__sandbox/")
  local ok, status, body, shape = xpcall(server_of(self, request.path), traced, self, request, facts)
  if not ok then
    status, body, shape = failure(self, status, facts)
  end
  local headers = facts.headers
  if not is_admin then
    if not headers then headers = select(2, self.rate_limit:acquire("")) end
    add_to_ledger(self, request, facts, status)
  end
  headers = headers or {}
  headers["date"] = date("!%a, %d %b %Y %H:%M:%S GMT", self.now() // 1000)
  headers["content-type"] = "application/json; charset=utf-8"
  local text, problem, path = core.encode(body, shape)
  if not text then
    self.fault = format("the response cannot be written: %s at %s", problem, tostring(path))
    status, text = 500, '{"statusCode":500,"message":"Internal server error"}'
  end
  return oauth.finish(self, facts, { status = status, headers = headers, body = text }, body)
end

-- State --------------------------------------------------------------------------------------------------------------

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do
    set[name] = true
  end
  return set
end

local function add_token(app, name, text, entry)
  local user_type = entry.class or "Location"
  app.tokens[text] = {
    location_id = entry.location_id or user_type == "Location" and app.seed.location_id or nil,
    user_type = user_type,
    scopes = set_of(entry.scopes or access.scopes(app.router.endpoints)),
  }
  app.token_names[name] = text
end

-- One token for each authorization error.
local function add_tokens(app)
  local function text() return "pit-" .. app.store:new_trace_id() end
  app.tokens, app.token_names = {}, {}
  add_token(app, "main", app.options.token or text(), {})
  add_token(app, "other_location", text(), { location_id = app.seed.other_location_id })
  add_token(app, "readonly", text(), { scopes = access.scopes(app.router.endpoints, ".readonly") })
  add_token(app, "agency", text(), { class = "Company" })
  for name, entry in pairs(app.options.tokens or {}) do
    add_token(app, name, entry.token or text(), entry)
  end
  app.token = app.token_names.main
end

local function monotonic_ms() return core.now() * 1000 // 1 | 0 end

-- Fills the store with the seed data and with the records of one's own. These were made relative to the instant
-- `seeded_at`, which may be some time ago.
local function fill(app)
  local given, seeded_at = app.options, app.options.seeded_at
  if seeded_at then app.store.now = function() return seeded_at end end
  app.seed = seed.fill(app.store, {
    branches = app.oauth_settings.locations,
    zone = given.zone,
    empty = given.empty,
  })
  if given.many then app.seed.many = many.fill(app.store, app.seed.location_id, given.many) end
  for _, record in ipairs(given.records or {}) do
    records.add(app, record.kind, record.fields)
  end
  app.store.now, app.store.ledger = app.now, {}
end

--- Restores the state of the start: data, tokens, rate limits, clock and delays.
function App:reset()
  self.frozen, self.shift = self.options.now, 0
  self.latency_ms, self.delay_ms = self.options.latency_ms or 0, self.options.delay_ms or 0
  self.delayed = ""
  self.rate_limit = rate_limit.new(self.options.rate_limit, self.options.clock or monotonic_ms)
  self.ledger, self.fault = {}, nil
  self.store = store.new { now = self.now, random_seed = self.options.random_seed }
  fill(self)
  add_tokens(self)
  oauth.reset(self, self.options.clock or monotonic_ms)
  self.webhooks:reset()
  self.store.on_change = function(what, record) self:announce(what, record) end
end

--- Sends a webhook of a change.
-- @tparam string what its type
-- @tparam table record
function App:announce(what, record) self.webhooks:emit(what, webhook_bodies[what](self.store, record)) end

--- A new sandbox application, filled with the seed.
-- @tparam ?table given the options
-- @tparam ?integer given.now milliseconds of a clock that stands still; default: the clock of the system
-- @tparam ?table|boolean given.rate_limit `{ max = 100, interval_ms = 10000, daily = 200000 }`, or false
-- @tparam ?string given.get_envelope "appointment" (as reported of the live API) or "event" (as documented)
-- @tparam ?boolean given.strict_block_slots false: accept block slots on calendars of any type
-- @tparam ?string given.token the main token, for the location `seed.location_id`
-- @tparam ?table given.tokens more tokens: name -> `{ token, location_id, scopes (list), class }`
-- @tparam ?string given.zone the time zone of the main location; default: New York
-- @tparam ?boolean given.empty true: begin with the locations alone
-- @tparam ?integer given.many add so many of everything, see `hoopai.sandbox.domain.many`
-- @tparam ?table given.records records of one's own, as `hoopai.sandbox.world` lists them
-- @tparam ?integer given.seeded_at milliseconds: the instant that the data of the start is relative to; default: now
-- @tparam ?integer given.random_seed another number gives other ids
-- @tparam ?boolean given.control serve the paths below /__sandbox/
-- @tparam ?integer given.latency_ms the server's wait before it handles a request
-- @tparam ?integer given.delay_ms the server's wait before it sends the response
-- @tparam ?function given.clock milliseconds for the rate limits, for specs
-- @tparam ?table given.oauth the app to sign in to, see `hoopai.sandbox.start`
-- @tparam ?table given.webhooks where webhooks are sent to, and how, see `hoopai.sandbox.webhooks`
-- @treturn table the application: `handle`, `reset`, `token`, `token_names`, `control_token`, `seed`, `store`,
-- `ledger`, `oauth`, `webhooks`
local function new(given)
  local checked = options.check(given, options.app)
  checked.get_envelope = checked.get_envelope or "appointment"
  checked.strict_block_slots = checked.strict_block_slots ~= false
  local app = setmetatable({ options = checked, router = router.new() }, App)
  app.oauth_settings = oauth.settings(checked.oauth)
  app.webhooks = webhooks.new(checked.webhooks, app.oauth_settings.client_id)
  if checked.control then app.control_token = "control-" .. core.random_hex(16) end
  app.now = function() return app.frozen or core.wall_ms() + app.shift end
  app:reset()
  return app
end

return { new = new }
