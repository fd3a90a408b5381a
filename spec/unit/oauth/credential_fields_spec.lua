-- What the library keeps beside the tokens in stored credentials.

local core = require "hoopai.core"
local fields = require "hoopai.oauth.credential_fields"

describe("hoopai.oauth.credential_fields:", function()
  local function new(given) return core.credentials(given) end

  it("the generation counts exchanges, and is 0 without credentials", function()
    assert.are.equal(0, fields.generation_of(nil))
    assert.are.equal(0, fields.generation_of(new {}))
    assert.are.equal(7, fields.generation_of(new { generation = 7 }))
  end)

  it("tries count only while their mark is there", function()
    assert.are.equal(0, fields.tries_of(new { tries = 2 }))
    assert.are.equal(2, fields.tries_of(new { tries = 2, pending = 1 }))
  end)

  it("an age is nil without a time, or when the clock was put back", function()
    local now = fields.wall_seconds()
    assert.is_nil(fields.age_of(new {}, "pending"))
    assert.is_nil(fields.age_of(new { pending = now + 60 }, "pending"))
    local age = fields.age_of(new { pending = now - 60 }, "pending")
    assert.is_true(age >= 60 and age <= 62)
  end)

  it("a life that is no time is an hour", function()
    for _, value in ipairs { "0", "-1", "x", "1e18" } do
      assert.are.equal(3600, fields.lifetime_of(new { expires_in = value }), value)
    end
    assert.are.equal(3600, fields.lifetime_of(new {}))
    assert.are.equal(90, fields.lifetime_of(new { expires_in = "90.5" }))
  end)

  it("credentials are the same by generation and tokens, whatever their marks", function()
    local one = new { generation = 1, access_token = "a", refresh_token = "r" }
    assert.is_true(fields.is_same(one, one:with { pending = 5, tries = 1 }))
    assert.is_true(fields.is_same(one, new { generation = 1, access_token = "a", refresh_token = "r" }))
    for name, value in pairs { generation = 2, access_token = "b", refresh_token = "s" } do
      assert.is_false(fields.is_same(one, one:with { [name] = value }), name)
    end
    assert.is_false(fields.is_same(one, new { generation = 1, access_token = "a" }))
  end)

  it("the next credentials keep what the response leaves out, and no mark", function()
    local old = new { generation = 3, refresh_token = "r", scope = "s", pending = 1, tries = 2, refused_at = 3 }
    local after = fields.next(old, new { access_token = "b", expires_in = "60" })
    assert.are.same({ "4", "s", "60" }, { after:get "generation", after:get "scope", after:get "expires_in" })
    assert.is_true(after:get "refresh_token" == old:get "refresh_token")
    for _, name in ipairs { "pending", "tries", "refused_at" } do
      assert.is_nil(after:get(name), name)
    end
    assert.are.equal("1", fields.next(nil, new { access_token = "b" }):get "generation")
  end)
end)
