-- How an exchange keeps the credentials of a token manager in step with the store.

local core = require "hoopai.core"
local exchange = require "hoopai.oauth.exchange"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local memory = require "hoopai.store.memory"
local unsaved = require "hoopai.oauth.unsaved"
local warnings = require "spec.support.warnings"

local failure = expect.failure

describe("hoopai.oauth.exchange", function()
  local store, manager

  local function credentials(generation, fields)
    local all = {
      access_token = "a" .. generation,
      refresh_token = "r" .. generation,
      generation = generation,
      obtained_at = core.wall_ms() // 1000 + generation,
      expires_in = 3600,
    }
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    return core.credentials(all)
  end

  before_each(function()
    store = memory()
    manager = { store = store, key = "k", label = "of location l", room = false, unsaved = false, sign_in = false }
  end)

  it("uses credentials: their token, generation and life", function()
    exchange.use(manager, credentials(3))
    assert.is_true(manager.secret == core.secret "a3")
    assert.are.same({ 3, 3600, 0 }, { manager.generation, manager.lifetime, manager.replacements })
    exchange.use(manager, core.credentials { generation = 4 })
    assert.is_false(manager.secret)
  end)

  it("writes with the generation that is replaced, and with the room", function()
    local written
    function store.write(...)
      written = table.pack(...)
      return nil, "broken"
    end
    local result, err = exchange.write(manager, credentials(2), credentials(1), false)
    failure("store", result, err, { message = "broken", applied = "no" })
    assert.are.same({ "k", 1, nil }, { written[2], written[4], written[5] })
  end)

  it("reserves room in place of what it had", function()
    local closed = {}
    function store.reserve(_, key, given)
      local name = key .. given:get "generation"
      return setmetatable({}, { __close = function() closed[#closed + 1] = name end })
    end
    assert.is_true((exchange.reserve(manager, credentials(1))))
    assert.is_true((exchange.reserve(manager, credentials(2))))
    assert.are.same({ "k1" }, closed)
    function store.reserve() return nil, "full" end
    local result, err = exchange.reserve(manager, credentials(3))
    failure("store", result, err, { message = "full" })
    assert.are.same({ "k1", "k2" }, closed)
    assert.is_false(manager.room)
  end)

  describe("restores", function()
    local function restore() return exchange.restore(manager, store:read "k") end

    it("nothing if there is nothing of its own, or something newer is stored", function()
      assert.is_nil(restore())
      store:write("k", credentials(1))
      assert.are.equal("1", restore():get "generation")
      exchange.use(manager, credentials(1))
      store:write("k", credentials(2))
      assert.are.equal("2", restore():get "generation")
      exchange.use(manager, credentials(5))
      store:write("k", credentials(1, { obtained_at = core.wall_ms() // 1000 + 100 })) -- a sign-in to an empty store
      assert.are.equal("1", restore():get "generation")
    end)

    it("its own in place of an older copy", function()
      exchange.use(manager, credentials(5))
      store:write("k", credentials(3))
      assert.are.equal("5", restore():get "generation")
      assert.are.equal("5", store:read("k"):get "generation")
    end)

    it("its own in a new folder, but not what was removed from the same", function()
      exchange.use(manager, credentials(5))
      assert.is_nil(restore())
      function store.replacements() return 1 end
      assert.are.equal("5", restore():get "generation")
      assert.are.equal("5", store:read("k"):get "generation")
      store.credentials.k = nil
      assert.is_nil(restore())
    end)

    it("nothing where it cannot write", function()
      exchange.use(manager, credentials(5))
      store:write("k", credentials(3))
      function store.write() return nil, "broken" end
      failure("store", restore())
    end)
  end)

  describe("saves a successor", function()
    --- Saves; returns the results and the warnings.
    local function save(seconds)
      local done, err
      local said = warnings.during(unsaved.warn, function()
        done, err = exchange.save(manager, credentials(1), core.now() + seconds)
      end)
      return done, err, said
    end

    it("before it is used", function()
      manager.unsaved = credentials(2)
      local done, _, said = save(0)
      assert.are.same({ true, 2, false, 0 }, { done, manager.generation, manager.unsaved, #said })
    end)

    it("again and again until the deadline, and says that it is not stored yet", function()
      manager.unsaved = credentials(2)
      local tries = 0
      function store.write()
        tries = tries + 1
        return nil, "full"
      end
      local done, err, said = save(1.5)
      failure("store", done, err)
      assert.are.same({ 2, 1 }, { tries, #said })
      assert.matches("the new tokens of location l cannot be stored", said[1], 1, true)
      assert.is_truthy(manager.unsaved)
    end)

    it("unless another program stored a newer one meanwhile", function()
      manager.unsaved = credentials(2)
      function store.write() return nil, "full" end
      hoopai.run(function()
        hoopai.spawn(function() store.credentials.k = credentials(3) end)
        assert.is_true((save(5)))
      end)
      assert.are.equal(3, manager.generation)
    end)
  end)

  it("stores the tokens of a sign-in one generation on", function()
    manager.sign_in = core.credentials { access_token = "a", refresh_token = "r", expires_in = 10, obtained_at = 500 }
    assert.is_true((exchange.save_sign_in(manager, credentials(4))))
    assert.are.same({ 5, false }, { manager.generation, manager.sign_in })
    assert.are.same({ "5", "500" }, { store:read("k"):get "generation", store:read("k"):get "obtained_at" })
    manager.sign_in = core.credentials { access_token = "b", obtained_at = 1 }
    function store.write() return nil, "broken" end
    failure("store", exchange.save_sign_in(manager, nil))
    assert.is_truthy(manager.sign_in)
  end)

  it("stores a refusal, unless the store holds newer credentials", function()
    local old = credentials(1)
    store:write("k", old)
    local result, err = exchange.handle_refusal(manager, old, 0, {})
    failure("reauth_required", result, err)
    assert.is_truthy(store:read("k"):get "refused_at")
    store:write("k", credentials(2))
    assert.is_true((exchange.handle_refusal(manager, old, 0, {})))
    assert.are.equal(2, manager.generation)
    exchange.clear_mark(manager, credentials(2, { pending = 5, tries = 1 }), 0)
    assert.is_nil(store:read("k"):get "pending")
  end)
end)
