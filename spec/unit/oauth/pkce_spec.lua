local child = require "spec.support.child"
local pkce = require "hoopai.oauth.pkce"

describe("hoopai.oauth.pkce:", function()
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

  it("raises with one line that says what is missing where hoopai.crypto was not built", function()
    local text, ok = child.run [[
      package.preload["hoopai.core"] = require "hoopai.lazy".c_module "hoopai.core" and function()
        return package.loaded["hoopai.core"]
      end
      package.cpath = ""
      local hoopai = require "hoopai"
      hoopai.preload()
      local app <close> = hoopai.oauth { client_id = "a", client_secret = "b", redirect_uri = "https://example.com/" }
      assert(app:authorize_url {})
      local ok, problem = pcall(function() app:authorize_url { pkce = true } end)
      assert(not ok)
      print(problem)
    ]]
    assert.is_true(ok, text)
    assert.matches("^[^\n]*: PKCE needs hoopai%.crypto, [^\n]*not built[^\n]*`make build`[^\n]*\n$", text)
  end)
end)
