-- What is said of tokens that could not be stored, and the last try to store them.

local errors = require "hoopai.errors"
local unsaved = require "hoopai.oauth.unsaved"
local warnings = require "spec.support.warnings"

describe("hoopai.oauth.unsaved", function()
  local store = {}
  function store.path(_, key) return "/folder/" .. key end

  --- A manager whose last tries return or raise what `try` does.
  local function new_manager(try)
    local manager =
      { label = "of location l", key = "k", store = store, tries = 0, is_unsaved = true, end_guard = false }
    function manager.has_unsaved() return manager.is_unsaved end
    function manager.save_now()
      manager.tries = manager.tries + 1
      return try()
    end
    return manager
  end

  local function full() return nil, errors.new { kind = "store", message = "No space left on device" } end

  local function during(fn) return warnings.during(unsaved.warn, fn) end

  local function collect()
    collectgarbage()
    collectgarbage()
  end

  it("says once where tokens cannot be stored, until they are", function()
    local manager = new_manager(full)
    local _, err = full()
    local said = during(function()
      unsaved.warn(manager, err)
      unsaved.warn(manager, err)
      unsaved.release(manager)
      unsaved.warn(manager, err)
    end)
    assert.are.equal(2, #said)
    assert.are.equal(
      "hoopai: the new tokens of location l cannot be stored in /folder/k: No space left on device; they exist in this "
        .. "program alone, which tries again: do not end it before the cause is mended",
      said[1]
    )
  end)

  it("tries once more when nothing holds the tokens any more, and says what is lost", function()
    local manager = new_manager(full)
    local said = during(function()
      unsaved.hold(manager)
      unsaved.hold(manager) -- replaces the first guard, which is collected
      collect()
    end)
    assert.are.same({ 0, 0 }, { manager.tries, #said })
    unsaved.release(manager)
    said = during(function()
      unsaved.hold(new_manager(full))
      collect()
    end)
    assert.are.same({
      "hoopai: the tokens of location l are lost: the program ends before they could be stored in /folder/k: No space "
        .. "left on device; mend that, and then a person must sign in again",
    }, said)
  end)

  it("says nothing when the last try succeeds, when there is nothing any more, or for a parent process", function()
    local said = during(function()
      unsaved.hold(new_manager(function() return true end))
      local saved = new_manager(full)
      unsaved.hold(saved)
      saved.is_unsaved = false
      saved = nil -- luacheck: ignore 311
      local released = new_manager(full)
      unsaved.hold(released)
      unsaved.release(released)
      released = nil -- luacheck: ignore 311
      local parents = new_manager(full)
      unsaved.hold(parents)
      parents.end_guard.process = -1
      parents = nil -- luacheck: ignore 311
      collect()
    end)
    assert.are.same({}, said)
  end)

  it("says what a store raises", function()
    local said = during(function()
      unsaved.hold(new_manager(function() error("broken", 0) end))
      collect()
    end)
    assert.matches("in /folder/k: broken; mend", said[1], 1, true)
  end)
end)
