local crypto = require "hoopai.crypto"
local keys = require "hoopai.webhook.keys"
local webhooks = require "spec.support.webhooks"

describe("hoopai.webhook.keys:", function()
  it("has the vendor's keys as they are published", function()
    local kind, key = keys.read(keys.ED25519)
    assert.are.equal("ed25519", kind)
    -- The 32 bytes of the key on the vendor's page.
    local digits = key:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
    assert.are.equal("8b61d1d6cacbe28d7c3bc0516bb815258ec6edbba96cddc7f40c09ac708388e8", digits)
    local rsa_kind, der = keys.read(keys.RSA)
    assert.are.equal("rsa", rsa_kind)
    assert.are.equal(550, #der)
    assert.is_false(crypto.verify_ed25519(key, "{}", ("\0"):rep(64)))
    assert.is_false(crypto.verify_rsa_sha256(der, "{}", ("\1"):rep(512)))
  end)

  it("reads PEM with line breaks of all kinds, and the base64 within", function()
    local base64 = webhooks.KEY:match "\n(.-)\n"
    for _, text in ipairs {
      webhooks.KEY,
      "\n\n" .. webhooks.KEY .. "\n",
      (webhooks.KEY:gsub("\n", "\r\n")),
      (webhooks.KEY:gsub("\n", "\\n")),
      (webhooks.KEY:gsub("\n", " ")),
      base64,
      base64 .. "\n",
    } do
      assert.are.same({ keys.read(webhooks.KEY) }, { keys.read(text) })
    end
  end)

  it("says why a text is no key, without a quotation", function()
    local base64 = webhooks.KEY:match "\n(.-)\n"
    local refused = {
      [""] = "it is empty",
      ["  \n"] = "it is empty",
      ["not a key!"] = "it is not base64, or not the whole key",
      [base64:sub(1, -3)] = "it is not base64, or not the whole key",
      [webhooks.KEY:gsub("END PUBLIC", "END")] = "it is not one public key that begins with -----BEGIN PUBLIC KEY-----",
      [webhooks.KEY .. webhooks.OTHER_KEY] = "it is not base64, or not the whole key",
      ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] = "it is not one public key that begins with "
        .. "-----BEGIN PUBLIC KEY-----",
      ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] = "it is a private key: only its public key "
        .. "belongs here",
      [crypto.to_base64(("k"):rep(32))] = "it is no public key in the form SubjectPublicKeyInfo",
    }
    for text, expected in pairs(refused) do
      local kind, problem = keys.read(text)
      assert.is_nil(kind)
      assert.are.equal(expected, problem)
    end
  end)
end)
