--- The process around the application: an HTTP server on the loopback interface.
--
-- One thread, one event loop: a request is handled to its end before the next one begins, so that exactly one of two
-- bookings of a slot succeeds. Only reading, writing and the configured delays overlap.
-- @module hoopai.sandbox.server

local application = require "hoopai.sandbox.server.application"
local oauth = require "hoopai.sandbox.oauth"
local ipc = require "hoopai.sandbox.server.ipc"
local runner = require "hoopai.sandbox.runner"

local find, format, match, sub = string.find, string.format, string.match, string.sub
local error, ipairs, pairs, pcall, require, tostring = error, ipairs, pairs, pcall, require, tostring
local io, os, package = io, os, package
local min = math.min

local server = {}

-- Debian installs lua-http for older versions of Lua alone. Its files run unchanged on Lua 5.4.
local DEBIAN = ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;/usr/share/lua/5.1/?.lua"

local WRITE_TIMEOUT = 30
local LONGEST_STEP = 50 -- ms after which a delay is looked at again

local function require_http()
  local ok, module = pcall(require, "http.server")
  if not ok and not find(package.path, DEBIAN, 1, true) then
    package.path = package.path .. DEBIAN
    ok, module = pcall(require, "http.server")
  end
  if ok then return module end
  error(
    'the sandbox needs the rock "http" (lua-http), which the library itself does not: '
      .. "`luarocks install http`, or on Debian `apt-get install lua-http`; "
      .. tostring(module),
    0
  )
end

-- Reads a request of the application from a stream of lua-http.
local function read_request(stream)
  local headers = stream:get_headers()
  if not headers then return nil end
  local request = { method = headers:get ":method", headers = {} }
  for name, value in headers:each() do
    if not find(name, "^:") then request.headers[name] = value end
  end
  request.path, request.query_string = match(headers:get ":path" or "/", "^([^?]*)%??(.*)$")
  request.body = stream:get_body_as_string()
  return request
end

-- Returns whether the whole response was written. No header is indexed: lua-http 0.4 wrongly encodes an HPACK index
-- that exactly fills its prefix (RFC 7541, section 5.1), and clients close the connection.
local function write_response(stream, response, method)
  local headers = require("http.headers").new()
  headers:append(":status", tostring(response.status), true)
  for name, value in pairs(response.headers) do
    headers:append(name, value, true)
  end
  headers:append("content-length", tostring(#response.body), true)
  local is_head = method == "HEAD"
  if stream.state == "closed" then return false end -- the client reset the stream: lua-http would raise an error
  if not stream:write_headers(headers, is_head, WRITE_TIMEOUT) then return false end
  if is_head then return true end
  if response.truncate then
    stream:write_chunk(sub(response.body, 1, #response.body // 2), false, WRITE_TIMEOUT)
    return false
  end
  return stream:write_chunk(response.body, true, WRITE_TIMEOUT) ~= nil
end

-- Closes the connection of a stream, with all its streams.
local function disconnect(stream)
  local socket = stream.connection.socket
  if socket then socket:shutdown("rw") end
end

-- Whether the client has closed the connection or the stream, as far as the server has received it.
local function is_gone(stream)
  local socket = stream.connection.socket
  if not socket or stream.state == "closed" then return true end
  -- On an HTTP/2 connection lua-http reads all the time, so the end was received already.
  if stream.connection.version >= 2 then return socket:eof("r") end
  local ok, _, code = socket:fill(1, 0)
  return not ok and code ~= require("cqueues.errno").ETIMEDOUT
end

-- The ledger has which responses of the token endpoints did not reach the client.
local function send(stream, response, method, authorization_server)
  local was_gone = response.entry and is_gone(stream)
  local sent = not response.drop and write_response(stream, response, method)
  if response.drop or response.truncate then disconnect(stream) end
  if response.entry then authorization_server:finish(response.entry, sent and not was_gone) end
end

-- Closes the connection of a request that was not read to its end. lua-http 0.4 waits without end for the rest of a
-- body whose client is gone, and the loop with it.
local function abandon(stream)
  local connection = stream.connection
  if stream.state == "closed" or connection.version >= 2 then return end
  local socket = connection:take_socket()
  if socket then socket:close() end
end

local function pause(ms)
  if ms > 0 then require("cqueues").sleep(ms / 1000) end
end

-- Waits before a response is sent. A delay that ends meanwhile lets the response go.
local function hold(app, request)
  local waited = 0
  while waited < app:delay(request) do
    local step = min(app:delay(request) - waited, LONGEST_STEP)
    pause(step)
    waited = waited + step
  end
end

local function new_handler(app)
  return function(_, stream)
    local request = read_request(stream)
    if not request then return end
    -- The admin interface has no delay, so that a long delay can be reset.
    local is_admin = find(request.path, "^/__sandbox/")
    if not is_admin then pause(app:arrive(request)) end
    local response = app:handle(request)
    if app.fault then
      io.stderr:write("hoopai.sandbox: ", app.fault, "\n")
      app.fault = nil
    end
    if not is_admin then
      hold(app, request)
      pause(response.delay_ms or 0)
    end
    send(stream, response, request.method, app.oauth.server)
    abandon(stream)
  end
end

-- Errors of connections and handshakes are the client's and not reported.
local function on_error(_, _, operation, problem)
  if operation == "onstream" then io.stderr:write("hoopai.sandbox: ", tostring(problem), "\n") end
end

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  assert(file:close())
end

-- The ids of the first contact, user, calendar and appointment of the main location, for a first script.
local function first_ids(app)
  local function first(collection)
    for _, item in ipairs(app.store[collection].items) do
      if item.locationId == app.seed.location_id then return item.id end
    end
  end
  return {
    contact_id = first "contacts",
    user_id = first "users",
    calendar_id = first "calendars",
    appointment_id = first "appointments",
  }
end

--- Opens a sandbox in this process.
-- @tparam table options of the application, plus `port` (0: a free one) and `tls`
-- @treturn table the listening lua-http server, whose `loop` serves
-- @treturn table the fields of a handle: `url`, `port`, `token`, `tokens`, `location_id`, `seed`,
-- `first` (ids for a first script), `ca_file`, `control_token`, `webhook_key`, `oauth`
function server.open(options)
  local http_server = require_http()
  local settings = {}
  for name, value in pairs(options) do
    settings[name] = value
  end
  settings.port, settings.tls = nil, nil
  local app = application.new(settings)
  local context, authority
  if options.tls then
    context, authority = require("hoopai.sandbox.server.certificate").new()
  end
  local listening, problem = http_server.listen {
    host = "127.0.0.1",
    port = options.port or 0,
    tls = context ~= nil,
    ctx = context,
    onstream = new_handler(app),
    onerror = on_error,
    intra_stream_timeout = 120,
    reuseaddr = true,
  }
  if listening then
    require("hoopai.sandbox.server.deliveries").attach(app.webhooks, listening.cq)
    local ok, why = listening:listen()
    if not ok then
      listening, problem = nil, why
    end
  end
  if not listening then error(format("cannot listen on 127.0.0.1:%d: %s", options.port or 0, tostring(problem)), 0) end
  local ca_file
  if authority then
    ca_file = os.tmpname()
    write_file(ca_file, authority)
  end
  local _, _, port = listening:localname()
  local url = format("%s://127.0.0.1:%d", context and "https" or "http", port)
  return listening,
    {
      url = url,
      port = port,
      token = app.token,
      tokens = app.token_names,
      location_id = app.seed.location_id,
      seed = app.seed,
      first = first_ids(app),
      ca_file = ca_file,
      control_token = app.control_token,
      webhook_key = app.webhooks.key,
      oauth = oauth.facts(app, url),
    }
end

-- Serves for ever: an error on one connection must not end the others.
local function serve(listening)
  for problem in listening.cq:errors() do
    on_error(nil, nil, "loop", problem)
  end
end

-- The parent of a process; nil on a system without /proc.
local function parent_of(pid)
  local file = io.open("/proc/" .. pid .. "/stat", "r")
  local line = file and file:read("l")
  if file then file:close() end
  return line and match(line, "^%d+ %(.*%) %S (%d+)")
end

-- Ends this process with the process that started it. That process holds the other end of the standard input, which is
-- closed when it ends. Its other children may have inherited that end and keep it open. So the parent of the shell,
-- which is the parent of this process, is checked as well: it changes when the starting process has ended.
local function end_with_parent(listening, ca_file)
  local cqueues = require "cqueues"
  local shell = parent_of("self")
  local starter = shell and parent_of(shell)
  local function is_orphan() return starter and parent_of("self") == shell and parent_of(shell) ~= starter end
  local stdin = { pollfd = 0, events = "r" }
  listening.cq:wrap(function()
    repeat
    until cqueues.poll(stdin, 0.5) == stdin or is_orphan()
    if ca_file then os.remove(ca_file) end
    os.exit(0)
  end)
end

--- The main function of the process that `hoopai.sandbox.start` starts. Never returns.
-- @tparam table setup `options`, and `report`: the file for the fields of the handle, or for the error
function server.child(setup)
  local ok, listening, facts = pcall(server.open, setup.options)
  if not ok then
    write_file(setup.report, ipc.dump { error = tostring(listening) } .. "\n")
    os.exit(1)
  end
  -- A terminal sends the SIGINT of Ctrl-C to the whole process group. The starting process handles it.
  local signal = require "cqueues.signal"
  signal.ignore(signal.SIGINT)
  end_with_parent(listening, facts.ca_file)
  write_file(setup.report, ipc.dump(facts) .. "\n")
  serve(listening)
end

local function print_exports(facts)
  for _, variable in ipairs(runner.variables(facts)) do
    io.stdout:write(format("export %s=%s\n", variable[1], runner.quote(variable[2])))
  end
  io.stdout:flush()
end

--- Serves in this process until Ctrl-C. Prints the variables for a shell.
-- @tparam table options as for `open`
function server.serve(options)
  local listening, facts = server.open(options)
  local ok, problem = pcall(function()
    print_exports(facts)
    serve(listening)
  end)
  if facts.ca_file then os.remove(facts.ca_file) end
  if not ok and not match(tostring(problem), "interrupted!$") then error(problem, 0) end
end

return server
