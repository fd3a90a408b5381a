--- Runs the cases of spec/support/hosts.lua, each in a process of its own, since a loop is chosen once.
local assert = require "luassert"
local child = require "spec.support.child"

local host_cases = {}

--- What the server of the specs responds in all cases.
function host_cases.prepare(server)
  server:reply(
    { path = "/calendars/missing", always = true, status = 404, body = [[{"message":"no"}]] },
    { path = "/calendars/stalled", always = true, steps = { { stall = true } } }
  )
end

--- Runs a case to its end. Returns what it printed.
-- @tparam[opt=0.005] number delay seconds that a response takes
function host_cases.run(server, loop, case, delay)
  server:reply { always = true, delay = delay or 0.005, expand = true, body = [[{"calendar":{"id":"$last"}}]] }
  local text, ok = child.run(
    ("arg = { [0] = 'hosts.lua', %q, %q, %q } dofile 'spec/support/hosts.lua'"):format(loop, case, server.url)
  )
  assert.is_true(ok, text)
  server:wait("busy", "exactly", 0)
  return text
end

return host_cases
