--- Texts as instants, query instants, body instants and zones.

local time = require "hoopai.time"

local function problem_of(value, problem)
  if value == nil then assert(type(problem) == "string" and problem ~= "", "a refusal without reason") end
  return value
end

return function(text)
  local instant = problem_of(time.parse(text))
  if instant then
    local again = assert(time.parse(instant:iso()), "its own text cannot be read")
    assert(again == instant and again:iso() == instant:iso(), "another instant after writing and reading")
    assert(math.type(instant:ms()) == "integer", "no whole milliseconds")
  end
  local ms = problem_of(time.to_epoch_ms(text))
  assert(ms == nil or math.type(ms) == "integer" and ms >= 0 and ms < 253402300800000, "milliseconds out of range")
  assert(not (ms and instant) or ms == instant:ms(), "two readings of one text")
  local body = problem_of(time.to_body_datetime(text))
  assert(body == nil or body == text and instant, "a body text that was changed, or is no instant")
  local zone = problem_of(time.to_timezone(text))
  assert(zone == nil or zone == text and zone:find("^[%w_+%-/]+$"), "a zone's name")
end
