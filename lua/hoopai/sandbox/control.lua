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
-- They want `Authorization: Bearer <control_token>`, count against no budget and stand in no ledger.
-- @module hoopai.sandbox.control

local core = require "hoopai.core"
local rate = require "hoopai.sandbox.rate"
local refuse = require "hoopai.sandbox.refuse"

local format, match = string.format, string.match
local type = type

local control = {}

local LEDGER_SHAPE = { fields = { requests = { array = true }, bookings = { array = true } } }

local function number(body, name)
  local value = body[name]
  if value ~= nil and (type(value) ~= "number" or value < 0) then
    refuse.unprocessable { name .. " must be a number" }
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
  if not token then refuse.not_found("Token not found") end
  token.expired = body.expired ~= false
end

routes["POST rate_limit"] = function(app, body)
  local limits = { max = number(body, "max"), interval_ms = number(body, "interval_ms"), daily = number(body, "daily") }
  app.rate = rate.new(body.off ~= true and limits, app.rate.clock)
end

--- Answers a request to the back door.
-- @tparam table app
-- @tparam table request
-- @treturn integer status
-- @treturn table body
-- @treturn table shape
function control.serve(app, request)
  local route = routes[request.method .. " " .. match(request.path, "^/__sandbox/(.*)$")]
  if not route then refuse.not_found(format("Cannot %s %s", request.method, request.path)) end
  if request.headers["authorization"] ~= "Bearer " .. app.control_token then refuse.unauthorized("Invalid JWT") end
  local body = {}
  if request.body and request.body ~= "" then
    body = core.decode(request.body)
    if type(body) ~= "table" then refuse.bad_request("Unexpected token in JSON") end
  end
  return 200, route(app, body) or { succeeded = true }, LEDGER_SHAPE
end

return control
