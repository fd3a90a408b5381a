-- What all clients of a loop must do is in spec/support/redis_client_cases.lua.

local cases = require "spec.support.redis_client_cases"
local redis = require "spec.support.redis"

describe("hoopai.redis.luv", function()
  local server

  setup(function() server = redis.start() end)
  teardown(function() server:stop() end)
  before_each(function() server.admin:flushall() end)

  for name, case in pairs(cases.contract) do
    it(name, function() case("luv", server) end)
  end

  it(
    "says where it works, instead of waiting without end",
    function()
      assert.are.equal(
        "nil\thoopai.redis.luv serves tasks of hoopai.spawn while uv.run runs, after hoopai.use(hoopai.loop.luv)\n",
        cases.run("luv", "outside", server.port)
      )
    end
  )
end)
