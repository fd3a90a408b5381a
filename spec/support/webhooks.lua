--- Webhooks as a sender makes them, for the specs: signed with a key of their own.
--
--   local webhooks = require "spec.support.webhooks"
--   local receiver = hoopai.webhook { keys = { webhooks.KEY } }
--   receiver:verify(webhooks.signed(webhooks.body { type = "INSTALL" }))

local child = require "spec.support.child"
local crypto = require "hoopai.crypto"
local time = require "hoopai.time"

local webhooks = {}

local function bytes(hex)
  return (hex:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end

--- PEM of a raw Ed25519 public key.
function webhooks.pem(raw)
  local der = bytes "302a300506032b6570032100" .. raw
  return "-----BEGIN PUBLIC KEY-----\n" .. crypto.to_base64(der) .. "\n-----END PUBLIC KEY-----\n"
end

webhooks.SEED = ("seed"):rep(8)
webhooks.OTHER_SEED = ("else"):rep(8)
webhooks.KEY = webhooks.pem(crypto.public_of_seed(webhooks.SEED))
webhooks.OTHER_KEY = webhooks.pem(crypto.public_of_seed(webhooks.OTHER_SEED))

local count = 0

--- The text of an instant so many seconds from now, as the vendor writes it.
function webhooks.timestamp(seconds)
  local instant = time.now() + time.milliseconds(math.floor((seconds or 0) * 1000))
  return (instant:iso("UTC"):gsub("%+00:00$", "Z"))
end

local function encoded(value)
  if type(value) == "table" then
    local parts = {}
    for name, content in pairs(value) do
      parts[#parts + 1] = ("%q:%s"):format(name, encoded(content))
    end
    table.sort(parts)
    return "{" .. table.concat(parts, ",") .. "}"
  end
  return type(value) == "string" and ('"%s"'):format(value) or tostring(value)
end

--- A body with an id of its own and the time of now, unless the fields have others; false leaves a field out.
function webhooks.body(fields)
  count = count + 1
  local all = {
    type = "AppointmentCreate",
    locationId = "ve9EPM428h8vShlRW1KT",
    appId = "app1",
    timestamp = webhooks.timestamp(),
    webhookId = ("00000000-0000-4000-8000-%012d"):format(count),
  }
  for name, value in pairs(fields or {}) do
    all[name] = value or nil
  end
  return encoded(all)
end

--- The signature of a body, as the header has it.
function webhooks.sign(body, seed) return crypto.to_base64(crypto.sign_ed25519(seed or webhooks.SEED, body)) end

--- Headers and body of a signed request.
function webhooks.signed(body, seed) return { ["X-GHL-Signature"] = webhooks.sign(body, seed) }, body end

local function shell(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
  local text = pipe:read "a"
  assert(pipe:close(), text)
  return text
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

--- A new RSA key, of the command line of OpenSSL.
-- @treturn string its public key (PEM)
-- @treturn function sign(body, digest) -> the signature in base64
-- @treturn function removes the private key
function webhooks.rsa_key(bits)
  local path = os.tmpname()
  local key, public, message = child.quote(path), child.quote(path .. ".pub"), child.quote(path .. ".message")
  local openssl = "env -u LD_PRELOAD openssl "
  shell(openssl .. ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:%d -out %s"):format(bits or 2048, key))
  shell(openssl .. ("pkey -in %s -pubout -out %s"):format(key, public))
  local function sign(body, digest)
    local file <close> = assert(io.open(path .. ".message", "wb"))
    assert(file:write(body))
    assert(file:close())
    shell(openssl .. ("dgst -%s -sign %s -out %s.signature %s"):format(digest or "sha256", key, key, message))
    return crypto.to_base64(read(path .. ".signature"))
  end
  local function remove() shell(("rm -f %s %s %s %s.signature"):format(key, public, message, key)) end
  return read(path .. ".pub"), sign, remove
end

return webhooks
