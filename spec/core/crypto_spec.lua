-- hoopai.crypto against published vectors, and against the command line of OpenSSL, which is another program.

local child = require "spec.support.child"
local crypto = require "hoopai.crypto"
local vectors = require "spec.support.rfc8032"

local quote = child.quote

local function bytes(hex)
  return (hex:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function hex(text)
  return (text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

--- The text with one of its bits turned over; bits are counted from 0.
local function flipped(text, bit)
  local at = bit // 8 + 1
  return text:sub(1, at - 1) .. string.char(text:byte(at) ~ (1 << bit % 8)) .. text:sub(at + 1)
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

local ED25519_PREFIX = bytes "302a300506032b6570032100"
-- What the vendor publishes.
local PUBLISHED = "8b61d1d6cacbe28d7c3bc0516bb815258ec6edbba96cddc7f40c09ac708388e8"

-- Little-endian, with both signs of x: the points whose order divides 8.
local SMALL_ORDER = {
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

describe("hoopai.crypto, Ed25519:", function()
  for _, vector in ipairs(vectors) do
    it("signs and verifies " .. vector.name .. " of RFC 8032", function()
      local seed, key = bytes(vector.seed), bytes(vector.key)
      local message, signature = bytes(vector.message), bytes(vector.signature)
      assert.are.equal(key, crypto.public_of_seed(seed))
      assert.are.equal(vector.signature, hex(crypto.sign_ed25519(seed, message)))
      assert.is_true(crypto.verify_ed25519(key, message, signature))
      assert.is_false(crypto.verify_ed25519(key, message .. "\0", signature))
    end)
  end

  it("refuses every single flipped bit of signature, message and key", function()
    local vector = vectors[3]
    local key, message, signature = bytes(vector.key), bytes(vector.message), bytes(vector.signature)
    for bit = 0, 511 do
      assert.is_false(crypto.verify_ed25519(key, message, flipped(signature, bit)), bit)
    end
    for bit = 0, #message * 8 - 1 do
      assert.is_false(crypto.verify_ed25519(key, flipped(message, bit), signature), bit)
    end
    for bit = 0, 255 do
      assert.is_false(crypto.verify_ed25519(flipped(key, bit), message, signature), bit)
    end
  end)

  it("refuses a signature of another length", function()
    local key, signature = bytes(vectors[1].key), bytes(vectors[1].signature)
    for length = 0, 63 do
      assert.is_false(crypto.verify_ed25519(key, "", signature:sub(1, length)))
    end
    assert.is_false(crypto.verify_ed25519(key, "", signature .. "\0"))
    assert.is_false(crypto.verify_ed25519(key, "", signature .. signature))
  end)

  it("refuses a second spelling of a signature: S must be below the order of the group (RFC 8032, 5.1.7)", function()
    local order = bytes "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"
    local key, signature = bytes(vectors[1].key), bytes(vectors[1].signature)
    local sum, carry = {}, 0
    for at = 1, 32 do
      carry = carry + signature:byte(32 + at) + order:byte(at)
      sum[at] = string.char(carry & 255)
      carry = carry >> 8
    end
    assert.are.equal(0, carry)
    assert.is_true(crypto.verify_ed25519(key, "", signature))
    assert.is_false(crypto.verify_ed25519(key, "", signature:sub(1, 32) .. table.concat(sum)))
  end)

  it("has no key of small order, and none in a second spelling", function()
    for _, digits in ipairs(SMALL_ORDER) do
      local kind, problem = crypto.public_key(ED25519_PREFIX .. bytes(digits))
      assert.is_nil(kind, digits)
      assert.matches("small order", problem, 1, true)
      -- R = identity, S = 0 would be right for many messages.
      for number = 1, 64 do
        local signature = bytes(SMALL_ORDER[3]) .. ("\0"):rep(32)
        assert.is_false(crypto.verify_ed25519(bytes(digits), "message " .. number, signature))
      end
    end
    for low = 0xed, 0xff do
      for _, high in ipairs { 0x7f, 0xff } do
        local raw = string.char(low) .. ("\255"):rep(30) .. string.char(high)
        local kind, problem = crypto.public_key(ED25519_PREFIX .. raw)
        assert.is_nil(kind)
        assert.matches("spelling", problem, 1, true)
        assert.is_false(crypto.verify_ed25519(raw, "", bytes(vectors[1].signature)))
      end
    end
  end)

  it("does not take a signature of small order for one of a good key", function()
    local key = bytes(PUBLISHED)
    for _, point in ipairs(SMALL_ORDER) do
      for number = 1, 16 do
        assert.is_false(crypto.verify_ed25519(key, "message " .. number, bytes(point) .. ("\0"):rep(32)))
      end
    end
  end)

  it("refuses everything for a key that is no point of the curve", function()
    assert.are.same({ "ed25519", "\2" .. ("\0"):rep(31) }, {
      crypto.public_key(ED25519_PREFIX .. "\2" .. ("\0"):rep(31)),
    })
    assert.is_false(crypto.verify_ed25519("\2" .. ("\0"):rep(31), "", bytes(vectors[1].signature)))
  end)

  it("takes a key of 32 bytes only", function()
    for _, length in ipairs { 0, 31, 33, 64 } do
      local key = ("k"):rep(length)
      assert.has_error(function() crypto.verify_ed25519(key, "", "") end)
      assert.has_error(function() crypto.sign_ed25519(key, "") end)
      assert.has_error(function() crypto.public_of_seed(key) end)
    end
  end)
end)

describe("hoopai.crypto, with keys of the command line of OpenSSL:", function()
  local folder

  local function openssl(arguments)
    local command = ("cd %s && env -u LD_PRELOAD openssl %s 2>&1"):format(quote(folder), arguments)
    local pipe = assert(io.popen(command))
    local text = pipe:read "a"
    assert(pipe:close(), text)
  end

  local function new_key(name, options)
    openssl(("genpkey %s -out %s.key"):format(options, name))
    openssl(("pkey -in %s.key -pubout -outform DER -out %s.der"):format(name, name))
    return read(folder .. "/" .. name .. ".der")
  end

  local function sign(name, digest, message)
    write(folder .. "/message", message)
    openssl(("dgst -%s -sign %s.key -out signature message"):format(digest, name))
    return read(folder .. "/signature")
  end

  local rsa

  setup(function()
    folder = os.tmpname()
    assert(os.remove(folder))
    assert(os.execute("mkdir " .. quote(folder)))
    rsa = new_key("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048")
  end)

  teardown(function() os.execute("rm -r " .. quote(folder)) end)

  it("tells Ed25519 and RSA keys apart, and refuses the others", function()
    assert.are.same({ "rsa", rsa }, { crypto.public_key(rsa) })
    local ed25519 = new_key("ed", "-algorithm ED25519")
    assert.are.same({ "ed25519", ed25519:sub(-32) }, { crypto.public_key(ed25519) })
    local others = {
      ec = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
      x25519 = "-algorithm X25519",
      ed448 = "-algorithm ED448",
      ["rsa-pss"] = "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
    }
    for name, options in pairs(others) do
      local kind, problem = crypto.public_key(new_key(name, options))
      assert.is_nil(kind, name)
      assert.are.equal("it is a key of another type than Ed25519 and RSA", problem)
    end
  end)

  it("refuses RSA keys that are weak", function()
    local weak = {
      ["of less than 2048 bits"] = "-pkeyopt rsa_keygen_bits:1024",
      ["exponent is less than 65537"] = "-pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3",
    }
    for expected, options in pairs(weak) do
      local kind, problem = crypto.public_key(new_key("weak", "-algorithm RSA " .. options))
      assert.is_nil(kind)
      assert.matches(expected, problem, 1, true)
    end
    -- Exponent 1: the signature would be the padded digest itself.
    local one = (rsa:gsub("\2\3\1\0\1", "\2\3\0\0\1"))
    assert.are_not.equal(rsa, one)
    assert.is_nil((crypto.public_key(one)))
  end)

  it("reads a key from the whole text only", function()
    for _, der in ipairs { "", "\0", rsa .. "\0", rsa:sub(1, -2), ED25519_PREFIX, ("a"):rep(70000) } do
      local kind, problem = crypto.public_key(der)
      assert.is_nil(kind)
      assert.are.equal("it is no public key in the form SubjectPublicKeyInfo", problem)
    end
    for length = 1, 64 do
      local kind = crypto.public_key(ED25519_PREFIX .. ("k"):rep(length))
      assert.are.equal(length == 32 and "ed25519" or nil, kind)
    end
  end)

  it("verifies RSA-SHA256, and refuses every flipped bit", function()
    local message = '{"type":"INSTALL"}'
    local signature = sign("rsa", "sha256", message)
    assert.are.equal(256, #signature)
    assert.is_true(crypto.verify_rsa_sha256(rsa, message, signature))
    for bit = 0, #signature * 8 - 1 do
      assert.is_false(crypto.verify_rsa_sha256(rsa, message, flipped(signature, bit)), bit)
    end
    for bit = 0, #message * 8 - 1 do
      assert.is_false(crypto.verify_rsa_sha256(rsa, flipped(message, bit), signature), bit)
    end
    for length = 0, 255 do
      assert.is_false(crypto.verify_rsa_sha256(rsa, message, signature:sub(1, length)))
    end
    assert.is_false(crypto.verify_rsa_sha256(rsa, message, "\0" .. signature))
    assert.is_false(crypto.verify_rsa_sha256(rsa, message, ("\0"):rep(256)))
    assert.is_false(crypto.verify_rsa_sha256(rsa, message, ("\255"):rep(256)))
  end)

  it("takes no other digest, and no signature of another key", function()
    assert.is_false(crypto.verify_rsa_sha256(rsa, "message", sign("rsa", "sha1", "message")))
    assert.is_false(crypto.verify_rsa_sha256(rsa, "message", sign("rsa", "sha512", "message")))
    new_key("other", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048")
    assert.is_false(crypto.verify_rsa_sha256(rsa, "message", sign("other", "sha256", "message")))
  end)

  it("verifies what OpenSSL signs with Ed25519, and OpenSSL what it signs", function()
    local key = select(2, crypto.public_key(new_key("ed", "-algorithm ED25519")))
    write(folder .. "/message", "a message")
    openssl "pkeyutl -sign -inkey ed.key -rawin -in message -out signature"
    assert.is_true(crypto.verify_ed25519(key, "a message", read(folder .. "/signature")))
    local seed = bytes(vectors[2].seed)
    write(folder .. "/signature", crypto.sign_ed25519(seed, "a message"))
    write(folder .. "/our.der", ED25519_PREFIX .. crypto.public_of_seed(seed))
    openssl "pkeyutl -verify -pubin -keyform DER -inkey our.der -rawin -in message -sigfile signature"
  end)

  it("raises for an RSA key that was never read", function()
    assert.has_error(function() crypto.verify_rsa_sha256("no key", "", "") end)
  end)
end)

describe("hoopai.crypto, digests:", function()
  it("gives the published SHA-256 digests (FIPS 180-4)", function()
    local LONG = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    local published = {
      [""] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      [LONG] = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      ["\xbd"] = "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b",
      [("a"):rep(1000000)] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    }
    for text, digest in pairs(published) do
      assert.are.equal(digest, hex(crypto.sha256(text)))
    end
  end)

  it("gives the HMAC-SHA256 of RFC 4231", function()
    local cases = {
      { ("0b"):rep(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
      {
        hex "Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      },
      { ("aa"):rep(20), ("\xdd"):rep(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
      {
        ("aa"):rep(131),
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[3], hex(crypto.hmac_sha256(bytes(case[1]), case[2])))
    end
  end)

  it("has no HMAC without a secret", function()
    assert.has_error(function() crypto.hmac_sha256("", "message") end)
    assert.has_error(function() crypto.hmac_sha256(("s"):rep(65537), "message") end)
  end)

  it("compares", function()
    assert.is_true(crypto.equal("", ""))
    assert.is_true(crypto.equal("a\0b", "a\0b"))
    for _, other in ipairs { "", "a", "a\0", "a\0c", "b\0b", "a\0b\0", "A\0b" } do
      assert.is_false(crypto.equal("a\0b", other))
    end
  end)

  it("takes strings only", function()
    for _, wrong in ipairs { 5, {}, true, print } do
      for name, fn in pairs(crypto) do
        assert.has_error(function() fn(wrong, wrong, wrong) end, nil, name)
      end
    end
    for _, fn in pairs(crypto) do
      assert.has_error(fn)
    end
  end)
end)

describe("hoopai.crypto, base64:", function()
  it("writes the examples of RFC 4648, section 10, and reads them", function()
    local examples = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" }
    for length, text in ipairs(examples) do
      local plain = ("foobar"):sub(1, length - 1)
      assert.are.equal(text, crypto.to_base64(plain))
      assert.are.equal(plain, crypto.from_base64(text))
    end
  end)

  it("reads all bytes back, at every length", function()
    local all = {}
    for byte = 0, 255 do
      all[#all + 1] = string.char(byte)
    end
    local text = table.concat(all):rep(3)
    for length = 0, #text do
      assert.are.equal(text:sub(1, length), crypto.from_base64(crypto.to_base64(text:sub(1, length))))
    end
  end)

  it("reads no second spelling of the same bytes", function()
    -- stylua: ignore
    local loose = {
      "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "Zm9v=", "Zm9v====", " Zg==", "Zg== ", "Zg==\n", "Zm\n9v", "Z g=",
      "=", "==", "===", "====", "Zg==Zg==", "Z===", "Zm9v\0\0\0\0", "____", "----", "Zm9-", "Zm9_", "Zm8=Zm9v", "Zm9é",
    }
    for _, text in ipairs(loose) do
      assert.is_nil(crypto.from_base64(text), text)
    end
    for byte = 0, 255 do
      local digit = string.char(byte)
      local is_digit = byte < 128 and digit:find "[%w+/=]" ~= nil -- "AAA=" are two bytes
      assert.are.equal(is_digit, crypto.from_base64("AAA" .. digit) ~= nil, byte)
    end
  end)

  describe("seal and open", function()
    -- Test cases 13, 14 and 16 of the specification of GCM (McGrew and Viega), which are in NIST's vectors too.
    local cases = {
      {
        key = ("00"):rep(32),
        nonce = ("00"):rep(12),
        text = "",
        name = "",
        sealed = "",
        tag = "530f8afbc74536b9a963b4f1c4cb738b",
      },
      {
        key = ("00"):rep(32),
        nonce = ("00"):rep(12),
        text = ("00"):rep(16),
        name = "",
        sealed = "cea7403d4d606b6e074ec5d3baf39d18",
        tag = "d0d1c8a799996bf0265b98b5d48ab919",
      },
      {
        key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        nonce = "cafebabefacedbaddecaf888",
        text = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
          .. "b16aedf5aa0de657ba637b39",
        name = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        sealed = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
          .. "c5f61e6393ba7a0abcc9f662",
        tag = "76fc6ece0f4e1768cddf8853bb2d551b",
      },
    }

    it("read published vectors, and refuse them with any bit changed", function()
      for _, case in ipairs(cases) do
        local key, name = bytes(case.key), bytes(case.name)
        local sealed = bytes(case.nonce .. case.sealed .. case.tag)
        assert.are.equal(case.text, hex(crypto.open(key, sealed, name)))
        for bit = 0, #sealed * 8 - 1 do
          assert.is_nil(crypto.open(key, flipped(sealed, bit), name))
        end
        for bit = 0, #name * 8 - 1 do
          assert.is_nil(crypto.open(key, sealed, flipped(name, bit)))
        end
        for bit = 0, #key * 8 - 1 do
          assert.is_nil(crypto.open(flipped(key, bit), sealed, name))
        end
      end
    end)

    it("give back any text, with another nonce each time", function()
      local key, nonces = ("k"):rep(32), {}
      for length = 0, 300 do
        local text = ("x"):rep(length)
        local sealed = crypto.seal(key, text, "name")
        assert.are.equal(length + 28, #sealed)
        assert.are.equal(text, crypto.open(key, sealed, "name"))
        local nonce = sealed:sub(1, 12)
        assert.is_nil(nonces[nonce])
        nonces[nonce] = true
      end
      for length = 0, 27 do
        assert.is_nil(crypto.open(key, ("x"):rep(length), "name"))
      end
    end)

    it("refuse arguments of another length or type", function()
      assert.has_error(function() crypto.seal("short", "text", "name") end)
      assert.has_error(function() crypto.open(("k"):rep(33), "text", "name") end)
      assert.has_error(function() crypto.seal(("k"):rep(32), 5, "name") end)
      assert.has_error(function() crypto.seal(("k"):rep(32), "text") end)
      assert.has_error(function() crypto.seal(("k"):rep(32), ("x"):rep(1048577), "name") end)
    end)
  end)
end)
