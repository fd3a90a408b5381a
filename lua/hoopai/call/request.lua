--- The request of a call: sorts and checks the arguments, and prepares what its attempts send.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local failure = require "hoopai.call.failure"
local options = require "hoopai.options"
local reserved_segments = require "hoopai.api.reserved_segments"
local validate = require "hoopai.validate"

local type, pairs, ipairs, rawget, select, setmetatable = type, pairs, ipairs, rawget, select, setmetatable
local concat, format, lower, max = table.concat, string.format, string.lower, math.max
local path_of = core.path

local request = {}

-- Arguments

local GIVEN = { ["nil"] = "nothing", table = "table (give its id)" }

-- What was given instead of an id. Some are a word of a list.
local function given_id(param, id)
  if param.enum and type(id) == "table" then return format('table (write "%s")', concat(param.enum, '" or "')) end
  return id == core.null and "hoopai.null" or GIVEN[type(id)] or type(id)
end

local function check_ids(endpoint, ...)
  for index = 1, endpoint.id_count do
    local id = select(index, ...)
    if type(id) ~= "string" then
      errors.raise(
        format(
          "%s needs %s as argument %d, a string; got %s",
          endpoint.id,
          endpoint.params[index].name,
          index,
          given_id(endpoint.params[index], id)
        )
      )
    end
  end
end

--- Sorts (ids..., payload?, options?) as the endpoint declares them. Wrong use raises.
-- @treturn ?table the query or body
-- @treturn ?table the call's own options
local function sort_arguments(endpoint, a, b, c, d, e)
  local count, payload, call_options = endpoint.id_count, a, b
  local given = e ~= nil and 5 or d ~= nil and 4 or c ~= nil and 3 or b ~= nil and 2 or 1
  if given > endpoint.most_arguments then
    errors.raise(format("%s takes at most %d arguments, got %d", endpoint.id, endpoint.most_arguments, given))
  end
  if count == 1 then
    payload, call_options = b, c
  elseif count == 2 then
    payload, call_options = c, d
  end
  if count > 0 and type(a) ~= "string" or count > 1 and type(b) ~= "string" then check_ids(endpoint, a, b) end
  if not endpoint.takes_payload then
    payload, call_options = nil, payload
  end
  if payload ~= nil and type(payload) ~= "table" then
    errors.raise(
      format(
        "%s expects a table as argument %d (%s), got %s",
        endpoint.id,
        count + 1,
        endpoint.query and "the query" or "the body",
        type(payload)
      )
    )
  end
  if call_options == nil then return payload end
  return payload, options.check_call(endpoint.id, call_options)
end

--- The options of a call: its own, and the client's for all others.
-- @tparam table settings of the client
-- @tparam ?table call_options as `options.check_call` returned them; becomes the result
-- @treturn table
function request.options(settings, call_options)
  if call_options == nil then return settings end
  call_options.own_version = call_options.api_version -- it has precedence over that of the endpoint
  return setmetatable(call_options, { __index = settings })
end

-- Path

local LONGEST_SEGMENT = 0 -- of the API's paths
for segment in pairs(reserved_segments) do
  LONGEST_SEGMENT = max(LONGEST_SEGMENT, #segment)
end

--- Whether an id is a segment of the API's own paths. Servers may match paths without regard to case.
local function is_reserved(id) return #id <= LONGEST_SEGMENT and reserved_segments[lower(id)] end

local function id_problems(endpoint, ...)
  local details = {}
  for index = 1, endpoint.id_count do
    local id = select(index, ...)
    local _, problem = core.path("{id}", id)
    if not problem and is_reserved(id) then
      problem = "must not be a word of the API's own paths, which would call another endpoint"
    end
    if problem then
      details[#details + 1] = {
        path = endpoint.params[index].name,
        problem = problem,
        given = validate.describe(id),
        expected = "an id",
      }
    end
  end
  return details
end

--- The path with its ids; or nil and the problems of the ids.
local function build_path(endpoint, a, b)
  local count, path = endpoint.id_count, endpoint.path
  if count == 0 then return path end
  if count == 1 then
    path = path_of(path, a)
  else
    path = path_of(path, a, b)
  end
  if path and not is_reserved(a) and not (count > 1 and is_reserved(b)) then return path end
  return nil, id_problems(endpoint, a, b)
end

-- Problems

--- The locations that a query or body names: one, or in a raw request one of each.
local function named_locations(endpoint, payload)
  if endpoint.locations then return endpoint.locations(payload) end
  return rawget(payload, "locationId")
end

--- With an app the token is that of one location: a query or body must not name another one.
local function foreign_location(location_id, first, second)
  local named = first and first ~= location_id and first or second and second ~= location_id and second
  if not location_id or not named then return nil end
  return {
    {
      path = "locationId",
      given = validate.describe(named),
      expected = location_id,
      problem = format(
        "is not the location the call is made for (%s): use client:with { location_id = ... }",
        location_id
      ),
    },
  }
end

local function join(...)
  local details = {}
  for index = 1, select("#", ...) do
    local more = select(index, ...)
    for _, detail in ipairs(more or {}) do
      details[#details + 1] = detail
    end
    details.more = more and more.more or details.more -- how many were left out of a very long list
  end
  return details
end

--- Stands for a call in the error of one that has no prepared request.
local function unprepared(state, endpoint, path)
  return { state = state, prepared = { endpoint = endpoint, path = path or endpoint.path }, attempts = 0 }
end

--- The error of a request that is not sent, with all its problems.
local function invalid(state, endpoint, path, details)
  return nil,
    failure.new(unprepared(state, endpoint, path), {
      kind = "invalid_request",
      applied = "no",
      message = validate.message(details, endpoint.id),
      details = details,
    })
end

-- Headers

local function header_lines(settings, chosen, version, has_body)
  local lines, seen = { "Version: " .. version, "Accept: application/json" }, {}
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

--- The `Version` header: of the call, of the endpoint, of the client.
local function version_of(endpoint, chosen) return chosen.own_version or endpoint.version or chosen.api_version end

--- The core's request: method, base URL and headers. It is cached per endpoint for all calls without headers or version
-- of their own.
local function core_request(state, endpoint, chosen, has_body)
  local settings = state.settings
  local version = version_of(endpoint, chosen)
  local is_usual = chosen.headers == settings.headers and version == version_of(endpoint, settings)
  local made = is_usual and state.requests[endpoint]
  if made then return made end
  made = core.request {
    method = endpoint.method,
    url = state.shared.base_url,
    headers = header_lines(settings, chosen, version, has_body),
    at_most_once = endpoint.retry ~= "safe",
  }
  if is_usual then state.requests[endpoint] = made end
  return made
end

-- The prepared request

--- Takes the fields that are sent in the query out of a checked body.
-- @treturn table the list for core.query
local function take_flags(endpoint, body)
  local query = {}
  for _, name in ipairs(endpoint.flags) do
    local value = body[name]
    if type(value) == "boolean" or type(value) == "string" then
      query[#query + 1], query[#query + 2] = name, value
      body[name] = nil
    end
  end
  return query
end

--- Checks the arguments of a call and prepares its request.
-- @tparam table state of the client
-- @tparam table endpoint
-- @tparam table chosen the options of the call, see `request.options`
-- @tparam ?table payload the query or body
-- @tparam ?string a the first id
-- @tparam ?string b the second one
-- @treturn[1] table what every attempt sends; never written again
-- @treturn[2] nil
-- @treturn[2] Error of kind "invalid_request" with all problems
function request.prepare(state, endpoint, chosen, payload, a, b)
  if state.closed or state.shared.closed then return nil, failure.closed(unprepared(state, endpoint)) end
  local shared, checks = state.shared, endpoint.checks or endpoint.compile_checks()
  local app, source = shared.app, shared.source
  if app then source = app:source(chosen.location_id, chosen.company_id) end -- each location has a token of its own
  local path, problems = build_path(endpoint, a, b)
  local query, query_problems, body, body_problems, foreign
  if path and checks.params then problems = checks.params({ a, b }, chosen) end
  if endpoint.query then
    query, query_problems = checks.query(payload, chosen)
  end
  if endpoint.sends_body then
    body, body_problems = checks.body(payload, chosen)
    if body and endpoint.flags then query = take_flags(endpoint, body) end
  end
  local named, named_too
  if payload then
    named, named_too = named_locations(endpoint, payload)
  end
  if app then foreign = foreign_location(chosen.location_id, named, named_too) end
  if problems or foreign or query_problems or body_problems then
    return invalid(state, endpoint, path, join(problems, foreign, query_problems, body_problems))
  end
  local text, problem, place = endpoint.empty_body and "{}" or nil, nil, nil
  if body then
    text, problem, place = core.encode(body, checks.body_shape)
  end
  if problem then
    return invalid(state, endpoint, path, { { path = place, problem = problem, expected = "a JSON value" } })
  end
  local location_id = named or named_too
  if not location_id or type(location_id) ~= "string" then location_id = chosen.location_id end
  local prepared = {
    endpoint = endpoint,
    options = chosen,
    source = source,
    rate_limit_key = location_id or "",
    path = path,
    target = query and query[1] and path .. "?" .. core.query(query) or path,
    body = text,
    request = chosen == state.settings and state.requests[endpoint]
      or core_request(state, endpoint, chosen, text ~= nil),
  }
  if endpoint.keeps_fields then -- they are compared with a record or with the response
    prepared.ids, prepared.fields = { a, b }, body
  end
  return prepared
end

--- Prepares the request of a call from its arguments.
-- @tparam table state of the client
-- @tparam table endpoint
-- @param a see hoopai.call.perform
-- @treturn[1] table see `request.prepare`
-- @treturn[2] nil
-- @treturn[2] Error of kind "invalid_request" with all problems
-- @raise for wrong use
function request.from_arguments(state, endpoint, a, b, c, d, e)
  local payload, call_options = sort_arguments(endpoint, a, b, c, d, e)
  local chosen = call_options == nil and state.settings or request.options(state.settings, call_options)
  return request.prepare(state, endpoint, chosen, payload or endpoint.preset, a, b)
end

return request
