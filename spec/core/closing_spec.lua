-- What finalisers do while the lua_State is closed leaves no descriptor, and under `make asan` no memory.

local assert = require "luassert"
local core_host = require "spec.support.core_host"
local lfs = require "lfs"
local test_server = require "spec.support.server"

local STATES = 8

local HEAD = [[
  local url, folder = ...
  local hoopai, core = require "hoopai", require "hoopai.core"

  local function new(options)
    options = options or {}
    options.base_url, options.location_id, options.timeout = url, "l", 10
    if not options.oauth then options.token = options.token or "t" end
    return hoopai.new(options)
  end

  local function list(client) return client.calendars:list() end

  -- Each function is called when the state is closed, the last one first.
  local function at_close(fn) _G[#_G + 1] = setmetatable({}, { __gc = fn }) end

  -- Leaves four calls in flight in a host's loop.
  local function leave_in_flight(client)
    for _ = 1, 4 do hoopai.spawn(list, client) end
    hoopai.loop.step()
  end

  local function in_flight()
    hoopai.use(hoopai.loop.custom)
    local client = new()
    leave_in_flight(client)
    return client
  end

  local function new_app()
    return hoopai.oauth { client_id = "id", client_secret = "secret", base_url = url,
      redirect_uri = "http://127.0.0.1/back", store = hoopai.store.file(folder) }
  end

  local function use_app(app)
    app:exchange { code = "code" }
    list(app:client { location_id = "l" })
  end
]]

local CASES = {
  ["call with a client that has calls in flight"] = "local c = in_flight() at_close(function() list(c) end)",
  ["call with a client that has made calls"] = "local c = new() assert(list(c)) at_close(function() list(c) end)",
  ["make the first call of a client"] = "local c = new() at_close(function() list(c) end)",
  ["make a client"] = "at_close(function() list(new()) end)",
  ["make a client that is kept"] = "at_close(function() KEPT = new() list(KEPT) end)",
  ["use a younger client and make another"] = [[
    local c
    at_close(function() list(c) list(new()) end)
    c = new()
    assert(list(c))
  ]],
  ["run tasks"] = "local c = new() at_close(function() hoopai.run(list, c) end)",
  ["run tasks beside calls in flight"] = "local c = in_flight() at_close(function() hoopai.run(list, c) end)",
  ["run tasks of a new client"] = "in_flight() at_close(function() hoopai.run(list, new()) end)",
  ["spawn tasks"] = "local c = in_flight() at_close(function() leave_in_flight(c) end)",
  ["spawn tasks of a new client"] = "in_flight() at_close(function() leave_in_flight(new()) end)",
  ["step the loop"] = [[
    in_flight()
    at_close(function() for _ = 1, 3 do hoopai.loop.step() core.sleep(0.01) end end)
  ]],
  ["close the client, then call"] = "local c = in_flight() at_close(function() c:close() list(c) end)",
  ["are three, of which one closes the client"] = [[
    local c = in_flight()
    at_close(function() list(new()) end)
    at_close(function() list(c) c:close() end)
    at_close(function() list(c) end)
  ]],
  ["are made in a hook"] = [[
    hoopai.use(hoopai.loop.custom)
    local c
    c = new { on = { request = function() at_close(function() list(c) end) end } }
    leave_in_flight(c)
    at_close(function() list(c) end)
  ]],
  ["are made in a task"] = [[
    hoopai.use(hoopai.loop.custom)
    local c = new()
    hoopai.spawn(function() at_close(function() list(c) end) list(c) end)
    hoopai.loop.step()
  ]],
  ["ask a token function"] = [[
    at_close(function() list(new { token = function() hoopai.sleep(0.01) return "own" end }) end)
  ]],
  ["use an app"] = "local app = new_app() at_close(function() use_app(app) end)",
  ["make an app"] = "at_close(function() use_app(new_app()) end)",
  ["make a store beside calls of an app in flight"] = [[
    hoopai.use(hoopai.loop.custom)
    local app = new_app()
    app:exchange { code = "code" }
    local c = app:client { location_id = "l" }
    leave_in_flight(c)
    at_close(function() list(c) KEPT = hoopai.store.file(folder) end)
  ]],
  ["take the lock of a token file"] = [[
    at_close(function() KEPT = core.token_file(folder) LOCK = KEPT and KEPT:lock("x") end)
  ]],
  ["make a light client"] = "local c = in_flight() at_close(function() list(c:with { timeout = 5 }) end)",
  ["are older than the library"] = "local c = in_flight() OLD.fn = function() list(c) list(new()) KEPT = new() end",
  ["make objects of the core"] = "at_close(function() KEPT = { core.poller(), core.multi {} } end)",
  ["leave a large request unsent"] = [[
    hoopai.use(hoopai.loop.custom)
    local c = new()
    at_close(function()
      hoopai.spawn(c.request, c, { method = "POST", path = "/big", body = { text = ("x"):rep(1000000) } })
      hoopai.loop.step()
    end)
  ]],
  ["cut a call off"] = "local c = new() at_close(function() hoopai.timeout(0.001, list, c) end)",
  ["close a coroutine in which tasks wait"] = [[
    local c = in_flight()
    at_close(function()
      local co = coroutine.create(function() hoopai.run(function() hoopai.spawn(list, c) error "x" end) end)
      coroutine.resume(co)
      coroutine.close(co)
    end)
  ]],
  ["raise after a call"] = "local c = in_flight() at_close(function() list(c) error 'x' end)",
}

describe("finalisers of a closing state that", function()
  local server, host, folder

  setup(function()
    server = test_server.start()
    host = core_host.build()
    server:reply({
      path = "/oauth/token",
      body = '{"access_token":"a","refresh_token":"r","expires_in":86399,"userType":"Location","locationId":"l"}',
      always = true,
    }, { body = '{"calendars":[]}', always = true })
    folder = os.tmpname()
    os.remove(folder)
    assert(lfs.mkdir(folder))
    os.execute("chmod 700 " .. folder)
  end)
  teardown(function()
    server:stop()
    os.remove(host)
    os.execute("rm -rf " .. folder)
  end)

  for name, source in pairs(CASES) do
    it(name .. " leave nothing behind", function()
      -- OLD is finalised after all objects of the library.
      local script = "OLD = setmetatable({}, { __gc = function(old) if old.fn then old.fn() end end })\n"
        .. HEAD
        .. source
      local text, ok = core_host.run(host, script, { states = STATES, arguments = { server.url, folder } })
      assert.is_true(ok, text)
      local first, last = text:match "descriptors (%d+) (%d+)\n$"
      assert.are.equal(first, last, text)
    end)
  end
end)
