--- A local HighLevel server for trying automations without an account.
--
-- It speaks HTTP, keeps its state in memory and responds with the quirks of the live API. It has every endpoint of this
-- library. The data that it starts with is described in `hoopai.sandbox.domain.seed`.
--
--     local sandbox = require "hoopai.sandbox"
--     local clinic <close> = sandbox.start()
--     local client = hoopai.new { base_url = clinic.url, token = clinic.token, location_id = clinic.location_id }
--     print(client.calendars:get(clinic.seed.calendars.checkup).name)
--
-- From a shell:
--
--     lua5.4 -e 'require("hoopai.sandbox").serve { port = 8080 }'
--     lua5.4 -e 'require("hoopai.sandbox").serve { run = arg }' lua5.4 script.lua
--
-- It has the endpoints of OAuth too, with strict rotation: a refresh token works once. All fields of the option `oauth`
-- are optional:
--
--     client_id, client_secret   default: random ones
--     redirect_uri               the only allowed redirect_uri; default: any
--     expires_in                 lifetime of access tokens in seconds of the sandbox's clock: 86399
--     refresh_expires_in         lifetime of refresh tokens in seconds: a year
--     rate                       exchanges per minute: 5; or { max, interval_ms }; or false
--     grace_seconds              time in which a used refresh token returns the same new tokens again: 0
--     revoke_on_reuse            true: the reuse of a refresh token revokes all tokens of its sign-in
--     camel_case                 true: responses are spelt as in version v3
--     locations                  number of further, empty locations of the agency: 0
--     mark                       letters and digits in every generated secret, to search for
--
-- `/v2/oauth/chooselocation` redirects the browser at once. The parameter `sandbox_pick` of its address is the choice
-- of the person: a location id, "company" (the agency) or "deny". Without it the code is for the main location, or for
-- the agency if the exchange has `user_type=Company`.
--
-- The sandbox is a separate process and needs the rock `http` (lua-http) in addition to this library. It listens on the
-- loopback interface alone, and it ends with the process that started it.
-- @module hoopai.sandbox

local lazy = require "hoopai.lazy" -- first: in an older Lua it says which one is needed

local errors = require "hoopai.errors"
local options = require "hoopai.sandbox.server.options"
local ipc = require "hoopai.sandbox.server.ipc"
local runner = require "hoopai.sandbox.runner"

local format, gsub, match = string.format, string.gsub, string.match
local error, getmetatable, pairs, pcall, require = error, getmetatable, pairs, pcall, require
local setmetatable, sort, type = setmetatable, table.sort, type
local io, os, package = io, os, package

local sandbox = {}

local START_TIMEOUT = 10

-- The program of the new process. The first line of its standard input has the options.
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

-- What a sandbox may lack, by its options and after `stop`.
local OPTIONAL = { ca_file = true, control_token = true, pipe = true, webhook_key = true }

-- A nil would go unnoticed: with `base_url = sandbox.base_url` a client would call the live API.
function Handle.__index(self, name)
  local method = Handle[name]
  if method or OPTIONAL[name] then return method end
  local members = { "control", "stop" }
  for member in pairs(self) do
    members[#members + 1] = member ~= "pipe" and member or nil
  end
  sort(members)
  return errors.refuse_name("handle", "a sandbox has no", name, members)
end

-- Makes a wrong name of the seed data an error.
local function refuse_names(what, data)
  for key, value in pairs(data) do
    if type(value) == "table" and type(key) == "string" then refuse_names(what .. "." .. key, value) end
  end
  if #data > 0 then return data end
  return setmetatable(data, {
    __index = function(self, name) return errors.refuse_name("seed", what .. " has no", name, self) end,
  })
end

-- Calls a function, then another one, whatever happens; returns the two results of the first. (An older Lua, which is
-- to read this file, has no to-be-closed variables.)
local function finally(fn, cleanup)
  local ok, first, second = pcall(fn)
  cleanup()
  if not ok then error(first, 0) end
  return first, second
end

-- The interpreter of this program, from the table `arg`, which hosts that embed Lua do not have.
local function this_interpreter()
  local words = _G.arg
  if type(words) ~= "table" then return "lua5.4" end
  local lowest = 0
  while type(words[lowest - 1]) == "string" do
    lowest = lowest - 1
  end
  return lowest < 0 and words[lowest] or "lua5.4"
end

-- The core may be unloadable in this program: its interpreter can differ from that of the sandbox.
local function new_sleep()
  local ok, core = pcall(lazy.c_module, "hoopai.core")
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

-- The shell outlives the interpreter: it reports a missing or failed interpreter, and reads the rest of the pipe, so
-- that writing to the pipe raises no SIGPIPE.
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
    lua = lua or this_interpreter(),
    bootstrap = BOOTSTRAP,
    report = report,
  }
  words.missing = ipc.dump { error = "the interpreter " .. words.lua .. " was not found" }
  -- Another interpreter takes its search paths from the environment, which -E ignores.
  local command = lua and gsub(COMMAND, " %-E", "") or COMMAND
  return (gsub(command, "@(%l+)", function(name) return runner.quote(words[name]) end))
end

-- The functions hold a weak reference: the process is stopped when the handle is collected.
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

-- Starts the process. Returns what it reports, with the other end of its input in `pipe`; or nil and the problem.
local function launch(checked)
  local named = os.getenv "HOOPAI_SANDBOX_LUA"
  if not checked.interpreter and named == "" then
    return nil, "the environment variable HOOPAI_SANDBOX_LUA is empty: give it a value, or unset it"
  end
  local report = os.tmpname()
  local lua = checked.interpreter or named
  local setup = { options = checked, report = report }
  checked.interpreter = nil
  if not lua then
    setup.path, setup.cpath = package.path, package.cpath
  end
  local facts, pipe = finally(function()
    local pipe = assert(io.popen(command_line(lua, report), "w"))
    pipe:write(ipc.dump(setup), "\n")
    pipe:flush()
    return wait_for_report(report), pipe
  end, function() os.remove(report) end)
  if facts.error then
    pipe:close()
    return nil, facts.error
  end
  facts.pipe = pipe
  return facts
end

-- Calls the function `seed` of the options. What it adds is sent to the process as records.
local function take_seed(checked)
  local seed = checked.seed
  checked.seed = nil
  if not seed then return end
  checked.records, checked.seeded_at = require("hoopai.sandbox.world").build(checked, seed, refuse_names)
end

--- A running sandbox. It stops when it is closed or collected as garbage.
-- @table Sandbox
-- @tfield string url for `base_url` of `hoopai.new`
-- @tfield integer port
-- @tfield string token the token that it accepts
-- @tfield string location_id the location of the token
-- @tfield table seed the identifiers of the data at the start, see `hoopai.sandbox.domain.seed`; with `many` those of
-- `hoopai.sandbox.domain.many` in its field `many`
-- @tfield table tokens by name: `main`, `other_location`, `readonly`, `agency`, and those of the options
-- @tfield[opt] string ca_file with `tls`: for `ca_file` of `hoopai.new`
-- @tfield[opt] string control_token with `control`: the token of the admin interface
-- @tfield[opt] string webhook_key the public key of its webhooks, for `keys` of `hoopai.webhook`; there is none without
-- hoopai.crypto
-- @tfield table oauth the app to sign in to: `client_id`, `client_secret`, `app_id`, `company_id`, `authorize_url`,
-- `redirect_uri` (that of the options), `locations` (ids), and with `control` two functions: `code{...}` returns an
-- authorization code, `grant{...}` signs in without a code and returns the response of the token endpoint. Both take
-- `class` (the user type: "Location" or "Company"), `location_id` and `scopes` (a list); `code` also takes
-- `redirect_uri` and `challenge` (PKCE)

--- Starts a sandbox and waits until it serves.
-- @tparam ?table given the options
-- @tparam ?integer given.port default: a free one
-- @tparam ?boolean given.tls https with HTTP/2; the certificate authority is in `ca_file` of the sandbox
-- @tparam ?integer|instant given.now milliseconds (or a `hoopai.time` value) of a clock that stands still; default: the
-- clock of the system
-- @tparam ?table|boolean given.rate_limit `{ max = 100, interval_ms = 10000, daily = 200000 }`; false: no limit
-- @tparam ?integer given.latency_ms wait before each request is handled
-- @tparam ?integer given.delay_ms wait before each response is sent
-- @tparam ?string given.get_envelope "appointment" (default) or "event": the envelope of one appointment
-- @tparam ?boolean given.strict_block_slots false: accept block slots on calendars of any type
-- @tparam ?string given.token the token to accept; default: a random one
-- @tparam ?table given.tokens more tokens: name -> `{ token, location_id, scopes (a list), class }`
-- @tparam ?string given.zone the time zone of the clinic and of its data, such as "Europe/Berlin"; default: New York
-- @tparam ?function given.seed called with a `world`, whose methods add contacts, users, calendars and other records,
-- see `hoopai.sandbox.world`
-- @tparam ?boolean given.empty true: begin with the clinic alone, without its staff, contacts, calendars and bookings
-- @tparam ?integer given.many add so many of everything, for more than one page, see `hoopai.sandbox.domain.many`
-- @tparam ?integer given.random_seed another number gives other ids
-- @tparam ?boolean given.control enable the admin interface for specs, see `hoopai.sandbox.server.admin`
-- @tparam ?table given.oauth the app to sign in to, as described above
-- @tparam ?table given.webhooks where webhooks of all changes are sent to (`url`), and how, see
-- `hoopai.sandbox.webhooks`
-- @tparam ?string given.interpreter the command that runs the sandbox, for programs whose interpreter lacks the rock
-- `http`. It finds its modules by its own environment. Default: HOOPAI_SANDBOX_LUA, else the interpreter of this
-- program with the search paths of this program
-- @treturn Sandbox
-- @raise for an unknown or wrong option, and if the sandbox does not start
function sandbox.start(given)
  local checked = options.check(given, options.server)
  take_seed(checked)
  local facts, problem = launch(checked)
  if not facts then error("the sandbox did not start: " .. problem, 2) end
  facts.first = nil
  refuse_names("sandbox.seed", facts.seed)
  local handle = setmetatable(facts, Handle)
  add_oauth_functions(handle)
  return handle
end

--- Serves until Ctrl-C, after printing `export` lines for a shell; or runs a program against a sandbox and ends this
-- process as the program ended.
--
-- The variables are those that the library and its examples read (`HOOPAI_BASE_URL`, `HOOPAI_TOKEN`,
-- `HOOPAI_LOCATION_ID`, `HOOPAI_CA_FILE` with `tls`; for a sign-in `HOOPAI_COMPANY_ID`, `HOOPAI_CLIENT_ID`,
-- `HOOPAI_CLIENT_SECRET`, `HOOPAI_REDIRECT_URI` and `HOOPAI_AUTHORIZE_HOST`), and ids for scripts: `CONTACT_ID`,
-- `USER_ID`, `CALENDAR_ID` and `APPOINTMENT_ID`.
-- @tparam ?table given options as for @{start}
-- @tparam ?string|table given.run the program: a command of the shell, or a list of words; also the table `arg`, as in
-- `lua5.4 -e 'require("hoopai.sandbox").serve { run = arg }' lua5.4 script.lua`, or in a script of one's own: then the
-- program is what follows the name of that script. The program gets the variables in its environment, and the input
-- and output of this process. Ctrl-C ends both. The exit status is the program's, or 128 and the number of the signal
-- that ended it; the sandbox has ended before
-- @raise for an unknown or wrong option, and if the sandbox does not start
function sandbox.serve(given)
  local checked = options.check(given, options.serve)
  local run = checked.run
  checked.run = nil
  take_seed(checked)
  if run == nil then
    require("hoopai.sandbox.server").serve(checked)
    return
  end
  local facts, problem = launch(checked)
  if not facts then error("the sandbox did not start: " .. problem, 2) end
  local handle = setmetatable(facts, Handle)
  local status = finally(function() return runner.run(run, runner.variables(facts)) end, function() handle:stop() end)
  os.exit(status, true)
end

--- Stops the sandbox; a second time does nothing.
-- @treturn boolean true
function Handle:stop()
  if getmetatable(self) ~= Handle then errors.raise("call it with a colon: sandbox:stop()") end
  local pipe = self.pipe
  if not pipe then return true end
  self.pipe = nil
  -- A line ends the sandbox even if another process has inherited this end of the pipe.
  pipe:write("stop\n")
  pipe:close()
  if self.ca_file then os.remove(self.ca_file) end
  return true
end

Handle.__close, Handle.__gc = Handle.stop, Handle.stop

function Handle:__tostring() return format("hoopai.Sandbox (%s)", self.pipe and self.url or "stopped") end

local READ_ONLY = { requests = true, bookings = true, webhooks = true, oauth = true, ["oauth/counts"] = true }

--- Sends a request to the admin interface of a sandbox that was started with `control = true`.
-- @tparam string name "requests", "bookings", "reset", "add", "delay", "clock", "token", "rate_limit", "webhooks",
-- "webhooks/...", "oauth" or "oauth/..."
-- @tparam ?table body of the request, see `hoopai.sandbox.server.admin`
-- @treturn table the response
-- @raise when the response is an error
function Handle:control(name, body)
  if getmetatable(self) ~= Handle then errors.raise("call it with a colon: sandbox:control(name, body)") end
  if not self.control_token then
    errors.raise("sandbox:control needs a sandbox that was started with control = true")
  end
  local core = lazy.c_module "hoopai.core"
  local multi = core.multi { ca_file = self.ca_file }
  local request = core.request {
    method = READ_ONLY[name] and "GET" or "POST",
    url = self.url,
    headers = { "Content-Type: application/json" },
    at_most_once = true,
  }
  local status, text = finally(function()
    local transfer = multi:send(
      request,
      "/__sandbox/" .. name,
      core.secret(self.control_token or "none"),
      not READ_ONLY[name] and core.encode(body or {}) or nil,
      10
    )
    while transfer:state() ~= "done" do
      multi:wait(multi:timeout())
      multi:step()
    end
    local status, _, problem = transfer:result()
    return status, problem or transfer:body()
  end, function() multi:close() end) -- its transfer too
  if status ~= 200 then error(format("sandbox control %s: %s", name, text), 2) end
  return core.decode(text)
end

errors.check_dots(sandbox, "hoopai.sandbox.", { start = true, serve = true })
setmetatable(sandbox, {
  __index = function(self, name) return errors.refuse_name("sandbox", "hoopai.sandbox has no", name, self) end,
  __call = function() errors.raise('hoopai.sandbox is no function: write require("hoopai.sandbox").start()') end,
})
---@cast sandbox hoopai.sandbox
return sandbox
