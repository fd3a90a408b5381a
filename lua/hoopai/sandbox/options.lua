--- The options of a sandbox: which exist, and of what type they are.
-- @module hoopai.sandbox.options

local concat, sort = table.concat, table.sort
local error, pairs, pcall, tostring, type = error, pairs, pcall, tostring, type
local format = string.format

local options = {}

--- Those the application knows; `clock` cannot be passed to another process.
options.app = {
  now = "number", clock = "function", rate_limit = "table", get_envelope = "string", strict_block_slots = "boolean",
  token = "string", tokens = "table", random_seed = "number", control = "boolean", latency_ms = "number",
  delay_ms = "number",
}

--- Those of a server.
options.server = { port = "number", tls = "boolean" }
for name, kind in pairs(options.app) do
  if kind ~= "function" then options.server[name] = kind end
end

local function unknown(name, known, level)
  local names = {}
  for key in pairs(known) do names[#names + 1] = key end
  sort(names)
  error(format("unknown sandbox option `%s` (known: %s)", tostring(name), concat(names, ", ")), level + 1)
end

--- Checks options; raises at the caller's caller when one is unknown or of the wrong type.
-- @tparam ?table given
-- @tparam table known `options.app` or `options.server`
-- @treturn table a copy
function options.check(given, known)
  local checked = {}
  for name, value in pairs(given or {}) do
    local expected = known[name]
    if not expected then unknown(name, known, 3) end
    -- A time of hoopai.time is as good as its milliseconds.
    if name == "now" and type(value) ~= "number" then
      local ok, ms = pcall(function() return value:ms() end)
      value = ok and ms or value
    end
    if type(value) ~= expected and not (name == "rate_limit" and value == false) then
      error(format("sandbox option `%s` must be a %s, got %s", name, expected, type(value)), 3)
    end
    checked[name] = value
  end
  return checked
end

return options
