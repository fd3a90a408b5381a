--- Base64, public keys and signatures: bytes have one spelling, and no input is a signature of a key whose private half
-- the input cannot have. The first byte says what the rest is.

local crypto = require "hoopai.crypto"

local MESSAGE = '{"type":"INSTALL"}'
-- The vendor's.
local DER = crypto.from_base64 "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="
local _, KEY = crypto.public_key(DER)

local function check_base64(text)
  local bytes = crypto.from_base64(text)
  if bytes then assert(crypto.to_base64(bytes) == text, "a second spelling") end
  assert(crypto.from_base64(crypto.to_base64(text)) == text, "other bytes")
end

local function check_key(der)
  local kind, key = crypto.public_key(der)
  if not kind then return assert(type(key) == "string") end
  if kind == "ed25519" then
    assert(#key == 32, "a key of another length")
    -- The signature that is right for a key of small order.
    assert(not crypto.verify_ed25519(key, MESSAGE, "\1" .. ("\0"):rep(63)), "anyone can sign")
  else
    assert(kind == "rsa" and key == der, "another kind of key")
    assert(not crypto.verify_rsa_sha256(key, MESSAGE, ("\0"):rep(255) .. "\1"), "anyone can sign")
  end
end

local function check_signature(bytes)
  assert(not crypto.verify_ed25519(KEY, MESSAGE, bytes), "forged")
  assert(not crypto.verify_ed25519(KEY, bytes, bytes:sub(1, 64)), "forged")
end

local checks = { [0] = check_base64, check_key, check_signature }

return function(bytes) checks[(bytes:byte(1) or 0) % 3](bytes:sub(2)) end
