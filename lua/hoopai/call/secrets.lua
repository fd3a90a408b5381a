--- The secrets of a call, and values without them. All texts of a peer pass through here on their way into an error or
-- an event: a peer may echo the request.
local core = require "hoopai.core"

local ipairs, next, pairs, rawequal, type = ipairs, next, pairs, rawequal, type
local char, find, gsub, match, tonumber = string.char, string.find, string.gsub, string.match, tonumber

local secrets = {}

-- The credentials of a proxy

local function unescaped(text)
  return (gsub(text, "%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end))
end

local function add_text(list, text)
  local secret = text and core.secret(text)
  if secret then list[#list + 1] = secret end
end

--- Adds what the address of a proxy holds before its host: user name and password together, and the password.
local function add_proxy(list, proxy)
  local user_info = type(proxy) == "string" and match(proxy, "^%w+://(.*)@")
  if not user_info then return end
  local password = match(user_info, ":(.*)")
  add_text(list, user_info)
  add_text(list, password)
  if find(user_info, "%", 1, true) then
    add_text(list, unescaped(user_info))
    add_text(list, password and unescaped(password))
  end
end

--- A message of libcurl without what stands before the host in an address: the proxy may come from the environment.
-- @tparam ?string message
-- @treturn ?string
function secrets.without_user_info(message)
  local before, host = match(message or "", "^(.*)(@.*)$") -- a password may hold any character, but not the host
  if not host then return message end
  local kept = match(before, "^.-//") or match(before, "^.-'") or match(before, "^.*%s") or ""
  return kept .. "***" .. host
end

-- Calls

--- The secrets that a peer of a call can know.
-- @tparam table call
-- @tparam ?table attempt
-- @treturn table a list of secrets and credentials
function secrets.of(call, attempt)
  local list, source, state = {}, call.prepared.source or {}, call.state
  local function add(secret)
    for _, known in ipairs(list) do
      if rawequal(known, secret) then return end
    end
    list[#list + 1] = secret or nil
  end
  if source.credentials then add(source.credentials) end
  local stored = source.credentials and source.secret -- the access token of the credentials
  if attempt and not rawequal(attempt.secret, stored) then add(attempt.secret) end
  if not stored then add(source.secret) end
  add(call.refused_secret)
  local transport = state and state.shared and state.shared.transport
  add_proxy(list, transport and transport.proxy)
  return list
end

--- The path of a call, in which the caller may have written its token.
-- @tparam table call
-- @treturn string
function secrets.path(call)
  local prepared = call.prepared
  local secret = prepared.source and prepared.source.secret
  return secret and secret:redact(prepared.path) or prepared.path
end

-- Values

local function without(list, text)
  for _, secret in ipairs(list) do
    text = secret:redact(text)
  end
  return text
end

local LONG = 1024 -- bytes: such a text is searched once, although message, details and body have it

local function redacted(list, value, copies)
  local kind = type(value)
  if kind == "string" and #value < LONG then return without(list, value) end
  if kind ~= "table" and kind ~= "string" then return value end
  if copies[value] then return copies[value] end
  if kind == "string" then
    copies[value] = without(list, value)
    return copies[value]
  end
  local copy, is_same = {}, true
  copies[value] = copy -- first: a table may hold itself
  for key, content in next, value do
    local name, item = redacted(list, key, copies), redacted(list, content, copies)
    is_same = is_same and rawequal(name, key) and rawequal(item, content)
    copy[name] = item
  end
  copies[value] = is_same and value or copy
  return copies[value]
end

--- A value with *** in the place of the secrets, in all its strings and names.
-- JSON can spell a secret in many ways, so the decoded value is redacted and not the text. A decoded string may contain
-- further escapes, such as those of a URL.
-- @tparam table list secrets and credentials
-- @tparam any value
-- @tparam ?table copies what earlier calls with this list found; more is added
-- @return the value itself, if no secret is in it; else a copy
function secrets.redacted(list, value, copies)
  if #list == 0 then return value end
  return redacted(list, value, copies or {})
end

--- Hides the secrets of a call in all that a peer said.
-- @tparam table call
-- @tparam ?table attempt
-- @tparam table err gets other `message` and `details`, and `path`
-- @tparam ?Response response
-- @treturn ?Response
function secrets.hide(call, attempt, err, response)
  local list, copies = secrets.of(call, attempt), {}
  if response then pairs(response) end -- reads its headers
  response = secrets.redacted(list, response, copies)
  err.message = secrets.redacted(list, err.message, copies)
  err.details = secrets.redacted(list, err.details, copies)
  err.path = secrets.redacted(list, call.prepared.path)
  return response
end

local IN_USE = { { redact = function(_, text) return core.redact(text) end } }

--- A response, or a text from it, without all secrets that are in use: for errors that are made of the response of a
-- call that had succeeded.
-- @tparam Response|string value
-- @return see `redacted`
function secrets.without_any(value)
  if type(value) == "table" then pairs(value) end -- reads its headers
  return secrets.redacted(IN_USE, value)
end

return secrets
