-- What is not seen in spec/behaviour/command/webhooks_spec.lua: limits and failures of a connection.
local hoopai = require "hoopai"
local receivers = require "hoopai.command.lib.receiver"
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
  return setmetatable(stream, { __close = function() stream.is_closed = true end })
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

  it("counts a connection until it is closed, also after an error", function()
    receiver.report = function() error("full", 0) end
    local stream = stream_of(signed())
    assert.has_error(function() receiver:serve(stream) end, "full")
    assert.are.same({ 0, true, "" }, { receiver.open, stream.is_closed, stream.sent })
  end)
end)
