--- Requests to the OAuth endpoints of the sandbox without sockets, for specs.

local application = require "hoopai.sandbox.server.application"
local assert = require "luassert"
local core = require "hoopai.core"

local sandbox_oauth = {
  NOW = 1777896000000,
  FORM = "application/x-www-form-urlencoded",
  REDIRECT = "http://127.0.0.1:9999/callback",
}

local function pairs_of(fields)
  local list = {}
  for name, value in pairs(fields) do
    list[#list + 1] = name
    list[#list + 1] = value
  end
  return core.query(list)
end

--- A sandbox, and functions that send requests to it.
-- @tparam ?table oauth the option `oauth`; no rate limit is the default
-- @tparam ?table options more options of `hoopai.sandbox.server.application`
-- @treturn table
function sandbox_oauth.new(oauth, options)
  options = options or {}
  options.oauth = oauth or {}
  if options.oauth.rate == nil then options.oauth.rate = false end
  options.now, options.control = options.now or sandbox_oauth.NOW, true
  local self = application.new(options)
  local box = { app = self, seed = self.seed, client = self.oauth_settings }

  --- Sends a request. Returns status, decoded body and the response.
  -- @param form a table, or a text that is sent unchanged
  -- @param headers more headers; false removes one
  function box.send(method, target, form, token, headers)
    local path, query = target:match("^([^?]*)%??(.*)$")
    local all = {
      authorization = token and "Bearer " .. token,
      version = "2021-07-28",
      ["content-type"] = form and sandbox_oauth.FORM,
    }
    for name, value in pairs(headers or {}) do
      all[name] = value or nil
    end
    local response = self:handle {
      method = method,
      path = path,
      query_string = query,
      headers = all,
      body = type(form) == "table" and pairs_of(form) or form,
    }
    assert(not self.fault, self.fault)
    return response.status, core.decode(response.body), response
  end

  --- Sends a request, asserts the status and returns the body and the response.
  function box.ask(status, ...)
    local got, body, response = box.send(...)
    assert.are.equal(status, got, response.body)
    return body, response
  end

  --- Posts to /oauth/token with the client's id and secret.
  function box.exchange(status, fields, headers)
    local form = { client_id = box.client.client_id, client_secret = box.client.client_secret }
    for name, value in pairs(fields) do
      form[name] = value or nil
    end
    return box.ask(status, "POST", "/oauth/token", form, nil, headers)
  end

  function box.refresh(status, token, fields)
    local form = { grant_type = "refresh_token", refresh_token = token }
    for name, value in pairs(fields or {}) do
      form[name] = value
    end
    return box.exchange(status, form)
  end

  --- Asserts the status and all fields of an OAuth error.
  function box.refused(status, code, body, response)
    assert.are.equal(status, response.status)
    assert.are.equal(code, body.error)
    assert.is_string(body.error_description)
    for name in pairs(body) do
      assert.is_true(name == "error" or name == "error_description", name)
    end
  end

  function box.control(name, body)
    local method = (name == "oauth" or name == "oauth/counts") and "GET" or "POST"
    local text = body and core.encode(body)
    return (box.ask(200, method, "/__sandbox/" .. name, text, self.control_token, { ["content-type"] = false }))
  end

  function box.code(given) return box.control("oauth/code", given or {}).code end

  function box.sign_in(given, fields)
    local form = { grant_type = "authorization_code", code = box.code(given) }
    for name, value in pairs(fields or {}) do
      form[name] = value
    end
    return box.exchange(200, form)
  end

  function box.last()
    local exchanges = box.control("oauth").exchanges
    return exchanges[#exchanges]
  end

  function box.authorize(fields)
    local query = {
      response_type = "code",
      client_id = box.client.client_id,
      redirect_uri = sandbox_oauth.REDIRECT,
      scope = "calendars.readonly",
    }
    for name, value in pairs(fields or {}) do
      query[name] = value or nil
    end
    local _, body, response = box.send("GET", "/v2/oauth/chooselocation?" .. pairs_of(query))
    return response, body
  end

  function box.calendars(status, token, location_id)
    return box.ask(status, "GET", "/calendars/?locationId=" .. (location_id or box.seed.location_id), nil, token)
  end
  return box
end

--- Moves the sandbox's clock on.
function sandbox_oauth.advance(box, ms) box.control("clock", { advance_ms = ms }) end

return sandbox_oauth
