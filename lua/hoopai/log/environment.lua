--- The log that the variable HOOPAI_LOG of the environment switches on, where a program gives none.
local log = require "hoopai.log"
local private = require "hoopai.private"

local lower, pairs, pcall = string.lower, pairs, pcall

-- A host that embeds Lua may leave the library out, or take it away later.
local stderr = io and io.stderr

local environment = {}

local LEVELS = { ["1"] = {}, verbose = { verbose = true } }

local has_complained = false

--- Says once that the value means nothing. A variable for diagnosis must not stop a program, so this is no error. The
-- value may be a token that was meant for another variable, so it is not shown.
local function complain()
  if has_complained or not stderr then return end
  has_complained = true
  pcall(stderr.write, stderr, "hoopai: there is no log, as HOOPAI_LOG is neither 1 nor verbose\n")
end

local function has_log(on)
  for _, hook in pairs(on) do
    if private.state("hoopai.Log", hook) then return true end
  end
  return false
end

--- Calls both hooks. A log that cannot be written keeps no event from the program's own hook.
local function both(logging, own)
  if not own then return logging end
  return function(event)
    pcall(logging, event)
    return own(event)
  end
end

--- Adds the hooks of a log, unless the program gives a log itself, or has no library `io`.
-- @tparam Hooks on the program's own; is not changed
-- @tparam string level the value of HOOPAI_LOG
-- @tparam function is_wanted is called with the name of a hook of the log
-- @treturn Hooks
function environment.add(on, level, is_wanted)
  local log_options = LEVELS[lower(level)]
  if not log_options then complain() end
  if not log_options or has_log(on) then return on end
  local ok, logging = pcall(log, log_options)
  if not ok then return on end
  local all = {}
  for name, hook in pairs(on) do
    all[name] = hook
  end
  for name, hook in pairs(logging) do
    if is_wanted(name) then all[name] = both(hook, on[name]) end
  end
  return all
end

return environment
