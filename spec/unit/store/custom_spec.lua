local custom = require "hoopai.store.custom"
local expect = require "spec.support.expect"
local store_cases = require "spec.support.store_cases"

local CANARY, credentials, user_store = store_cases.CANARY, store_cases.credentials, store_cases.user_store

local function with(fields) return custom(user_store(fields)) end

describe("hoopai.store.custom", function()
  for name, case in pairs(store_cases.contract) do
    it(name, function() case(custom(user_store())) end)
  end

  it("passes the generation that is replaced, which put may refuse", function()
    local seen = {}
    local store = with {
      put = function(key, text, expected, generation)
        seen[#seen + 1] = { key, type(text), expected, generation }
        return expected < 2
      end,
    }
    assert.is_true(store:write("k", credentials(1), 0))
    local done, problem = store:write("k", credentials(3), 2)
    assert.is_nil(done)
    assert.matches("changed by somebody else", problem)
    assert.are.same({ { "k", "string", 0, 1 }, { "k", "string", 2, 3 } }, seen)
  end)

  it("turns a failure into a problem, which never shows the credentials", function()
    local function check(problem, ...)
      for _, text in ipairs { ... } do
        assert.matches(text, problem)
      end
      assert.is_nil(problem:find(CANARY, 1, true), problem)
    end
    local function put(fn) return select(2, with({ put = fn }):write("k", credentials(1), 0)) end
    local function get(fn) return select(2, with({ get = fn }):read("k")) end
    local function lock(fn) return select(2, with({ lock = fn }):lock("k")) end
    check(put(function(_, text) error(text) end), "raised", "holds")
    check(put(function(_, text) return nil, text end), "put failed")
    check(put(function() return 1 end), "did not return true")
    check(get(function() return nil, { "odd" } end), "get failed")
    check(get(function() return {} end), "returned a table")
    check(get(function() return CANARY end), "cannot be used")
    check(get(function() return credentials(1):pack():sub(1, -9) end), "cut off")
    check(lock(function() return nil, "down" end), "lock failed: down")
    check(lock(function() return 5 end), "returned a number")
  end)

  it("needs no lock, and a lock that cannot be released leads to a warning alone", function()
    local given = user_store()
    given.lock = nil
    local lock <close> = custom(given):lock("k")
    assert.is_truthy(lock)
    local asked = 0
    local stuck = with {
      lock = function()
        return function()
          asked = asked + 1
          error("stuck")
        end
      end,
    }
    assert.is_true(pcall(function()
      local bad <close> = stuck:lock("k") -- luacheck: ignore 211
    end))
    assert.are.equal(1, asked)
  end)

  it("keeps the functions that it was given, whatever becomes of the table", function()
    local given = user_store()
    local store = custom(given)
    given.get, given.put, given.lock = nil, nil, nil
    assert.is_true(store:write("k", credentials(1), 0))
    assert.are.equal("1", store:read("k"):get("generation"))
    local lock <close> = store:lock("k")
    assert.is_truthy(lock)
  end)

  it("without get or put, or with a lock that is no function, is wrong use", function()
    for _, given in ipairs {
      {},
      { get = print },
      { put = print },
      { get = 1, put = print },
      { get = print, put = print, lock = true },
    } do
      expect.misuse(function()
        local store = custom(given)
        return store
      end, "get and put")
    end
  end)
end)
