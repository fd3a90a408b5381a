-- The adapter of cqueues. What all adapters must do is in spec/behaviour/hosts_spec.lua.

local host_cases = require "spec.support.host_cases"
local servers = require "spec.support.server"

describe("hoopai.loop.cqueues", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function() host_cases.prepare(server) end)
  after_each(function() server:reset() end)

  local function run(case) return host_cases.run(server, "cqueues", case) end

  it("lets calls wait in coroutines of cqueues", function() assert.are.equal("", run "own_coroutines") end)

  it("lets a coroutine be closed while it waits", function() assert.are.equal("", run "own_coroutine_closed") end)

  it("lets controllers be nested", function() assert.are.equal("", run "two_controllers") end)

  it(
    "refuses a task that is spawned outside of all controllers: none would run it",
    function()
      assert.matches(
        "hoopai.spawn needs a running loop: call it in a coroutine of cqueues",
        run "spawn_outside",
        1,
        true
      )
    end
  )
end)
