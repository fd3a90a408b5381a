--- The header lines of a response with status 429: what the library reads from them.

local hoopai = require "hoopai"
local oracle = require "spec.fuzz.oracle"
local peer = require "spec.fuzz.peer"

peer.script {}
local client = hoopai.new {
  token = oracle.TOKEN,
  location_id = "l",
  base_url = peer.url,
  timeout = 10,
  retries = false,
  rate_limit = false,
}

local body = '{"message":"Too many requests"}'

return function(bytes)
  peer.script { ("HTTP/1.1 429 Many\r\n%s\r\nContent-Length: %d\r\n\r\n%s"):format(oracle.plant(bytes), #body, body) }
  local result, err = client.calendars:get("c")
  assert(result == nil or not bytes:find("^[%g ]*$"), "a 429 that is a success") -- unless there are more responses
  if result ~= nil then return end
  oracle.is_error(err)
  if not err.response then return end
  for name, value in pairs(err.response.headers) do
    assert(type(name) == "string" and name == name:lower() and name ~= "", "a header's name")
    assert(type(value) == "string" and not value:find("[\r\n\0]"), "a header's value")
  end
  for _, value in pairs(err.response.rate_limit or {}) do
    assert(math.type(value) == "integer" and value >= 0, "a number of the request budget")
  end
end
