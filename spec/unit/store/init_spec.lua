local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local store_cases = require "spec.support.store_cases"
local stores = require "hoopai.store"

local misuse = expect.misuse
local CANARY, credentials = store_cases.CANARY, store_cases.credentials

describe("hoopai.store", function()
  local folder = store_cases.folder
  after_each(store_cases.remove_folders)

  local makes = {
    memory = function() return hoopai.store.memory() end,
    file = function() return hoopai.store.file(folder()) end,
    own = function() return store_cases.user_store() end,
  }

  for name, make in pairs(makes) do
    it(name .. " is one store, however often it is asked for, and shows nothing", function()
      local given = make()
      local store = stores.behind(given)
      assert.are.equal(store, stores.behind(given))
      assert(store:write("k", credentials(1), 0))
      if name ~= "own" then
        expect.no_secret(given, CANARY)
        expect.no_secret(store, CANARY)
        assert.are.equal("hoopai.Store", tostring(given))
      end
    end)

    it(name .. " keeps each store apart from the others", function()
      local one, two = stores.behind(make()), stores.behind(make())
      assert(one:write("k", credentials(1), 0))
      assert.are.equal("1", one:read("k"):get("generation"))
      assert.is_nil(two:read("k"))
    end)
  end

  it("file that is no folder of one's own is wrong use", function()
    local path = folder()
    local file = assert(io.open(path, "w"))
    file:close()
    misuse(function() hoopai.store.file(path) end, "hoopai.store.file")
    misuse(function() hoopai.store.file(5) end, "path")
    misuse(function() hoopai.store.file() end, "path")
    misuse(function() hoopai.store.file "" end, "path")
  end)

  it("refuses a table that is no store, and a handle that has no store any more", function()
    for _, given in ipairs { {}, { get = print, put = print, lock = true } } do
      misuse(function()
        local store = stores.behind(given)
        return store
      end, "get and put")
    end
    misuse(function()
      local store = stores.behind(setmetatable({}, getmetatable(hoopai.store.memory())))
      return store
    end, "this store is closed")
  end)
end)
