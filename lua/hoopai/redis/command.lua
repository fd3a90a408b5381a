--- How modules that keep something in Redis use the option `call`: its checks, and its results.
local errors = require "hoopai.errors"

local format, huge, pcall, tonumber, type = string.format, math.huge, pcall, tonumber, type

local command = {}

--- The checks of the options `call` and `prefix`, for hoopai.options.
command.checks = {
  call = function(value) return type(value) ~= "function" and "a function" or nil end,
  prefix = function(value) return (type(value) ~= "string" or value == "") and 'a string such as "hoopai:"' or nil end,
}

--- The check of an option that is a time limit.
function command.check_seconds(value)
  local ok = type(value) == "number" and value > 0 and value < huge
  return not ok and "a number of seconds above 0" or nil
end

--- Raises wrong use without `call`.
-- @tparam string what the function whose options these are
-- @tparam table options
function command.need_call(what, options)
  if not options.call then errors.raise(format("%s needs the option `call`", what)) end
end

--- The result of a command; or nil and a problem, if there is one. What `call` raises counts as a problem.
-- @tparam function call
-- @param ... the command
function command.send(call, ...)
  local ok, result, problem = pcall(call, ...)
  if not ok then return nil, errors.report(result) end
  if result == nil and problem ~= nil then return nil, errors.report(problem) end
  return result
end

--- The result of a script whose result is a number; or nil and a problem.
-- @tparam function call
-- @param ... the script and what follows it
-- @treturn[1] number
-- @treturn[2] nil
-- @treturn[2] string
function command.number(call, ...)
  local result, problem = command.send(call, "EVAL", ...)
  local number = tonumber(result)
  if number then return number end
  return nil, problem or format("`call` returned %s for an integer of Redis", type(result))
end

return command
