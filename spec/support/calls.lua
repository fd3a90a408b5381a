--- What the specs of calls share: calls without a client's methods, and calls to a server whose errors are searched for
-- the token.

local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local expect = require "spec.support.expect"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local calls = {}

--- The state of a client of a test server; the client is closed after the case.
-- @tparam table options of hoopai.new; the default is one attempt for each call, without rate limit
-- @treturn table the state
-- @treturn Client
function calls.state(options)
  local client = leak.client(options)
  return endpoints.state_of(client.calendars, "calendars:list"), client
end

--- A call as the functions that make errors and events see it.
-- @tparam table fields of the endpoint, such as `method` and `retry`
-- @tparam[opt] table more fields of the call
function calls.call(fields, more)
  local endpoint = { id = "things:get", method = "GET", path = "/things/{id}", retry = "safe", result = {} }
  for name, value in pairs(fields or {}) do
    endpoint[name] = value
  end
  local call = {
    prepared = {
      endpoint = endpoint,
      path = "/things/x",
      rate_limit_key = "l",
      options = { timeout = 30, queue_timeout = 5 },
    },
    attempts = 1,
    attempt = false,
    info = false,
    begun = core.now(),
    unclear = false,
    state = { closed_message = "the client is closed" },
  }
  for name, value in pairs(more or {}) do
    call[name] = value
  end
  return call
end

--- One call of each method: method and path on the wire, whether the call changes something, and the call.
calls.METHODS = {
  { "GET", "/calendars/x", false, function(client, opts) return client.calendars:get("x", opts) end },
  {
    "POST",
    "/calendars/appointments/x/notes",
    true,
    function(client, opts) return client.notes:create("x", { body = "n" }, opts) end,
  },
  { "PUT", "/calendars/x", true, function(client, opts) return client.calendars:update("x", { name = "n" }, opts) end },
  { "DELETE", "/calendars/x", true, function(client, opts) return client.calendars:delete("x", opts) end },
}
calls.GET, calls.POST = calls.METHODS[1][4], calls.METHODS[2][4]

--- A test server and a client of it for each case. After a case, no error of it may show the token:
--
--   local cases = calls.cases(TOKEN)
--   setup(function() server = cases.start() end)
--   teardown(cases.stop)
--   before_each(function() client, caught = cases.before() end)
--   after_each(cases.after)
-- @tparam string token
-- @treturn table these functions, and `fails` and `respond`
function calls.cases(token)
  local cases, server, client, caught = {}, nil, nil, nil

  function cases.start()
    server = servers.start()
    return server
  end

  function cases.stop() server:stop() end

  --- @return the client of the case, and the list of its errors
  function cases.before()
    leak.before()
    caught = {}
    client = leak.client { token = token, base_url = server.url, location_id = "l", timeout = 15 }
    return client, caught
  end

  function cases.after()
    leak.after(server)
    for _, err in ipairs(caught) do
      expect.no_secret(err, token)
    end
  end

  --- Expects a failure, and keeps the error for the search for the token.
  function cases.fails(kind, result, err, fields)
    expect.failure(kind, result, err, fields)
    caught[#caught + 1] = err
    return err
  end

  --- Makes one call (a GET by default), whose response is a rule of the server.
  function cases.respond(rule, call, ...)
    server:reply(rule)
    return (call or calls.GET)(client, ...)
  end

  return cases
end

return calls
