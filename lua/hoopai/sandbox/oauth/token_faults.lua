--- Scripted faults of the token endpoints, which `hoopai.sandbox.server.admin` describes.
-- @module hoopai.sandbox.oauth.token_faults

local api_errors = require "hoopai.sandbox.api_errors"

local concat, remove, sort = table.concat, table.remove, table.sort
local format, gsub = string.format, string.gsub
local ipairs, pairs, type = ipairs, pairs, type

local token_faults = {}

local KNOWN = {
  times = "number",
  grant = "string",
  latency_ms = "number",
  delay_ms = "number",
  drop = "string",
  status = "number",
  body = "string",
  apply = "boolean",
  malformed = "any",
  truncated = "boolean",
  no_refresh_token = "boolean",
  same_refresh_token = "boolean",
  expires_in = "any",
  crlf = "boolean",
  set = "table",
  without = "table",
  raw = "table",
}

-- Faults that make the new tokens unreadable for the client.
local UNREADABLE = { "drop", "status", "malformed", "truncated", "crlf" }
local TOKENS = { access_token = true, refresh_token = true }

--- Adds a fault to a list. Raises a 422 for an unknown fault.
-- @tparam table list
-- @tparam table given the body of the admin request
function token_faults.add(list, given)
  local fault = {}
  for name, value in pairs(given) do
    local kind = KNOWN[name]
    if not kind or kind ~= "any" and type(value) ~= kind then
      api_errors.unprocessable { kind and format("%s must be a %s", name, kind) or "no such fault: " .. name }
    end
    fault[name] = value
  end
  if fault.drop and fault.drop ~= "before" and fault.drop ~= "after" then
    api_errors.unprocessable { 'drop must be "before" or "after"' }
  end
  fault.times = fault.times or 1
  list[#list + 1] = fault
end

local function applies_to(fault, grant)
  if fault.grant then return fault.grant == grant end
  return grant ~= "location_token"
end

--- Returns the next fault for an exchange, and removes it from the list after its last use.
-- @tparam table list
-- @tparam ?string grant
-- @treturn ?table
function token_faults.take(list, grant)
  for position, fault in ipairs(list) do
    if applies_to(fault, grant) then
      fault.times = fault.times - 1
      if fault.times <= 0 then remove(list, position) end
      return fault
    end
  end
end

--- The name of a fault in the ledger: its members.
-- @tparam table fault
-- @treturn ?string such as "delay_ms drop_after"
function token_faults.name(fault)
  local names = {}
  for name, value in pairs(fault) do
    if name ~= "times" and name ~= "grant" and value ~= false then
      names[#names + 1] = name == "drop" and "drop_" .. value or name
    end
  end
  sort(names)
  return names[1] and concat(names, " ") or nil
end

--- Whether a client can read its tokens from the response.
-- @tparam table fault
-- @treturn boolean
function token_faults.is_readable(fault)
  for _, name in ipairs(UNREADABLE) do
    if fault[name] then return false end
  end
  for _, name in ipairs(fault.without or {}) do
    if TOKENS[name] then return false end
  end
  for _, members in ipairs { fault.set or {}, fault.raw or {} } do
    for name in pairs(members) do
      if TOKENS[name] then return false end
    end
  end
  return true
end

--- The members of a response with the changes of a fault.
-- @tparam table fault
-- @tparam table response of the exchange, snake_case; not modified
-- @treturn table
function token_faults.change(fault, response)
  local changed = {}
  for name, value in pairs(response) do
    changed[name] = value
  end
  if fault.expires_in ~= nil then changed.expires_in = fault.expires_in end
  if fault.crlf then changed.access_token = changed.access_token .. "\r\nX-Injected: yes" end
  for name, value in pairs(fault.set or {}) do
    changed[name] = value
  end
  for _, name in ipairs(fault.without or {}) do
    changed[name] = nil
  end
  return changed
end

--- The body of a response with a scripted status.
-- @tparam table fault
-- @treturn string
function token_faults.body(fault)
  return fault.body or format('{"statusCode":%d,"message":"scripted"}', fault.status // 1)
end

local function put_raw(text, name, value)
  return (gsub(text, '("' .. name .. '":)[^,}]*', function(head) return head .. value end, 1))
end

--- Applies a fault to a finished response.
-- @tparam table fault
-- @tparam table response `status` and `body` (text); gets `delay_ms`, `drop`, `truncate`
-- @treturn table the response
function token_faults.apply(fault, response)
  response.delay_ms, response.drop, response.truncate = fault.delay_ms, fault.drop ~= nil, fault.truncated
  if fault.status then
    response.status, response.body = fault.status // 1, token_faults.body(fault)
  end
  if response.status ~= 200 then return response end
  for name, value in pairs(fault.raw or {}) do
    response.body = put_raw(response.body, name, value)
  end
  if fault.malformed then
    response.body = type(fault.malformed) == "string" and fault.malformed or gsub(response.body, '":', '" ', 1) .. "]"
  end
  return response
end

return token_faults
