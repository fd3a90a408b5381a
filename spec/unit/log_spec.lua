-- hoopai.log: the line of each event. What a client's own events look like in it is in spec/behaviour/hooks_spec.lua.

local log = require "hoopai.log"
local time = require "hoopai.time"

-- The line of an event, without its time.
local function line_of(hook, event)
  local lines = {}
  log({ verbose = true, write = function(line) lines[#lines + 1] = line end })[hook](event)
  assert.are.equal(1, #lines)
  local stamp, rest = lines[1]:match("^(%S+) (.*)$")
  assert.is_true(time.now() - time.parse(stamp) < time.minutes(5), stamp)
  return rest
end

describe("a line of the log", function()
  -- hook, event, line
  for _, case in ipairs {
    {
      "done",
      {
        method = "GET",
        path = "/calendars/c",
        status = 200,
        elapsed = 0.1324,
        attempts = 1,
        reused = true,
        applied = "no",
        trace_id = "5f0c",
      },
      "GET /calendars/c 200 132ms attempts=1 reused=yes trace=5f0c",
    },
    {
      "done",
      {
        method = "PUT",
        path = "/p",
        status = 503,
        elapsed = 9.1199,
        attempts = 3,
        reused = false,
        kind = "server",
        applied = "maybe",
        reconciled = false,
      },
      "PUT /p 503 9120ms attempts=3 reused=no error=server applied=maybe reconciled=no",
    },
    {
      "done",
      { method = "PUT", path = "/p", elapsed = 0, attempts = 0, kind = "network", applied = "no" },
      "PUT /p - 0ms attempts=0 error=network",
    },
    {
      "done",
      {
        method = "POST",
        path = "/p",
        status = 201,
        elapsed = 1,
        attempts = 1,
        applied = "yes",
        reconciled = true,
      },
      "POST /p 201 1000ms attempts=1 applied=yes reconciled=yes",
    },
    { "refresh", { ok = true, key = "location:l", generation = 7 }, "token renewed key=location:l generation=7" },
    {
      "refresh",
      { ok = false, key = "location:l", generation = 7, kind = "reauth_required" },
      "token not renewed key=location:l generation=7 error=reauth_required",
    },
    {
      "retry",
      {
        method = "GET",
        path = "/p",
        delay = 0.25,
        attempt = 1,
        kind = "server",
        status = 503,
        reason = "unavailable",
        action = "resend",
      },
      "GET /p again in 250ms attempt=1 error=server status=503 reason=unavailable action=resend",
    },
    { "wait", { method = "GET", path = "/p", seconds = 1.5, location_id = "l" }, "GET /p waits for 1500ms location=l" },
    { "wait", { method = "GET", path = "/p", seconds = 1.5 }, "GET /p waits for 1500ms" },
  } do
    it("is " .. case[3], function() assert.are.equal(case[3], line_of(case[1], case[2])) end)
  end

  it("has values without blanks and control characters, cut at 128 bytes", function()
    local line = line_of("refresh", { ok = true, key = "a b\n\27[1m=\0é" .. ("x"):rep(500), generation = 1 })
    assert.are.equal("token renewed key=a?b??[1m=???" .. ("x"):rep(128 - 12) .. " generation=1", line)
  end)
end)

describe("a word of the log", function()
  it("has no blanks and control characters, and 1024 bytes at most", function()
    local event = { method = "GET", path = "/a\n\u{9B}" .. ("x"):rep(5000), elapsed = 0, attempts = 1 }
    local line = line_of("done", event)
    assert.are.equal("GET /a???" .. ("x"):rep(1024 - 5) .. " - 0ms attempts=1", line)
  end)
end)

describe("the hooks of the log", function()
  local function names(hooks)
    local list = {}
    for name in pairs(hooks) do
      list[#list + 1] = name
    end
    table.sort(list)
    return list
  end

  it("are done and refresh, and all if it is verbose", function()
    assert.are.same({ "done", "refresh" }, names(log()))
    assert.are.same({ "done", "refresh" }, names(log { verbose = false }))
    assert.are.same({ "done", "refresh", "retry", "wait" }, names(log { verbose = true }))
  end)

  it("are a new table each time, for other hooks to be added", function() assert.are_not.equal(log(), log()) end)
end)
