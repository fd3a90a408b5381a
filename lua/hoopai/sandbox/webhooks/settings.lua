--- Checks of the settings of webhooks, and of scripted faults. They are made in the program that starts a sandbox too,
-- which may be unable to load the core.
-- @module hoopai.sandbox.webhooks.settings

local faults = require "hoopai.sandbox.webhooks.faults"

local format, match, sub = string.format, string.match, string.sub
local pairs, tonumber, tostring, type = pairs, tonumber, tostring, type

local settings = {}

--- The parts of an address of http or https.
-- @tparam string url
-- @treturn ?table `is_tls`, `host`, `port`, `authority`, `target`; nil: it is none
function settings.place(url)
  local scheme, authority, target = match(url, "^([Hh][Tt][Tt][Pp][Ss]?)://([^/?#]+)([^#%s%c]*)$")
  if not scheme then return nil end
  local host, digits = match(authority, "^%[([%x:.]+)%]:?(%d*)$")
  if not host then
    host, digits = match(authority, "^([%w.-]+):?(%d*)$")
  end
  local is_tls = #scheme == 5
  local port = digits == "" and (is_tls and 443 or 80) or tonumber(digits)
  if not host or not port or port < 1 or port > 65535 then return nil end
  if sub(target, 1, 1) ~= "/" then target = "/" .. target end
  return { is_tls = is_tls, host = host, port = port, authority = authority, target = target }
end

local function url(value)
  local ok = type(value) == "string" and settings.place(value)
  return not ok and "must be an address such as http://127.0.0.1:8585/" or nil
end

local function within(least, most, is_whole)
  return function(value)
    local ok = type(value) == "number" and value >= least and value <= most and (not is_whole or value % 1 == 0)
    local kind = is_whole and "whole number" or "number"
    return not ok and format("must be a %s from %g to %g", kind, least, most) or nil
  end
end

local CHECKS = {
  url = url,
  retries = within(0, 100, true),
  retry_scale = within(0, 1000),
  timeout_ms = within(1, 600000),
}

local FAULT_CHECKS = {
  times = within(1, 100000, true),
  type = function(value) return type(value) ~= "string" and "must be a string" or nil end,
}

for name, check in pairs(faults.checks) do
  CHECKS[name], FAULT_CHECKS[name] = check, check
end

local function problem_of(given, checks)
  for name, value in pairs(given) do
    local check = checks[name]
    if not check then return format("%s is no field of webhooks", tostring(name)) end
    local problem = check(value)
    if problem then return name .. " " .. problem end
  end
end

--- What is wrong with settings.
-- @tparam table given
-- @treturn ?string
function settings.problem(given) return problem_of(given, CHECKS) end

--- What is wrong with a scripted fault.
-- @tparam table given
-- @treturn ?string
function settings.fault_problem(given) return problem_of(given, FAULT_CHECKS) end

return settings
