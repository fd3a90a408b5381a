-- No single call into the library takes the thread for long, whatever the peer does not do. The bounds here are such
-- that only a wait breaks them; make bench prints what was measured.

local assert = require "luassert"
local blocked = require "spec.support.blocked"

local CALLS = 100
local BOUND = 4000 -- milliseconds; what these peers keep from happening would take 10 seconds and more

describe("with a hundred calls in flight to", function()
  local peers
  local longest, cpu, closing = 0, 0, 0

  setup(function() peers = blocked.peers() end)
  teardown(function()
    peers:close()
    print(
      ("\nlongest call into the library: %.0f ms, of which %.0f ms on the processor; lua_close: %.0f ms"):format(
        longest,
        cpu,
        closing
      )
    )
  end)

  local function holds(peer)
    for _, case in ipairs { "timeout", "cancel", "close", "lua_close" } do
      local result, text = peers:measure(peer, case, CALLS)
      assert.is_table(result, text)
      assert.is_true(result.longest < BOUND, case .. ": longest call " .. result.longest .. " ms")
      assert.is_true(result.overshoot < BOUND, case .. ": " .. result.overshoot .. " ms after the deadline")
      longest, cpu = math.max(longest, result.longest), math.max(cpu, result.cpu)
      if case == "lua_close" then
        assert.is_true(result.lua_close < BOUND, "lua_close took " .. result.lua_close .. " ms")
        closing = math.max(closing, result.lua_close)
      end
    end
  end

  for peer, what in pairs {
    resolver = "a name that is not resolved",
    listener = "a port where connecting takes for ever",
    tls = "a server that says nothing of TLS",
    answer = "a server that does not answer",
  } do
    it(what .. ", the thread is never kept", function() holds(peer) end)
  end

  -- Each lookup holds a thread of libcurl's, from 8.20 on one for each kind of address, for as long as the system's
  -- resolver takes.
  it("a name that is not resolved, one thread resolves for all of them, however short their time is", function()
    local result, text = peers:measure("resolver", "rounds", CALLS)
    assert.is_table(result, text)
    assert.is_true(result.threads <= 3, result.threads .. " threads")
    assert.is_true(result.longest < BOUND, "longest call " .. result.longest .. " ms")
  end)

  -- Needs the right to mount and the port 53: without it the first case above stands for it.
  it(
    "a name whose name server is silent, the thread is never kept",
    function() holds(peers:has_dns() and "dns" or "resolver") end
  )
end)
