-- A script that is given a client, or another object, has the powers of that object and no more. The script is
-- spec/support/attacker.lua; each case runs in a new process.

local child = require "spec.support.child"
local lfs = require "lfs"
local servers = require "spec.support.server"

-- The functions that a host gives to the script.
local GIVE = [[
  local function run_attacker(objects)
    local env = { _VERSION = _VERSION }
    for _, name in ipairs { "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
        "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall" } do
      env[name] = _G[name]
    end
    for _, name in ipairs { "coroutine", "math", "string", "table", "utf8" } do
      env[name] = {}
      for key, value in pairs(_G[name]) do env[name][key] = value end
    end
    return assert(loadfile("spec/support/attacker.lua", "t", env))(objects, os.getenv "OTHER")
  end
  local function check(found, texts)
    for text, where in pairs(found.strings) do
      for _, canary in ipairs(texts) do
        assert(not text:find(canary, 1, true), canary .. " was reached at " .. where:sub(1, 300))
      end
    end
    assert(#found.odd == 0, table.concat(found.odd, "\n"):sub(1, 2000))
  end
  local CANARIES = { "canary" }
]]

local WORLD = GIVE
  .. [[
  local hoopai = require "hoopai"
  local url, other = os.getenv "URL", os.getenv "OTHER"
  local kept = {}
  local stores = {
    memory = hoopai.store.memory(),
    file = hoopai.store.file(os.getenv "FOLDER"),
    own = { get = function(key) return kept[key] end, put = function(key, text) kept[key] = text return true end },
  }
  local function new_app(store)
    local app = hoopai.oauth { client_id = "id-x", client_secret = "secret-canary-0123", base_url = url, store = store,
      redirect_uri = "http://127.0.0.1/cb" }
    assert(app:exchange { code = "code-canary-0123" })
    return app
  end
  local function new_client(given)
    given = given or {}
    given.token = given.token or "pit-canary-0123"
    given.base_url, given.location_id, given.retries, given.rate_limit = url, "L", false, false
    given.timeout = 20
    return hoopai.new(given)
  end
  local event
  local host = new_client { on = { response = function(it) event = it end } }
  -- Each case gives some of these.
  local make = {
    client = function() return new_client() end,
    child = function() return host:with { timeout = 10 } end,
    callback = function() return new_client { token = function() return "callback-canary" end } end,
    proxied = function()
      return hoopai.new { token = "pit-canary-0123", base_url = "https://127.0.0.1:1", location_id = "L",
        proxy = "http://user:proxy-canary@127.0.0.1:1", retries = false, timeout = 20 }
    end,
    app = function(store) return new_app(stores[store]) end,
    client_of_app = function(store) return new_app(stores[store]):client { location_id = "L" } end,
    response = function() return select(2, assert(host.calendars:list())) end,
    err = function() return select(2, host.calendars:get("missing")) end,
    list_of_errors = function()
      return select(2, hoopai.map({ "missing", "missing" }, function(id) return host.calendars:get(id) end))
    end,
    refusal = function()
      local n = 0
      local client = new_client { token = function(reason)
        n = n + 1
        if n > 1 then return nil, { "no other token", reason } end
        return "callback-canary"
      end }
      return select(2, client.calendars:get "refused")
    end,
    signed_out = function()
      local app = hoopai.oauth { client_id = "id-y", client_secret = "secret-canary-0123", base_url = url }
      return select(2, app:client({ location_id = "L" }).calendars:list())
    end,
    store_failure = function()
      local store = { get = stores.own.get, put = function(_, text) return nil, "no room for " .. #text end }
      local app = hoopai.oauth { client_id = "id-z", client_secret = "secret-canary-0123", base_url = url,
        store = store }
      return select(2, app:exchange { code = "code-canary-0123", redirect_uri = "http://127.0.0.1/cb" })
    end,
    cancelled = function()
      local task = hoopai.spawn(function() return host.calendars:create { name = "x" } end)
      hoopai.sleep(0)
      task:cancel()
      return select(2, task:join())
    end,
    raised = function() return select(2, hoopai.spawn(function() error { mine = {} } end):join()) end,
    task = function() return hoopai.spawn(function() return host.calendars:list() end) end,
    event = function()
      assert(host.calendars:list())
      return event
    end,
    store = function(store) return stores[store] end,
    instant = function() return hoopai.time.parse "2026-03-07T09:00:00-05:00":in_zone "Europe/Berlin" end,
    duration = function() return hoopai.time.days(1) + hoopai.time.minutes(5) end,
    list = function() return hoopai.array { 1 } end,
    result = function() return assert(host.calendars:list()) end,
    locations = function() return new_app(stores.memory):installed_locations { company_id = "C" } end,
    hooks = function() return hoopai.log { write = function() end } end,
  }
]]

-- What the host has must work after the script, as before it.
local AFTERWARDS = [[
  for _, _ in ipairs { 1, 2 } do
    assert(#assert(host.calendars:list()) == 1)
    local nothing, err = host.calendars:get "missing"
    assert(nothing == nil and err.kind == "not_found" and tostring(err):find "^not_found: .*HTTP 404")
    assert(err .. "" == tostring(err))
    local app = new_app(stores.file)
    assert(app:client({ location_id = "L" }).calendars:list())
    assert(hoopai.new({ oauth = app, location_id = "L" }).calendars:list())
    assert(tostring(app) == "hoopai.App (" .. url .. ", client id-x)", tostring(app))
    hoopai.run(function()
      local task = hoopai.spawn(function() return host.calendars:list() end)
      assert(tostring(task) == "hoopai.Task (running)" and task:join() and tostring(task) == "hoopai.Task (done)")
      local results, errors = hoopai.map({ 1, 2 }, function() return host.calendars:list() end)
      assert(results.n == 2 and errors == nil)
    end)
    local at = hoopai.time.parse "2026-07-07T09:00:00-05:00":in_zone "Europe/Berlin"
    assert(at:iso() == "2026-07-07T16:00:00+02:00" and at + hoopai.time.days(1) > at)
    local booking = { calendarId = "c", contactId = "d", startTime = "2026-03-07T09:00:00Z", reference = false }
    assert(host.appointments:book(booking))
    assert(hoopai.array({}) and #tostring(select(2, assert(host.calendars:list())).status) == 3)
  end
  print "fine"
]]

local TOKENS = [[{"access_token":"at-canary-0123","refresh_token":"rt-canary-0123","expires_in":86399,]]
  .. [["userType":"Location","locationId":"L","companyId":"C","token_type":"Bearer"}]]

-- What the script is given: name -> expression.
local CASES = {
  ["a client with a token"] = "client = make.client()",
  ["a client of a client"] = "client = make.child()",
  ["a client with a token function"] = "client = make.callback()",
  ["a client with a proxy that has a password"] = "client = make.proxied()",
  ["a client of an app with a memory store"] = 'client = make.client_of_app "memory"',
  ["a client of an app with a file store"] = 'client = make.client_of_app "file"',
  ["a client of an app with a store of the host's"] = 'client = make.client_of_app "own"',
  ["an app with a memory store"] = 'app = make.app "memory", null = hoopai.null',
  ["an app with a file store"] = 'app = make.app "file"',
  errors = "refusal = make.refusal(), signed_out = make.signed_out(), store_failure = make.store_failure(), "
    .. "cancelled = make.cancelled(), raised = make.raised()",
  results = "response = make.response(), err = make.err(), event = make.event(), "
    .. "list_of_errors = make.list_of_errors(), list = make.list(), result = make.result(), hooks = make.hooks()",
  ["a task"] = "task = make.task()",
  ["stores"] = 'memory = make.store "memory", file = make.store "file"',
  ["times"] = "instant = make.instant(), duration = make.duration()",
  ["an iterator"] = "locations = make.locations()",
  ["all at once"] = 'client = make.client_of_app "file", client2 = make.child(), app = make.app "memory", '
    .. 'file = make.store "file", task = make.task(), err = make.err(), event = make.event(), '
    .. "response = make.response(), instant = make.instant(), duration = make.duration()",
}

describe("a script that is given", function()
  local api, other, folder

  setup(function()
    api, other = servers.start(), servers.start()
  end)
  teardown(function()
    api:stop()
    other:stop()
  end)
  before_each(function()
    api:reset()
    other:reset()
    local booked = [[{"id":"a","calendarId":"c","contactId":"d","startTime":"2026-03-07T09:00:00Z"}]]
    api:reply(
      { path = "/oauth/token", always = true, body = TOKENS },
      { path = "/oauth/installedLocations", always = true, body = [[{"locations":[]}]] },
      { path = "/calendars/refused", always = true, status = 401, body = [[{"message":"Invalid JWT"}]] },
      { path = "/calendars/missing", always = true, status = 404, body = [[{"message":"none"}]] },
      { path = "/calendars/events/appointments", method = "POST", always = true, status = 201, body = booked },
      { path = "/calendars/events", always = true, body = [[{"events":[]}]] },
      { always = true, body = [[{"calendars":[{"id":"c"}]}]] }
    )
    folder = os.tmpname()
    os.remove(folder)
    assert(lfs.mkdir(folder))
    os.execute("chmod 700 " .. folder)
  end)
  after_each(function() os.execute("rm -rf " .. child.quote(folder)) end)

  local function run(source)
    return child.run(source, {
      set = { URL = api.url, OTHER = "127.0.0.1:" .. other.port, FOLDER = folder },
      unset = { "HOOPAI_TOKEN", "HOOPAI_LOCATION_ID", "HOOPAI_BASE_URL", "HOOPAI_LOG" },
    })
  end

  --- @tparam string way what calls the script: a function of a function
  local function case(objects, way)
    local text, ok = run(WORLD .. ([[
      local function directly(fn) return fn() end
      local found = %s(function() return run_attacker { %s } end)
      check(found, CANARIES)
      assert(found.calls > 20, found.calls)
    ]]):format(way, objects) .. AFTERWARDS)
    assert.is_true(ok, text)
    assert.matches("fine\n$", text)
    assert.are.equal(0, other:count "arrived")
    for _, request in ipairs(api:ledger()) do
      assert.are.equal("127.0.0.1:" .. api.port, request.header.host)
    end
  end

  for name, objects in pairs(CASES) do
    it(name .. " has no more than that, and spoils nothing for others", function() case(objects, "hoopai.run") end)
    if name:find "client" or name:find "app" then
      it(name .. ", outside of any loop, has no more than that", function() case(objects, "directly") end)
    end
  end

  it("what it may reach is found: the script sees what a careless object shows", function()
    local text, ok = run(GIVE .. [[
      local core = require "hoopai.core"
      for what, make in pairs {
        field = function(hidden) return { [{}] = hidden } end,
        metatable = function(hidden) return setmetatable({}, { hidden = hidden }) end,
        closure = function(hidden) return { method = function() return hidden end } end,
        forgery = function(hidden)
          return { method = function(self) return self.shared.base_url .. self.get(hidden) end }
        end,
        metamethod = function(hidden) return { method = function(_, value) return value + hidden end } end,
      } do
        local found, seen = run_attacker { thing = make { token = "token-canary" } }, false
        for text in pairs(found.strings) do seen = seen or text == "token-canary" end
        assert(seen, what)
      end
      assert(run_attacker({ thing = { core.secret "s" } }).odd[1]:find "hoopai.Secret")
      assert(run_attacker({ thing = setmetatable({}, {}) }).odd[1]:find "metatable")
      print "fine"
    ]])
    assert.is_true(ok, text)
    assert.are.equal("fine\n", text)
  end)
end)
