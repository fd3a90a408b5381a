--- Sends one request with a multi, from one table.

local core = require "hoopai.core"

--- Makes a Request of a whole URL and sends it.
-- @param multi a hoopai.Multi
-- @tparam table request method, url, headers, once, secret_response: see core.request. form: a list of names and values
-- that becomes the body. token, body, timeout, deadline: see multi:send
-- @return a hoopai.Transfer
-- @raise what core.request and multi:send raise
return function(multi, request)
  local made = core.request {
    method = request.method,
    url = request.url,
    headers = request.headers,
    at_most_once = request.at_most_once,
    form = request.form ~= nil,
    secret_response = request.secret_response,
  }
  local body = request.form
  if body == nil then body = request.body end
  return multi:send(made, "", request.token, body, request.timeout, request.deadline)
end
