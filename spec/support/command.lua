--- Runs the command `hoopai` as a person does: in a process of its own, with the variables of a sandbox.

local child = require "spec.support.child"
local lfs = require "lfs"
local sandboxes = require "hoopai.sandbox"

local quote = child.quote

local command = {}

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end
command.read = read

--- A new folder, by its path.
function command.folder()
  local path = os.tmpname()
  assert(os.remove(path))
  assert(lfs.mkdir(path))
  return path
end

--- Removes a folder and what is in it.
function command.remove(path) assert(os.execute("rm -rf " .. quote(path))) end

local Home = {}
Home.__index = Home

--- The settings and the sandbox of a user.
-- @tparam[opt] table options of the sandbox; false: no sandbox
-- @treturn table `folder` (XDG_CONFIG_HOME and HOME) and `sandbox`
function command.home(options)
  local sandbox = options ~= false and sandboxes.start(options) or nil
  return setmetatable({ folder = command.folder(), sandbox = sandbox }, Home)
end

function Home:close()
  if self.sandbox then self.sandbox:stop() end
  command.remove(self.folder)
end

--- The environment of the command, as words of `env`.
function Home:environment(variables)
  local set = { XDG_CONFIG_HOME = self.folder, HOME = self.folder, COLUMNS = "80", TZ = "UTC" }
  local sandbox = self.sandbox
  if sandbox then
    set.HOOPAI_BASE_URL, set.HOOPAI_TOKEN = sandbox.url, sandbox.token
    set.HOOPAI_LOCATION_ID = sandbox.location_id
  end
  for name, value in pairs(variables or {}) do
    set[name] = value
  end
  local words = { "env" }
  for _, name in ipairs { "HOOPAI_PROFILE", "HOOPAI_LOG", "HOOPAI_TOKEN", "HOOPAI_BASE_URL", "HOOPAI_LOCATION_ID" } do
    words[#words + 1] = "-u " .. name
  end
  for name, value in pairs(set) do
    if value then words[#words + 1] = name .. "=" .. quote(value) end
  end
  return table.concat(words, " ")
end

--- The words of a shell that run the command.
function Home:line(words, variables)
  local line = { self:environment(variables), quote(child.server_interpreter()), "bin/hoopai" }
  for _, word in ipairs(words) do
    line[#line + 1] = quote(word)
  end
  return table.concat(line, " ")
end

--- Runs the command to its end.
-- @tparam table words
-- @tparam[opt] table given `input` (a text), `variables` (name -> value, false to unset), `output` (a path, such as
-- /dev/full)
-- @treturn string what it printed
-- @treturn string what it printed on stderr
-- @treturn integer its exit status
function Home:run(words, given)
  given = given or {}
  local out, err, input = os.tmpname(), os.tmpname(), os.tmpname()
  local file = assert(io.open(input, "wb"))
  file:write(given.input or "")
  file:close()
  local line = self:line(words, given.variables)
  local _, how, code = os.execute(("%s <%s >%s 2>%s"):format(line, input, quote(given.output or out), err))
  local output, errors = read(out), read(err)
  for _, path in ipairs { out, err, input } do
    os.remove(path)
  end
  return output, errors, how == "signal" and 128 + code or code
end

--- The requests so far that change something: a list of "PUT /calendars/...". For a sandbox with `control`.
function Home:writes()
  local found = {}
  for _, request in ipairs(self.sandbox:control("requests").requests) do
    if request.method ~= "GET" then found[#found + 1] = request.method .. " " .. request.path end
  end
  return found
end

return command
