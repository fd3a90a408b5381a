-- What a receiver of webhooks refuses: every kind of forgery that is listed here, and every single flipped bit.

local crypto = require "hoopai.crypto"
local hoopai = require "hoopai"
local rsa_of_vendor = require("hoopai.webhook.keys").RSA
local webhooks = require "spec.support.webhooks"

local KEY = webhooks.KEY
local GHL, WH = "X-GHL-Signature", "X-WH-Signature"

local function flipped(text, bit)
  local at = bit // 8 + 1
  return text:sub(1, at - 1) .. string.char(text:byte(at) ~ (1 << bit % 8)) .. text:sub(at + 1)
end

--- The sample of the vendor's page AppointmentCreate, with the envelope that its traffic has.
local function sample()
  return webhooks.body {
    appointment = {
      id = "0TkCdp9PfvLeWKYRRvIz",
      address = "My Address",
      title = "My Calendar",
      calendarId = "BqTwX8QFwXzpegMve9EQ",
      contactId = "9NkT25Vor1v4aQatFsv2",
      groupId = "9NkT25Vor1v4aQatFsv2",
      appointmentStatus = "confirmed",
      assignedUserId = "YlWd2wuCAZQzh2cH1fVZ",
      notes = "Some dummy note",
      source = "booking_widget",
      startTime = "2023-09-25T16:00:00+05:30",
      endTime = "2023-09-25T16:00:00+05:30",
      dateAdded = "2023-09-25T16:00:00+05:30",
      dateUpdated = "2023-09-25T16:00:00+05:30",
    },
  }
end

local rsa, rsa_sign, remove_rsa

-- Title -> function(body), which returns headers, body, and the receiver if it is not that of the test key; or the kind
-- of the error as a fourth value. The body is one that the sender signed.
local forgeries = {}
local listed = 0

local function forgery(title, fn)
  assert(not forgeries[title], title)
  forgeries[title] = fn
  listed = listed + 1
end

-- Headers

forgery("no header at all", function(body) return {}, body end)
forgery("an empty signature", function(body) return { [GHL] = "" }, body end)
forgery("a signature of blanks", function(body) return { [GHL] = "   " }, body end)
forgery("N/A, which stands for no signature", function(body) return { [GHL] = "N/A" }, body end)
forgery("N/A beside the old header", function(body) return { [GHL] = "N/A", [WH] = rsa_sign(body) }, body end)
forgery("the header twice, as a list", function(body) return { [GHL] = { webhooks.sign(body), "x" } }, body end)
forgery("the header twice, both right", function(body)
  local right = webhooks.sign(body)
  return { [GHL] = { right, right } }, body
end)
forgery(
  "the header twice, in two cases",
  function(body) return { [GHL] = webhooks.sign(body), ["x-ghl-signature"] = "AAAA" }, body end
)
forgery("the header twice, of a function", function(body)
  local right = webhooks.sign(body)
  return function() return right, right end, body
end)
forgery("two signatures with a comma", function(body) return { [GHL] = "AAAA, " .. webhooks.sign(body) }, body end)
forgery("an empty list of headers", function(body) return { [GHL] = {} }, body end)
forgery("a header that is true", function(body) return { [GHL] = true }, body end)
forgery("a header that is a number", function(body)
  return function() return 1 end, body
end)
forgery(
  "the signature in another header",
  function(body) return { [WH] = webhooks.sign(body), ["X-Signature"] = webhooks.sign(body) }, body end
)
forgery("the header's name with a blank", function(body) return { [GHL .. " "] = webhooks.sign(body) }, body end)
forgery("the header's name with _", function(body) return { X_GHL_Signature = webhooks.sign(body) }, body end)
forgery("a header by a metamethod", function(body)
  return setmetatable({}, { __index = function() return webhooks.sign(body) end }), body
end)

-- Encoding

for title, change in pairs {
  ["a blank before it"] = function(text) return " " .. text end,
  ["a blank behind it"] = function(text) return text .. " " end,
  ["a line break behind it"] = function(text) return text .. "\r\n" end,
  ["a line break within"] = function(text) return text:sub(1, 40) .. "\n" .. text:sub(41) end,
  ["no padding"] = function(text) return (text:gsub("=", "")) end,
  ["more padding"] = function(text) return text .. "=" end,
  ["unused bits"] = function(text)
    local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    local at = digits:find(text:sub(-3, -3), 1, true)
    return text:sub(1, -4) .. digits:sub(at + 1, at + 1) .. "=="
  end,
  ["a tab before it"] = function(text) return "\t" .. text end,
  ["characters escaped as in an address"] = function(text) return (text:gsub("[+/=]", { ["="] = "%3D" })) end,
  ["the prefix sha256="] = function(text) return "sha256=" .. text end,
  ["the prefix ed25519="] = function(text) return "ed25519=" .. text end,
  ["quotes around it"] = function(text) return '"' .. text .. '"' end,
  ["a NUL byte behind it"] = function(text) return text .. "\0" end,
  ["hexadecimal digits"] = function(text)
    return (crypto.from_base64(text):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
  end,
  ["the raw bytes"] = function(text) return crypto.from_base64(text) end,
  ["lower case"] = string.lower,
  ["a byte too many"] = function(text) return crypto.to_base64(crypto.from_base64(text) .. "\0") end,
  ["a byte too few"] = function(text) return crypto.to_base64(crypto.from_base64(text):sub(1, 63)) end,
} do
  forgery("the signature with " .. title, function(body) return { [GHL] = change(webhooks.sign(body)) }, body end)
end

forgery("the signature in the alphabet of addresses", function()
  local body, text
  repeat
    body = sample()
    text = webhooks.sign(body)
  until text:find "[+/]"
  return { [GHL] = (text:gsub("[+/]", { ["+"] = "-", ["/"] = "_" })) }, body
end)

-- Bodies

for title, change in pairs {
  ["encoded again: a blank behind each comma"] = function(body) return (body:gsub(",", ", ")) end,
  ["encoded again: in another order"] = function(body) return (body:gsub('^{("[^,]*"),(.*)}$', "{%2,%1}")) end,
  ["encoded again: by the library"] = function(body) return (hoopai.encode(hoopai.decode(body)):gsub("^{", "{ ")) end,
  ["encoded again: slashes escaped"] = function(body) return (body:gsub("/", "\\/"):gsub("%-", "\\u002d")) end,
  ["with a line break behind it"] = function(body) return body .. "\n" end,
  ["with a byte order mark"] = function(body) return "\239\187\191" .. body end,
  ["with another field"] = function(body) return (body:gsub("^{", '{"trial":true,')) end,
  ["of another type"] = function(body) return (body:gsub("AppointmentCreate", "UNINSTALL")) end,
  ["cut off"] = function(body) return body:sub(1, -2) end,
  ["that is empty"] = function() return "" end,
} do
  forgery("a body " .. title, function(body)
    local headers = webhooks.signed(body)
    return headers, change(body)
  end)
end
forgery("a decoded body", function(body) return webhooks.signed(body), { type = "INSTALL" } end)
forgery("no body", function(body) return webhooks.signed(body), nil end)
forgery("a body that is a number", function() return webhooks.signed "5", 5 end)
forgery(
  "a body that is too large",
  function(body) return webhooks.signed(body), body .. (" "):rep(1048576), nil, "too_large" end
)
forgery(
  "the signature of another webhook",
  function(body) return webhooks.signed(webhooks.body { type = "AppointmentDelete" }), body end
)

-- Keys and schemes

local function forged(title, fn)
  forgery(title, function(body)
    local headers, receiver = fn(body)
    return headers, body, receiver
  end)
end

forged("the key of another sender", function(body) return (webhooks.signed(body, webhooks.OTHER_SEED)) end)
forged("a right signature, for the vendor's key", function(body) return webhooks.signed(body), hoopai.webhook {} end)
forged("no key", function(body) return webhooks.signed(body), hoopai.webhook { keys = {} } end)
forged("an empty key", function(body) return webhooks.signed(body), hoopai.webhook { keys = { "" } } end)
forged(
  "a right key beside one that is none",
  function(body) return webhooks.signed(body), hoopai.webhook { keys = { KEY, "-----BEGIN PUBLIC KEY-----" } } end
)
for title, raw in pairs {
  ["of 31 bytes"] = crypto.public_of_seed(webhooks.SEED):sub(1, 31),
  ["of 33 bytes"] = crypto.public_of_seed(webhooks.SEED) .. "\0",
  ["that is the neutral point"] = "\1" .. ("\0"):rep(31),
  ["of order 2"] = "\236" .. ("\255"):rep(30) .. "\127",
  ["of order 4"] = ("\0"):rep(32),
  ["in a second spelling"] = "\238" .. ("\255"):rep(30) .. "\127",
  ["of order 8"] = "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
    .. "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
  ["of order 8, the other half"] = "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
    .. "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\xfa",
} do
  forged("a key " .. title .. ", and its signature by anyone", function()
    local anyone = crypto.to_base64("\1" .. ("\0"):rep(63))
    return { [GHL] = anyone }, hoopai.webhook { keys = { webhooks.pem(raw) } }
  end)
end
for title, text in pairs {
  ["another type (P-256)"] = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMkNsdlCqNJZutClliy0cMJSQiV8oaBdOh7VT51tDCqib"
    .. "gwv14q60W58ZFCH6pCVYJWdd3M9qBIz0Xo8JEhAyfg==",
  ["another type (X25519)"] = crypto.to_base64(
    "\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\0" .. crypto.public_of_seed(webhooks.SEED)
  ),
  ["no type: 32 raw bytes"] = crypto.to_base64(crypto.public_of_seed(webhooks.SEED)),
} do
  forged("a key of " .. title, function(body) return webhooks.signed(body), hoopai.webhook { keys = { text } } end)
end
forged("a signature of a small point and 0", function() return { [GHL] = crypto.to_base64("\1" .. ("\0"):rep(63)) } end)
forged("a signature of zeros", function() return { [GHL] = crypto.to_base64(("\0"):rep(64)) } end)
forged("a signature whose S is beyond the order of the group", function(body)
  local signature = crypto.from_base64(webhooks.sign(body))
  local order = "\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14" .. ("\0"):rep(15) .. "\x10"
  local sum, carry = {}, 0
  for at = 1, 32 do
    carry = carry + signature:byte(32 + at) + order:byte(at)
    sum[at], carry = string.char(carry & 255), carry >> 8
  end
  return { [GHL] = crypto.to_base64(signature:sub(1, 32) .. table.concat(sum)) }
end)
forged(
  "an RSA key for the scheme Ed25519",
  function(body) return { [GHL] = rsa_sign(body) }, hoopai.webhook { keys = { rsa } } end
)
forged("an RSA signature in the header of Ed25519", function(body) return { [GHL] = rsa_sign(body) } end)
forged("the old header alone, right, for Ed25519", function(body) return { [WH] = rsa_sign(body) } end)
forged(
  "an Ed25519 key for the scheme RSA",
  function(body) return { [WH] = webhooks.sign(body) }, hoopai.webhook { rsa = true, keys = { KEY } } end
)
forged(
  "the new header alone, right, for RSA",
  function(body) return webhooks.signed(body), hoopai.webhook { rsa = true, keys = { rsa } } end
)
forged(
  "RSA with SHA-1",
  function(body) return { [WH] = rsa_sign(body, "sha1") }, hoopai.webhook { rsa = true, keys = { rsa } } end
)
forged(
  "an RSA signature for the vendor's key",
  function(body) return { [WH] = rsa_sign(body) }, hoopai.webhook { rsa = true } end
)

local function hmac(secret, encoding)
  return hoopai.webhook { secret = secret, header = "x-wl-signature", encoding = encoding or "base64" }
end

forged(
  "an HMAC with the public key as secret",
  function(body)
    return { ["x-wl-signature"] = crypto.to_base64(crypto.hmac_sha256(rsa_of_vendor, body)) }, hmac(rsa_of_vendor)
  end
)
local bare = rsa_of_vendor:gsub("%-%-%-%-%-[%u ]+%-%-%-%-%-", ""):gsub("%s", "")
forged(
  "an HMAC with the base64 of the public key as secret",
  function(body) return { ["x-wl-signature"] = crypto.to_base64(crypto.hmac_sha256(bare, body)) }, hmac(bare) end
)
forged(
  "an HMAC in the header of Ed25519, with its key as secret",
  function(body) return { [GHL] = crypto.to_base64(crypto.hmac_sha256(KEY, body)) } end
)
forged("an HMAC with an empty secret", function() return { ["x-wl-signature"] = ("0"):rep(64) }, hmac("", "hex") end)
forged(
  "an HMAC with another secret",
  function(body) return { ["x-wl-signature"] = crypto.to_base64(crypto.hmac_sha256("guess", body)) }, hmac "secret" end
)
forged(
  "a digest without a secret",
  function(body) return { ["x-wl-signature"] = crypto.to_base64(crypto.sha256(body)) }, hmac "secret" end
)
forged(
  "an HMAC in the other encoding",
  function(body)
    return { ["x-wl-signature"] = crypto.to_base64(crypto.hmac_sha256("secret", body)) }, hmac("secret", "hex")
  end
)
forged(
  "an HMAC that is cut off",
  function(body)
    return { ["x-wl-signature"] = crypto.to_base64(crypto.hmac_sha256("secret", body):sub(1, 16)) }, hmac "secret"
  end
)
forged(
  "a signature of Ed25519 for HMAC",
  function(body) return { ["x-wl-signature"] = webhooks.sign(body) }, hmac "secret" end
)
forged(
  "the webhook of another app, signed by the vendor",
  function(body) return webhooks.signed(body), hoopai.webhook { keys = { KEY }, app_id = "app2" } end
)

-- Replays, all of them signed

local function replay(title, kind, fields, options)
  forgery(title, function()
    local given = { keys = { KEY } }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    local headers, body = webhooks.signed(webhooks.body(fields()))
    return headers, body, hoopai.webhook(given), kind
  end)
end

replay("a replay outside of max_age", "stale", function() return { timestamp = webhooks.timestamp(-86402) } end)
replay(
  "a replay outside of a smaller max_age",
  "stale",
  function() return { timestamp = webhooks.timestamp(-62) } end,
  { max_age = 60 }
)
replay("a webhook of the future", "stale", function() return { timestamp = webhooks.timestamp(302) } end)
replay("a webhook of the far future", "stale", function() return { timestamp = "9999-12-31T23:59:59Z" } end)
replay("a webhook without a time", "stale", function() return { timestamp = false } end)
replay("a time without an offset", "stale", function() return { timestamp = "2026-11-30T10:00:00" } end)
replay("a time in seconds", "stale", function() return { timestamp = os.time() } end)
replay("a time that is a table", "stale", function() return { timestamp = { now = 1 } } end)
replay("a time before Christ", "stale", function() return { timestamp = -62135596800000 } end)
for _, change in ipairs { "as it is", "with other headers", "by a function" } do
  forgery("a replay inside of max_age, " .. change, function(body)
    local receiver = hoopai.webhook { keys = { KEY } }
    local headers = webhooks.signed(body)
    assert(receiver:verify(headers, body))
    local right = headers[GHL]
    if change == "with other headers" then headers = { ["x-ghl-SIGNATURE"] = { right }, Host = "other" } end
    if change == "by a function" then headers = function(name) return name == "x-ghl-signature" and right or nil end end
    return headers, body, receiver, "replayed"
  end)
end
forgery("a second body of the same id", function(body)
  local receiver = hoopai.webhook { keys = { KEY } }
  assert(receiver:verify(webhooks.signed(body)))
  local other = (body:gsub("AppointmentCreate", "AppointmentDelete"))
  local headers = webhooks.signed(other)
  return headers, other, receiver, "replayed"
end)
forgery("a replay of a webhook without an id", function()
  local receiver = hoopai.webhook { keys = { KEY } }
  local headers, body = webhooks.signed(webhooks.body { webhookId = false })
  assert(receiver:verify(headers, body))
  return headers, body, receiver, "replayed"
end)
forgery("a replay after many other webhooks", function(body)
  local receiver = hoopai.webhook { keys = { KEY }, max_claims = 3 }
  assert(receiver:verify(webhooks.signed(body)))
  for number = 1, 5 do
    assert(receiver:verify(webhooks.signed(webhooks.body { timestamp = webhooks.timestamp(number) })))
  end
  local headers = webhooks.signed(body)
  return headers, body, receiver, "stale"
end)
for title, text in pairs {
  ["a list"] = "[]",
  ["a text"] = '"INSTALL"',
  ["broken JSON"] = '{"type":"INSTALL"',
  ["JSON with a NUL byte"] = '{"type":"INST\0ALL"}',
  ["JSON of 100 levels"] = ('{"a":'):rep(100) .. "1" .. ("}"):rep(100),
} do
  forgery("a signed body that is " .. title, function()
    local headers = webhooks.signed(text)
    return headers, text, nil, "decode"
  end)
end

describe("a receiver of webhooks refuses", function()
  setup(function()
    rsa, rsa_sign, remove_rsa = webhooks.rsa_key()
  end)

  teardown(function() remove_rsa() end)

  it("at least 40 kinds of forgery", function() assert.is_true(listed >= 40, listed) end)

  for title, make in pairs(forgeries) do
    it(title, function()
      local own = hoopai.webhook { keys = { KEY } }
      local body = sample()
      local headers, given, receiver, kind = make(body)
      local event, err = (receiver or own):verify(headers, given)
      assert.is_nil(event)
      assert.are.equal(kind or "signature", err.kind)
      assert.is_true(#err.message > 20)
      assert.are.equal("no", err.applied)
      -- What was refused claims no id.
      assert(own:verify(webhooks.signed(body)))
    end)
  end

  it("every single flipped bit of signature and body, over the whole sample", function()
    local receiver = hoopai.webhook { keys = { KEY } }
    local body = sample()
    local signature = crypto.from_base64(webhooks.sign(body))
    for bit = 0, #signature * 8 - 1 do
      local event, err = receiver:verify({ [GHL] = crypto.to_base64(flipped(signature, bit)) }, body)
      assert.is_true(event == nil and err.kind == "signature", bit)
    end
    local header = webhooks.sign(body)
    for bit = 0, #header * 8 - 1 do
      local event, err = receiver:verify({ [GHL] = flipped(header, bit) }, body)
      assert.is_true(event == nil and err.kind == "signature", bit)
    end
    for bit = 0, #body * 8 - 1 do
      local event, err = receiver:verify({ [GHL] = header }, flipped(body, bit))
      assert.is_true(event == nil and err.kind == "signature", bit)
    end
    assert(receiver:verify({ [GHL] = header }, body))
  end)

  it("every single flipped bit of an RSA signature and its body", function()
    local receiver = hoopai.webhook { rsa = true, keys = { rsa } }
    local body = webhooks.body { type = "INSTALL" }
    local header = rsa_sign(body)
    local signature = crypto.from_base64(header)
    for bit = 0, #signature * 8 - 1 do
      assert.is_nil((receiver:verify({ [WH] = crypto.to_base64(flipped(signature, bit)) }, body)), bit)
    end
    for bit = 0, #body * 8 - 1 do
      assert.is_nil((receiver:verify({ [WH] = header }, flipped(body, bit))), bit)
    end
    assert(receiver:verify({ [WH] = header }, body))
  end)
end)

describe("a receiver of webhooks takes", function()
  setup(function()
    rsa, rsa_sign, remove_rsa = webhooks.rsa_key()
  end)

  teardown(function() remove_rsa() end)

  it("its header in any case, as a list of one, and by a function", function()
    local receiver = hoopai.webhook { keys = { KEY } }
    for _, shape in ipairs {
      function(text) return { [GHL] = text } end,
      function(text) return { ["x-ghl-signature"] = text, [WH] = "N/A" } end,
      function(text) return { ["X-Ghl-Signature"] = { text }, [1] = "x" } end,
      function(text)
        return function(name) return name == "x-ghl-signature" and text or nil end
      end,
    } do
      local body = sample()
      local event, err = receiver:verify(shape(webhooks.sign(body)), body)
      assert(event, err)
      assert.are.equal(body, event.raw)
    end
  end)

  it("either of two keys, while the sender changes its key", function()
    local receiver = hoopai.webhook { keys = { KEY, webhooks.OTHER_KEY } }
    assert(receiver:verify(webhooks.signed(sample())))
    assert(receiver:verify(webhooks.signed(sample(), webhooks.OTHER_SEED)))
  end)

  it("RSA and HMAC where they are asked for", function()
    local body = sample()
    assert(hoopai.webhook({ rsa = true, keys = { rsa } }):verify({ [WH] = rsa_sign(body) }, body))
    local mac = crypto.hmac_sha256("secret", body)
    local hex = mac:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
    assert(hmac("secret"):verify({ ["X-WL-Signature"] = crypto.to_base64(mac) }, body))
    assert(hmac("secret", "hex"):verify({ ["X-WL-Signature"] = hex }, body))
    assert(hmac("secret", "hex"):verify({ ["X-WL-Signature"] = hex:upper() }, body))
  end)

  it("what the sender sends again after hours, and clocks that differ", function()
    local receiver = hoopai.webhook { keys = { KEY } }
    for _, seconds in ipairs { 0, -60, -41000, -86000, 60, 290 } do
      assert(receiver:verify(webhooks.signed(webhooks.body { timestamp = webhooks.timestamp(seconds) })))
    end
    assert(receiver:verify(webhooks.signed(webhooks.body { timestamp = os.time() * 1000 })))
    assert(receiver:verify(webhooks.signed(webhooks.body { timestamp = tostring(os.time() * 1000) })))
    local ageless = hoopai.webhook { keys = { KEY }, max_age = false }
    assert(ageless:verify(webhooks.signed(webhooks.body { timestamp = false })))
    assert(ageless:verify(webhooks.signed(webhooks.body { timestamp = "2020-01-01T00:00:00Z" })))
  end)

  it("the largest body, and no byte more", function()
    local receiver = hoopai.webhook { keys = { KEY }, max_body = 1000 }
    local body = webhooks.body()
    body = body .. (" "):rep(1000 - #body)
    local _, err = receiver:verify(webhooks.signed(body .. " "))
    assert.are.equal("too_large", err.kind)
    assert(receiver:verify(webhooks.signed(body)))
  end)

  it("a delivery after `release`, once", function()
    local receiver = hoopai.webhook { keys = { KEY } }
    local headers, body = webhooks.signed(sample())
    local event = assert(receiver:verify(headers, body))
    assert.is_true(receiver:release(event))
    assert(receiver:verify(headers, body))
    local _, err = receiver:verify(headers, body)
    assert.are.equal("replayed", err.kind)
  end)
end)

describe("the option `claim` of a receiver", function()
  local function receiver_of(claim, release)
    local given = { keys = { KEY }, claim = claim, release = release }
    return hoopai.webhook(given)
  end

  it("is called last, with the id and how long it is needed", function()
    local calls = {}
    local receiver = receiver_of(function(...)
      calls[#calls + 1] = table.pack(...)
      return true
    end)
    receiver:verify({}, sample())
    receiver:verify(webhooks.signed(webhooks.body { timestamp = false }))
    receiver:verify(webhooks.signed "{}")
    assert.are.same({}, calls)
    assert(receiver:verify(webhooks.signed(webhooks.body { webhookId = "w1" })))
    assert.are.same({ { "w1", 86400 + 300, n = 2 } }, calls)
  end)

  it("refuses with false or nil, and says so if the id could not be claimed", function()
    for _, nothing in ipairs { false, "nil" } do
      local _, err = receiver_of(function()
        if nothing == false then return false end
        return nil
      end):verify(webhooks.signed(sample()))
      assert.are.equal("replayed", err.kind)
      assert.is_false(err.retryable)
    end
    for _, claim in ipairs { function() return nil, "no connection" end, function() error("no connection", 0) end } do
      local _, err = receiver_of(claim):verify(webhooks.signed(sample()))
      assert.are.equal("store", err.kind)
      assert.is_true(err.retryable)
      assert.matches("no connection", err.message, 1, true)
    end
  end)

  it("must return true or false: what is true in Lua alone takes no webhook", function()
    for _, value in ipairs { "OK", 0, 1, {} } do
      local _, err = receiver_of(function() return value end):verify(webhooks.signed(sample()))
      assert.are.equal("store", err.kind)
      assert.matches(("`claim` returned a %s, and must return true or false"):format(type(value)), err.message, 1, true)
    end
  end)

  it("may wait in a task", function()
    local receiver = receiver_of(function()
      hoopai.sleep(0)
      return true
    end)
    hoopai.run(function() assert(receiver:verify(webhooks.signed(sample()))) end)
  end)

  it("goes with `release`", function()
    local released = {}
    local receiver = receiver_of(function() return true end, function(id) released[#released + 1] = id end)
    local event = assert(receiver:verify(webhooks.signed(webhooks.body { webhookId = "w1" })))
    event.webhookId = "another one"
    assert.is_true(receiver:release(event))
    assert.are.same({ "w1" }, released)
    for _, release in ipairs { function() return nil, "gone" end, function() error "gone" end } do
      receiver = receiver_of(function() return true end, release)
      local done, err = receiver:release(assert(receiver:verify(webhooks.signed(sample()))))
      assert.is_nil(done)
      assert.are.equal("store", err.kind)
      assert.matches("gone", err.message, 1, true)
    end
    receiver = receiver_of(function() return true end)
    event = assert(receiver:verify(webhooks.signed(sample())))
    assert.has_error(function() receiver:release(event) end)
  end)
end)
