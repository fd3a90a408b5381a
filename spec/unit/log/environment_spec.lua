-- The log of HOOPAI_LOG: a case is a process of its own, which has its environment and its stderr.

local child = require "spec.support.child"
local environment = require "hoopai.log.environment"
local hoopai = require "hoopai"
local servers = require "spec.support.server"

local TOKEN = "pit-11aa22bb-log-environment"
local LINE = "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ "
local STANDS_FOR_NO_LOG = "hoopai: there is no log, as HOOPAI_LOG is neither 1 nor verbose"

describe("hoopai.log.environment:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function() server:reset() end)

  --- Runs a script with this value of HOOPAI_LOG (nil: unset); what it prints, on either stream.
  local function run(value, source, more)
    local set = { HOOPAI_TOKEN = TOKEN, HOOPAI_BASE_URL = server.url, HOOPAI_LOCATION_ID = "l", HOOPAI_LOG = value }
    for name, text in pairs(more or {}) do
      set[name] = text
    end
    local text, ok = child.run(source, { set = set, unset = value == nil and { "HOOPAI_LOG" } or nil })
    assert.is_true(ok, text)
    return text
  end

  local function count(text, pattern) return select(2, text:gsub(pattern, "")) end

  local GET = [[
    local hoopai = require "hoopai"
    local client = hoopai.new()
    assert(client.calendars:get "c1")
    print "done"
  ]]

  local function reply(times)
    server:reply { path = "/calendars/c1", body = '{"calendar":{"id":"c1"}}', times = times or 1 }
  end

  it("1 and verbose switch the log on, in any case of letters", function()
    for _, value in ipairs { "1", "verbose", "VERBOSE" } do
      reply()
      local text = run(value, GET)
      assert.matches(LINE .. "GET /calendars/c1 200 %d+ms attempts=1", text)
      assert.are.equal(1, count(text, "GET /calendars/c1"))
      assert.is_nil(text:find(TOKEN, 1, true))
    end
  end)

  it("nothing, an empty value and 0 do not", function()
    for _, value in ipairs { false, "", "0" } do
      reply()
      assert.are.equal("done\n", run(value or nil, GET))
    end
  end)

  it("another value is said to be unknown, once and without showing it, and stops no program", function()
    for _, value in ipairs { "yes", "true", "2", "verbose ", TOKEN .. "-other" } do
      reply(2)
      local text = run(
        value,
        [[
        local hoopai = require "hoopai"
        for _ = 1, 2 do assert(hoopai.new().calendars:get "c1") end
        hoopai.oauth { client_id = "i", client_secret = "s-e-c-r-e-t" }
        print "done"
      ]]
      )
      local rest, times = text:gsub(STANDS_FOR_NO_LOG .. "\n", "")
      assert.are.equal(1, times, text)
      assert.are.equal("done\n", rest)
    end
  end)

  it("verbose logs repetitions too, 1 does not", function()
    for value, lines in pairs { ["1"] = 0, verbose = 1 } do
      server:reply(
        { path = "/calendars/c1", status = 503, body = "{}", headers = { ["retry-after"] = "0" } },
        { path = "/calendars/c1", body = '{"calendar":{"id":"c1"}}' }
      )
      local text = run(value, GET)
      assert.are.equal(lines, count(text, "again in"), text)
      assert.matches("attempts=2", text, 1, true)
    end
  end)

  it("the program's own hooks are called as well, with the same event", function()
    reply()
    local text = run(
      "1",
      [[
      local hoopai = require "hoopai"
      local client = hoopai.new { on = {
        done = function(event) print("own", event.path, event.status) end,
        request = function(event) print("before", event.attempt) end,
      } }
      assert(client:with({ timeout = 5 }).calendars:get "c1")
    ]]
    )
    assert.matches("own%s+/calendars/c1%s+200", text)
    assert.matches("before%s+1", text)
    assert.are.equal(1, count(text, LINE .. "GET /calendars/c1 200"))
  end)

  it("a hook that raises hides no line, and a log that cannot be written hides no event", function()
    reply(2)
    local text = run(
      "1",
      [[
      warn "@on"
      local hoopai = require "hoopai"
      local own = 0
      local client = hoopai.new { on = { done = function() own = own + 1 error("broken", 0) end } }
      assert(client.calendars:get "c1")
      getmetatable(io.stderr).__index.write = function() error "no space is left" end
      assert(client.calendars:get "c1")
      print(own)
    ]]
    )
    assert.are.equal(1, count(text, LINE .. "GET /calendars/c1 200"))
    assert.matches("Lua warning: hoopai: error in on.done: broken", text, 1, true)
    assert.matches("2\n$", text)
  end)

  it("a log of the program stays the only one", function()
    for _, on in ipairs {
      "hoopai.log { write = print }",
      "{ done = hoopai.log({ write = print }).done, request = function() end }",
    } do
      reply()
      local text = run("verbose", [[
        local hoopai = require "hoopai"
        assert(hoopai.new({ on = ]] .. on .. [[ }).calendars:get "c1")
      ]])
      assert.are.equal(1, count(text, "GET /calendars/c1"), text)
    end
  end)

  it("tasks and changes are logged, and dry runs", function()
    reply()
    server:reply { method = "DELETE", path = "/calendars/c2", body = '{"success":true}' }
    local text = run(
      "1",
      [[
      local hoopai = require "hoopai"
      local client = hoopai.new()
      hoopai.map({ 1, 2, 3 }, function(index)
        if index == 1 then return client.calendars:get "c1" end
        if index == 2 then return client.calendars:delete "c2" end
        return client.calendars:delete("c3", { dry_run = true })
      end)
    ]]
    )
    assert.matches("GET /calendars/c1 200", text, 1, true)
    assert.matches("DELETE /calendars/c2 200", text, 1, true)
    assert.matches("DELETE /calendars/c3 %- %d+ms attempts=0 dry_run=yes", text)
  end)

  it("the renewal of an app's token is one line, however many clients it has", function()
    local text = run(
      "1",
      [[
      local hoopai, sandbox = require "hoopai", require "hoopai.sandbox"
      local box <close> = sandbox.start { control = true, oauth = {} }
      local app <close> = hoopai.oauth {
        client_id = box.oauth.client_id, client_secret = box.oauth.client_secret, base_url = box.url,
        redirect_uri = "http://127.0.0.1:1/back",
        on = { refresh = function(event) print("own", event.ok) end },
      }
      assert(app:exchange { code = box.oauth.code() })
      local first <close> = app:client { location_id = box.location_id }
      local second <close> = hoopai.new { oauth = app, location_id = box.location_id }
      assert(first.calendars:list())
      assert(box:control("oauth/expire", { location_id = box.location_id }).count > 0)
      assert(second.calendars:list())
    ]]
    )
    assert.are.equal(1, count(text, "token renewed key="), text)
    assert.are.equal(1, count(text, "own%s+true"))
    assert.are.equal(2, count(text, "GET /calendars/ 200"))
  end)

  it("works after preload, and changes nothing in a host without io or os", function()
    reply()
    local text = run(
      "1",
      [[
      local hoopai = require "hoopai"
      hoopai.preload()
      require, package, io, os = nil, nil, nil, nil
      assert(hoopai.new().calendars:get "c1")
      print "done"
    ]]
    )
    assert.are.equal(1, count(text, LINE .. "GET /calendars/c1 200"))
    for _, absent in ipairs { "io", "os", "io, os" } do
      reply()
      text = run(
        "1",
        ([[
        local open_lib = { io = io, os = os }
        %s = nil
        package.loaded.io, package.loaded.os = nil, nil
        local hoopai = require "hoopai"
        local client = hoopai.new { token = "%s", base_url = "%s", location_id = "l" }
        assert(client.calendars:get "c1")
        print "done"
      ]]):format(absent, TOKEN, server.url)
      )
      assert.are.equal("done\n", text)
    end
  end)

  it("`add` changes no table of its caller", function()
    local own = { request = print }
    local all = environment.add(own, "1", function(name) return name == "done" end)
    assert.are.same({ request = print }, own)
    assert.are.equal(print, all.request)
    assert.are.equal("function", type(all.done))
    assert.is_nil(all.refresh)
    local log = hoopai.log()
    assert.are.equal(log, environment.add(log, "1", function() return true end))
  end)
end)
