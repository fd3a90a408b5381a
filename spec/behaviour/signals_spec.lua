-- Signals that end a program: each wait lets Lua's hooks run at once.

local child = require "spec.support.child"
local expect = require "spec.support.expect"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

describe("Ctrl-C", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local SCRIPTS = {
    ["a blocking call"] = [[
      client.calendars:get("c")
    ]],
    ["a call in a run"] = [[
      hoopai.run(function() client.calendars:get("c") end)
    ]],
    ["a run with many tasks"] = [[
      hoopai.run(function()
        for _ = 1, 5 do hoopai.spawn(hoopai.sleep, 600) end
        client.calendars:get("c")
      end)
    ]],
    ["a map"] = [[
      hoopai.map({ 1 }, function() client.calendars:get("c") end)
    ]],
    ["two clients in a run"] = [[
      local other <close> = hoopai.new { token = "t", base_url = URL }
      hoopai.run(function()
        hoopai.spawn(function() hoopai.sleep(0.01) other.calendars:get("d") end)
        client.calendars:get("c")
      end)
    ]],
  }
  for name, script in pairs(SCRIPTS) do
    it("ends " .. name .. " at once", function()
      server:reply { method = "GET", always = true, steps = { { stall = true } } }
      local process = child.start(([[
        local URL = %q
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { token = "t", base_url = URL, timeout = 600 }
      ]]):format(server.url) .. script)
      server:wait("arrived", "at_least", name:find("^two") and 2 or 1)
      local text, ok
      expect.within(10, function()
        process:signal("INT")
        text, ok = process:finish()
      end)
      assert.is_false(ok)
      assert.matches("interrupted!", text, 1, true)
      server:wait("open", "exactly", 0)
    end)
  end

  it("ends a sleep and a run that only sleeps", function()
    for _, script in ipairs { "hoopai.sleep(600)", "hoopai.run(hoopai.sleep, 600)" } do
      server:reply { path = "/x", body = "{}" }
      local process = child.start(([[
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { token = "t", base_url = %q }
        assert(client:request { method = "GET", path = "/x" })
      ]]):format(server.url) .. script)
      server:wait("ended", "at_least", 1)
      local text, ok
      expect.within(10, function()
        process:signal("INT")
        text, ok = process:finish()
      end)
      assert.is_false(ok)
      assert.matches("interrupted!", text, 1, true)
      server:reset()
    end
  end)
end)
