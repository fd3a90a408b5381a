-- Memory that runs out, at some of the allocations of each scenario; make torture tries all of them.

local assert = require "luassert"
local memory = require "spec.torture.support.memory"

describe("when memory runs out", function()
  local peer

  setup(function() peer = memory.peer() end)
  teardown(function() getmetatable(peer).__close(peer) end)

  for _, scenario in ipairs(memory.scenarios) do
    it("in " .. scenario .. ", nothing is lost, left behind or broken", function()
      local many = scenario == "load"
      local step = many and 997 or 23
      local ok, results, text = memory.run(peer, scenario, {
        { "lua", "all", 3, step },
        { "lua", "two", 5, step },
        { "core", "all", 2, 3 },
        -- From 50 on libcurl does not take the second request of the host's loop.
        { "curl", "two", scenario == "host_loop" and 53 or 2, 61 },
        { "lua", "collect", 1, many and 41 or 2 },
        { "crypto", "all", 1, 7 },
        { "crypto", "two", 1, 7 },
      })
      assert.is_true(ok, text)
      assert.is_true(results[1].failures > 0 and results[2].failures > 0 and results[5].failures == 1, text)
      if scenario == "crypto" or scenario == "webhook" then
        assert.is_true(results[6].failures > 0 and results[7].failures > 0, text)
      end
    end)
  end
end)
