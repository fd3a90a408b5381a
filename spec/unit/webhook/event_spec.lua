local event = require "hoopai.webhook.event"
local private = require "hoopai.private"
local time = require "hoopai.time"

local function read(raw)
  local object, verified = event.read(raw)
  return assert(object, verified), verified
end

describe("hoopai.webhook.event:", function()
  it("keeps all fields as they were sent, of unknown types too", function()
    local raw = '{"type":"NobodyKnows","list":[1,2.5,"x"],"deep":{"flag":false,"none":null},"locationId":"L"}'
    local object = read(raw)
    assert.are.equal("NobodyKnows", object.type)
    assert.are.same({ 1, 2.5, "x" }, object.list)
    assert.is_false(object.deep.flag)
    assert.is_nil(object.deep.none)
    assert.are.equal(raw, object.raw)
  end)

  it("has the instants of all texts that are times, beside these", function()
    local object =
      read [[{"type":"TaskCreate","timestamp":"2025-11-07T12:46:45.953Z","dueDate":"2023-09-25T16:00:00+05:30",
      "title":"2023-09-25","local":"2023-09-25T16:00:00","inner":{"list":[{"at":"2020-01-01T00:00:00Z"}]}}]]
    local at = time.parse "2025-11-07T12:46:45.953Z"
    assert.are.equal("2025-11-07T12:46:45.953Z", object.timestamp)
    assert.is_true(object.instant == at and object.instants.timestamp == at)
    assert.is_true(object.instants.dueDate == time.parse "2023-09-25T10:30:00Z")
    assert.is_nil(object.instants.title)
    assert.is_nil(object.instants["local"])
    assert.is_true(object.inner.list[1].instants.at == time.parse "2020-01-01T00:00:00Z")
    assert.are.same({}, read("{}").instants)
  end)

  it("leaves a field `instants` of the sender as it is", function()
    local object = read '{"inner":{"instants":5,"at":"2020-01-01T00:00:00Z"},"timestamp":"2020-01-01T00:00:00Z"}'
    assert.are.equal(5, object.inner.instants)
    assert.is_true(time.is_instant(object.instants.timestamp))
  end)

  it("finds the appointment wherever its fields are", function()
    local shapes = {
      '{"type":"AppointmentCreate","appointment":{"id":"a","startTime":"2023-09-25T16:00:00+05:30"}}',
      '{"type":"AppointmentUpdate","locationId":"L","timestamp":"2025-11-07T12:46:45.953Z","webhookId":"w","appId":"p",'
        .. '"versionId":"v","id":"a","startTime":"2023-09-25T16:00:00+05:30"}',
      '{"type":"AppointmentDelete","body":{"id":"a","startTime":"2023-09-25T16:00:00+05:30"}}',
      '{"type":"AppointmentDelete","data":{"id":"a","startTime":"2023-09-25T16:00:00+05:30"}}',
    }
    for _, raw in ipairs(shapes) do
      local appointment = read(raw).appointment
      assert.are.equal("a", appointment.id)
      assert.are.equal("2023-09-25T16:00:00+05:30", appointment.startTime)
      assert.is_true(appointment.instants.startTime == time.parse "2023-09-25T10:30:00Z")
      assert.is_nil(appointment.type)
      assert.is_nil(appointment.webhookId)
    end
    assert.are.equal("a", read(shapes[2]).id)
    assert.is_nil(read('{"type":"AppointmentCreate"}').appointment)
    assert.is_nil(read('{"type":"ContactCreate","id":"c"}').appointment)
  end)

  it("says what was verified apart from the fields", function()
    local object, verified = read [[{"type":"INSTALL","locationId":"L","companyId":"C","appId":"A","webhookId":"W",
      "timestamp":"2025-11-07T12:46:45.953Z"}]]
    assert.are.same({
      type = "INSTALL",
      location_id = "L",
      company_id = "C",
      app_id = "A",
      id = "W",
      ms = 1762519605953,
    }, verified)
    assert.is_nil(private.state("hoopai.Event", object))
    event.trust(object, verified)
    object.type = "UNINSTALL"
    assert.are.equal("INSTALL", private.state("hoopai.Event", object).type)
    local _, odd = read '{"type":7,"locationId":{},"companyId":1,"appId":true,"webhookId":{}}'
    assert.is_nil(odd.location_id or odd.company_id or odd.app_id or odd.ms)
  end)

  it("knows an event without an id, or with a long one, by its bytes", function()
    local function id_of(raw) return select(2, read(raw)).id end
    assert.are.equal("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", id_of "{}")
    assert.are_not.equal(id_of "{}", id_of "{ }")
    assert.matches("^sha256:%x+$", id_of(('{"webhookId":"%s"}'):format(("w"):rep(129))))
    assert.are.equal(("w"):rep(128), id_of(('{"webhookId":"%s"}'):format(("w"):rep(128))))
    assert.matches("^sha256:%x+$", id_of '{"webhookId":""}')
  end)

  it("reads the time of the sender: a text with an offset, or milliseconds", function()
    local times = {
      ['"2025-11-07T12:46:45.953Z"'] = 1762519605953,
      ['"2025-11-07T12:46:45+00:00"'] = 1762519605000,
      ["1762519605953"] = 1762519605953,
      ['"1762519605953"'] = 1762519605953,
    }
    for text, ms in pairs(times) do
      assert.are.equal(ms, select(2, read('{"timestamp":' .. text .. "}")).ms)
    end
    for _, text in ipairs { "1762519605", '"1762519605"', '"yesterday"', '""', "true", "{}", "1e300", "-5", "1.5" } do
      local object, verified = read('{"timestamp":' .. text .. "}")
      assert.is_nil(verified.ms, text)
      assert.is_nil(object.instant)
    end
  end)

  it("is an object only", function()
    for _, raw in ipairs { "", "[]", "null", '"x"', "5", "{", '{"a":1}x', "\239\187\191{}", "[{}]" } do
      local object, problem = event.read(raw)
      assert.is_nil(object, raw)
      assert.are.equal("string", type(problem))
    end
  end)

  it("prints its type and id, and nothing of a person", function()
    local object, verified = read '{"type":"ContactCreate","email":"a@example.com","webhookId":"w1"}'
    event.trust(object, verified)
    assert.are.equal("hoopai.Event (ContactCreate, w1)", tostring(object))
    assert.is_false(getmetatable(object))
    object, verified = read '{"webhookId":"w\\u001b[2J"}'
    event.trust(object, verified)
    assert.is_nil(tostring(object):find "\27")
  end)
end)
