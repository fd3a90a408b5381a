-- Scripted faults of the sandbox's token endpoint, without sockets and over HTTP.

local core = require "hoopai.core"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local sandbox_oauth = require "spec.support.sandbox_oauth"
local send = require "spec.support.send"

local new = sandbox_oauth.new

describe("sandbox token faults", function()
  describe("faults", function()
    local function fault(box, given) box.control("oauth/fault", given) end

    it("return a status before the exchange or after it", function()
      local box = new()
      local first = box.sign_in()
      fault(box, { status = 503, times = 2 })
      box.refresh(503, first.refresh_token)
      assert.are.same({ "status", false, 503 }, { box.last().fault, box.last().applied, box.last().status })
      box.refresh(503, first.refresh_token)
      local second = box.refresh(200, first.refresh_token)
      assert.is_nil(box.last().fault)
      fault(box, { status = 502, apply = true, body = "<html>" })
      local _, raw = box.refresh(502, second.refresh_token)
      assert.are.equal("<html>", raw.body)
      assert.is_true(box.last().applied)
      box.refused(400, "invalid_grant", box.refresh(400, second.refresh_token))
    end)

    it("change the response", function()
      local box = new()
      local first = box.sign_in()
      fault(box, { no_refresh_token = true })
      assert.is_nil(box.refresh(200, first.refresh_token).refresh_token)
      fault(box, { same_refresh_token = true })
      local same = box.refresh(200, first.refresh_token)
      assert.are.equal(first.refresh_token, same.refresh_token)
      assert.are_not.equal(first.access_token, same.access_token)
      box.calendars(200, same.access_token)
      fault(box, { crlf = true })
      local crlf = box.refresh(200, first.refresh_token)
      assert.matches("\r\nX%-Injected: yes$", crlf.access_token)
      for _, odd in ipairs { 0, -1, 1.5, 1e12, "3600", "soon", true } do
        fault(box, { expires_in = odd })
        crlf = box.refresh(200, crlf.refresh_token)
        assert.are.equal(odd, crlf.expires_in)
      end
      fault(box, { raw = { expires_in = "1e999" } })
      local _, raw = box.refresh(200, crlf.refresh_token)
      assert.matches('"expires_in":1e999,', raw.body, 1, true)
      crlf = box.sign_in()
      fault(box, { without = { "expires_in", "refresh_token" }, set = { token_type = "mac" } })
      local bent = box.refresh(200, crlf.refresh_token)
      assert.are.same({ "mac" }, { bent.token_type, bent.expires_in, bent.refresh_token })
      box.refresh(400, crlf.refresh_token)
    end)

    it("break the body", function()
      local box = new()
      local function spoilt(given)
        fault(box, given)
        local _, body, raw = box.send("POST", "/oauth/token", {
          grant_type = "refresh_token",
          refresh_token = box.control("oauth/grant", {}).refresh_token,
          client_id = box.client.client_id,
          client_secret = box.client.client_secret,
        })
        assert.is_nil(body)
        assert.are.equal(200, raw.status)
        return raw.body
      end
      assert.matches("access_token", spoilt { malformed = true }, 1, true)
      assert.are.equal("", spoilt { malformed = "" })
      assert.are.equal("<html>", spoilt { malformed = "<html>" })
    end)

    it("are for the grant that they name, come in order, and can be forgotten", function()
      local box = new()
      fault(box, { grant = "refresh_token", status = 500 })
      fault(box, { grant = "location_token", status = 501 })
      fault(box, { status = 502 })
      box.exchange(502, { grant_type = "authorization_code", code = box.code() })
      local tokens = box.sign_in { class = "Company" }
      box.refresh(500, tokens.refresh_token)
      box.refresh(200, tokens.refresh_token)
      local form = { companyId = box.seed.company_id, locationId = box.seed.location_id }
      box.ask(501, "POST", "/oauth/locationToken", form, tokens.access_token)
      box.ask(200, "POST", "/oauth/locationToken", form, tokens.access_token)
      fault(box, { status = 503 })
      fault(box, { status = 504 })
      assert.are.equal(2, box.control("oauth/faults", {}).forgotten)
      box.sign_in()
    end)
  end)

  for _, tls in ipairs { false, true } do
    describe(tls and "over HTTP/2" or "over HTTP/1.1", function()
      local box, multi

      setup(function() box = sandbox.start { control = true, tls = tls, oauth = { rate = false } } end)
      teardown(function() box:stop() end)
      before_each(function()
        leak.before()
        multi = core.multi { ca_file = box.ca_file }
        box:control("oauth/clear")
      end)
      after_each(function()
        multi:close()
        leak.after()
      end)

      local function refresh(token, timeout)
        local transfer <close> = send(multi, {
          method = "POST",
          url = box.url .. "/oauth/token",
          headers = { "Content-Type: " .. sandbox_oauth.FORM },
          at_most_once = true,
          timeout = timeout or 10,
          body = core.query {
            "grant_type",
            "refresh_token",
            "refresh_token",
            token,
            "client_id",
            box.oauth.client_id,
            "client_secret",
            box.oauth.client_secret,
          },
        })
        while transfer:state() ~= "done" do
          multi:wait(multi:timeout())
          multi:step()
        end
        local status, kind = transfer:result()
        return status, kind, transfer:body()
      end

      -- The entry of the one exchange.
      local function entry() return box:control("oauth").exchanges[1] end

      local function counts() return box:control("oauth/counts") end

      it("issues tokens", function()
        local status, kind, body = refresh(box.oauth.grant().refresh_token)
        assert.are.same({ 200 }, { status, kind })
        assert.is_string(core.decode(body).refresh_token)
        assert.is_true(entry().answered)
        assert.are.equal(0, counts().lost)
        assert.matches("^%x+$", box.oauth.code { class = "Company" })
        assert.are.equal(box.url .. "/v2/oauth/chooselocation", box.oauth.authorize_url)
        assert.are.equal(box.seed.company_id, box.oauth.company_id)
        assert.are.same({ box.seed.location_id, box.seed.other_location_id }, box.oauth.locations)
      end)

      it("hangs up before an exchange, which can then be made", function()
        local token = box.oauth.grant().refresh_token
        box:control("oauth/fault", { drop = "before" })
        local status, kind = refresh(token)
        assert.are.same({ 0, "network" }, { status, kind })
        assert.are.same({ "drop_before", false, false }, { entry().fault, entry().applied, entry().answered })
        assert.are.equal(0, counts().lost)
        assert.are.equal(200, (refresh(token)))
      end)

      it("hangs up after an exchange, which then is lost", function()
        local token = box.oauth.grant().refresh_token
        box:control("oauth/fault", { drop = "after" })
        local status, kind = refresh(token)
        assert.are.same({ 0, "network" }, { status, kind })
        assert.are.same({ true, false }, { entry().applied, entry().answered })
        assert.are.equal(1, counts().lost)
        assert.are.equal(400, (refresh(token)))
        assert.are.equal(1, counts().reuses)
      end)

      it("sends half of a response", function()
        local token = box.oauth.grant().refresh_token
        box:control("oauth/fault", { truncated = true })
        local status, kind, body = refresh(token)
        assert.are.same({ 200, "network" }, { status, kind })
        assert.matches('^{"access_token"', body)
        assert.is_nil((core.decode(body)))
        assert.are.same({ true, false, 1 }, { entry().applied, entry().answered, counts().lost })
      end)

      it("sends rubbish", function()
        box:control("oauth/fault", { malformed = true })
        local status, kind = refresh(box.oauth.grant().refresh_token)
        assert.are.same({ 200 }, { status, kind })
        assert.are.same({ true, true, 1 }, { entry().applied, entry().answered, counts().lost })
      end)

      it("waits before an exchange and before its response", function()
        box:control("oauth/fault", { latency_ms = 60, delay_ms = 60 })
        local before = core.now()
        assert.are.equal(200, (refresh(box.oauth.grant().refresh_token)))
        assert.is_true(core.now() - before >= 0.12)
        assert.are.equal("delay_ms latency_ms", entry().fault)
      end)

      it("notices that the client has closed the connection before the response", function()
        box:control("oauth/fault", { delay_ms = 1500 })
        local status, kind = refresh(box.oauth.grant().refresh_token, 0.5)
        assert.are.same({ 0, "timeout" }, { status, kind })
        -- The connection is closed as by the end of a killed process.
        multi:close()
        assert.are.same({ true, false }, { entry().applied, entry().answered })
        local limit = core.now() + 20
        repeat
          core.sleep(0.1)
        until counts().lost == 1 or core.now() > limit
        assert.are.same({ true, false, 1 }, { entry().applied, entry().answered, counts().lost })
      end)
    end)
  end
end)
