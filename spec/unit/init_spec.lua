-- The public module: what it has, when its parts are loaded, and what requiring it does.

local child = require "spec.support.child"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

-- Member -> type. Those that are modules may be loaded on first use.
-- stylua: ignore
local MEMBERS = {
  VERSION = "string", null = "userdata", array = "function",
  new = "function", oauth = "function", preload = "function",
  use = "function", run = "function", spawn = "function", sleep = "function",
  map = "function", all = "function", race = "function", timeout = "function",
  log = "function", slots = "function", store = "table", time = "table", loop = "table",
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
    assert.is_nil(hoopai.tiem)
    assert.is_nil(hoopai[nil])
    assert.is_nil(hoopai[1])
  end)

  it("has the modules of these names", function()
    for _, name in ipairs { "log", "slots", "store", "time", "loop" } do
      assert.are.equal(require("hoopai." .. name), hoopai[name], name)
    end
    assert.are.equal(core.null, hoopai.null)
    assert.are.equal(core.array, hoopai.array)
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
      assert(client.calendars:get("c") and hoopai[nil] == nil and hoopai.tiem == nil)
      for _, name in ipairs {
        "api.notes", "oauth.app", "booking", "log", "validate.body", "validate.containers", "validate.query", "slots",
        "store", "time", "time.zone", "call.reconcile",
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
