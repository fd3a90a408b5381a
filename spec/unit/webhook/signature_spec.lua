local signature = require "hoopai.webhook.signature"
local webhooks = require "spec.support.webhooks"

describe("hoopai.webhook.signature:", function()
  it("returns the one value of a header, whatever its case", function()
    for _, headers in ipairs {
      { ["X-A"] = "v" },
      { ["x-a"] = "v", [1] = "x", other = "y" },
      { ["x-A"] = { "v" } },
      function(name) return name == "x-a" and "v" or nil end,
      function() return { "v" } end,
      function() return nil, "v" end,
    } do
      assert.are.equal("v", (signature.header(headers, "X-A")))
    end
  end)

  it("says why there is none", function()
    local cases = {
      { {}, "the request has no header X-A" },
      { { ["x-a"] = {} }, "the request has no header X-A" },
      { function() end, "the request has no header X-A" },
      { { ["x-a"] = { "1", "2" } }, "the request has the header X-A 2 times" },
      { { ["x-a"] = "1", ["X-A"] = { "2", "3" } }, "the request has the header X-A 3 times" },
      { function() return "1", "2" end, "the request has the header X-A 2 times" },
      { { ["x-a"] = 5 }, "the header X-A is no string" },
      { { ["x-a"] = "" }, "the header X-A is empty" },
      { { ["x-a"] = "N/A" }, 'the header X-A is "N/A": the sender did not sign' },
    }
    for _, case in ipairs(cases) do
      assert.are.same({ nil, case[2] }, { signature.header(case[1], "X-A") })
    end
  end)

  it("refuses with the reason where a scheme has no key", function()
    local schemes = {
      ["the receiver has no key"] = { keys = {} },
      ["keys[2] of the receiver is unusable: it is empty"] = { keys = { webhooks.KEY, "" } },
      ["keys[1] of the receiver is a key of the type ed25519, and its scheme is rsa"] = {
        keys = { webhooks.KEY },
        rsa = true,
      },
      ["the secret of the receiver is empty"] = { secret = "", header = "x", encoding = "hex" },
      ["the secret of the receiver is longer than 64 KiB"] = {
        secret = ("s"):rep(65537),
        header = "x",
        encoding = "hex",
      },
      ["the secret of the receiver is a key that others may have, not a secret"] = {
        secret = webhooks.KEY,
        header = "x",
        encoding = "hex",
      },
    }
    for expected, settings in pairs(schemes) do
      local scheme = signature.scheme(settings)
      assert.are.same({ nil, expected }, { signature.check(scheme, webhooks.signed "{}", "{}") })
    end
  end)

  it("tries all keys", function()
    local scheme = signature.scheme { keys = { webhooks.OTHER_KEY, webhooks.KEY } }
    assert.is_true(signature.check(scheme, webhooks.signed "{}", "{}"))
  end)
end)
