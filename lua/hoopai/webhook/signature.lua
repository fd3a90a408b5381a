--- Whether a body was signed: the schemes, and how the signature is found among the headers of a request.
--
-- A receiver has one scheme. Were it to try several, a forger could choose the weakest.
local keys = require "hoopai.webhook.keys"
local lazy = require "hoopai.lazy"

local ipairs, next, select, type = ipairs, next, select, type
local char, find, format, gsub, lower, tonumber =
  string.char, string.find, string.format, string.gsub, string.lower, tonumber

local get_crypto = lazy.optional "hoopai.crypto"

local signature = {}

-- Headers

local function add(values, value)
  if type(value) ~= "table" then
    if value ~= nil then values[#values + 1] = value end
    return
  end
  for _, item in next, value do -- frameworks give a list for a header that came more than once
    values[#values + 1] = item
  end
end

local function add_all(values, ...)
  for index = 1, select("#", ...) do
    add(values, (select(index, ...)))
  end
  return values
end

--- All values of a header. A function is called with the name in lower case.
local function values_of(headers, name)
  if type(headers) == "function" then return add_all({}, headers(name)) end
  local values = {}
  for given, value in next, headers do
    if type(given) == "string" and lower(given) == name then add(values, value) end
  end
  return values
end

--- The one value of a header.
-- @tparam table|function headers
-- @tparam string name as it is written in messages
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string why there is none
function signature.header(headers, name)
  local values = values_of(headers, lower(name))
  if #values == 0 then return nil, format("the request has no header %s", name) end
  if #values > 1 then return nil, format("the request has the header %s %d times", name, #values) end
  if type(values[1]) ~= "string" then return nil, format("the header %s is no string", name) end
  if values[1] == "" then return nil, format("the header %s is empty", name) end
  if values[1] == "N/A" then return nil, format('the header %s is "N/A": the sender did not sign', name) end
  return values[1]
end

-- Encodings

local function from_hex(text)
  if #text % 2 ~= 0 or find(text, "%X") then return nil end
  return (gsub(text, "%x%x", function(digits) return char(tonumber(digits, 16)) end))
end

local decoders = { hex = from_hex, base64 = function(text) return get_crypto().from_base64(text) end }

-- Schemes. Each is a table: the header, its encoding, and a function that verifies. Without a key it has the reason in
-- place of that function.

local function scheme_of(header, encoding, verify, unusable)
  return { header = header, encoding = encoding, verify = verify, unusable = unusable }
end

--- Reads the keys of a scheme. One that is unusable makes the receiver refuse everything, so that a mistake in a key
-- shows before that key is needed.
local function read_keys(texts, kind)
  local usable = {}
  if #texts == 0 then return nil, "the receiver has no key" end
  for index, text in ipairs(texts) do
    local found, key = keys.read(text)
    if not found then return nil, format("keys[%d] of the receiver is unusable: %s", index, key) end
    if found ~= kind then
      return nil, format("keys[%d] of the receiver is a key of the type %s, and its scheme is %s", index, found, kind)
    end
    usable[index] = key
  end
  return usable
end

local function public_key_scheme(header, kind, texts, verify_one)
  local usable, problem = read_keys(texts, kind)
  if not usable then return scheme_of(header, "base64", nil, problem) end
  return scheme_of(header, "base64", function(body, bytes)
    local is_right = false
    for _, key in ipairs(usable) do
      is_right = verify_one(key, body, bytes) or is_right
    end
    return is_right
  end)
end

local function hmac_scheme(settings)
  local crypto, secret = get_crypto(), settings.secret
  local unusable = secret == "" and "the secret of the receiver is empty"
    or #secret > 65536 and "the secret of the receiver is longer than 64 KiB"
    or (find(secret, "-----BEGIN", 1, true) or keys.read(secret))
      and "the secret of the receiver is a key that others may have, not a secret"
  if unusable then return scheme_of(settings.header, settings.encoding, nil, unusable) end
  return scheme_of(
    settings.header,
    settings.encoding,
    function(body, bytes) return crypto.equal(crypto.hmac_sha256(secret, body), bytes) end
  )
end

--- The scheme of a receiver.
-- @tparam table settings see hoopai.webhook.options
-- @treturn table
function signature.scheme(settings)
  local crypto = get_crypto()
  if settings.secret then return hmac_scheme(settings) end
  if settings.rsa then
    return public_key_scheme("X-WH-Signature", "rsa", settings.keys or { keys.RSA }, crypto.verify_rsa_sha256)
  end
  return public_key_scheme("X-GHL-Signature", "ed25519", settings.keys or { keys.ED25519 }, crypto.verify_ed25519)
end

--- Whether the sender signed these bytes.
-- @tparam table scheme
-- @tparam table|function headers
-- @tparam string body
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why it is not proven
function signature.check(scheme, headers, body)
  if scheme.unusable then return nil, scheme.unusable end
  local text, problem = signature.header(headers, scheme.header)
  if not text then return nil, problem end
  local bytes = decoders[scheme.encoding](text)
  if not bytes then return nil, format("the header %s is not %s", scheme.header, scheme.encoding) end
  if not scheme.verify(body, bytes) then
    return nil, format("the signature in %s is not that of this body", scheme.header)
  end
  return true
end

return signature
