--- A change with the option `dry_run`: it was checked, and is not sent. It takes no permit, token or connection.
local core = require "hoopai.core"
local hooks = require "hoopai.call.hooks"
local json_text = require "hoopai.validate.json_text"
local secrets = require "hoopai.call.secrets"

local now = core.now

local dry_run = {}

--- The result of a change that the option `dry_run` kept from being sent.
-- @table DryRunResult
-- @tfield boolean dry_run true
-- @tfield string method HTTP method
-- @tfield string path path of the request, with its ids, and with its query if it has one
-- @tfield[opt] any body what would be sent as JSON, decoded: instants are text, null is `hoopai.null`, and
-- empty lists are marked as by `hoopai.array`. It holds no token

--- The request of a call, from what would be sent. A caller may have written its token anywhere.
local function request_of(prepared)
  local body = prepared.body and core.decode(prepared.body, true)
  if body then json_text.mark_lists(body, prepared.body) end
  return {
    dry_run = true,
    method = prepared.endpoint.method,
    path = secrets.without_any(prepared.target),
    body = secrets.without_any(body),
  }
end

--- Ends a call whose request is prepared: emits `dry_run` and `done`.
-- @tparam table call
-- @treturn DryRunResult
-- @treturn Response with `dry_run`
function dry_run.result(call)
  local prepared, on, called = call.prepared, call.state.settings.on, now()
  local response = {
    dry_run = true,
    attempts = 0,
    elapsed = 0,
    headers = {},
    extra = {},
    url = secrets.without_any(call.state.shared.base_url .. prepared.path),
  }
  if on.dry_run then hooks.dry_run(on.dry_run, call, request_of(prepared)) end
  local result = request_of(prepared) -- another table than the hook's
  if on.done then hooks.done(on.done, call, called, result, response) end
  return result, response
end

return dry_run
