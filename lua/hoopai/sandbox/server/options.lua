--- The options of a sandbox and their types.
-- @module hoopai.sandbox.server.options

local concat, sort = table.concat, table.sort
local error, pairs, pcall, require, tostring, type = error, pairs, pcall, require, tostring, type
local find, format = string.find, string.format

-- More of everything would only be slow.
local MOST = 10000

local options = {}

--- Options of the application. `clock` cannot be passed to another process.
options.app = {
  now = "number",
  clock = "function",
  rate_limit = "table",
  get_envelope = "string",
  strict_block_slots = "boolean",
  token = "string",
  tokens = "table",
  random_seed = "number",
  control = "boolean",
  latency_ms = "number",
  delay_ms = "number",
  oauth = "table",
  webhooks = "table",
  zone = "string",
  empty = "boolean",
  many = "number",
  records = "table",
  seeded_at = "number",
}

-- Made from the option `seed`, which is a function of the program that starts the sandbox.
local INTERNAL = { records = true, seeded_at = true }

--- Options within `oauth`.
options.oauth = {
  client_id = "string",
  client_secret = "string",
  redirect_uri = "string",
  expires_in = "number",
  refresh_expires_in = "number",
  rate = "number",
  grace_seconds = "number",
  camel_case = "boolean",
  revoke_on_reuse = "boolean",
  locations = "number",
  mark = "string",
}

--- Options of `hoopai.sandbox.start`.
options.server = { port = "number", tls = "boolean", interpreter = "string", seed = "function" }
for name, kind in pairs(options.app) do
  if kind ~= "function" and not INTERNAL[name] then options.server[name] = kind end
end

--- Options of `hoopai.sandbox.serve`.
options.serve = { run = "string or table" }
for name, kind in pairs(options.server) do
  options.serve[name] = kind
end

local function unknown(name, known, level)
  local names = {}
  for key in pairs(known) do
    names[#names + 1] = key
  end
  sort(names)
  error(format("unknown sandbox option `%s` (known: %s)", tostring(name), concat(names, ", ")), level + 1)
end

local function is_of(kind, name, value)
  if name == "rate_limit" and value == false then return true end
  if name == "rate" and (value == false or type(value) == "table") then return true end
  if name == "run" then return type(value) == "string" or type(value) == "table" end
  return type(value) == kind
end

local function check_zone(name, level)
  local zone, problem = require("hoopai.time.zone").load(name)
  if not zone then error("sandbox option `zone`: " .. problem, level + 1) end
end

local function check_webhooks(given, level)
  local problem = require("hoopai.sandbox.webhooks.settings").problem(given)
  if problem then error("sandbox option `webhooks`: " .. problem, level + 1) end
end

local function check_run(run, level)
  local _, problem = require("hoopai.sandbox.runner").words(run)
  if problem then error("sandbox option `run` " .. problem, level + 1) end
end

--- Checks options. Raises an error for an unknown option or a wrong type, with the position of the caller's caller.
-- @tparam ?table given
-- @tparam table known `options.app` or `options.server`
-- @tparam ?integer level additional levels up to the position in the error
-- @treturn table a copy
function options.check(given, known, level)
  local checked = {}
  level = (level or 0) + 3
  if given ~= nil and type(given) ~= "table" then
    error(format("the options of the sandbox are a table such as { port = 8080 }, got %s", type(given)), level)
  end
  for name, value in pairs(given or {}) do
    local expected = known[name]
    if not expected then unknown(name, known, level) end
    -- An instant of hoopai.time stands for its milliseconds.
    if name == "now" and type(value) ~= "number" then
      local ok, ms = pcall(function() return value:ms() end)
      value = ok and ms or value
    end
    if not is_of(expected, name, value) then
      error(format("sandbox option `%s` must be a %s, got %s", name, expected, type(value)), level)
    end
    if name == "now" and value >= 1e9 and value <= 4102444800 then
      local advice = "write milliseconds (%d), or hoopai.time.from_seconds(%d)"
      error(format("sandbox option `now`: %d looks like seconds: " .. advice, value, value * 1000, value), level)
    end
    if name == "many" and not (value >= 1 and value <= MOST and value % 1 == 0) then
      error(format("sandbox option `many` must be a whole number from 1 to %d", MOST), level)
    end
    if name == "run" then check_run(value, level) end
    if name == "zone" then check_zone(value, level) end
    if name == "webhooks" then check_webhooks(value, level) end
    if name == "mark" and find(value, "[^%w_-]") then
      error("sandbox option `mark` must be of letters, digits, _ and -", level)
    end
    checked[name] = name == "oauth" and options.check(value, options.oauth, level - 2) or value
  end
  return checked
end

return options
