--- Programs that fork, and programs that start others: what the child has of its parent's clients, and what the parent
-- notices of it. Each case is a separate process.
local child = require "spec.support.child"
local test_server = require "spec.support.server"
local sandbox = require "hoopai.sandbox"

-- What a child has of libcurl it leaves alone on purpose; LeakSanitizer would report that when it ends.
local QUIET = { set = { ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0" } }

local HEAD = [[
  local url = %q
  local process = require "spec.support.process"
  local hoopai = require "hoopai"
  local client = hoopai.new { base_url = url, token = "canary", location_id = "l" }

  --- Runs fn in a forked child to its end; `wait` says how it ended.
  local function fork(fn)
    local pid = process.fork()
    if pid ~= 0 then return pid end
    local ok, problem = pcall(fn)
    if not ok then io.stderr:write("child: ", tostring(problem), "\n") end
    io.stderr:flush()
    process.exit(ok and 0 or 1)
  end

  local function wait(pid, wanted)
    local how, code = process.wait(pid)
    assert(how == "exit" and code == (wanted or 0), how .. " " .. code)
  end
]]

describe("a forked child", function()
  local server

  setup(function() server = test_server.start() end)
  teardown(function() server:stop() end)
  after_each(function() server:reset() end)

  local function run(source)
    local text, ok = child.run(HEAD:format(server.url) .. source, QUIET)
    assert.is_true(ok, text)
    assert.equal("", text)
  end

  local function paths()
    local list = {}
    for _, request in ipairs(server:ledger()) do
      list[#list + 1] = request.path
    end
    table.sort(list)
    return list
  end

  it("gets a clear refusal from each method of its parent's client, and can have one of its own", function()
    server:reply { body = "{}", always = true }
    run [[
      assert(client.calendars:get("before"))
      wait(fork(function()
        for name, call in pairs {
          get = function() return client.calendars:get("child") end,
          write = function() return client.notes:create("a", { body = "child" }) end,
          request = function() return client:request { method = "GET", path = "/child" } end,
          light = function() return client:with({ timeout = 1 }).calendars:get("child") end,
          dry = function() return client:with({ dry_run = true }).calendars:delete("child") end,
          task = function() return hoopai.run(function() return client.calendars:get("child") end) end,
        } do
          local ok, problem = pcall(call)
          assert(not ok and problem:find("belongs to the parent process: make a new one after fork", 1, true),
            name .. ": " .. tostring(problem))
        end
        local own <close> = hoopai.new { base_url = url, token = "t", location_id = "l" }
        assert(own.calendars:get("own"))
        hoopai.run(function() assert(own.calendars:get("own")) end)
      end))
      assert(client.calendars:get("after"))
    ]]
    assert.same({ "/calendars/after", "/calendars/before", "/calendars/own", "/calendars/own" }, paths())
  end)

  for name, ending in pairs {
    ["collects its garbage and exits at once"] = "for _ = 1, 3 do collectgarbage() end process.exit(0)",
    ["closes the client"] = "client:close() for _ = 1, 3 do collectgarbage() end process.exit(0)",
    ["closes its state"] = "os.exit(0, true)",
    ["closes its state with the client closed"] = "client:close() os.exit(0, true)",
    ["starts a program"] = "os.execute('exec true') process.exit(0)",
    ["raises through the tasks"] = "error 'through the tasks'",
    ["goes on in the loop of its parent"] = "return",
    ["goes on in the loop of its parent, and waits there"] = "hoopai.sleep(0)",
  } do
    it("disturbs no call in flight of its parent's when it " .. name, function()
      server:reply(
        { path = "/calendars/warm", body = "{}", times = 2 },
        { method = "POST", path = "/calendars/events/appointments", body = '{"id":"1"}', hold = "forked", times = 4 },
        { method = "GET", path = "/calendars/slow", body = "{}", hold = "forked", times = 4 }
      )
      local process = child.start(HEAD:format(server.url) .. ([[
        warn "@on" -- the calls of the parent go on: the child must not warn that they were cut off
        local parent = require("hoopai.core").pid()
        assert(client.calendars:get("warm"))
        local function calls()
          local tasks = {}
          for index = 1, 8 do
            tasks[index] = hoopai.spawn(function()
              if index %% 2 == 0 then return client.calendars:get("slow") end
              return client.appointments:create {
                calendarId = "c", contactId = "p", startTime = "2026-03-07T09:00:00-05:00", title = "once",
              }
            end)
          end
          hoopai.sleep(0.2) -- all have left
          local pid = process.fork()
          if pid == 0 then %s end
          wait(pid)
          print "forked"
          io.stdout:flush()
          for _, task in ipairs(tasks) do assert(task:join()) end
        end
        local ok, problem = pcall(hoopai.run, calls)
        if require("hoopai.core").pid() ~= parent then
          local expected = tostring(problem):find("through the tasks", 1, true)
            or tostring(problem):find("belongs to the parent process", 1, true)
          if not ok and expected then os.exit(0, true) end
          io.stderr:write("child: ", tostring(problem), "\n")
          process.exit(1)
        end
        assert(ok, problem)
        assert(client.calendars:get("warm"))
      ]]):format(ending), QUIET)
      server:wait("arrived", "at_least", 9)
      local line = process.output:read("L")
      server:release("forked")
      local text, ok = process:finish()
      assert.is_true(ok, text)
      assert.equal("forked\n", line .. text)
      assert.equal(10, #server:ledger())
      assert.equal(10, server:count("ended"))
    end)
  end
end)

describe("a child that is forked during an exchange of tokens", function()
  it("repeats nothing and loses nothing when it closes its state", function()
    local account <close> = sandbox.start { control = true, latency_ms = 300, oauth = { expires_in = 4 } }
    local oauth = account.oauth
    local text, ok = child.run(HEAD:format(account.url) .. ([[
      local app = hoopai.oauth { client_id = %q, client_secret = %q, base_url = url,
        redirect_uri = "http://127.0.0.1:1/back" }
      assert(app:exchange { code = %q })
      local user = hoopai.new { oauth = app, location_id = %q }
      hoopai.sleep(3.1) -- too little is left of the token to send it
      hoopai.run(function()
        local task = hoopai.spawn(function() return user.calendars:list() end)
        hoopai.sleep(0.1) -- its exchange takes until 0.3 s
        local pid = process.fork()
        if pid == 0 then os.exit(0, true) end
        wait(pid)
        assert(task:join())
      end)
    ]]):format(oauth.client_id, oauth.client_secret, oauth.code { class = "Location" }, account.location_id), QUIET)
    assert.is_true(ok, text)
    assert.equal("", text)
    local counts = account:control("oauth/counts")
    assert.same({ 1, 0 }, { counts.rotations, counts.lost })
  end)
end)

describe("a child that is forked while a renewal that nothing waits for is left in the background", function()
  it("does not go on with it", function()
    local server <close> = setmetatable({ server = test_server.start() }, { __close = function(o) o.server:stop() end })
    server.server:reply({
      path = "/oauth/token",
      hold = "token",
      body = '{"access_token":"a2","refresh_token":"r2","expires_in":86400}',
    }, { body = "{}", always = true })
    local process = child.start(HEAD:format(server.server.url) .. [[
      local core, store = require "hoopai.core", hoopai.store.memory()
      local behind = hoopai.store.behind(store)
      assert(behind:write("id/location/l", core.credentials {
        access_token = core.secret "a1", refresh_token = core.secret "r1", generation = 1,
        obtained_at = core.wall_ms() // 1000 - 86400 + 300, expires_in = 86400, location_id = "l",
      }, 0))
      local app = hoopai.oauth { client_id = "id", client_secret = "s", store = store, base_url = url }
      local user = hoopai.new { oauth = app, location_id = "l", base_url = url }
      local function generation() return behind:read("id/location/l"):get "generation" end
      hoopai.run(function() assert(user.calendars:get "c") end)
      print "left"
      io.stdout:flush()
      wait(fork(function()
        core.sleep(0.5) -- the response has arrived by then
        local own = hoopai.new { base_url = url, token = "t", location_id = "l" }
        hoopai.run(function() assert(own.calendars:get "own") hoopai.sleep(0.2) end)
        hoopai.sleep(0.1)
        assert(generation() == "1")
      end))
      hoopai.sleep(0.2)
      print(generation())
    ]], QUIET)
    assert.equal("left\n", process.output:read "L")
    server.server:release "token"
    local text, ok = process:finish()
    assert.is_true(ok, text)
    assert.equal("2\n", text)
  end)
end)

describe("a program that is started", function()
  it("inherits nothing of the library's, whatever was opened", function()
    local account <close> = sandbox.start { tls = true, rate_limit = false }
    local folder = os.tmpname()
    assert(os.remove(folder))
    local text, ok = child.run(
      ([[
      local hoopai = require "hoopai"
      local core = require "hoopai.core"
      local function inherited()
        local pipe <close> = io.popen("ls -l /proc/self/fd")
        local found = {}
        for fd, target in pipe:read("a"):gmatch(" (%%d+) %%-> ([^\n]*)") do
          if tonumber(fd) > 2 and not target:find("^/proc/") then found[#found + 1] = fd .. " " .. target end
        end
        return table.concat(found, "\n")
      end
      local before = inherited()
      local client = hoopai.new { base_url = %q, token = %q, location_id = %q, ca_file = %q }
      local app = hoopai.oauth { client_id = "id", client_secret = "s", store = hoopai.store.file(%q), base_url = %q }
      local nobody = hoopai.new { oauth = app, location_id = "l" }
      assert(client.calendars:list())
      local lock
      local list = hoopai.run(function()
        local tasks = {}
        for index = 1, 4 do tasks[index] = hoopai.spawn(function() return client.calendars:list() end) end
        hoopai.sleep(0.001)
        local none, err = nobody.calendars:list()
        assert(none == nil and err.kind == "reauth_required", err)
        lock = core.token_file(%q):lock("key")
        local now = inherited()
        for _, task in ipairs(tasks) do assert(task:join()) end
        return now .. inherited()
      end)
      local open = 0
      for _ in require("lfs").dir("/proc/self/fd") do open = open + 1 end
      print(open)
      print(list == before .. before and "nothing" or before .. "\n" .. list)
    ]]):format(
        (account.url:gsub("127%.0%.0%.1", "localhost")),
        account.token,
        account.location_id,
        account.ca_file,
        folder,
        account.url,
        folder
      )
    )
    os.execute("rm -rf " .. child.quote(folder))
    assert.is_true(ok, text)
    local open, rest = text:match("^(%d+)\n(.*)\n$")
    assert.equal("nothing", rest)
    assert.is_true(tonumber(open) > 10, open) -- and there was something to inherit
  end)
end)
