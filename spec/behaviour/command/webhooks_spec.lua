-- `hoopai webhooks listen` as a process: what it answers, prints and forwards, over real sockets.

local child = require "spec.support.child"
local client = require "spec.support.http_client"
local command = require "spec.support.command"
local hoopai = require "hoopai"
local socket = require "socket"
local webhooks = require "spec.support.webhooks"

local post = client.post

describe("hoopai webhooks listen", function()
  local home, listener, other

  setup(function() home = command.home(false) end)
  teardown(function() home:close() end)

  --- Starts the command, and waits until it listens.
  local function listen(words, variables)
    local port = client.free_port()
    local all = { "webhooks", "listen", "--port", tostring(port), table.unpack(words or {}) }
    variables = variables or { HOOPAI_WEBHOOK_KEY = webhooks.KEY }
    local started = { port = port, output = os.tmpname(), errors = os.tmpname(), status = os.tmpname() }
    -- The shell of a background job ignores SIGINT; `env` of a new session does not.
    local line = ("{ setsid sh -c %s >%s 2>%s; echo $? >%s; } &"):format(
      child.quote("echo $$; exec " .. home:line(all, variables)),
      started.output,
      started.errors,
      started.status
    )
    assert(os.execute(line))
    listener = started
    client.connect(port):close()
    return started
  end

  local function text_of(path)
    local text = command.read(path)
    return (path == listener.output and text:gsub("^%d+\n", "") or text)
  end

  --- Waits until a file has so many lines.
  local function lines_of(path, count)
    local deadline = socket.gettime() + 20
    repeat
      local lines = {}
      for line in text_of(path):gmatch "([^\n]*)\n" do
        lines[#lines + 1] = line
      end
      if #lines >= count then return lines end
      socket.sleep(0.01)
    until socket.gettime() > deadline
    error(("fewer than %d lines: %s%s"):format(count, text_of(path), command.read(listener.errors)))
  end

  local function signal(name) os.execute(("kill -%s %s"):format(name, command.read(listener.output):match "^%d+")) end

  --- The exit status.
  local function finish(name)
    signal(name or "INT")
    local status = lines_of(listener.status, 1)[1]
    for _, what in ipairs { "output", "errors", "status" } do
      os.remove(listener[what])
    end
    listener = nil
    return tonumber(status)
  end

  after_each(function()
    if listener then finish "KILL" end
    if other then other:close() end
    other = nil
  end)

  local function status_of(request) return (client.send(listener.port, request)) end
  local function signed(body, seed) return post(webhooks.signed(body, seed)) end

  it("prints a line for each request, and ends with 0 after Ctrl-C", function()
    listen()
    local body = webhooks.body { type = "AppointmentUpdate", webhookId = "w1" }
    assert.are.same({ 200, 200 }, { status_of(signed(body)), status_of(signed(body)) })
    assert.are.equal(401, status_of(signed(body, webhooks.OTHER_SEED)))
    assert.are.equal(401, status_of(post({}, "{}")))
    assert.are.equal(400, status_of(signed "[]"))
    assert.are.equal(405, status_of "GET / HTTP/1.1\r\n\r\n")
    local lines = lines_of(listener.output, 6)
    for index, pattern in ipairs {
      "200  AppointmentUpdate  ve9EPM428h8vShlRW1KT  w1$",
      "200  replayed: the webhook w1 was received already$",
      "401  signature: the signature in X%-GHL%-Signature is not that of this body$",
      "401  signature: the request has no header X%-GHL%-Signature$",
      "400  decode: ",
      "405  request: a webhook is a POST$",
    } do
      assert.matches("^%d%d:%d%d:%d%d  " .. pattern, lines[index])
    end
    local errors = command.read(listener.errors)
    assert.are.equal(
      ("hoopai: listening on http://127.0.0.1:%d for webhooks signed with HOOPAI_WEBHOOK_KEY; Ctrl-C ends\n"):format(
        listener.port
      ),
      errors
    )
    assert.are.equal(0, finish())
  end)

  it("prints JSON, and nothing that commands a terminal", function()
    listen { "--json" }
    local body = '{"type":"Bell\\u0007\\u001b[2J","webhookId":"w2","timestamp":"' .. webhooks.timestamp() .. '"}'
    assert.are.equal(200, status_of(signed(body)))
    assert.are.equal(401, status_of(post({}, body)))
    local lines = lines_of(listener.output, 2)
    local first, second = hoopai.decode(lines[1]), hoopai.decode(lines[2])
    assert.are.same({ 200, "Bell\7\27[2J", "w2" }, { first.status, first.type, first.event.webhookId })
    assert.is_truthy(hoopai.time.parse(first.received))
    assert.are.same({ 401, "signature" }, { second.status, second.error.kind })
    assert.is_nil(second.event)
    assert.is_nil((lines[1] .. lines[2]):find "%c")
    assert.are.equal(0, finish())

    listen()
    assert.are.equal(200, status_of(signed(body)))
    assert.matches("200  Bell  %[2J  w2$", lines_of(listener.output, 1)[1])
  end)

  --- A server that answers each request as `respond` says; `requests` has what it got.
  local function serve(respond)
    other = { socket = assert(socket.bind("127.0.0.1", 0)), requests = {} }
    other.port = select(2, other.socket:getsockname())
    other.socket:settimeout(20)
    function other:close() self.socket:close() end
    --- Takes a request while a client waits for the response.
    function other:take()
      local connection = assert(self.socket:accept())
      connection:settimeout(20)
      local head = {}
      repeat
        head[#head + 1] = assert(connection:receive "*l")
      until head[#head] == ""
      local length = tonumber(table.concat(head, "\n"):match "\nContent%-Length: (%d+)")
      local body = assert(connection:receive(length))
      local response = respond(#self.requests + 1)
      self.requests[#self.requests + 1] = { head = head, body = body }
      if response then connection:send(response) end
      connection:close()
    end
    return other
  end

  local function forwarding(respond)
    serve(respond)
    return listen { "--forward", ("http://localhost:%d/hook?x=1"):format(other.port) }
  end

  local function send(request)
    local connection = client.connect(listener.port)
    connection:send(request)
    other:take()
    local status = client.response(connection)
    connection:close()
    return status
  end

  it("forwards unchanged bytes and headers, and responds with the status of the server", function()
    local STATUS = { 204, 500, 302, 200 }
    forwarding(function(number) return ("HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\nok"):format(STATUS[number]) end)
    local body = '{ "type" : "Na\195\175ve\\u00e9" ,"webhookId":"w3", "timestamp":"' .. webhooks.timestamp() .. '" }\n'
    local lines = {
      "x-ghl-SIGNATURE: " .. webhooks.sign(body),
      "X-Twice: a",
      "X-Twice:  b ",
      "Content-Type: application/json",
      "Connection: keep-alive",
    }
    assert.are.equal(204, send(post(lines, body)))
    local got = other.requests[1]
    assert.are.equal(body, got.body)
    assert.are.same({
      "POST /hook?x=1 HTTP/1.1",
      ("Host: localhost:%d"):format(other.port),
      lines[1],
      "X-Twice: a",
      "X-Twice: b",
      "Content-Type: application/json",
      "Content-Length: " .. #body,
      "Connection: close",
      "",
    }, got.head)
    -- Received already: it is not forwarded.
    assert.are.equal(200, status_of(post(lines, body)))
    -- Refused: it is not forwarded either.
    assert.are.equal(401, status_of(post(lines, body .. " ")))
    -- A delivery after a failure is forwarded.
    local again = signed(webhooks.body { webhookId = "w4" })
    assert.are.same({ 500, 302, 200, 200 }, { send(again), send(again), send(again), status_of(again) })
    assert.are.equal(4, #other.requests)
  end)

  it("serves others while a server does not respond", function()
    forwarding()
    local connection = client.connect(listener.port)
    connection:send(signed(webhooks.body { webhookId = "slow" }))
    local forwarded = assert(other.socket:accept())
    for _ = 1, 3 do
      assert.are.equal(401, status_of(post({}, "{}")))
    end
    forwarded:send "HTTP/1.1 202 x\r\n\r\n"
    forwarded:close()
    assert.are.equal(202, (client.response(connection)))
    connection:close()
  end)

  it("answers 502 without a server, and forwards again once it is there", function()
    listen { "--forward", ("http://127.0.0.1:%d"):format(client.free_port()), "--json" }
    local body = webhooks.body { webhookId = "w5" }
    assert.are.same({ 502, 502 }, { status_of(signed(body)), status_of(signed(body)) })
    local line = hoopai.decode(lines_of(listener.output, 2)[2])
    assert.are.same({ "forward", false, "w5" }, { line.error.kind, line.forwarded, line.webhookId })
    assert.matches("refused", line.error.message)
  end)

  it("answers 502 to a response that is none", function()
    forwarding(function(number) return ({ nil, "SSH-2.0\r\n\r\n", "HTTP/1.1 700 x\r\n\r\n" })[number] end)
    for _ = 1, 3 do
      assert.are.equal(502, send(signed(webhooks.body())))
    end
  end)

  it("takes chunked bodies, and clients that wait before they send the body", function()
    listen()
    local body = webhooks.body()
    local head = "POST / HTTP/1.1\r\nX-GHL-Signature: " .. webhooks.sign(body) .. "\r\n"
    local chunks = ("%x\r\n%s\r\n%X;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n"):format(5, body:sub(1, 5), #body - 5, body:sub(6))
    assert.are.equal(200, status_of(head .. "Transfer-Encoding: chunked\r\n\r\n" .. chunks))
    local connection = client.connect(listener.port)
    body = webhooks.body()
    head = "POST / HTTP/1.1\r\nX-GHL-Signature: " .. webhooks.sign(body) .. "\r\nContent-Length: " .. #body .. "\r\n"
    connection:send(head .. "Expect: 100-continue\r\n\r\n")
    assert.are.equal(100, (client.response(connection)))
    connection:send(body)
    assert.are.equal(200, (client.response(connection)))
    connection:close()
  end)

  it("refuses what is too large, and serves others meanwhile", function()
    listen()
    local slow = {}
    for index = 1, 40 do
      slow[index] = client.connect(listener.port)
      slow[index]:send(index % 2 == 0 and "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{" or "POST")
    end
    assert.are.equal(200, status_of(signed(webhooks.body())))
    assert.are.equal(413, status_of(post(webhooks.signed "x", (" "):rep(1048577))))
    assert.are.equal(413, status_of "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n")
    assert.are.equal(431, status_of("POST / HTTP/1.1\r\n" .. ("X: y\r\n"):rep(3000) .. "\r\n"))
    assert.are.equal(431, status_of("POST /" .. ("x"):rep(70000)))
    assert.are.equal(200, status_of(signed(webhooks.body())))
    for _, connection in ipairs(slow) do
      connection:close()
    end
  end)

  it("goes on after any bytes", function()
    listen()
    local right = signed(webhooks.body())
    local state = 42
    local function random(most)
      state = (state * 1103515245 + 12345) % 2147483648
      return state // 65536 % most + 1
    end
    for _ = 1, 150 do
      local bytes = {}
      for at = 1, #right do
        bytes[at] = right:sub(at, at)
      end
      for _ = 1, random(6) do
        bytes[random(#bytes)] = string.char(random(256) - 1)
      end
      local connection = client.connect(listener.port)
      connection:send(table.concat(bytes))
      connection:shutdown "send"
      client.response(connection)
      connection:close()
    end
    assert.are.equal(200, status_of(signed(webhooks.body())))
    assert.is_nil(command.read(listener.errors):find("internal", 1, true))
  end)

  it("takes keys of its options, in texts and files", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(webhooks.OTHER_KEY)
    file:close()
    listen({ "--key=" .. webhooks.KEY, "--key", "@" .. path, "--app", "app1", "--max-age", "1h" }, {})
    assert.are.equal(200, status_of(signed(webhooks.body())))
    assert.are.equal(200, status_of(signed(webhooks.body(), webhooks.OTHER_SEED)))
    assert.are.equal(401, status_of(signed(webhooks.body { appId = "app2" })))
    assert.are.equal(401, status_of(signed(webhooks.body { timestamp = webhooks.timestamp(-3700) })))
    os.remove(path)
  end)

  it("takes the vendor's key without another one", function()
    listen({}, { HOOPAI_WEBHOOK_KEY = false })
    assert.are.equal(401, status_of(signed(webhooks.body())))
    assert.matches("signed with the vendor's key;", command.read(listener.errors), 1, true)
  end)

  it("says what is wrong with its options", function()
    local taken = assert(socket.bind("127.0.0.1", 0))
    local port = tostring(select(2, taken:getsockname()))
    for _, case in ipairs {
      { 1, "^hoopai: key: keys%[1%] of the receiver is unusable: ", "--key", "nonsense" },
      { 1, "^hoopai: key: /nonexistent: ", "--key", "@/nonexistent" },
      { 1, "^hoopai: listen: 127.0.0.1 port %d+ cannot be used: ", "--port", port },
      { 1, "^hoopai: forward: host.invalid: ", "--forward", "http://host.invalid/" },
      { 2, "^hoopai: usage: option %-%-forward expects an address", "--forward", "https://x/" },
      { 2, "^hoopai: usage: option %-%-port expects a port", "--port", "70000" },
    } do
      local output, errors, status = home:run({ "webhooks", "listen", table.unpack(case, 3) }, {
        variables = { HOOPAI_WEBHOOK_KEY = false },
      })
      assert.are.same({ "", case[1] }, { output, status })
      assert.matches(case[2], errors)
    end
    taken:close()
    assert.are.equal(2, select(3, home:run { "webhooks", "send" }))
  end)

  it("ends with a failure when its output cannot be written", function()
    local port = client.free_port()
    local line = home:line({ "webhooks", "listen", "--port", tostring(port) }, { HOOPAI_WEBHOOK_KEY = webhooks.KEY })
    local pipe = assert(io.popen(line .. " 2>&1 >/dev/full; echo $?"))
    local connection = client.connect(port)
    connection:send(signed(webhooks.body()))
    local text = pipe:read "a"
    pipe:close()
    connection:close()
    assert.matches("\nhoopai: output: the standard output cannot be written: .*\n1\n$", text)
  end)
end)
