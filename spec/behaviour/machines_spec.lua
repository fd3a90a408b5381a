-- Programs on several hosts: processes with one Redis, and one rate limit in it.

local machines = require "spec.support.rate_limit_machines"
local redis = require "spec.support.redis"
local sandbox = require "hoopai.sandbox"
local socket = require "socket"

describe("programs with one rate limit in Redis", function()
  it("make 400 calls at 100 per 10 s, and none is refused", function()
    local box <close> = sandbox.start { control = true, rate_limit = { max = 100, interval_ms = 10000 } }
    local server <close> = redis.start()
    local result = machines.run(box, server.port, 4, 100, 10)
    assert.are.equal(400, result.done)
    assert.are.equal(0, result.failed)
    assert.are.equal(0, result.refused)
    assert.is_true(result.asked < 8 * 4 * result.seconds, tostring(result.asked)) -- a few times per second and program
  end)

  it("do so with calls that block", function()
    local box <close> = sandbox.start { control = true, rate_limit = { max = 50, interval_ms = 2000 } }
    local server <close> = redis.start()
    local result = machines.run(box, server.port, 3, 50, 0)
    assert.are.equal(150, result.done)
    assert.are.equal(0, result.refused)
  end)

  it("go on without Redis, say so, and share the limit again once it is back", function()
    local box <close> = sandbox.start { control = true, rate_limit = { max = 50, interval_ms = 1000 } }
    local server <close> = redis.start()
    local result = machines.run(box, server.port, 2, 250, 5, function()
      socket.sleep(1.5)
      server:kill()
      socket.sleep(1)
      server:kill "again"
    end)
    for _, text in ipairs(result.texts) do
      assert.matches("asked %d+ times: alone.* shared\n$", text)
    end
    assert.are.equal(500, result.done + result.failed)
    assert.is_true(result.refused < 50, tostring(result.refused))
  end)

  it("do not wait for a Redis that is stopped", function()
    local box <close> = sandbox.start { control = true, rate_limit = { max = 100000, interval_ms = 1000 } }
    local server <close> = redis.start()
    server:signal "STOP"
    local result = machines.run(box, server.port, 2, 100, 5)
    server:signal "CONT"
    assert.are.equal(200, result.done)
    for _, text in ipairs(result.texts) do
      assert.matches("times: alone", text)
      assert.is_nil(text:find "asked %d%d%d")
    end
  end)
end)
