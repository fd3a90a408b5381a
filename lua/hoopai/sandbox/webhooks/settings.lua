--- Checks of the settings of webhooks, and of scripted faults. They are made in the program that starts a sandbox too,
-- which may be unable to load the core.
-- @module hoopai.sandbox.webhooks.settings

local faults = require "hoopai.sandbox.webhooks.faults"

local find, format = string.find, string.format
local pairs, tostring, type = pairs, tostring, type

local settings = {}

local function url(value)
  local ok = type(value) == "string" and find(value, "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#%s%c]+[^%s%c]*$")
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
