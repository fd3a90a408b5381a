--- The request that `client:request` describes, for endpoints without a method.
local errors = require "hoopai.errors"

local type, tostring, pairs, ipairs, rawget = type, tostring, pairs, ipairs, rawget
local find, format, gmatch, gsub = string.find, string.format, string.gmatch, string.gsub
local sort = table.sort
local math_type = math.type

local raw_request = {}

-- RFC 9110 9.2.1 and 9.2.2: an unknown POST or PATCH is neither safe nor idempotent.
local retry_classes = { GET = "safe", POST = "once", PUT = "idempotent", PATCH = "once", DELETE = "idempotent" }
local fields = { method = "string", path = "string", query = "table", body = "table" }

local function check_fields(given)
  if type(given) ~= "table" then errors.raise("client:request expects a table, got " .. type(given)) end
  for name, value in pairs(given) do
    local expected = fields[name]
    if not expected then
      errors.raise(format("unknown field `%s` of client:request; it takes method, path, query, body", tostring(name)))
    end
    if type(value) ~= expected then
      errors.raise(format("field `%s` of client:request must be a %s, got %s", name, expected, type(value)))
    end
  end
  if not retry_classes[given.method or ""] then
    errors.raise("field `method` of client:request must be GET, POST, PUT, PATCH or DELETE")
  end
  if not given.path then errors.raise("client:request needs the field `path`") end
end

--- What is wrong with a path; nil if nothing is.
local function path_problem(path)
  if not find(path, "^/[%w%-._~%%/!$&'()*+,;=:@]*$") then
    return "must begin with / and hold only the characters of a URL path (no ? or #)"
  end
  local unescaped = gsub(path, "%%%x%x", "")
  if find(unescaped, "%", 1, true) then return "has a % that two hexadecimal digits do not follow" end
  if find(path, "//", 1, true) then return "has an empty segment" end
  for segment in gmatch(path, "[^/]+") do
    local plain = gsub(segment, "%%2[eE]", ".")
    if plain == "." or plain == ".." then return "has a dot segment" end
  end
end

local function is_sendable(value)
  local kind = type(value)
  return kind == "string" or kind == "boolean" or math_type(value) == "integer"
end

--- A query table as the flat list that core.query takes, names in order.
local function flat_query(query)
  local names, list = {}, {}
  for name in pairs(query) do
    if type(name) ~= "string" then errors.raise("the query of client:request has names as keys") end
    names[#names + 1] = name
  end
  sort(names)
  for _, name in ipairs(names) do
    local value = query[name]
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      if not is_sendable(item) then
        errors.raise(format("query field `%s` must be a string, an integer, a boolean or a list of them", name))
      end
      list[#list + 1] = name
      list[#list + 1] = item
    end
  end
  return list
end

--- The endpoint of one raw request: same fields as those of hoopai.call.endpoints.
-- @tparam table given method, path, query, body
-- @treturn table
-- @raise for wrong use
function raw_request.endpoint(given)
  check_fields(given)
  local query = flat_query(given.query or {})
  local problem = path_problem(given.path)
  local checks = {
    params = function() return problem and { { path = "path", problem = problem, expected = "a URL path" } } end,
    query = function() return query end,
    body = function() return given.body end,
  }
  return {
    id = "client:request",
    method = given.method,
    path = given.path,
    retry = retry_classes[given.method],
    result = {},
    params = {},
    id_count = 0,
    takes_payload = true,
    most_arguments = 2,
    query = query,
    sends_body = given.body ~= nil,
    checks = checks,
    locations = function()
      return given.query and rawget(given.query, "locationId"), given.body and rawget(given.body, "locationId")
    end,
  }
end

return raw_request
