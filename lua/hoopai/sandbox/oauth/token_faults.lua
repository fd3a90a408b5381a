--- Scripted misbehaviour of the token endpoints: what specs want to see survived.
--
-- Which faults there are is said in `hoopai.sandbox.server.admin`.
-- @module hoopai.sandbox.oauth.token_faults

local api_errors = require "hoopai.sandbox.api_errors"

local concat, remove, sort = table.concat, table.remove, table.sort
local format, gsub = string.format, string.gsub
local ipairs, pairs, type = ipairs, pairs, type

local token_faults = {}

local KNOWN = {
  times = "number", grant = "string", latency_ms = "number", delay_ms = "number", drop = "string", status = "number",
  body = "string", apply = "boolean", malformed = "any", truncated = "boolean", no_refresh_token = "boolean",
  same_refresh_token = "boolean", expires_in = "any", crlf = "boolean", set = "table", without = "table",
  raw = "table",
}

-- What keeps a client from learning its new tokens.
local HIDES = { "drop", "status", "malformed", "truncated", "crlf" }
local TOKENS = { access_token = true, refresh_token = true }

--- Adds a fault to a list; refuses what it does not know.
-- @tparam table list
-- @tparam table given what the back door was asked for
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

local function is_meant(fault, grant)
  if fault.grant then return fault.grant == grant end
  return grant ~= "location_token"
end

--- Takes the fault of an exchange out of a list.
-- @tparam table list
-- @tparam ?string grant
-- @treturn ?table
function token_faults.take(list, grant)
  for position, fault in ipairs(list) do
    if is_meant(fault, grant) then
      fault.times = fault.times - 1
      if fault.times <= 0 then remove(list, position) end
      return fault
    end
  end
end

--- The members of a fault, for the ledger.
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

--- Whether a client can learn its tokens from the answer.
-- @tparam table fault
-- @treturn boolean
function token_faults.is_readable(fault)
  for _, name in ipairs(HIDES) do
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

--- The answer with other members.
-- @tparam table fault
-- @tparam table answer of the exchange, snake_case; left as it is
-- @treturn table
function token_faults.bend(fault, answer)
  local bent = {}
  for name, value in pairs(answer) do bent[name] = value end
  if fault.expires_in ~= nil then bent.expires_in = fault.expires_in end
  if fault.crlf then bent.access_token = bent.access_token .. "\r\nX-Injected: yes" end
  for name, value in pairs(fault.set or {}) do bent[name] = value end
  for _, name in ipairs(fault.without or {}) do bent[name] = nil end
  return bent
end

--- The text that an answer with a scripted status has.
-- @tparam table fault
-- @treturn string
function token_faults.body(fault)
  return fault.body or format('{"statusCode":%d,"message":"scripted"}', fault.status // 1)
end

local function put_raw(text, name, value)
  return (gsub(text, '("' .. name .. '":)[^,}]*', function(head) return head .. value end, 1))
end

--- Lets a fault have its way with a finished answer.
-- @tparam table fault
-- @tparam table answer `status` and `body` (text); gets `delay_ms`, `drop`, `truncate`
-- @treturn table the answer
function token_faults.apply(fault, answer)
  answer.delay_ms, answer.drop, answer.truncate = fault.delay_ms, fault.drop ~= nil, fault.truncated
  if fault.status then answer.status, answer.body = fault.status // 1, token_faults.body(fault) end
  if answer.status ~= 200 then return answer end
  for name, value in pairs(fault.raw or {}) do answer.body = put_raw(answer.body, name, value) end
  if fault.malformed then
    answer.body = type(fault.malformed) == "string" and fault.malformed or gsub(answer.body, '":', '" ', 1) .. "]"
  end
  return answer
end

return token_faults
