--- Webhooks: no headers and body pass without a signature, and any body that is signed is an event or refused, once.
-- The first byte says what the rest is; headers end at the first NUL byte.

local crypto = require "hoopai.crypto"
local hoopai = require "hoopai"

local SEED, OTHER = ("seed"):rep(8), ("else"):rep(8)
local DER = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
local KEY = crypto.to_base64(DER .. crypto.public_of_seed(SEED))
local KINDS = { signature = true, stale = true, replayed = true, decode = true, too_large = true }

local OPTIONS = { keys = { KEY }, max_age = false, max_body = 3000, max_claims = 3 }

local function receiver_of() return hoopai.webhook(OPTIONS) end

local function refused(event, err)
  assert(event == nil, "taken")
  assert(KINDS[err.kind] and err.message ~= "" and not tostring(err):find "%c", "a refusal without a reason")
  return err.kind
end

--- Lines of `name: value`, of which some may have one name.
local function check_unsigned(bytes)
  local head, body = bytes:match "^(%Z*)%z?(.*)$"
  local headers = {}
  for name, value in head:gmatch "([^:\n]+):([^\n]*)" do
    local before = headers[name]
    headers[name] = before and { before, value } or value
  end
  assert(refused(receiver_of():verify(headers, body)) ~= "decode", "read before it was proven")
  local function given() return head, body end
  assert(refused(receiver_of():verify(given, body)) ~= "decode", "read before it was proven")
end

local function check_signed(body)
  local receiver = receiver_of()
  local headers = { ["x-ghl-signature"] = crypto.to_base64(crypto.sign_ed25519(SEED, body)) }
  local forged = { ["x-ghl-signature"] = crypto.to_base64(crypto.sign_ed25519(OTHER, body)) }
  refused(receiver:verify(forged, body))
  local event, err = receiver:verify(headers, body)
  if not event then return refused(event, err) end
  assert(event.raw == body and type(event.instants) == "table", "another event")
  assert(not tostring(event):find "%c", "a text that commands a terminal")
  assert(refused(receiver:verify(headers, body)) == "replayed", "taken twice")
  assert(receiver:release(event))
  assert(receiver:verify(headers, body), "not taken after its release")
end

local checks = { [0] = check_unsigned, check_signed }

return function(bytes) checks[(bytes:byte(1) or 0) % 2](bytes:sub(2)) end
