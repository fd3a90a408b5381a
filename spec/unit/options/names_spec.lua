-- The names that other libraries give to options.

local option_names = require "hoopai.options.names"

describe("hoopai.options.names", function()
  local client = { token = true, retries = true, ca_file = true, on = true, timeout = true }
  local app = { client_id = true, client_secret = true, scopes = true, on = true }

  it("finds the option here, whatever the case and the joints", function()
    for _, name in ipairs { "api_key", "apiKey", "API-KEY", "api key" } do
      assert.are.equal("token", option_names.find(name, client), name)
    end
    assert.are.equal("scopes", option_names.find("scope", app))
    assert.are.equal("client_secret", option_names.find("secret", app))
    assert.are.equal("token", option_names.find("secret", client))
  end)

  it("names only options that exist", function()
    assert.is_nil(option_names.find("url", client))
    assert.is_nil(option_names.find("version", app))
    assert.is_nil(option_names.find("verify", { timeout = true }))
  end)

  it("says more where a name is not enough", function()
    assert.are.same({ nil, "write `on = hoopai.log()`" }, { option_names.find("debug", client) })
    assert.matches("^certificates are always checked", select(2, option_names.find("sslVerify", client)))
    assert.are.same({ nil, "write `timeout`, in seconds" }, { option_names.find("timeout_ms", client) })
  end)

  it("finds nothing for other values", function()
    for _, name in ipairs { 1, true, {}, "", "zzz", ("x"):rep(100) } do
      assert.is_nil((option_names.find(name, client)))
      assert.is_nil((select(2, option_names.find(name, client))))
    end
  end)
end)
