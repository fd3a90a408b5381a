--- PKCE (RFC 7636): the secret verifier of a sign-in, and its S256 challenge.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"

local find, gsub = string.find, string.gsub

local get_crypto = lazy.optional "hoopai.crypto"

local pkce = {}

--- A random verifier of 256 bits (section 4.1).
-- @treturn string
function pkce.verifier() return core.random_hex(32) end

--- Whether a text can be a verifier: 43 to 128 unreserved characters (section 4.1).
-- @tparam string text
-- @treturn boolean
function pkce.is_verifier(text) return #text >= 43 and #text <= 128 and not find(text, "[^%w%-._~]") end

local URL_SAFE = { ["+"] = "-", ["/"] = "_", ["="] = "" } -- base64url without padding (RFC 4648, section 5)

--- The S256 challenge of a verifier (section 4.2).
-- @tparam string verifier
-- @treturn string
-- @raise if hoopai.crypto was not built
function pkce.challenge(verifier)
  local crypto, problem = get_crypto()
  if not crypto then errors.raise("PKCE needs " .. problem) end
  return (gsub(crypto.to_base64(crypto.sha256(verifier)), "[+/=]", URL_SAFE))
end

return pkce
