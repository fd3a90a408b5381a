--- Finds the endpoint of a method and a path among the endpoints of `hoopai.api`.
-- @module hoopai.sandbox.server.router

local query_string = require "hoopai.sandbox.query_string"

local find, gmatch, match = string.find, string.gmatch, string.match
local concat = table.concat
local ipairs, require, setmetatable = ipairs, require, setmetatable

local Router = {}
Router.__index = Router

-- "/calendars/" differs from "/calendars" by its empty last segment.
local function segments(path)
  local list = {}
  for segment in gmatch(path, "/([^/]*)") do
    list[#list + 1] = segment
  end
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
  arguments[position] = query_string.decode(segment)
  found = search(node["{}"], list, position + 1, arguments)
  if not found then arguments[position] = nil end
  return found
end

--- Finds the endpoint of a request.
-- @tparam string method
-- @tparam string path without query, percent-encoded
-- @treturn[1] table the endpoint
-- @treturn[1] table its path arguments by name
-- @treturn[2] nil if there is no such endpoint
function Router:find(method, path)
  local arguments, list = {}, segments(path)
  -- A segment "{}" would match the key of the parameters.
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

--- A router over all endpoints. Each endpoint has two more fields: `resource` and `label` ("notes.list").
-- @treturn table with the method `find` and the list `endpoints`
local function new()
  local router = setmetatable({ root = {}, endpoints = {} }, Router)
  for _, name in ipairs(require "hoopai.api") do
    for _, declared in ipairs(require("hoopai.api." .. name)) do
      if not declared.alias then
        local endpoint = setmetatable(
          { resource = name, label = concat({ name, declared.name }, ".") },
          { __index = declared }
        )
        insert(router.root, endpoint)
        router.endpoints[#router.endpoints + 1] = endpoint
      end
    end
  end
  return router
end

return { new = new }
