--- The admin interface for specs: paths below /__sandbox/, in a sandbox that was started with `control = true`.
--
--     GET  /__sandbox/requests                { requests = { { at, method, path, query, endpoint, status }, ... } }
--     GET  /__sandbox/bookings                { bookings = { { what, at, id, calendarId, startTime, ... }, ... } }
--     POST /__sandbox/reset                     restore the state of the start
--     POST /__sandbox/add    { kind, fields }   add a record, as `world:KIND(fields)` does; { id }
--     POST /__sandbox/delay  { latency_ms, delay_ms, only }   wait before handling a request; before sending the
--                                         response, with `only` to requests whose method and path begin so alone
--     POST /__sandbox/clock  { now, advance_ms }   freeze the clock at `now` (false: let it run), or move it on
--     POST /__sandbox/token  { name, expired }     make a token ("main") expire, or be valid again
--     POST /__sandbox/rate_limit { max, interval_ms, daily, off }   set a new rate limit, nothing of it used
--
-- For webhooks, see `hoopai.sandbox.webhooks`:
--
--     GET  /__sandbox/webhooks         { webhooks = { { webhookId, type, at, state, fault, deliveries }, ... } }
--     POST /__sandbox/webhooks/settings { url, retries, retry_scale, timeout_ms, delay_ms, ... }    false removes one
--     POST /__sandbox/webhooks/fault { times, type, delay_ms, repeats, reorder, signature, age_seconds, flat }    for
--                                         the next `times` (1) webhooks, of one type or of any
--     POST /__sandbox/webhooks/faults   remove the scripted faults; { forgotten }
--     POST /__sandbox/webhooks/send { type, fields }      send a webhook of any type; { webhookId }
--     POST /__sandbox/webhooks/resend { webhookId }       send one of the ledger again, with the same bytes
--
-- The state of a webhook is "held", "waiting", "delivered", "failed" or "dropped"; a delivery has `at`, `elapsed_ms`,
-- and `status` or `error`.
--
-- For the tokens of OAuth:
--
--     GET  /__sandbox/oauth             { exchanges = { { number, at, grant, ... }, ... }, counts }; 10,000 at most
--     GET  /__sandbox/oauth/counts      the counts alone: exchanges, codes, rotations, location_tokens, reuses, graces,
--                                         limited (429), refused, lost (made, but the client cannot read its tokens)
--     POST /__sandbox/oauth/clear       clear the ledger and the counts; all tokens stay valid
--     POST /__sandbox/oauth/settings { expires_in, refresh_expires_in, rate, grace_seconds, camel_case,
--                                      revoke_on_reuse }
--     POST /__sandbox/oauth/fault { times, grant, ... }     script a fault, see below
--     POST /__sandbox/oauth/faults      remove the scripted faults; { forgotten }
--     POST /__sandbox/oauth/code { class, location_id, scopes, redirect_uri, challenge }     { code }
--     POST /__sandbox/oauth/grant { class, location_id, scopes }     tokens without a code, an exchange or a rate limit
--     POST /__sandbox/oauth/expire { location_id, class }     make access tokens expire at once; { count }
--     POST /__sandbox/oauth/revoke { location_id, class }     revoke refresh tokens; { count }
--     POST /__sandbox/oauth/install { location_id, installed }    uninstall the app from a location, or install it
--     POST /__sandbox/oauth/inspect { token }     describe a token: { known, kind, generation, current, ... }
--
-- `class` is the user type: "Location" or "Company". An entry of the ledger has `number`, `at` (ms), `grant`
-- ("authorization_code", "refresh_token", "location_token" or "other"), `client_id` if it is the app's, `status`,
-- `error`, `applied` (new tokens were issued), `answered` (the whole response was written while the client was
-- connected), `readable` (the client could read the tokens), `reuse` and `grace` (the code or token had been used
-- before), `fault`, `family` (the tokens of one sign-in), `presented` and `generation` (of the token in the request,
-- and of the issued one), `token` (a fingerprint of the token in the request), `locationId`, `class`.
--
-- A fault applies to the next `times` (1) exchanges, or to the next of one `grant` ("authorization_code",
-- "refresh_token", "location_token"). Without `grant` it does not apply to location tokens. It has any of:
--
--     latency_ms            wait before the exchange is made
--     delay_ms              wait between the exchange and its response
--     drop                  close the connection "before" the exchange, or "after" it without a response
--     status, body          this response in place of the exchange; with `apply` the exchange is made as well
--     malformed             true, or a text: a complete body that is no JSON
--     truncated             close the connection after half of the body
--     no_refresh_token      the response has no refresh token; the old one stays valid
--     same_refresh_token    the response has the old refresh token, which stays valid
--     expires_in            a number or a text in place of the seconds
--     crlf                  a line break and a header in the access token
--     set, without, raw     members to replace; a list of names to leave out; members as JSON text
--
-- The requests need `Authorization: Bearer <control_token>`. No rate limit applies, and no ledger has them.
-- @module hoopai.sandbox.server.admin

local core = require "hoopai.core"
local token_faults = require "hoopai.sandbox.oauth.token_faults"
local oauth = require "hoopai.sandbox.oauth"
local rate_limit = require "hoopai.sandbox.domain.rate_limit"
local records = require "hoopai.sandbox.domain.records"
local api_errors = require "hoopai.sandbox.api_errors"

local format, match = string.format, string.match
local concat = table.concat
local ipairs, pairs, tostring, type = ipairs, pairs, tostring, type

local admin = {}

local LEDGER_SHAPE = {
  fields = {
    requests = { array = true },
    bookings = { array = true },
    exchanges = { array = true },
    webhooks = { array = true },
  },
}

local function number(body, name)
  local value = body[name]
  if value ~= nil and (type(value) ~= "number" or value < 0) then
    api_errors.unprocessable { name .. " must be a number" }
  end
  return value
end

local routes = {}

routes["GET requests"] = function(app) return { requests = app.ledger } end

routes["GET bookings"] = function(app) return { bookings = app.store.ledger } end

routes["POST reset"] = function(app) app:reset() end

routes["POST add"] = function(app, body)
  local is_known = false
  for _, kind in ipairs(records.kinds) do
    is_known = is_known or kind == body.kind
  end
  if not is_known then api_errors.unprocessable { "kind must be one of: " .. concat(records.kinds, ", ") } end
  if type(body.fields) ~= "table" then api_errors.unprocessable { "fields must be an object" } end
  return { id = records.add(app, body.kind, body.fields) }
end

routes["POST delay"] = function(app, body)
  app.latency_ms = number(body, "latency_ms") or app.latency_ms
  app.delay_ms = number(body, "delay_ms") or app.delay_ms
  if body.only ~= nil and type(body.only) ~= "string" then api_errors.unprocessable { "only must be a string" } end
  app.delayed = body.only or ""
end

routes["POST clock"] = function(app, body)
  if body.now == false then
    app.frozen = nil
  else
    app.frozen = number(body, "now") or app.frozen
  end
  local advance = number(body, "advance_ms") or 0
  if app.frozen then
    app.frozen = app.frozen + advance
  else
    app.shift = app.shift + advance
  end
  return { now = app.now() }
end

routes["POST token"] = function(app, body)
  local token = app.tokens[app.token_names[body.name or "main"]]
  if not token then api_errors.not_found("Token not found") end
  token.expired = body.expired ~= false
end

routes["POST rate_limit"] = function(app, body)
  local limits = { max = number(body, "max"), interval_ms = number(body, "interval_ms"), daily = number(body, "daily") }
  app.rate_limit = rate_limit.new(body.off ~= true and limits, app.rate_limit.clock)
end

-- Webhooks -----------------------------------------------------------------------------------------------------------

routes["GET webhooks"] = function(app) return { webhooks = app.webhooks.ledger } end

routes["POST webhooks/settings"] = function(app, body) app.webhooks:change(body) end

routes["POST webhooks/fault"] = function(app, body) app.webhooks:add_fault(body) end

routes["POST webhooks/faults"] = function(app) return { forgotten = app.webhooks:forget_faults() } end

routes["POST webhooks/send"] = function(app, body)
  if type(body.type) ~= "string" then api_errors.unprocessable { "type must be a string" } end
  local fields = body.fields or { locationId = app.seed.location_id }
  if type(fields) ~= "table" then api_errors.unprocessable { "fields must be an object" } end
  local entry = app.webhooks:emit(body.type, fields)
  if not entry then api_errors.unprocessable { "the sandbox has no url of webhooks" } end
  return { webhookId = entry.webhookId }
end

routes["POST webhooks/resend"] = function(app, body)
  if not app.webhooks:resend(body.webhookId) then api_errors.not_found("Webhook not found") end
end

-- OAuth --------------------------------------------------------------------------------------------------------------

local SETTINGS = {
  expires_in = "number",
  refresh_expires_in = "number",
  grace_seconds = "number",
  camel_case = "boolean",
  revoke_on_reuse = "boolean",
}

routes["GET oauth"] = function(app) return { exchanges = app.oauth.server.ledger, counts = app.oauth.server.counts } end

routes["GET oauth/counts"] = function(app) return app.oauth.server.counts end

routes["POST oauth/clear"] = function(app) app.oauth.server:clear() end

routes["POST oauth/settings"] = function(app, body)
  for name, value in pairs(body) do
    if name == "rate" then
      app.oauth.rate_limit = oauth.new_rate_limit(value, app.oauth.clock)
    elseif type(value) == SETTINGS[name] then
      app.oauth.settings[name] = value
    else
      api_errors.unprocessable { "no such setting, or not of its type: " .. tostring(name) }
    end
  end
end

routes["POST oauth/fault"] = function(app, body) token_faults.add(app.oauth.faults, body) end

routes["POST oauth/faults"] = function(app)
  local count = #app.oauth.faults
  app.oauth.faults = {}
  return { forgotten = count }
end

-- The fields of a body that the authorization server takes, with OAuth's name for `class`.
local function checked_target(app, body)
  if body.location_id and not app.store.locations:get(body.location_id) then
    api_errors.not_found("Location not found")
  end
  if body.class and body.class ~= "Location" and body.class ~= "Company" then
    api_errors.unprocessable { "class must be Location or Company" }
  end
  return {
    user_type = body.class,
    location_id = body.location_id,
    scopes = body.scopes,
    redirect_uri = body.redirect_uri,
    challenge = body.challenge,
  }
end

-- stylua: ignore
routes["POST oauth/code"] = function(app, body)
  return { code = app.oauth.server:new_code(checked_target(app, body)) }
end

routes["POST oauth/grant"] = function(app, body) return (app.oauth.server:sign_in(checked_target(app, body))) end

-- stylua: ignore
routes["POST oauth/expire"] = function(app, body)
  return { count = app.oauth.server:expire(checked_target(app, body)) }
end

-- stylua: ignore
routes["POST oauth/revoke"] = function(app, body)
  return { count = app.oauth.server:revoke(checked_target(app, body)) }
end

routes["POST oauth/install"] = function(app, body)
  local id = checked_target(app, body).location_id
  if not id then api_errors.unprocessable { "location_id must be a string" } end
  app.oauth.server:install(id, body.installed ~= false)
end

routes["POST oauth/inspect"] = function(app, body)
  if type(body.token) ~= "string" then api_errors.unprocessable { "token must be a string" } end
  return app.oauth.server:inspect(body.token)
end

--- Handles a request to the admin interface. Raises an error of `hoopai.sandbox.api_errors` for a wrong one.
-- @tparam table app
-- @tparam table request
-- @treturn integer status
-- @treturn table body
-- @treturn table shape
function admin.serve(app, request)
  local route = routes[request.method .. " " .. match(request.path, "^/__sandbox/(.*)$")]
  if not route then api_errors.not_found(format("Cannot %s %s", request.method, request.path)) end
  if request.headers["authorization"] ~= "Bearer " .. app.control_token then api_errors.unauthorized("Invalid JWT") end
  local body = {}
  if request.body and request.body ~= "" then
    body = core.decode(request.body)
    if type(body) ~= "table" then api_errors.bad_request("Unexpected token in JSON") end
  end
  return 200, route(app, body) or { succeeded = true }, LEDGER_SHAPE
end

return admin
