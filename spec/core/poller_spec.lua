local child = require "spec.support.child"
local core = require "hoopai.core"
local socket = require "socket"

-- What both builds have, and then what only one of them has.
describe("core", function()
  it("names its backend", function()
    assert.is_truthy(({ epoll = true, kqueue = true })[core.backend])
    assert.is_truthy(core.curl_version():find("^%d+%.%d+%.%d+"))
  end)

  it("has a clock that goes on and one of the day", function()
    local before = core.now()
    assert.are.equal("float", math.type(before))
    assert.is_true(core.now() >= before)
    assert.are.equal("integer", math.type(core.wall_ms()))
    assert.is_true(math.abs(core.wall_ms() - os.time() * 1000) < 5000)
  end)

  it("sleeps as long as it is told", function()
    local before = core.now()
    assert.is_true(core.sleep(0.05))
    local took = core.now() - before
    assert.is_true(took >= 0.05 and took < 5)
    assert.is_true(core.sleep(0))
    assert.is_true(core.sleep(-1))
    assert.is_true(core.sleep(0 / 0))
    assert.is_true(core.now() - before < 5)
    assert.has_error(function() core.sleep() end)
    assert.has_error(function() core.sleep {} end)
  end)

  it("has random numbers that leave math.random alone", function()
    math.randomseed(42)
    local expected = { math.random(1000000), math.random(1000000) }
    math.randomseed(42)
    local first = math.random(1000000)
    local seen, sum = {}, 0
    for _ = 1, 2000 do
      local number = core.random()
      assert.is_true(number >= 0 and number < 1)
      seen[number] = true
      sum = sum + number
    end
    local different = 0
    for _ in pairs(seen) do
      different = different + 1
    end
    assert.are.equal(2000, different)
    assert.is_true(sum / 2000 > 0.4 and sum / 2000 < 0.6)
    assert.are.same(expected, { first, math.random(1000000) })
    math.randomseed()
  end)

  it("has random hexadecimal digits", function()
    assert.is_truthy(core.random_hex(16):find("^" .. ("[0-9a-f]"):rep(32) .. "$"))
    assert.are.equal(2, #core.random_hex(1))
    assert.are.equal(128, #core.random_hex(64))
    assert.are_not.equal(core.random_hex(16), core.random_hex(16))
    for _, wrong in ipairs { 0, 65, -1, 1.5, "x" } do
      assert.has_error(function() core.random_hex(wrong) end)
    end
  end)

  it("gives in to a signal at once", function()
    local sleeper = child.start [[
      local core = require "hoopai.core"
      io.stdout:setvbuf("no")
      print "ready"
      local before = core.now()
      local ok, problem = pcall(core.sleep, 20)
      -- The hook that raises "interrupted!" runs when the C function is back.
      print(ok, tostring(problem):match("interrupted!"), core.now() - before < 10)
    ]]
    assert.are.equal("ready", sleeper.output:read("l"))
    socket.sleep(0.05)
    sleeper:signal "INT"
    local text = sleeper:finish()
    assert.is_truthy(text:find("interrupted!", 1, true))
  end)

  it("keeps its types hidden", function()
    local multi <close> = core.multi {}
    assert.are.equal(false, getmetatable(multi))
    assert.is_truthy(tostring(multi):find("^hoopai%.Multi: "))
  end)

  it("can be loaded again", function()
    local loader = package.searchpath("hoopai.core", package.cpath)
    local again = assert(package.loadlib(loader, "luaopen_hoopai_core"))()
    assert.are_not.equal(core, again)
    assert.is_true(again.is_array(core.array {}))
    assert.is_true(again.secret("a") == core.secret("a"))
  end)
end)

describe("core.poller", function()
  local function pair()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local client = assert(socket.connect("127.0.0.1", port))
    local server = assert(listener:accept())
    listener:close()
    return client, server
  end

  it("tells when a descriptor is readable", function()
    local poller <close> = core.poller()
    local client, server = pair()
    poller:add(client:getfd())
    assert.is_false(poller:wait(0))
    server:send "x"
    assert.is_true(poller:wait(5))
    assert.is_true(poller:wait(0))
    client:receive(1)
    assert.is_false(poller:wait(0))
    poller:remove(client:getfd())
    server:send "x"
    assert.is_false(poller:wait(0.01))
    client:close()
    server:close()
  end)

  it("can itself be waited for", function()
    local inner <close> = core.poller()
    local outer <close> = core.poller()
    outer:add(inner:fd())
    local client, server = pair()
    inner:add(client:getfd())
    assert.is_false(outer:wait(0))
    server:send "x"
    assert.is_true(outer:wait(5))
    outer:remove(inner:fd())
    assert.is_false(outer:wait(0))
    client:close()
    server:close()
  end)

  it("waits as long as it is told, and not at all after its deadline", function()
    local poller <close> = core.poller()
    local before = core.now()
    assert.is_false(poller:wait(0.05))
    local took = core.now() - before
    assert.is_true(took >= 0.05 and took < 5)
    assert.is_false(poller:wait(-1))
    assert.is_false(poller:wait(0))
    assert.is_true(core.now() - before < 5)
    assert.has_error(function() poller:wait(0 / 0) end)
    assert.has_error(function() poller:wait {} end)
  end)

  it("accepts what is already there or gone", function()
    local poller <close> = core.poller()
    local client, server = pair()
    poller:add(client:getfd())
    poller:add(client:getfd())
    server:send "x"
    assert.is_true(poller:wait(5))
    poller:remove(client:getfd())
    poller:remove(client:getfd())
    poller:remove(1000000)
    assert.has_error(function() poller:add(1000000) end)
    assert.has_error(function() poller:add(-1) end)
    client:close()
    server:close()
  end)

  it("refuses use after close", function()
    local poller = core.poller()
    poller:close()
    poller:close()
    for _, method in ipairs { "fd", "add", "remove", "wait" } do
      assert.has_error(function() poller[method](poller, 0) end)
    end
    assert.are.equal(false, getmetatable(poller))
    assert.has_error(function() poller.wait(io.stdout) end)
  end)

  it("leaves a wait at once when a signal comes", function()
    local waiter = child.start [[
      local core = require "hoopai.core"
      io.stdout:setvbuf("no")
      local poller = core.poller()
      local before = core.now()
      print "ready"
      local ok, problem = pcall(function() return poller:wait() end)
      print(ok, tostring(problem):match("interrupted!"), core.now() - before < 10)
    ]]
    assert.are.equal("ready", waiter.output:read("l"))
    socket.sleep(0.05)
    waiter:signal "INT"
    assert.is_truthy(waiter:finish():find("interrupted!", 1, true))
  end)

  it("does not pass its descriptor to programs that are started", function()
    local poller <close> = core.poller()
    local pipe = assert(io.popen(("test ! -e /dev/fd/%d && echo closed"):format(poller:fd())))
    local text = pipe:read("a")
    pipe:close()
    assert.are.equal("closed\n", text)
  end)
end)
