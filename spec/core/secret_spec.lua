local child = require "spec.support.child"
local core = require "hoopai.core"
local send = require "spec.support.send"

local TOKEN = "pit-00000000-canary-secret"

describe("core.secret", function()
  it("holds a token without showing it", function()
    local secret = core.secret(TOKEN)
    assert.are.equal("hoopai.Secret", tostring(secret))
    assert.are.equal("hoopai.Secret", ("%s"):format(secret))
    assert.are.equal(false, getmetatable(secret))
    assert.has_error(function() return secret .. "" end)
    assert.has_error(function() return "" .. secret end)
    assert.has_error(function() return #secret end)
    assert.has_error(function() return secret < secret end)
    assert.has_error(function() return secret() end)
    assert.has_error(function() return secret + 1 end)
    assert.has_error(function() secret.x = 1 end)
    assert.has_error(function()
      for _ in pairs(secret) do
        error "something came"
      end
    end)
    assert.has_error(function() setmetatable(secret, {}) end)
    assert.is_nil(secret[1])
    assert.is_nil(secret.bytes)
  end)

  it("is equal to another with the same bytes only", function()
    assert.is_true(core.secret(TOKEN) == core.secret(TOKEN))
    assert.is_false(core.secret(TOKEN) == core.secret(TOKEN .. "x"))
    assert.is_false(core.secret("abcdef") == core.secret("abcdeg"))
    assert.is_false(core.secret("abcdef") == core.secret("bbcdef"))
  end)

  it("is unequal to any other value, and comparing raises nothing", function()
    local secret = core.secret(TOKEN)
    assert.is_false(secret == io.stdout)
    assert.is_false(io.stdout == secret)
    assert.is_false(secret == TOKEN)
    assert.is_false(secret == core.null)
    assert.is_false(secret == core.multi {})
  end)

  it("refuses bytes that cannot stand in a header, without quoting them", function()
    local bad = { "", " ", "a b", "a\n", "a\r\nX: y", "a\0b", "\127", "tökén", "a\tb", ("x"):rep(65537) }
    for _, bytes in ipairs(bad) do
      local secret, problem = core.secret(bytes)
      assert.is_nil(secret)
      assert.are.equal("string", type(problem))
      if #bytes > 2 then assert.is_nil(problem:find(bytes, 1, true)) end
    end
    assert.is_truthy(core.secret(("x"):rep(65536)))
    assert.is_truthy(core.secret("!#$%&'()*+,-./:;<=>?@[]^_`{|}~\\\""))
  end)

  it("raises on other types, with no bytes in the message", function()
    for _, wrong in ipairs { 12345678, true, {}, print } do
      local ok, problem = pcall(core.secret, wrong)
      assert.is_false(ok)
      assert.is_nil(tostring(problem):find("12345678", 1, true))
    end
    assert.has_error(function() core.secret() end)
  end)

  it("can be closed: then it is equal to nothing and cannot be used", function()
    local secret = core.secret(TOKEN)
    secret:close()
    secret:close()
    assert.are.equal("hoopai.Secret", tostring(secret))
    assert.is_false(secret == core.secret(TOKEN))
    local other = core.secret(TOKEN)
    other:close()
    assert.is_false(secret == other)
    local multi <close> = core.multi {}
    local ok, problem = pcall(send, multi, { method = "GET", url = "http://127.0.0.1:1/", token = secret })
    assert.is_false(ok)
    assert.is_truthy(problem:find("closed secret", 1, true))
    assert.are.equal(0, (multi:count()))
  end)

  it("is a to-be-closed value", function()
    local kept
    do
      local secret <close> = core.secret(TOKEN)
      kept = secret
    end
    assert.is_false(kept == core.secret(TOKEN))
  end)
end)

describe("core.secret_env", function()
  local source = [[
    local core = require "hoopai.core"
    local secret, problem = core.secret_env("HOOPAI_SPEC_TOKEN")
    print(tostring(secret), tostring(problem), secret ~= nil and secret == core.secret("abc"))
  ]]

  local function run(value)
    local text =
      child.run(source, value and { set = { HOOPAI_SPEC_TOKEN = value } } or { unset = { "HOOPAI_SPEC_TOKEN" } })
    return text
  end

  it("reads the environment", function()
    assert.are.equal("hoopai.Secret\tnil\ttrue\n", run("abc"))
    assert.are.equal("nil\tnil\tfalse\n", run(nil))
    assert.are.equal("nil\tnil\tfalse\n", run(""))
  end)

  it("says why a value cannot be a token, without quoting it", function()
    local text = run("two words")
    assert.is_truthy(text:find("^nil\tit holds"))
    assert.is_nil(text:find("two", 1, true))
  end)

  it("raises without a name", function()
    assert.has_error(function() core.secret_env() end)
    assert.has_error(function() core.secret_env {} end)
  end)
end)
