--- The back door for specs: paths below /__sandbox/, open when the sandbox was started with `control = true`.
--
--     GET  /__sandbox/requests                { requests = { { at, method, path, query, endpoint, status }, ... } }
--     GET  /__sandbox/bookings                { bookings = { { what, at, id, calendarId, startTime, ... }, ... } }
--     POST /__sandbox/reset                     everything as it was at the start
--     POST /__sandbox/delay  { latency_ms, delay_ms }   wait before handling a request; before sending the answer
--     POST /__sandbox/clock  { now, advance_ms }   freeze the clock at `now` (false: let it run), or move it on
--     POST /__sandbox/token  { name, expired }     let a token ("main") be refused, or be good again
--     POST /__sandbox/rate_limit { max, interval_ms, daily, off }   new budgets, unused
--
-- For the tokens of OAuth:
--
--     GET  /__sandbox/oauth             { exchanges = { { number, at, grant, ... }, ... }, counts }; 10,000 at most
--     GET  /__sandbox/oauth/counts      the counts alone: exchanges, codes, rotations, location_tokens, reuses, graces,
--                                         limited (429), refused, lost (made, and the client cannot know its tokens)
--     POST /__sandbox/oauth/clear       forget the ledger and the counts, but no token
--     POST /__sandbox/oauth/settings { expires_in, refresh_expires_in, rate, grace_seconds, camel_case,
--                                      revoke_on_reuse }
--     POST /__sandbox/oauth/fault { times, grant, ... }     misbehave, as said below
--     POST /__sandbox/oauth/faults      forget those that are left; { forgotten }
--     POST /__sandbox/oauth/code { class, location_id, scopes, redirect_uri, challenge }     { code }
--     POST /__sandbox/oauth/grant { class, location_id, scopes }     tokens without a code, an exchange or a budget
--     POST /__sandbox/oauth/expire { location_id, class }     access tokens expire at once; { count }
--     POST /__sandbox/oauth/revoke { location_id, class }     refresh tokens are refused from now on; { count }
--     POST /__sandbox/oauth/install { location_id, installed }    take the app off a location, or put it back
--     POST /__sandbox/oauth/inspect { token }     what is known of it: { known, kind, generation, current, ... }
--
-- A record of the ledger has `number`, `at` (ms), `grant` ("authorization_code", "refresh_token", "location_token" or
-- "other"), `client_id` where it is ours, `status`, `error`, `applied` (new tokens stand), `answered` (the answer was
-- written whole while the client was there), `readable` (and its tokens could be read), `reuse` and `grace` (the code
-- or token had been used before), `fault`, `family` (of one sign-in), `presented` and `generation` (of the token that
-- came, and of the one that was issued), `token` (a fingerprint of the one that came), `locationId`, `class`.
--
-- A fault is for the next `times` (1) exchanges, or for the next of one `grant` ("authorization_code",
-- "refresh_token"); those of "location_token" must be named. It has any of:
--
--     latency_ms            wait before the exchange is looked at
--     delay_ms              wait before the answer is sent: the exchange stands already
--     drop                  hang up: "before" the exchange is made, or "after" it, with the answer lost
--     status, body          answer so instead (503, a JSON refusal); with `apply` the exchange is made nevertheless
--     malformed             true, or a text: a body that is no JSON, whole by its length
--     truncated             half of the body, then hang up
--     no_refresh_token      the answer has none; the old one goes on
--     same_refresh_token    the answer has the old one, which goes on
--     expires_in            this instead of the seconds: a number or a text
--     crlf                  a line break and a header in the access token
--     set, without, raw     members to replace; a list of names to leave out; members as JSON text
--
-- They want `Authorization: Bearer <control_token>`, count against no budget and stand in no ledger.
-- @module hoopai.sandbox.server.admin

local core = require "hoopai.core"
local token_faults = require "hoopai.sandbox.oauth.token_faults"
local oauth = require "hoopai.sandbox.oauth"
local rate_limit = require "hoopai.sandbox.domain.rate_limit"
local api_errors = require "hoopai.sandbox.api_errors"

local format, match = string.format, string.match
local pairs, tostring, type = pairs, tostring, type

local admin = {}

local LEDGER_SHAPE = { fields = {
  requests = { array = true }, bookings = { array = true }, exchanges = { array = true },
} }

local function number(body, name)
  local value = body[name]
  if value ~= nil and (type(value) ~= "number" or value < 0) then
    api_errors.unprocessable { name .. " must be a number" }
  end
  return value
end

local routes = {}

routes["GET requests"] = function(app)
  return { requests = app.ledger }
end

routes["GET bookings"] = function(app)
  return { bookings = app.store.ledger }
end

routes["POST reset"] = function(app)
  app:reset()
end

routes["POST delay"] = function(app, body)
  app.latency_ms = number(body, "latency_ms") or app.latency_ms
  app.delay_ms = number(body, "delay_ms") or app.delay_ms
end

routes["POST clock"] = function(app, body)
  if body.now == false then app.frozen = nil else app.frozen = number(body, "now") or app.frozen end
  local advance = number(body, "advance_ms") or 0
  if app.frozen then app.frozen = app.frozen + advance else app.shift = app.shift + advance end
  return { now = app.now() }
end

routes["POST token"] = function(app, body)
  local token = app.tokens[app.token_names[body.name or "main"]]
  if not token then api_errors.not_found("Token not found") end
  token.expired = body.expired ~= false
end

routes["POST rate_limit"] = function(app, body)
  local limits = { max = number(body, "max"), interval_ms = number(body, "interval_ms"), daily = number(body, "daily") }
  app.rate = rate_limit.new(body.off ~= true and limits, app.rate.clock)
end

-- OAuth --------------------------------------------------------------------------------------------------------------

local SETTINGS = {
  expires_in = "number", refresh_expires_in = "number", grace_seconds = "number", camel_case = "boolean",
  revoke_on_reuse = "boolean",
}

routes["GET oauth"] = function(app)
  return { exchanges = app.oauth.issuer.ledger, counts = app.oauth.issuer.counts }
end

routes["GET oauth/counts"] = function(app)
  return app.oauth.issuer.counts
end

routes["POST oauth/clear"] = function(app)
  app.oauth.issuer:clear()
end

routes["POST oauth/settings"] = function(app, body)
  for name, value in pairs(body) do
    if name == "rate" then
      app.oauth.rate = oauth.rate(value, app.oauth.clock)
    elseif type(value) == SETTINGS[name] then
      app.oauth.settings[name] = value
    else
      api_errors.unprocessable { "no such setting, or not of its type: " .. tostring(name) }
    end
  end
end

routes["POST oauth/fault"] = function(app, body)
  token_faults.add(app.oauth.faults, body)
end

routes["POST oauth/faults"] = function(app)
  local count = #app.oauth.faults
  app.oauth.faults = {}
  return { forgotten = count }
end

local function check_target(app, body)
  if body.location_id and not app.store.locations:get(body.location_id) then api_errors.not_found("Location not found") end
  if body.class and body.class ~= "Location" and body.class ~= "Company" then
    api_errors.unprocessable { "class must be Location or Company" }
  end
  return body
end

routes["POST oauth/code"] = function(app, body)
  return { code = app.oauth.issuer:new_code(check_target(app, body)) }
end

routes["POST oauth/grant"] = function(app, body)
  return (app.oauth.issuer:sign_in(check_target(app, body)))
end

routes["POST oauth/expire"] = function(app, body)
  return { count = app.oauth.issuer:expire(check_target(app, body)) }
end

routes["POST oauth/revoke"] = function(app, body)
  return { count = app.oauth.issuer:revoke(check_target(app, body)) }
end

routes["POST oauth/install"] = function(app, body)
  local id = check_target(app, body).location_id
  if not id then api_errors.unprocessable { "location_id must be a string" } end
  app.oauth.issuer.uninstalled[id] = body.installed == false or nil
end

routes["POST oauth/inspect"] = function(app, body)
  if type(body.token) ~= "string" then api_errors.unprocessable { "token must be a string" } end
  return app.oauth.issuer:inspect(body.token)
end

--- Answers a request to the back door.
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
