--- Programs in a pseudo terminal, used as a person uses them: see spec/support/python/terminal.py.

local child = require "spec.support.child"
local cjson = require "cjson"
local python = require "spec.support.python"

local pseudo_terminal = {}

--- Runs a program to its end, or raises.
-- @tparam table job `argv`, `columns` (80), `lines` (24), `set` and `unset` of the environment, `redirect` (descriptor
-- as a text -> path) and `steps`: list of { wait = text, request = "POST /path", echo = true, send = text,
-- signal = "SIGTERM", release = true }; `request` and `release` need `sandbox`, with its `url` and `control_token`
-- @treturn table output, how ("exit" or "signal"), code, echo_before, echo_noted (list), echo_after
function pseudo_terminal.run(job) return cjson.decode(python.run("terminal.py", cjson.encode(job))) end

--- The same for a Lua script. The variables that change what the command prints are unset first.
-- @tparam string source
-- @tparam[opt] table job without `argv`
function pseudo_terminal.lua(source, job)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  assert(file:write(source))
  assert(file:close())
  job = job or {}
  job.argv = { child.interpreter(), path }
  job.unset = job.unset or { "COLUMNS", "LINES", "NO_COLOR" }
  job.set = job.set or { TERM = "xterm" }
  local ok, result = pcall(pseudo_terminal.run, job)
  os.remove(path)
  if not ok then error(result, 2) end
  return result
end

return pseudo_terminal
