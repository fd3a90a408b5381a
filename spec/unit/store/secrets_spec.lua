-- Secrets of one's own in a token store.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local lfs = require "lfs"
local server = require "spec.support.server"
local store_cases = require "spec.support.store_cases"

local CANARY = "canary-own-3kd8"

describe("hoopai.store.secrets", function()
  after_each(store_cases.remove_folders)

  local makes = {
    memory = function() return hoopai.store.memory() end,
    file = function() return hoopai.store.file(store_cases.folder()) end,
    own = function() return store_cases.user_store() end,
  }

  for kind, make in pairs(makes) do
    it("keeps, replaces and forgets a secret in a store: " .. kind, function()
      local store = make()
      assert.is_nil(hoopai.store.secret(store, "token/clinic"))
      assert.is_true(hoopai.store.keep_secret(store, "token/clinic", CANARY .. 1))
      assert.is_true(hoopai.store.keep_secret(store, "other", core.secret(CANARY .. 3)))
      assert.is_true(hoopai.store.keep_secret(store, "token/clinic", CANARY .. 2))
      local secret, kept_at = hoopai.store.secret(store, "token/clinic")
      assert.is_true(secret == core.secret(CANARY .. 2))
      expect.no_secret(secret, CANARY)
      local now = hoopai.time.now()
      assert.is_true(kept_at <= now and kept_at > now - hoopai.time.minutes(1))
      assert.is_true(hoopai.store.forget_secret(store, "token/clinic"))
      assert.is_true(hoopai.store.forget_secret(store, "token/clinic"))
      assert.is_nil(hoopai.store.secret(store, "token/clinic"))
      assert.is_truthy(hoopai.store.secret(store, "other"))
    end)
  end

  it("waits for the lock of the name, in a task too", function()
    local released = false
    local store = store_cases.user_store {
      lock = function()
        if not released then
          released = true
          return nil
        end
        return function() end
      end,
    }
    hoopai.run(function()
      assert.is_true(hoopai.store.keep_secret(store, "x", CANARY))
      assert.is_truthy(hoopai.store.secret(store, "x"))
    end)
    assert.is_true(released)
  end)

  it("is a private file of a file store", function()
    local path = store_cases.folder()
    assert(hoopai.store.keep_secret(hoopai.store.file(path), "token/clinic", CANARY))
    local found
    for name in lfs.dir(path) do
      if name:find "clinic" and not name:find "lock" then found = path .. "/" .. name end
    end
    assert.are.equal("rw-------", lfs.attributes(found, "permissions"))
  end)

  it("serves as a token, and is in no text", function()
    local peer = server.start()
    peer:reply { path = "/x", body = "{}" }
    local store = hoopai.store.memory()
    assert(hoopai.store.keep_secret(store, "x", CANARY))
    local client <close> = hoopai.new { token = hoopai.store.secret(store, "x"), base_url = peer.url }
    assert(client:request { method = "GET", path = "/x" })
    assert.are.equal("Bearer " .. CANARY, peer:last().header.authorization)
    expect.no_secret(client, CANARY)
    peer:stop()
    expect.misuse(function() hoopai.new { token = hoopai.null } end, "a secret of hoopai.store.secret")
    expect.misuse(function() hoopai.new { token = io.stdout } end, "a secret of hoopai.store.secret")
  end)

  it("says what is wrong", function()
    local store = hoopai.store.memory()
    for _, name in ipairs { "", "a b", ("x"):rep(65), 3 } do
      expect.misuse(function() hoopai.store.keep_secret(store, name, "x") end, "keep_secret expects a name")
      expect.misuse(function() hoopai.store.secret(store, name) end, "secret expects a name")
      expect.misuse(function() hoopai.store.forget_secret(store, name) end, "forget_secret expects a name")
    end
    expect.misuse(function() hoopai.store.keep_secret(store, "x") end, "expects the secret as a string, got nil")
    expect.misuse(function() hoopai.store.keep_secret(store, "x", hoopai.null) end, "expects the secret as a string")
    expect.misuse(function() hoopai.store.secret("x", "x") end, "a token store is")
    local done, err = hoopai.store.keep_secret(store, "x", CANARY .. "\n" .. CANARY)
    assert.is_nil(done)
    assert.are.equal("invalid_request", err.kind)
    expect.no_secret(err, CANARY)
  end)

  it("returns the problem of a store", function()
    local function down() return nil, "down" end
    for name, fn in pairs {
      get = function(store) return hoopai.store.secret(store, "x") end,
      put = function(store) return hoopai.store.keep_secret(store, "x", CANARY) end,
      lock = function(store) return hoopai.store.keep_secret(store, "x", CANARY) end,
      remove = function(store) return hoopai.store.forget_secret(store, "x") end,
    } do
      local result, err = fn(store_cases.user_store { [name] = down })
      assert.is_nil(result)
      assert.are.equal("store", err.kind)
      assert.matches(name .. " failed: down", err.message)
      expect.no_secret(err, CANARY)
    end
  end)
end)
