--- Encryption of stored credentials: AES-256-GCM (NIST SP 800-38D) with a key of the caller's and a random nonce for
-- each text. The name under which a text is stored is authenticated too: a text that was copied to another name is
-- refused.
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"

local setmetatable, type = setmetatable, type
local sub = string.sub

local KEY_BYTES = 32
local MARK = "hoopai-sealed-1:" -- stands before what is encrypted

local sealing = {}

local Sealed = {}
Sealed.__index = Sealed

function Sealed:close(name, text) return MARK .. self.crypto.seal(self.key, text, name) end

function Sealed:open(name, text)
  if sub(text, 1, #MARK) ~= MARK then return nil, "it is not encrypted, and the store has an `encryption_key`" end
  local opened = self.crypto.open(self.key, sub(text, #MARK + 1), name)
  if opened then return opened end
  return nil, "it was encrypted with another `encryption_key`, or changed since"
end

local Plain = {}
Plain.__index = Plain

function Plain.close(_, _, text) return text end

function Plain.open(_, _, text)
  if sub(text, 1, #MARK) == MARK then return nil, "it is encrypted, and the store has no `encryption_key`" end
  return text
end

--- What the option `encryption_key` must be; nil if it is right.
-- @tparam any value
-- @treturn ?string
function sealing.key_problem(value)
  return (type(value) ~= "string" or #value ~= KEY_BYTES) and "a string of 32 random bytes" or nil
end

--- Makes what encrypts and decrypts texts, or passes them on if there is no key.
-- @tparam ?string key of 32 bytes
-- @treturn table with `close(name, text)` -> text, and `open(name, text)` -> text, or nil and a problem
-- @raise with a key, where hoopai.crypto was not built
function sealing.new(key)
  if not key then return setmetatable({}, Plain) end
  local crypto, problem = lazy.load "hoopai.crypto"
  if not crypto then errors.raise("the option `encryption_key` cannot be used: " .. problem) end
  return setmetatable({ key = key, crypto = crypto }, Sealed)
end

return sealing
