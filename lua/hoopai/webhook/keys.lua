--- The public keys that verify webhooks: the vendor's, and those that a caller gives.
local lazy = require "hoopai.lazy"

local gsub, match, sub, find = string.gsub, string.match, string.sub, string.find

local get_crypto = lazy.optional "hoopai.crypto"

local keys = {}

--- The vendor's key of `X-GHL-Signature`, as the vendor's page "Webhook Integration Guide" has it.
keys.ED25519 = [[
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=
-----END PUBLIC KEY-----
]]

--- The vendor's key of the old `X-WH-Signature`, as the same page has it.
keys.RSA = [[
-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==
-----END PUBLIC KEY-----
]]

local BEGIN, END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"

--- Reads a public key: PEM (RFC 7468), or the base64 within. A variable of the environment may have the line breaks of
-- PEM as `\n`, or as blanks.
-- @tparam string text
-- @treturn[1] string "ed25519" or "rsa"
-- @treturn[1] string the key, as hoopai.crypto takes it
-- @treturn[2] nil
-- @treturn[2] string why it is no usable key; the text is not quoted
function keys.read(text)
  local crypto = get_crypto()
  local inner = match(gsub(text, "\\n", "\n"), "^%s*(.-)%s*$")
  if inner == "" then return nil, "it is empty" end
  if find(inner, "PRIVATE KEY-----", 1, true) then
    return nil, "it is a private key: only its public key belongs here"
  end
  if find(inner, "-----", 1, true) then
    if sub(inner, 1, #BEGIN) ~= BEGIN or sub(inner, -#END) ~= END then
      return nil, "it is not one public key that begins with " .. BEGIN
    end
    inner = sub(inner, #BEGIN + 1, -#END - 1)
  end
  local der = crypto.from_base64((gsub(inner, "%s", "")))
  if not der then return nil, "it is not base64, or not the whole key" end
  return crypto.public_key(der)
end

return keys
