--- A call returns at its `timeout` whatever it waits for, and what it leaves in the background comes to its end: a
-- rotated refresh token is stored. A response that came in time is a success, however late the loop reads it.
-- The bounds are such that only a wait for what the server holds back breaks them.
local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local servers = require "spec.support.server"

local failure = expect.failure

local TIMEOUT = 0.4 -- seconds, of a call
local SOON = 3 -- seconds: much more than TIMEOUT, much less than what is held back takes
local HELD = 20 -- seconds for which a function of the user waits

local CALENDARS = { path = "/calendars/", body = '{"calendars":[]}', always = true }
local LIFE = 86400

local function tokens(number, more)
  return ('{"access_token":"access-%d","refresh_token":"refresh-%d","expires_in":%d%s}'):format(
    number,
    number,
    LIFE,
    more or ""
  )
end

describe("the time limit of a call", function()
  local server
  local opened, folders

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    opened, folders = {}, {}
  end)
  after_each(function()
    server:release "token"
    for _, object in ipairs(opened) do
      object:close()
    end
    server:reset()
    for _, path in ipairs(folders) do
      os.execute("rm -rf " .. path)
    end
  end)

  local function keep(object)
    opened[#opened + 1] = object
    return object
  end

  local function new_folder()
    local path = os.tmpname()
    os.remove(path)
    folders[#folders + 1] = path
    return path
  end

  --- Credentials whose access token lives for some more seconds; expired without.
  local function credentials(left, fields)
    local all = {
      access_token = core.secret "access-1",
      refresh_token = core.secret "refresh-1",
      generation = 1,
      obtained_at = core.wall_ms() // 1000 - LIFE + (left or -10),
      expires_in = LIFE,
      location_id = "l",
      user_type = "Location",
    }
    for name, value in pairs(fields or {}) do
      all[name] = value or nil
    end
    return core.credentials(all)
  end

  local function put(store, key, stored) assert(hoopai.store.behind(store):write("id/" .. key, stored, 0)) end

  local function generation(store) return hoopai.store.behind(store):read("id/location/l"):get "generation" end

  local function new_app(store)
    return keep(hoopai.oauth { client_id = "id", client_secret = "secret", store = store, base_url = server.url })
  end

  local function new_client(app, options)
    local all = { oauth = app, location_id = "l", base_url = server.url, timeout = TIMEOUT, retries = false }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return keep(hoopai.new(all))
  end

  --- A client whose token has to be renewed, and its store; `left` as for `credentials`.
  local function over(store, left)
    store = store or hoopai.store.memory()
    put(store, "location/l", credentials(left))
    return new_client(new_app(store)), store
  end

  local function list(client) return client.calendars:list() end
  local function in_task(fn)
    return function(...) return hoopai.run(fn, ...) end
  end

  local function is_late(fn, ...)
    local result, err
    local arguments = table.pack(...)
    expect.within(SOON, function()
      result, err = fn(table.unpack(arguments))
    end)
    return failure("timeout", result, err, { stage = "refresh", applied = "no" })
  end

  --- What a user's store does, with functions that wait.
  local function user_store(waits)
    local kept = {}
    return {
      get = function(key)
        if waits.get then waits.get() end
        return kept[key]
      end,
      put = function(key, text)
        if waits.put then waits.put() end
        kept[key] = text
        return true
      end,
      lock = function(key)
        if waits.lock then return waits.lock(key) end
        return function() end
      end,
    }
  end

  local function exchanges()
    local count = 0
    for _, request in ipairs(server:ledger()) do
      if request.path == "/oauth/token" then count = count + 1 end
    end
    return count
  end

  local ways = { ["outside of tasks"] = list, ["in a task"] = in_task(list) }

  for where, call in pairs(ways) do
    describe(where .. ", is kept while", function()
      it("the token endpoint is slow; its token is stored and serves the next call", function()
        server:reply({ path = "/oauth/token", hold = "token", body = tokens(2) }, CALENDARS)
        local client, store = over()
        is_late(call, client)
        server:release "token"
        server:wait("ended", "exactly", 1)
        assert(call(client))
        assert.are.same({ "2", 1 }, { generation(store), exchanges() })
      end)

      it("another program holds the lock of the store", function()
        server:reply({ path = "/oauth/token", body = tokens(2) }, CALENDARS)
        local path = new_folder()
        local client, store = over(hoopai.store.file(path))
        local folder <close> = core.token_file(path)
        local lock = assert(folder:lock "id/location/l")
        is_late(call, client)
        lock:release()
        assert(call(client))
        assert.are.same({ "2", 1 }, { generation(store), exchanges() })
      end)

      for _, name in ipairs { "get", "put", "lock" } do
        it("the function " .. name .. " of a user's store waits", function()
          server:reply({ path = "/oauth/token", body = tokens(2) }, CALENDARS)
          local waits = {}
          local client, store = over(user_store(waits))
          local held = true
          waits[name] = function()
            local deadline = core.now() + HELD
            while held and core.now() < deadline do
              hoopai.sleep(0.01)
            end
            return function() end
          end
          is_late(call, client)
          held = false
          assert(call(client))
          assert.are.same({ "2", 1 }, { generation(store), exchanges() })
        end)
      end

      it("the agency's token, which gives that of the location, is renewed", function()
        server:reply(
          { path = "/oauth/token", hold = "token", body = tokens(2) },
          { path = "/oauth/locationToken", body = tokens(5, ',"locationId":"l"') },
          CALENDARS
        )
        local store = hoopai.store.memory()
        put(store, "company/c", credentials(nil, { location_id = false, company_id = "c", user_type = "Company" }))
        local client = new_client(new_app(store), { company_id = "c" })
        is_late(call, client)
        server:release "token"
        assert(call(client))
        assert.are.equal(1, exchanges())
      end)

      it("the agency's token is exchanged for that of the location", function()
        server:reply(
          { path = "/oauth/locationToken", hold = "token", body = tokens(5, ',"locationId":"l"') },
          CALENDARS
        )
        local store = hoopai.store.memory()
        put(store, "company/c", credentials(LIFE, { location_id = false, company_id = "c", user_type = "Company" }))
        local client = new_client(new_app(store), { company_id = "c" })
        is_late(call, client)
        server:release "token"
        assert(call(client))
      end)

      it("a refused token is renewed", function()
        server:reply(
          { path = "/calendars/", status = 401, body = '{"message":"Invalid JWT"}' },
          { path = "/oauth/token", hold = "token", body = tokens(2) },
          CALENDARS
        )
        local client, store = over(nil, LIFE)
        is_late(call, client)
        server:release "token"
        server:wait("ended", "exactly", 2)
        assert(call(client))
        assert.are.same({ "2", 1 }, { generation(store), exchanges() })
      end)

      it("a token function waits; it goes on, and its token serves the next call", function()
        server:reply(CALENDARS)
        local asked, held = {}, true
        local client = new_client(nil, {
          token = function(reason)
            asked[#asked + 1] = reason
            local deadline = core.now() + HELD
            while held and core.now() < deadline do
              hoopai.sleep(0.01)
            end
            return "token"
          end,
        })
        is_late(call, client)
        held = false
        assert(call(client))
        assert.are.same({ "first" }, asked)
      end)

      it("a token function waits for another token", function()
        server:reply({ path = "/calendars/", status = 401, body = '{"message":"Invalid JWT"}' }, CALENDARS)
        local asked, held = {}, true
        local client = new_client(nil, {
          token = function(reason)
            asked[#asked + 1] = reason
            local deadline = core.now() + HELD
            while reason == "refused" and held and core.now() < deadline do
              hoopai.sleep(0.01)
            end
            return "token-" .. #asked
          end,
        })
        is_late(call, client)
        held = false
        assert(call(client))
        assert.is_true(#asked <= 3)
      end)

      it("the renewal and the request take one half of it and more each", function()
        server:reply(
          { path = "/oauth/token", delay = 1.6, body = tokens(2) },
          { path = "/calendars/", steps = { { stall = true } } }
        )
        local client = over()
        local begun = core.now()
        local result, err = client.calendars:list(nil, { timeout = 2 })
        failure("timeout", result, err)
        assert.is_true(core.now() - begun < 3.2, core.now() - begun) -- 3.6 if each had the whole time
      end)

      it("a token that still lives is renewed first: it serves, if the renewal takes too long", function()
        server:reply({ path = "/oauth/token", hold = "token", body = tokens(2) }, CALENDARS)
        local client, store = over(nil, 30)
        expect.within(SOON, function() assert(call(client)) end)
        assert.are.equal("1", generation(store))
      end)
    end)
  end

  describe("hoopai.timeout and race", function()
    it("return in time outside of `run`, whatever goes on in the background", function()
      server:reply({ path = "/oauth/token", hold = "token", body = tokens(2) }, CALENDARS)
      local client, store = over()
      expect.within(SOON, function()
        local result, err = hoopai.timeout(TIMEOUT, function() return client.calendars:list(nil, { timeout = 60 }) end)
        failure("timeout", result, err)
      end)
      expect.within(SOON, function()
        assert.are.equal(
          "first",
          hoopai.race {
            function() return client.calendars:list(nil, { timeout = 60 }) end,
            function()
              hoopai.sleep(0.05)
              return "first"
            end,
          }
        )
      end)
      server:release "token"
      assert(list(client))
      assert.are.same({ "2", 1 }, { generation(store), exchanges() })
    end)

    it("bound a sign-in, which goes on and is stored", function()
      local body = tokens(2, ',"userType":"Location","locationId":"l"')
      server:reply { path = "/oauth/token", hold = "token", body = body }
      local store = hoopai.store.memory()
      local app = new_app(store)
      expect.within(SOON, function()
        failure("timeout", hoopai.timeout(TIMEOUT, function() return app:exchange { code = "code" } end))
      end)
      server:release "token"
      hoopai.sleep(1)
      assert.are.equal("1", generation(store))
    end)

    it("bound a list of locations whose agency's token is renewed", function()
      server:reply { path = "/oauth/token", hold = "token", body = tokens(2) }
      local store = hoopai.store.memory()
      put(store, "company/c", credentials(nil, { location_id = false, company_id = "c", user_type = "Company" }))
      local app = new_app(store)
      expect.within(SOON, function()
        failure(
          "timeout",
          hoopai.timeout(TIMEOUT, function()
            for _ in app:installed_locations { company_id = "c" } do
              error "no location was sent"
            end
          end)
        )
      end)
      server:release "token"
      app:close()
      local stored = hoopai.store.behind(store):read "id/company/c"
      assert.are.equal("2", stored:get "generation")
    end)
  end)

  describe("hoopai.run does not wait for an early renewal that none of its tasks needs:", function()
    local client, store

    before_each(function()
      server:reply({ path = "/oauth/token", hold = "token", body = tokens(2) }, CALENDARS)
      client, store = over(nil, 300)
      expect.within(SOON, function()
        hoopai.run(function() assert(list(client)) end)
      end)
      server:wait("arrived", "exactly", 2) -- also the exchange, which has begun
    end)

    local function is_stored() assert.are.same({ "2", 1 }, { generation(store), exchanges() }) end

    it("the next run ends it", function()
      server:release "token"
      server:wait("ended", "exactly", 2)
      hoopai.run(function() hoopai.sleep(0.5) end)
      is_stored()
    end)

    it("a sleep outside of tasks ends it", function()
      server:release "token"
      server:wait("ended", "exactly", 2)
      hoopai.sleep(0.5)
      is_stored()
    end)

    it("a blocking call of its client ends it, but waits for nothing", function()
      expect.within(SOON, function() assert(list(client)) end)
      assert.are.equal("1", generation(store))
      server:release "token"
      server:wait("ended", "exactly", 3)
      assert(list(client))
      is_stored()
    end)

    it("closing the app ends it", function()
      server:release "token"
      opened[1]:close()
      is_stored()
    end)
  end)

  it("gives an early renewal that is quick the time to end in `run`", function()
    server:reply({ path = "/oauth/token", delay = 0.1, body = tokens(2) }, CALENDARS)
    local client, store = over(nil, 300)
    hoopai.run(function() assert(list(client)) end)
    assert.are.equal("2", generation(store))
  end)

  describe("a program that ends after it", function()
    local PROGRAM = [[
      local hoopai = require "hoopai"
      local app = hoopai.oauth { client_id = "id", client_secret = "secret", base_url = %q,
        store = hoopai.store.file(%q) }
      local client = hoopai.new { oauth = app, location_id = "l", base_url = %q, timeout = 0.3 }
      local function list() return client.calendars:list() end
      local result, err = %s
      assert(result == nil and err.kind == "timeout", err)
      %s
    ]]
    for name, call in pairs { ["outside of tasks"] = "list()", ["in a task"] = "hoopai.run(list)" } do
      for ending, source in pairs {
        ["ends"] = "print 'ok'",
        ["calls os.exit with a second argument"] = "print 'ok' os.exit(true, true)",
        ["raises"] = "print 'ok' error('the end', 0)",
      } do
        it("and " .. ending .. " stores the rotated token, " .. name, function()
          server:reply { path = "/oauth/token", delay = 1.2, body = tokens(2) }
          local path = new_folder()
          local store = hoopai.store.file(path)
          put(store, "location/l", credentials())
          local text = child.run(PROGRAM:format(server.url, path, server.url, call, source))
          assert.are.equal("ok\n", text:sub(1, 3), text)
          assert.are.equal("2", generation(store))
        end)
      end
    end

    it("waits for its token function", function()
      local text, ok = child.run(([[
        local hoopai = require "hoopai"
        local client = hoopai.new { base_url = %q, location_id = "l", timeout = 0.1,
          token = function() hoopai.sleep(1) print "it ended" return "t" end }
        local result, err = client.calendars:list()
        assert(result == nil and err.kind == "timeout", err)
        print "ok"
      ]]):format(server.url))
      assert.is_true(ok, text)
      assert.are.equal("ok\nit ended\n", text)
    end)
  end)
end)

describe("a response that came in time is no timeout where", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  after_each(function() server:reset() end)

  local LATE = 1.5 -- seconds, several times the timeout

  local function compute()
    local deadline = core.now() + LATE
    repeat
    until core.now() >= deadline
  end

  local function new(options)
    local all = { base_url = server.url, token = "t", location_id = "l", timeout = TIMEOUT, retries = false }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return hoopai.new(all)
  end

  local function get(client) return client.calendars:get "c" end

  it("a task computes for longer", function()
    server:reply { path = "/calendars/c", body = '{"calendar":{"id":"c"}}' }
    local client <close> = new()
    hoopai.run(function()
      local task = hoopai.spawn(get, client)
      hoopai.sleep(0.05)
      server:wait("ended", "exactly", 1)
      compute()
      assert(task:join())
    end)
  end)

  it("a large one has to be read in many parts", function()
    server:reply { path = "/calendars/c", body = '{"calendar":{"id":"c","x":"' .. ("x"):rep(2000000) .. '"}}' }
    local client <close> = new()
    hoopai.run(function()
      local task = hoopai.spawn(get, client)
      local deadline = core.now() + 0.2
      while core.now() < deadline do
        hoopai.sleep(0.01)
      end
      compute()
      assert(task:join())
    end)
  end)

  it("hoopai.timeout has passed meanwhile, in a nested run", function()
    server:reply { path = "/calendars/c", body = '{"calendar":{"id":"c"}}' }
    local client <close> = new { timeout = 30 }
    hoopai.run(function()
      local task = hoopai.spawn(function()
        return hoopai.timeout(TIMEOUT, function()
          return hoopai.run(function() return get(client) end)
        end)
      end)
      hoopai.sleep(0.05)
      server:wait("ended", "exactly", 1)
      compute()
      assert(task:join())
    end)
  end)

  it("the host's loop does not step for longer", function()
    server:reply { path = "/calendars/c", delay = 0.2, body = '{"calendar":{"id":"c"}}' }
    local text, ok = child.run(([[
      local hoopai, core = require "hoopai", require "hoopai.core"
      hoopai.use(hoopai.loop.custom)
      local client = hoopai.new { base_url = %q, token = "t", location_id = "l", timeout = %g, retries = false }
      hoopai.spawn(function() print(assert(client.calendars:get "c").id) end)
      for _ = 1, 20 do
        hoopai.loop.step()
        core.sleep(0.005)
      end
      core.sleep(%g)
      while hoopai.loop.busy() do
        hoopai.loop.step()
        core.sleep(0.01)
      end
    ]]):format(server.url, TIMEOUT, LATE))
    assert.is_true(ok, text)
    assert.are.equal("c\n", text)
  end)

  it("the whole program was stopped while a call blocked", function()
    server:reply { path = "/calendars/c", hold = "open", body = '{"calendar":{"id":"c"}}' }
    local process = child.start(([[
      local hoopai = require "hoopai"
      local client = hoopai.new { base_url = %q, token = "t", location_id = "l", timeout = 3, retries = false }
      print(assert(client.calendars:get "c").id)
    ]]):format(server.url))
    server:wait("arrived", "exactly", 1)
    core.sleep(0.3) -- the call waits for its response
    process:signal "STOP"
    server:release "open"
    server:wait("ended", "exactly", 1)
    core.sleep(4)
    process:signal "CONT"
    local text, ok = process:finish()
    assert.is_true(ok, text)
    assert.are.equal("c\n", text)
  end)

  it("but none that did not come", function()
    server:reply { path = "/calendars/c", steps = { { stall = true } } }
    local client <close> = new()
    hoopai.run(function()
      local task = hoopai.spawn(get, client)
      hoopai.sleep(0.05)
      server:wait("arrived", "exactly", 1)
      compute()
      local err = failure("timeout", task:join())
      assert.are.equal("wait", err.stage)
    end)
  end)
end)
