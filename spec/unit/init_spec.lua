-- The public module: what it has, when its parts are loaded, and what requiring it does.

local child = require "spec.support.child"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local lfs = require "lfs"
local servers = require "spec.support.server"

-- Member -> type. Those that are modules may be loaded on first use.
-- stylua: ignore
local MEMBERS = {
  VERSION = "string", null = "userdata", array = "function",
  new = "function", oauth = "function", webhook = "function", preload = "function",
  use = "function", run = "function", spawn = "function", sleep = "function",
  map = "function", all = "function", race = "function", timeout = "function",
  on_task_error = "function", log = "function", slots = "function", ical = "function",
  store = "table", time = "table", loop = "table", redis = "table", rate_limit = "table",
  encode = "function", decode = "function",
}

describe("the module hoopai", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  it("has its members, and no others", function()
    for name, kind in pairs(MEMBERS) do
      assert.are.equal(kind, type(hoopai[name]), name)
      assert.is_not_nil(rawget(hoopai, name), name)
    end
    for name in pairs(hoopai) do
      assert.is_not_nil(MEMBERS[name], name)
    end
    expect.misuse(function() local _ = hoopai.tiem end, "hoopai has no `tiem`, did you mean `time`?")
    assert.is_nil(hoopai._tiem)
    assert.is_nil(hoopai[nil])
    assert.is_nil(hoopai[1])
  end)

  it("has the modules of these names", function()
    for _, name in ipairs { "ical", "log", "slots", "store", "time", "loop", "redis", "rate_limit" } do
      assert.are.equal(require("hoopai." .. name), hoopai[name], name)
    end
    assert.are.equal(core.null, hoopai.null)
    local list = { 1 }
    assert.are.equal(list, hoopai.array(list))
    assert.are.equal(debug.getmetatable(core.array {}), debug.getmetatable(list))
    assert.is_false(getmetatable(list)) -- else a script could change all lists that are marked
    assert.are.equal("[]", core.encode(hoopai.array()))
  end)

  it("says that its functions are called with a dot", function()
    local store, time, sandbox = hoopai.store, hoopai.time, require "hoopai.sandbox"
    -- stylua: ignore
    local cases = {
      ["hoopai.new{...}"] = function() hoopai:new { token = "x" } end,
      ["hoopai.oauth{...}"] = function() hoopai:oauth { client_id = "x" } end,
      ["hoopai.run(...)"] = function() hoopai:run(print) end,
      ["hoopai.spawn(...)"] = function() hoopai:spawn(print) end,
      ["hoopai.sleep(...)"] = function() hoopai:sleep(1) end,
      ["hoopai.map(...)"] = function() hoopai:map({}, print) end,
      ["hoopai.all{...}"] = function() hoopai:all { print } end,
      ["hoopai.race{...}"] = function() hoopai:race { print } end,
      ["hoopai.timeout(...)"] = function() hoopai:timeout(1, print) end,
      ["hoopai.use(...)"] = function() hoopai:use(hoopai.loop.custom) end,
      ["hoopai.array{...}"] = function() hoopai:array {} end,
      ["hoopai.log{...}"] = function() hoopai:log {} end,
      ["hoopai.slots(...)"] = function() hoopai:slots {} end,
      ["hoopai.ical(...)"] = function() hoopai:ical {} end,
      ["hoopai.encode(...)"] = function() hoopai:encode(1) end,
      ["hoopai.decode(...)"] = function() hoopai:decode "1" end,
      ["hoopai.preload(...)"] = function() hoopai:preload() end,
      ["hoopai.time.now(...)"] = function() time:now() end,
      ["hoopai.time.parse(...)"] = function() time:parse "2026-01-01T00:00Z" end,
      ["hoopai.time.at{...}"] = function() time:at {} end,
      ["hoopai.time.hours(...)"] = function() time:hours(1) end,
      ["hoopai.time.is_instant(...)"] = function() time:is_instant(1) end,
      ["hoopai.time.to_epoch_ms(...)"] = function() time:to_epoch_ms(1) end,
      ["hoopai.time.day(...)"] = function() time:day("2026-01-01", "UTC") end,
      ["hoopai.time.months(...)"] = function() time:months(1) end,
      ["hoopai.time.zone(...)"] = function() time:zone "UTC" end,
      ["hoopai.store.file(...)"] = function() store:file "/tmp/x" end,
      ["hoopai.store.memory(...)"] = function() store:memory() end,
      ["hoopai.sandbox.start{...}"] = function() sandbox:start() end,
      ["hoopai.sandbox.serve{...}"] = function() sandbox:serve() end,
    }
    for call, fn in pairs(cases) do
      local message = expect.misuse(fn)
      assert.are.equal("hoopai: call it with a dot: " .. call, (message:gsub("^.-:%d+: ", "")))
    end
    assert.is_function(hoopai.log) -- hoopai:array did not change the module
  end)

  it("shows the error of a call that failed where its result is used", function()
    local err = errors.new { kind = "not_found", message = "Calendar not found", status = 404 }
    local text = "not_found: Calendar not found (HTTP 404) at "
    local function failed() return nil, err end
    -- stylua: ignore
    local cases = {
      slots = function() hoopai.slots(failed()) end,
      ical = function() hoopai.ical(failed()) end,
      map = function() hoopai.map(failed()) end,
      log = function() hoopai.log(failed()) end,
      all = function() hoopai.all(failed()) end,
      run = function() hoopai.run(failed()) end,
    }
    for name, fn in pairs(cases) do
      local message = expect.misuse(fn)
      assert.are.equal(
        ("hoopai: hoopai.%s got nil, because a call before it failed: %s"):format(name, text .. err.where),
        (message:gsub("^.-:%d+: ", ""))
      )
    end
  end)

  -- Lua 5.1 to 5.3 cannot read the other files. .ci/deps installs these interpreters on Debian.
  it("says in an older Lua which one is needed", function()
    local here = lfs.currentdir()
    local path = ("%s/lua/?.lua;%s/lua/?/init.lua"):format(here, here)
    local count = 0
    for name, shown in pairs { ["lua5.1"] = "Lua 5.1", ["lua5.3"] = "Lua 5.3", luajit = "LuaJIT .- %(Lua 5.1%)" } do
      if os.execute(("command -v %s >/dev/null 2>&1"):format(name)) then
        count = count + 1
        for _, module in ipairs { "hoopai", "hoopai.time", "hoopai.sandbox", "hoopai.store", "hoopai.loop" } do
          local program = ("package.path = [[%s]] print(select(2, pcall(require, [[%s]])))"):format(path, module)
          local pipe = assert(io.popen(("%s -e %s 2>&1"):format(name, child.quote(program))))
          local text = pipe:read "a"
          pipe:close()
          assert.matches("^hoopai needs Lua 5.4 or newer, and this is " .. shown .. "\n$", text)
        end
      end
    end
    local is_debian = os.execute "command -v dpkg-query >/dev/null 2>&1"
    assert.are.equal(is_debian and 3 or count, count)
  end)

  it("says in one line what is missing", function()
    local text = child.run [[
      local searchers, missing = package.searchers, nil
      for index, searcher in ipairs(searchers) do
        searchers[index] = function(name)
          local is_missing = missing and (name .. "."):find(missing .. ".", 1, true) == 1
          if is_missing then return "\n\tno file 'a'\n\tno file 'b'" end
          return searcher(name)
        end
      end
      local function try(module, name)
        missing = name
        for loaded in pairs(package.loaded) do
          if loaded:find "^hoopai" or loaded:find("^" .. name) then package.loaded[loaded] = nil end
        end
        print(select(2, pcall(function() return require("hoopai").loop[module] end)))
      end
      try("custom", "hoopai.core")
      try("custom", "cjson")
      try("copas", "copas")
      try("cqueues", "cqueues")
      try("luv", "luv")
    ]]
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line:gsub("^.-:%d+: ", "")
    end
    assert.are.same({
      "hoopai: the C core of hoopai is not built or not installed (no module hoopai.core): in the checkout run "
        .. '`make build` and then `eval "$(make -s env)"`, or install the rock with `luarocks --lua-version 5.4 make`',
      "hoopai: lua-cjson, which hoopai needs, is not installed (no module cjson): `luarocks install lua-cjson`, or on "
        .. "Debian `apt-get install lua-cjson`",
      'hoopai: hoopai.loop.copas needs the rock "copas" (4 or newer), which is not installed: `luarocks install copas`',
      'hoopai: hoopai.loop.cqueues and hoopai.redis.cqueues need the rock "cqueues", which is not installed: '
        .. "`luarocks install cqueues`, or on Debian `apt-get install lua-cqueues`",
      'hoopai: hoopai.loop.luv and hoopai.redis.luv need the rock "luv", which is not installed: '
        .. "`luarocks install luv`, or on Debian `apt-get install lua-luv`",
    }, lines)
  end)

  it("has a version", function() assert.matches("^%d+%.%d+%.%d+$", hoopai.VERSION) end)

  it("loads all with preload, so that nothing is required afterwards", function()
    local text, ok = child.run [[
      local hoopai = require "hoopai"
      hoopai.preload()
      hoopai.preload()
      local missing = {}
      for index = 1, #package.searchers do
        package.searchers[index] = function(name) missing[#missing + 1] = name return "gone" end
      end
      local app = hoopai.oauth { client_id = "x", client_secret = "y" }
      local client <close> = hoopai.new { token = "t", location_id = "l" }
      for _, name in ipairs { "appointments", "block_slots", "calendars", "events", "groups", "notes", "notifications",
        "resources", "schedules" } do
        assert(client[name])
      end
      assert(client.appointments.book and hoopai.log and hoopai.slots and hoopai.store.memory() and hoopai.time.now())
      assert(hoopai.ical {})
      assert(tostring(app):find "hoopai.App")
      local _, err = client.appointments:create { calendarId = 5 }
      assert(err.kind == "invalid_request", tostring(err))
      print(#missing)
    ]]
    assert.is_true(ok, text)
    assert.are.equal("0\n", text)
  end)

  it("does nothing when it is required, and can be required again", function()
    local text, ok = child.run [[
      local lfs = require "lfs"
      local function descriptors()
        local count = 0
        for _ in lfs.dir("/proc/self/fd") do count = count + 1 end
        return count
      end
      local collector = require "spec.support.collector"
      local open, locale, pace = descriptors(), os.setlocale(), { collector.read() }
      local names = {}
      for name in pairs(_G) do names[name] = true end
      local hoopai = require "hoopai"
      for name in pairs(_G) do assert(names[name], name) end
      assert(descriptors() == open and os.setlocale() == locale)
      local after = { collector.read() }
      for index = 1, 3 do assert(after[index] == pace[index]) end
      for name in pairs(package.loaded) do
        if name:find("^hoopai") then package.loaded[name] = nil end
      end
      local again = require "hoopai"
      assert(again ~= hoopai and again.VERSION == hoopai.VERSION)
      assert(tostring(again.new { token = "t" }):find("^hoopai.Client"))
      assert(tostring(hoopai.new { token = "t" }):find("^hoopai.Client"))
      print "fine"
    ]]
    assert.is_true(ok, text)
    assert.are.equal("fine\n", text)
  end)

  it("loads no more than a call takes", function()
    server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
    local text, ok = child.run(([[
      local hoopai = require "hoopai"
      local client <close> = hoopai.new { token = "t", base_url = %q }
      assert(client.calendars:get("c") and hoopai[nil] == nil and hoopai._tiem == nil)
      for _, name in ipairs {
        "api.notes", "oauth.app", "booking", "log", "validate.body", "validate.containers", "validate.query", "slots",
        "ical", "store", "time", "time.zone", "call.reconcile",
      } do
        name = "hoopai." .. name
        assert(not package.loaded[name] and package.searchpath(name, package.path), name)
      end
    ]]):format(server.url))
    assert.is_true(ok, text)
  end)

  it("works in a host without debug, io and os", function()
    server:reply { path = "/calendars/c", times = 2, body = [[{"calendar":{"id":"c"}}]] }
    local text, ok = child.run(([[
      local print, url = print, %q
      for _, name in ipairs { "debug", "io", "os" } do _G[name], package.loaded[name] = nil, nil end
      local hoopai = require "hoopai"
      local client <close> = hoopai.new { token = "t", base_url = url }
      assert(client.calendars:get("c"))
      hoopai.run(function() assert(client.calendars:get("c")) end)
      local fine, message = pcall(function() client.calendars:get(5) end)
      assert(not fine and message:find("calendarId", 1, true))
      local _, err = client.calendars:get("")
      assert(err.kind == "invalid_request")
      print "fine"
    ]]):format(server.url))
    assert.is_true(ok, text)
    assert.are.equal("fine\n", text)
  end)

  it("does not mind what the host does to globals later", function()
    server:reply { path = "/calendars/c", times = 2, body = [[{"calendar":{"id":"c"}}]] }
    local text, ok = child.run(([[
      local hoopai = require "hoopai"
      local client <close> = hoopai.new { token = "t", base_url = %q }
      assert(client.calendars:get("c")) -- what is loaded on first use is loaded
      local print, assert = print, assert
      local function broken() error("a global was used") end
      for _, library in ipairs { "string", "table", "coroutine", "math", "utf8" } do
        for name in pairs(_G[library]) do _G[library][name] = broken end
      end
      for _, name in ipairs { "type", "pairs", "ipairs", "next", "tostring", "select", "pcall", "setmetatable" } do
        _G[name] = broken
      end
      hoopai.run(function() assert(client.calendars:get("c")) end)
      print "fine"
    ]]):format(server.url))
    assert.is_true(ok, text)
    assert.are.equal("fine\n", text)
  end)
end)
