-- Against a real Redis server.

local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local lua_redis = require("hoopai.redis").lua_redis
local new_store = require "hoopai.store.redis"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local store_cases = require "spec.support.store_cases"

local CANARY, credentials = store_cases.CANARY, store_cases.credentials
local KEY = "app/location/L1"
local LOCK = "hoopai:lock:" .. KEY

describe("hoopai.store.redis", function()
  local server

  setup(function() server = redis.start() end)
  teardown(function() server:stop() end)
  before_each(function() server.admin:flushall() end)

  local function call_of(target) return (target or server):call() end

  --- A store as another host would have it, with its own connection.
  local function store_of(options)
    local all = { call = call_of() }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return new_store(all)
  end

  for name, case in pairs(store_cases.contract) do
    it(name, function() case(store_of()) end)
  end

  it("shares credentials and locks with the stores of other hosts", function()
    local one, two = store_of(), store_of()
    assert.is_true(one:write(KEY, credentials(1), 0))
    assert.are.equal("1", two:read(KEY):get "generation")
    do
      local lock <close> = assert(one:lock(KEY)) -- luacheck: ignore 211
      assert.are.same({ nil, nil }, { two:lock(KEY) })
      assert.is_true(server.admin:pttl(LOCK) > 5000)
    end
    local lock <close> = assert(two:lock(KEY)) -- luacheck: ignore 211
    assert.is_true(store_of({ prefix = "other:" }):read(KEY) == nil)
  end)

  it("lets nobody replace credentials that they have not read", function()
    local one, two = store_of(), store_of()
    assert(one:write(KEY, credentials(1), 0))
    assert(two:write(KEY, credentials(2), 1))
    for _, expected in ipairs { 0, 1, 3 } do
      local done, problem = one:write(KEY, credentials(expected + 1), expected)
      assert.is_nil(done)
      assert.matches("changed by somebody else", problem)
    end
    assert.are.equal("2", one:read(KEY):get "generation")
  end)

  it("refuses the mark of a program whose lock has expired, and takes its successor", function()
    local stopped, other = store_of(), store_of()
    assert(stopped:write(KEY, credentials(1), 0))
    local lost <close> = assert(stopped:lock(KEY)) -- luacheck: ignore 211
    assert.is_true(stopped:write(KEY, credentials(1):with { pending = 5, tries = 1 }, 1))
    server.admin:del(LOCK) -- as if it had expired
    local marked, problem = stopped:write(KEY, credentials(1):with { pending = 6, tries = 2 }, 1)
    assert.is_nil(marked)
    assert.matches("the lock has expired, and nothing was sent", problem)
    local held <close> = assert(other:lock(KEY)) -- luacheck: ignore 211
    marked, problem = stopped:write(KEY, credentials(1):with { pending = 6, tries = 2 }, 1)
    assert.is_nil(marked)
    assert.matches("the lock has expired", problem)
    assert.are.equal("1", other:read(KEY):get "tries")
    assert.is_true(stopped:write(KEY, credentials(2), 1)) -- what it was given exists nowhere else
    assert.are.equal("2", other:read(KEY):get "generation")
  end)

  it("renews a lock until it is released", function()
    local store, other = store_of(), store_of()
    hoopai.run(function()
      local lock <close> = assert(store:lock(KEY))
      assert.is_true(lock.is_safe())
      server.admin:pexpire(LOCK, 5000)
      hoopai.sleep(2.8)
      assert.is_true(server.admin:pttl(LOCK) > 8000, "the holder gave it its whole time again")
      assert.is_true(lock.is_safe())
      server.admin:del(LOCK) -- as if it had expired while Redis was away
      hoopai.sleep(2.8)
      assert.are.same({ nil, nil }, { other:lock(KEY) })
    end)
    assert.is_nil(server.admin:get(LOCK))
    local begun = core.now()
    hoopai.run(function() end)
    assert.is_true(core.now() - begun < 1)
  end)

  it("gives the lock its whole time again before a token is sent", function()
    local store = store_of()
    assert(store:write(KEY, credentials(1), 0))
    local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
    server.admin:pexpire(LOCK, 4000)
    assert(store:write(KEY, credentials(1):with { pending = 5 }, 1))
    local left = server.admin:pttl(LOCK)
    assert.is_true(left > 8000 and left <= 10000, tostring(left))
  end)

  it("lets no token be sent in the last five seconds of the lock", function()
    local store = store_of()
    local lock <close> = assert(store:lock(KEY))
    assert.is_true(lock.is_safe())
    core.sleep(5.1) -- as long as no loop runs, nothing renews the lock
    assert.is_false(lock.is_safe())
    assert(store:write(KEY, credentials(1), 0))
    assert(store:write(KEY, credentials(1):with { pending = 5 }, 1))
    assert.is_true(lock.is_safe())
  end)

  it("releases no lock of another program", function()
    local one, two = store_of(), store_of()
    local first = assert(one:lock(KEY))
    server.admin:del(LOCK)
    local second <close> = assert(two:lock(KEY)) -- luacheck: ignore 211
    do
      local _ <close> = first
    end
    assert.is_nil((store_of():lock(KEY)))
    assert.are.equal(1, server.admin:exists(LOCK) and 1)
  end)

  it("takes a lock again whose response was lost, and no task takes one twice", function()
    local call, is_lost = call_of(), true
    local store = store_of {
      call = function(...)
        local result = call(...)
        if is_lost then return nil, "the connection to Redis broke" end
        return result
      end,
    }
    for _ = 1, 2 do
      local lock, problem = store:lock(KEY)
      assert.is_nil(lock)
      assert.matches("connection to Redis broke", problem)
    end
    is_lost = false
    local again <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
    assert.are.same({ nil, nil }, { store:lock(KEY) })

    local answers, sent = {}, 0
    local slow = store_of {
      prefix = "slow:",
      call = function(...)
        sent = sent + 1
        hoopai.sleep(0.01)
        return call(...)
      end,
    }
    hoopai.run(function()
      hoopai.map({ 1, 2, 3 }, function(index) answers[index] = slow:lock(KEY) or false end, { concurrency = 3 })
    end)
    local taken = 0
    for _, answer in ipairs(answers) do
      if answer then taken = taken + 1 end
    end
    assert.are.equal(1, taken)
    assert.are.equal(1, sent)
  end)

  describe("takes no effect of a command that arrives late:", function()
    local other, late, store, is_cut

    --- A store whose commands are cut off while `is_cut`: they arrive when `late` runs.
    before_each(function()
      local call, cut = call_of(), {}
      other, is_cut = store_of(), false
      store = store_of {
        call = function(...)
          if not is_cut then return call(...) end
          cut[#cut + 1] = table.pack(...)
          return nil, "no response within 2 s"
        end,
      }
      function late()
        is_cut = false
        for _, command in ipairs(cut) do
          call(table.unpack(command, 1, command.n))
        end
      end
      assert(store:write(KEY, credentials(1), 0))
    end)

    it("the release of an earlier lock", function()
      do
        local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
        is_cut = true
      end
      is_cut = false
      local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
      late()
      assert.are.same({ nil, nil }, { other:lock(KEY) })
    end)

    it("a lock that was acquired again since", function()
      is_cut = true
      assert.is_nil((store:lock(KEY)))
      is_cut = false
      local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
      local owner = server.admin:get(LOCK)
      late()
      assert.are.equal(owner, server.admin:get(LOCK))
    end)

    it("a lock that was released since, until it expires", function()
      is_cut = true
      assert.is_nil((store:lock(KEY)))
      is_cut = false
      late()
      assert.are.same({ nil, nil }, { other:lock(KEY) }) -- for its 10 s
      local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
    end)

    it("a mark under an earlier lock", function()
      do
        local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
        is_cut = true
        assert.is_nil((store:write(KEY, credentials(1):with { pending = 6, tries = 1 }, 1)))
        is_cut = false
      end
      local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
      late()
      assert.is_nil(other:read(KEY):get "pending")
    end)

    it("a removal, when another program has signed in since", function()
      do
        local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
        is_cut = true
        assert.is_nil((store:remove(KEY)))
        is_cut = false
        server.admin:del(LOCK) -- as if it had expired
      end
      local lock <close> = assert(other:lock(KEY)) -- luacheck: ignore 211
      assert(other:write(KEY, credentials(2), 1))
      late()
      assert.are.equal("2", other:read(KEY):get "generation")
    end)
  end)

  it("removes what is stored if the lock has expired, unless another program has it", function()
    local store, other = store_of(), store_of()
    assert(store:write(KEY, credentials(1), 0))
    local lost <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
    server.admin:del(LOCK)
    do
      local lock <close> = assert(other:lock(KEY)) -- luacheck: ignore 211
      assert.are.same({ nil, "the store's remove failed: another program holds the lock" }, { store:remove(KEY) })
    end
    assert.is_true(store:remove(KEY))
    assert.is_nil(other:read(KEY))
  end)

  it("keeps no lock after an error, wherever it is raised", function()
    local store = store_of()
    local is_over, most = false, 0
    for line = 1, 200 do
      local count = 0
      debug.sethook(function()
        local at = debug.getinfo(2, "Sn")
        if not at.short_src:find("hoopai/store/redis", 1, true) or at.name == "close" then return end
        count = count + 1
        if count == line then
          debug.sethook()
          error("not enough memory", 0)
        end
      end, "l")
      local ok, lock = pcall(store.lock, store, KEY)
      debug.sethook()
      if ok and lock then local _ <close> = lock end
      most, is_over = math.max(most, count), count < line
      do
        local again <close> = assert(store:lock(KEY), "after line " .. line) -- luacheck: ignore 211
      end
      if is_over then break end
    end
    assert.is_true(is_over and most > 20, tostring(most))
  end)

  it("sends no token under a lock that was lost and acquired again, before the next mark", function()
    local store, other = store_of(), store_of()
    assert(store:write(KEY, credentials(1), 0))
    hoopai.run(function()
      local lock <close> = assert(store:lock(KEY))
      assert(store:write(KEY, credentials(1):with { pending = 5, tries = 1 }, 1))
      server.admin:del(LOCK) -- as if it had expired
      do
        local taken <close> = assert(other:lock(KEY)) -- luacheck: ignore 211
        assert(other:write(KEY, credentials(2), 1))
      end
      for _ = 1, 2 do
        hoopai.sleep(2.8)
        assert.is_truthy(server.admin:get(LOCK))
        assert.is_false(lock.is_safe())
      end
      local marked, problem = store:write(KEY, credentials(1):with { pending = 6, tries = 2 }, 1)
      assert.is_nil(marked)
      assert.matches("changed by somebody else", problem)
      assert(store:write(KEY, credentials(2):with { pending = 6, tries = 1 }, 2))
      assert.is_true(lock.is_safe())
    end)
  end)

  it("lets the lock of an exchange without a result end while the vendor accepts the old token", function()
    local store = store_of { lock_seconds = 16 }
    assert(store:write(KEY, credentials(1), 0))
    hoopai.run(function()
      local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
      assert(store:write(KEY, credentials(1):with { pending = 5, tries = 1 }, 1))
      local left = server.admin:pttl(LOCK)
      assert.is_true(left > 14000 and left <= 16000, tostring(left))
      hoopai.sleep(8.3) -- it is renewed, but not beyond the 20 s
      left = server.admin:pttl(LOCK)
      assert.is_true(left > 10000 and left <= 12000, tostring(left))
      assert(store:write(KEY, credentials(1):with { pending = 5, tries = 2 }, 1))
      left = server.admin:pttl(LOCK)
      assert.is_true(left > 10000 and left <= 11700, tostring(left))
    end)
  end)

  it("releases a lock whose functions were collected", function()
    local store, other = store_of(), store_of()
    assert(store:lock(KEY))
    assert.are.same({ nil, nil }, { store:lock(KEY) })
    collectgarbage()
    hoopai.run(hoopai.sleep, 1.3)
    assert.is_nil(server.admin:get(LOCK))
    do
      local lock <close> = assert(other:lock(KEY)) -- luacheck: ignore 211
    end
    assert(store:lock(KEY))
    collectgarbage()
    local lock <close> = assert(store:lock(KEY)) -- luacheck: ignore 211
  end)

  it("undoes an acquisition or a removal that its caller gave up", function()
    local call = call_of()
    local slow = store_of {
      call = function(...)
        local result = call(...)
        hoopai.sleep(0.2)
        return result
      end,
    }
    hoopai.run(function()
      assert.is_nil((hoopai.timeout(0.1, function() return slow:lock(KEY) end)))
      hoopai.sleep(0.5)
      assert.is_nil(server.admin:get(LOCK))
      assert.is_nil((hoopai.timeout(0.3, function() return slow:remove(KEY) end)))
      hoopai.sleep(0.7)
      assert.is_nil(server.admin:get(LOCK))
      local lock <close> = assert(slow:lock(KEY)) -- luacheck: ignore 211
    end)
    local waiting = store_of {
      call = function(...)
        hoopai.sleep(0.2)
        return call(...)
      end,
    }
    hoopai.run(function()
      assert.is_nil((hoopai.timeout(0.3, function() return waiting:remove(KEY) end)))
      hoopai.sleep(0.5)
      assert.is_nil(server.admin:get(LOCK))
    end)
  end)

  it("names itself in messages", function() assert.are.equal(KEY .. " of hoopai.store.redis", store_of():path(KEY)) end)

  it("leaves the locks of a process to it, in a forked child", function()
    local store = store_of()
    local lock = assert(store:lock(KEY))
    local pid = process.fork()
    if pid == 0 then
      local is_held = not store:lock(KEY)
      local _ <close> = lock -- releases nothing
      server.admin = nil
      process.exit(is_held and 0 or 1)
    end
    assert.are.same({ "exit", 0 }, { process.wait(pid) })
    assert.are.same({ nil, nil }, { store_of():lock(KEY) })
    do
      local _ <close> = lock
    end
    server.admin:set("hoopai:lock:other", "x")
    pid = process.fork()
    if pid == 0 then process.exit(store:lock(KEY) and 0 or 1) end -- though its parent has had it
    assert.are.same({ "exit", 0 }, { process.wait(pid) })
  end)

  it("reads times on this host's clock, whatever the clock of the writer", function()
    local store = store_of()
    local now = core.wall_ms() // 1000
    local given = credentials(1):with { obtained_at = now - 100, expires_in = 86400, pending = now - 50, tries = 1 }
    assert(store:write(KEY, given, 0))
    assert.are.equal(now - 100, store:read(KEY):number "obtained_at")
    -- The writer's clock was an hour ahead, and then an hour behind.
    for _, difference in ipairs { 3600, -3600 } do
      server.admin:hset("hoopai:token:" .. KEY, "ahead", -difference)
      local found = store:read(KEY)
      assert.is_true(math.abs(found:number "obtained_at" - (now - 100 - difference)) <= 2)
      assert.is_true(math.abs(found:number "pending" - (now - 50 - difference)) <= 2)
      assert.is_true(found:get "access_token" == given:get "access_token")
    end
  end)

  describe("with an encryption key", function()
    local key = ("k"):rep(31) .. "\0"

    it("stores no token as it is", function()
      local store = store_of { encryption_key = key }
      assert(store:write(KEY, credentials(1), 0))
      local text = server.admin:hget("hoopai:token:" .. KEY, "text")
      assert.is_nil(text:find(CANARY, 1, true))
      assert.is_true(store:read(KEY):get "access_token" == core.secret(CANARY .. "a1"))
    end)

    it("refuses what another key wrote, what was changed, moved, or not encrypted", function()
      local store = store_of { encryption_key = key }
      assert(store:write(KEY, credentials(1), 0))
      local hash = "hoopai:token:" .. KEY
      local text = server.admin:hget(hash, "text")
      local function problem_of(options, stored)
        server.admin:hset(hash, "text", stored or text)
        local found, problem = store_of(options):read(KEY)
        assert.is_nil(found)
        assert.is_nil(problem:find(CANARY, 1, true))
        return problem
      end
      local other = "encrypted with another `encryption_key`, or changed"
      assert.matches(other, problem_of { encryption_key = ("x"):rep(32) })
      assert.matches(other, problem_of({ encryption_key = key }, text:sub(1, -2) .. "\0"))
      assert.matches(other, problem_of({ encryption_key = key }, text:sub(1, 30)))
      assert.matches("it is encrypted, and the store has no", problem_of {})
      assert.matches("not encrypted", problem_of({ encryption_key = key }, core.pack_credentials(credentials(1))))
      server.admin:hset(hash, "text", text)
      server.admin:rename(hash, "hoopai:token:other")
      assert.matches(other, select(2, store:read "other"))
    end)
  end)

  describe("says in one line what Redis refuses, and loses nothing:", function()
    local function problems(store)
      return {
        read = select(2, store:read(KEY)),
        write = select(2, store:write(KEY, credentials(2), 1)),
        lock = select(2, store:lock(KEY)),
        remove = select(2, store:remove(KEY)),
        names = select(2, store:names()),
      }
    end

    local function each_matches(store, pattern)
      for name, problem in pairs(problems(store)) do
        assert.matches(pattern, problem, nil, nil, name)
        assert.is_nil(problem:find("\n", 1, true), problem)
        assert.is_nil(problem:find(CANARY, 1, true), problem)
      end
    end

    it("a wrong password", function()
      local guarded <close> = redis.start "--requirepass right-password" -- its own admin cannot read either
      each_matches(new_store { call = call_of(guarded) }, "[Aa][Uu][Tt][Hh]") -- NOAUTH, or unauthenticated
      local function connect()
        local client = guarded:connect()
        client:auth "wrong-password"
        return client
      end
      each_matches(new_store { call = lua_redis(connect) }, "WRONGPASS")
    end)

    it("a key of another type", function()
      server.admin:set("hoopai:token:" .. KEY, "text")
      server.admin:set("hoopai:tokens", "text")
      server.admin:lpush(LOCK, "text")
      local found = problems(store_of())
      for _, name in ipairs { "read", "write", "lock", "names" } do
        assert.matches("WRONGTYPE", found[name], nil, nil, name)
      end
      assert.are.equal("text", server.admin:get "hoopai:tokens")
    end)

    it("a Redis that is full", function()
      local store = store_of()
      assert(store:write(KEY, credentials(1), 0))
      server.admin:config("set", "maxmemory", "1")
      local unwritten, unlocked = select(2, store:write(KEY, credentials(2), 1)), select(2, store:lock(KEY))
      local found = store:read(KEY)
      server.admin:config("set", "maxmemory", "0")
      assert.matches("OOM", unwritten)
      assert.matches("OOM", unlocked)
      assert.are.equal("1", found:get "generation")
      assert.are.equal("1", store:read(KEY):get "generation")
    end)

    it("one that is not there", function()
      local gone = redis.start()
      local store = new_store { call = call_of(gone) }
      assert(store:write(KEY, credentials(1), 0))
      gone:kill()
      each_matches(store, "connect")
      gone:stop()
    end)

    --- Gives all slots of a cluster to a node, in commands that are not too long for it.
    local function add_slots(node)
      for first = 0, 16383, 1024 do
        local numbers = {}
        for number = first, first + 1023 do
          numbers[#numbers + 1] = number
        end
        node.admin:raw_cmd(("CLUSTER ADDSLOTS %s\r\n"):format(table.concat(numbers, " ")))
      end
    end

    it("a part of a cluster", function()
      local node <close> = redis.start "--cluster-enabled yes"
      each_matches(new_store { call = call_of(node) }, "CLUSTERDOWN")
      -- A cluster of two nodes, of which this one has none of the slots.
      local other <close> = redis.start "--cluster-enabled yes"
      add_slots(other)
      other.admin:raw_cmd(("CLUSTER MEET 127.0.0.1 %d\r\n"):format(node.port))
      local store, deadline = new_store { call = call_of(node), prefix = "{hoopai}:" }, core.now() + 30
      repeat
        core.sleep(0.1)
        local problem = select(2, store:read(KEY))
      until problem:find("MOVED", 1, true) or core.now() > deadline
      each_matches(store, "MOVED %d+ 127.0.0.1:" .. other.port)
      assert.is_nil((new_store { call = call_of(other), prefix = "{hoopai}:" }):read(KEY))
    end)
  end)

  it("connects again after a break", function()
    local fragile = redis.start "--appendonly yes --appendfsync always"
    local store = new_store { call = call_of(fragile) }
    assert(store:write(KEY, credentials(1), 0))
    fragile:kill "again"
    assert.is_nil((store:read(KEY))) -- the connection is found broken
    assert.are.equal("1", store:read(KEY):get "generation")
    fragile:stop()
  end)

  it("refuses wrong options", function()
    local call = function() end
    local function refuses(options, pattern)
      expect.misuse(function() hoopai.store.redis(options) end, pattern)
    end
    refuses(nil, "needs the option `call`")
    refuses({}, "needs the option `call`")
    refuses({ call = 5 }, "option `call` of hoopai.store.redis must be a function")
    refuses({ call = call, prefix = "" }, "must be a string such as")
    refuses({ call = call, lock_seconds = 5 }, "must be 10 to 3600 seconds")
    refuses({ call = call, encryption_key = "short" }, "must be a string of 32 random bytes")
    refuses({ call = call, lock_second = 60 }, "did you mean `lock_seconds`")
  end)

  it("serves an app in another process", function()
    local store = hoopai.store.redis { call = call_of() }
    assert(hoopai.store.keep_secret(store, "clinic", CANARY .. "secret"))
    local output = child.run(([[
      local hoopai = require "hoopai"
      package.path = package.path .. ";/usr/share/lua/5.3/?.lua"
      local connect = function() return require("redis").connect { port = %d, timeout = 5 } end
      local store = hoopai.store.redis { call = require("hoopai.redis").lua_redis(connect) }
      print(hoopai.store.secret(store, "clinic"))
      print(assert(hoopai.store.forget_secret(store, "clinic")))
    ]]):format(server.port))
    assert.matches("^hoopai.Secret", output)
    assert.matches("true", output)
    assert.is_nil(output:find(CANARY, 1, true))
    assert.is_nil((hoopai.store.secret(store, "clinic")))
  end)
end)
