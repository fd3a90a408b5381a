-- Every end of a program in every state of a call: no crash, no hang, nothing left behind. `make asan` runs this under
-- AddressSanitizer and LeakSanitizer.

local assert = require "luassert"
local child = require "spec.support.child"
local core_host = require "spec.support.core_host"
local socket = require "socket"
local test_server = require "spec.support.server"

local STATES = {
  "queued",
  "resolving",
  "connecting",
  "sending",
  "waiting",
  "receiving",
  "retry",
  "limiter",
  "refresh",
  "lock",
}
local EVENTS = {
  "lua_close",
  "thread",
  "collected",
  "error",
  "cancelled",
  "coroutine_close",
  "interrupted",
  "exit",
  "fork",
}

local LIMIT = 60 -- seconds of one program; the exchange of a token, which is waited for, takes one here

local APPOINTMENT = '{"event":{"id":"a1"}}'
local TOKENS = '{"access_token":"access-2","refresh_token":"refresh-2","expires_in":86400}'

describe("a program that has no descriptor left", function()
  local server

  setup(function() server = test_server.start() end)
  teardown(function() server:stop() end)

  it("gets an error of each call, and goes on when it has some", function()
    server:reply { always = true, body = APPOINTMENT }
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    assert(file:write [[
      local url = ...
      local hoopai = require "hoopai"
      local function new_client()
        return hoopai.new { base_url = url, token = "t", location_id = "l", retries = false }
      end
      local app = hoopai.oauth { client_id = "c", client_secret = "s", base_url = url,
        redirect_uri = "https://example.com/" }
      local clients, files = { new_client(), new_client(), new_client() }, {}
      local function in_run(fn) return hoopai.run(fn) end
      local function get(client) return function() return client.appointments:get("a") end end
      assert(get(clients[1])() and in_run(get(clients[1]))) -- all modules are loaded
      assert(select(2, app:exchange { code = "abc" }).kind == "decode")
      app = hoopai.oauth { client_id = "c", client_secret = "s", base_url = url, redirect_uri = "https://example.com/" }

      local function is_refused(result, err)
        assert(result == nil and err.kind == "network" and err.applied == "no", tostring(err))
        assert(tostring(err):find("no descriptor for the connections", 1, true), tostring(err))
      end
      local file
      repeat
        file = io.open "/dev/null"
        files[#files + 1] = file
      until not file
      is_refused(get(clients[2])())
      is_refused(in_run(get(clients[2])))
      is_refused(app:exchange { code = "abc" })
      files[1]:close() -- one for the set, none for a connection
      local result, err = get(clients[2])()
      assert(result == nil and err.kind == "network" and err.applied == "no")
      for index = 2, 30 do files[index]:close() end
      for index = 2, 3 do
        assert(get(clients[index])())
        assert(in_run(get(clients[index])))
      end
      assert(select(2, app:exchange { code = "abc" }).kind == "decode")
      print "ok"
    ]])
    file:close()
    local pipe = assert(
      io.popen(
        ("ulimit -n 60; exec %s %s %s 2>&1"):format(
          child.quote(child.interpreter()),
          child.quote(script),
          child.quote(server.url)
        ),
        "r"
      )
    )
    local text = pipe:read "a"
    local ok = pipe:close()
    os.remove(script)
    assert.are.equal("ok\n", text)
    assert.is_true(ok)
  end)
end)

describe("a program that ends by", function()
  local host, server, silent_url, close_silent, deaf

  setup(function()
    host = core_host.build()
    server = test_server.start()
    silent_url, close_silent = test_server.silent()
    deaf = assert(socket.tcp4())
    assert(deaf:bind("127.0.0.1", 0))
    assert(deaf:listen(200))
    server:reply({
      path = "/calendars/events/appointments/half",
      always = true,
      steps = { { send = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{" }, { stall = true } },
    }, {
      path = "/calendars/events/appointments/unavailable",
      always = true,
      status = 503,
      headers = { ["Retry-After"] = "30" },
    }, {
      path = "/calendars/events/appointments/limited",
      always = true,
      status = 429,
      headers = { ["Retry-After"] = "30" },
    }, { path = "/oauth/token", always = true, delay = 1, body = TOKENS }, { always = true, body = APPOINTMENT })
  end)
  teardown(function()
    server:stop()
    close_silent()
    deaf:close()
    os.remove(host)
  end)

  local function command(event, state)
    local _, port = deaf:getsockname()
    local words = { host }
    if event == "thread" then words[2] = "-3" end
    for _, word in ipairs {
      "spec/support/lifecycle.lua",
      event,
      state,
      server.url,
      silent_url,
      "http://127.0.0.1:" .. port,
    } do
      words[#words + 1] = child.quote(word)
    end
    -- The host exports functions, which AddressSanitizer takes for a library that was loaded before it.
    return ('ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" exec timeout %d %s 2>&1'):format(
      LIMIT,
      table.concat(words, " ")
    )
  end

  for _, event in ipairs(EVENTS) do
    it(event .. " does so cleanly in each state of a call", function()
      local pipes = {}
      for index, state in ipairs(STATES) do
        pipes[index] = assert(io.popen(command(event, state), "r"))
      end
      local problems = {}
      for index, state in ipairs(STATES) do
        local text = pipes[index]:read "a"
        local ok, how, code = pipes[index]:close()
        local expected = event == "thread" and "ok\nok\nok\n" or "ok\n"
        if not ok or text ~= expected then
          problems[#problems + 1] = ("%s, %s: %s %s %s"):format(event, state, how, code, text)
        end
      end
      assert.are.equal("", table.concat(problems, "\n"))
    end)
  end
end)
