--- What a finished transfer means: a result and a response, or an error. Reads the transfer and changes nothing else.
local core = require "hoopai.core"
local failure = require "hoopai.call.failure"
local lazy = require "hoopai.lazy"
local mark_lists = require("hoopai.call.empty_lists").mark
local private = require "hoopai.private"
local reason = require "hoopai.call.reason"
local secrets = require "hoopai.call.secrets"

local type, ipairs, pairs, next, tonumber = type, ipairs, pairs, next, tonumber
local rawequal, rawget, setmetatable = rawequal, rawget, setmetatable
local find, format, gmatch, lower = string.find, string.format, string.gmatch, string.lower
local now = core.now
local null, without = core.null, core.without
local fail = failure.new
local get_time = lazy.module "hoopai.time"

local responses = {}

--- The rate limit, as the headers of a response state it.
-- @table RateLimit
-- @tfield[opt] integer max requests allowed in an interval
-- @tfield[opt] integer remaining requests left in this interval
-- @tfield[opt] integer interval_ms length of the interval, in milliseconds
-- @tfield[opt] integer daily_limit requests allowed in a day
-- @tfield[opt] integer daily_remaining requests left today
-- @tfield[opt] integer daily_reset_ms milliseconds until the day begins anew

--- What a call returns after its result. `headers` and `rate_limit` are read on first access: `pairs` shows them,
-- `next` and `rawget` do not before that.
-- @table Response
-- @tfield integer status HTTP status
-- @tfield table headers by name in lower case; repeated ones are joined with ", "
-- @tfield table extra the members beside the result in the response, such as `hasMore`
-- @tfield[opt] any body the whole response, decoded
-- @tfield[opt] string text of an error: the beginning of a body that is not JSON, at most 4 KiB, without the token
-- @tfield[opt] string trace_id the id that the vendor's support asks for; without a token that the server echoes in it
-- @tfield[opt] RateLimit rate_limit the rate limit, if the response states it
-- @tfield integer attempts how many requests were made
-- @tfield number elapsed seconds from the first sending to the end of the response
-- @tfield string url the URL of the request, without the query; holds no secret
-- @tfield[opt] boolean reconciled true if the response to a change was lost, and the record shows that it was made
-- @tfield[opt] boolean existing of `appointments:book` and `block_slots:ensure`: true if the booking of the reference,
-- or the blocked time, was there before
-- @tfield[opt] boolean unchanged of the `edit` methods: true if the function changed nothing, and nothing was sent
-- @tfield[opt] boolean dry_run true if the option `dry_run` kept the change from being sent: then there is no `status`,
-- and `headers` and `extra` are empty
-- @tfield[opt] boolean unexpected true if the response lacks what is documented: then the whole body is the result

-- Fields that are made from `head`, the header block, on first access: to read all header lines takes as long as to
-- decode a small body.
local lazy_fields = {
  headers = core.headers,
  rate_limit = core.rate_limit,
  extra = function() return {} end, -- without members beside the result
}

local Response = private.seal {}

function Response.__index(response, name)
  local make = lazy_fields[name]
  local head = make and rawget(response, "head")
  if not head then return nil end
  local value = make(head)
  response[name] = value
  return value
end

function Response.__pairs(response)
  for name in pairs(lazy_fields) do
    local _ = response[name]
  end
  response.head = nil
  return next, response
end

local function new_response(call, head, status, body, started, ended)
  local prepared = call.prepared
  return setmetatable({
    status = status,
    head = head,
    body = body,
    attempts = call.attempts,
    elapsed = ended - (call.begun or started),
    url = call.state.shared.base_url .. prepared.path,
    trace_id = nil, -- part of the constructor, so that the table has room for the field
  }, Response)
end

local function content_type(response) return response.headers["content-type"] or "no content type" end

--- Whether the headers say that the body is no JSON: then something else than the API has answered, such as a proxy or
-- a page for visitors.
local function is_foreign(response)
  local kind = response.headers["content-type"]
  return kind ~= nil and not find(lower(kind), "json", 1, true)
end

--- The effect of a call whose response proves nothing: a change may have been made.
local function unproven(call) return call.prepared.endpoint.retry == "safe" and "no" or "maybe" end

--- The error of a transfer without a whole response.
local function transport_failure(call, attempt)
  local transfer = attempt.transfer
  local status, kind, message, code = transfer:result()
  local moment = now()
  local started = transfer:started() or moment
  local response = status > 0 and new_response(call, transfer:head(), status, nil, started, moment) or nil
  local proxy_status = transfer:info().proxy_status
  local err = {
    kind = kind,
    message = secrets.without_user_info(message),
    curl_code = code,
    stage = kind == "timeout" and transfer:stage() or nil,
    proxy_status = proxy_status and proxy_status > 0 and proxy_status or nil,
  }
  if status == 429 then failure.fill_rate_limit(err, response.headers, response.rate_limit) end
  if status >= 200 and status < 300 and is_foreign(response) then err.applied = unproven(call) end
  return nil, fail(call, err, attempt, response)
end

--- Keeps the text of a body that is no JSON in the response.
-- @treturn ?string one line of it; nil if it says nothing
local function keep_text(call, attempt, response, opens)
  if not opens then return nil end
  local text = reason.text_of(attempt.transfer:body(), secrets.of(call, attempt))
  if response.body == nil then response.text = text end
  return reason.excerpt(text)
end

local function message_without_reason(call, attempt, response, opens)
  local status, kind = response.status, content_type(response)
  if not opens then return format("the API answered %d: the response is empty (%s)", status, kind) end
  local excerpt = keep_text(call, attempt, response, opens)
  if not excerpt then return format("the API answered %d without a readable message (%s)", status, kind) end
  return format("the API answered %d (%s): %s", status, kind, excerpt)
end

--- The error of a status that is not 2xx.
local function refusal(call, attempt, response, body, opens)
  local status, message, details = response.status, failure.message_of(body)
  local err = {
    kind = failure.kind_of(status, message or "", call.prepared),
    message = message or message_without_reason(call, attempt, response, opens),
    details = details,
  }
  if err.kind == "protocol" then
    err.message = format("unexpected status %d; redirects are not followed", status)
  elseif err.kind == "rate_limit" then
    failure.fill_rate_limit(err, response.headers, response.rate_limit)
  elseif status == 503 then
    err.retry_after = failure.retry_after(response.headers)
  end
  return nil, fail(call, err, attempt, response)
end

--- The error of a 2xx that is no JSON. It does not prove that a change was made: the API sends JSON.
local function unreadable(call, attempt, response, opens, problem)
  local message = format("the response is empty (%s)", content_type(response))
  if opens then
    local excerpt = keep_text(call, attempt, response, opens)
    message = format("the response is not readable JSON (%s): %s", content_type(response), problem)
    if opens ~= "{" and opens ~= "[" and excerpt then message = message .. "; it begins: " .. excerpt end
  end
  return nil, fail(call, { kind = "decode", message = message, applied = unproven(call) }, attempt, response)
end

-- The shape of a result

--- Are all items objects, or null?
local function are_tables(list)
  for _, item in ipairs(list) do
    if type(item) ~= "table" and not rawequal(item, null) then return false end
  end
  return true
end

--- A copy of a list of objects with null in the place of what is none: one odd item does not make the others
-- unreadable. `response.body` keeps it.
-- @treturn ?table nil if there is no object
local function tables_of(list)
  local copy, has_table = {}, false
  for index, item in ipairs(list) do
    local is_table = type(item) == "table"
    has_table, copy[index] = has_table or is_table, is_table and item or null
  end
  return has_table and copy or nil
end

-- lua-cjson decodes [] and {} alike; the outermost value is known by the first character of the body.

local function is_object(value, opens) return type(value) == "table" and value[1] == nil and opens ~= "[" end

local function is_list(value, opens, items)
  return type(value) == "table"
    and opens ~= "{"
    and (value[1] ~= nil or next(value) == nil)
    and not (items and items.type == "object" and not are_tables(value))
end

--- A list whose odd items are null, if a value should be a list of objects and has an object.
-- @treturn ?table
local function without_odd_items(endpoint, value, opens)
  local kind = endpoint.result.type
  if not kind or kind.type ~= "array" or not kind.items or kind.items.type ~= "object" then return nil end
  return type(value) == "table" and opens ~= "{" and tables_of(value) or nil
end

--- Whether the result of an endpoint of the class "once", which creates, lacks the `id` of the new record. The live API
-- leaves out other documented members at times; without an `id` there is no record to speak of.
local function lacks_id(endpoint, value)
  local kind = endpoint.result.type
  if kind.type ~= "object" then return false end
  local name = kind.id or "id"
  local id = value[name]
  if type(id) == "string" and id ~= "" then return false end
  for _, field in ipairs(kind.fields or {}) do
    if field.name == name and field.required then return true end
  end
  return false
end

--- What is wrong with a value as the endpoint's result; nil if nothing is.
local function shape_problem(endpoint, value, opens)
  local kind = endpoint.result.type
  local name = kind and kind.type
  if name == "object" and not is_object(value, opens) then return "is not an object" end
  if name == "array" and not is_list(value, opens, kind.items) then return "is not a list of what it should hold" end
  if name == "object" and endpoint.retry == "once" and lacks_id(endpoint, value) then
    return format("has no `%s`", kind.id or "id")
  end
end

--- Whether a body proves that the change was made: it has the record, or the id of one.
local function has_record(call, body)
  if type(body) ~= "table" then return false end
  for _, key in ipairs(call.prepared.endpoint.result.keys or {}) do
    if body[key] ~= nil then return true end
  end
  local kind = call.prepared.endpoint.result.type
  local id = body[kind and kind.id or "id"]
  return type(id) == "string" and id ~= ""
end

local function shape_failure(call, attempt, response, problem)
  local applied = response.status ~= 204 and not has_record(call, response.body) and unproven(call) or nil
  local message = "the response has an unexpected shape: " .. problem
  local said = failure.message_of(response.body)
  if said then message = message .. "; it says: " .. said end
  return nil, fail(call, { kind = "decode", message = message, applied = applied }, attempt, response)
end

local function says_something(value)
  return type(value) == "string" and find(value, "%S") ~= nil or type(value) == "table" and next(value) ~= nil
end

local FAILED = { error = true, fail = true, failed = true, failure = true }

-- Members of a body that says what is wrong, and has no result.
local OF_ERRORS = {}
for name in
  gmatch(
    "error errors message messages msg reason detail details description error_description errorMessage "
      .. "success succeeded ok status statusCode code name type traceId requestId timestamp path",
    "%S+"
  )
do
  OF_ERRORS[name] = true
end

--- Whether a body without the result consists of nothing but an error.
local function is_error_alone(body)
  local status = body.status
  if
    not (
      says_something(body.error)
      or says_something(body.errors)
      or status and type(status) == "string" and FAILED[lower(status)]
    )
  then
    return false
  end
  for name in pairs(body) do
    if not OF_ERRORS[name] then return false end
  end
  return true
end

--- Whether a member of the body of a 2xx states that the request failed. (Each call reads these: hence one test for
-- all that are absent.)
local function states_failure(body)
  local success, succeeded, ok, status = body.success, body.succeeded, body.ok, body.statusCode
  if success == nil and succeeded == nil and ok == nil and status == nil then return false end
  if success == false or success == "false" or succeeded == false or succeeded == "false" then return true end
  if ok == false or ok == "false" then return true end
  status = tonumber(status)
  return status ~= nil and status >= 400
end

--- The error of a 2xx that states a failure.
local function stated_failure(call, attempt, response, body)
  return nil,
    fail(call, {
      kind = "refused",
      message = failure.message_of(body) or "the API answered that it did not succeed",
      applied = unproven(call),
    }, attempt, response)
end

--- The whole body as the result.
local function take_whole(call, attempt, response, body, opens)
  if is_error_alone(body) then return stated_failure(call, attempt, response, body) end
  local endpoint = call.prepared.endpoint
  local problem = shape_problem(endpoint, body, opens)
  if not problem then return body end
  local mended = without_odd_items(endpoint, body, opens)
  if not mended then return shape_failure(call, attempt, response, "it " .. problem) end
  return mended
end

--- Takes the envelope off: the declared key is the result, its siblings go to response.extra.
local function take_envelope(call, attempt, response, body, opens)
  local endpoint = call.prepared.endpoint
  local keys = endpoint.result.keys
  for index = 1, #keys do
    local key = keys[index]
    local value = body[key]
    if value ~= nil then
      local problem = shape_problem(endpoint, value)
      if problem then
        value = without_odd_items(endpoint, value)
        if not value then return shape_failure(call, attempt, response, format("`%s` %s", key, problem)) end
      end
      response.extra = without(body, key)
      return value, response
    end
  end
  local whole, err = take_whole(call, attempt, response, body, opens)
  if whole == nil then return nil, err end
  response.unexpected = true
  return whole, response
end

--- Adds the items of a list, and those of the lists in it.
local function add_flat(list, flat)
  for _, item in ipairs(list) do
    if type(item) == "table" and (item[1] ~= nil or next(item) == nil) then
      add_flat(item, flat)
    else
      flat[#flat + 1] = item
    end
  end
  return flat
end

--- A copy of a result in which the lists of texts have no lists in them: the API's documents show both forms.
local function with_flat_lists(endpoint, result)
  for _, name in ipairs(endpoint.flat_lists or {}) do
    local list = result[name]
    if type(list) == "table" then
      result = without(result, name)
      result[name] = add_flat(list, {})
    end
  end
  return result
end

--- A response without envelope: the whole body, less the traceId among its members.
local function take_bare(call, attempt, response, body, opens)
  local whole, err = take_whole(call, attempt, response, body, opens)
  if whole == nil then return nil, err end
  whole = with_flat_lists(call.prepared.endpoint, whole)
  if whole.traceId == nil then return whole, response end
  response.extra = { traceId = whole.traceId }
  return without(whole, "traceId"), response
end

local function success(call, attempt, response, body, opens, has_lists)
  local endpoint = call.prepared.endpoint
  if states_failure(body) then return stated_failure(call, attempt, response, body) end
  local take = endpoint.result.keys and take_envelope or take_bare
  local result, read = take(call, attempt, response, body, opens)
  -- In a small response the marks would take 4 % of all instructions.
  if has_lists and result ~= nil then mark_lists(endpoint, result) end
  return result, read
end

--- A 204 confirms a change. It is not a list, not even an empty one, and not a new record.
local function no_content(call, attempt, response)
  local endpoint = call.prepared.endpoint
  local kind = endpoint.result.type
  if kind and (kind.type == "array" or endpoint.retry == "once" and lacks_id(endpoint, {})) then
    return shape_failure(call, attempt, response, "it is empty")
  end
  response.unexpected = true
  return {}, response
end

--- Reads a finished transfer.
-- @tparam table call `state`, `prepared` (endpoint, path), `attempts`, `begun`
-- @tparam table attempt `transfer`; `secret`, the token that no error may show
-- @return[1] result
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
function responses.read(call, attempt)
  local transfer = attempt.transfer
  local status, started, ended, head, opens, body, problem, has_lists =
    transfer:response(call.prepared.endpoint.keep_null)
  if not status then return transport_failure(call, attempt) end
  local response = new_response(call, head, status, body, started, ended)
  if status == 204 and not opens then return no_content(call, attempt, response) end
  local is_table = body ~= nil and (opens == "{" or opens == "[")
  local trace_id = is_table and body.traceId
  if trace_id and type(trace_id) == "string" then
    local secret, refused = attempt.secret, call.refused_secret -- a server may echo them, and logs show the id
    response.trace_id = secret and secret:redact(trace_id) or trace_id
    if refused then response.trace_id = refused:redact(response.trace_id) end
  end
  if status < 200 or status >= 300 then return refusal(call, attempt, response, body, opens) end
  if body == nil then return unreadable(call, attempt, response, opens, problem) end
  if not is_table then return unreadable(call, attempt, response, opens, "neither an object nor a list") end
  return success(call, attempt, response, body, opens, has_lists)
end

-- Creates

--- Whether two texts of a field mean the same. One instant has many spellings; what cannot be read says nothing.
local function agree(name, wanted, found)
  if wanted == found or not find(name, "Time$") then return wanted == found end
  local to_epoch_ms = get_time().to_epoch_ms
  local a, b = to_epoch_ms(wanted), to_epoch_ms(found)
  return not a or not b or a == b
end

--- The first field of a record that is not what the request said. What the record leaves out says nothing.
-- @tparam table names of the fields
-- @tparam table sent
-- @tparam table record
-- @treturn ?string
function responses.contradiction(names, sent, record)
  for _, name in ipairs(names) do
    local wanted, found = sent[name], record[name]
    if type(wanted) == "string" and type(found) == "string" and not agree(name, wanted, found) then return name end
  end
end

--- Reads the finished transfer of a create. A cache, or a proxy that mixes up its connections, may respond with another
-- record: that does not prove that the one which was sent was made. An endpoint names in `confirms` the fields that a
-- record must not contradict.
-- @tparam table call
-- @tparam table attempt
-- @return same as `read`; an error with `applied` "maybe" if the record is another one
function responses.read_create(call, attempt)
  local result, response = responses.read(call, attempt)
  if result == nil then return nil, response end
  local prepared = call.prepared
  local name = responses.contradiction(prepared.endpoint.confirms, prepared.fields or {}, result)
  if not name then return result, response end
  local message = format(
    "the response describes another record: its `%s` is %s, where %s was sent",
    name,
    reason.excerpt(secrets.redacted(secrets.of(call, attempt), result[name])) or "empty",
    prepared.fields[name]
  )
  return nil, fail(call, { kind = "decode", applied = "maybe", message = message }, attempt, response)
end

return responses
