--- Child processes of the specs.

local io_popen, os_execute, os_getenv, os_remove, os_tmpname = io.popen, os.execute, os.getenv, os.remove, os.tmpname
local socket = require "socket"

local child = {}

--- A word of a shell command, whatever is in it.
function child.quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

--- The interpreter that runs the specs.
function child.interpreter()
  local first = -1
  while arg and arg[first - 1] do
    first = first - 1
  end
  return arg and arg[first] or os_getenv("LUA") or "lua5.4"
end

--- The interpreter that runs the servers of the specs: another one where Debian lacks their modules for ours.
function child.server_interpreter() return os_getenv "HOOPAI_SANDBOX_LUA" or child.interpreter() end

local function environment(variables)
  local words = { "env" }
  for _, name in ipairs(variables.unset or {}) do
    words[#words + 1] = "-u " .. name
  end
  for name, value in pairs(variables.set or {}) do
    words[#words + 1] = name .. "=" .. child.quote(value)
  end
  return table.concat(words, " ")
end

local function write_script(source)
  local name = os_tmpname()
  local file = assert(io.open(name, "w"))
  assert(file:write(source))
  assert(file:close())
  return name
end

local Child = {}
Child.__index = Child

--- Starts a Lua script as a child whose output (both kinds) is read by `finish`.
-- @tparam string source of the script
-- @tparam[opt] table variables `set` (name -> value) and `unset` (names) of its environment
function child.start(source, variables)
  local self = setmetatable({ script = write_script(source), pid_file = os_tmpname() }, Child)
  -- The shell writes its process id and then becomes the interpreter.
  local command = ("echo $$ > %s; exec %s %s %s 2>&1"):format(
    child.quote(self.pid_file),
    environment(variables or {}),
    child.quote(child.interpreter()),
    child.quote(self.script)
  )
  self.output = assert(io_popen(command, "r"))
  return self
end

--- The process id; bounded wait until it is known.
function Child:pid()
  local deadline = socket.gettime() + 10
  repeat
    local file = assert(io.open(self.pid_file))
    local pid = file:read("l")
    file:close()
    if pid then return pid end
    socket.sleep(0.002)
  until socket.gettime() > deadline
  error("the child did not start")
end

--- Sends a signal, e.g. "INT".
function Child:signal(name) assert(os_execute(("kill -%s %s"):format(name, self:pid()))) end

--- Waits for the end. Returns what it printed, whether it succeeded, and how it ended ("exit" or "signal", number).
function Child:finish()
  local text = self.output:read("a")
  local ok, how, code = self.output:close()
  os_remove(self.script)
  os_remove(self.pid_file)
  return text, ok or false, how, code
end

--- Runs a Lua script to its end.
function child.run(source, variables) return child.start(source, variables):finish() end

return child
