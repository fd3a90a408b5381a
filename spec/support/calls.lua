--- What the specs of the modules of one call share: calls without a client's methods.

local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local leak = require "spec.support.leak"

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

return calls
