local lua_redis = require("hoopai.redis").lua_redis
local process = require "spec.support.process"
local redis = require "spec.support.redis"

describe("hoopai.redis.lua_redis", function()
  local server

  setup(function() server = redis.start() end)
  teardown(function() server:stop() end)

  it("returns the result of a command, or nil and what Redis refuses", function()
    local call = lua_redis(function() return server:connect() end)
    assert.are.equal(7, call("EVAL", "return 7", 0))
    assert.is_nil(call("GET", "nothing"))
    call("LPUSH", "list", "x")
    local value, problem = call("INCR", "list")
    assert.is_nil(value)
    assert.matches("^WRONGTYPE [^\n]*$", problem)
    assert.are.same({ nil, "the client has no command NOPE" }, { call "NOPE" })
  end)

  it("connects again after a break, and says why it cannot", function()
    local count = 0
    local call = lua_redis(function()
      count = count + 1
      if count == 2 then error "no route" end
      if count == 3 then return nil end
      return server:connect()
    end)
    assert.are.equal(1, call("EVAL", "return 1", 0))
    server.admin:client("kill", "type", "normal")
    assert.matches("^the connection to Redis broke", select(2, call("EVAL", "return 1", 0)))
    assert.are.same({ nil, "no route" }, { call("EVAL", "return 1", 0) })
    assert.are.same({ nil, "the function that connects returned a nil" }, { call("EVAL", "return 1", 0) })
    assert.are.equal(2, call("EVAL", "return 2", 0))
  end)

  it("leaves a connection to the parent of a forked process", function()
    local count = 0
    local call = lua_redis(function()
      count = count + 1
      return server:connect()
    end)
    local function has_own_replies(name)
      for number = 1, 300 do
        if call("EVAL", "return ARGV[1]", 0, name .. number) ~= name .. number then return false end
      end
      return true
    end
    assert.are.equal(1, call("EVAL", "return 1", 0))
    local pid = process.fork()
    if pid == 0 then process.exit(has_own_replies "child" and count == 2 and 0 or 1) end
    assert.is_true(has_own_replies "parent")
    assert.are.same({ "exit", 0 }, { process.wait(pid) })
    assert.are.equal(1, count)
  end)
end)
