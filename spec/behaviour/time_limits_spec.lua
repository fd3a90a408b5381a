--- A response that came in time is a success, however late the loop reads it.
local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local servers = require "spec.support.server"

local failure = expect.failure

local TIMEOUT = 0.4 -- seconds, of a call

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
