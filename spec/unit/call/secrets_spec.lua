-- The secrets of a call, and values without them.

local core = require "hoopai.core"
local new_call = require("spec.support.calls").call
local secrets = require "hoopai.call.secrets"

local function secret(text) return assert(core.secret(text)) end

--- A call whose token source has these fields.
local function call_of(source, more)
  local call = new_call({}, more)
  call.prepared.source = source
  return call
end

--- What of a text the secrets of a call hide.
local function shown(call, attempt, text) return secrets.redacted(secrets.of(call, attempt), text) end

describe("hoopai.call.secrets:", function()
  describe("of a call are", function()
    it("none without a token", function()
      assert.are.same({}, secrets.of(new_call(), nil))
      assert.are.same({}, secrets.of(call_of {}, { secret = false }))
    end)

    it("the token of the attempt, of the refused one, and of the source", function()
      local call = call_of({ secret = secret "token-of-source" }, { refused_secret = secret "token-refused" })
      local text = "token-of-source, token-refused, token-of-attempt"
      assert.are.equal("***, ***, ***", shown(call, { secret = secret "token-of-attempt" }, text))
      assert.are.equal("***, ***, token-of-attempt", shown(call, nil, text))
    end)

    it("one secret, where all are the same", function()
      local token = secret "token-of-source"
      assert.are.equal(1, #secrets.of(call_of({ secret = token }, { refused_secret = token }), { secret = token }))
    end)

    it("the stored credentials, in place of their access token", function()
      local token, credentials = secret "access-token-1", core.credentials { access_token = "access-token-1" }
      local source = { secret = token, credentials = credentials }
      assert.are.equal(1, #secrets.of(call_of(source), { secret = token }))
      assert.are.equal(2, #secrets.of(call_of(source), { secret = secret "token-of-attempt" }))
    end)

    it("all tokens of the stored credentials", function()
      local credentials = core.credentials { access_token = "access-token-1", refresh_token = "refresh-token-1" }
      local call = call_of { secret = secret "access-token-1", credentials = credentials }
      assert.are.equal("*** and ***", shown(call, nil, "access-token-1 and refresh-token-1"))
    end)

    it("user name and password of a proxy", function()
      local function through(proxy, text)
        return shown(new_call({}, { state = { shared = { transport = { proxy = proxy } } } }), nil, text)
      end
      local proxy = "http://anna:pass%40word-1@proxy.example:3128"
      assert.are.equal("x *** y", through(proxy, "x anna:pass%40word-1 y"))
      assert.are.equal("x *** y", through(proxy, "x pass@word-1 y"))
      assert.are.equal("Basic ***", through(proxy, "Basic YW5uYTpwYXNzQHdvcmQtMQ=="))
      for _, other in ipairs { "environment", "http://proxy.example:3128" } do
        assert.are.equal("proxy.example", through(other, "proxy.example"))
      end
    end)
  end)

  it("without_user_info hides what stands before the host of an address", function()
    for message, expected in pairs {
      ["Unsupported proxy syntax in 'http://a:b@h:9': odd"] = "Unsupported proxy syntax in 'http://***@h:9': odd",
      ["Unsupported proxy syntax in 'a:b@c@h:99999': bad port"] = "Unsupported proxy syntax in '***@h:99999': bad port",
      ["Unsupported proxy syntax in 'http://a:b'c @/d@h:9': odd"] = "Unsupported proxy syntax in 'http://***@h:9': odd",
      ["no address of a:b@h:9"] = "no address of ***@h:9",
      ["a:b@h:9"] = "***@h:9",
      ["Could not resolve proxy: socks5://a:b@h"] = "Could not resolve proxy: socks5://***@h",
      ["Could not resolve host: a.example"] = "Could not resolve host: a.example",
    } do
      assert.are.equal(expected, secrets.without_user_info(message))
    end
    assert.is_nil(secrets.without_user_info(nil))
  end)

  it("path is that of the call, without a token that the caller wrote into it", function()
    local call = call_of { secret = secret "token-of-source" }
    assert.are.equal("/things/x", secrets.path(call))
    call.prepared.path = "/things/token-of-source"
    assert.are.equal("/things/***", secrets.path(call))
    assert.are.equal("/things/x", secrets.path(new_call()))
  end)

  it("hide clears what a peer said, and sets the path", function()
    local canary = core.secret "pit-canary-0123456789"
    local call = { prepared = { path = "/x", source = { secret = canary } } }
    local err = { message = "pit-canary-0123456789 is odd", details = { "pit-canary-0123456789" } }
    local response = secrets.hide(call, { secret = canary }, err, { body = { echo = "pit-canary-0123456789" } })
    assert.are.same({ message = "*** is odd", details = { "***" }, path = "/x" }, err)
    assert.are.same({ body = { echo = "***" } }, response)
  end)

  describe("redacted", function()
    local list = { secret "canary-1-secret", secret "canary-2-secret" }

    it("is a copy with *** in strings and names, however deep", function()
      local given = { ["canary-1-secret"] = { { "x canary-2-secret" } }, n = 5, other = { "a" } }
      assert.are.same({ ["***"] = { { "x ***" } }, n = 5, other = { "a" } }, secrets.redacted(list, given))
      assert.are.equal("x canary-2-secret", given["canary-1-secret"][1][1])
    end)

    it("is the value itself, if there is no secret in it", function()
      local given = { a = { "b" } }
      assert.are.equal(given, secrets.redacted(list, given))
      assert.are.equal(5, secrets.redacted(list, 5))
      assert.is_nil(secrets.redacted(list, nil))
      given.a[1] = "canary-1-secret"
      assert.are.equal(given, secrets.redacted({}, given))
    end)

    it("searches a long text once", function()
      local searched = 0
      local counting = {
        redact = function(_, text)
          searched = searched + 1
          return text
        end,
      }
      local copies, text = {}, ("x"):rep(2000)
      assert.are.equal(text, secrets.redacted({ counting }, text, copies))
      local given = { text, { text } }
      assert.are.equal(given, secrets.redacted({ counting }, given, copies))
      assert.are.equal(1, searched)
    end)

    it("ends at tables that hold themselves", function()
      local given = { "canary-1-secret" }
      given.own = given
      local copy = secrets.redacted(list, given)
      assert.are.equal("***", copy[1])
      assert.are.equal("***", copy.own[1])
    end)
  end)
end)
