-- Waits of a token source that end at a deadline.

local async = require "hoopai.async"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local in_time = require "hoopai.oauth.in_time"
local leak = require "spec.support.leak"

describe("hoopai.oauth.in_time:", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  it("the error says that the refresh took too long, and that the call may be repeated", function()
    local err = in_time.error "too slow"
    assert.are.same({ "timeout", "refresh", true, "too slow" }, { err.kind, err.stage, err.retryable, err.message })
  end)

  describe("a store", function()
    it("whose functions do not wait is used by the caller itself", function()
      local manager = { store = {} }
      local used_in
      local function use(given)
        assert.are.equal(manager, given)
        used_in = async.running()
        return 1, "two"
      end
      assert.are.same({ 1, "two" }, { in_time.use_store(manager, use) })
      hoopai.run(function()
        in_time.use_store(manager, use)
        assert.are.equal(async.running(), used_in)
      end)
    end)

    it("whose functions may wait is waited for until the deadline; they come to their end", function()
      local manager, ended = { store = { may_wait = true } }, 0
      local function use()
        hoopai.sleep(0.3)
        ended = ended + 1
        return "read", "more"
      end
      for _, call in ipairs { in_time.use_store, function(...) return hoopai.run(in_time.use_store, ...) end } do
        assert.are.same({ "read", "more" }, { call(manager, use) })
        ended = 0
        local result, err = call(manager, use, core.now() + 0.01)
        expect.failure("timeout", result, err, { stage = "refresh" })
        hoopai.sleep(0.4)
        assert.are.equal(1, ended)
      end
    end)
  end)
end)
