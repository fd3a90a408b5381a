-- The token manager: when tokens are renewed, by whom, and what is stored before and after. The first part uses a token
-- endpoint and stores of its own, the second one those of a sandbox.

local async = require "hoopai.async"
local child = require "spec.support.child"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local token_exchange = require "hoopai.oauth.exchange"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local lfs = require "lfs"
local memory = require "hoopai.store.memory"
local oauth = require "spec.support.oauth"
local socket = require "socket"
local token_manager = require "hoopai.oauth.token_manager"

local failure = expect.failure
local new_app, new_client, signed_in = oauth.new_app, oauth.new_client, oauth.signed_in
local counts, ledger, expire, fault, get = oauth.counts, oauth.ledger, oauth.expire, oauth.fault, oauth.get
local user_store, tamper, stored, in_folder = oauth.user_store, oauth.tamper, oauth.stored, oauth.in_folder
local key_of, ago, note, folder, CANARY = oauth.key_of, oauth.ago, oauth.note, oauth.folder, oauth.CANARY

describe("a token manager", function()
  local KEY = "id/location/l"

  --- Credentials of the first generation, obtained just now.
  local function credentials(fields)
    local all = {
      access_token = "a1",
      refresh_token = "r1",
      generation = 1,
      obtained_at = ago(0),
      expires_in = 86399,
      location_id = "l",
      user_type = "Location",
    }
    for name, value in pairs(fields or {}) do
      all[name] = value or nil
    end
    return oauth.credentials(all)
  end

  --- What a token endpoint returns.
  local function response(number, fields)
    local all = { access_token = "a" .. number, refresh_token = "r" .. number, expires_in = 86399 }
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    return oauth.credentials(all)
  end

  local function rejected() return "rejected", errors.new { kind = "server", message = "no" } end

  --- A registry over a store in memory. `outcomes` are functions, each of one sending of a refresh token.
  -- @treturn table with `registry`, `store`, `events`, `sent` (the refresh tokens) and `manager` (of the location)
  local function setup_with(stored_credentials, outcomes)
    local world = { store = memory(), events = {}, sent = {}, endpoint = { closed = false } }
    local endpoint = world.endpoint
    function endpoint.background(_, work) return async.background(work) end
    function endpoint.new_reply(_, given)
      local reply = { given = given, outcome = false }
      function reply.is_ready() return reply.outcome and true or false end
      function reply.read() return table.unpack(reply.outcome, 1, reply.outcome.n) end
      function reply.close() end
      return reply
    end
    function endpoint.refresh(_, reply, seconds, leave)
      world.sent[#world.sent + 1] = reply.given
      assert(seconds > 0 and seconds <= 40)
      local limit = leave()
      assert(limit > 9 and limit <= 10) -- the vendor accepts the token once more for 30 s
      reply.outcome = table.pack(outcomes[#world.sent](reply.given))
    end
    if stored_credentials then world.store:write(KEY, stored_credentials) end
    world.registry = token_manager.registry {
      client_id = "id",
      store = world.store,
      endpoint = endpoint,
      emit = function(event) world.events[#world.events + 1] = event end,
    }
    world.manager = world.registry:location("l")
    return world
  end

  local function granted(number, fields)
    return function() return "granted", response(number, fields) end
  end

  it("gives the stored token and its generation, without an exchange", function()
    local world = setup_with(credentials { generation = 7 })
    for _ = 1, 2 do
      local secret, generation = world.manager:get()
      assert.are.same({ "userdata", 7 }, { type(secret), generation })
    end
    assert.are.same({}, world.events)
  end)

  it("renews a token with less than a minute to live before it gives it", function()
    local world = setup_with(credentials { obtained_at = ago(86399 - 50) }, { granted(2, { scope = "x" }) })
    local _, generation = world.manager:get()
    assert.are.equal(2, generation)
    local after = world.store:read(KEY)
    assert.are.same({ "2", "86399", "x", "l", "Location" }, {
      after:get "generation",
      after:get "expires_in",
      after:get "scope",
      after:get "location_id",
      after:get "user_type",
    })
    assert.is_true(tonumber(after:get "obtained_at") >= ago(5))
    assert.is_nil(after:get "pending")
    assert.are.same({ { key = KEY, ok = true, generation = 2 } }, world.events)
  end)

  it("renews a token of a short life in its last quarter", function()
    local world = setup_with(credentials { expires_in = 100, obtained_at = ago(70) })
    assert(world.manager:get())
    world = setup_with(credentials { expires_in = 100, obtained_at = ago(80) }, { granted(2) })
    assert.are.equal(2, select(2, world.manager:get()))
  end)

  it("renews in the background of a task with less than ten minutes to live", function()
    local function generation_of(seconds_left)
      local world = setup_with(credentials { obtained_at = ago(86399 - seconds_left) }, { granted(2) })
      return hoopai.run(function()
        local _, generation = world.manager:get()
        assert.are.equal(1, generation)
        hoopai.sleep(0.02)
        return select(2, world.manager:get())
      end)
    end
    assert.are.same({ 2, 1 }, { generation_of(500), generation_of(4500) }) -- 5 % of the life are 4,320 s
    local world = setup_with(credentials { obtained_at = ago(86399 - 500) })
    assert.are.equal(1, select(2, world.manager:get())) -- outside a task it would delay the caller
  end)

  it("marks the refresh token before it is sent, and counts its sendings", function()
    local world
    world = setup_with(credentials { obtained_at = ago(90000) }, {
      function(sent)
        local marked = world.store:read(KEY)
        assert.are.same({ "1", "1" }, { marked:get "generation", marked:get "tries" })
        assert.is_true(tonumber(marked:get "pending") >= ago(5))
        assert.is_true(sent:get "refresh_token" == marked:get "refresh_token")
        return granted(2)()
      end,
    })
    assert(world.manager:get())
    assert.are.equal(1, #world.sent)
  end)

  it("removes the mark when the token was not spent, and pauses before the next exchange", function()
    for _, outcome in ipairs { "rejected", "unsent" } do
      local err = errors.new { kind = "network", message = "down" }
      local world =
        setup_with(credentials { obtained_at = ago(90000) }, { function() return outcome, err end, granted(2) })
      failure("network", world.manager:get())
      assert.is_nil(world.store:read(KEY):get "pending")
      local result, again = world.manager:get() -- within the pause of a second
      failure("network", result, again)
      assert.are.equal(1, #world.sent)
      assert.are.same({ { key = KEY, ok = false, kind = "network", generation = 1 } }, world.events)
      hoopai.sleep(1.05)
      assert.are.equal(2, select(2, world.manager:get()))
    end
  end)

  it("stores the refusal of a refresh token, and sends it no more", function()
    local cause = errors.new { kind = "auth", message = "invalid_grant" }
    local world = setup_with(
      credentials { obtained_at = ago(90000) },
      { function() return "refused", errors.new { kind = "reauth_required", message = "x", cause = cause } end }
    )
    local result, err = world.manager:get()
    failure("reauth_required", result, err, { cause = cause })
    assert.matches("a person must sign in", err.message)
    local after = world.store:read(KEY)
    assert.is_true(tonumber(after:get "refused_at") >= ago(5))
    assert.is_nil(after:get "pending")
    assert.is_truthy(after:get "refresh_token")
    local other = token_manager.registry {
      client_id = "id",
      store = world.store,
      endpoint = world.endpoint,
      emit = function() end,
    }
    failure("reauth_required", other:location("l"):get()) -- another program
    assert.are.equal(1, #world.sent)
  end)

  it("does not send a token whose exchanges stayed unclear, until a minute has passed", function()
    local world = setup_with(credentials { obtained_at = ago(90000), pending = ago(10), tries = 3 })
    local result, err = world.manager:get()
    failure("network", result, err, { retryable = true })
    assert.is_true(err.retry_after > 45 and err.retry_after <= 50, err.retry_after)
    assert.are.same({}, world.sent)
    world = setup_with(credentials { obtained_at = ago(90000), pending = ago(61), tries = 3 }, { granted(2) })
    assert.are.equal(2, select(2, world.manager:get()))
  end)

  it("sends nothing when the store cannot be read, locked or marked, or has no room", function()
    for name, fn in pairs {
      read = function() return nil, "broken" end,
      reserve = function() return nil, "broken" end,
      lock = function() return nil, "broken" end,
      write = function() return nil, "broken" end,
    } do
      local world = setup_with(credentials { obtained_at = ago(90000) })
      world.store[name] = fn
      local result, err = world.manager:get()
      failure("store", result, err, { message = "broken", applied = "no" })
      assert.are.same({}, world.sent, name)
    end
  end)

  it("stores the successor again when the first write fails, before the token is used", function()
    local world = setup_with(credentials { obtained_at = ago(90000) }, { granted(2) })
    local failures = 0
    function world.store.write(store, key, given)
      if given:get "generation" == "2" and failures == 0 then
        failures = 1
        return nil, "full"
      end
      return getmetatable(store).write(store, key, given)
    end
    assert.are.equal(2, select(2, world.manager:get()))
    assert.are.equal(1, failures)
    assert.are.equal("2", world.store:read(KEY):get "generation")
  end)

  it("uses newer credentials that another program stored, instead of an exchange", function()
    local world = setup_with(credentials())
    assert.are.equal(1, select(2, world.manager:get()))
    world.store:write(KEY, credentials { generation = 2 })
    assert.is_true(world.manager:refused(1, core.now() + 10))
    assert.are.equal(2, select(2, world.manager:get()))
    assert.are.same({}, world.sent)
  end)

  it("waits for a lock that is held elsewhere, at most until the caller's deadline", function()
    local world = setup_with(credentials { obtained_at = ago(90000) }, { granted(2) })
    local lock = world.store:lock(KEY)
    hoopai.run(function()
      local result, err = world.manager:get(core.now() + 0.1)
      failure("timeout", result, err, { stage = "refresh", retryable = true })
      assert.are.same({}, world.sent)
      local waiting = hoopai.spawn(function() return select(2, world.manager:get(core.now() + 10)) end)
      hoopai.sleep(0.05)
      getmetatable(lock).__close(lock)
      assert.are.equal(2, waiting:join())
    end)
    assert.are.equal(1, #world.sent)
  end)

  it("shares one exchange with all callers that wait", function()
    local world = setup_with(credentials { obtained_at = ago(90000) }, {
      function()
        hoopai.sleep(0.05)
        return granted(2)()
      end,
    })
    local results = hoopai.map({ 1, 2, 3, 4 }, function() return select(2, world.manager:get()) end)
    assert.are.same({ 2, 2, 2, 2, n = 4 }, results)
    assert.are.equal(1, #world.sent)
  end)

  describe("after a 401", function()
    it("has another token if it was renewed meanwhile, or exchanges it", function()
      local world = setup_with(credentials(), { granted(2), rejected })
      local _, generation = world.manager:get()
      assert.is_true(world.manager:refused(generation, core.now() + 10))
      assert.are.equal(1, #world.sent)
      assert.is_true(world.manager:refused(generation, core.now() + 10)) -- a call that was sent with the old token
      assert.are.equal(1, #world.sent)
      local result, err = world.manager:refused(2, core.now() + 10)
      failure("server", result, err)
    end)

    it("exchanges nothing for 30 seconds if the new token was refused too", function()
      local world = setup_with(credentials(), { granted(2) })
      world.manager:get()
      local err = errors.new { kind = "auth", message = "m", status = 401, trace_id = "t" }
      world.manager:distrust(2, err) -- of another generation
      world.manager:distrust(1, err)
      err.kind, err.message = {}, nil -- by the script that got it
      local result, problem = world.manager:refused(1, core.now() + 10)
      failure("auth", result, problem, { message = "m", status = 401, trace_id = "t" })
      assert.are.equal(1, select(2, world.manager:get()))
      assert.are.same({}, world.sent)
    end)
  end)

  describe("of a location without credentials", function()
    it("says that a person must sign in", function()
      local world = setup_with(nil)
      local result, err = world.manager:get()
      failure("reauth_required", result, err, { message = "there is no grant of location l: a person must sign in" })
    end)

    it("takes its token from the agency's, and stores it without a refresh token", function()
      local world = setup_with(nil)
      local asked
      function world.endpoint.location_token(_, manager, company_id, location_id, seconds)
        asked = { manager == world.registry:company "c", company_id, location_id, seconds > 0 and seconds <= 40 }
        return oauth.credentials { access_token = "a", expires_in = 3600, company_id = company_id }
      end
      local manager = world.registry:location("l", "c")
      assert.are.equal(world.manager, manager)
      assert.are.equal(1, select(2, manager:get()))
      assert.are.same({ true, "c", "l", true }, asked)
      local after = world.store:read(KEY)
      assert.are.same({ "c", "1", "3600" }, { after:get "company_id", after:get "generation", after:get "expires_in" })
      assert.is_nil(after:get "refresh_token")
    end)

    it("has the agency's problem, and marks nothing", function()
      local world = setup_with(nil)
      local refusal = errors.new { kind = "forbidden", message = "not installed" }
      function world.endpoint.location_token() return nil, refusal end
      failure("forbidden", world.registry:location("l", "c"):get())
      assert.is_nil(world.store:read(KEY))
    end)
  end)

  it("of a closed app starts no exchange, and gives a token that lives", function()
    local world = setup_with(credentials { obtained_at = ago(86399 - 300) })
    world.endpoint.closed = true
    assert.are.equal(1, select(2, hoopai.run(world.manager.get, world.manager)))
    world = setup_with(credentials { obtained_at = ago(90000) })
    world.endpoint.closed = true
    failure("closed", world.manager:get())
    assert.are.same({}, world.sent)
  end)

  describe("of a sign-in", function()
    it("stores the credentials under the location or the agency, one generation on", function()
      local world = setup_with(credentials { generation = 4, pending = ago(1), tries = 2, scope = "old" })
      assert.are.equal(4, select(2, world.manager:get()))
      assert.is_true(world.registry:sign_in(response(9, { user_type = "Location", location_id = "l" })))
      local after = world.store:read(KEY)
      assert.are.equal("5", after:get "generation")
      assert.are.equal("old", after:get "scope")
      assert.is_nil(after:get "pending")
      assert.is_nil(after:get "tries")
      assert.are.equal(5, select(2, world.registry:location("l"):get()))
      local company = response(1, { user_type = "Company", company_id = "c", location_id = "l" })
      assert.is_true(world.registry:sign_in(company))
      assert.are.equal("1", world.store:read("id/company/c"):get "generation")
      assert.are.equal("5", world.store:read(KEY):get "generation")
    end)

    it("needs the id, and says that the code was spent when it cannot store", function()
      local world = setup_with(nil)
      local result, err = world.registry:sign_in(response(1, { user_type = "Location", company_id = "c" }))
      failure("decode", result, err, { applied = "yes" })
      for _, name in ipairs { "read", "write" } do
        world.store[name] = function() return nil, "broken" end
        result, err = world.registry:sign_in(response(1, { user_type = "Location", location_id = "l" }))
        failure("store", result, err, { applied = "yes" })
        assert.matches("^broken; the code is spent, and this program alone has the tokens of location l", err.message)
        world.store[name] = nil
      end
    end)
  end)
end)

describe("the token manager of an app:", function()
  local box, location

  setup(function()
    box = oauth.start()
    location = box.location_id
  end)
  teardown(oauth.stop)

  before_each(oauth.before)
  after_each(oauth.after)

  --- Sets a constant of the library that fn uses, or a function that it calls. Returns what it was.
  local function set_local(fn, name, value, seen)
    seen = seen or {}
    for index = 1, 255 do
      local found, content = debug.getupvalue(fn, index)
      if not found then return nil end
      if found == name then
        debug.setupvalue(fn, index, value)
        return content
      end
      if type(content) == "function" and not seen[content] then
        seen[content] = true
        local old = set_local(content, name, value, seen)
        if old then return old end
      end
    end
  end

  describe("one exchange for each generation:", function()
    it("for fifty tasks of several clients", function()
      local app = signed_in()
      local clients = { new_client(app), new_client(app), new_client(app):with { timeout = 20 } }
      for round = 1, 2 do
        expire()
        hoopai.run(function()
          for index = 1, 50 do
            hoopai.spawn(function() assert(get(clients[index % 3 + 1])) end)
          end
        end)
        assert.are.equal(round, counts().exchanges)
      end
      assert.are.equal(0, counts().reuses)
    end)

    for name, make in pairs {
      memory = function() return hoopai.store.memory() end,
      ["user's"] = function() return user_store() end,
      file = function() return hoopai.store.file(folder()) end,
    } do
      it("for two apps over one store: " .. name, function()
        local store = make()
        local one = signed_in { store = store }
        local two = new_app { store = store }
        local clients = { new_client(one), new_client(two) }
        assert(get(clients[1]))
        assert(get(clients[2]))
        expire()
        hoopai.run(function()
          for index = 1, 20 do
            hoopai.spawn(function() assert(get(clients[index % 2 + 1])) end)
          end
        end)
        assert.are.equal(1, counts().exchanges)
        expire()
        for _, client in ipairs(clients) do
          assert(get(client))
        end
        assert.are.equal(2, counts().exchanges)
        assert.are.equal(0, counts().reuses)
      end)
    end

    it("for two stores of one folder", function()
      local path = folder()
      local one = signed_in { store = hoopai.store.file(path) }
      local two = new_app { store = hoopai.store.file(path) }
      local clients = { new_client(one), new_client(two) }
      hoopai.map(clients, function(client) assert(get(client)) end)
      expire()
      hoopai.map(clients, function(client) assert(get(client)) end)
      assert.are.equal(1, counts().exchanges)
    end)

    it("for six processes", function()
      local path = folder()
      signed_in { store = hoopai.store.file(path) }
      expire()
      local script = ([[
        local hoopai = require "hoopai"
        local app <close> = hoopai.oauth {
          client_id = %q, client_secret = os.getenv("SECRET"), base_url = %q, store = hoopai.store.file(%q) }
        local client <close> = hoopai.new { oauth = app, location_id = %q }
        if tonumber(os.getenv("NUMBER")) %% 2 == 0 then assert(client.calendars:list()) return end
        hoopai.map({ 1, 2, 3 }, function() return assert(client.calendars:list()) end)
      ]]):format(box.oauth.client_id, box.url, path, location)
      local children = {}
      for index = 1, 6 do
        children[index] = child.start(script, { set = { SECRET = box.oauth.client_secret, NUMBER = tostring(index) } })
      end
      for index = 1, 6 do
        local text, ok = children[index]:finish()
        assert.is_true(ok, text)
        note(text)
      end
      assert.are.equal(1, counts().exchanges)
      assert.are.equal(0, counts().reuses)
    end)
  end)

  describe("renewing early:", function()
    it("in the background of a task, while the old token serves", function()
      local store = user_store()
      signed_in { store = store }
      tamper(store, { obtained_at = ago(86399 - 300) })
      local client = new_client(new_app { store = store })
      fault { latency_ms = 900 }
      hoopai.run(function()
        expect.within(0.6, function() assert(get(client)) end)
        assert(get(client))
      end)
      assert.are.equal(1, counts().exchanges)
      assert.are.equal("2", stored(store):get("generation"))
      hoopai.run(function() assert(get(client)) end)
      assert.are.equal(1, counts().exchanges)
    end)

    it("not outside a task, until less than a minute is left", function()
      local store = user_store()
      signed_in { store = store }
      tamper(store, { obtained_at = ago(86399 - 300) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(0, counts().exchanges)
      tamper(store, { obtained_at = ago(86399 - 40) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(1, counts().exchanges)
    end)

    it("not at every call where tokens live for a minute", function()
      box:control("oauth/settings", { expires_in = 60 })
      local client = new_client(signed_in())
      hoopai.run(function()
        for _ = 1, 5 do
          assert(get(client))
        end
      end)
      for _ = 1, 5 do
        assert(get(client))
      end
      assert.are.equal(0, counts().exchanges)
    end)
  end)

  describe("responses:", function()
    local function renewed(given)
      local store = user_store()
      local app = signed_in { store = store }
      expire()
      fault(given)
      assert(get(new_client(app)))
      return store
    end

    for name, value in pairs { zero = 0, negative = -1, text = "x", huge = 1e18, fraction = 0.5 } do
      it(
        "an expires_in that is no time is replaced by an hour: " .. name,
        function() assert.are.equal("3600", stored(renewed { expires_in = value }):get("expires_in")) end
      )
    end

    it("without expires_in, or with half seconds, or as text", function()
      assert.are.equal("3600", stored(renewed { without = { "expires_in" } }):get("expires_in"))
      assert.are.equal("7200", stored(renewed { expires_in = 7200.5 }):get("expires_in"))
      assert.are.equal("7200", stored(renewed { expires_in = "7200" }):get("expires_in"))
      assert.are.equal("3600", stored(renewed { raw = { expires_in = "1e999" } }):get("expires_in"))
    end)

    for _, which in ipairs { "no_refresh_token", "same_refresh_token" } do
      it("with " .. which .. " keep the old one", function()
        local store = user_store()
        local app = signed_in { store = store }
        local client = new_client(app)
        local before = stored(store):get("refresh_token")
        expire()
        fault { [which] = true }
        assert(get(client))
        assert.is_true(stored(store):get("refresh_token") == before)
        expire()
        assert(get(client))
        assert.is_false(stored(store):get("refresh_token") == before)
        assert.are.equal(0, counts().reuses)
      end)
    end

    it("an access token with a line break in it is refused, and the refresh token beside it is sent in turn", function()
      local store = user_store()
      local app = signed_in { store = store }
      expire()
      fault { crlf = true }
      assert(get(new_client(app)))
      assert.are.same({ 2, 0 }, { counts().exchanges, counts().reuses })
      assert.are.equal("3", stored(store):get("generation"))
    end)

    it("without a usable access token again and again are no storm, and keep each refresh token", function()
      local store = user_store()
      local app = signed_in { store = store }
      local before = stored(store):get("refresh_token")
      expire()
      fault { crlf = true, times = 2 }
      local client = new_client(app)
      assert.matches("no usable access_token", failure("decode", get(client)).message)
      assert.are.equal(2, counts().exchanges)
      assert.is_false(stored(store):get("refresh_token") == before)
      assert.is_nil(stored(store):get("access_token"))
      hoopai.sleep(1.1) -- the pause after a failed exchange
      assert(get(client))
      assert.are.same({ 3, 0 }, { counts().exchanges, counts().reuses })
    end)

    it("in malformed JSON with an unusable access token keep the refresh token", function()
      local store = user_store()
      local app = signed_in { store = store }
      expire()
      fault { malformed = true } -- a colon is missing behind access_token
      assert(get(new_client(app)))
      assert.are.same({ 2, 0 }, { counts().exchanges, counts().reuses })
    end)

    it("a wall clock that was put back makes a token count as expired", function()
      local store = user_store()
      signed_in { store = store }
      tamper(store, { obtained_at = ago(-7200) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(1, counts().exchanges)
      assert.is_true(math.abs(tonumber(stored(store):get("obtained_at")) - ago(0)) < 5)
    end)
  end)

  describe("an unclear exchange:", function()
    for name, given in pairs {
      ["hung up before"] = { drop = "before" },
      ["500"] = { status = 500 },
      ["408"] = { status = 408 },
      ["500 with no JSON"] = { status = 503, body = "<html>" },
    } do
      it("is tried again with the same token: " .. name, function()
        local store = user_store()
        local app = signed_in { store = store }
        expire()
        fault(given)
        expect.within(8, function() assert(get(new_client(app))) end)
        assert.are.equal(2, counts().exchanges)
        assert.are.equal("2", stored(store):get("generation"))
        assert.is_nil(stored(store):get("pending"))
        assert.is_nil(stored(store):get("tries"))
      end)
    end

    for name, given in pairs {
      ["hung up after"] = { drop = "after" },
      ["cut off"] = { truncated = true },
      ["no JSON"] = { malformed = "<html>" },
      ["500, but done"] = { status = 500, apply = true },
    } do
      it("whose successor is lost needs a person, and emits that once: " .. name, function()
        local store = user_store()
        local events = {}
        local function refresh(event) events[#events + 1] = note(event) end
        local app = signed_in { store = store, on = { refresh = refresh } }
        local client = new_client(app)
        local before = stored(store):get("refresh_token")
        expire()
        fault(given)
        expect.within(8, function()
          hoopai.run(function()
            for _ = 1, 10 do
              hoopai.spawn(function()
                local err = failure("reauth_required", get(client))
                assert.matches("lost", err.message)
              end)
            end
          end)
        end)
        for _ = 1, 10 do
          failure("reauth_required", get(client))
        end
        failure("reauth_required", get(new_client(new_app { store = store })))
        assert.are.equal(2, counts().exchanges)
        assert.are.equal(1, #events)
        assert.are.equal("reauth_required", events[1].kind)
        assert.is_true(stored(store):get("refresh_token") == before)
        assert.are.equal("1", stored(store):get("generation"))
        assert(app:exchange { code = box.oauth.code {} })
        assert(get(client))
      end)
    end

    it("that stays unclear is tried three times in five seconds, then not for a minute on the whole host", function()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      local client = new_client(app)
      expire()
      fault { drop = "before", times = 50 }
      local start = socket.gettime()
      failure("network", get(client))
      local elapsed = socket.gettime() - start
      assert.is_true(elapsed > 3.9 and elapsed < 15, elapsed)
      local list = ledger()
      assert.are.equal(3, #list)
      local first, second, third = list[1].at, list[2].at, list[3].at
      assert.is_true(second - first > 900 and third - first > 3900, third - first)
      for _ = 1, 50 do
        failure("network", get(client))
      end
      expire()
      local err = failure("network", get(new_client(new_app { store = hoopai.store.file(path) })))
      assert.is_true(err.retryable)
      assert.are.equal(3, counts().exchanges)
    end)

    it("that a crash left unclear is tried once more at once, and a loss is emitted once", function()
      local store = user_store()
      signed_in { store = store }
      box:control("oauth/grant", {})
      tamper(store, { pending = ago(3), tries = 1, obtained_at = ago(90000) })
      box:control("oauth/revoke", { location_id = location })
      local events = {}
      local app = new_app { store = store, on = { refresh = function(event) events[#events + 1] = event end } }
      local client = new_client(app)
      for _ = 1, 3 do
        assert.matches("lost", failure("reauth_required", get(client)).message)
      end
      assert.are.equal(1, counts().exchanges)
      assert.are.equal(1, #events)
    end)

    it("that a crash left unclear before the token was spent succeeds", function()
      local store = user_store()
      signed_in { store = store }
      tamper(store, { pending = ago(3), tries = 1, obtained_at = ago(90000) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(1, counts().exchanges)
      assert.is_nil(stored(store):get("pending"))
    end)

    it("leaves a mark in the store while it runs", function()
      local store = user_store()
      local app = signed_in { store = store }
      expire()
      fault { latency_ms = 300 }
      hoopai.run(function()
        local task = hoopai.spawn(get, new_client(app))
        expect.eventually(function() return stored(store):get("pending") end, "the mark was stored")
        assert.are.equal("1", stored(store):get("generation"))
        assert(task:join())
      end)
      assert.is_nil(stored(store):get("pending"))
    end)
  end)

  describe("refusals:", function()
    it("a revoked token makes no storm, and is never removed", function()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      local client = new_client(app)
      expire()
      box:control("oauth/revoke", { location_id = location })
      hoopai.run(function()
        for _ = 1, 50 do
          hoopai.spawn(function() failure("reauth_required", get(client)) end)
        end
      end)
      for _ = 1, 50 do
        failure("reauth_required", get(client))
      end
      assert.are.equal(1, counts().exchanges)
      local credentials = assert(in_folder(path))
      assert.are.equal("1", credentials:get("generation"))
      assert.is_truthy(credentials:get("refresh_token"))
      assert.is_truthy(credentials:get("access_token"))
    end)

    it("a revoked token is emitted once, however often it is used", function()
      local events = {}
      local app = signed_in { on = { refresh = function(event) events[#events + 1] = event.kind end } }
      local client = new_client(app)
      expire()
      box:control("oauth/revoke", { location_id = location })
      failure("reauth_required", get(client))
      hoopai.sleep(1.05) -- the pause after the first failure
      failure("reauth_required", get(client))
      assert.are.same({ "reauth_required" }, events)
    end)

    it("invalid_grant does not count if another program stored newer credentials", function()
      local store = user_store { lock = false }
      store.lock = nil
      local app = signed_in { store = store }
      local client = new_client(app)
      assert(get(client))
      box:control("oauth/revoke", { location_id = location })
      expire()
      local newer = box.oauth.grant {}
      fault { latency_ms = 200 }
      hoopai.run(function()
        local task = hoopai.spawn(get, client)
        hoopai.sleep(0.1)
        tamper(store, {
          access_token = newer.access_token,
          refresh_token = newer.refresh_token,
          generation = 7,
          obtained_at = ago(0),
        })
        assert(task:join())
      end)
      assert.are.equal("7", stored(store):get("generation"))
      assert.are.equal(1, counts().refused)
    end)

    it("newer credentials end the pause after a failure", function()
      local store = user_store()
      local app = signed_in { store = store }
      local client = new_client(app)
      expire()
      box:control("oauth/revoke", { location_id = location })
      failure("reauth_required", get(client))
      assert(new_app({ store = store }):exchange { code = box.oauth.code {} })
      assert(get(client))
    end)

    it("a 429 and a wrong client secret remove the mark and keep the token", function()
      local store = user_store()
      local app = signed_in { store = store }
      expire()
      fault { status = 429, body = '{"message":"Too Many Requests"}' }
      local err = failure("rate_limit", get(new_client(app)))
      assert.is_true(err.retry_after >= 1)
      assert.is_nil(stored(store):get("pending"))
      failure("rate_limit", get(new_client(app)))
      assert.are.equal(1, counts().exchanges)
      local wrong = new_app { store = store, client_secret = CANARY .. "x" }
      failure("auth", get(new_client(wrong)))
      assert.is_nil(stored(store):get("pending"))
      assert(get(new_client(new_app { store = store })))
    end)

    it("a token endpoint that cannot be reached spends nothing", function()
      local store = user_store()
      local app = signed_in { store = store }
      expire()
      local gone = new_app { store = store, base_url = "http://127.0.0.1:1" }
      local err = failure("network", get(new_client(gone, { base_url = box.url })))
      assert.are.equal("no", err.applied)
      assert.is_nil(stored(store):get("pending"))
      assert(get(new_client(app)))
      assert.are.equal(1, counts().exchanges)
    end)
  end)

  describe("a failure is forgotten at once when its cause is over:", function()
    local company
    setup(function() company = box.oauth.company_id end)

    --- Fails often, so that the pause after a failure is long.
    local function fail(kind, client, times)
      for _ = 1, times or 8 do
        failure(kind, get(client))
      end
    end

    local function sign_in(app, class)
      assert(app:exchange { code = box.oauth.code { class = class }, user_type = class })
    end

    it("an agency signs in after its locations failed, in all clients made before", function()
      local app = new_app()
      local clients = {
        new_client(app, { company_id = company }),
        new_client(app, { company_id = company, location_id = box.seed.other_location_id }),
      }
      clients[3] = clients[1]:with { location_id = box.seed.other_location_id }
      for _, client in ipairs(clients) do
        fail("reauth_required", client)
      end
      assert.are.equal(0, counts().exchanges)
      sign_in(app, "Company")
      for _, client in ipairs(clients) do
        assert(get(client))
      end
    end)

    for name, make in pairs {
      file = function()
        local path = folder()
        return function() return hoopai.store.file(path) end
      end,
      own = function()
        local store = user_store()
        return function() return store end
      end,
      memory = function()
        local store = hoopai.store.memory()
        return function() return store end
      end,
    } do
      it("the agency signs in in another program: " .. name, function()
        local store_of = make()
        local client = new_client(new_app { store = store_of(), company_id = company })
        hoopai.run(fail, "reauth_required", client)
        sign_in(new_app { store = store_of() }, "Company")
        hoopai.run(function() assert(get(client)) end)
      end)
    end

    it("the agency's grant was refused, and it signs in again", function()
      local app, store = oauth.agency()
      local client = new_client(app)
      assert(get(client))
      box:control("oauth/revoke", { company_id = company })
      tamper(store, { obtained_at = ago(90000) }, key_of("company", company))
      tamper(store, { obtained_at = ago(90000) })
      local fresh = new_client(new_app { store = store, company_id = company })
      expire()
      fail("reauth_required", fresh)
      sign_in(new_app { store = store }, "Company")
      assert(get(fresh))
    end)

    it("a location signs in itself, here or elsewhere, after it failed through the agency", function()
      for _, is_other in ipairs { false, true } do
        local store = user_store()
        local app = new_app { store = store, company_id = company }
        local client = new_client(app)
        fail("reauth_required", client)
        sign_in(is_other and new_app { store = store } or app)
        assert(get(client))
      end
    end)

    it("a location's own grant is refused, and its agency signs in", function()
      local store = user_store()
      local app = signed_in { store = store }
      local client = new_client(app)
      local spent = stored(store):get("refresh_token")
      expire()
      box:control("oauth/revoke", { location_id = location })
      fail("reauth_required", client)
      sign_in(new_app { store = store }, "Company")
      assert(get(client))
      assert.is_true(stored(store):get("refresh_token") == spent) -- no error deletes a token
    end)

    it("a client names the agency after the location failed without one", function()
      local app, store = oauth.agency()
      app:close()
      app = new_app { store = store }
      fail("reauth_required", new_client(app))
      assert(get(new_client(app, { company_id = company })))
    end)

    it("the store was emptied, and a person signs in in another program", function()
      local store = user_store()
      local client = new_client(signed_in { store = store })
      assert(get(client))
      expire()
      box:control("oauth/revoke", { location_id = location })
      fail("reauth_required", client)
      store.kept[key_of()] = nil
      sign_in(new_app { store = store }) -- of generation 1 again
      assert(get(client))
    end)

    for _, name in ipairs { "get", "put", "lock" } do
      it("the store works again: " .. name, function()
        local store = user_store()
        signed_in { store = store }
        tamper(store, { obtained_at = ago(90000) })
        local works = store[name]
        local broken, app_store = true, user_store { kept = store.kept, locks = store.locks }
        app_store.get, app_store.put, app_store.lock = store.get, store.put, store.lock
        app_store[name] = function(...)
          if broken then return nil, "broken" end
          return works(...)
        end
        local client = new_client(new_app { store = app_store })
        fail("store", client)
        assert.are.equal(0, counts().exchanges)
        broken = false
        assert(get(client))
        assert.are.equal(1, counts().exchanges)
      end)
    end

    it("a sign-in does not wait for the lock that its own app keeps with an unsaved successor", function()
      local store, broken = user_store(), false
      local put = store.put
      function store.put(key, text, generation)
        if broken and generation == 1 and oauth.unpack(text):get "generation" == "2" then return nil, "full" end
        return put(key, text, generation)
      end
      local app = signed_in { store = store }
      local client = new_client(app)
      expire()
      broken = true
      local seconds = assert(set_local(token_exchange.run, "DEADLINE", 0.5))
      failure("store", get(client))
      set_local(token_exchange.run, "DEADLINE", seconds)
      assert.are.same({ [key_of()] = true }, store.locks)
      broken = false
      expect.within(5, function() sign_in(app) end)
      assert.are.same({}, store.locks)
      assert(get(client))
      assert.are.equal("2", stored(store):get("generation"))
    end)

    it("but the same agency is not asked again and again", function()
      local app = oauth.agency()
      fault { status = 403, times = 50, grant = "location_token" }
      local clients = { new_client(app), new_client(app):with {}, new_client(app, { company_id = company }) }
      for _ = 1, 10 do
        for _, client in ipairs(clients) do
          local calendars = get(client)
          assert.is_nil(calendars)
        end
      end
      local attempts = 0
      for _, exchange in ipairs(ledger()) do
        if exchange.fault then attempts = attempts + 1 end
      end
      assert.is_true(attempts >= 1)
      assert.is_true(attempts <= 2, attempts)
    end)

    it("and a renewal of the agency's token alone gives a location one more try, not many", function()
      local app, store = oauth.agency()
      local client = new_client(app)
      box:control("oauth/revoke", { company_id = company })
      expire { company_id = company }
      fail("reauth_required", client)
      local before = counts().exchanges
      tamper(store, { generation = 9 }, key_of("company", company))
      fail("reauth_required", client, 20)
      assert.is_true(counts().exchanges - before <= 2, counts().exchanges - before)
    end)
  end)

  describe("an exchange belongs to the store:", function()
    it("a caller's timeout ends its wait alone", function()
      local store = user_store()
      local app = signed_in { store = store }
      expire()
      fault { delay_ms = 400 }
      local client = new_client(app)
      hoopai.run(function()
        local err = failure("timeout", get(client, { timeout = 0.15 }))
        assert.are.equal("refresh", err.stage)
        assert.are.equal("no", err.applied)
      end)
      assert.are.equal("2", stored(store):get("generation"))
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
      assert.is_true(ledger()[1].applied and ledger()[1].answered)
    end)

    it("so does a cancelled task, and a failure of run", function()
      for _, how in ipairs { "cancel", "raise" } do
        local store = user_store()
        local app = signed_in { store = store }
        expire()
        fault { delay_ms = 200 }
        local client = new_client(app)
        local ok = pcall(hoopai.run, function()
          local task = hoopai.spawn(get, client)
          expect.eventually(function() return stored(store):get("pending") end, "the exchange began")
          if how == "cancel" then
            task:cancel()
          else
            error("no more")
          end
        end)
        assert.are.equal(how == "cancel", ok)
        assert(get(client))
        assert.are.equal("2", stored(store):get("generation"))
        assert.are.equal(1, counts().exchanges)
      end
    end)
  end)

  describe("the store and the lock:", function()
    --- A store that refuses the second generation.
    -- @return the store, and a function after which it accepts that generation
    local function store_without_room()
      local store, is_full = user_store(), true
      local put = store.put
      function store.put(key, text, generation)
        if is_full and oauth.unpack(text):get("generation") == "2" then return nil, "no room" end
        return put(key, text, generation)
      end
      return store, function() is_full = false end
    end

    it("a successor that cannot be stored at first is kept and stored later", function()
      local store = user_store()
      local app = signed_in { store = store }
      local client = new_client(app)
      expire()
      local broken = 0
      local failing = { get = store.get, lock = store.lock }
      function failing.put(key, text, generation)
        local credentials = oauth.unpack(text)
        if credentials:get("generation") == "2" and broken < 1 then
          broken = broken + 1
          return nil, "no room for " .. text
        end
        return store.put(key, text, generation)
      end
      local second = new_client(new_app { store = failing })
      assert(get(second))
      assert.are.equal(1, broken)
      assert.are.equal("2", stored(store):get("generation"))
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
    end)

    it("the lock is kept with a successor that cannot be stored, until it can", function()
      local store, mend = store_without_room()
      local client = new_client(signed_in { store = store })
      expire()
      local seconds = assert(set_local(token_exchange.run, "DEADLINE", 1.2))
      local result, err = get(client)
      set_local(token_exchange.run, "DEADLINE", seconds)
      failure("store", result, err)
      -- No other program may spend the old token.
      assert.are.same({ [key_of("location", location)] = true }, store.locks)
      mend()
      hoopai.sleep(1.05)
      assert(get(client))
      assert.are.equal("2", stored(store):get("generation"))
      assert.are.same({}, store.locks)
      assert.are.equal(1, counts().exchanges)
    end)

    it("a successor that cannot be stored is stored in the background as soon as it can, for a lock may end", function()
      local store, mend = store_without_room()
      local client = new_client(signed_in { store = store })
      expire()
      hoopai.run(function()
        local seconds = assert(set_local(token_exchange.run, "DEADLINE", 1.2))
        local result, err = get(client)
        set_local(token_exchange.run, "DEADLINE", seconds)
        failure("store", result, err)
        hoopai.sleep(1.5) -- one try more fails
        assert.are.equal("1", stored(store):get("generation"))
        mend()
        expect.eventually(function() return stored(store):get("generation") == "2" end, "it is stored")
        expect.eventually(function() return next(store.locks) == nil end, "the lock is released")
      end)
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
    end)

    it("the tokens of a sign-in that cannot be stored are stored in the background", function()
      local store, broken = user_store(), true
      local put = store.put
      function store.put(...)
        if broken then return nil, "no room" end
        return put(...)
      end
      hoopai.run(function()
        local app = new_app { store = store }
        local result, err = app:exchange { code = box.oauth.code { class = "Location" } }
        failure("store", result, err)
        broken = false
        expect.eventually(function() return next(store.kept) ~= nil end, "they are stored")
        assert(get(new_client(app)))
      end)
      assert.are.equal(1, counts().exchanges) -- that of the code
    end)

    it("a lock's function that raises is a lock that may have ended", function()
      local store = user_store()
      local lock = store.lock
      function store.lock(key)
        local release = lock(key)
        return release, release and function() error "no connection" end
      end
      local client = new_client(signed_in { store = store })
      expire()
      local result, err = get(client)
      failure("store", result, err)
      assert.is_nil(stored(store):get "pending")
      assert.is_nil(stored(store):get "tries")
    end)

    it("nothing is sent under a lock that may have ended, and the mark is taken away", function()
      local store, is_safe, asked = user_store(), false, 0
      local lock = store.lock
      function store.lock(key)
        local release = lock(key)
        return release, release and function()
          asked = asked + 1
          return is_safe
        end
      end
      local client = new_client(signed_in { store = store })
      expire()
      local result, err = get(client)
      failure("store", result, err)
      assert.matches("the lock of the token store may have expired; nothing was sent", err.message)
      assert.are.equal(0, counts().exchanges)
      assert.is_nil(stored(store):get "pending")
      assert.are.same({}, store.locks)
      is_safe = true
      hoopai.sleep(1.05)
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
      assert.are.equal(2, asked)
    end)

    it("a new token is not used before it is stored", function()
      local store = user_store()
      local put = store.put
      function store.put(key, text, generation)
        if oauth.unpack(text):get("generation") == "2" then hoopai.sleep(0.2) end
        return put(key, text, generation)
      end
      signed_in { store = store }
      tamper(store, { obtained_at = ago(86399) })
      local sent = {}
      local client = new_client(new_app { store = store }, {
        on = { request = function() sent[#sent + 1] = stored(store):get("generation") end },
      })
      local _, errs = hoopai.map({ 0, 0.05, 0.1 }, function(seconds)
        hoopai.sleep(seconds)
        return get(client)
      end)
      assert.is_nil(errs)
      assert.are.same({ "2", "2", "2" }, sent)
    end)

    it("a lock that another process holds is waited for while the loop goes on", function()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      expire()
      local holder = child.start(([[
        local core = require "hoopai.core"
        local lock = assert(core.token_file(%q):lock(%q))
        io.open(%q, "w"):close()
        core.sleep(0.5)
        lock:release()
      ]]):format(path, key_of("location", location), path .. "/.held"))
      hoopai.run(function()
        expect.eventually(function() return lfs.attributes(path .. "/.held") end, "the lock was taken")
        local ticks, done = 0, false
        hoopai.spawn(function()
          while not done do
            ticks = ticks + 1
            hoopai.sleep(0.01)
          end
        end)
        assert(get(new_client(app)))
        done = true
        assert.is_true(ticks > 15, ticks)
      end)
      local text, ok = holder:finish()
      assert.is_true(ok, text)
      assert.are.equal(1, counts().exchanges)
    end)
  end)
end)
