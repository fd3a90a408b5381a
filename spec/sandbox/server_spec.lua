-- The sandbox as a process: start and stop, connections, TLS and HTTP/2, and the end of a killed parent.

local child = require "spec.support.child"
local core = require "hoopai.core"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local send_request = require "spec.support.send"
local socket = require "socket"

local TUESDAY_HALF_PAST_NINE = "2026-05-05T09:30:00-04:00"
local MONDAY = 1777896000000

local function contents(path)
  local file = io.open(path)
  local text = file and file:read "a"
  if file then file:close() end
  return text
end

local function connect(port)
  local connection = assert(socket.tcp())
  connection:settimeout(10)
  local ok, problem = connection:connect("127.0.0.1", port)
  if ok then return connection end
  connection:close()
  return nil, problem
end

local function is_listening(port)
  local connection = connect(port)
  if connection then connection:close() end
  return connection ~= nil
end

-- Waits until a test is true, for ten seconds at most.
local function eventually(test)
  local deadline = socket.gettime() + 10
  repeat
    if test() then return true end
    socket.sleep(0.01)
  until socket.gettime() > deadline
  return false
end

local function send(connection, box, method, target, body)
  body = body and core.encode(body) or ""
  assert(connection:send(table.concat({
    method .. " " .. target .. " HTTP/1.1",
    "Host: 127.0.0.1:" .. box.port,
    "Authorization: Bearer " .. box.token,
    "Version: 2021-07-28",
    "Content-Type: application/json",
    "Content-Length: " .. #body,
    "",
    body,
  }, "\r\n")))
end

-- Reads one response from a connection that stays open: status, decoded body, headers.
local function receive(connection)
  local line = assert(connection:receive "*l")
  local status, headers = tonumber(line:match "^HTTP/1%.1 (%d+)"), {}
  while true do
    line = assert(connection:receive "*l")
    local name, value = line:match "^([^:]+):%s*(.*)$"
    if not name then break end
    headers[name:lower()] = value
  end
  local body = assert(connection:receive(tonumber(headers["content-length"])))
  return status, core.decode(body), headers
end

local function ask(box, ...)
  local connection = assert(connect(box.port))
  send(connection, box, ...)
  local status, body, headers = receive(connection)
  connection:close()
  return status, body, headers
end

local function booking(box, fields)
  local body = {
    calendarId = box.seed.calendars.physio,
    locationId = box.location_id,
    contactId = box.seed.contacts.adele,
    startTime = "2026-05-05T11:30:00-04:00",
  }
  for name, value in pairs(fields or {}) do
    body[name] = value
  end
  return body
end

local function groups(box) return "/calendars/groups?locationId=" .. box.location_id end

describe("hoopai.sandbox", function()
  before_each(leak.before)
  after_each(leak.after)

  describe("handle", function()
    it("serves until it is stopped, once or twice", function()
      local box <close> = sandbox.start()
      assert.matches("^http://127%.0%.0%.1:%d+$", box.url)
      assert.is_nil(box.ca_file)
      assert.are.equal(box.seed.location_id, box.location_id)
      assert.are.equal(box.token, box.tokens.main)
      local status, body = ask(box, "GET", groups(box))
      assert.are.equal(200, status)
      assert.are.equal(box.seed.groups.treatments, body.groups[1].id)
      assert.is_true(box:stop())
      assert.is_false(is_listening(box.port))
      assert.is_true(box:stop())
      assert.matches("stopped", tostring(box))
    end)

    it("stops when closed, and when collected", function()
      local port
      do
        local box <close> = sandbox.start()
        port = box.port
        assert.is_true(is_listening(port))
      end
      assert.is_false(is_listening(port))
      port = (function() return sandbox.start().port end)()
      collectgarbage()
      collectgarbage()
      assert.is_false(is_listening(port))
    end)

    it("serves others after clients that go in the middle of a request", function()
      local box <close> = sandbox.start()
      for _, part in ipairs {
        "POST /calendars/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        "POST /calendars/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        "GET /calendars/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        "POST /calendars/ HTTP/1.1\r\nHo",
      } do
        local connection = assert(connect(box.port))
        connection:send(part)
        connection:close()
        assert.are.equal(200, (ask(box, "GET", groups(box))), part)
      end
    end)

    it("passes its options on", function()
      local box <close> = sandbox.start {
        now = MONDAY,
        token = 'it\'s "mine" \\ \n$(exit)`',
        tokens = { more = { token = "more" } },
        get_envelope = "event",
      }
      assert.are.equal('it\'s "mine" \\ \n$(exit)`', box.token)
      assert.are.equal("2026-05-05", box.seed.days[1])
      box.token = box.tokens.more
      local status, body = ask(box, "GET", "/calendars/events/appointments/" .. box.seed.appointments[1])
      assert.are.equal(200, status)
      assert.are.equal(box.seed.appointments[1], body.event.id)
    end)

    it("takes a time of hoopai.time as now", function()
      local time = require "hoopai.time"
      local box <close> = sandbox.start { now = time.parse "2026-05-04T08:00:00-04:00" }
      assert.are.same({ "2026-05-05", "2026-05-06", "2026-05-07" }, box.seed.days)
    end)

    it("raises on unknown options", function()
      local ok, problem = pcall(sandbox.start, { prot = 1 })
      assert.is_false(ok)
      assert.matches("unknown sandbox option `prot`", problem, 1, true)
      assert.is_false((pcall(sandbox.start, { port = "80" })))
      assert.is_false((pcall(sandbox.start, { rate_limit = true })))
    end)

    it("takes a port, and says when it is taken", function()
      local first <close> = sandbox.start()
      local ok, problem = pcall(sandbox.start, { port = first.port })
      assert.is_false(ok)
      assert.matches("cannot listen on 127.0.0.1:" .. first.port, problem, 1, true)
      first:stop()
      local second <close> = sandbox.start { port = first.port }
      assert.are.equal(first.port, second.port)
    end)

    it("says why it did not start", function()
      local own = arg
      _G.arg = { [0] = "x", [-1] = "./no such lua'5.4" }
      local ok, problem = pcall(sandbox.start)
      _G.arg = own
      assert.is_false(ok)
      assert.matches("did not start: the interpreter ./no such lua'5.4 was not found", problem, 1, true)
      local path = package.path
      package.path = "/nowhere/?.lua"
      ok, problem = pcall(sandbox.start)
      package.path = path
      assert.is_false(ok)
      assert.matches("module 'hoopai.sandbox.server' not found", problem, 1, true)
    end)

    it("runs under another interpreter, with the search paths of its environment", function()
      local box <close> = sandbox.start { interpreter = child.server_interpreter() }
      assert.are.equal(200, (ask(box, "GET", "/calendars/?locationId=" .. box.location_id)))
      local ok, problem = pcall(sandbox.start, { interpreter = "no such lua" })
      assert.is_false(ok)
      assert.matches("did not start: the interpreter no such lua was not found", problem, 1, true)
      assert.is_false((pcall(sandbox.start, { interpreter = 5.4 })))
      local path = package.path
      package.path = "/nowhere/?.lua" -- that of this program does not count
      local other <close> = sandbox.start { interpreter = child.server_interpreter() }
      package.path = path
      assert.is_true(is_listening(other.port))
    end)

    it("runs where the core cannot be loaded by the parent", function()
      local text, ok = child.run([[
        package.preload["hoopai.core"] = function() error "no core" end
        local box = require("hoopai.sandbox").start()
        print(box.url:match "^http://127")
        box:stop()
      ]])
      assert.is_true(ok, text)
      assert.are.equal("http://127\n", text)
    end)
  end)

  describe("connections", function()
    it("stay open for more requests", function()
      local box <close> = sandbox.start()
      local connection = assert(connect(box.port))
      for _ = 1, 3 do
        send(connection, box, "GET", groups(box))
        assert.are.equal(200, (receive(connection)))
      end
      send(connection, box, "GET", "/nothing")
      assert.are.equal(404, (receive(connection)))
      send(connection, box, "POST", "/calendars/events/appointments", booking(box))
      assert.are.equal(400, (receive(connection)))
      connection:close()
    end)

    it("have the rate limit in their responses, and are limited by it", function()
      local box <close> = sandbox.start { rate_limit = { max = 3, interval_ms = 300 } }
      for left = 2, 0, -1 do
        local status, _, headers = ask(box, "GET", groups(box))
        assert.are.equal(200, status)
        assert.are.equal(tostring(left), headers["x-ratelimit-remaining"])
        assert.are.equal("3", headers["x-ratelimit-max"])
      end
      local status, body, headers = ask(box, "GET", groups(box))
      assert.are.equal(429, status)
      assert.are.equal(429, body.statusCode)
      assert.are.equal("0", headers["x-ratelimit-remaining"])
      socket.sleep(0.31)
      assert.are.equal(200, (ask(box, "GET", groups(box))))
    end)

    it("that book one slot at the same time: one wins, the others get an error", function()
      local box <close> = sandbox.start { now = MONDAY, control = true, latency_ms = 100 }
      local connections, count = {}, { [200] = 0, [400] = 0 }
      local began = socket.gettime()
      for i = 1, 12 do
        connections[i] = assert(connect(box.port))
        send(connections[i], box, "POST", "/calendars/events/appointments", booking(box))
      end
      for _, connection in ipairs(connections) do
        local status, body = receive(connection)
        connection:close()
        count[status] = count[status] + 1
        if status == 400 then assert.are.equal("The slot you have selected is no longer available.", body.message) end
      end
      assert.is_true(socket.gettime() - began < 12 * 0.1, "the requests did not overlap")
      assert.are.same({ [200] = 1, [400] = 11 }, count)
      assert.are.equal(1, #box:control("bookings").bookings)
      assert.are.equal(12, #box:control("requests").requests)
    end)

    it("that book a slot of two doctors: two win", function()
      local box <close> = sandbox.start { now = MONDAY, latency_ms = 20 }
      local connections, won = {}, {}
      for i = 1, 6 do
        connections[i] = assert(connect(box.port))
        send(
          connections[i],
          box,
          "POST",
          "/calendars/events/appointments",
          booking(box, { calendarId = box.seed.calendars.checkup, startTime = TUESDAY_HALF_PAST_NINE })
        )
      end
      for _, connection in ipairs(connections) do
        local status, body = receive(connection)
        connection:close()
        if status == 200 then won[#won + 1] = body.assignedUserId end
      end
      table.sort(won)
      assert.are.same({ box.seed.users.okafor, box.seed.users.weber }, won)
    end)

    it("that are closed before a late response have booked all the same", function()
      local box <close> = sandbox.start { now = MONDAY, control = true, delay_ms = 60000 }
      local connection = assert(connect(box.port))
      send(connection, box, "POST", "/calendars/events/appointments", booking(box))
      assert.is_true(eventually(function() return #box:control("bookings").bookings == 1 end))
      connection:close()
      box:control("delay", { delay_ms = 60000, only = "POST /calendars/events/app" })
      local held = assert(connect(box.port))
      send(held, box, "POST", "/calendars/events/appointments", booking(box))
      assert.is_true(eventually(function() return #box:control("requests").requests == 2 end))
      box:control("delay", { delay_ms = 0 })
      assert.matches(" 400 ", assert(held:receive "*l"))
      held:close()
      local status, body = ask(box, "POST", "/calendars/events/appointments", booking(box))
      assert.are.equal(400, status)
      assert.are.equal("The slot you have selected is no longer available.", body.message)
    end)

    it("that send rubbish do no harm to others", function()
      local box <close> = sandbox.start()
      for _, rubbish in ipairs { "\0\1\2\3\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET" } do
        local connection = assert(connect(box.port))
        connection:send(rubbish)
        connection:close()
      end
      assert.are.equal(200, (ask(box, "GET", groups(box))))
    end)
  end)

  it("has an admin interface with the option control alone, for its own token", function()
    local box <close> = sandbox.start { control = true, now = MONDAY }
    assert.are.equal(401, (ask(box, "POST", "/__sandbox/reset", {})))
    assert.are.equal(MONDAY + 1000, box:control("clock", { advance_ms = 1000 }).now)
    box:control("token", { name = "main" })
    assert.are.equal(401, (ask(box, "GET", groups(box))))
    box:control "reset"
    assert.are.equal(200, (ask(box, "GET", groups(box))))
    local ok, problem = pcall(box.control, box, "secrets")
    assert.is_false(ok)
    assert.matches("Cannot POST /__sandbox/secrets", problem, 1, true)
    local plain <close> = sandbox.start()
    assert.is_nil(plain.control_token)
    assert.are.equal(404, (ask(plain, "POST", "/__sandbox/reset", {})))
  end)

  describe("with tls", function()
    local function curl(box, options, host)
      local url = box.url:gsub("127%.0%.0%.1", host or "127.0.0.1") .. groups(box)
      local pipe = io.popen(
        (
          "curl -sS --noproxy '*' -o /dev/null -w '%%{http_code} %%{http_version}' %s "
          .. "-H 'Authorization: Bearer %s' -H 'Version: 2021-07-28' '%s' 2>&1"
        ):format(options, box.token, url)
      )
      local text = pipe:read "a"
      pipe:close()
      return text
    end

    it("speaks HTTP/2 and HTTP/1.1 under an authority of its own, and takes its file with it", function()
      local box <close> = sandbox.start { tls = true }
      assert.matches("^https://127%.0%.0%.1:%d+$", box.url)
      assert.matches("^%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-", contents(box.ca_file))
      local trust = "--cacert " .. child.quote(box.ca_file)
      assert.are.equal("200 2", curl(box, trust .. " --http2"))
      assert.are.equal("200 1.1", curl(box, trust .. " --http1.1"))
      assert.are.equal("200 2", curl(box, trust .. " --http2 -4", "localhost"))
      assert.matches("curl: (60)", curl(box, "--http2"), 1, true)
      local ca_file = box.ca_file
      box:stop()
      assert.is_nil(contents(ca_file))
    end)

    it("serves hundreds of requests on one HTTP/2 connection", function()
      local box <close> = sandbox.start { tls = true, control = true, rate_limit = false }
      assert.are.same({}, box:control("bookings").bookings)
      local multi <close> = core.multi { ca_file = box.ca_file }
      local transfers = {}
      for i = 1, 400 do
        transfers[i] = send_request(multi, {
          method = "GET",
          url = box.url .. groups(box),
          headers = { "Version: 2021-07-28" },
          token = core.secret(box.token),
          timeout = 10,
          at_most_once = false,
        })
      end
      for _, transfer in ipairs(transfers) do
        while transfer:state() ~= "done" do
          multi:wait(1)
          multi:step()
        end
        assert.are.equal(200, (transfer:result()))
        assert.are.equal("2", transfer:info().http_version)
        transfer:close()
      end
    end)
  end)

  describe("parent", function()
    -- Starts a sandbox in a child process and kills the child with SIGKILL. Returns whether the sandbox ended.
    local function kill_parent(deed)
      local parent = child.start(([[
        local box = require("hoopai.sandbox").start { tls = true }
        %s
        io.stdout:write(box.port, " ", box.ca_file, "\n")
        io.stdout:flush()
        while true do require("hoopai.core").sleep(1) end
      ]]):format(deed))
      local port, ca_file = parent.output:read("l"):match "^(%d+) (.*)$"
      assert.is_true(is_listening(port))
      parent:signal "KILL"
      local gone = eventually(function() return not is_listening(port) and not contents(ca_file) end)
      parent:finish()
      return gone
    end

    it("that is killed leaves nothing behind", function() assert.is_true(kill_parent "") end)

    it("that is killed leaves nothing behind, even while a program it started lives on", function()
      if not contents "/proc/self/stat" then
        assert.is_nil(contents "/proc/self/stat")
        return
      end
      local pid_file = os.tmpname()
      local program = ("os.execute 'sleep 60 >/dev/null 2>&1 & echo $! >%s'"):format(pid_file)
      local gone = kill_parent(program)
      assert.is_true(os.execute("kill " .. contents(pid_file)))
      os.remove(pid_file)
      assert.is_true(gone)
    end)

    it("that ends without a word, or by an error, leaves nothing behind", function()
      for _, last_words in ipairs { "", "error 'oops'", "os.exit(0, false)", "os.exit(0, true)" } do
        local text = child.run(([[
          box = require("hoopai.sandbox").start()
          print(box.port)
          %s
        ]]):format(last_words))
        local port = text:match "^%d+"
        assert.is_string(port)
        assert.is_true(eventually(function() return not is_listening(port) end), last_words)
      end
    end)
  end)

  describe("serve", function()
    it("prints lines for a shell and serves until Ctrl-C", function()
      local process = child.start [[require("hoopai.sandbox").serve { tls = true, token = "it's" }]]
      local found = {}
      for _ = 1, 14 do
        local name, value = process.output:read("l"):match "^export (%S+)='(.*)'$"
        found[name] = value
      end
      assert.are.equal("ContactAdele00000000", found.CONTACT_ID)
      assert.are.equal("UserOkafor0000000000", found.USER_ID)
      assert.are.equal("Appointment000000001", found.APPOINTMENT_ID)
      assert.are.equal("CalendarCheckup00000", found.CALENDAR_ID)
      assert.are.equal("Appointment000000001", found.APPOINTMENT_ID)
      assert.are.equal("CompanyNorthStar0000", found.HOOPAI_COMPANY_ID)
      assert.is_string(found.HOOPAI_CLIENT_ID and found.HOOPAI_CLIENT_SECRET)
      assert.are.equal("http://127.0.0.1:8484/callback", found.HOOPAI_REDIRECT_URI)
      assert.are.equal(found.HOOPAI_BASE_URL, found.HOOPAI_AUTHORIZE_HOST)
      assert.matches("^MCowBQYDK2VwAyEA[%w+/]+=$", found.HOOPAI_WEBHOOK_KEY)
      assert.are.equal("it'\\''s", found.HOOPAI_TOKEN)
      assert.are.equal("LindenStreetClinic00", found.HOOPAI_LOCATION_ID)
      local port = found.HOOPAI_BASE_URL:match "^https://127%.0%.0%.1:(%d+)$"
      assert.is_string(contents(found.HOOPAI_CA_FILE))
      assert.is_true(is_listening(port))
      process:signal "INT"
      local text, ok = process:finish()
      assert.are.equal("", text)
      assert.is_true(ok)
      assert.is_false(is_listening(port))
      assert.is_nil(contents(found.HOOPAI_CA_FILE))
    end)

    it("says which rock is missing", function()
      local text, ok = child.run([[
        package.preload["http.server"] = function() error "not there" end
        require("hoopai.sandbox").serve()
      ]])
      assert.is_false(ok)
      assert.matches("`luarocks install http`", text, 1, true)
    end)
  end)
end)
