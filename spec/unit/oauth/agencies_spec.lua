-- The agency whose token gives that of a location.

local agencies = require "hoopai.oauth.agencies"
local core = require "hoopai.core"
local memory = require "hoopai.store.memory"

describe("hoopai.oauth.agencies:", function()
  local manager, seen

  before_each(function()
    seen = {}
    manager = {
      location_id = "l",
      company_id = "client's",
      store = memory(),
      tried = {},
      credentials = false,
      registry = {
        key = function(_, level, id) return level .. "/" .. id end,
        company = function(_, id)
          return { see = function(_, stored) seen[#seen + 1] = { id, stored } end }
        end,
      },
    }
  end)

  local function put(fields) manager.store:write("company/client's", core.credentials(fields), 0) end

  it("it is the one in the location's credentials, else that of the client", function()
    assert.are.equal("own", agencies.of(manager, core.credentials { company_id = "own" }))
    assert.are.equal("client's", agencies.of(manager, core.credentials {}))
    assert.are.equal("client's", agencies.of(manager, nil))
    manager.company_id = false
    assert.is_nil(agencies.of(manager, nil))
    manager.location_id = false
    assert.is_nil(agencies.of(manager, core.credentials { company_id = "own" }))
  end)

  it("without credentials it has not changed", function()
    assert.is_false(agencies.has_changed(manager))
    agencies.note(manager, nil)
    assert.is_false(manager.tried["client's"])
  end)

  it("it has changed once when other credentials are stored than at the last exchange", function()
    put { access_token = core.secret "a1", generation = 1 }
    agencies.note(manager, nil)
    assert.is_false(agencies.has_changed(manager))
    put { access_token = core.secret "a2", generation = 2 }
    assert.is_true(agencies.has_changed(manager))
    assert.is_false(agencies.has_changed(manager))
    assert.are.equal(1, #seen)
    assert.are.equal("client's", seen[1][1])
    assert.are.equal("2", seen[1][2]:get "generation")
  end)

  it("it has changed when it had none at the last exchange", function()
    agencies.note(manager, nil)
    put { access_token = core.secret "a1", generation = 1 }
    assert.is_true(agencies.has_changed(manager))
  end)
end)
