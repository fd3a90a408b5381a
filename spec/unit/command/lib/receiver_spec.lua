-- What is not seen in spec/behaviour/command/webhooks_spec.lua: limits and failures of a connection.
local hoopai = require "hoopai"
local receivers = require "hoopai.command.lib.receiver"
local sockets = require "hoopai.command.lib.sockets"
local webhooks = require "spec.support.webhooks"

--- A stream whose peer sends `text`, and nothing more.
local function stream_of(text, problem)
  local stream = { sent = "", is_closed = false }
  function stream.receive()
    local bytes = text
    text = nil
    if bytes then return bytes end
    return nil, problem or "closed"
  end
  function stream.send(_, bytes) stream.sent = stream.sent .. bytes end
  function stream.linger() stream.has_lingered = true end
  local function close() stream.is_closed = true end
  return setmetatable(stream, { __close = close, __index = { __close = close } })
end

describe("the receiver of the command", function()
  local reports, receiver

  before_each(function()
    reports = {}
    receiver = receivers.new {
      webhook = hoopai.webhook { keys = { webhooks.KEY }, max_body = 1000 },
      most = 1000,
      most_open = 2,
      report = function(report) reports[#reports + 1] = report end,
    }
  end)

  local function serve(...)
    local stream = stream_of(...)
    receiver:serve(stream)
    assert.is_true(stream.is_closed)
    return stream
  end

  local function signed()
    local body = webhooks.body()
    return ("POST / HTTP/1.1\r\nX-GHL-Signature: %s\r\nContent-Length: %d\r\n\r\n%s"):format(
      webhooks.sign(body),
      #body,
      body
    )
  end

  it("responds, reports, and lingers before it closes", function()
    local stream = serve(signed())
    assert.matches("^HTTP/1.1 200 ", stream.sent)
    assert.is_true(stream.has_lingered)
    assert.are.equal("AppointmentCreate", reports[1].event.type)
    assert.are.equal(0, receiver.open)
  end)

  it("says nothing to a connection without a byte", function()
    for _, problem in ipairs { "closed", "timeout" } do
      assert.are.equal("", serve(nil, problem).sent)
    end
    assert.are.same({}, reports)
  end)

  it("refuses part of a request, and waits for the rest no longer than its deadline", function()
    assert.matches("^HTTP/1.1 408 ", serve("POST / HTTP/1.1\r\n", "timeout").sent)
    assert.matches("^HTTP/1.1 400 ", serve("POST / HTTP/1.1\r\n", "closed").sent)
    assert.are.same({ 408, 400 }, { reports[1].status, reports[2].status })
  end)

  it("serves no more connections than it may", function()
    receiver.open = 2
    assert.matches("^HTTP/1.1 503 ", serve(signed()).sent)
    assert.are.same({ 503, "request" }, { reports[1].status, reports[1].kind })
    receiver.open = 1
    assert.matches("^HTTP/1.1 200 ", serve(signed()).sent)
  end)

  describe("with a server to forward to", function()
    local connect, now = sockets.connect, sockets.now

    before_each(function()
      receiver.place, receiver.addresses = { host = "h", port = 1, authority = "h:1", target = "/" }, {}
    end)

    after_each(function()
      sockets.connect, sockets.now = connect, now
    end)

    --- Serves one webhook twice; returns the statuses, which are the same unless it was not given back.
    local function twice()
      local request = signed()
      local statuses = {}
      for index = 1, 2 do
        statuses[index] = tonumber(serve(request).sent:match "^HTTP/1.1 (%d+)")
      end
      return statuses
    end

    it("gives a webhook back when the server cannot be reached, or not in time", function()
      for problem, status in pairs { ["connection refused"] = 502, timeout = 504 } do
        sockets.connect = function() return nil, problem end
        assert.are.same({ status, status }, twice())
        assert.are.same({ "forward", problem, false }, { reports[#reports].kind, reports[#reports].message, false })
      end
    end)

    it("gives a webhook back when the server does not respond in time", function()
      local shift, streams = 0, {}
      sockets.now = function() return now() + shift end
      sockets.connect = function(_, _, deadline)
        local stream = stream_of(nil, "timeout")
        streams[#streams + 1] = stream
        assert.is_true(deadline - sockets.now() <= 8)
        function stream.send() shift = shift + 9 end
        return stream
      end
      assert.are.same({ 504, 504 }, twice())
      assert.are.equal("no response in 8 seconds", reports[1].message)
      assert.is_true(streams[1].is_closed and streams[2].is_closed)
    end)

    it("reads the response of a server that closed before it had read everything", function()
      sockets.connect = function()
        local stream = stream_of "HTTP/1.1 413 x\r\n\r\n"
        function stream.send() return nil, "closed" end
        return stream
      end
      assert.are.same({ 413, 413 }, twice())
      assert.is_true(reports[1].forwarded)
    end)
  end)

  it("counts a connection until it is closed, also after an error", function()
    receiver.report = function() error("full", 0) end
    local stream = stream_of(signed())
    assert.has_error(function() receiver:serve(stream) end, "full")
    assert.are.same({ 0, true, "" }, { receiver.open, stream.is_closed, stream.sent })
  end)
end)
