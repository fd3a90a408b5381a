--- From method and path to one of the endpoints described in `hoopai.api`.
-- @module hoopai.sandbox.server.router

local char, find, gmatch, gsub, match = string.char, string.find, string.gmatch, string.gsub, string.match
local concat = table.concat
local ipairs, require, setmetatable, tonumber = ipairs, require, setmetatable, tonumber

local Router = {}
Router.__index = Router

--- Undoes percent-encoding.
-- @tparam string text
-- @treturn string
local function decode(text)
  return (gsub(text, "%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end))
end

-- "/calendars/" has an empty last segment, which is what tells it from "/calendars".
local function segments(path)
  local list = {}
  for segment in gmatch(path, "/([^/]*)") do list[#list + 1] = segment end
  return list
end

local function insert(root, endpoint)
  local node = root
  for _, segment in ipairs(segments(endpoint.path)) do
    local key = find(segment, "^{.*}$") and "{}" or segment
    node[key] = node[key] or {}
    node = node[key]
  end
  node.endpoints = node.endpoints or {}
  node.endpoints[endpoint.method] = endpoint
end

-- A literal segment wins over a parameter: /calendars/groups is not the calendar "groups".
local function search(node, list, position, arguments)
  local segment = list[position]
  if segment == nil then return node.endpoints end
  local found = node[segment] and search(node[segment], list, position + 1, arguments)
  if found or segment == "" or not node["{}"] then return found end
  arguments[position] = decode(segment)
  found = search(node["{}"], list, position + 1, arguments)
  if not found then arguments[position] = nil end
  return found
end

--- Finds the endpoint of a request.
-- @tparam string method
-- @tparam string path without query, percent-encoded
-- @treturn[1] table the endpoint
-- @treturn[1] table its path arguments by name
-- @treturn[2] nil where there is none
function Router:find(method, path)
  local arguments, list = {}, segments(path)
  -- What begins with a brace could only be a placeholder in our own table.
  if find(path, "{", 1, true) then return nil end
  local endpoints = search(self.root, list, 1, arguments)
  local endpoint = endpoints and endpoints[method]
  if not endpoint then return nil end
  local named = {}
  for position, segment in ipairs(segments(endpoint.path)) do
    local name = match(segment, "^{(.*)}$")
    if name then named[name] = arguments[position] end
  end
  return endpoint, named
end

--- Reads a query string.
-- A name may come several times, and lists may be written as `ids=a&ids=b`, `ids[]=a` or `ids[0]=a`: which of them
-- the live API takes is not known, so all are.
-- @tparam string text without the question mark
-- @treturn table name -> list of values
local function parse_query(text)
  local query = {}
  for pair in gmatch(text or "", "[^&]+") do
    local name, value = match(pair, "^([^=]*)=?(.*)$")
    name, value = decode(gsub(name, "+", " ")), decode(gsub(value, "+", " "))
    name = gsub(name, "%[%d*%]$", "")
    query[name] = query[name] or {}
    query[name][#query[name] + 1] = value
  end
  return query
end

--- A router over all endpoints; each gets its `resource` and `label` ("notes.list").
-- @treturn table with the method `find`, and `endpoints`, all of them in order
local function new()
  local router = setmetatable({ root = {}, endpoints = {} }, Router)
  for _, name in ipairs(require "hoopai.api") do
    for _, declared in ipairs(require("hoopai.api." .. name)) do
      if not declared.alias then
        local endpoint = setmetatable(
          { resource = name, label = concat({ name, declared.name }, ".") }, { __index = declared })
        insert(router.root, endpoint)
        router.endpoints[#router.endpoints + 1] = endpoint
      end
    end
  end
  return router
end

return { new = new, parse_query = parse_query, decode = decode }
