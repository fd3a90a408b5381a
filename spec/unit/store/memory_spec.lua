local memory = require "hoopai.store.memory"
local store_cases = require "spec.support.store_cases"

local credentials = store_cases.credentials

describe("hoopai.store.memory", function()
  for name, case in pairs(store_cases.contract) do
    it(name, function() case(memory()) end)
  end

  it("makes a store of its own each time", function()
    local one, two = memory(), memory()
    assert(one:write("k", credentials(1), 0))
    assert.is_nil(two:read("k"))
    local lock <close> = assert(one:lock("k")) -- luacheck: ignore 211
    local other <close> = two:lock("k")
    assert.is_truthy(other)
  end)

  it("keeps the userdata that was written, and replaces any generation", function()
    local store, second = memory(), credentials(2)
    assert(store:write("k", credentials(7), 0))
    assert(store:write("k", second, 0))
    assert.are.equal(second, store:read("k"))
  end)
end)
