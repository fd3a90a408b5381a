local core = require "hoopai.core"
local custom = require "hoopai.store.custom"
local expect = require "spec.support.expect"
local spellings = require "spec.support.spellings"
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
    check(get(function() return core.pack_credentials(credentials(1)):sub(1, -9) end), "cut off")
    check(lock(function() return nil, "down" end), "lock failed: down")
    check(lock(function() return 5 end), "returned a number")
  end)

  it("has list and remove if the user's table has them", function()
    local plain = custom { get = function() end, put = function() end }
    local names, problem = plain:names()
    assert.are.same({ nil, "the store has no function `list`, which app:grants needs" }, { names, problem })
    local done
    done, problem = plain:remove "k"
    assert.are.same({ nil, "the store has no function `remove`, which forgetting a grant needs" }, { done, problem })
    local function list(fn) return select(2, with({ list = fn }):names()) end
    local function remove(fn) return select(2, with({ remove = fn }):remove "k") end
    assert.matches("list raised: .*odd", list(function() error "odd" end))
    assert.matches("list failed: down", list(function() return nil, "down" end))
    assert.matches("returned no list", list(function() end))
    assert.matches("returned a number", list(function() return 3 end))
    assert.matches("a key that is a number", list(function() return { 3 } end))
    assert.matches("remove raised: .*odd", remove(function() error "odd" end))
    assert.matches("remove failed: down", remove(function() return nil, "down" end))
    assert.matches("remove did not return true", remove(function() end))
    assert.matches("remove did not return true", remove(function() return 1 end))
    for _, name in ipairs { "list", "remove" } do
      expect.misuse(function() custom { get = print, put = print, [name] = 3 } end, "a token store is")
    end
  end)

  describe("hides in the error of a store", function()
    local ACCESS, REFRESH = "eyJh/canary+access-7Zk0123456789", "rt-canary/refresh+0123456789=="

    local function stored()
      return core.credentials {
        access_token = ACCESS,
        refresh_token = REFRESH,
        company_id = "company-0123456789",
        generation = 1,
      }
    end

    --- The problem that `write` returns, where `put` fails with what fn makes of the packed credentials.
    local function problem_of(fn, raises)
      local store = with {
        put = function(_, packed)
          local problem = fn(packed)
          if raises then error(problem, 0) end
          return nil, problem
        end,
      }
      return (select(2, store:write("k", stored(), 0)))
    end

    it("a token in any spelling", function()
      for name, spell in pairs(spellings.all) do
        for _, token in ipairs { ACCESS, REFRESH } do
          for _, raises in ipairs { false, true } do
            local text = "near '" .. spell(token) .. "' in the statement"
            local object = setmetatable({}, { __tostring = function() return text end })
            for _, problem in ipairs { text, object } do
              local shown = problem_of(function() return problem end, raises)
              assert.matches("near '***' in the statement", shown, 1, true, name)
            end
          end
        end
      end
    end)

    it("any part of the packed credentials", function()
      local size
      problem_of(function(text) size = #text end)
      for _, length in ipairs { 12, 16, 30, 44, 70, size } do
        for first = 1, size - length + 1 do
          local shown = problem_of(
            function(text) return ("syntax error near '%s'"):format(text:sub(first, first + length - 1)) end
          )
          for at = 1, #ACCESS - 11 do
            assert.is_nil(shown:find(ACCESS:sub(at, at + 11), 1, true), shown)
          end
          for at = 1, #REFRESH - 11 do
            assert.is_nil(shown:find(REFRESH:sub(at, at + 11), 1, true), shown)
          end
        end
      end
      local shown = problem_of(function(text) return text:match "company_id=[^\n]*" end)
      assert.matches("company_id=company-0123456789", shown, 1, true)
    end)

    it("what other functions of it quote", function()
      local store
      store = with {
        get = function() return nil, "row !access_token=unknown-token-0123 is broken" end,
        lock = function() return nil, "held, " .. ACCESS end,
      }
      local known = stored()
      assert.matches("row !access_token=*** is broken", select(2, store:read "k"), 1, true)
      assert.matches("held, ***", select(2, store:lock "k"), 1, true)
      assert.are.equal("1", known:get "generation")
    end)

    it("all but one line of at most 2 KiB", function()
      local shown = problem_of(function() return "a\n\27[31m\u{9B}" .. ("x"):rep(1 << 20) end)
      assert.matches("the store's put failed: a  %[31m\\xC2\\x9Bx+%.%.%.$", shown)
      assert.is_true(#shown < 2100)
    end)
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
