-- Responses for another location or agency than the one that was asked for.

local core = require "hoopai.core"
local memory = require "hoopai.store.memory"
local stray = require "hoopai.oauth.stray"
local warnings = require "spec.support.warnings"

describe("hoopai.oauth.stray", function()
  local response = core.credentials
  local LOCATION = { level = "location", location_id = "l", company_id = "c" }

  it("finds what contradicts the request, and nothing in what is left out", function()
    for _, fields in ipairs {
      {},
      { user_type = "Location", location_id = "l", company_id = "c" },
      { user_type = "location" },
      { user_type = "Account" },
      { user_id = "u" },
    } do
      assert.is_nil(stray.difference(response(fields), LOCATION))
    end
    for text, fields in pairs {
      ['its locationId is "l2"'] = { user_type = "Location", location_id = "l2", company_id = "c" },
      ['its companyId is "c2"'] = { location_id = "l", company_id = "c2" },
      ['its userType is "Company"'] = { user_type = "Company", company_id = "c" },
      ["its locationId is another one"] = { location_id = "\27[2J" },
    } do
      assert.are.equal(text, stray.difference(response(fields), LOCATION))
    end
    assert.is_nil(stray.difference(response { location_id = "l2" }, { level = "company", company_id = "c" }))
    assert.is_nil(stray.difference(response { company_id = "c2" }, { level = "location", location_id = "l" }))
    assert.are.equal(
      'its userType is "Location"',
      stray.difference(response { user_type = "Location", company_id = "c" }, { level = "company", company_id = "c" })
    )
    assert.are.equal(
      "its locationId is another one",
      stray.difference(response { location_id = ("l"):rep(65) }, { level = "location", location_id = "l" })
    )
  end)

  it("says which it was", function()
    local err = stray.error("of location l", 'its locationId is "l2"', true)
    assert.are.same({
      "decode",
      'the token endpoint returned a token that is not the one of location l: its locationId is "l2"; it is not used, '
        .. "but kept under a key of its own",
    }, { err.kind, err.message })
    assert.is_nil(stray.error("of location l", "x").message:find "kept")
  end)

  describe("keeps tokens", function()
    local store, manager

    local function tokens(fields)
      local all = { access_token = "a2", refresh_token = "r2", user_type = "Location", location_id = "l2" }
      for name, value in pairs(fields or {}) do
        all[name] = value
      end
      return response(all)
    end

    before_each(function()
      store = memory()
      local registry = { store = store }
      function registry.key(_, level, id) return "id/" .. level .. "/" .. id end
      manager = { store = store, registry = registry, key = "id/location/l", location_id = "l" }
    end)

    --- Keeps a response; returns the warning.
    local function keep(given)
      local said = warnings.during(stray.keep, function() stray.keep(manager, given) end)
      assert.are.equal(1, #said)
      return said[1]
    end

    local function refresh_token_at(key)
      local found = store:read(key)
      return found and found:get "refresh_token"
    end

    it("under the key of their own location or agency", function()
      assert.are.equal(
        "hoopai: a token that was not asked for is kept in id/location/l2 of a store in memory",
        keep(tokens())
      )
      assert.is_true(refresh_token_at "id/location/l2" == core.secret "r2")
      keep(tokens { user_type = "Company", company_id = "c" })
      assert.is_true(refresh_token_at "id/company/c" == core.secret "r2")
      assert.is_nil(store:read(manager.key))
    end)

    it("in place of those that are spent, and beside those that may be good", function()
      for index, mark in ipairs { { pending = 5 }, { refused_at = 5 }, { refresh_token = false } } do
        store:write("id/location/l2", response({ refresh_token = "r1", generation = 4 }):with(mark))
        keep(tokens { refresh_token = "r" .. index })
        assert.is_true(refresh_token_at "id/location/l2" == core.secret("r" .. index))
        assert.are.equal("5", store:read("id/location/l2"):get "generation")
      end
      store:write("id/location/l2", response { refresh_token = "good", generation = 4 })
      keep(tokens())
      assert.is_true(refresh_token_at "id/location/l2" == core.secret "good")
      assert.is_true(refresh_token_at "id/location/l2/unclaimed" == core.secret "r2")
    end)

    it("beside the location that asked if they name it, or nothing", function()
      keep(tokens { location_id = "l", company_id = "c2" })
      assert.is_true(refresh_token_at "id/location/l/unclaimed" == core.secret "r2")
      keep(tokens { user_type = "Company" })
      assert.is_nil(store:read(manager.key))
    end)

    it("but no access token alone, which can be asked for again", function()
      stray.keep(manager, response { access_token = "a", location_id = "l2" })
      assert.is_nil(store:read "id/location/l2")
    end)

    it("and says where they are lost if the store fails", function()
      function store.write() return nil, "full" end
      assert.are.equal(
        "hoopai: a token that was not asked for is lost: id/location/l2/unclaimed of a store in memory: full",
        keep(tokens())
      )
    end)
  end)
end)
