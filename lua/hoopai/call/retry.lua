--- Whether an attempt is repeated, and when: pure functions without a clock, randomness or state.
--
-- Each endpoint declares `retry`, in the words of RFC 9110 9.2: "safe" (reads), "idempotent" (sets or deletes by id) or
-- "once" (creates). `retry.classify` names the point at which an attempt failed; the table gives the action for both:
--
--   resend       send the same request again: the attempt had no effect
--   resend_once  the same, but one time only in the whole call
--   refresh      send again with another token
--   reconcile    the change may have been made: read the record first, then decide (hoopai.call.reconcile)
--   fail         return the error; its field `applied` says what is known
--
-- A create with an unclear outcome is never sent again; `appointments:book` reconciles it. The rules of the token
-- endpoint depend on the store and are in the folder oauth.
local core = require "hoopai.core"

local gmatch, match, setmetatable = string.gmatch, string.match, setmetatable
local max, min, tonumber, tointeger = math.max, math.min, tonumber, math.tointeger
local parse_http_date = core.parse_http_date

local retry = {}

local BASE, CAP = 0.5, 8 -- seconds; the pause before attempt n is random up to BASE * 2 ^ (n - 1)
local UNAVAILABLE_CAP = 60 -- longest Retry-After of a 503 that is honoured
local JITTER = 0.5 -- added to a stated time, so that waiting callers do not all return at once

--- Seconds to wait after a 429 without a Retry-After or rate limit header.
retry.DEFAULT_RETRY_AFTER = 10

--- Failure point -> `retry` of the endpoint -> action.
-- stylua: ignore
retry.table = {
  -- nothing left this machine
  name        = { safe = "resend",      idempotent = "resend",      once = "resend" },     -- host name not resolved
  connect     = { safe = "resend",      idempotent = "resend",      once = "resend" },     -- refused, unreachable, late
  handshake   = { safe = "resend",      idempotent = "resend",      once = "resend_once" }, -- TLS broke off
  certificate = { safe = "fail",        idempotent = "fail",        once = "fail" },       -- attack or misconfiguration
  proxy       = { safe = "fail",        idempotent = "fail",        once = "fail" },       -- it refused the tunnel
  proxy_busy  = { safe = "resend",      idempotent = "resend",      once = "resend" },     -- it answered 502, 503, 504
  -- the request left, and no response came
  unanswered  = { safe = "resend",      idempotent = "reconcile",   once = "fail" },
  hostile     = { safe = "fail",        idempotent = "fail",        once = "fail" },       -- 1xx flood, HTTP/0.9 ...
  ended       = { safe = "fail",        idempotent = "fail",        once = "fail" },       -- cancelled or closed
  -- a response came
  unreadable  = { safe = "resend_once", idempotent = "reconcile",   once = "fail" },       -- 2xx: JSON, shape or size
  truncated   = { safe = "resend",      idempotent = "reconcile",   once = "fail" },
  redirect    = { safe = "fail",        idempotent = "fail",        once = "fail" },
  definitive  = { safe = "fail",        idempotent = "fail",        once = "fail" },       -- 400, 403, 404, 422 ...
  token       = { safe = "refresh",     idempotent = "refresh",     once = "refresh" },    -- 401 for the token
  timeout_408 = { safe = "resend",      idempotent = "reconcile",   once = "fail" },
  early       = { safe = "resend_once", idempotent = "resend_once", once = "resend_once" }, -- 421, 425: not processed
  burst       = { safe = "resend",      idempotent = "resend",      once = "resend" },     -- 429: not processed
  blind_burst = { safe = "resend_once", idempotent = "resend_once", once = "resend_once" }, -- 429 without a time
  daily       = { safe = "fail",        idempotent = "fail",        once = "fail" },       -- 429, the day is used up
  server      = { safe = "resend",      idempotent = "reconcile",   once = "fail" },       -- 500, 502, 504 ...
  unavailable = { safe = "resend",      idempotent = "reconcile",   once = "fail" },       -- 503
}

-- libcurl's codes for what failed before anything was sent (curl/curl.h).
local RESOLVE_PROXY, RESOLVE_HOST, HANDSHAKE = 5, 6, 35

local function classify_unsent(err)
  local proxy_status = err.proxy_status or 0
  if proxy_status >= 502 and proxy_status <= 504 then return "proxy_busy" end
  if proxy_status >= 300 then return "proxy" end
  if err.kind == "tls" then return err.curl_code == HANDSHAKE and "handshake" or "certificate" end
  if err.kind == "network" and (err.curl_code == RESOLVE_HOST or err.curl_code == RESOLVE_PROXY) then return "name" end
  return (err.kind == "network" or err.kind == "timeout") and "connect" or "definitive"
end

local function classify_unanswered(err)
  return (err.kind == "network" or err.kind == "timeout" or err.kind == "tls") and "unanswered" or "hostile"
end

local function classify_rate_limit(err)
  if err.scope == "daily" then return "daily" end
  return err.retry_after and "burst" or "blind_burst"
end

local points = {
  [401] = "token",
  [408] = "timeout_408",
  [421] = "early",
  [425] = "early",
  [503] = "unavailable",
}

local function classify_response(err, status)
  if status == 429 then return classify_rate_limit(err) end
  if err.kind == "scope" then return "definitive" end
  if status >= 200 and status < 300 then
    if err.kind == "network" or err.kind == "timeout" then return "truncated" end
    return err.kind == "refused" and "definitive" or "unreadable"
  end
  if status < 400 or status > 599 then return "redirect" end
  return points[status] or (status >= 500 and "server" or "definitive")
end

--- The point at which an attempt failed: a key of the table.
-- @tparam table err the error of the attempt
-- @tparam integer sent how often libcurl sent the request
-- @treturn string
function retry.classify(err, sent)
  if err.kind == "cancelled" or err.kind == "closed" then return "ended" end
  local status = err.status or 0
  if status >= 200 then return classify_response(err, status) end -- an interim 1xx is not a response
  return sent == 0 and classify_unsent(err) or classify_unanswered(err)
end

--- Seconds to wait before an attempt, at random up to a bound that doubles (full jitter).
-- @tparam integer attempt the one that failed, from 1
-- @tparam number random from 0 up to 1
function retry.backoff(attempt, random) return random * min(CAP, BASE * 2 ^ (attempt - 1)) end

local function pause(point, err, attempt, random)
  if point == "burst" then return err.retry_after + random * JITTER end
  if point == "blind_burst" then return retry.DEFAULT_RETRY_AFTER + random * JITTER end
  local wait = retry.backoff(attempt, random)
  if point == "unavailable" and err.retry_after then wait = max(wait, min(err.retry_after, UNAVAILABLE_CAP)) end
  return wait
end

--- What to do after a failed attempt.
-- @tparam table given
-- @tparam table given.endpoint `retry`, and of an idempotent one `reconcile`: with "none" it is not reconciled
-- @tparam string given.point see `retry.classify`
-- @tparam table given.err the error: `retry_after`
-- @tparam integer given.made how many attempts were made, the one after a refresh not counted
-- @tparam integer given.most how many may be made
-- @tparam number given.left seconds until the call's deadline
-- @tparam boolean given.repeated whether the call was repeated for this point already
-- @tparam boolean given.affordable whether the retry budget allows another attempt
-- @tparam number given.random from 0 up to 1
-- @treturn string "fail", "resend", "reconcile" or "refresh"
-- @treturn ?number seconds to wait before "resend" or "reconcile"
function retry.decide(given)
  local action = retry.table[given.point][given.endpoint.retry]
  if action == "refresh" then return "refresh" end
  if action == "resend_once" then action = given.repeated and "fail" or "resend" end
  if action == "reconcile" and (given.endpoint.reconcile or "none") == "none" then action = "fail" end
  if action == "fail" or given.made >= given.most or not given.affordable then return "fail" end
  local wait = pause(given.point, given.err, given.made, given.random)
  if wait >= given.left then return "fail" end
  return action, wait
end

-- Failures that do not count against the retry budget: the rate limit and the token have rules of their own, and the
-- others say nothing about the health of the server.
local FREE = { burst = true, blind_burst = true, daily = true, token = true, definitive = true, ended = true }

--- Whether a failure at this point counts against the retry budget.
function retry.is_costly(point) return not FREE[point] end

-- Retry budget

local FULL, LEAST, GAIN = 10, 5, 0.1

local RetryBudget = {}
RetryBudget.__index = RetryBudget

--- A retry budget, shared by the calls to one host and location, so that an outage is not followed by a storm of
-- retries. A costly failure takes 1 of 10, a success returns 0.1; there are no retries at 5 or less.
function retry.budget() return setmetatable({ tokens = FULL }, RetryBudget) end

--- Records a costly failure.
function RetryBudget:fail() self.tokens = max(self.tokens - 1, 0) end

--- Records a success.
function RetryBudget:succeed() self.tokens = min(self.tokens + GAIN, FULL) end

--- Whether another attempt may be made now.
function RetryBudget:is_affordable() return self.tokens > LEAST end

-- Both

--- What follows a failed attempt: classifies it, counts it against the retry budget, and decides.
-- @tparam Error err
-- @tparam integer sent how often libcurl sent the request
-- @tparam table retry_budgets key -> retry budget; one is added at the first costly failure
-- @tparam string key
-- @tparam table given see `retry.decide`, without `point`, `err` and `affordable`. `repeated` is nil, or has true for
-- each point for which the call was repeated
-- @treturn string the failure point
-- @treturn string see `retry.decide`
-- @treturn ?number see `retry.decide`
function retry.after_attempt(err, sent, retry_budgets, key, given)
  local point, retry_budget = retry.classify(err, sent), retry_budgets[key]
  if retry.is_costly(point) then
    retry_budget = retry_budget or retry.budget()
    retry_budgets[key] = retry_budget
    retry_budget:fail()
  end
  given.point, given.err = point, err
  given.affordable = not retry_budget or retry_budget:is_affordable()
  given.repeated = given.repeated ~= nil and given.repeated[point] or false
  return point, retry.decide(given)
end

-- Retry-After

local ENDLESS = 1e15 -- seconds; stands for any number of more than 15 digits

--- Seconds since 1970 of a `Date` header; nil if the value is no date.
function retry.date(value) return value and parse_http_date(value) end

--- The largest of the seconds in a header that came once or, joined by commas, several times; nil if anything else
-- is in the value.
local function longest(value)
  local most
  for part in gmatch(value, "[^,]+") do
    local digits = match(part, "^ *(%d+) *$")
    if not digits then return nil end
    most = max(most or 0, #digits <= 15 and tointeger(tonumber(digits)) or ENDLESS)
  end
  return most
end

--- Seconds that a Retry-After header asks for (RFC 9110 10.2.3): digits, or a date, which counts from the server's
-- clock if the response has a `Date`.
-- @tparam ?string value
-- @tparam ?string date the response's `Date` header
-- @tparam integer wall seconds since 1970 now, used without a usable `date`
-- @treturn ?number at least 0; nil if the value is neither
function retry.after(value, date, wall)
  if not value then return nil end
  local seconds = longest(value)
  if seconds then return seconds end
  local at = parse_http_date(value)
  if not at then return nil end
  local from = date and parse_http_date(date) or wall
  return max(at - from, 0)
end

return retry
