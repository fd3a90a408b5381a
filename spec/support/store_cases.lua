--- What the specs of the token stores share: credentials to store, folders, and the cases that every store passes.

local assert = require "luassert"
local core = require "hoopai.core"

local store_cases = {}

store_cases.CANARY = "canary7Zk"

--- Credentials of a generation, with the canary in both tokens.
function store_cases.credentials(generation)
  return core.credentials {
    access_token = store_cases.CANARY .. "a" .. generation,
    refresh_token = store_cases.CANARY .. "r",
    generation = generation,
  }
end

local paths = {}

--- The path of a folder to be made.
function store_cases.folder()
  local path = os.tmpname()
  os.remove(path)
  paths[#paths + 1] = path
  return path
end

--- Removes the folders: for `after_each`.
function store_cases.remove_folders()
  for _, path in ipairs(paths) do
    os.execute("rm -rf " .. path)
  end
  paths = {}
end

--- A user's store that compares generations.
-- @tparam ?table fields functions that replace its own
function store_cases.user_store(fields)
  local kept, locked = {}, {}
  local user_store = {
    list = function()
      local keys = {}
      for key in pairs(kept) do
        keys[#keys + 1] = key
      end
      return keys
    end,
    remove = function(key)
      kept[key] = nil
      return true
    end,
    get = function(key) return kept[key] end,
    put = function(key, text, expected)
      local old = kept[key] and core.unpack_credentials(kept[key])
      if (old and tonumber(old:get("generation")) or 0) ~= expected then return false end
      kept[key] = text
      return true
    end,
    lock = function(key)
      if locked[key] then return nil end
      locked[key] = true
      return function() locked[key] = nil end
    end,
  }
  for name, fn in pairs(fields or {}) do
    user_store[name] = fn
  end
  return user_store
end

--- What every store passes: name -> function(store).
store_cases.contract = {}

store_cases.contract["gives back what was written, by key"] = function(store)
  local credentials = store_cases.credentials
  assert.is_nil(store:read("a/b"))
  do
    local unused <close> = assert(store:reserve("a/b")) -- luacheck: ignore 211
  end
  assert.is_true(store:write("a/b", credentials(1), 0))
  assert.is_true(store:write("a/c", credentials(5), 0))
  assert.is_true(store:write("a/b", credentials(2), 1))
  do
    local lock <close> = assert(store:lock "a/b") -- luacheck: ignore 211
    local room <close> = assert(store:reserve("a/b", store:read "a/b"))
    assert.is_true(store:write("a/b", credentials(2), 2, room))
  end
  assert.matches("b", store:path "a/b")
  assert.are.equal(0, store:replacements())
  local found = assert(store:read("a/b"))
  assert.are.equal("2", found:get("generation"))
  assert.is_true(found:get("access_token") == core.secret(store_cases.CANARY .. "a2"))
  assert.are.equal("5", store:read("a/c"):get("generation"))
end

store_cases.contract["lists keys and removes what is stored under one"] = function(store)
  assert.are.same({}, store:names())
  assert.is_true(store:remove "a/b") -- there is none
  for index, key in ipairs { "a/b", "a/c", "d" } do
    assert.is_true(store:write(key, store_cases.credentials(index), 0))
  end
  local lock <close> = assert(store:lock "a/b") -- luacheck: ignore 211
  assert.is_true(store:remove "a/b")
  assert.is_nil(store:read "a/b")
  local names = store:names()
  table.sort(names)
  assert.are.same({ "a/c", "d" }, names)
  assert.is_true(store:write("a/b", store_cases.credentials(1), 0))
end

store_cases.contract["has one lock per key, which is released when it is closed"] = function(store)
  do
    local lock <close> = assert(store:lock("k")) -- luacheck: ignore 211
    local second, problem = store:lock("k")
    assert.is_nil(second)
    assert.is_nil(problem)
    local unrelated <close> = assert(store:lock("other")) -- luacheck: ignore 211
  end
  pcall(function()
    local lock <close> = assert(store:lock("k")) -- luacheck: ignore 211
    error("on the way")
  end)
  local again <close> = store:lock("k")
  assert.is_truthy(again)
end

return store_cases
