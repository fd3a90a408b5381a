--- The servers of the benchmarks, on loopback and on one core: nginx with fixed bodies, and one that responds late.
local bodies = require "spec.bench.support.bodies"
local machine = require "spec.bench.support.machine"

local format = string.format
local socket = require "socket"

local PATIENCE = 20 -- seconds for anything that should take milliseconds

local servers = {}

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

--- Ports that were free a moment ago.
local function free_ports(count)
  local holders, ports = {}, {}
  for index = 1, count do
    holders[index] = assert(socket.bind("127.0.0.1", 0))
    ports[index] = select(2, holders[index]:getsockname())
  end
  for _, holder in ipairs(holders) do
    holder:close()
  end
  return table.unpack(ports)
end

local function wait_for_port(port)
  local deadline = socket.gettime() + PATIENCE
  while socket.gettime() < deadline do
    local peer = socket.connect("127.0.0.1", port)
    if peer then return peer:close() end
    socket.sleep(0.01)
  end
  error("the server on port " .. port .. " did not start")
end

--- The number in a file, which nginx writes after it has opened its ports.
local function wait_for_pid(path)
  local deadline = socket.gettime() + PATIENCE
  while socket.gettime() < deadline do
    local file = io.open(path)
    local pid = file and file:read("n")
    if file then file:close() end
    if pid then return pid end
    socket.sleep(0.01)
  end
  error(path .. " was not written")
end

--- A certificate for 127.0.0.1, and what trusts it: alone, and after the system's own, as programs that trust the
-- system's certificates have them.
local function make_certificate(folder)
  machine.run(
    format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 "
        .. "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s/key.pem -out %s/cert.pem",
      folder,
      folder
    )
  )
  machine.run(format("cat %s/cert.pem /etc/ssl/certs/ca-certificates.crt > %s/bundle.pem", folder, folder))
end

-- With these a response has as many header lines as one of the live API.
local headers = {
  "X-RateLimit-Max 1000000",
  "X-RateLimit-Remaining 999999",
  "X-RateLimit-Interval-Milliseconds 10000",
  "X-RateLimit-Limit-Daily 1000000000",
  "X-RateLimit-Daily-Remaining 999999999",
  "X-RateLimit-Daily-Reset 86399000",
  "X-Request-Id 0af7651916cd43dd8448eb211c80319c",
  "Cache-Control no-store",
  "Vary Origin",
}

local configuration = [[
daemon off;
%suser root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid %s/nginx.pid;
error_log %s/nginx.log;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path %s/temp; proxy_temp_path %s/temp; fastcgi_temp_path %s/temp; uwsgi_temp_path %s/temp;
  scgi_temp_path %s/temp;
  default_type "application/json; charset=utf-8";
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 600s;
  open_file_cache max=16; open_file_cache_valid 600s;
  ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem; ssl_session_cache shared:bench:1m;
  http2_max_requests 1000000000;
%s
  server { listen 127.0.0.1:%d backlog=4096; %s }
  server { listen 127.0.0.1:%d ssl http2 backlog=4096; %s }
  server { listen 127.0.0.1:%d ssl backlog=4096; keepalive_timeout 0; %s }
}
]]

local function locations(folder)
  return format(
    [[
    location ~ ^/calendars/events/appointments/ { alias %s/small.json; }
    location ~ ^/calendars/.*/free-slots$ { alias %s/medium.json; }
    location = /calendars/events { alias %s/large.json; }
  ]],
    folder,
    folder,
    folder
  )
end

local function is_root() return machine.run("id -u") == "0\n" end

local function start_nginx(folder)
  local plain, tls, once = free_ports(3)
  local lines = {}
  for index, header in ipairs(headers) do
    lines[index] = "  add_header " .. header .. ";"
  end
  local where = locations(folder)
  write_file(
    folder .. "/nginx.conf",
    format(
      configuration,
      is_root() and "" or "#",
      folder,
      folder,
      folder,
      folder,
      folder,
      folder,
      folder,
      folder,
      folder,
      table.concat(lines, "\n"),
      plain,
      where,
      tls,
      where,
      once,
      where
    )
  )
  machine.run(format("mkdir -p %s/temp", folder))
  os.remove(folder .. "/nginx.pid")
  local command = format(
    "exec setpriv --pdeathsig TERM %snginx -p %s -c %s/nginx.conf 2>%s/nginx.err",
    machine.pin "server",
    folder,
    folder,
    folder
  )
  local pipe = assert(io.popen(command, "w"))
  for _, port in ipairs { plain, tls, once } do
    wait_for_port(port)
  end
  local pid = wait_for_pid(folder .. "/nginx.pid")
  return {
    plain = "http://127.0.0.1:" .. plain,
    tls = "https://127.0.0.1:" .. tls,
    once = "https://127.0.0.1:" .. once,
    pid = pid,
    stop = function()
      os.execute("kill " .. pid)
      pipe:close()
    end,
  }
end

--- Starts a server of our own: see server.c.
-- @tparam string folder where its program is, and its files go
-- @tparam string name of its file
-- @tparam string arguments after the body
-- @return its URL, a function that ends it, and its process
local function start_own(folder, name, arguments)
  write_file(folder .. "/slow-body.json", bodies.small())
  local port_file = format("%s/%s", folder, name)
  os.remove(port_file)
  local command = "exec %s%s/server %s %s/slow-body.json %s"
  local pipe = assert(io.popen(format(command, machine.pin "server", folder, port_file, folder, arguments), "w"))
  local deadline, port, pid = socket.gettime() + PATIENCE, nil, nil
  repeat
    local file = io.open(port_file)
    if file then
      port, pid = file:read("n", "n")
      file:close()
    end
    if not pid then socket.sleep(0.005) end
  until pid or socket.gettime() > deadline
  return "http://127.0.0.1:" .. assert(port, "the server did not start: " .. name), function() pipe:close() end, pid
end

--- A server that responds late.
-- @tparam string folder where its program is, and its files go
-- @tparam number delay milliseconds
-- @tparam[opt] integer fault_every each so many requests one fault
-- @return its URL, a function that ends it, and its process
function servers.start_slow(folder, delay, fault_every)
  return start_own(folder, format("slow-port-%g", delay), format("%g %d", delay, fault_every or 0))
end

--- A server with the calendars of many locations: see locations.c.
-- @tparam string folder where its program is, and its files go
-- @tparam string name part of the file names of this server: a folder has the files of several servers
-- @tparam number delay milliseconds
-- @tparam integer most requests in the interval for each location; 0 = any number
-- @tparam integer interval milliseconds
-- @return its URL, and a function that ends it
function servers.start_locations(folder, name, delay, most, interval)
  return start_own(folder, "locations-port-" .. name, format("%g 0 %d %d", delay, most, interval))
end

--- Starts all servers. `plain`, `tls` (with HTTP/2), `once` (TLS, closes after each response), `slow` (50 ms) and
-- `still` (2 s) are base URLs, `pids` the processes.
-- @tparam string folder for their files
function servers.start(folder)
  machine.run("mkdir -p " .. folder)
  for name in pairs(bodies.paths) do
    write_file(format("%s/%s.json", folder, name), bodies[name]())
  end
  make_certificate(folder)
  local self = start_nginx(folder)
  local slow, stop_slow, slow_pid = servers.start_slow(folder, 50)
  local still, stop_still, still_pid = servers.start_slow(folder, 2000)
  self.slow, self.still, self.pids = slow, still, { self.pid, slow_pid, still_pid }
  self.ca, self.bundle = folder .. "/cert.pem", folder .. "/bundle.pem"
  return setmetatable(self, {
    __close = function()
      stop_still()
      stop_slow()
      self.stop()
    end,
  })
end

return servers
