-- The OAuth endpoints of the sandbox: signing in, rotation, location tokens and the ledger.

local core = require "hoopai.core"
local sandbox = require "hoopai.sandbox"
local sandbox_oauth = require "spec.support.sandbox_oauth"

local NOW, REDIRECT = sandbox_oauth.NOW, sandbox_oauth.REDIRECT
local advance, new = sandbox_oauth.advance, sandbox_oauth.new

-- RFC 7636, appendix B.
local VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

describe("sandbox oauth", function()
  describe("sign-in", function()
    it("exchanges a code for the tokens of a location, spelt as the live API spells them", function()
      local box = new()
      local answer, raw = box.sign_in()
      assert.are.equal("application/json; charset=utf-8", raw.headers["content-type"])
      local names = {}
      for name in pairs(answer) do
        names[#names + 1] = name
      end
      table.sort(names)
      assert.are.same({
        "access_token",
        "companyId",
        "expires_in",
        "isBulkInstallation",
        "locationId",
        "refreshTokenId",
        "refresh_token",
        "scope",
        "token_type",
        "userId",
        "userType",
      }, names)
      assert.are.equal("Bearer", answer.token_type)
      assert.are.equal(86399, answer.expires_in)
      assert.are.equal("Location", answer.userType)
      assert.are.equal(box.seed.location_id, answer.locationId)
      assert.are.equal(box.seed.company_id, answer.companyId)
      assert.are.equal(box.seed.users.okafor, answer.userId)
      assert.is_nil(answer.scope:find("oauth", 1, true))
      assert.are.equal(2, #box.calendars(200, answer.access_token).calendars - 1)
    end)

    it("exchanges the agency's code with the list of approved locations", function()
      local box = new { locations = 2 }
      local answer = box.sign_in { class = "Company" }
      assert.are.equal("Company", answer.userType)
      assert.is_nil(answer.locationId)
      assert.is_true(answer.isBulkInstallation)
      assert.are.same({
        box.seed.location_id,
        box.seed.other_location_id,
        "LocationBranch000001",
        "LocationBranch000002",
      }, answer.approvedLocations)
      assert.matches("oauth.write", answer.scope, 1, true)
      assert.matches("authClass type", box.calendars(401, answer.access_token).message, 1, true)
    end)

    it("lets the exchange choose the user type of an open code, but change no other", function()
      local box = new()
      assert.are.equal("Company", box.sign_in({}, { user_type = "Company" }).userType)
      assert.are.equal("Location", box.sign_in({}, { user_type = "Location" }).userType)
      local code = box.code { class = "Location" }
      box.refused(
        400,
        "invalid_grant",
        box.exchange(400, {
          grant_type = "authorization_code",
          code = code,
          user_type = "Company",
        })
      )
      box.refused(
        400,
        "invalid_request",
        box.exchange(400, {
          grant_type = "authorization_code",
          code = code,
          user_type = "Agency",
        })
      )
    end)

    it("gives the scopes that were asked for, and the location that was picked", function()
      local box = new()
      local answer = box.sign_in { location_id = box.seed.other_location_id, scopes = { "calendars.readonly" } }
      assert.are.equal("calendars.readonly", answer.scope)
      box.calendars(200, answer.access_token, box.seed.other_location_id)
      box.calendars(403, answer.access_token)
      local refusal =
        box.ask(401, "GET", "/calendars/groups?locationId=" .. box.seed.other_location_id, nil, answer.access_token)
      assert.are.equal("The token is not authorized for this scope.", refusal.message)
    end)

    it("takes a code once, for ten minutes, and only with its redirect_uri", function()
      local box = new()
      local code = box.code { redirect_uri = REDIRECT }
      local form = { grant_type = "authorization_code", code = code, redirect_uri = REDIRECT .. "/" }
      box.refused(400, "invalid_grant", box.exchange(400, form))
      form.redirect_uri = REDIRECT
      box.exchange(200, form)
      assert.is_false(box.last().reuse)
      box.refused(400, "invalid_grant", box.exchange(400, form))
      assert.is_true(box.last().reuse)
      form.code = box.code()
      advance(box, 600000)
      box.refused(400, "invalid_grant", box.exchange(400, form))
      form.code = "none"
      box.refused(400, "invalid_grant", box.exchange(400, form))
      form.code = ""
      box.refused(400, "invalid_request", box.exchange(400, form))
    end)

    it("checks the PKCE verifier of a code with a challenge, and rejects one of a code without", function()
      local box = new()
      local form = { grant_type = "authorization_code", code = box.code { challenge = CHALLENGE } }
      box.refused(400, "invalid_grant", box.exchange(400, form))
      for _, bad in ipairs { VERIFIER:reverse(), VERIFIER:sub(1, 42), CHALLENGE, VERIFIER .. "!", ("a"):rep(129) } do
        form.code_verifier = bad
        box.refused(400, "invalid_grant", box.exchange(400, form))
      end
      form.code_verifier = VERIFIER
      box.exchange(200, form)
      form.code = box.code()
      box.refused(400, "invalid_grant", box.exchange(400, form))
    end)

    it("refuses unknown clients, other grant types, other bodies and unknown members", function()
      local box = new()
      local form = { grant_type = "authorization_code", code = box.code() }
      local function with(name, value)
        local copy = { grant_type = form.grant_type, code = form.code }
        copy[name] = value
        return copy
      end
      box.refused(401, "invalid_client", box.exchange(401, with("client_id", "x")))
      box.refused(401, "invalid_client", box.exchange(401, with("client_secret", "x")))
      box.refused(400, "invalid_request", box.exchange(400, with("client_secret", false)))
      box.refused(400, "invalid_request", box.exchange(400, with("grant_type", false)))
      box.refused(400, "unsupported_grant_type", box.exchange(400, with("grant_type", "client_credentials")))
      box.refused(400, "invalid_request", box.exchange(400, with("clientId", "x")))
      box.refused(400, "invalid_request", box.exchange(400, form, { ["content-type"] = "application/json" }))
      box.refused(400, "invalid_request", box.ask(400, "POST", "/oauth/token", "grant_type=a&grant_type=b"))
      box.refused(400, "invalid_request", box.ask(400, "POST", "/oauth/token", ""))
      assert.are.equal("Cannot GET /oauth/token", box.ask(404, "GET", "/oauth/token").message)
      box.exchange(200, form)
    end)
  end)

  describe("the page of choosing a location", function()
    it("redirects with code and state, and the code has the requested scopes", function()
      local box = new()
      local answer = box.authorize {
        state = "a b&c",
        code_challenge = CHALLENGE,
        code_challenge_method = "S256",
        scope = "calendars.readonly calendars/events.write",
      }
      assert.are.equal(302, answer.status)
      local address, code, state = answer.headers["location"]:match("^(.*)%?code=(%w+)&state=(.*)$")
      assert.are.equal(REDIRECT, address)
      assert.are.equal("a%20b%26c", state)
      local form = { grant_type = "authorization_code", code = code, redirect_uri = REDIRECT }
      box.refused(400, "invalid_grant", box.exchange(400, form))
      form.code_verifier = VERIFIER
      local tokens = box.exchange(200, form)
      assert.are.equal("calendars.readonly calendars/events.write", tokens.scope)
      assert.are.equal(box.seed.location_id, tokens.locationId)
    end)

    it("takes the choice of a person from sandbox_pick", function()
      local box = new()
      local function tokens(pick)
        local code = box.authorize({ sandbox_pick = pick }).headers["location"]:match("code=(%w+)$")
        return box.exchange(200, { grant_type = "authorization_code", code = code })
      end
      assert.are.equal("Company", tokens("company").userType)
      assert.are.equal(box.seed.other_location_id, tokens(box.seed.other_location_id).locationId)
    end)

    it("sends errors to the app by redirect, and shows those of an unknown app on a page", function()
      local box = new()
      for fields, problem in pairs {
        [{ response_type = "token" }] = "unsupported_response_type",
        [{ sandbox_pick = "deny" }] = "access_denied",
        [{ scope = false }] = "invalid_scope",
        [{ scope = "calendars.all" }] = "invalid_scope",
        [{ code_challenge = CHALLENGE, code_challenge_method = "plain" }] = "invalid_request",
        [{ code_challenge = "short", code_challenge_method = "S256" }] = "invalid_request",
        [{ sandbox_pick = "nowhere" }] = "invalid_request",
      } do
        fields.state = "s"
        local answer = box.authorize(fields)
        assert.are.equal(REDIRECT .. "?error=" .. problem .. "&state=s", answer.headers["location"])
      end
      for _, fields in ipairs {
        { client_id = "x" },
        { redirect_uri = false },
        { redirect_uri = "javascript:alert(1)" },
        { redirect_uri = REDIRECT .. "#x" },
        { nonsense = "1" },
      } do
        local answer = box.authorize(fields)
        assert.are.equal(400, answer.status)
        assert.is_nil(answer.headers["location"])
      end
      assert.are.equal(404, (box.send("GET", "/oauth/chooselocation")))
    end)

    it("keeps to the registered address, and to its query", function()
      local box = new { redirect_uri = "https://app.test/cb?a=b" }
      assert.are.equal(400, box.authorize().status)
      local answer = box.authorize { redirect_uri = "https://app.test/cb?a=b" }
      assert.matches("^https://app%.test/cb%?a=b&code=%w+$", answer.headers["location"])
    end)
  end)

  describe("rotation", function()
    it("takes a refresh token once, and keeps a ledger of it", function()
      local box = new()
      local first = box.sign_in()
      local second = box.refresh(200, first.refresh_token)
      assert.are_not.equal(first.refresh_token, second.refresh_token)
      assert.are_not.equal(first.access_token, second.access_token)
      assert.are_not.equal(first.refreshTokenId, second.refreshTokenId)
      assert.are.equal(first.scope, second.scope)
      box.calendars(200, first.access_token)
      box.calendars(200, second.access_token)
      box.refused(400, "invalid_grant", box.refresh(400, first.refresh_token))
      box.refresh(200, second.refresh_token, { user_type = "Location" })
      box.refused(400, "invalid_grant", box.refresh(400, "unknown"))

      local ledger = box.control("oauth")
      assert.are.same({
        exchanges = 5,
        codes = 1,
        rotations = 2,
        location_tokens = 0,
        reuses = 1,
        graces = 0,
        limited = 0,
        refused = 2,
        lost = 0,
      }, ledger.counts)
      assert.are.same(ledger.counts, box.control "oauth/counts")
      local rows = {}
      for i, row in ipairs(ledger.exchanges) do
        assert.are.equal(i, row.number)
        assert.are.equal(NOW, row.at)
        assert.are.equal(box.client.client_id, row.client_id)
        rows[i] = ("%s %d %s>%s applied=%s reuse=%s"):format(
          row.grant,
          row.status,
          row.presented,
          row.generation,
          row.applied,
          row.reuse
        )
      end
      assert.are.same({
        "authorization_code 200 nil>1 applied=true reuse=false",
        "refresh_token 200 1>2 applied=true reuse=false",
        "refresh_token 400 1>nil applied=false reuse=true",
        "refresh_token 200 2>3 applied=true reuse=false",
        "refresh_token 400 nil>nil applied=false reuse=false",
      }, rows)
      assert.are.equal(ledger.exchanges[2].token, ledger.exchanges[3].token)
      assert.are.equal("invalid_grant", ledger.exchanges[3].error)
      local text = core.encode(ledger)
      for _, secret in ipairs { first.refresh_token, second.refresh_token, box.client.client_secret } do
        assert.is_nil(text:find(secret, 1, true))
      end

      box.control "oauth/clear"
      assert.are.same({}, box.control("oauth").exchanges)
      assert.are.equal(0, box.control("oauth/counts").rotations)
    end)

    it("gives the same successor again within the time of grace", function()
      local box = new { grace_seconds = 30 }
      local first = box.sign_in()
      local second = box.refresh(200, first.refresh_token)
      advance(box, 29999)
      assert.are.same(second, (box.refresh(200, first.refresh_token)))
      local row = box.last()
      assert.are.same({ true, true, false, 1, 2 }, { row.reuse, row.grace, row.applied, row.presented, row.generation })
      advance(box, 1)
      box.refused(400, "invalid_grant", box.refresh(400, first.refresh_token))
      box.refresh(200, second.refresh_token)
      local counts = box.control "oauth/counts"
      assert.are.same({ 2, 2, 1 }, { counts.rotations, counts.reuses, counts.graces })
    end)

    it("can revoke a whole family for a reuse", function()
      local box = new { revoke_on_reuse = true }
      local first, other = box.sign_in(), box.sign_in()
      local second = box.refresh(200, first.refresh_token)
      box.refresh(400, first.refresh_token)
      box.refused(400, "invalid_grant", box.refresh(400, second.refresh_token))
      box.refresh(200, other.refresh_token)
    end)

    it("ends after a year without use", function()
      local box = new()
      local first = box.sign_in()
      advance(box, 31535999000)
      local second = box.refresh(200, first.refresh_token)
      advance(box, 31536000000)
      box.refused(400, "invalid_grant", box.refresh(400, second.refresh_token))
    end)

    it("needs the user type of the sign-in", function()
      local box = new()
      local first = box.sign_in()
      box.refused(400, "invalid_request", box.refresh(400, first.refresh_token, { user_type = "Company" }))
      box.refresh(200, first.refresh_token)
    end)

    it("counts five exchanges a minute for each client", function()
      local clock = 0
      local box = new({ rate = 5 }, { clock = function() return clock end })
      local token = box.sign_in().refresh_token
      for _ = 1, 4 do
        token = box.refresh(200, token).refresh_token
      end
      local _, _, raw = box.send("POST", "/oauth/token", { client_id = box.client.client_id })
      assert.are.equal(429, raw.status)
      assert.are.equal("0", raw.headers["x-ratelimit-remaining"])
      assert.are.equal("60000", raw.headers["x-ratelimit-interval-milliseconds"])
      assert.are.equal(429, box.last().status)
      box.ask(401, "POST", "/oauth/token", { client_id = "x", client_secret = "y", grant_type = "refresh_token" })
      clock = 60000
      local answer = box.refresh(200, token)
      assert.are.equal(1, box.control("oauth/counts").limited)
      box.control("oauth/settings", { rate = { max = 1, interval_ms = 10 } })
      answer = box.refresh(200, answer.refresh_token)
      box.refresh(429, answer.refresh_token)
      clock = clock + 10
      answer = box.refresh(200, answer.refresh_token)
      box.control("oauth/settings", { rate = false })
      for _ = 1, 20 do
        answer = box.refresh(200, answer.refresh_token)
      end
    end)
  end)

  describe("access tokens", function()
    it("expire by the sandbox's clock", function()
      local box = new { expires_in = 60 }
      local tokens = box.sign_in()
      assert.are.equal(60, tokens.expires_in)
      advance(box, 59999)
      box.calendars(200, tokens.access_token)
      advance(box, 1)
      assert.are.same(
        { 401, "Invalid JWT", "Unauthorized" },
        (function(body) return { body.statusCode, body.message, body.error } end)(
          box.calendars(401, tokens.access_token)
        )
      )
      box.control("oauth/settings", { expires_in = 5 })
      tokens = box.refresh(200, tokens.refresh_token)
      assert.are.equal(5, tokens.expires_in)
      box.calendars(200, tokens.access_token)
      box.calendars(401, tokens.refresh_token)
    end)

    it("can be made to expire, and refresh tokens to be refused", function()
      local box = new()
      local here = box.sign_in()
      local there = box.control("oauth/grant", { location_id = box.seed.other_location_id })
      local agency = box.control("oauth/grant", { class = "Company" })
      assert.are.equal(1, box.control("oauth/expire", { location_id = box.seed.location_id }).count)
      box.calendars(401, here.access_token)
      box.calendars(200, there.access_token, box.seed.other_location_id)
      assert.are.equal(2, box.control("oauth/expire", {}).count)
      box.calendars(200, box.app.token)
      assert.are.equal(1, box.control("oauth/revoke", { class = "Company" }).count)
      box.refused(400, "invalid_grant", box.refresh(400, agency.refresh_token))
      box.refresh(200, here.refresh_token)
      assert.are.equal(2, box.control("oauth/revoke", {}).count)
      box.refresh(400, there.refresh_token)
    end)

    it("and refresh tokens can be asked about", function()
      local box = new { expires_in = 60 }
      local first = box.sign_in()
      local second = box.refresh(200, first.refresh_token)
      local function look(token) return box.control("oauth/inspect", { token = token }) end
      assert.are.same({ known = false }, look "nothing")
      assert.are.same(
        { known = true, kind = "access", class = "Location", locationId = box.seed.location_id, expired = false },
        look(first.access_token)
      )
      local old, new_one = look(first.refresh_token), look(second.refresh_token)
      assert.are.same({ 1, true, false }, { old.generation, old.used, old.current })
      assert.are.same({ 2, false, true }, { new_one.generation, new_one.used, new_one.current })
      assert.are.equal(box.last().token, old.fingerprint)
      advance(box, 60000)
      assert.is_true(look(second.access_token).expired)
      box.control("oauth/revoke", {})
      assert.is_false(look(second.refresh_token).current)
    end)

    it("carry the mark that was asked for, as do all secrets", function()
      local box = new { mark = "CANARY-7" }
      local tokens = box.sign_in()
      for _, secret in ipairs { tokens.access_token, tokens.refresh_token, box.client.client_secret, box.code() } do
        assert.matches("CANARY-7", secret, 1, true)
        assert.is_truthy(core.secret(secret))
      end
    end)
  end)

  describe("for agencies", function()
    local function location_form(box, location_id)
      return { companyId = box.seed.company_id, locationId = location_id or box.seed.other_location_id }
    end

    it("issues the token of a location, without what could renew it", function()
      local box = new { expires_in = 100 }
      local agency = box.sign_in { class = "Company" }.access_token
      local answer = box.ask(200, "POST", "/oauth/locationToken", location_form(box), agency)
      local names = {}
      for name in pairs(answer) do
        names[#names + 1] = name
      end
      table.sort(names)
      assert.are.same(
        { "access_token", "appId", "expires_in", "locationId", "scope", "token_type", "userId", "versionId" },
        names
      )
      assert.are.equal(box.seed.other_location_id, answer.locationId)
      box.calendars(200, answer.access_token, box.seed.other_location_id)
      box.calendars(403, answer.access_token)
      box.ask(401, "POST", "/oauth/locationToken", location_form(box), answer.access_token)
      assert.are.equal("location_token", box.control("oauth").exchanges[2].grant)
      assert.are.equal(1, box.control("oauth/counts").location_tokens)
      advance(box, 100000)
      box.calendars(401, answer.access_token, box.seed.other_location_id)
      assert.are.equal("Invalid JWT", box.ask(401, "POST", "/oauth/locationToken", location_form(box), agency).message)
    end)

    it("refuses other locations, companies, user types, scopes, versions and forms", function()
      local box = new()
      local agency = box.sign_in({ class = "Company" }).access_token
      local function ask(status, form, token, headers)
        return box.ask(status, "POST", "/oauth/locationToken", form, token or agency, headers).message
      end
      assert.are.equal("Location not found", ask(400, location_form(box, "LocationBranch000001")))
      box.control("oauth/install", { location_id = box.seed.other_location_id, installed = false })
      assert.matches("not installed", ask(403, location_form(box)), 1, true)
      box.control("oauth/install", { location_id = box.seed.other_location_id })
      ask(200, location_form(box))
      ask(403, { companyId = "x", locationId = box.seed.location_id })
      assert.are.same({ "companyId must be a string", "locationId must be a string" }, ask(422, ""))
      assert.are.same(
        { "property company_id should not exist", "companyId must be a string" },
        ask(422, { company_id = "x", locationId = "y" })
      )
      assert.matches("authClass", ask(401, location_form(box), box.sign_in().access_token), 1, true)
      assert.matches("authClass", ask(401, location_form(box), box.app.token_names.agency), 1, true)
      assert.matches("authClass", ask(401, location_form(box), box.app.token), 1, true)
      local narrow = box.sign_in { class = "Company", scopes = { "oauth.readonly" } }.access_token
      assert.are.equal("The token is not authorized for this scope.", ask(401, location_form(box), narrow))
      assert.are.equal("version header was not found.", ask(401, location_form(box), nil, { version = false }))
      assert.are.equal(
        "Authorization header was not found.",
        ask(401, location_form(box), nil, { authorization = false })
      )
    end)

    it("lists the locations with the app, page by page", function()
      local box = new { locations = 43 }
      local agency = box.sign_in({ class = "Company" }).access_token
      local base = "/oauth/installedLocations?companyId="
        .. box.seed.company_id
        .. "&appId="
        .. box.app.oauth.server.app_id
      local function ask(status, query, token) return box.ask(status, "GET", base .. query, nil, token or agency) end
      local page = ask(200, "")
      assert.are.same({ 45, 20 }, { page.count, #page.locations })
      assert.are.same({
        _id = box.seed.location_id,
        name = "Linden Street Clinic",
        isInstalled = true,
        address = "12 Linden Street, New York, NY 10011, USA",
        versionId = box.app.oauth.server.app_id,
      }, page.locations[1])
      assert.are.equal(5, #ask(200, "&skip=40").locations)
      assert.are.equal("LocationBranch000002", ask(200, "&skip=3&limit=1").locations[1]._id)
      assert.are.same({}, ask(200, "&skip=45").locations)
      assert.are.equal(45, #ask(200, "&limit=500").locations)
      assert.are.equal(1, ask(200, "&query=harbour").count)
      assert.are.equal(1, ask(200, "&locationId=LocationBranch000043").count)
      box.control("oauth/install", { location_id = "LocationBranch000001", installed = false })
      assert.are.equal(44, ask(200, "&isInstalled=true").count)
      assert.is_false(ask(200, "&isInstalled=false").locations[1].isInstalled)
      ask(422, "&skip=-1")
      ask(422, "&page=2")
      ask(401, "", box.sign_in().access_token)
      box.ask(422, "GET", "/oauth/installedLocations?appId=x", nil, agency)
      box.ask(403, "GET", "/oauth/installedLocations?companyId=x&appId=x", nil, agency)
      box.ask(400, "GET", "/oauth/installedLocations?appId=x&companyId=" .. box.seed.company_id, nil, agency)
      local branch = box.ask(200, "POST", "/oauth/locationToken", location_form(box, "LocationBranch000043"), agency)
      assert.are.same({}, box.calendars(200, branch.access_token, "LocationBranch000043").calendars)
    end)
  end)

  it("has the spelling of version v3 with camel_case", function()
    local box = new { camel_case = true }
    local answer = box.ask(200, "POST", "/oauth/token", {
      clientId = box.client.client_id,
      clientSecret = box.client.client_secret,
      grantType = "authorization_code",
      code = box.code { class = "Company" },
    })
    assert.are.same({ 86399, "Bearer" }, { answer.expiresIn, answer.tokenType })
    assert.is_nil(answer.access_token)
    answer = box.ask(
      200,
      "POST",
      "/oauth/token",
      core.encode {
        clientId = box.client.client_id,
        clientSecret = box.client.client_secret,
        grantType = "refresh_token",
        refreshToken = answer.refreshToken,
      },
      nil,
      { ["content-type"] = "application/json" }
    )
    local form = { companyId = box.seed.company_id, locationId = box.seed.location_id }
    local location = box.ask(200, "POST", "/oauth/location-token", form, answer.accessToken, { version = "v3" })
    box.calendars(200, location.accessToken)
    box.refused(
      400,
      "invalid_request",
      box.ask(400, "POST", "/oauth/token", '{"clientId":1}', nil, { ["content-type"] = "application/json" })
    )
    box.ask(404, "POST", "/oauth/locationtoken", form, answer.accessToken)
    new().ask(404, "POST", "/oauth/location-token", form, "x")
  end)

  it("is reset to the start, with the same client", function()
    local box = new()
    local tokens, client = box.sign_in(), box.client.client_id
    box.control("oauth/settings", { grace_seconds = 10 })
    box.control("oauth/fault", { drop = "before" })
    box.control "reset"
    assert.are.equal(client, box.app.oauth.settings.client_id)
    assert.are.equal(0, box.app.oauth.settings.grace_seconds)
    box.refused(400, "invalid_grant", box.refresh(400, tokens.refresh_token))
    box.calendars(401, tokens.access_token)
    assert.are.equal(1, #box.control("oauth").exchanges)
  end)

  it("refuses unknown options and unknown bodies of the admin interface", function()
    for problem, oauth in pairs {
      ["unknown sandbox option `expires` "] = { expires = 1 },
      ["`rate` must be a number, got string"] = { rate = "5" },
      ["`mark` must be of letters"] = { mark = "a b" },
    } do
      local ok, message = pcall(function() sandbox.start { oauth = oauth } end)
      assert.is_false(ok)
      assert.matches("^spec/sandbox/oauth_spec%.lua:%d+: ", message)
      assert.matches(problem, message, 1, true)
    end
    local box = new()
    for name, body in pairs {
      ["oauth/settings"] = { grace = 1 },
      ["oauth/fault"] = { explode = true },
      ["oauth/code"] = { class = "Agency" },
      ["oauth/inspect"] = {},
      ["oauth/install"] = {},
    } do
      box.ask(422, "POST", "/__sandbox/" .. name, core.encode(body), box.app.control_token)
    end
    box.ask(422, "POST", "/__sandbox/oauth/fault", '{"drop":"now"}', box.app.control_token)
    box.ask(422, "POST", "/__sandbox/oauth/fault", '{"times":"2"}', box.app.control_token)
    box.ask(404, "POST", "/__sandbox/oauth/expire", '{"location_id":"x"}', box.app.control_token)
    box.ask(401, "GET", "/__sandbox/oauth", nil, box.app.token)
  end)
end)
