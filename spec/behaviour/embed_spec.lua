--- The library inside a C program: examples/embed/host.c, which links all of it, run as its user would run it.
-- HOOPAI_HOST says which build: plain, or with a sanitizer.
local child = require "spec.support.child"
local test_server = require "spec.support.server"
local sandbox = require "hoopai.sandbox"

local HOST = os.getenv "HOOPAI_HOST" or "build/host"
local THREADS, CALLS = 4, 200

local server, scripts

--- Runs the host; `script` is the source of a worker, or nil for the example's own.
local function run(url, script, calls)
  local name = "examples/embed/worker.lua"
  if script then
    name = os.tmpname()
    scripts[#scripts + 1] = name
    local file <close> = assert(io.open(name, "w"))
    assert(file:write(script))
  end
  -- No path leads to a file of this library: all that runs is linked in.
  local pipe = assert(
    io.popen(
      (
        "env LUA_PATH=/nowhere LUA_CPATH=/nowhere HOOPAI_TOKEN=canary HOOPAI_LOCATION_ID=loc "
        .. "HOOPAI_BASE_URL=%s timeout 120 %s %s %d %d 2>&1"
      ):format(url, HOST, name, THREADS, calls or CALLS)
    )
  )
  local text = pipe:read("a")
  local ok, _, code = pipe:close()
  return text, ok or false, code
end

local function count(text, plain)
  local found, from = 0, 1
  while true do
    local at = text:find(plain, from, true)
    if not at then return found end
    found, from = found + 1, at + 1
  end
end

describe("a C host", function()
  setup(function() server = test_server.start() end)
  teardown(function() server:stop() end)
  before_each(function() scripts = {} end)
  after_each(function()
    for _, name in ipairs(scripts) do
      os.remove(name)
    end
    server:reset()
  end)

  it("calls from 4 threads, each with a loop and a state of its own, 200 times; its own timer goes on", function()
    server:reply { method = "GET", path = "/calendars/", body = '{"calendars":[]}', delay = 0.01, always = true }
    local text, ok = run(server.url)
    assert.is_true(ok, text)
    assert.equal(THREADS, count(text, ": 200 of 200 calls answered, "), text)
    assert.equal(THREADS * CALLS, #server:ledger())
    for ticks in text:gmatch("(%d+) ticks\n") do
      assert.is_true(tonumber(ticks) >= 5, text)
    end -- of 10 ms, in 0.25 s
  end)

  it("resolves names in threads of libcurl's meanwhile", function()
    server:reply { method = "GET", path = "/calendars/", body = '{"calendars":[]}', always = true }
    local text, ok = run((server.url:gsub("127%.0%.0%.1", "localhost")))
    assert.is_true(ok, text)
    assert.equal(THREADS * CALLS, #server:ledger())
  end)

  it("speaks TLS in all of them", function()
    local account <close> = sandbox.start { tls = true, rate_limit = false }
    local text, ok = run(
      account.url,
      ([[
      local hoopai = require "hoopai"
      hoopai.use(hoopai.loop.custom)
      local client = hoopai.new { token = %q, location_id = %q, ca_file = %q }
      local calls, good = ..., 0
      for _ = 1, calls do
        hoopai.spawn(function()
          if #assert(client.calendars:list()) > 0 then good = good + 1 end
        end)
      end
      return function() return good end
    ]]):format(account.token, account.location_id, account.ca_file),
      10
    )
    assert.is_true(ok, text)
    assert.equal(THREADS, count(text, ": 10 of 10 calls answered, "), text)
  end)

  it("uses token files beside connections that are made and closed", function()
    server:reply { method = "GET", path = "/calendars/", body = '{"calendars":[]}', always = true }
    local folder = os.tmpname()
    os.remove(folder)
    local silent, close_silent = test_server.silent()
    local text, ok = run(
      server.url,
      ([[
      local hoopai, core = require "hoopai", require "hoopai.core"
      hoopai.use(hoopai.loop.custom)
      local calls, good = ..., 0
      local store = hoopai.store.behind(hoopai.store.file(%q))
      local function use_store()
        local lock <close> = store:lock "key"
        if not lock then return end
        local stored = store:read "key" or core.credentials {}
        assert(store:write("key", stored:with { generation = (tonumber(stored:get "generation") or 0) + 1 }, 0))
      end
      for _ = 1, calls do
        hoopai.spawn(function()
          local client <close> = hoopai.new()
          use_store()
          assert(client.calendars:list())
          use_store()
          -- libcurl closes the socket of a connection that is given up by itself.
          local connecting <close> = hoopai.new { base_url = %q }
          hoopai.timeout(0.001, function() return connecting.calendars:list() end)
          use_store()
          good = good + 1
        end)
      end
      return function() return good end
    ]]):format(folder, silent)
    )
    close_silent()
    os.execute("rm -rf " .. child.quote(folder))
    assert.is_true(ok, text)
    assert.equal(THREADS, count(text, ": 200 of 200 calls answered, "), text)
  end)

  it("reports what failed, and fails", function()
    server:reply { method = "GET", path = "/calendars/", status = 404, body = "{}", always = true }
    local text, ok, code = run(server.url, nil, 3)
    assert.is_false(ok)
    assert.equal(1, code)
    assert.equal(THREADS, count(text, ": 0 of 3 calls answered, "), text)
    assert.equal(THREADS, count(text, " ticks; not_found: "), text)
    assert.equal(0, count(text, "canary"))
  end)

  it("survives a script that raises, that is none, and that leaves calls in flight when its state is closed", function()
    server:reply { method = "GET", path = "/calendars/", steps = { { stall = true } }, always = true }
    local text, ok = run(server.url, "error('no such luck')")
    assert.is_false(ok)
    assert.equal(THREADS, count(text, "no such luck"), text)
    text, ok = run(server.url, "not Lua")
    assert.is_false(ok)
    assert.equal(THREADS, count(text, "unexpected symbol"), text)
    text, ok = run(
      server.url,
      [[
      local hoopai = require "hoopai"
      local core = require "hoopai.core"
      hoopai.use(hoopai.loop.custom)
      local client, left = hoopai.new(), 0
      for _ = 1, 3 do hoopai.spawn(function() left = left + 1 client.calendars:list() end) end
      local limit = core.now() + 0.2
      repeat hoopai.loop.step() core.sleep(0.01) until core.now() > limit
      assert(hoopai.loop.busy())
      error("left " .. left)
    ]]
    )
    assert.is_false(ok)
    assert.equal(THREADS, count(text, "left 3"), text)
    assert.is_true(#server:ledger() >= 1)
  end)

  it("has all modules of the library with it, and their chunks' names", function()
    local rockspec = {}
    assert(loadfile("hoopai-dev-1.rockspec", "t", rockspec))()
    local names = {}
    for name in pairs(rockspec.build.modules) do
      local is_elsewhere = name == "hoopai.meta" or name:find("^hoopai%.sandbox") or name:find("^hoopai%.command")
      if not is_elsewhere then names[#names + 1] = ("%q"):format(name) end
    end
    assert.is_true(#names > 30)
    local text, ok = run(
      server.url,
      ([[
      local foreign = { luv = true, cqueues = true, copas = true } -- libraries that are not linked in
      for _, name in ipairs { %s } do
        local folder, library = name:match("^hoopai%%.(%%w+)%%.(%%w+)$")
        local is_foreign = (folder == "loop" or folder == "redis") and foreign[library]
        assert(is_foreign and package.preload[name] or require(name), name)
      end
      for name in pairs(_G) do assert(not name:find("hoopai"), name) end
      local ok, problem = pcall(function() require("hoopai").new { tokn = "x" } end)
      assert(not ok and problem:find("unknown option `tokn`", 1, true), problem)
      assert(not problem:find("hoopai/", 1, true), problem) -- it points at the user's line
      local instant = require("hoopai").time.parse("2026-03-07T09:00:00-05:00")
      assert(instant:iso("Europe/Berlin") == "2026-03-07T15:00:00+01:00")
      local calls = ...
      return function() return calls end
    ]]):format(table.concat(names, ", "))
    )
    assert.is_true(ok, text)
  end)
end)

describe("the amalgamation", function()
  it("keeps every line of every module", function()
    -- The generated literals, read by a C compiler's rules.
    local file <close> = assert(io.open("build/amalgamation/hoopai_lua.c"))
    local found, current = {}, nil
    for line in file:lines() do
      local path = line:match("^/%* (lua/hoopai/.-%.lua) %*/$")
      local literal = current and line:match('^  "(.*)\\n",$')
      if path then
        current = {}
        found[path] = current
      elseif literal then
        current[#current + 1] = literal:gsub("\\(.)([0-7]?[0-7]?)", function(first, rest)
          local text = first .. rest
          return first:find("[0-7]") and string.char(tonumber(text, 8)) or text
        end)
      end
    end
    local compared = 0
    for path, lines in pairs(found) do
      local source <close> = assert(io.open(path))
      assert.is_true(source:read("a") == table.concat(lines, "\n") .. "\n", path)
      compared = compared + 1
    end
    assert.is_true(compared > 30)
  end)

  it("compiles without a warning, as C for any host", function()
    for _, name in ipairs { "hoopai_core.c", "hoopai_crypto.c", "hoopai_lua.c" } do
      local pipe = assert(
        io.popen(
          (
            "env -u LD_PRELOAD %s -std=c11 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Werror "
            .. "$(pkg-config --cflags lua5.4 libcurl 2>/dev/null || echo -I/usr/include/lua5.4) %s 2>&1"
          ):format(child.quote(os.getenv "CC" or "cc"), (name:gsub("%S+$", "build/amalgamation/%0")))
        )
      )
      local text = pipe:read("a")
      assert.is_true(pipe:close() or false, text)
    end
  end)
end)
