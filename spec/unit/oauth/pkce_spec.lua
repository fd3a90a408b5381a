-- SHA-256 against the vectors of FIPS 180-4 and its examples, and against another make of it.

local digest = require "openssl.digest"
local pkce = require "hoopai.oauth.pkce"

local sha256 = pkce.sha256

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

describe("hoopai.oauth.pkce:", function()
  local vectors = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    {
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    },
    {
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        .. "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    },
    { "\xbd", "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b" },
  }
  for index, vector in ipairs(vectors) do
    it(
      "gives the published digest of vector " .. index,
      function() assert.are.equal(vector[2], hex(sha256(vector[1]))) end
    )
  end

  it(
    "agrees with OpenSSL for 100,000 letters",
    function() assert.are.equal(hex(digest.new("sha256"):final(("a"):rep(100000))), hex(sha256(("a"):rep(100000)))) end
  )

  it("agrees with OpenSSL for each length around the block's ends, and for all bytes", function()
    local bytes = {}
    for byte = 0, 255 do
      bytes[#bytes + 1] = string.char(byte)
    end
    local all = table.concat(bytes)
    for length = 0, 256 do
      assert.are.equal(digest.new("sha256"):final(all:sub(1, length)), sha256(all:sub(1, length)))
    end
  end)

  it(
    "gives the challenge of RFC 7636, appendix B",
    function()
      assert.are.equal(
        "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
        hex(sha256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
      )
    end
  )

  it(
    "makes the challenge of RFC 7636, appendix B",
    function()
      assert.are.equal(
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        pkce.challenge "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
      )
    end
  )

  it("makes another verifier each time, and each is one", function()
    local first, second = pkce.verifier(), pkce.verifier()
    assert.are_not.equal(first, second)
    assert.is_true(pkce.is_verifier(first) and pkce.is_verifier(second))
  end)

  it("refuses a verifier of the wrong length or with other characters", function()
    assert.is_true(pkce.is_verifier(("a"):rep(43)) and pkce.is_verifier(("~"):rep(128)))
    for _, text in ipairs { "", ("a"):rep(42), ("a"):rep(129), ("a"):rep(43) .. " ", ("a"):rep(43) .. "\0" } do
      assert.is_false(pkce.is_verifier(text))
    end
  end)
end)
