local file = require "hoopai.store.file"
local lfs = require "lfs"
local store_cases = require "spec.support.store_cases"

local credentials = store_cases.credentials

describe("hoopai.store.file", function()
  local folder = store_cases.folder
  after_each(store_cases.remove_folders)

  for name, case in pairs(store_cases.contract) do
    it(name, function() case(file(folder())) end)
  end

  it("is private, and outlasts the program", function()
    local path = folder()
    assert(file(path):write("k", credentials(3), 0))
    assert.are.equal("rwx------", lfs.attributes(path, "permissions"))
    assert.are.equal("rw-------", lfs.attributes(path .. "/k", "permissions"))
    assert.are.equal("3", file(path):read("k"):get("generation"))
  end)

  it("can be locked by one of two stores of a folder", function()
    local path = folder()
    local one, two = file(path), file(path)
    do
      local lock <close> = assert(one:lock("k")) -- luacheck: ignore 211
      assert.is_nil((two:lock("k")))
    end
    local lock <close> = two:lock("k")
    assert.is_truthy(lock)
  end)

  it("is a problem, and no error, where the folder cannot be trusted", function()
    local path, target = folder(), folder()
    assert(lfs.mkdir(target))
    assert(lfs.link(target, path, true))
    local store, problem = file(path)
    assert.is_nil(store)
    assert.matches("symbolic link", problem)
    store, problem = file(target .. "/a/b")
    assert.is_nil(store)
    assert.matches("cannot be made", problem)
  end)

  it("keeps keys that look like paths inside the folder, and apart", function()
    local path = folder()
    local store, keys = file(path), { "..", "../k", "/k", "k", "k/" }
    for generation, key in ipairs(keys) do
      assert(store:write(key, credentials(generation), 0))
    end
    for generation, key in ipairs(keys) do
      assert.are.equal(tostring(generation), store:read(key):get("generation"), key)
    end
    local count = 0
    for name in lfs.dir(path) do
      if name ~= "." and name ~= ".." then count = count + 1 end
    end
    assert.are.equal(#keys, count)
  end)
end)
