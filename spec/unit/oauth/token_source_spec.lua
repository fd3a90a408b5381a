-- Where the token comes from: a string, or a function that is asked for one.

local child = require "spec.support.child"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"
local spellings = require "spec.support.spellings"
local token_source = require "hoopai.oauth.token_source"

local failure = expect.failure

local GOOD = { method = "GET", body = [[{"calendar":{"id":"c"}}]] }
local REFUSED = { method = "GET", status = 401, body = [[{"statusCode":401,"message":"Invalid JWT"}]] }

describe("hoopai.oauth.token_source:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(token, options)
    local all = { token = token, base_url = server.url, location_id = "l" }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return leak.client(all)
  end

  --- A token function that gives tok-1, tok-2, ..., and the list of reasons it was asked for.
  local function counting(wait)
    local reasons = {}
    return reasons,
      function(reason)
        reasons[#reasons + 1] = reason
        local number = #reasons
        if wait then wait(number) end
        return "tok-" .. number
      end
  end

  local function sent_tokens()
    local tokens = {}
    for index, request in ipairs(server:ledger()) do
      tokens[index] = request.header.authorization
    end
    return tokens
  end

  describe("a fixed one", function()
    it("is sent with each request", function()
      server:reply(GOOD, GOOD)
      local client = new("tok-fixed")
      assert(client.calendars:get("c"))
      assert(client.calendars:get("c"))
      assert.are.same({ "Bearer tok-fixed", "Bearer tok-fixed" }, sent_tokens())
    end)

    it("that is refused is not tried again", function()
      server:reply(REFUSED, REFUSED)
      local client = new("tok-fixed")
      local err = failure("auth", client.calendars:get("c"))
      assert.are.equal(1, err.attempts)
      hoopai.run(function() failure("auth", client.calendars:get("c")) end)
      assert.are.equal(2, #server:ledger())
    end)
  end)

  describe("a function", function()
    it("is asked once, for the first call", function()
      server:reply(GOOD, GOOD, GOOD)
      local reasons, fetch = counting()
      local client = new(fetch)
      assert.are.same({}, reasons)
      assert(client.calendars:get("c"))
      assert(client:with({ api_version = "v3" }).calendars:get("c"))
      hoopai.run(function() assert(client.calendars:get("c")) end)
      assert.are.same({ "first" }, reasons)
      assert.are.same({ "Bearer tok-1", "Bearer tok-1", "Bearer tok-1" }, sent_tokens())
    end)

    it("is not asked for a call that is not sent", function()
      local reasons, fetch = counting()
      local client = new(fetch)
      failure("invalid_request", client.calendars:get(""))
      client:close()
      failure("closed", client.calendars:get("c"))
      assert.are.same({}, reasons)
    end)

    it("is asked again when its token is refused, and the call is repeated once", function()
      server:reply(GOOD, REFUSED, GOOD, GOOD)
      local reasons, fetch = counting()
      local client = new(fetch)
      assert(client.calendars:get("c"))
      local result, response = client.calendars:get("c")
      assert.are.same({ id = "c" }, result)
      assert.are.equal(2, response.attempts)
      assert(client.calendars:get("c"))
      assert.are.same({ "first", "refused" }, reasons)
      assert.are.same({ "Bearer tok-1", "Bearer tok-1", "Bearer tok-2", "Bearer tok-2" }, sent_tokens())
    end)

    it("whose next token is refused as well is not asked a third time", function()
      server:reply(REFUSED, REFUSED)
      local reasons, fetch = counting()
      local err = failure("auth", new(fetch).calendars:get("c"))
      assert.are.equal(2, err.attempts)
      assert.are.equal("no", err.applied)
      assert.are.same({ "first", "refused" }, reasons)
      assert.are.equal(2, #server:ledger())
    end)

    it("is asked again for writes, too, which a 401 has not touched", function()
      server:reply(
        { method = "POST", status = 401, body = [[{"message":"Invalid JWT"}]] },
        { method = "POST", body = [[{"note":{"id":"n"}}]] }
      )
      local _, fetch = counting()
      local note = assert(new(fetch).notes:create("a", { body = "x" }))
      assert.are.equal("n", note.id)
      local ledger = server:ledger()
      assert.are.equal(ledger[1].body, ledger[2].body)
      assert.are.same({ "Bearer tok-1", "Bearer tok-2" }, sent_tokens())
    end)

    it("is not asked when scope, class or version are refused, or access is forbidden", function()
      for _, response in ipairs {
        { 401, "The token is not authorized for this scope.", "scope" },
        { 401, "This authClass type is not allowed to access this scope.", "scope" },
        { 401, "version header was not found.", "scope" },
        { 403, "The token does not have access to this location.", "forbidden" },
        { 400, "Invalid JWT", "refused" },
      } do
        server:reply { status = response[1], body = ('{"message":"%s"}'):format(response[2]) }
        local reasons, fetch = counting()
        local err = failure(response[3], new(fetch).calendars:get("c"))
        assert.are.equal(1, err.attempts)
        assert.are.same({ "first" }, reasons)
      end
      assert.are.equal(5, #server:ledger())
    end)

    it("emits both attempts to the hooks", function()
      server:reply(REFUSED, GOOD)
      local events = {}
      local _, fetch = counting()
      local client = new(fetch, {
        on = {
          request = function(event) events[#events + 1] = "request " .. event.attempt end,
          response = function(event) events[#events + 1] = "response " .. event.attempt .. " " .. event.status end,
        },
      })
      assert(client.calendars:get("c"))
      assert.are.same({ "request 1", "response 1 401", "request 2", "response 2 200" }, events)
    end)

    it("that gives no token fails the call, and is asked again by the next", function()
      server:reply(GOOD)
      local answers = { { nil, "the vault is sealed" }, { nil }, { "tok-3" } }
      local asked = 0
      local client = new(function()
        asked = asked + 1
        return table.unpack(answers[asked], 1, 2)
      end)
      local err = failure("auth", client.calendars:get("c"))
      assert.matches("the vault is sealed", err.message)
      assert.are.equal("no", err.applied)
      err = failure("auth", client.calendars:get("c"))
      assert.is_true(#err.message > 0)
      assert(client.calendars:get("c"))
      assert.are.equal(3, asked)
      assert.are.equal(1, #server:ledger())
    end)

    it("that gives an error object passes it on", function()
      server:reply(REFUSED)
      local other = new("tok-fixed")
      local _, original = other.calendars:get("c")
      local client = new(function() return nil, original end)
      local result, err = client.calendars:get("c")
      assert.is_nil(result)
      assert.are.equal(original.kind, err.kind)
      assert.are.equal(original.message, err.message)
      assert.are.equal("GET", err.method)
      assert.are_not.equal(original, err) -- each caller may change its own
    end)

    it("that has no next token leaves the refusal, with its reason as cause", function()
      server:reply(REFUSED)
      local client = new(function(reason)
        if reason == "first" then return "tok-1" end
        return nil, "no more"
      end)
      local err = failure("auth", client.calendars:get("c"))
      assert.are.equal(401, err.status)
      assert.are.equal("Invalid JWT", err.message)
      assert.matches("no more", tostring(err.cause))
    end)

    describe("whose error quotes the token that was refused", function()
      local OLD = "pit-1f/canary+2e9d-old"

      --- A client whose function fails after the refusal of OLD.
      local function failing(fail)
        server:reply(REFUSED)
        return new(function(reason)
          if reason == "first" then return OLD end
          return fail()
        end)
      end

      for name, spell in pairs(spellings.all) do
        it("hides it " .. name, function()
          local quoted = "cannot renew " .. spell(OLD) .. " now"
          for _, problem in ipairs { quoted, { quoted, [quoted] = { quoted } } } do
            local err = failure("auth", failing(function() return nil, problem end).calendars:get("c"))
            assert.is_true(errors.is(err.cause))
            for _, text in ipairs { err.cause.message, tostring(err.cause), tostring(err) } do
              assert.is_nil(spellings.found(text, OLD))
            end
            expect.no_secret(err, spell(OLD))
            local ok, raised = pcall(function()
              return failing(function() error(problem, 0) end).calendars:get("c")
            end)
            assert.is_false(ok)
            expect.no_secret(raised, spell(OLD))
            assert.matches("cannot renew ***", type(raised) == "table" and raised[1] or raised, 1, true)
          end
        end)
      end

      it("also in an error object", function()
        server:reply { status = 404, body = [[{"message":"no ]] .. OLD .. [["}]] }
        local original = failure("not_found", new("tok-other").calendars:get("c"))
        local err = failure("auth", failing(function() return nil, original end).calendars:get("c"))
        assert.are.equal("not_found", err.cause.kind)
        assert.matches("no ***", err.cause.message, 1, true)
        expect.no_secret(err.cause.cause, OLD)
      end)

      it("and leaves any other error as it is", function()
        local problem = { "sealed" }
        local err = failure("auth", failing(function() return nil, problem end).calendars:get("c"))
        assert.are.equal(problem, err.cause.cause)
        local ok, raised = pcall(function()
          return failing(function() error(problem) end).calendars:get("c")
        end)
        assert.is_false(ok)
        assert.are.equal(problem, raised)
      end)
    end)

    it("that raises lets its error through, and the next call works", function()
      server:reply(GOOD, GOOD)
      local broken = true
      local client = new(function()
        if broken then error("my own mistake") end
        return "tok-2"
      end)
      local ok, message = pcall(function() return client.calendars:get("c") end)
      assert.is_false(ok)
      assert.matches("my own mistake", message)
      ok, message = pcall(hoopai.run, function() return client.calendars:get("c") end)
      assert.is_false(ok)
      assert.matches("my own mistake", message)
      broken = false
      assert(client.calendars:get("c"))
      hoopai.run(function() assert(client.calendars:get("c")) end)
    end)

    it("that returns something else is wrong use, without showing it", function()
      for _, value in ipairs { 5, {}, true, "", "tok secret", "tok\nsecret" } do
        local ok, message = pcall(function()
          return new(function() return value end).calendars:get("c")
        end)
        assert.is_false(ok)
        assert.matches("token function", message)
        assert.is_nil(message:find("secret", 1, true))
      end
    end)

    it("that does not return holds up those who wait for it no longer than their timeout", function()
      local client = new(function()
        hoopai.sleep(3600)
        return "tok-late"
      end)
      hoopai.run(function()
        local first = hoopai.spawn(function() return client.calendars:get("c") end)
        hoopai.sleep(0)
        expect.within(10, function()
          local err = failure("timeout", client.calendars:get("c", { timeout = 0.1 }))
          assert.are.equal("refresh", err.stage)
          assert.are.equal("no", err.applied)
          assert.is_true(err.retryable)
        end)
        first:cancel()
      end)
    end)

    it("may wait and make calls of its own", function()
      server:reply(
        { path = "/token", body = [[{"value":"tok-from-the-net"}]], times = 2 },
        { path = "/calendars/c", body = [[{"calendar":{}}]], times = 2 }
      )
      local vault = new("tok-vault")
      local function fetch()
        hoopai.sleep(0.01)
        return assert(vault:request { method = "GET", path = "/token" }).value
      end
      assert(new(fetch).calendars:get("c"))
      hoopai.run(function() assert(new(fetch).calendars:get("c")) end)
      assert.are.same({
        "Bearer tok-vault",
        "Bearer tok-from-the-net",
        "Bearer tok-vault",
        "Bearer tok-from-the-net",
      }, sent_tokens())
    end)

    it("that calls its own client raises instead of waiting for itself", function()
      local client
      client = new(function() return select(2, assert(client.calendars:get("c"))) end)
      expect.within(12, function()
        local ok, message = pcall(function() return client.calendars:get("c") end)
        assert.is_false(ok)
        assert.matches("token function", message)
      end)
      expect.within(12, function()
        assert.is_false(pcall(hoopai.run, function() return client.calendars:get("c") end))
      end)
      assert.are.equal(0, #server:ledger())
    end)

    it("is asked once for twenty tasks", function()
      server:reply { method = "GET", body = [[{"calendar":{}}]], times = 20 }
      local reasons, fetch = counting(function() hoopai.sleep(0.02) end)
      local client = new(fetch)
      hoopai.run(function()
        for index = 1, 20 do
          hoopai.spawn(function() assert(client.calendars:get("c" .. index)) end)
        end
      end)
      assert.are.same({ "first" }, reasons)
      assert.are.equal(20, #server:ledger())
    end)

    it("is asked once when twenty tasks are refused at the same time", function()
      server:reply(
        { method = "GET", status = 401, body = [[{"message":"Invalid JWT"}]], times = 20, hold = "all" },
        { method = "GET", body = [[{"calendar":{}}]], times = 20 }
      )
      local reasons, fetch = counting(function(number)
        if number > 1 then hoopai.sleep(0.02) end
      end)
      local client = new(fetch)
      hoopai.run(function()
        for index = 1, 20 do
          hoopai.spawn(function()
            local _, response = assert(client.calendars:get("c" .. index))
            assert.are.equal(2, response.attempts)
          end)
        end
        expect.eventually(function() return server:count("arrived") == 20 end, "all twenty arrived")
        server:release("all")
      end)
      assert.are.same({ "first", "refused" }, reasons)
      local counts = {}
      for _, token in ipairs(sent_tokens()) do
        counts[token] = (counts[token] or 0) + 1
      end
      assert.are.same({ ["Bearer tok-1"] = 20, ["Bearer tok-2"] = 20 }, counts)
    end)

    it("whose refusal comes late does not replace a newer token", function()
      server:reply(
        { path = "/calendars/slow", status = 401, body = [[{"message":"Invalid JWT"}]], hold = "slow" },
        { path = "/calendars/quick", status = 401, body = [[{"message":"Invalid JWT"}]] },
        { path = "/calendars/quick", body = [[{"calendar":{}}]] },
        { path = "/calendars/slow", body = [[{"calendar":{}}]] }
      )
      local reasons, fetch = counting()
      local client = new(fetch)
      hoopai.run(function()
        local slow = hoopai.spawn(function() return client.calendars:get("slow") end)
        expect.eventually(function() return server:count("arrived") == 1 end, "the slow call arrived")
        assert(client.calendars:get("quick"))
        server:release("slow")
        assert(slow:join())
      end)
      assert.are.same({ "first", "refused" }, reasons)
      assert.are.same({ "Bearer tok-1", "Bearer tok-1", "Bearer tok-2", "Bearer tok-2" }, sent_tokens())
    end)

    it("that fails fails all who wait for it, once", function()
      local asked = 0
      local client = new(function()
        asked = asked + 1
        hoopai.sleep(0.02)
        return nil, "sealed " .. asked
      end)
      local seen = {}
      hoopai.run(function()
        for _ = 1, 20 do
          hoopai.spawn(function()
            local err = failure("auth", client.calendars:get("c"))
            seen[#seen + 1] = err.message
          end)
        end
      end)
      assert.are.equal(1, asked)
      assert.are.equal(20, #seen)
      for _, message in ipairs(seen) do
        assert.matches("sealed 1", message)
      end
      failure("auth", client.calendars:get("c"))
      assert.are.equal(2, asked)
    end)

    it("that raises in one task lets another try", function()
      server:reply { method = "GET", body = [[{"calendar":{}}]], times = 3 }
      local asked = 0
      local client = new(function()
        asked = asked + 1
        hoopai.sleep(0.01)
        if asked == 1 then error("first one fails") end
        return "tok-2"
      end)
      hoopai.run(function()
        local tasks = {}
        for index = 1, 4 do
          tasks[index] = hoopai.spawn(function() return client.calendars:get("c") end)
        end
        local _, err = tasks[1]:join()
        assert.are.equal("raised", err.kind)
        for index = 2, 4 do
          assert(tasks[index]:join())
        end
      end)
      assert.are.equal(2, asked)
    end)

    it("that is cancelled lets the next in the queue ask", function()
      server:reply { method = "GET", body = [[{"calendar":{}}]], times = 2 }
      local asked = 0
      local client = new(function()
        asked = asked + 1
        if asked == 1 then hoopai.sleep(600) end
        return "tok-2"
      end)
      hoopai.run(function()
        local first = hoopai.spawn(function() return client.calendars:get("c") end)
        hoopai.sleep(0)
        local second = hoopai.spawn(function() return client.calendars:get("c") end)
        local third = hoopai.spawn(function() return client.calendars:get("c") end)
        local fourth = hoopai.spawn(function() return client.calendars:get("c") end)
        hoopai.sleep(0)
        second:cancel()
        first:cancel()
        assert(third:join())
        assert(fourth:join())
      end)
      assert.are.equal(2, asked)
      assert.are.equal(2, #server:ledger())
    end)

    it("that comes after the timeout is reported as such", function()
      server:reply(REFUSED)
      local client = new(function(reason)
        if reason == "refused" then hoopai.sleep(1.2) end
        return "tok-" .. reason
      end)
      local err = failure("timeout", client.calendars:get("c", { timeout = 1 }))
      assert.are.equal("refresh", err.stage)
      assert.are.equal("no", err.applied)
      assert.are.equal(1, #server:ledger())
    end)

    it("that leaves no time for the second attempt is a timeout, too", function()
      server:reply(REFUSED)
      local _, fetch = counting()
      local client = new(fetch, {
        on = {
          request = function(event)
            local until_then = core.now() + 0.4
            while event.attempt == 2 and core.now() < until_then do
            end -- luacheck: ignore 542
          end,
        },
      })
      local err = failure("timeout", client.calendars:get("c", { timeout = 0.3 }))
      assert.are.equal("no", err.applied)
      assert.are.equal(1, #server:ledger())
    end)

    it("whose client is closed meanwhile ends the call", function()
      local client
      client = new(function()
        client:close()
        return "tok-1"
      end)
      local err = failure("closed", client.calendars:get("c"))
      assert.are.equal("no", err.applied)
      client = new(function()
        client:close()
        return "tok-1"
      end)
      hoopai.run(function() failure("closed", client.calendars:get("c")) end)
      assert.are.equal(0, #server:ledger())
    end)

    it("is kept by the client and shows its token nowhere", function()
      server:reply(GOOD, { method = "GET", status = 404, body = "{}" })
      local client = new(function() return table.concat { "tok", "-", "hidden" } end)
      assert(client.calendars:get("c"))
      expect.no_secret(client, "tok-hidden")
      expect.no_secret(select(2, client.calendars:get("c")), "tok-hidden")
    end)

    it("beats the environment", function()
      server:reply(GOOD)
      local text, ok = child.run(
        ([[
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { base_url = %q, token = function() return "tok-own" end }
        assert(client.calendars:get("c"))
      ]]):format(server.url),
        { set = { HOOPAI_TOKEN = "tok-environment" } }
      )
      assert.is_true(ok, text)
      assert.are.same({ "Bearer tok-own" }, sent_tokens())
    end)
  end)

  describe("a source", function()
    it("of a string always has the same token, and no other one after a refusal", function()
      local secret = assert(core.secret "tok-fixed")
      local source = token_source.static(secret)
      assert.is_nil(source.may_wait)
      assert.are.same({ secret, 1 }, { source:get() })
      assert.is_false(source:refused(1))
      assert.are.same({ secret, 1 }, { source:get() })
    end)

    it("shares no failure of an earlier round when it returns no usable token, or raises", function()
      for _, third in ipairs { function() return "two words" end, function() error("a bug", 0) end } do
        local rounds = 0
        local source = token_source.callback(function()
          rounds = rounds + 1
          hoopai.sleep(0.01)
          if rounds == 1 then return nil, "the first failure" end
          if rounds == 2 then return third() end
          return "tok"
        end)
        hoopai.run(function()
          assert.is_nil((source:get(core.now() + 5)))
          local raises = hoopai.spawn(function() return pcall(source.get, source, core.now() + 5) end)
          local waits = hoopai.spawn(function() return source:get(core.now() + 5) end)
          assert.is_false((raises:join()))
          local secret, err = waits:join()
          assert.is_truthy(secret, tostring(err))
        end)
        assert.are.equal(3, rounds)
      end
    end)

    it("of a function counts its tokens, and asks again for the generation that was refused alone", function()
      local reasons, fetch = counting()
      local source = token_source.callback(fetch)
      assert.is_true(source.may_wait)
      local deadline = core.now() + 10
      local first, generation = source:get(deadline)
      assert.are.same({ "userdata", 1 }, { type(first), generation })
      assert.are.equal(first, (source:get(deadline)))
      assert.is_true(source:refused(1, deadline))
      assert.is_true(source:refused(1, deadline)) -- of a call that was sent with the first one
      local second, after = source:get(deadline)
      assert.are_not.equal(first, second)
      assert.are.equal(2, after)
      assert.are.same({ "first", "refused" }, reasons)
    end)

    it("of a function that fails keeps the token that was refused", function()
      local gives = true
      local source = token_source.callback(function() return gives and "tok" or nil, "none" end)
      local secret = source:get(core.now() + 10)
      gives = false
      local result, err = source:refused(1, core.now() + 10)
      failure("auth", result, err, { cause = "none" })
      assert.are.same({ secret, 1 }, { source:get(core.now() + 10) })
    end)
  end)
end)
