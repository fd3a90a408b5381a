--- What the end of an HTTP exchange means: a result and a response, or an error object.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local retry = require "hoopai.call.retry"

local type, ipairs, pairs, next = type, ipairs, pairs, next
local rawget, setmetatable = rawget, setmetatable
local now = core.now
local without = core.without
local concat = table.concat
local find, format, lower = string.find, string.format, string.lower
local max = math.max

local answer = {}

local status_kinds = {
  [400] = "refused", [401] = "auth", [403] = "forbidden", [404] = "not_found", [409] = "conflict",
  [410] = "not_found", [422] = "refused", [429] = "rate_limit",
}

local function is_success(status)
  return status >= 200 and status < 300
end

-- A 401 that a newer token would not change.
local scope_texts = { "authorized for this scope", "authclass type", "version header" }

local function refine_auth(message)
  local said = lower(message)
  for _, text in ipairs(scope_texts) do
    if find(said, text, 1, true) then return "scope" end
  end
  return "auth"
end

local function refine_refused(message)
  local said = lower(message)
  return find(said, "slot", 1, true) and find(said, "available", 1, true) and "slot_taken" or "refused"
end

local refine = { auth = refine_auth, refused = refine_refused }

local function kind_of(status, message)
  local kind = status_kinds[status]
    or (status >= 400 and status < 500 and "rejected")
    or (status >= 500 and status < 600 and "server")
    or "protocol"
  return refine[kind] and refine[kind](message) or kind
end

answer.kind_of = kind_of

--- What is known of a call's effect: "no", "maybe" or "yes" (see the README's part on errors).
-- @tparam string class of the endpoint
-- @tparam integer sent how often the request left
-- @tparam integer status 0 when no answer came
function answer.applied(class, sent, status)
  if class == "safe" or sent == 0 then return "no" end
  if is_success(status) then return "yes" end
  if status >= 400 and status < 500 and status ~= 408 then return "no" end
  return "maybe"
end

-- Kinds after which the same call may succeed later, provided that it had no effect.
local passing = { network = true, timeout = true, server = true, rate_limit = true }
local passing_status = { [408] = true, [421] = true, [425] = true } -- timed out, misdirected, too early

--- What an answer says of the request budget.
-- @table RateLimit
-- @tfield[opt] integer max requests allowed in an interval
-- @tfield[opt] integer remaining requests left in this interval
-- @tfield[opt] integer interval_ms length of the interval, in milliseconds
-- @tfield[opt] integer daily_limit requests allowed in a day
-- @tfield[opt] integer daily_remaining requests left today
-- @tfield[opt] integer daily_reset_ms milliseconds until the day begins anew

--- A text to show, nil when a value is none.
local function text_of(value)
  return type(value) == "string" and value ~= "" and value or nil
end

--- The text and the list of texts in an error body, whatever its shape: `message` a string, a list, or inside `error`.
local function message_of(body)
  if type(body) ~= "table" then return nil end
  local message = body.message
  if message == nil and type(body.error) == "table" then message = body.error.message end
  if type(message) == "table" then
    local texts = {}
    for _, item in ipairs(message) do texts[#texts + 1] = text_of(item) end
    if #texts > 0 then return concat(texts, "; "), texts end
  end
  return text_of(message) or text_of(body.error_description) or text_of(body.error) or text_of(body.msg)
end

--- Seconds that a Retry-After header asks for.
local function retry_after_of(headers)
  return retry.after(headers["retry-after"], headers["date"], core.wall_ms() // 1000)
end

--- The longer of what the answer asks for and of what its budget headers say.
-- @tparam table err gets `scope` and `retry_after`
-- @tparam table headers
-- @tparam ?RateLimit limit what they say of the budget
local function fill_rate_limit(err, headers, limit)
  err.scope = limit and limit.daily_remaining == 0 and "daily" or "burst"
  local told, until_free = retry_after_of(headers), limit and limit.interval_ms
  if err.scope == "daily" then until_free = limit.daily_reset_ms end
  until_free = until_free and until_free / 1000
  err.retry_after = told and until_free and max(told, until_free) or told or until_free
end

answer.fill_rate_limit = fill_rate_limit

--- A copy of a value with *** in the place of the token, in all its strings and names: a peer may echo what it was
-- sent. JSON can spell a token in many ways, so this is done to what was decoded, not to the text.
local function redacted(secret, value)
  if type(value) == "string" then return secret:redact(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, content in pairs(value) do copy[redacted(secret, key)] = redacted(secret, content) end
  return copy
end

--- Fills in what every error of a call carries.
local function failure(exchange, err)
  if exchange.secret then
    exchange.response = redacted(exchange.secret, exchange.response)
    err.message, err.details = redacted(exchange.secret, err.message), redacted(exchange.secret, err.details)
  end
  local response = exchange.response
  local endpoint = exchange.endpoint
  err.method, err.path = endpoint.method, exchange.path
  err.attempts = exchange.attempts
  err.response = response
  if response then err.status, err.trace_id = response.status, response.trace_id end
  if err.applied == nil then
    err.applied = answer.applied(endpoint.retry, exchange.sent, response and response.status or 0)
  end
  err.retryable = err.applied == "no" and (passing[err.kind] or passing_status[err.status]) == true
  return nil, errors.new(err)
end

answer.failure = failure

local function transport_failure(exchange, transfer, kind, message, code)
  local stage = kind == "timeout" and transfer:stage() or nil
  local proxy_status = transfer:info().proxy_status
  local err = {
    kind = kind, message = message, curl_code = code, stage = stage,
    proxy_status = proxy_status and proxy_status > 0 and proxy_status or nil,
  }
  local response = exchange.response
  if response and response.status == 429 then fill_rate_limit(err, response.headers, response.rate_limit) end
  return failure(exchange, err)
end

local function content_type(response)
  return response.headers["content-type"] or "no content type"
end

local function refusal(exchange, body)
  local response = exchange.response
  local message, details = message_of(body)
  if not message then
    message = format("the API answered %d without a readable message (%s)", response.status, content_type(response))
  end
  local err = { kind = kind_of(response.status, message), message = message, details = details }
  if err.kind == "protocol" then
    err.message = format("unexpected status %d; redirects are not followed", response.status)
  elseif err.kind == "rate_limit" then
    fill_rate_limit(err, response.headers, response.rate_limit)
  elseif response.status == 503 then
    err.retry_after = retry_after_of(response.headers)
  end
  return failure(exchange, err)
end

local function are_tables(list)
  for _, item in ipairs(list) do
    if type(item) ~= "table" then return false end
  end
  return true
end

-- lua-cjson reads [] and {} alike, so the outermost value is told by its first character.
local fits = {
  array = function(value, opens, items)
    return type(value) == "table" and opens ~= "{" and (value[1] ~= nil or next(value) == nil)
      and not (items and items.type == "object" and not are_tables(value))
  end,
  object = function(value, opens) return type(value) == "table" and value[1] == nil and opens ~= "[" end,
}

local function shape_failure(exchange, problem)
  return failure(exchange, { kind = "decode", message = "the answer has an unexpected shape: " .. problem })
end

--- Does the answer to a create lack the identifier of what was created? Other members that the document demands are
-- left out by the live API at times; without an `id` there is nothing to call a success.
local function lacks_id(endpoint, value)
  local kind = endpoint.result.type
  if kind.type ~= "object" or type(value.id) == "string" then return false end
  for _, field in ipairs(kind.fields or {}) do
    if field.name == "id" and field.required then return true end
  end
  return false
end

--- What is wrong with a value in the place of the endpoint's result, nil when nothing is.
local function shape_problem(endpoint, value, opens)
  local kind = endpoint.result.type
  local check = kind and fits[kind.type]
  if not check then return nil end
  if not check(value, opens, kind.items) then
    return "is not " .. (kind.type == "array" and "a list of what it should hold" or "an object")
  end
  if endpoint.retry == "once" and lacks_id(endpoint, value) then return "has no `id`" end
end

--- Takes the envelope off: the declared key is the result, its siblings go to response.extra.
local function take_envelope(exchange, body, opens)
  local endpoint, response = exchange.endpoint, exchange.response
  local keys = endpoint.result.keys
  for index = 1, #keys do
    local key = keys[index]
    local value = body[key]
    if value ~= nil then
      local problem = shape_problem(endpoint, value)
      if problem then return shape_failure(exchange, format("`%s` %s", key, problem)) end
      response.extra = without(body, key)
      return value, response
    end
  end
  local problem = shape_problem(endpoint, body, opens)
  if problem then return shape_failure(exchange, "it " .. problem) end
  response.unexpected = true
  return body, response
end

--- An answer without envelope: the whole body, less the traceId that stands among its members.
local function take_bare(exchange, body, opens)
  local response = exchange.response
  local problem = shape_problem(exchange.endpoint, body, opens)
  if problem then return shape_failure(exchange, "it " .. problem) end
  if body.traceId ~= nil then
    response.extra = { traceId = body.traceId }
    return without(body, "traceId"), response
  end
  return body, response
end

--- Does the body of a 2xx say that it is none?
local function says_failed(body)
  local status = body.statusCode
  return body.success == false or body.succeeded == false or status and type(status) == "number" and status >= 400
end

local function success(exchange, body, opens)
  if says_failed(body) then
    return failure(exchange, {
      kind = "refused", message = message_of(body) or "the API answered that it did not succeed",
      applied = exchange.endpoint.retry == "safe" and "no" or "maybe",
    })
  end
  if exchange.endpoint.result.keys then return take_envelope(exchange, body, opens) end
  return take_bare(exchange, body, opens)
end

--- An answer that has no body by definition says enough to a change. It is no list, not even an empty one, and nothing
-- that was created.
local function no_content(exchange)
  local endpoint, response = exchange.endpoint, exchange.response
  local kind = endpoint.result.type
  if kind and (kind.type == "array" or endpoint.retry == "once" and lacks_id(endpoint, {})) then
    return shape_failure(exchange, "it is empty")
  end
  response.unexpected = true
  return {}, response
end

local function unreadable(exchange, problem)
  return failure(exchange, {
    kind = "decode",
    message = format("the answer is not readable JSON (%s): %s", content_type(exchange.response), problem),
  })
end

--- What a call returns after its result. `headers` and `rate_limit` are read when they are first asked for: `pairs`
-- shows them, `next` and `rawget` do not before that.
-- @table Response
-- @tfield integer status HTTP status
-- @tfield table headers by name in lower case; repeated ones are joined with ", "
-- @tfield table extra what stood beside the result in the answer, such as `hasMore`
-- @tfield[opt] any body the whole answer, decoded
-- @tfield[opt] string trace_id what the vendor's support asks for
-- @tfield[opt] RateLimit rate_limit the request budget, where the answer tells it
-- @tfield integer attempts how many requests were made
-- @tfield number elapsed seconds from the first sending to the answer
-- @tfield string url where the request went, without the query; holds no secret
-- @tfield[opt] boolean reconciled true when the call's own answer was lost, and a look afterwards found its effect
-- @tfield[opt] boolean unexpected true when the answer lacks what is documented: then the whole body is the result

-- Few callers look at the headers, and to read all lines takes as long as to read the body. So a response keeps them as
-- they came, in `head`, until somebody asks.
local lazy = {
  headers = core.headers,
  rate_limit = core.rate_limit,
  extra = function() return {} end, -- where nothing stood beside the result
}

local Response = {}

function Response.__index(response, name)
  local make = lazy[name]
  local head = make and rawget(response, "head")
  if not head then return nil end
  local value = make(head)
  response[name] = value
  return value
end

function Response.__pairs(response)
  for name in pairs(lazy) do local _ = response[name] end
  response.head = nil
  return next, response
end

local function make_response(exchange, transfer, status, body)
  return setmetatable({
    status = status,
    head = transfer:head(),
    body = body,
    attempts = exchange.attempts,
    elapsed = exchange.elapsed,
    url = exchange.base_url .. exchange.path,
    trace_id = nil, -- a place for it
  }, Response)
end

--- Ends an exchange in which no whole answer came.
local function unanswered(exchange, transfer)
  local status, kind, message, code = transfer:result()
  local moment = now()
  exchange.begun = exchange.begun or transfer:started() or moment
  exchange.elapsed, exchange.sent = moment - exchange.begun, transfer:sent()
  exchange.response = status > 0 and make_response(exchange, transfer, status) or nil
  return transport_failure(exchange, transfer, kind, message, code)
end

--- Reads a finished transfer.
-- @tparam table exchange what the pipeline knows: endpoint (method, class, result, keep_null), base_url, path,
-- attempts, begun (nil = with this transfer), and the secret that was sent, which no error may show. Gets `begun`,
-- `elapsed`, `sent` and `response`
-- @param transfer a finished hoopai.Transfer
-- @return result, response; or nil and an error
function answer.read(exchange, transfer)
  local status, started, ended, opens, body, problem = transfer:answer(exchange.endpoint.keep_null)
  if not status then return unanswered(exchange, transfer) end
  local begun = exchange.begun or started
  exchange.begun, exchange.elapsed, exchange.sent = begun, ended - begun, 1
  local response = make_response(exchange, transfer, status, body)
  exchange.response = response
  if status == 204 and not opens then return no_content(exchange) end
  local is_table = body ~= nil and (opens == "{" or opens == "[")
  local trace_id = is_table and body.traceId
  if trace_id and type(trace_id) == "string" then response.trace_id = trace_id end
  if not is_success(status) then return refusal(exchange, body) end
  if body == nil then return unreadable(exchange, problem) end
  if not is_table then return unreadable(exchange, "neither an object nor a list") end
  return success(exchange, body, opens)
end

return answer
