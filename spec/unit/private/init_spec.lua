-- How objects keep what a script that holds them must not reach.

local private = require "hoopai.private"

describe("hoopai.private", function()
  it("keeps the state of an object where the object itself does not show it", function()
    local states = private.states "spec.Object"
    local object = setmetatable({}, private.seal { __name = "spec.Object" })
    states[object] = { token = "canary" }
    assert.is_nil(next(object))
    assert.is_false(getmetatable(object))
    assert.has_error(function() setmetatable(object, nil) end, "cannot change a protected metatable")
    assert.are.equal("canary", private.state("spec.Object", object).token)
    assert.are.equal("spec.Object", private.name_of(object))
  end)

  it("knows no other value, and no class that is not there", function()
    private.states "spec.Empty"
    for _, value in ipairs { {}, "text", 1, 0 / 0, print } do
      assert.is_nil(private.state("spec.Empty", value))
      assert.is_nil(private.name_of(value))
    end
    assert.is_nil(private.state("spec.Empty", nil))
    assert.is_nil(private.state("spec.NotLoaded", {}))
    assert.is_nil(private.name_of(nil))
  end)

  it("keeps neither an object nor a state that refers to its object", function()
    local states = private.states "spec.Circle"
    local seen = setmetatable({}, { __mode = "k" })
    do
      local object = {}
      states[object] = { object = object }
      seen[object] = true
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(seen))
    assert.is_nil(next(states))
  end)

  it("has the state still in the finaliser of the object", function()
    local states, found = private.states "spec.Finalised", nil
    do
      local object = setmetatable({}, { __gc = function(self) found = states[self] end })
      states[object] = "state"
    end
    collectgarbage()
    assert.are.equal("state", found)
  end)
end)
