--- The request that `client:request` describes, for endpoints without a method.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"
local options = require "hoopai.options"
local responses = require "hoopai.call.response"
local secrets = require "hoopai.call.secrets"

local type, tonumber, tostring, ipairs, next = type, tonumber, tostring, ipairs, next
local getmetatable, rawget, rawlen = getmetatable, rawget, rawlen
local char, find, format, gmatch, gsub = string.char, string.find, string.format, string.gmatch, string.gsub
local sort = table.sort
local math_type, tointeger = math.type, math.tointeger

local null, is_array = core.null, core.is_array

local json_text = lazy.module "hoopai.validate.json_text"
local json_value = lazy.module "hoopai.validate.json_value"
local messages = lazy.module "hoopai.validate.messages"
local time = lazy.module "hoopai.time"

local raw_request = {}

-- RFC 9110 9.2.1 and 9.2.2: an unknown POST or PATCH is neither safe nor idempotent.
local retry_classes = { GET = "safe", POST = "once", PUT = "idempotent", PATCH = "once", DELETE = "idempotent" }
local fields = { method = "string", path = "string", query = "table", body = "table" }

local EXAMPLE = '{ method = "GET", path = "/calendars/" }'

-- What other libraries call the fields.
local INSTEAD = {
  url = "`path`",
  uri = "`path`",
  endpoint = "`path`",
  verb = "`method`",
  params = "`query`",
  args = "`query`",
  qs = "`query`",
  json = "`body`",
  data = "`body`",
  payload = "`body`",
}

--- Checks the fields. They are read once, and raw: the caller's metamethods could return another path after its check.
-- @treturn table a copy
local function check_fields(given)
  if type(given) ~= "table" then
    errors.raise(format("client:request expects a table such as %s, got %s", EXAMPLE, type(given)))
  end
  local copy = {}
  for name, value in next, given do
    local expected = fields[name]
    if not expected then
      local instead = INSTEAD[name] and "write " .. INSTEAD[name] or "it takes method, path, query, body"
      if type(name) == "number" then instead = "fields have names, write " .. EXAMPLE end
      if options.call_names[name] then instead = "it is an option: pass it in the last argument" end
      errors.raise(format("unknown field `%s` of client:request; %s", tostring(name), instead))
    end
    if type(value) ~= expected then
      errors.raise(format("field `%s` of client:request must be a %s, got %s", name, expected, type(value)))
    end
    copy[name] = value
  end
  given = copy
  if not retry_classes[given.method or ""] then
    errors.raise("field `method` of client:request must be GET, POST, PUT, PATCH or DELETE")
  end
  if given.method == "GET" and given.body then
    errors.raise("client:request: a GET has no body: write `query` instead of `body`")
  end
  if not given.path then errors.raise("client:request needs the field `path`") end
  return given
end

local MOST_DECODINGS = 4

local function decoded(path)
  return (gsub(path, "%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end))
end

--- What is wrong with the segments of a path, as it is or once a proxy has decoded it, maybe more often than once.
local function segments_problem(path)
  for _ = 1, MOST_DECODINGS do
    if find(path, "\\", 1, true) then return "has a backslash" end
    if find(path, "//", 1, true) then return "has an empty segment" end
    for segment in gmatch(path, "[^/]+") do
      -- Servers drop what follows a semicolon, and a decoded path ends at its ? or #.
      if find(segment, "^%.%.?$") or find(segment, "^%.%.?[;?#]") then return "has a dot segment" end
    end
    local encoded = path
    path = decoded(encoded)
    if path == encoded then return nil end
  end
  return "is percent-encoded too often"
end

--- What is wrong with a path; nil if nothing is.
local function path_problem(path)
  if find(path, "^https?://") then return "must be without the host: write the part from the / after it" end
  if find(path, "[?#]") then return "must have no ? or #: give what follows in `query`, a table" end
  if find(path, "{", 1, true) then return "has a name in braces: write the id in place of it" end
  if find(path, "/:%a") then return "has a name after a colon: write the id in place of it" end
  if find(path, "^[^/]") then return "must begin with /" end
  if find(path, " ", 1, true) then return "has a space: write %20" end
  if not find(path, "^/[%w%-._~%%/!$&'()*+,;=:@]*$") then
    return "must begin with / and hold only the characters of a URL path (no ? or #)"
  end
  local unescaped = gsub(path, "%%%x%x", "")
  if find(unescaped, "%", 1, true) then return "has a % that two hexadecimal digits do not follow" end
  return segments_problem(path)
end

-- Query and body. What cannot be sent is refused: whatever is left out of a request changes its meaning.

-- A value as core.query takes it; nil and the problem of one that looks right and is not. Other kinds raise.
local function query_value(name, value)
  local kind = type(value)
  if kind == "string" or kind == "boolean" or math_type(value) == "integer" then return value end
  if kind == "number" and tointeger(value) then return tointeger(value) end
  if value == null then return nil, "must not be null: a query has no null, leave the field out" end
  if kind == "table" and time().is_instant(value) then return time().to_epoch_ms(value) end
  if kind == "table" and time().is_duration(value) then
    return nil, "is a duration: add it to an instant, such as hoopai.time.now() + it"
  end
  errors.raise(format("query field `%s` must be a string, an integer, a boolean or a list of them", name))
end

local function list_problem(list)
  if getmetatable(list) ~= nil and not is_array(list) then return "has a metatable: give a plain list" end
  if next(list) == nil then return "is an empty list: leave it out to mean all" end
  local problem = json_value().list_problem(list)
  return problem and problem .. ", and a query has only lists"
end

local function add_field(list, problems, name, value)
  local items, is_list = { value }, messages().is_plain(value)
  problems.path[1] = name
  if is_list then
    local problem = list_problem(value)
    if problem then return problems:add(1, problem) end
    items = value
  end
  for i = 1, rawlen(items) do
    local item = rawget(items, i)
    local sent, problem = query_value(name, item)
    problems.path[2] = i
    if sent == nil then problems:add(is_list and 2 or 1, problem, item) end
    list[#list + 1], list[#list + 2] = name, sent
  end
end

--- A query table as the flat list that core.query takes, names in order; or nil and its problems.
local function flat_query(query)
  local names, list = {}, {}
  for name in next, query do
    if type(name) ~= "string" then errors.raise("the query of client:request has names as keys") end
    names[#names + 1] = name
  end
  if #names == 0 and getmetatable(query) == nil then return list end
  if getmetatable(query) ~= nil then
    return nil, messages().whole("the query has a metatable: give a plain table", nil, "a table with named fields")
  end
  sort(names)
  local problems = messages().new_problems()
  for _, name in ipairs(names) do
    add_field(list, problems, name, rawget(query, name))
  end
  if problems.count > 0 then return nil, problems:details() end
  return list
end

--- A body with instants as ISO 8601 text, as in the bodies of the endpoints; or nil and its problems.
local function plain_body(body)
  local sent = json_value().copy_plain(body)
  if sent ~= nil then return sent end
  local problems = messages().new_problems()
  sent = json_value().copy_plain(body, problems)
  if problems.count == 0 then return sent end
  local details = problems:details()
  for _, detail in ipairs(details) do
    if detail.path == "" then detail.problem = "the body " .. detail.problem end
  end
  return nil, details
end

--- Reads a finished transfer. The caller writes the whole path, and may have written the token into it. As the fields
-- are not known here, the empty lists of the result are marked, so that they can be sent back as lists.
local function read(call, attempt)
  local result, response = responses.read(call, attempt)
  if result ~= nil then response.url = call.state.shared.base_url .. secrets.path(call) end
  if type(result) == "table" then json_text().mark_lists(result, attempt.transfer:body()) end
  return result, response
end

--- The endpoint of one raw request: same fields as those of hoopai.call.endpoints.
-- @tparam table given method, path, query, body
-- @treturn table with the checked fields in `given`
-- @raise for wrong use
function raw_request.endpoint(given)
  given = check_fields(given)
  local query, query_problems = flat_query(given.query or {})
  local problem = path_problem(given.path)
  local checks = {
    params = function() return problem and { { path = "path", problem = problem, expected = "a URL path" } } end,
    query = function() return query, query_problems end,
    body = function() return plain_body(given.body) end,
  }
  return {
    id = "client:request",
    given = given,
    method = given.method,
    path = given.path,
    retry = retry_classes[given.method],
    result = {},
    read = read,
    params = {},
    id_count = 0,
    takes_payload = true,
    most_arguments = 2,
    query = query or {},
    sends_body = given.body ~= nil,
    checks = checks,
    locations = function()
      return given.query and rawget(given.query, "locationId"), given.body and rawget(given.body, "locationId")
    end,
  }
end

return raw_request
