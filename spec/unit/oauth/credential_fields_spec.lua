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
    local function lifetime_of(credentials) return (select(2, fields.life_of(credentials))) end
    for _, value in ipairs { "0", "-1", "x", "1e18" } do
      assert.are.equal(3600, lifetime_of(new { expires_in = value }), value)
    end
    assert.are.equal(3600, lifetime_of(new {}))
    assert.are.equal(90, lifetime_of(new { expires_in = "90.5" }))
  end)

  it("the life of credentials is their generation, its length and their age", function()
    local generation, lifetime, age =
      fields.life_of(new { generation = 4, expires_in = 90, obtained_at = fields.wall_seconds() - 60 })
    assert.are.same({ 4, 90 }, { generation, lifetime })
    assert.is_true(age >= 60 and age <= 62)
    assert.is_nil(select(3, fields.life_of(new {})))
  end)

  it("marks are two ages, and the tries while their mark is there", function()
    local now = fields.wall_seconds()
    local refused, pending, tries = fields.marks_of(new { refused_at = now - 60, tries = 2 })
    assert.is_true(refused >= 60 and refused <= 62)
    assert.are.same({ nil, 0 }, { pending, tries })
    refused, pending, tries = fields.marks_of(new { pending = now - 60, tries = 2 })
    assert.is_nil(refused)
    assert.is_true(pending >= 60 and pending <= 62)
    assert.are.equal(2, tries)
  end)

  it("credentials are older by generation, unless they were obtained later", function()
    local old, young = new { generation = 1, obtained_at = 10 }, new { generation = 2, obtained_at = 20 }
    assert.is_true(fields.is_older(old, young))
    assert.is_false(fields.is_older(young, old))
    assert.is_false(fields.is_older(old, old))
    assert.is_false(fields.is_older(new { generation = 1, obtained_at = 30 }, young)) -- of a store that was emptied
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
