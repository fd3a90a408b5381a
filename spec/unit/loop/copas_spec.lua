-- The adapter of copas. What all adapters must do is in spec/behaviour/hosts_spec.lua.

local host_cases = require "spec.support.host_cases"
local servers = require "spec.support.server"

describe("hoopai.loop.copas", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function() host_cases.prepare(server) end)
  after_each(function() server:reset() end)

  local function run(case) return host_cases.run(server, "copas", case) end

  it(
    "goes on when the library's own code raises in a step",
    function() assert.matches("^Lua warning: hoopai: [^\n]*hosts.lua:%d+: broken\n$", run "broken_step") end
  )
end)
