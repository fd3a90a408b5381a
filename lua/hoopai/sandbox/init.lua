--- A local HighLevel server for trying automations without an account.
--
-- It speaks real HTTP, keeps real state (in memory) and answers with the quirks of the live API; every endpoint this
-- library knows is there. What it begins with is described in `hoopai.sandbox.domain.seed`.
--
--     local sandbox = require "hoopai.sandbox"
--     local clinic <close> = sandbox.start()
--     local client = hoopai.new { base_url = clinic.url, token = clinic.token, location_id = clinic.location_id }
--     print(client.calendars:get(clinic.seed.calendars.checkup).name)
--
-- From a shell:
--
--     lua5.4 -e 'require("hoopai.sandbox").serve { port = 8080 }'
--
-- It has the endpoints of OAuth too, under rules as strict as can be: a refresh token works once. The option `oauth`
-- takes, all of it optional:
--
--     client_id, client_secret   made up without
--     redirect_uri               the only address to be sent back to; any without
--     expires_in                 seconds that access tokens live by the sandbox's clock: 86399
--     refresh_expires_in         seconds that refresh tokens live: a year
--     rate                       exchanges per minute: 5; or { max, interval_ms }; or false
--     grace_seconds              how long a used refresh token still gets its successor once more: 0
--     revoke_on_reuse            true: a refresh token used twice ends all that came from its sign-in
--     camel_case                 true: answers are spelt as in version v3
--     locations                  how many more locations the agency has, empty ones: 0
--     mark                       letters and digits in every secret that is made up, for finding it again
--
-- A person's browser is sent back from `/v2/oauth/chooselocation` at once. Whom it stands for can be said in one more
-- parameter: `sandbox_pick` is a location id, "company" (the agency) or "deny"; without it the code is for the main
-- location, or for the agency where the exchange says `user_type=Company`.
--
-- The sandbox is a process of its own and needs the rock `http` (lua-http) besides this library. It only listens on
-- the loopback interface, and it ends with the process that started it, however that one ends.
-- @module hoopai.sandbox

local options = require "hoopai.sandbox.server.options"
local ipc = require "hoopai.sandbox.server.ipc"

local format, gsub, match = string.format, string.gsub, string.match
local error, pcall, require, setmetatable, type = error, pcall, require, setmetatable, type
local io, os, package = io, os, package

local sandbox = {}

local START_TIMEOUT = 10

-- What the new process runs: it learns the rest from the first line of its standard input.
local BOOTSTRAP = [[
local setup = load("return " .. io.read("L"), "=setup", "t", {})()
if setup.path then package.path, package.cpath = setup.path, setup.cpath end
local ok, problem = pcall(function() require("hoopai.sandbox.server").child(setup) end)
if not ok then
  local file = assert(io.open(setup.report, "r+"), problem)
  file:write(string.format("{error=%q}", (tostring(problem):gsub("%c+", " "))), "\n")
  file:close()
  os.exit(1)
end]]

local Handle = { __name = "hoopai.Sandbox" }
Handle.__index = Handle

local function shell_quote(text)
  return "'" .. gsub(text, "'", "'\\''") .. "'"
end

-- The interpreter of this program, where it is known; hosts that embed Lua have none.
local function own_interpreter()
  local words = _G.arg
  if type(words) ~= "table" then return "lua5.4" end
  local lowest = 0
  while type(words[lowest - 1]) == "string" do lowest = lowest - 1 end
  return lowest < 0 and words[lowest] or "lua5.4"
end

-- Sleeping without burning the processor, with the C core or without.
local function new_sleep()
  local ok, core = pcall(require, "hoopai.core")
  if ok and core.sleep then return core.sleep end
  return function(seconds) os.execute("sleep " .. seconds) end
end

local function read_line(path)
  local file = io.open(path, "r")
  local line = file and file:read("L")
  if file then file:close() end
  return line and match(line, "^(.*)\n$")
end

local function wait_for_report(path)
  local sleep, started, pace = new_sleep(), os.time(), 0.005
  repeat
    local line = read_line(path)
    if line then return ipc.load(line) or { error = "the report cannot be read: " .. line } end
    sleep(pace)
    pace = pace < 0.05 and pace * 1.5 or pace
  until os.time() - started > START_TIMEOUT
  return { error = format("no sign of life in %d seconds", START_TIMEOUT) }
end

-- The shell stays: should the interpreter be missing or fail, it says so in the report and keeps our pipe whole.
local COMMAND = [[
if command -v @lua >/dev/null; then
  @lua -E -e @bootstrap && exit
  status=$?
  [ -e @report ] && echo "{error=\"its process ended with status $status\"}" >>@report
else
  echo @missing >>@report
fi
cat >/dev/null]]

local function command_line(lua, report)
  local words = {
    lua = lua or own_interpreter(), bootstrap = BOOTSTRAP, report = report,
  }
  words.missing = ipc.dump { error = "the interpreter " .. words.lua .. " was not found" }
  -- Another interpreter has search paths in its environment, which -E would ignore.
  local command = lua and gsub(COMMAND, " %-E", "") or COMMAND
  return (gsub(command, "@(%l+)", function(name) return shell_quote(words[name]) end))
end

-- They must not keep the handle alive: it is its end that stops the process.
local function add_oauth_functions(handle)
  local weak = setmetatable({ handle = handle }, { __mode = "v" })
  local function through(name)
    return function(given)
      if not weak.handle then error("the sandbox has stopped", 2) end
      return weak.handle:control(name, given)
    end
  end
  local new_code = through "oauth/code"
  function handle.oauth.code(given) return new_code(given).code end
  handle.oauth.grant = through "oauth/grant"
end

--- A running sandbox. It stops when it is closed or collected.
-- @table Sandbox
-- @tfield string url for `base_url` of `hoopai.new`
-- @tfield integer port
-- @tfield string token the token it accepts
-- @tfield string location_id the location the token is for
-- @tfield table seed the identifiers of what it began with, see `hoopai.sandbox.domain.seed`
-- @tfield table tokens by name: `main`, `other_location`, `readonly`, `agency`, and those of the options
-- @tfield[opt] string ca_file with `tls`: for `ca_file` of `hoopai.new`
-- @tfield[opt] string control_token with `control`: opens the back door
-- @tfield table oauth the app that can be signed in to: `client_id`, `client_secret`, `app_id`, `company_id`,
-- `authorize_url`, `locations` (ids), and with `control` two functions: `code{...}` makes an authorization code,
-- `grant{...}` signs in without one and returns the answer of the token endpoint; both take `class` ("Location" or
-- "Company"), `location_id`, `scopes` (a list), the first `redirect_uri` and `challenge` (PKCE) as well

--- Starts a sandbox and waits until it serves.
-- @tparam ?table given the options
-- @tparam ?integer given.port a free one without
-- @tparam ?boolean given.tls https with HTTP/2, under an authority of its own: see `ca_file`
-- @tparam ?integer|instant given.now milliseconds (or a `hoopai.time` value) at which its clock stands still; it runs
-- without
-- @tparam ?table|boolean given.rate_limit `{ max = 100, interval_ms = 10000, daily = 200000 }`; false: no limit
-- @tparam ?integer given.latency_ms how long each request waits before it is handled
-- @tparam ?integer given.delay_ms how long each answer waits before it is sent
-- @tparam ?string given.get_envelope "appointment" (default) or "event": how one appointment is wrapped
-- @tparam ?boolean given.strict_block_slots false: take block slots on calendars that are no event calendars
-- @tparam ?string given.token the token to accept; a made-up one without
-- @tparam ?table given.tokens more tokens: name -> `{ token, location_id, scopes (a list), class }`
-- @tparam ?integer given.random_seed other new ids with another number
-- @tparam ?boolean given.control open the back door for specs, see `hoopai.sandbox.server.admin`
-- @tparam ?table given.oauth the app that can be signed in to, as described above
-- @tparam ?string given.interpreter the command that runs the sandbox, where the interpreter of this program lacks the
-- rock `http`; it finds its modules by its own environment. Without: HOOPAI_SANDBOX_LUA, else the interpreter of this
-- program with the search paths of this program
-- @treturn Sandbox
-- @raise for an unknown or wrong option, and when the sandbox does not start
function sandbox.start(given)
  local checked = options.check(given, options.server)
  local report = os.tmpname()
  local _ <close> = setmetatable({}, { __close = function() os.remove(report) end })
  local lua = checked.interpreter or os.getenv "HOOPAI_SANDBOX_LUA"
  local setup = { options = checked, report = report }
  checked.interpreter = nil
  if not lua then setup.path, setup.cpath = package.path, package.cpath end
  local pipe = assert(io.popen(command_line(lua, report), "w"))
  pipe:write(ipc.dump(setup), "\n")
  pipe:flush()
  local facts = wait_for_report(report)
  if facts.error then
    pipe:close()
    error("the sandbox did not start: " .. facts.error, 2)
  end
  facts.pipe = pipe
  local handle = setmetatable(facts, Handle)
  add_oauth_functions(handle)
  return handle
end

--- Serves in this process until Ctrl-C, after printing `export` lines for a shell.
-- @tparam ?table given options as for @{start}
-- @raise for an unknown or wrong option
function sandbox.serve(given)
  local checked = options.check(given, options.server)
  require("hoopai.sandbox.server").serve(checked)
end

--- Stops the sandbox; a second time does nothing.
-- @treturn boolean true
function Handle:stop()
  local pipe = self.pipe
  if not pipe then return true end
  self.pipe = nil
  -- Should another process have inherited the pipe, closing our end would not be noticed: hence the word.
  pipe:write("stop\n")
  pipe:close()
  if self.ca_file then os.remove(self.ca_file) end
  return true
end

Handle.__close, Handle.__gc = Handle.stop, Handle.stop

function Handle:__tostring()
  return format("hoopai.Sandbox (%s)", self.pipe and self.url or "stopped")
end

local ASKING = { requests = true, bookings = true, oauth = true, ["oauth/counts"] = true }

--- Uses the back door of a sandbox that was started with `control = true`.
-- @tparam string name "requests", "bookings", "reset", "delay", "clock", "token", "rate_limit", "oauth" or "oauth/..."
-- @tparam ?table body what the name takes, see `hoopai.sandbox.server.admin`
-- @treturn table the answer
-- @raise when the answer is a refusal
function Handle:control(name, body)
  local core = require "hoopai.core"
  local multi <close> = core.multi { ca_file = self.ca_file }
  local transfer <close> = multi:add {
    method = ASKING[name] and "GET" or "POST", url = self.url .. "/__sandbox/" .. name,
    headers = { "Content-Type: application/json" }, token = core.secret(self.control_token or "none"),
    body = not ASKING[name] and core.encode(body or {}) or nil, timeout = 10, once = true,
  }
  while transfer:state() ~= "done" do
    multi:wait(multi:timeout())
    multi:step()
  end
  local status, _, problem = transfer:result()
  if status ~= 200 then error(format("sandbox control %s: %s", name, problem or transfer:body()), 2) end
  return core.decode(transfer:body())
end

return sandbox
