--- PKCE (RFC 7636): the secret verifier of a sign-in, and its S256 challenge. SHA-256 (FIPS 180-4) is here for the
-- challenge alone, once per sign-in, so its speed does not matter.
local core = require "hoopai.core"

local ipairs = ipairs
local byte, char, find, rep, pack, sub, unpack =
  string.byte, string.char, string.find, string.rep, string.pack, string.sub, string.unpack
local concat, floor, move, unpack_table = table.concat, math.floor, table.move, table.unpack

local pkce = {}

-- SHA-256

local MASK = 0xffffffff

-- The fractional parts of the square and cube roots of the first primes, computed as the standard defines them.
local function root_bits(prime, power)
  local root = prime ^ (1 / power)
  return floor((root - floor(root)) * 2 ^ 32)
end

local K, START = {}, {}
do
  local primes, candidate = {}, 2
  while #primes < 64 do
    local is_prime = true
    for _, prime in ipairs(primes) do
      if candidate % prime == 0 then
        is_prime = false
        break
      end
    end
    if is_prime then primes[#primes + 1] = candidate end
    candidate = candidate + 1
  end
  for index = 1, 64 do
    K[index] = root_bits(primes[index], 3)
  end
  for index = 1, 8 do
    START[index] = root_bits(primes[index], 2)
  end
end

local function rotate(word, bits) return ((word >> bits) | (word << (32 - bits))) & MASK end

local function schedule(block)
  local w = { unpack(">" .. rep("I4", 16), block) }
  for t = 17, 64 do
    local a, b = w[t - 15], w[t - 2]
    local s0 = rotate(a, 7) ~ rotate(a, 18) ~ (a >> 3)
    local s1 = rotate(b, 17) ~ rotate(b, 19) ~ (b >> 10)
    w[t] = (w[t - 16] + s0 + w[t - 7] + s1) & MASK
  end
  return w
end

local function compress(state, block)
  local w = schedule(block)
  local a, b, c, d, e, f, g, h = unpack_table(state)
  for t = 1, 64 do
    local s1 = rotate(e, 6) ~ rotate(e, 11) ~ rotate(e, 25)
    local t1 = h + s1 + ((e & f) ~ (~e & g)) + K[t] + w[t]
    local s0 = rotate(a, 2) ~ rotate(a, 13) ~ rotate(a, 22)
    local t2 = s0 + ((a & b) ~ (a & c) ~ (b & c))
    a, b, c, d, e, f, g, h = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
  end
  local sums = { a, b, c, d, e, f, g, h }
  for index = 1, 8 do
    state[index] = (state[index] + sums[index]) & MASK
  end
end

--- The SHA-256 digest of a string.
-- @tparam string text
-- @treturn string 32 bytes
function pkce.sha256(text)
  local state = move(START, 1, 8, 1, {})
  local padded = text .. char(0x80) .. rep("\0", (55 - #text) % 64) .. pack(">I8", #text * 8)
  for at = 1, #padded, 64 do
    compress(state, sub(padded, at, at + 63))
  end
  return pack(">" .. rep("I4", 8), unpack_table(state))
end

-- Verifier and challenge

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

--- Base64url without padding (RFC 4648, section 5).
local function base64url(bytes)
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = byte(bytes, at, at + 2)
    local word = a << 16 | (b or 0) << 8 | (c or 0)
    for place = 0, (b and (c and 3 or 2) or 1) do
      local index = (word >> (18 - 6 * place)) & 63
      out[#out + 1] = sub(ALPHABET, index + 1, index + 1)
    end
  end
  return concat(out)
end

--- A random verifier of 256 bits (section 4.1).
-- @treturn string
function pkce.verifier() return core.random_hex(32) end

--- Whether a text can be a verifier: 43 to 128 unreserved characters (section 4.1).
-- @tparam string text
-- @treturn boolean
function pkce.is_verifier(text) return #text >= 43 and #text <= 128 and not find(text, "[^%w%-._~]") end

--- The S256 challenge of a verifier (section 4.2).
-- @tparam string verifier
-- @treturn string
function pkce.challenge(verifier) return base64url(pkce.sha256(verifier)) end

return pkce
