local hoopai = require "hoopai"
local options = require "hoopai.webhook.options"

describe("hoopai.webhook.options:", function()
  it("has defaults", function()
    assert.are.same(
      { rsa = false, max_age = 86400, max_skew = 300, max_body = 1048576, max_claims = 100000 },
      options.check "hoopai.webhook"
    )
    assert.is_false(options.check("hoopai.webhook", { max_age = false }).max_age)
  end)

  it("copies the list of keys", function()
    local keys = { "a" }
    local settings = options.check("hoopai.webhook", { keys = keys })
    keys[1] = "b"
    assert.are.same({ "a" }, settings.keys)
  end)

  it("raises for a wrong option, at the line of the caller", function()
    local function claim() return true end
    local wrong = {
      { { kes = {} }, "did you mean `keys`?" },
      { { keys = "-----BEGIN PUBLIC KEY-----" }, "option `keys` of hoopai.webhook must be a list of public keys" },
      { { keys = { 5 } }, "option `keys` of hoopai.webhook must be a list of public keys" },
      { { keys = { a = "x" } }, "option `keys` of hoopai.webhook must be a list of public keys" },
      { { rsa = "yes" }, "option `rsa` of hoopai.webhook must be true or false" },
      { { max_age = 0 }, "option `max_age` of hoopai.webhook must be a number of seconds above 0, or false" },
      { { max_age = 1 / 0 }, "option `max_age` of hoopai.webhook must be a number of seconds above 0, or false" },
      { { max_skew = -1 }, "option `max_skew` of hoopai.webhook must be a number of seconds" },
      { { max_body = 1.5 }, "option `max_body` of hoopai.webhook must be an integer from 1 on" },
      { { max_claims = 0 }, "option `max_claims` of hoopai.webhook must be an integer from 1 on" },
      { { claim = 5 }, "option `claim` of hoopai.webhook must be a function" },
      { { app_id = "" }, "option `app_id` of hoopai.webhook must be a string" },
      { { secret = "s" }, "takes `secret`, `header` and `encoding` together" },
      { { secret = "s", header = "x" }, "takes `secret`, `header` and `encoding` together" },
      { { header = "x", encoding = "hex" }, "takes `secret`, `header` and `encoding` together" },
      { { secret = "s", header = "x y", encoding = "hex" }, "must be the name of a header" },
      { { secret = "s", header = "x", encoding = "HEX" }, 'must be "hex" or "base64"' },
      { { secret = 5, header = "x", encoding = "hex" }, "must be a string" },
      { { secret = "s", header = "x", encoding = "hex", keys = {} }, "a receiver has one scheme" },
      { { secret = "s", header = "x", encoding = "hex", rsa = true }, "a receiver has one scheme" },
      { { release = claim }, "goes with `claim`" },
      { { claim = claim, max_claims = 5 }, "leave it out with `claim`" },
      { 5, "the options of hoopai.webhook are a table, got number" },
    }
    for _, case in ipairs(wrong) do
      local ok, problem = pcall(hoopai.webhook, case[1])
      assert.is_false(ok)
      assert.matches(case[2], problem, 1, true)
      assert.is_nil(problem:find("s]", 1, true))
    end
  end)
end)
