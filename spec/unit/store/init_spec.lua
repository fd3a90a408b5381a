-- Token stores: what hoopai.store gives, and the interface behind it that grants are kept through.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local lfs = require "lfs"
local stores = require "hoopai.store"

local misuse = expect.misuse
local CANARY = "canary7Zk"

describe("store:", function()
  local folders = {}

  after_each(function()
    for _, name in ipairs(folders) do os.execute("rm -rf " .. name) end
    folders = {}
  end)

  local function folder()
    local name = os.tmpname()
    os.remove(name)
    folders[#folders + 1] = name
    return name
  end

  local function record(generation)
    return core.record {
      access_token = CANARY .. "a" .. generation, refresh_token = CANARY .. "r", generation = generation,
    }
  end

  local function table_store()
    local kept, held = {}, {}
    return {
      get = function(key) return kept[key] end,
      put = function(key, text, generation)
        local old = kept[key] and core.unpack_record(kept[key])
        if (old and tonumber(old:get("generation")) or 0) ~= generation then return false end
        kept[key] = text
        return true
      end,
      lock = function(key)
        if held[key] then return nil end
        held[key] = true
        return function() held[key] = nil end
      end,
    }
  end

  local makes = {
    memory = function() return hoopai.store.memory() end,
    file = function() return hoopai.store.file(folder()) end,
    own = table_store,
  }

  for name, make in pairs(makes) do
    describe(name, function()
      it("gives back what was written, by key", function()
        local store = stores.behind(make())
        assert.is_nil(store:read("a/b"))
        assert.is_true(store:probe())
        assert.is_true(store:write("a/b", record(1), 0))
        assert.is_true(store:write("a/c", record(5), 0))
        assert.is_true(store:write("a/b", record(2), 1))
        local found = assert(store:read("a/b"))
        assert.are.equal("2", found:get("generation"))
        assert.is_true(found:get("access_token") == core.secret(CANARY .. "a2"))
        assert.are.equal("5", store:read("a/c"):get("generation"))
      end)

      it("has one lock per key, which is released when it is closed", function()
        local store = stores.behind(make())
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
      end)

      it("is one store, however often it is asked for, and shows nothing", function()
        local given = make()
        local store = stores.behind(given)
        assert.are.equal(store, stores.behind(given))
        assert(store:write("k", record(1), 0))
        if name ~= "own" then
          expect.no_secret(given, CANARY)
          expect.no_secret(store, CANARY)
          assert.are.equal("hoopai.Store", tostring(given))
        end
      end)
    end)
  end

  it("in a folder is private, and outlasts the program", function()
    local path = folder()
    assert(stores.behind(hoopai.store.file(path)):write("k", record(3), 0))
    assert.are.equal("rwx------", lfs.attributes(path, "permissions"))
    assert.are.equal("rw-------", lfs.attributes(path .. "/k", "permissions"))
    assert.are.equal("3", stores.behind(hoopai.store.file(path)):read("k"):get("generation"))
  end)

  it("of a folder can be locked by one of two stores", function()
    local path = folder()
    local one, two = stores.behind(hoopai.store.file(path)), stores.behind(hoopai.store.file(path))
    do
      local lock <close> = assert(one:lock("k")) -- luacheck: ignore 211
      assert.is_nil((two:lock("k")))
    end
    local lock <close> = two:lock("k")
    assert.is_truthy(lock)
  end)

  it("in memory ends with its handle", function()
    local one, two = stores.behind(hoopai.store.memory()), stores.behind(hoopai.store.memory())
    assert(one:write("k", record(1), 0))
    assert.is_nil(two:read("k"))
  end)

  describe("of one's own", function()
    local function with(fields)
      local own = table_store()
      for name, fn in pairs(fields) do own[name] = fn end
      return stores.behind(own)
    end

    it("is told which generation is replaced, and may refuse", function()
      local seen = {}
      local store = with { put = function(key, text, generation)
        seen[#seen + 1] = { key, type(text), generation }
        return generation < 2
      end }
      assert.is_true(store:write("k", record(1), 0))
      local done, problem = store:write("k", record(3), 2)
      assert.is_nil(done)
      assert.matches("changed by somebody else", problem)
      assert.are.same({ { "k", "string", 0 }, { "k", "string", 2 } }, seen)
    end)

    it("that fails gives a problem, which never shows the record", function()
      local function check(problem, ...)
        for _, text in ipairs { ... } do assert.matches(text, problem) end
        assert.is_nil(problem:find(CANARY, 1, true), problem)
      end
      check(select(2, with({ put = function(_, text) error(text) end }):write("k", record(1), 0)), "raised", "holds")
      check(select(2, with({ put = function(_, text) return nil, text end }):write("k", record(1), 0)), "put failed")
      check(select(2, with({ put = function() return 1 end }):write("k", record(1), 0)), "did not return true")
      check(select(2, with({ get = function() return nil, { "odd" } end }):read("k")), "get failed")
      check(select(2, with({ get = function() return {} end }):read("k")), "returned a table")
      check(select(2, with({ get = function() return CANARY end }):read("k")), "cannot be used")
      check(select(2, with({ get = function() return record(1):pack():sub(1, -9) end }):read("k")), "cut off")
      check(select(2, with({ lock = function() return nil, "down" end }):lock("k")), "lock failed: down")
      check(select(2, with({ lock = function() return 5 end }):lock("k")), "returned a number")
    end)

    it("needs no lock, and one that cannot be released is warned of alone", function()
      local own = table_store()
      own.lock = nil
      local lock <close> = stores.behind(own):lock("k")
      assert.is_truthy(lock)
      local asked = 0
      local stuck = with { lock = function()
        return function()
          asked = asked + 1
          error("stuck")
        end
      end }
      assert.is_true(pcall(function()
        local bad <close> = stuck:lock("k") -- luacheck: ignore 211
      end))
      assert.are.equal(1, asked)
    end)

    it("without get or put, or with a lock that is no function, is wrong use", function()
      for _, given in ipairs { {}, { get = print }, { put = print }, { get = 1, put = print },
        { get = print, put = print, lock = true } } do
        misuse(function()
          local behind = stores.behind(given)
          return behind
        end, "get and put")
      end
    end)
  end)

  it("that is no folder of one's own is wrong use", function()
    local path = folder()
    local file = assert(io.open(path, "w"))
    file:close()
    misuse(function() hoopai.store.file(path) end, "hoopai.store.file")
    misuse(function() hoopai.store.file(5) end, "path")
    misuse(function() hoopai.store.file() end, "path")
  end)
end)
