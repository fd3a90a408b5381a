-- The adapter of luv. What all adapters must do is in spec/behaviour/hosts_spec.lua.

local host_cases = require "spec.support.host_cases"
local servers = require "spec.support.server"

describe("hoopai.loop.luv", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function() host_cases.prepare(server) end)
  after_each(function() server:reset() end)

  local function run(case) return host_cases.run(server, "luv", case) end

  it(
    "goes on when the library's own code raises in a step",
    function() assert.matches("^Lua warning: hoopai: [^\n]*hosts.lua:%d+: broken\n$", run "broken_step") end
  )

  it("lets the host close the handles", function()
    assert.are.equal("", run "walk")
    assert.are.equal("", run "walk_in_a_task")
  end)

  it("calls luv no more once its loop is closed", function() assert.are.equal("", run "loop_closed") end)
end)
