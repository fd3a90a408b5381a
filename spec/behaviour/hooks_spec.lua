-- The log of the calls of real clients: the hooks of hoopai.log.
local child = require "spec.support.child"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local servers = require "spec.support.server"

local misuse = expect.misuse

local TOKEN = "pit-9d8c7b6a-hooks-spec"
local SLOT = "2026-03-07T09:00:00-05:00"

describe("hooks:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options)
    local all = { token = TOKEN, base_url = server.url, location_id = "l" }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return leak.client(all)
  end

  --- A hook that notes its events, and the list of them.
  local function noted()
    local events = {}
    return function(event) events[#events + 1] = event end, events
  end

  describe("the log", function()
    local STAMP = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ "

    --- A log into a list; what is sure to differ each time is masked.
    local function logged(options)
      local lines = {}
      local all = {
        write = function(line)
          assert.matches(STAMP, line)
          lines[#lines + 1] = line:gsub(STAMP, ""):gsub(" %d+ms", " Nms")
        end,
      }
      for name, value in pairs(options or {}) do
        all[name] = value
      end
      return hoopai.log(all), lines
    end

    it("has a line for each call, with neither token nor query nor body", function()
      server:reply(
        { path = "/calendars/events", body = [[{"events":[]}]], headers = { ["x-trace"] = "abc" } },
        { path = "/calendars/c", status = 503, body = [[{"traceId":"t-2"}]], headers = { ["retry-after"] = "0" } },
        { path = "/calendars/c", body = [[{"calendar":{"id":"c"},"traceId":"t-3"}]] },
        { method = "POST", path = "/calendars/events/appointments", status = 500, body = [[{"message":"no"}]] },
        { path = "/contacts/search", body = "{}" }
      )
      local log, lines = logged()
      local client = new { retries = 2, on = log }
      assert(client.events:list { userId = "somebody", startTime = 1767225600000, endTime = 1767312000000 })
      assert(client.calendars:get("c"))
      expect.failure(
        "server",
        client.appointments:create {
          calendarId = "c",
          contactId = "p",
          startTime = SLOT,
          title = "secret visit",
        }
      )
      assert(client:request { method = "GET", path = "/contacts/search", query = { email = "a@example.com" } })
      assert.same({
        "GET /calendars/events 200 Nms attempts=1 reused=no",
        "GET /calendars/c 200 Nms attempts=2 reused=yes trace=t-3",
        "POST /calendars/events/appointments 500 Nms attempts=1 reused=yes error=server applied=maybe",
        "GET /contacts/search 200 Nms attempts=1 reused=yes",
      }, lines)
      local text = table.concat(lines, "\n")
      for _, private in ipairs { TOKEN, "somebody", "17672", "secret", "example" } do
        assert.is_nil(text:find(private, 1, true), private)
      end
    end)

    it("has - without a response, and lines for repetitions and waits when it is verbose", function()
      server:reply(
        { path = "/calendars/c", status = 503, body = "{}", headers = { ["retry-after"] = "0" } },
        { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
      )
      local log, lines = logged { verbose = true }
      local client = new { retries = 2, on = log }
      assert(client.calendars:get("c"))
      local url, holder = servers.refusing()
      local refused = new { base_url = url, retries = false, on = log }
      expect.failure("network", refused.calendars:get("c"))
      holder:close()
      log.wait { method = "GET", path = "/calendars/", location_id = "l", seconds = 1.5 }
      assert.same({
        "GET /calendars/c again in Nms attempt=1 error=server status=503 reason=unavailable action=resend",
        "GET /calendars/c 200 Nms attempts=2 reused=yes",
        "GET /calendars/c - Nms attempts=1 reused=no error=network",
        "GET /calendars/ waits for Nms location=l",
      }, lines)
    end)

    it("has one line whatever the server sends", function()
      server:reply {
        path = "/calendars/c",
        body = [[{"calendar":{"id":"c"},"traceId":"a\nGET /forged\u001b[31m\u2028 é]] .. ("x"):rep(500) .. [["}]],
      }
      local log, lines = logged()
      assert(new({ on = log }).calendars:get("c"))
      assert.equal(1, #lines)
      assert.is_nil(lines[1]:find("[^\32-\126]"))
      assert.matches("trace=a%?GET%?/forged%?%[31m%?+x+$", lines[1])
      assert.is_true(#lines[1] < 220)
    end)

    it("has a line when a token of an app was renewed", function()
      local account <close> = sandbox.start { control = true }
      local log, lines = logged()
      local app <close> = hoopai.oauth {
        client_id = account.oauth.client_id,
        base_url = account.url,
        client_secret = account.oauth.client_secret,
        redirect_uri = "http://127.0.0.1:1/back",
      }
      assert(app:exchange { code = account.oauth.code { class = "Location" } })
      local client <close> = hoopai.new { oauth = app, location_id = account.location_id, on = log }
      account:control("oauth/expire", { location_id = account.location_id })
      assert(client.calendars:list())
      assert.equal(2, #lines, table.concat(lines, "\n"))
      assert.matches("^token renewed key=[%w%-]+/location/[%w]+ generation=2$", lines[1])
      assert.matches("^GET /calendars/ 200 Nms attempts=2 ", lines[2])
      expect.no_secret(lines, account.oauth.client_secret)
    end)

    it("goes to stderr by default", function()
      server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
      local text, ok = child.run(([[
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { token = "t", base_url = %q, location_id = "l", on = hoopai.log() }
        assert(client.calendars:get("c"))
        io.stdout:close()
      ]]):format(server.url))
      assert.is_true(ok, text)
      assert.matches(STAMP .. "?GET /calendars/c 200 %d+ms attempts=1 reused=no\n$", text)
    end)

    it("is a table of hooks that may be added to", function()
      server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
      local note, events = noted()
      local log, lines = logged()
      log.request = note
      assert(new({ on = log }).calendars:get("c"))
      assert.same({ 1, 1 }, { #events, #lines })
    end)

    it("does no harm when its writing fails, which warn() reports", function()
      server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
      local text, ok = child.run(([[
        warn("@on")
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { token = "t", base_url = %q, location_id = "l",
          on = hoopai.log { write = function() error("disk full") end } }
        assert(client.calendars:get("c").id == "c")
      ]]):format(server.url))
      assert.is_true(ok, text)
      assert.matches("^Lua warning: hoopai: error in on%.done: [^\n]*disk full\n$", text)
    end)

    it("refuses wrong options, and to write nowhere", function()
      misuse(function() hoopai.log { wriet = print } end, "unknown option `wriet` of hoopai.log")
      misuse(function() hoopai.log { write = "file" } end, "option `write` of hoopai.log must be a function")
      misuse(function() hoopai.log { verbose = 1 } end, "`verbose`", "boolean")
      misuse(function() hoopai.log(print) end, "are a table, got function")
      local text, ok = child.run [[
        io, package.loaded.io = nil -- luacheck: ignore
        local hoopai = require "hoopai"
        local good, problem = pcall(hoopai.log)
        assert(not good and problem:find("hoopai.log needs the option `write`", 1, true), problem)
        assert(hoopai.log { write = print }.done)
      ]]
      assert.is_true(ok, text)
    end)
  end)
end)
