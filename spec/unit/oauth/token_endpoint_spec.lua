-- The requests to the token endpoints: what they send, and what comes of each response.

local async = require "hoopai.async"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local oauth = require "spec.support.oauth"
local servers = require "spec.support.server"
local token_endpoint = require "hoopai.oauth.token_endpoint"

local failure, misuse = expect.failure, expect.misuse

local CANARY = oauth.CANARY
local TRANSPORT = { connect_timeout = 10, max_connections = 8, http2 = true, user_agent = "spec" }
local TOKENS = [[{"access_token":"a1","refresh_token":"r1","expires_in":3600,"scope":"x y","userType":"Location",
  "locationId":"l","companyId":"c","userId":"u"}]]

-- A response to a refresh: what it is, the rule of the server, the outcome, and fields of the error.
-- stylua: ignore
local OUTCOMES = {
  { "201", { status = 201, body = TOKENS }, "granted" },
  { "200 without a token", { body = [[{"token":"x"}]] }, "unclear",
    { kind = "decode", applied = "maybe", status = 200 } },
  { "200 without JSON", { body = "<html>" }, "unclear", { kind = "decode", applied = "maybe" } },
  { "200 with a message only", { body = [[{"message":"busy"}]] }, "unclear", { kind = "decode",
    message = "the token endpoint's response cannot be used: it has no usable access_token; it says: busy" } },
  { "200 with an error", { body = [[{"error":"invalid_request","error_description":"no"}]] }, "rejected",
    { kind = "refused", status = 200, message = "the token endpoint refused: no" } },
  { "200 with invalid_grant", { body = [[{"error":"invalid_grant"}]] }, "refused", { kind = "reauth_required" } },
  { "200 with a code in an error object", { body = [[{"error":{"code":"invalid_grant","message":"no"}}]] }, "refused",
    { kind = "reauth_required", message = "no" } },
  { "200 with a code in a list", { body = [[{"errors":[{"type":"x","code":"invalid_grant"}]}]] }, "refused",
    { kind = "reauth_required" } },
  { "200 with a code under another name", { body = [[{"success":false,"errorCode":"invalid_grant"}]] }, "refused",
    { kind = "reauth_required" } },
  { "200 with a code in data", { body = [[{"data":{"error":"invalid_grant"}}]] }, "refused",
    { kind = "reauth_required" } },
  { "200 with the refusal as a message", { body = [[{"message":"Invalid refresh token"}]] }, "refused",
    { kind = "reauth_required" } },
  { "200 with another code in an object", { body = [[{"error":{"code":"invalid_client"}}]] }, "rejected",
    { kind = "refused", status = 200 } },
  { "200 with unauthorized_client", { body = [[{"error":"unauthorized_client"}]] }, "rejected", { kind = "refused" } },
  { "200 with invalid_grant and the token that was sent",
    { body = [[{"error":"invalid_grant","refresh_token":"]] .. CANARY .. [[-refresh"}]] }, "refused",
    { kind = "reauth_required" } },
  { "200 with the token that was sent alone", { body = [[{"refresh_token":"]] .. CANARY .. [[-refresh"}]] },
    "granted" },
  { "200 with invalid_grant and a successor", { body = [[{"error":"invalid_grant","refresh_token":"r2"}]] },
    "granted" },
  { "a response that broke off behind its refresh token",
    { raw = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"refresh_token\":\"r2\",\"access_tok", close = true },
    "granted" },
  { "a response that broke off in its refresh token",
    { raw = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"access_token\":\"a\",\"refresh_token\":\"r2",
      close = true },
    "unclear", { kind = "network", applied = "maybe" } },
  { "200 with an error and tokens", { body = [[{"error":"","access_token":"a","refresh_token":"r"}]] }, "granted" },
  { "200 with a refresh token only", { body = [[{"access_token":"a b","refresh_token":"r"}]] }, "granted" },
  { "200 with an access token only", { body = [[{"access_token":"a","refresh_token":""}]] }, "granted" },
  { "204", { status = 204 }, "unclear", { kind = "decode", applied = "maybe",
    message = "the token endpoint's response cannot be used: the response is empty" } },
  { "302", { status = 302, headers = { Location = "/x" } }, "unclear", { kind = "protocol", applied = "maybe" } },
  { "invalid_grant", { status = 400, body = [[{"error":"invalid_grant"}]] }, "refused",
    { kind = "reauth_required" } },
  { "invalid_grant in words", { status = 401, body = [[{"message":"Invalid refresh token"}]] }, "refused",
    { kind = "reauth_required", message = "Invalid refresh token" } },
  { "invalid_grant in the description", { status = 422,
    body = [[{"error":"x","error_description":"The Refresh Token is invalid."}]] }, "refused",
    { kind = "reauth_required", message = "The Refresh Token is invalid." } },
  { "another 400", { status = 400, body = [[{"error":"invalid_request","error_description":"no"}]] }, "rejected",
    { kind = "refused", status = 400, message = "the token endpoint refused: no", applied = "no" } },
  { "401", { status = 401, body = [[{"error":"invalid_client"}]] }, "rejected", { kind = "auth", status = 401 } },
  { "403", { status = 403, body = "{}" }, "rejected",
    { kind = "forbidden", message = "the token endpoint refused: no reason given" } },
  { "a page that says so", { status = 403, body = "<html><title>Error: invalid grant</title>" }, "rejected",
    { kind = "forbidden" } },
  { "a page that says so with 400", { status = 400, body = "<html><title>invalid_grant</title>" }, "rejected",
    { kind = "refused" } },
  { "JSON of a gateway", { status = 403, body = [[{"error":"invalid_grant","message":"invalid grant"}]] },
    "rejected", { kind = "forbidden" } },
  { "JSON of a missing page", { status = 404, body = [[{"message":"invalid grant"}]] }, "rejected",
    { kind = "not_found" } },
  { "a code in an error object", { status = 400, body = [[{"error":{"code":"invalid_grant"}}]] }, "refused",
    { kind = "reauth_required" } },
  { "a list of reasons", { status = 422, body = [[{"message":["redirect_uri must be a string","b"],"error":"U"}]] },
    "rejected", { kind = "refused", message = "the token endpoint refused: redirect_uri must be a string; b" } },
  { "reasons under other names", { status = 400, body = [[{"errors":[{"field":"f","message":"a"}]}]] }, "rejected",
    { kind = "refused", message = "the token endpoint refused: a" } },
  { "an error that is an object", { status = 400, body = [[{"error":{"code":1,"message":"a"}}]] }, "rejected",
    { kind = "refused", message = "the token endpoint refused: a" } },
  { "a plain text", { status = 400, headers = { ["Content-Type"] = "text/plain" }, body = "Unknown client\n" },
    "rejected", { kind = "refused", message = "the token endpoint refused: Unknown client" } },
  { "a page", { status = 403, body = "<html><title>Blocked</title>" }, "rejected",
    { kind = "forbidden", message = "the token endpoint refused: Blocked" } },
  { "an empty refusal", { status = 400, body = "" }, "rejected",
    { kind = "refused", message = "the token endpoint refused: the response is empty" } },
  { "invalid_grant in a list", { status = 400, body = [[{"message":["Invalid refresh token"]}]] }, "refused",
    { kind = "reauth_required", message = "Invalid refresh token" } },
  { "an invalid grant type", { status = 400, body = [[{"message":"invalid grant_type: must be"}]] }, "rejected",
    { kind = "refused" } },
  { "another code with such words", { status = 400,
    body = [[{"error":"invalid_client","error_description":"invalid grant"}]] }, "rejected", { kind = "refused" } },
  { "a slot in a refusal", { status = 400, body = [[{"message":"the slot is not available"}]] }, "rejected",
    { kind = "refused" } },
  { "404 without JSON", { status = 404, body = "<html>" }, "rejected", { kind = "not_found", status = 404 } },
  { "408", { status = 408, body = "{}" }, "unclear", { kind = "server", status = 408, applied = "maybe" } },
  { "500", { status = 500, body = [[{"error":"invalid_grant"}]] }, "unclear",
    { kind = "server", applied = "maybe" } },
  { "503", { status = 503, body = "" }, "unclear", { kind = "server", status = 503,
    message = "the token endpoint answered 503" } },
  { "502 in plain text", { status = 502, body = "upstream connect error" }, "unclear", { kind = "server",
    message = "the token endpoint answered 502: upstream connect error" } },
  { "429 in plain text", { status = 429, body = "error code: 1015" }, "rejected", { kind = "rate_limit",
    message = "too many token requests: error code: 1015" } },
  { "a connection that is closed", { close = "before" }, "unclear", { kind = "network", applied = "maybe" } },
  { "half a response", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", close = true }, "unclear",
    { kind = "network", applied = "maybe", status = 200 } },
}

describe("hoopai.oauth.token_endpoint:", function()
  local server
  local made

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function()
    leak.before()
    made = {}
  end)
  after_each(function()
    for _, endpoint in ipairs(made) do
      endpoint:close()
    end
    leak.after(server)
  end)

  local function new(fields)
    local given = {
      client_id = "id",
      client_secret = assert(core.secret(CANARY .. "-secret")),
      base_url = server.url,
      transport = TRANSPORT,
    }
    for name, value in pairs(fields or {}) do
      given[name] = value
    end
    made[#made + 1] = token_endpoint.new(given)
    return made[#made]
  end

  local function credentials(fields)
    local all = { refresh_token = CANARY .. "-refresh" }
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    return oauth.credentials(all)
  end

  --- Refreshes in a task. Returns the outcome, and the credentials or the error.
  local function refresh(endpoint, seconds)
    return hoopai.run(function()
      local reply = endpoint:new_reply(credentials())
      endpoint:refresh(reply, seconds or 10)
      local outcome, result = reply:read()
      reply:close()
      return outcome, result
    end)
  end

  local function exchange(endpoint, fields)
    return hoopai.run(endpoint.exchange_code, endpoint, fields or { "grant_type", "authorization_code" })
  end

  --- A source of an agency's access tokens.
  local function agency()
    local source = { may_wait = true, asked = 0 }
    source.secrets = { assert(core.secret "access-1"), assert(core.secret "access-2") }
    function source:get()
      self.asked = self.asked + 1
      return self.secrets[self.asked], self.asked
    end
    function source.refused() return true end
    return source
  end

  --- The fields of the form of the last request.
  local function form()
    local fields = {}
    for name, value in server:last().body:gmatch("([^&=]+)=([^&]*)") do
      fields[name] = value
    end
    return fields
  end

  describe("refresh", function()
    it("posts the refresh token and the client's secret as a form", function()
      server:reply({ body = TOKENS }, { body = TOKENS })
      assert.are.equal("granted", (refresh(new())))
      local request = server:last()
      assert.are.same(
        { "POST", "/oauth/token", "application/x-www-form-urlencoded", "application/json" },
        { request.method, request.target, request.header["content-type"], request.header.accept }
      )
      assert.is_nil(request.header.authorization)
      assert.is_nil(request.header.version)
      assert.are.same({
        client_id = "id",
        client_secret = CANARY .. "-secret",
        grant_type = "refresh_token",
        refresh_token = CANARY .. "-refresh",
        user_type = "Location",
      }, form())
      hoopai.run(function()
        local endpoint = new()
        local reply = endpoint:new_reply(credentials { user_type = "Company" })
        endpoint:refresh(reply, 10)
        reply:close()
      end)
      assert.are.equal("Company", form().user_type)
    end)

    it("has the credentials of the response", function()
      server:reply { body = TOKENS }
      local _, granted = refresh(new())
      for name, value in pairs {
        expires_in = "3600",
        scope = "x y",
        user_type = "Location",
        location_id = "l",
        company_id = "c",
        user_id = "u",
      } do
        assert.are.equal(value, tostring(granted:get(name)), name)
      end
      assert.are.equal("userdata", type(granted:get "access_token"))
      assert.are.equal("userdata", type(granted:get "refresh_token"))
    end)

    for _, case in ipairs(OUTCOMES) do
      it("is " .. case[3] .. " after " .. case[1], function()
        server:reply(case[2])
        local outcome, result = refresh(new())
        assert.are.equal(case[3], outcome)
        assert.are.equal(1, #server:ledger()) -- no request is repeated
        if case[4] then failure(case[4].kind, nil, result, case[4]) end
        if outcome == "refused" then
          failure("auth", nil, result.cause, { method = "POST", path = "/oauth/token" })
        elseif case[4] then
          assert.are.same({ "POST", "/oauth/token" }, { result.method, result.path })
        end
      end)
    end

    it("is unsent without a connection", function()
      local url, holder = servers.refusing()
      local outcome, err = refresh(new { base_url = url })
      holder:close()
      assert.are.equal("unsent", outcome)
      failure("network", nil, err, { applied = "no" })
    end)

    it("is unclear when its time is over", function()
      server:reply { steps = { { stall = true } } }
      local outcome, err = refresh(new(), 0.2)
      assert.are.equal("unclear", outcome)
      failure("timeout", nil, err, { stage = "wait", applied = "maybe" })
    end)

    it("has a reply that can be read again until it is closed", function()
      server:reply { body = TOKENS }
      hoopai.run(function()
        local endpoint = new()
        local reply = endpoint:new_reply(credentials())
        assert.is_false(reply:is_ready())
        endpoint:refresh(reply, 10)
        assert.is_true(reply:is_ready())
        for _ = 1, 2 do
          local outcome, granted = reply:read()
          assert.are.equal("granted", outcome)
          assert.are.equal("l", granted:get "location_id")
        end
        reply:close()
        assert.is_false((pcall(reply.read, reply)))
      end)
    end)

    it("shows no secret of the request in a reason, also one that is percent-encoded as in the form", function()
      local code = "canary/abcdefgh+ijklmnop=q"
      for _, body in ipairs { '{"message":"it was %s"}', '{"errors":["it was %s"]}', "<p>it was %s" } do
        server:reply { status = 400, body = (body:gsub("%%s", "canary%%2Fabcdefgh%%2Bijklmnop%%3Dq")) }
        local endpoint = new()
        local _, err = exchange(endpoint, { "code", assert(core.secret(code)) })
        assert.matches("it was ***", err.message, 1, true)
      end
    end)

    it("shows no secret of the request in a reason", function()
      for _, text in ipairs { CANARY .. "-refresh", CANARY .. "-secret" } do
        for _, body in ipairs { '{"errors":["it was %s"]}', '{"message":["it was %s"]}', "<p>it was %s" } do
          server:reply { status = 400, body = body:format(text) }
          local _, err = refresh(new())
          assert.matches("it was ***", err.message, 1, true)
          expect.no_secret(err, CANARY)
        end
        for _, code in ipairs { "invalid_grant", "other" } do
          server:reply { status = 400, body = ('{"error":"%s","message":"it was %s"}'):format(code, text) }
          local _, err = refresh(new())
          assert.matches("it was ***", err.message, 1, true)
          expect.no_secret(err, CANARY)
        end
      end
    end)
  end)

  describe("the rate limit of refreshes", function()
    it("is closed after a 429 for as long as it says, a minute at most, and 12 s if it says nothing", function()
      for value, expected in pairs { ["45"] = 45, ["100000"] = 60, none = 12 } do
        server:reply { status = 429, body = "{}", headers = value ~= "none" and { ["Retry-After"] = value } or nil }
        local outcome, err = refresh(new())
        assert.are.equal("rejected", outcome)
        failure("rate_limit", nil, err, { retry_after = expected, retryable = true, scope = "burst", status = 429 })
      end
    end)

    it("keeps back a refresh that would have to wait for too long, and no sign-in", function()
      server:reply({ status = 429, body = "{}", headers = { ["Retry-After"] = "100" } }, { body = TOKENS })
      local endpoint = new()
      refresh(endpoint)
      local outcome, err = refresh(endpoint)
      assert.are.equal("unsent", outcome)
      failure("rate_limit", nil, err, { scope = "burst", applied = "no", retryable = true, path = "/oauth/token" })
      assert.is_true(err.retry_after > 50 and err.retry_after <= 60, err.retry_after) -- until a probe
      assert.is_nil(err.status)
      assert(exchange(endpoint))
      assert.are.equal(2, #server:ledger())
    end)
  end)

  describe("exchange_code", function()
    it("posts the fields that are not false", function()
      server:reply { body = TOKENS }
      local granted = assert(
        exchange(
          new(),
          { "grant_type", "authorization_code", "code", assert(core.secret "c&1"), "redirect_uri", false }
        )
      )
      assert.are.equal("l", granted:get "location_id")
      assert.are.same(
        { client_id = "id", client_secret = CANARY .. "-secret", grant_type = "authorization_code", code = "c%261" },
        form()
      )
    end)

    it("returns nil and the error of a refusal, without the code", function()
      local body = '{"error":"invalid_grant","message":"' .. CANARY .. '"}'
      server:reply({ status = 400, body = body }, { close = "before" })
      local result, err = exchange(new(), { "code", assert(core.secret(CANARY)) })
      failure("reauth_required", result, err, { message = "***" })
      expect.no_secret(err, CANARY)
      result, err = exchange(new())
      failure("network", result, err, { applied = "maybe" })
      assert.are.equal(2, #server:ledger())
    end)
  end)

  describe("location_token", function()
    local function location_token(endpoint, source)
      return hoopai.run(endpoint.location_token, endpoint, source or agency(), "c 1", "l 1", 10)
    end

    it("posts the ids with the agency's token, and adds them to the credentials", function()
      server:reply { body = [[{"access_token":"a","expires_in":3600,"companyId":"c 1"}]] }
      local granted = assert(location_token(new()))
      local request = server:last()
      assert.are.same(
        { "/oauth/locationToken", "Bearer access-1", "2021-07-28" },
        { request.target, request.header.authorization, request.header.version }
      )
      assert.are.same({ companyId = "c%201", locationId = "l%201" }, form())
      assert.are.same(
        { "c 1", "l 1", "Location" },
        { granted:get "company_id", granted:get "location_id", granted:get "user_type" }
      )
    end)

    it("is repeated once with another token after a 401", function()
      server:reply({ status = 401, body = [[{"message":"Invalid JWT"}]] }, { body = [[{"access_token":"a"}]] })
      local source = agency()
      assert(location_token(new(), source))
      assert.are.equal(2, source.asked)
      assert.are.equal("Bearer access-2", server:last().header.authorization)
    end)

    it("says nothing about the agency's refresh token when it is refused", function()
      server:reply { status = 400, body = [[{"error":"invalid_grant"}]] }
      failure("refused", location_token(new()))
    end)

    it("is an error if the response is for another location, agency or class", function()
      for member, text in pairs {
        ['"locationId":"l2"'] = 'its locationId is "l2"',
        ['"companyId":"c2"'] = 'its companyId is "c2"',
        ['"userType":"Company"'] = 'its userType is "Company"',
        ['"locationId":"\\u001b[2J l"'] = "its locationId is another one",
      } do
        server:reply { body = ('{"access_token":"a",%s}'):format(member) }
        local err = failure("decode", location_token(new()))
        assert.are.equal(
          "the token endpoint returned a token that is not the one of location l 1: " .. text .. "; it is not used",
          err.message
        )
      end
    end)

    it("shows no access token in its error", function()
      server:reply { status = 403, body = '{"message":"not for access-1"}' }
      local _, err = location_token(new())
      assert.are.same({ "forbidden", "the token endpoint refused: not for ***" }, { err.kind, err.message })
    end)
  end)

  describe("installed_locations", function()
    local function page(endpoint, source)
      return hoopai.run(endpoint.installed_locations, endpoint, source or agency(), { "companyId", "c 1", "skip", "0" })
    end

    it("returns the list of a page", function()
      server:reply { body = [[{"locations":[{"_id":"a"},{"_id":"b"}],"count":2}]] }
      assert.are.same({ { _id = "a" }, { _id = "b" } }, (page(new())))
      local request = server:last()
      assert.are.same(
        { "GET", "/oauth/installedLocations?companyId=c%201&skip=0", "Bearer access-1", "2021-07-28" },
        { request.method, request.target, request.header.authorization, request.header.version }
      )
    end)

    it("is an error if the response has no list of objects", function()
      for _, body in ipairs { [[{"locations":["a"]}]], [[{"locations":{"a":1}}]], "{}", "[1]", "<html>" } do
        server:reply { body = body }
        failure("decode", page(new()))
      end
    end)
  end)

  describe("background", function()
    it("runs a task that goes on when the endpoint is closed, and closes the connections after the last one", function()
      server:reply({ body = TOKENS, delay = 2 }, { body = TOKENS, delay = 1.9 })
      local endpoint, done = new(), 0
      hoopai.run(function()
        for _ = 1, 2 do
          endpoint:background(function()
            assert(endpoint:exchange_code {})
            done = done + 1
          end)
        end
        expect.eventually(function() return server:count "arrived" == 2 end, "both requests arrived")
        expect.within(1, function() endpoint:close() end)
        assert.are.equal(0, done)
        expect.eventually(function() return done == 2 end, "both have ended")
      end)
      server:wait("open", "exactly", 0)
    end)

    it("is run to its end by close outside a loop", function()
      server:reply { body = TOKENS, delay = 0.3 }
      local endpoint, done = new(), false
      local ok, problem = pcall(hoopai.run, function()
        endpoint:background(function()
          assert(endpoint:exchange_code {})
          done = true
        end)
        expect.eventually(function() return server:count "arrived" == 1 end, "the request arrived")
        error("no more", 0)
      end)
      assert.are.same({ false, "no more", false }, { ok, problem, done })
      endpoint:close()
      assert.is_true(done)
      endpoint:close()
      server:wait("open", "exactly", 0)
    end)

    it("is waited for by close for a limited time: a store of one's own may never return", function()
      local endpoint = new()
      async.run_only(function()
        endpoint:background(function() hoopai.sleep(0.3) end)
      end)
      local drain, limit = async.drain, nil
      function async.drain(deadline) limit = deadline - core.now() end
      endpoint:close()
      async.drain = drain
      assert.is_true(limit > 40 and limit <= 45, limit)
      async.drain()
    end)

    it("returns the task, and counts it out when it raises", function()
      local endpoint = new()
      hoopai.run(function()
        local task = endpoint:background(function() error("mine", 0) end)
        assert.are.equal(1, endpoint.running)
        local ok, problem = pcall(async.wait_for, task)
        assert.are.same({ false, "mine" }, { ok, problem })
      end)
      assert.are.equal(0, endpoint.running)
    end)
  end)

  it("refuses to be used in a child process once it was used", function()
    server:reply { body = TOKENS }
    local endpoint = new()
    endpoint:check_process()
    assert(exchange(endpoint))
    endpoint:check_process()
    endpoint.process = endpoint.process + 1
    misuse(function() endpoint:check_process() end, "belongs to the parent process")
    endpoint.process = core.pid()
  end)
end)
