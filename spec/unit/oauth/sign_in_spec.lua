-- Storing the tokens of a sign-in.

local core = require "hoopai.core"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local memory = require "hoopai.store.memory"
local sign_in = require "hoopai.oauth.sign_in"
local token_manager = require "hoopai.oauth.token_manager"
local unsaved = require "hoopai.oauth.unsaved"
local warnings = require "spec.support.warnings"

local failure = expect.failure

describe("hoopai.oauth.sign_in", function()
  local KEY = "id/location/l"
  local store, registry

  before_each(function()
    store = memory()
    registry = token_manager.registry { client_id = "id", store = store, endpoint = {}, emit = function() end }
  end)

  local function response(fields)
    local all =
      { access_token = "a", refresh_token = "r", expires_in = 3600, user_type = "Location", location_id = "l" }
    for name, value in pairs(fields or {}) do
      all[name] = value or nil
    end
    return core.credentials(all)
  end

  local function broken() return nil, "broken" end

  --- Stores a response; returns the results and the warnings.
  local function try(given, prepared)
    local done, err
    local said = warnings.during(unsaved.warn, function()
      done, err = sign_in.store(registry, given or response(), prepared)
    end)
    return done, err, said
  end

  describe("before the code is spent", function()
    it("holds the lock of all sign-ins, or that of the agency, and room", function()
      for _, case in ipairs { { "id/sign-in" }, { "id/company/c", "id/company/c" } } do
        local released = 0
        function store.reserve(_, key)
          assert.are.equal(case[1], key)
          return setmetatable({}, { __close = function() released = released + 1 end })
        end
        do
          local prepared <close> = assert(sign_in.prepare(registry, case[2])) -- luacheck: ignore 211
          assert.is_nil(store:lock(case[1]))
        end
        assert.are.equal(1, released)
        local lock <close> = store:lock(case[1])
        assert.is_truthy(lock)
      end
    end)

    it("fails if there is no lock, or no room, and keeps no lock", function()
      store.reserve = broken
      local result, err = sign_in.prepare(registry)
      failure("store", result, err, { message = "broken", applied = "no" })
      store.reserve = nil
      do
        local lock <close> = store:lock "id/sign-in"
        assert.is_truthy(lock)
      end
      store.lock = broken
      failure("store", sign_in.prepare(registry))
    end)
  end)

  it("stores the tokens under their key, into the room that was reserved", function()
    local written
    function store.write(...)
      written = table.pack(...)
      return memory().write(...)
    end
    local prepared <close> = assert(sign_in.prepare(registry))
    assert.is_true((sign_in.store(registry, response(), prepared)))
    assert.are.same({ KEY, 0, prepared.room }, { written[2], written[4], written[5] })
    assert.are.equal("1", store:read(KEY):get "generation")
    local lock <close> = store:lock(KEY)
    assert.is_truthy(lock)
  end)

  it("uses the lock of the agency that it holds already", function()
    local prepared <close> = assert(sign_in.prepare(registry, "id/company/c"))
    assert.is_true((sign_in.store(registry, response { user_type = "Company", company_id = "c" }, prepared)))
    assert.are.equal("1", store:read("id/company/c"):get "generation")
  end)

  it("keeps tokens that cannot be stored, says so, and uses and stores them later", function()
    for _, name in ipairs { "lock", "read", "write" } do
      store.credentials[KEY] = response { access_token = "old", refresh_token = "old", generation = 6 }
      store[name] = broken
      local result, err, said = try()
      failure("store", result, err, {
        applied = "yes",
        message = "broken; the code is spent, and this program alone has the tokens of location l: its clients use "
          .. "them, and store them as soon as that is possible",
      })
      assert.are.equal(1, #said)
      assert.matches("of location l cannot be stored in id/location/l of a store in memory: broken", said[1], 1, true)
      local manager = registry:location "l"
      assert.is_true(manager:get() == core.secret "a")
      assert.is_true(manager.sign_in and true)
      store[name] = nil
      assert.is_true(manager:get() == core.secret "a")
      assert.is_false(manager.sign_in)
      assert.are.same({ "7", nil }, { store:read(KEY):get "generation" })
      assert.is_true(store:read(KEY):get "refresh_token" == core.secret "r")
      local lock <close> = store:lock(KEY)
      assert.is_truthy(lock)
    end
  end)

  it("keeps the reserved room with such tokens, and releases it once they are stored", function()
    local prepared = assert(sign_in.prepare(registry))
    store.write = broken
    try(nil, prepared)
    local manager = registry:location "l"
    local room = manager.room
    assert.is_truthy(room)
    getmetatable(prepared).__close(prepared)
    assert.are.equal(room, manager.room)
    store.write = nil
    manager:get()
    assert.is_true(store:read(KEY) ~= nil)
  end)

  it("releases the lock that was kept for a successor, once the tokens of the sign-in are stored", function()
    local manager = registry:location "l"
    manager.unsaved, manager.lock = response { access_token = "successor", generation = 1 }, store:lock(KEY)
    store.write = broken
    try()
    assert.is_nil(store:lock(KEY))
    manager:get()
    assert.is_nil(store:lock(KEY))
    store.write = nil
    manager:get()
    assert.are.same({ false, false, false }, { manager.unsaved, manager.sign_in, manager.lock })
    assert.is_true(store:read(KEY):get "access_token" == core.secret "a")
    local lock <close> = store:lock(KEY)
    assert.is_truthy(lock)
  end)

  it("keeps tokens when a store raises, as without memory", function()
    function store.write() error("not enough memory", 0) end
    local result, err = try()
    failure("store", result, err, { applied = "yes" })
    store.write = nil
    assert.is_true(registry:location("l"):get() == core.secret "a")
    assert.is_truthy(store:read(KEY))
  end)

  it("loses none that wait when the program ends: they are tried once more, and what is lost is said", function()
    store.write = broken
    local said = warnings.during(unsaved.warn, function()
      sign_in.store(registry, response())
      registry = nil
      collectgarbage()
      collectgarbage()
    end)
    assert.are.equal(2, #said)
    assert.matches("the tokens of location l are lost: .* in id/location/l of a store in memory: broken", said[2])
  end)

  it("a second sign-in that is stored ends the wait of the first", function()
    store.write = broken
    try()
    local manager = registry:location "l"
    store.write = nil
    assert.is_true((try(response { access_token = "b" })))
    assert.is_false(manager.sign_in)
    assert.is_true(registry:location("l"):get() == core.secret "b")
  end)

  it("is used at once by the clients that there are, and so is a later one that cannot be stored", function()
    local source = registry:location "l" -- what a client has
    for _, token in ipairs { "a", "b" } do
      assert.is_true((try(response { access_token = token })))
      assert.is_true(source:get() == core.secret(token))
    end
    store.write = broken
    try(response { access_token = "c" })
    assert.is_true(source:get() == core.secret "c")
    store.write = nil
    source:get()
    assert.is_true(store:read(KEY):get "access_token" == core.secret "c")
  end)

  it("leaves half of a call's time for the request while a store of one's own takes long to store it", function()
    store.write, store.may_wait = broken, true
    try()
    local write = memory().write
    function store.write(...)
      hoopai.sleep(0.5)
      return write(...)
    end
    local manager, start = registry:location "l", core.now()
    assert.is_true(manager:get(start + 0.2) == core.secret "a")
    local took = core.now() - start
    assert.is_true(took >= 0.1 and took < 0.18, took)
    hoopai.sleep(0.6)
    assert.is_false(manager.sign_in)
    assert.is_truthy(store:read(KEY))
  end)

  it("a token that expires while it waits is stored before it is renewed", function()
    store.write = broken
    try(response { expires_in = 1 })
    store.write = nil
    local manager, sent = registry:location "l", {}
    function registry.endpoint.background(_, work) return require("hoopai.async").background(work) end
    manager.endpoint = registry.endpoint
    function registry.endpoint.new_reply(_, given)
      sent[#sent + 1] = given:get "refresh_token"
      local reply = {}
      function reply.is_ready() return true end
      function reply.read() return "granted", response { access_token = "a2", refresh_token = "r2" } end
      function reply.close() end
      return reply
    end
    function registry.endpoint.refresh() end
    hoopai.sleep(1.1)
    assert.is_true(manager:get() == core.secret "a2")
    assert.is_true(#sent == 1 and sent[1] == core.secret "r")
    assert.are.equal("2", store:read(KEY):get "generation")
  end)

  it("without an id is an error", function()
    failure("decode", sign_in.store(registry, response { location_id = false }))
    assert.is_true(errors.is(select(2, sign_in.store(registry, response { location_id = false }))))
  end)
end)
