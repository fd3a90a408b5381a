-- Lookups of host names. spec/support/core_host.c stands in for the system's resolver: a name that ends in .silent
-- takes 15 seconds. blocking_spec covers closing meanwhile.

local core = require "hoopai.core"
local core_host = require "spec.support.core_host"
local core_http = require "spec.support.core_http"
local send = require "spec.support.send"
local test_server = require "spec.support.server"

local fetch, run_until = core_http.fetch, core_http.run_until

describe("the name of a host", function()
  local server, host

  setup(function()
    server, host = test_server.start(), core_host.build()
  end)
  teardown(function()
    server:stop()
    os.remove(host)
  end)
  before_each(function() server:reset() end)

  local function by_name() return (server.url:gsub("127%.0%.0%.1", "localhost")) end

  --- Runs a script in the host; `wait(list)` in it steps until all of the list are done.
  local function play(source)
    return core_host.run(host, [[
      local core, send = require "hoopai.core", require "spec.support.send"
      local function wait(multi, list)
        local limit = core.now() + 10
        for _, transfer in ipairs(list) do
          while transfer:state() ~= "done" do
            assert(core.now() < limit, "takes too long")
            multi:wait(1)
            multi:step()
          end
        end
      end
      local function get(multi, url, timeout)
        return send(multi, { method = "GET", url = url, timeout = timeout })
      end
      ]] .. source)
  end

  it("is looked up, and the request is sent once", function()
    server:reply { body = "{}", always = true }
    local multi <close> = core.multi()
    local transfers = {}
    for index = 1, 20 do
      transfers[index] = send(multi, {
        method = "POST",
        url = by_name() .. "/",
        body = "x",
        at_most_once = true,
        timeout = 10,
      })
    end
    for _, transfer in ipairs(transfers) do
      run_until(multi, function() return transfer:state() == "done" end)
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal(1, transfer:sent())
    end
    assert.are.equal(20, #server:ledger())
  end)

  it("with a connection at a time, is looked up in turn", function()
    server:reply { body = "{}", always = true }
    local multi <close> = core.multi { max_connections = 1 }
    for _ = 1, 3 do
      assert.are.same({ 200 }, { fetch(multi, by_name() .. "/", { timeout = 10 }):result() })
      assert.are.same({ 200 }, { fetch(multi, server.url .. "/", { timeout = 10 }):result() })
    end
  end)

  it("of a proxy is looked up as well", function()
    server:reply { body = "{}", always = true }
    local multi <close> = core.multi { proxy = by_name() }
    for _ = 1, 2 do
      assert.are.same({ 200 }, { fetch(multi, "http://192.0.2.1/x", { timeout = 10 }):result() })
    end
    assert.are.equal("http://192.0.2.1/x", server:last().target)
  end)

  it("that does not exist ends all that wait for it, with libcurl's code and words", function()
    local multi <close> = core.multi()
    local transfers = {}
    for index = 1, 5 do
      transfers[index] = send(multi, { method = "GET", url = "https://no-such-host.invalid/x", timeout = 20 })
    end
    for _, transfer in ipairs(transfers) do
      run_until(multi, function() return transfer:state() == "done" end)
      local status, kind, message, code = transfer:result()
      assert.are.same({ 0, "network", 6 }, { status, kind, code })
      assert.matches("no-such-host.invalid", message, 1, true)
      assert.are.equal(0, transfer:sent())
      assert.are.equal("connect", transfer:stage())
    end
  end)

  it("that is not resolved in time: each call ends at its own, and another host is not kept waiting", function()
    server:reply { body = "{}", always = true }
    local text, ok = play(([[
      local multi <close> = core.multi()
      local begun = core.now()
      local slow = { get(multi, "https://name.silent/a", 0.2), get(multi, "https://name.silent/b", 0.4) }
      local other = get(multi, %q, 10)
      wait(multi, { other })
      assert(core.now() - begun < 0.2)
      assert(other:result() == 200)
      for index, transfer in ipairs(slow) do
        wait(multi, { transfer })
        local after = core.now() - begun
        local status, kind, message = transfer:result()
        local expected = 0.2 * index
        assert(message:find "[Rr]esolv", message)
        print(status, kind, transfer:stage(), transfer:sent(), after >= expected, after < expected + 0.15)
      end
      print(multi:count())
    ]]):format(server.url .. "/"))
    assert.is_true(ok, text)
    local line = "0\ttimeout\tconnect\t0\ttrue\ttrue\n"
    assert.are.equal(line .. line .. "0\t0\n", text)
  end)

  it("is resolved once for all that want it, and each of their requests leaves once", function()
    server:reply { body = "{}", always = true }
    local text, ok = play(([[
      local multi <close> = core.multi { http2 = false }
      local list = {}
      for index = 1, 20 do
        list[index] = send(multi, { method = "POST", url = %q, body = "x", at_most_once = true, timeout = 10 })
        if index == 10 then multi:wait(0.05) multi:step() end
      end
      wait(multi, list)
      for _, transfer in ipairs(list) do assert(transfer:result() == 200 and transfer:sent() == 1) end
      print(host.lookups())
    ]]):format((server.url:gsub("127%.0%.0%.1", "name.slow")) .. "/"))
    assert.is_true(ok, text)
    -- libcurl from 8.20 on asks for each kind of address; 8.16 cannot have lookups (curl_compat.c).
    local most = core.curl_rules().abort_is_remembered.holds and 20 or 2
    assert.is_true(tonumber(text) <= most, text)
    assert.are.equal(20, #server:ledger())
  end)

  it("shares the time of connect_timeout with the connection", function()
    local silent, close = test_server.silent()
    local text, ok = play(([[
      local multi <close> = core.multi { connect_timeout = 0.6 }
      local begun, transfer = core.now(), get(multi, %q, 5)
      wait(multi, { transfer })
      print(core.now() - begun < 0.8, (select(2, transfer:result())), transfer:stage())
    ]]):format((silent:gsub("127%.0%.0%.1", "name.slow")) .. "/"))
    close()
    assert.is_true(ok, text)
    assert.are.equal("true\ttimeout\tconnect\n", text)
  end)

  it("that no name server knew in time is looked up again by the next call, unless libcurl remembers", function()
    server:reply { body = "{}", always = true }
    local text, ok = play(([[
      local multi <close> = core.multi()
      local url = %q
      for _ = 1, 2 do
        local transfer = get(multi, url, 10)
        wait(multi, { transfer })
        print(transfer:result(), (select(2, transfer:result())))
        core.sleep(0.2)
      end
    ]]):format((server.url:gsub("127%.0%.0%.1", "name.late")) .. "/"))
    assert.is_true(ok, text)
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.are.equal("0\tnetwork", lines[1])
    local version = core.curl_version()
    local remembers = version:match "^8%.1[6-9]%." or version:match "^8%.2[01]%."
    assert.are.equal(remembers and "0\tnetwork" or "200\tnil", lines[2])
  end)

  it("that is being resolved is left alone after fork, and collected with the set", function()
    local text, ok = play [[
      local multi = core.multi()
      local transfer = get(multi, "https://name.silent/", 9)
      for _ = 1, 5 do multi:wait(0.01) multi:step() end
      local pid = host.fork()
      if pid == 0 then
        print(pcall(multi.step, multi))
        transfer:close()
        multi:close()
        return
      end
      assert(host.wait(pid) == 0)
      assert(transfer:state() == "running")
      local begun = core.now()
      multi, transfer = nil, nil
      collectgarbage()
      collectgarbage()
      print(core.now() - begun < 0.05)
    ]]
    assert.is_true(ok, text)
    assert.matches("^false\t.-parent process.-\ntrue\n$", text)
  end)

  it("that is not resolved within connect_timeout ends the call", function()
    local text, ok = play [[
      local multi <close> = core.multi { connect_timeout = 0.2 }
      local begun, transfer = core.now(), get(multi, "https://name.silent/a", 5)
      wait(multi, { transfer })
      print(core.now() - begun < 0.5, (select(2, transfer:result())), transfer:stage())
    ]]
    assert.is_true(ok, text)
    assert.are.equal("true\ttimeout\tconnect\n", text)
  end)

  it("is not waited for by a transfer that was closed, nor by a set that was closed", function()
    local text, ok = play [[
      local multi = core.multi { max_connections = 2 }
      local list = {}
      for index = 1, 4 do list[index] = get(multi, "https://name.silent/" .. index, 9) end
      for _ = 1, 5 do multi:wait(0.01) multi:step() end
      print(multi:count())
      list[1]:close()
      list[3]:close()
      print(multi:count())
      local begun = core.now()
      multi:close()
      print(core.now() - begun < 0.05, multi:count())
      print(select(2, list[2]:result()), select(2, list[4]:result()))
    ]]
    assert.is_true(ok, text)
    assert.are.equal("2\t2\n0\t2\ntrue\t0\t0\nclosed\tclosed\tthe client was closed\t0\n", text)
  end)
end)
