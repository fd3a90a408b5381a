--- May an attempt be repeated, and when: pure functions of what is known of it. No clock, no randomness, no state but
-- what is handed in.
--
-- The classes of endpoints: R reads; U sets or deletes by id; C creates; O spends a token. What happened to an attempt
-- is one of the failure points below. The table says for each what each class does about it:
--
--   resend    the same request again: it did no harm, or had no effect
--   once      the same, but for the whole call one time only
--   look      (U) it may have been applied: read the record first, then decide (see hoopai.call.reconcile)
--   fail      the error goes to the caller. `applied` in it says what is known
--
-- A create whose outcome is unclear is never sent again; `appointments:book` finds out what became of it. The token
-- endpoint's rules need the store and are in hoopai.oauth.token_manager; the rows of O say what they come to.
local http_date = require "hoopai.time.http_date"

local gmatch, match, setmetatable = string.gmatch, string.match, setmetatable
local max, min, tonumber, tointeger = math.max, math.min, tonumber, math.tointeger

local retry = {}

local BASE, CAP = 0.5, 8         -- seconds; the pause before attempt n is random up to BASE * 2 ^ (n - 1)
local UNAVAILABLE_CAP = 60       -- longest Retry-After of a 503 that is honoured
local JITTER = 0.5               -- on top of a stated time, so that not all come back in one moment

--- Seconds to wait after a 429 that does not tell.
retry.BLIND_WAIT = 10

--- Failure point -> class -> what to do.
retry.table = {
  -- nothing left this machine
  name        = { R = "resend", U = "resend", C = "resend", O = "resend" }, -- the host's name was not resolved
  connect     = { R = "resend", U = "resend", C = "resend", O = "resend" }, -- refused, unreachable, timed out
  handshake   = { R = "resend", U = "resend", C = "once", O = "once" },     -- TLS broke off
  certificate = { R = "fail", U = "fail", C = "fail", O = "fail" },         -- an attack or a mistake: never twice
  proxy       = { R = "fail", U = "fail", C = "fail", O = "fail" },         -- the proxy refused the tunnel
  proxy_busy  = { R = "resend", U = "resend", C = "resend", O = "resend" }, -- it answered 502, 503 or 504
  -- it left, and no answer came
  unanswered  = { R = "resend", U = "look", C = "fail", O = "fail" },
  hostile     = { R = "fail", U = "fail", C = "fail", O = "fail" },         -- 1xx flood, HTTP/0.9, header bomb
  ended       = { R = "fail", U = "fail", C = "fail", O = "fail" },         -- by the caller: cancelled, closed
  -- an answer came
  unreadable  = { R = "once", U = "look", C = "fail", O = "fail" },         -- 2xx, but no JSON of the right shape
  truncated   = { R = "resend", U = "look", C = "fail", O = "fail" },
  redirect    = { R = "fail", U = "fail", C = "fail", O = "fail" },
  definitive  = { R = "fail", U = "fail", C = "fail", O = "fail" },         -- 400, 403, 404, 409, 410, 415, 422 ...
  token       = { R = "refresh", U = "refresh", C = "refresh", O = "fail" },-- 401 for the token
  timeout_408 = { R = "resend", U = "look", C = "fail", O = "fail" },
  early       = { R = "once", U = "once", C = "once", O = "once" },         -- 421, 425: not processed by definition
  burst       = { R = "resend", U = "resend", C = "resend", O = "resend" }, -- 429: refused before it is processed
  blind_burst = { R = "once", U = "once", C = "once", O = "once" },         -- 429 that says nothing of when
  daily       = { R = "fail", U = "fail", C = "fail", O = "fail" },         -- 429, and the day is used up
  server      = { R = "resend", U = "look", C = "fail", O = "fail" },       -- 500, 502, 504 and other 5xx
  unavailable = { R = "resend", U = "look", C = "fail", O = "fail" },       -- 503
}

-- libcurl's codes for what failed before anything was sent (curl/curl.h).
local RESOLVE_PROXY, RESOLVE_HOST, HANDSHAKE = 5, 6, 35

local function point_unsent(err)
  local proxy_status = err.proxy_status or 0
  if proxy_status >= 502 and proxy_status <= 504 then return "proxy_busy" end
  if proxy_status >= 300 then return "proxy" end
  if err.kind == "tls" then return err.curl_code == HANDSHAKE and "handshake" or "certificate" end
  if err.kind == "network" and (err.curl_code == RESOLVE_HOST or err.curl_code == RESOLVE_PROXY) then return "name" end
  return (err.kind == "network" or err.kind == "timeout") and "connect" or "definitive"
end

local function point_unanswered(err)
  return (err.kind == "network" or err.kind == "timeout" or err.kind == "tls") and "unanswered" or "hostile"
end

local function point_limited(err)
  if err.scope == "daily" then return "daily" end
  return err.retry_after and "burst" or "blind_burst"
end

local points = {
  [401] = "token", [408] = "timeout_408", [421] = "early", [425] = "early", [503] = "unavailable",
}

local function point_answered(err, status)
  if status == 429 then return point_limited(err) end
  if err.kind == "scope" then return "definitive" end
  if status >= 200 and status < 300 then
    if err.kind == "network" or err.kind == "timeout" then return "truncated" end
    return err.kind == "refused" and "definitive" or "unreadable"
  end
  if status < 400 or status > 599 then return "redirect" end
  return points[status] or (status >= 500 and "server" or "definitive")
end

--- Where an attempt failed: a name of the table.
-- @tparam table err the error of the attempt
-- @tparam integer sent how often the request left
-- @treturn string
function retry.point(err, sent)
  if err.kind == "cancelled" or err.kind == "closed" then return "ended" end
  local status = err.status or 0
  if status >= 200 then return point_answered(err, status) end -- an interim 1xx is no answer
  return sent == 0 and point_unsent(err) or point_unanswered(err)
end

--- Seconds to wait before an attempt, at random up to a bound that doubles (full jitter).
-- @tparam integer attempt the one that failed, from 1
-- @tparam number random from 0 up to 1
function retry.backoff(attempt, random)
  return random * min(CAP, BASE * 2 ^ (attempt - 1))
end

local function pause(point, err, attempt, random)
  if point == "burst" then return err.retry_after + random * JITTER end
  if point == "blind_burst" then return retry.BLIND_WAIT + random * JITTER end
  local wait = retry.backoff(attempt, random)
  if point == "unavailable" and err.retry_after then wait = max(wait, min(err.retry_after, UNAVAILABLE_CAP)) end
  return wait
end

--- What to do after a failed attempt.
-- @tparam table given
-- @tparam string given.class of the endpoint: "R", "U", "C" or "O"
-- @tparam[opt] string given.verify how a change of class U can be looked up; "none" = not at all
-- @tparam string given.point see `retry.point`
-- @tparam table given.err the error: `retry_after`
-- @tparam integer given.attempt how many attempts were made
-- @tparam integer given.attempts how many may be made
-- @tparam number given.left seconds until the call's deadline
-- @tparam boolean given.repeated whether the call was repeated for this point already
-- @tparam boolean given.affordable whether the shared budget allows a retry
-- @tparam number given.random from 0 up to 1
-- @treturn string "fail", "resend", "look" or "refresh"
-- @treturn ?number seconds to wait before "resend" or "look"
-- @treturn ?string why it fails, where the table alone would not: "attempts", "budget" or "deadline"
function retry.decide(given)
  local action = retry.table[given.point][given.class]
  if action == "refresh" then return "refresh" end
  if action == "once" then action = given.repeated and "fail" or "resend" end
  if action == "look" and (given.verify or "none") == "none" then action = "fail" end
  if action == "fail" then return "fail" end
  if given.attempt >= given.attempts then return "fail", nil, "attempts" end
  if not given.affordable then return "fail", nil, "budget" end
  local wait = pause(given.point, given.err, given.attempt, given.random)
  if wait >= given.left then return "fail", nil, "deadline" end
  return action, wait
end

--- Does an attempt that failed at this point count against the shared budget? A refused budget or token does not: their
-- own rules keep those from becoming a storm.
function retry.is_costly(point)
  return point ~= "burst" and point ~= "blind_burst" and point ~= "daily" and point ~= "token"
    and point ~= "definitive" and point ~= "ended"
end

------------------------------------------------------------------------------------------------------ shared budget

local MOST, LEAST, GAIN = 10, 5, 0.1

local Budget = {}
Budget.__index = Budget

--- A budget of retries shared by the calls to one host and location: an outage must not be answered by a storm. Each
-- costly failure takes a token, each success gives a tenth back; below half there are no retries.
function retry.budget()
  return setmetatable({ tokens = MOST }, Budget)
end

--- Notes a failure.
function Budget:fail()
  self.tokens = max(self.tokens - 1, 0)
end

--- Notes a success.
function Budget:succeed()
  self.tokens = min(self.tokens + GAIN, MOST)
end

--- May there be a retry now?
function Budget:is_affordable()
  return self.tokens > LEAST
end

-------------------------------------------------------------------------------------------------------- Retry-After

local ENDLESS = 1e15 -- seconds; what more digits than that come to

--- Seconds since 1970 that a `Date` header tells; nil for what is none.
function retry.date(value)
  return value and http_date.parse(value)
end

--- The longest of the seconds in a header that came once or, joined by commas, several times; nil where anything else
-- is in it.
local function longest(value)
  local most
  for part in gmatch(value, "[^,]+") do
    local digits = match(part, "^ *(%d+) *$")
    if not digits then return nil end
    most = max(most or 0, #digits <= 15 and tointeger(tonumber(digits)) or ENDLESS)
  end
  return most
end

--- Seconds that a Retry-After header asks for (RFC 9110 10.2.3): digits, or a date, which counts from the server's own
-- clock where it tells it.
-- @tparam ?string value
-- @tparam ?string date the answer's `Date` header
-- @tparam integer wall seconds since 1970 now, for where there is no usable `date`
-- @treturn ?number at least 0; nil for what is neither
function retry.after(value, date, wall)
  if not value then return nil end
  local told = longest(value)
  if told then return told end
  local at = http_date.parse(value)
  if not at then return nil end
  local from = date and http_date.parse(date) or wall
  return max(at - from, 0)
end

return retry
