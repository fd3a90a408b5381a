--- Hosts that give scripts less than all of Lua, or change what they gave: each case is a process of its own.
--
-- A host calls `hoopai.preload()` before it takes functions away. From then on what runs inside a call uses the
-- functions that it captured when it was loaded; `hoopai.time`, `hoopai.slots` and `hoopai.log`, which scripts call
-- themselves, use the basic functions as the host left them.
local child = require "spec.support.child"
local test_server = require "spec.support.server"
local sandbox = require "hoopai.sandbox"

local rockspec = {}
assert(loadfile("hoopai-dev-1.rockspec", "t", rockspec))()

--- The Lua files that a host runs: not the sandbox and the command, which are programs, not the types for editors.
local function files()
  local list = {}
  for name, path in pairs(rockspec.build.modules) do
    local is_elsewhere = name == "hoopai.meta" or name:find("^hoopai%.sandbox") or name:find("^hoopai%.command")
    if type(path) == "string" and not is_elsewhere then list[#list + 1] = path end
  end
  table.sort(list)
  return list
end

-- Methods of the library that strings have as well: of instants.
local OURS = { ["lua/hoopai/log.lua"] = { format = true } }

-- These do not run inside a call.
local SCRIPT_MODULES = {
  "^lua/hoopai/time/init%.lua$",
  "^lua/hoopai/time/duration%.lua$",
  "^lua/hoopai/time/date_fields%.lua$",
  "^lua/hoopai/time/strftime%.lua$",
  "^lua/hoopai/log%.lua$",
}

-- What they may read when they run: no host takes these away.
local BASIC = {}
for _, name in ipairs {
  "assert",
  "error",
  "getmetatable",
  "ipairs",
  "math",
  "next",
  "pairs",
  "pcall",
  "rawequal",
  "rawget",
  "rawlen",
  "rawset",
  "select",
  "setmetatable",
  "string",
  "table",
  "tonumber",
  "tostring",
  "type",
} do
  BASIC[name] = true
end

local function is_script_module(path)
  for _, pattern in ipairs(SCRIPT_MODULES) do
    if path:find(pattern) then return true end
  end
  return false
end

--- What the byte code of a file does with globals and with the methods of strings: "function at line: what".
local function habits(path, source)
  local input = source and "- <<'END'\n" .. source .. "\nEND" or child.quote(path)
  local pipe = assert(io.popen("luac5.4 -l -p " .. input))
  local found, where, is_free = {}, nil, is_script_module(path)
  for line in pipe:lines() do
    where = line:match("^(%l+ <.->)") or where
    local at, code, rest = line:match("^\t%d+\t%[(%-?%d+)%]\t(%u+)%s+(.*)$")
    local name = rest and rest:match('"([%w_]+)"')
    if code == "SETTABUP" and rest:find("; _ENV", 1, true) then
      found[#found + 1] = ("%s:%s sets the global %s"):format(path, at, name)
    elseif
      code == "GETTABUP"
      and rest:find("; _ENV", 1, true)
      and where:find("^function")
      and not (is_free and BASIC[name])
    then
      found[#found + 1] = ("%s:%s reads the global %s when it runs"):format(path, at, name)
    elseif
      code == "SELF"
      and string[name]
      and where:find("^function")
      and not is_free
      and not (OURS[path] or {})[name]
    then
      found[#found + 1] = ("%s:%s calls a string's %s as it is when it runs"):format(path, at, name)
    end
  end
  assert(pipe:close())
  return found
end

describe("the library's code", function()
  for _, path in ipairs(files()) do
    it("captures what it uses of Lua when it is loaded: " .. path, function() assert.same({}, habits(path)) end)
  end

  it("is checked by something that sees what it should", function()
    assert.same({
      "here:2 sets the global x",
      "here:1 reads the global print when it runs",
      "here:1 calls a string's upper as it is when it runs",
      "here:3 sets the global x",
    }, habits("here", "local function f(s) print(s:upper()) end\nx = f\nreturn function() x = nil end"))
    assert.same(
      { "lua/hoopai/log.lua:1 reads the global io when it runs" },
      habits("lua/hoopai/log.lua", "return function(s) return io.open(s:upper()), string.rep(s) end")
    )
  end)
end)

describe("a host", function()
  local account

  setup(function() account = sandbox.start { rate_limit = false } end)
  teardown(function() account:stop() end)

  --- Runs a script that has `url`, `token`, `location_id`, `contact_id` as locals.
  local function run(source)
    return child.run(
      ("local url, token, location_id, contact_id = %q, %q, %q, %q\n"):format(
        account.url,
        account.token,
        account.location_id,
        account.seed.contacts.hugo
      ) .. source,
      {
        set = { HOOPAI_TOKEN = "canary", HOOPAI_LOCATION_ID = "loc", HOOPAI_BASE_URL = account.url },
      }
    )
  end

  --- What a program does with the library; needs hoopai and client. `find_slot` uses hoopai.time and hoopai.slots,
  -- `work` makes calls alone.
  local WORK = [[
    local begin, slot
    local function find_slot()
      local now = hoopai.time.now()
      begin = now:ms()
      local free = assert(client.calendars:free_slots(assert(client.calendars:list())[1].id,
        { startDate = now, endDate = now + hoopai.time.hours(96) }))
      local _
      _, slot = hoopai.slots(free)()
      assert(hoopai.time.parse("2026-03-07T09:00:00-05:00"):iso("+01:00") == "2026-03-07T15:00:00+01:00")
      assert(tostring(now))
    end
    local function work()
      local calendars = assert(client.calendars:list())
      assert(#calendars > 0)
      assert(client.calendars:free_slots(calendars[1].id, { startDate = begin, endDate = begin + 96 * 3600000 }))
      local booked = assert(client.appointments:create {
        calendarId = calendars[1].id, contactId = contact_id, startTime = slot, title = "A visit",
      })
      assert(client.notes:create(booked.id, { body = "a note" }))
      assert(#assert(client.notes:list(booked.id)) == 1)
      assert(client.appointments:cancel(booked.id))
      booked = assert(client.appointments:book {
        calendarId = calendars[1].id, contactId = contact_id, from = begin, to = begin + 96 * 3600000,
      })
      assert(client.appointments:cancel(booked.id))
      local names = hoopai.run(function()
        local other = hoopai.spawn(function() return client.groups:list() end)
        local got, errors = hoopai.map(calendars, function(one) return client.calendars:get(one.id) end)
        assert(not errors and got.n == #calendars and other:join())
        hoopai.sleep(0.001)
        return got
      end)
      assert(names.n == #calendars)
      local none, err = client.calendars:get("no-such-calendar")
      assert(none == nil and err.kind == "not_found" and tostring(err))
      local wrong, problem = client.appointments:create { calendarId = 7, titel = "x" }
      assert(wrong == nil and problem.kind == "invalid_request" and #problem.details >= 2 and tostring(problem))
      assert(not pcall(function() client.calendars:get() end))
      assert(tostring(client))
    end
  ]]

  local NEW = "local hoopai = require 'hoopai'\n"
    .. "local client = hoopai.new { base_url = url, token = token, location_id = location_id }\n"

  it("without io, os, debug and package.loadlib has all but files and the environment", function()
    local text, ok = run([[
      local write = io.write
      for _, name in ipairs { "io", "os", "debug" } do _G[name], package.loaded[name] = nil, nil end
      package.loadlib, dofile, loadfile, load, collectgarbage, warn, print = nil -- luacheck: ignore
    ]] .. NEW .. WORK .. [[
      find_slot()
      work()
      hoopai.preload()
      assert(hoopai.store.file == nil)
      local ok, problem = pcall(hoopai.new)
      assert(not ok and problem:find("no token", 1, true), problem)
      assert(not tostring(hoopai.new { token = "t" }):find(url, 1, true)) -- not HOOPAI_BASE_URL
      local app = hoopai.oauth { client_id = "id", client_secret = "secret", store = hoopai.store.memory() }
      local nothing, err = hoopai.new({ oauth = app, location_id = "l", base_url = url }).calendars:list()
      assert(nothing == nil and err.kind == "reauth_required", err)
      local at
      at, err = hoopai.time.parse("2026-03-07T09:00:00Z"), nil
      ok, problem = pcall(function() return at:iso("Europe/Berlin") end)
      write(tostring(problem), "\n")
      assert(not ok and problem:find("this Lua has no io library", 1, true), problem)
      assert(at:iso("UTC") == "2026-03-07T09:00:00+00:00")
    ]])
    assert.is_true(ok, text)
  end)

  -- What a host may do to the standard libraries after `preload`.
  local BREAK = [[
    local error, pairs, type, type_of, next = error, pairs, type, type, next
    local function broken() error("a standard function was used as the host left it", 2) end
    local function break_all(...)
      for _, name in pairs { ... } do
        local library = _G[name]
        for key, value in pairs(library) do
          if type_of(value) == "function" then library[key] = broken end
        end
      end
    end
  ]]
  local BREAK_ALL = BREAK
    .. [[break_all("string", "table", "coroutine", "math", "utf8", "io", "os", "debug", "package")
  ]]

  it("that breaks the standard libraries has its calls, also of endpoints used for the first time", function()
    -- The test itself goes on with what it captured, as the library does.
    local text, ok = run(NEW .. [[
      hoopai.preload()
      local tostring, pcall, assert = tostring, pcall, assert
    ]] .. WORK .. "find_slot()\n" .. BREAK_ALL .. "work()")
    assert.is_true(ok, text)
  end)

  it("that breaks all but the basic functions afterwards has times, slots, the log, stores and bookings too", function()
    local text, ok = run(NEW .. "hoopai.preload()\nlocal assert = assert\n" .. BREAK .. [[
      break_all("coroutine", "utf8", "io", "os", "debug", "package")
      local free = { ["2026-03-07"] = { slots = { "2026-03-07T09:00:00-05:00" } } }
      local day, slot, instant = hoopai.slots(free)()
      assert(day == "2026-03-07" and slot == instant:iso())
      assert(instant:in_zone("Europe/Berlin"):iso() == "2026-03-07T15:00:00+01:00")
      local line
      hoopai.log({ write = function(text) line = text end }).refresh { ok = true, key = "k" }
      assert(line)
      local events = { { id = "1", title = "Caf\xC3\xA9\xFF", startTime = slot, endTime = slot } }
      assert(hoopai.ical(events, { zone = "America/New_York" }):find "TZID=America/New_York:20260307T090000")
      assert(hoopai.store.memory())
      local none, err = client.appointments:book { calendarId = 7 }
      assert(none == nil and err.kind == "invalid_request")
    ]])
    assert.is_true(ok, text)
  end)

  it("that takes the globals away after `preload` has its calls", function()
    local text, ok = run(NEW .. [[
      hoopai.preload()
      local tostring, pcall, assert = tostring, pcall, assert
      local store = hoopai.store.memory()
    ]] .. WORK .. "find_slot()\n" .. BREAK_ALL .. [[
      local globals = _G
      for name in next, globals do globals[name] = nil end
      work()
      local app = hoopai.oauth { client_id = "id-1", client_secret = "secret", store = store, base_url = url,
        redirect_uri = "http://127.0.0.1:1/" }
      local address, verifier = app:authorize_url { pkce = true, state = "s" }
      assert(address and verifier)
      local grant, err = app:exchange { code = "nonsense" }
      assert(grant == nil and err.kind, err)
      local calendars, problem = hoopai.new({ oauth = app, location_id = "l" }).calendars:list()
      assert(calendars == nil and problem.kind == "reauth_required", problem)
      assert(not pcall(hoopai.oauth, { clientid = "x" }))
    ]])
    assert.is_true(ok, text)
  end)

  it("meets no new global", function()
    local text, ok = run([[
      setmetatable(_G, { __newindex = function(_, name) error("global " .. name, 2) end,
        __index = function(_, name) error("no global " .. name, 2) end })
    ]] .. NEW .. WORK .. "hoopai.preload() find_slot() work()")
    assert.is_true(ok, text)
  end)

  for mode, set in pairs {
    incremental = "collector.pace(123, 321, 13)",
    generational = "collectgarbage('generational')",
  } do
    it("keeps its own pace of the collector: " .. mode, function()
      local text, ok = run(([[
        local collector = require "spec.support.collector"
        %s
        local before = { collector.read() }
        assert(before[1] == "%s")
      ]]):format(set, mode) .. NEW .. WORK .. [[
        find_slot()
        work()
        local after = { collector.read() }
        for index = 1, 3 do assert(before[index] == after[index], index) end
      ]])
      assert.is_true(ok, text)
    end)
  end

  it("may stop the collector, and run it whenever it likes", function()
    local text, ok = run(NEW .. WORK .. [[
      collectgarbage("stop")
      find_slot()
      work()
      assert(not collectgarbage("isrunning"))
      collectgarbage("restart")
      local count = 0
      debug.sethook(function() count = count + 1 collectgarbage("step") end, "", 997)
      work()
      debug.sethook()
      assert(count > 10)
    ]])
    assert.is_true(ok, text)
  end)

  it("may require the library twice, forget it and load it anew", function()
    local text, ok = run([[
      assert(require "hoopai" == require "hoopai")
      local first = require "hoopai"
      local old = first.new { base_url = url, token = token, location_id = location_id }
      for name in pairs(package.loaded) do
        if name:find("^hoopai") then package.loaded[name] = nil end
      end
    ]] .. NEW .. WORK .. [[
      assert(hoopai ~= first)
      find_slot()
      work()
      assert(old.calendars:list()) -- the first copy still works, beside the second
      first.run(function() assert(#first.map({ 1, 2 }, function() return old.groups:list() end) == 2) end)
      old:close()
      work()
    ]])
    assert.is_true(ok, text)
  end)

  it("may require it in a coroutine that dies, and use it long after", function()
    local text, ok = run([[
      local made = coroutine.wrap(function()
        local hoopai = require "hoopai"
        local client = hoopai.new { base_url = url, token = token, location_id = location_id }
        assert(client.calendars:list())
        return { hoopai, client }
      end)()
      local doomed = coroutine.create(function() require "hoopai.oauth.app" error("dead") end)
      assert(not coroutine.resume(doomed))
      doomed = nil -- luacheck: ignore
      for _ = 1, 5 do collectgarbage() end
      local hoopai, client = made[1], made[2]
    ]] .. WORK .. "find_slot() work()")
    assert.is_true(ok, text)
  end)

  it("that takes the files away while a change is under way learns its outcome", function()
    local server = test_server.start()
    server:reply(
      { method = "PUT", status = 500, body = "{}" },
      { method = "GET", path = "/calendars/events/appointments/a", body = '{"appointment":{"id":"a","title":"new"}}' },
      { method = "DELETE", status = 500, body = "{}", times = 2 },
      { method = "GET", path = "/calendars/appointments/a/notes", body = '{"notes":[],"hasMore":false}' },
      { method = "GET", path = "/calendars/events/appointments/gone", status = 404, body = "{}" }
    )
    local text, ok = child.run(([[
      local hoopai = require "hoopai"
      local searchers, kept = package.searchers, table.move(package.searchers, 1, #package.searchers, 1, {})
      local function take_away() for index = #searchers, 1, -1 do searchers[index] = nil end end
      local client = hoopai.new { base_url = %q, token = "t", location_id = "l", on = { request = take_away } }
      for name, change in pairs {
        update = function() return client.appointments:update("a", { title = "new" }) end,
        note = function() return client.notes:delete("a", "n") end,
        delete = function() return client.appointments:delete("gone") end,
      } do
        table.move(kept, 1, #kept, 1, searchers)
        local result, response = change()
        assert(result and response.reconciled, name .. ": " .. tostring(response))
      end
    ]]):format(server.url))
    server:stop()
    assert.is_true(ok, text)
  end)

  describe("that closes the state", function()
    local server

    setup(function() server = test_server.start() end)
    teardown(function() server:stop() end)
    after_each(function() server:reset() end)

    local SLOW = [[
      local hoopai, url = require "hoopai", %q
      local client = hoopai.new { base_url = url, token = "t", location_id = "l" }
      local function calls(count)
        for _ = 1, count do hoopai.spawn(function() client.calendars:list() end) end
        hoopai.sleep(0.05)
      end
    ]]

    for name, ending in pairs {
      ["in a task"] = "hoopai.run(function() calls(8) os.exit(7, true) end)",
      ["in a hook"] = [[
        client = hoopai.new { base_url = url, token = "t", location_id = "l",
          on = { request = function() os.exit(7, true) end } }
        hoopai.run(function() calls(8) end)
      ]],
      ["in a finaliser"] = [[
        hoopai.run(function()
          calls(8)
          setmetatable({}, { __gc = function() os.exit(7, true) end })
          collectgarbage()
        end)
      ]],
      ["with an error on its way"] = [[
        local guard <close> = setmetatable({}, { __close = function() os.exit(7, true) end })
        hoopai.run(function() calls(8) error("over") end)
      ]],
    } do
      it("with calls in flight, " .. name .. ", ends as it meant to", function()
        server:reply { method = "GET", path = "/calendars/", steps = { { stall = true } }, always = true }
        local text, _, how, code = child.run(SLOW:format(server.url) .. ending)
        assert.same({ "exit", 7 }, { how, code }, text)
        assert.equal("", text)
      end)
    end
  end)
end)
