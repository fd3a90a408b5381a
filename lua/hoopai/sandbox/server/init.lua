--- The process around the application: an HTTP server on the loopback interface.
--
-- One thread, one event loop: a request is handled from beginning to end before the next one is looked at, so that of
-- two bookings of one slot exactly one can win. Only reading, writing and the configured delays overlap.
-- @module hoopai.sandbox.server

local app = require "hoopai.sandbox.server.application"
local oauth = require "hoopai.sandbox.oauth"
local ipc = require "hoopai.sandbox.server.ipc"

local find, format, gsub, match, sub = string.find, string.format, string.gsub, string.match, string.sub
local error, ipairs, pairs, pcall, require, tostring = error, ipairs, pairs, pcall, require, tostring
local io, os, package = io, os, package

local server = {}

-- Debian ships lua-http for older Luas only; its files run on 5.4 as they are.
local DEBIAN = ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;/usr/share/lua/5.1/?.lua"

local WRITE_TIMEOUT = 30

local function require_http()
  local ok, module = pcall(require, "http.server")
  if not ok and not find(package.path, DEBIAN, 1, true) then
    package.path = package.path .. DEBIAN
    ok, module = pcall(require, "http.server")
  end
  if ok then return module end
  error("the sandbox needs the rock \"http\" (lua-http), which the library itself does not: "
    .. "`luarocks install http`, or on Debian `apt-get install lua-http`; " .. tostring(module), 0)
end

-- From the headers of lua-http to the request of the application.
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

-- All headers are marked as never to be indexed: lua-http 0.4 writes some indexes of the HTTP/2 header table wrong
-- (those that just fill their prefix), whereupon clients close the connection.
-- Returns whether everything was written.
local function write_answer(stream, answer, method)
  local headers = require("http.headers").new()
  headers:append(":status", tostring(answer.status), true)
  for name, value in pairs(answer.headers) do headers:append(name, value, true) end
  headers:append("content-length", tostring(#answer.body), true)
  local is_head = method == "HEAD"
  if stream.state == "closed" then return false end -- reset by the client: lua-http would raise
  if not stream:write_headers(headers, is_head, WRITE_TIMEOUT) then return false end
  if is_head then return true end
  if answer.truncate then
    stream:write_chunk(sub(answer.body, 1, #answer.body // 2), false, WRITE_TIMEOUT)
    return false
  end
  return stream:write_chunk(answer.body, true, WRITE_TIMEOUT) ~= nil
end

-- Ends the connection without another word, with all that runs on it.
local function hang_up(stream)
  local socket = stream.connection.socket
  if socket then socket:shutdown("rw") end
end

-- Whether the client has gone, as far as can be known: what is written then is read by nobody.
local function is_gone(stream)
  local socket = stream.connection.socket
  if not socket or stream.state == "closed" then return true end
  -- With HTTP/2 somebody else reads from the connection all the time.
  if stream.connection.version >= 2 then return socket:eof("r") end
  local ok, _, code = socket:fill(1, 0)
  return not ok and code ~= require("cqueues.errno").ETIMEDOUT
end

-- The answers of token endpoints can be lost on the way, and which ones were stands in the ledger.
local function send(stream, answer, method, issuer)
  local was_gone = answer.record and is_gone(stream)
  local sent = not answer.drop and write_answer(stream, answer, method)
  if answer.drop or answer.truncate then hang_up(stream) end
  if answer.record then issuer:sent(answer.record, sent and not was_gone) end
end

local function pause(ms)
  if ms > 0 then require("cqueues").sleep(ms / 1000) end
end

local function new_handler(application)
  return function(_, stream)
    local request = read_request(stream)
    if not request then return end
    -- The back door answers at once, or a long delay could not be taken back.
    local is_control = find(request.path, "^/__sandbox/")
    if not is_control then pause(application:arrive(request)) end
    local answer = application:handle(request)
    if application.fault then
      io.stderr:write("hoopai.sandbox: ", application.fault, "\n")
      application.fault = nil
    end
    if not is_control then pause(application.delay_ms + (answer.delay_ms or 0)) end
    send(stream, answer, request.method, application.oauth.issuer)
  end
end

-- Clients that hang up or fail the handshake are daily business.
local function on_error(_, _, operation, problem)
  if operation == "onstream" then io.stderr:write("hoopai.sandbox: ", tostring(problem), "\n") end
end

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  assert(file:close())
end

--- Opens a sandbox in this process.
-- @tparam table options of the application, plus `port` (0: a free one) and `tls`
-- @treturn table the listening lua-http server, whose `loop` serves
-- @treturn table what there is to know: `url`, `port`, `token`, `tokens`, `location_id`, `seed`, `ca_file`,
-- `control_token`, `oauth`
function server.open(options)
  local http_server = require_http()
  local settings = {}
  for name, value in pairs(options) do settings[name] = value end
  settings.port, settings.tls = nil, nil
  local application = app.new(settings)
  local context, authority
  if options.tls then context, authority = require("hoopai.sandbox.server.certificate").new() end
  local listening, problem = http_server.listen {
    host = "127.0.0.1", port = options.port or 0, tls = context ~= nil, ctx = context,
    onstream = new_handler(application), onerror = on_error, intra_stream_timeout = 120, reuseaddr = true,
  }
  if listening then
    local ok, why = listening:listen()
    if not ok then listening, problem = nil, why end
  end
  if not listening then
    error(format("cannot listen on 127.0.0.1:%d: %s", options.port or 0, tostring(problem)), 0)
  end
  local ca_file
  if authority then
    ca_file = os.tmpname()
    write_file(ca_file, authority)
  end
  local _, _, port = listening:localname()
  local url = format("%s://127.0.0.1:%d", context and "https" or "http", port)
  return listening, {
    url = url, port = port, token = application.token,
    tokens = application.token_names, location_id = application.seed.location_id, seed = application.seed,
    ca_file = ca_file, control_token = application.control_token, oauth = oauth.facts(application, url),
  }
end

-- Serves for ever. What goes wrong on one connection must not end the others.
local function serve(listening)
  for problem in listening.cq:errors() do on_error(nil, nil, "loop", problem) end
end

-- The parent of a process, where the system has a /proc.
local function parent_of(pid)
  local file = io.open("/proc/" .. pid .. "/stat", "r")
  local line = file and file:read("l")
  if file then file:close() end
  return line and match(line, "^%d+ %(.*%) %S (%d+)")
end

-- The process that started us holds the other end of our standard input: when it ends, however it ends, so do we.
-- Programs that it started meanwhile may have inherited that end and outlive it; so where we can we look after the
-- process itself as well: its shell, our parent, gets another parent when it is gone.
local function end_with_parent(listening, ca_file)
  local cqueues = require "cqueues"
  local shell = parent_of("self")
  local starter = shell and parent_of(shell)
  local function is_orphan()
    return starter and parent_of("self") == shell and parent_of(shell) ~= starter
  end
  local stdin = { pollfd = 0, events = "r" }
  listening.cq:wrap(function()
    repeat until cqueues.poll(stdin, 0.5) == stdin or is_orphan()
    if ca_file then os.remove(ca_file) end
    os.exit(0)
  end)
end

--- The main function of the process that `hoopai.sandbox.start` starts. Never returns.
-- @tparam table setup `options`, and `report`: the file in which the other process waits for news
function server.child(setup)
  local ok, listening, facts = pcall(server.open, setup.options)
  if not ok then
    write_file(setup.report, ipc.dump { error = tostring(listening) } .. "\n")
    os.exit(1)
  end
  -- Ctrl-C in a terminal reaches the whole group; the other process decides what it means.
  local signal = require "cqueues.signal"
  signal.ignore(signal.SIGINT)
  end_with_parent(listening, facts.ca_file)
  write_file(setup.report, ipc.dump(facts) .. "\n")
  serve(listening)
end

local function print_exports(facts)
  for _, line in ipairs {
    { "HOOPAI_BASE_URL", facts.url }, { "HOOPAI_TOKEN", facts.token }, { "HOOPAI_LOCATION_ID", facts.location_id },
    { "HOOPAI_CA_FILE", facts.ca_file },
  } do
    if line[2] then io.stdout:write(format("export %s='%s'\n", line[1], gsub(line[2], "'", "'\\''"))) end
  end
  io.stdout:flush()
end

--- Serves in this process until Ctrl-C, and says on standard output how to use it.
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
