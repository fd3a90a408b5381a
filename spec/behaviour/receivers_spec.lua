-- The receivers of examples/, as processes: what they answer over a socket, and what they do afterwards.

local child = require "spec.support.child"
local client = require "spec.support.http_client"
local socket = require "socket"
local webhooks = require "spec.support.webhooks"

local post, quote = client.post, child.quote

--- A receiver that listens. Its lines are in the file `output`.
local function start(name)
  local receiver = { port = client.free_port(), output = os.tmpname() }
  local line = ("HOOPAI_WEBHOOK_KEY=%s exec %s examples/%s %d >%s 2>&1 & echo $!"):format(
    quote(webhooks.KEY),
    quote(child.server_interpreter()),
    name,
    receiver.port,
    quote(receiver.output)
  )
  local pipe = assert(io.popen(line))
  receiver.pid = assert(pipe:read "n")
  pipe:close()
  client.connect(receiver.port):close()
  return receiver
end

local function stop(receiver)
  os.execute("kill " .. receiver.pid)
  os.remove(receiver.output)
end

local function printed(receiver)
  local file <close> = assert(io.open(receiver.output))
  return file:read "a"
end

--- Waits until a receiver has printed so many lines.
local function lines_of(receiver, count)
  local deadline = socket.gettime() + 20
  repeat
    local text = printed(receiver)
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    if #lines >= count then return lines end
    socket.sleep(0.01)
  until socket.gettime() > deadline
  error("too few lines: " .. printed(receiver))
end

local function signed(body, seed) return post(webhooks.signed(body, seed)) end

local function booking(id)
  return webhooks.body { webhookId = id, appointment = { id = "Booked", startTime = "2026-12-01T10:00:00+01:00" } }
end

for _, name in ipairs { "receive_webhooks.lua", "receive_webhooks_socket.lua" } do
  describe("examples/" .. name, function()
    local receiver

    setup(function() receiver = start(name) end)
    teardown(function() stop(receiver) end)

    local function status_of(request) return (client.send(receiver.port, request)) end

    it("takes a webhook once, and works once", function()
      local body = booking "once"
      local before = #printed(receiver)
      assert.are.same({ 200, 200, 200 }, { status_of(signed(body)), status_of(signed(body)), status_of(signed(body)) })
      assert.are.equal(401, status_of(post({}, "{}")))
      lines_of(receiver, 4)
      local _, worked = printed(receiver):sub(before + 1):gsub("booked\tBooked\t2026%-12%-01T10:00:00%+01:00\n", "")
      assert.are.equal(1, worked)
    end)

    it("refuses what is not proven", function()
      local body = booking "forged"
      local headers = webhooks.signed(body)
      local right = headers["X-GHL-Signature"]
      assert.are.equal(401, status_of(post({}, body)))
      assert.are.equal(401, status_of(signed(body, webhooks.OTHER_SEED)))
      assert.are.equal(401, status_of(post(headers, body .. " ")))
      assert.are.equal(401, status_of(post({ "X-GHL-Signature: " .. right, "x-ghl-signature: " .. right }, body)))
      local old = webhooks.body { timestamp = webhooks.timestamp(-90000) }
      assert.are.equal(401, status_of(signed(old)))
      assert.are.equal(400, status_of(signed "[]"))
      assert.are.equal(413, status_of(signed((" "):rep(1048577))))
      assert.are.equal(200, status_of(post(headers, body)))
    end)

    it("responds before it works, and takes a webhook again whose work failed", function()
      local body = webhooks.body { webhookId = "failing", appointment = "none" }
      local before = #printed(receiver)
      for round = 1, 2 do
        assert.are.equal(200, status_of(signed(body)))
        local deadline = os.time() + 20
        repeat
          local _, failures = printed(receiver):sub(before + 1):gsub("failed\t", "")
        until failures == round or os.time() > deadline
        assert.is_true(os.time() <= deadline, printed(receiver))
      end
    end)

    it("serves others while a client sends nothing, and half a request", function()
      local silent, half = client.connect(receiver.port), client.connect(receiver.port)
      half:send "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"
      for _ = 1, 5 do
        assert.are.equal(200, status_of(signed(booking())))
      end
      silent:close()
      half:close()
    end)

    it("serves others after clients that go in the middle of a request", function()
      for _, part in ipairs {
        "POST / HT",
        "POST / HTTP/1.1\r\nX: ",
        "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        "POST / HTTP/1.1\r\nContent-Length: 1100000\r\n\r\n" .. (" "):rep(1060000),
        "GET / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
      } do
        for _, way in ipairs { "both", "send" } do
          local connection = client.connect(receiver.port)
          connection:send(part)
          connection:shutdown(way)
          connection:close()
          assert.are.equal(200, status_of(signed(booking())), part:sub(1, 70))
        end
      end
    end)

    it("is short, and says how it is used when called without arguments", function()
      local lines = 0
      for _ in io.lines("examples/" .. name) do
        lines = lines + 1
      end
      assert.is_true(lines < 60, name .. " has " .. lines .. " lines")
      local pipe = assert(io.popen(("%s examples/%s 2>&1"):format(quote(child.server_interpreter()), name)))
      local output = pipe:read "a"
      assert.is_falsy(pipe:close())
      assert.matches("usage: " .. name, output, 1, true)
    end)
  end)
end
