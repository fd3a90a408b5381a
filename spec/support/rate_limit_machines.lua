--- Several programs that share a rate limit: see spec/support/rate_limit_machine.lua. Used by specs and by
-- spec/torture/rate_limit.lua.
local child = require "spec.support.child"
local core = require "hoopai.core"

local machines = {}

--- Starts a program. `finish` waits for its end.
-- @tparam table box a sandbox
-- @tparam integer port of Redis
-- @tparam integer calls
-- @tparam integer concurrency 0: blocking calls
function machines.start(box, port, calls, concurrency)
  local words = { box.url, box.token, box.location_id, port, calls, concurrency }
  for index, word in ipairs(words) do
    words[index] = ("%q"):format(tostring(word))
  end
  return child.start(
    ("arg = { [0] = 'machine', %s } dofile 'spec/support/rate_limit_machine.lua'"):format(table.concat(words, ", "))
  )
end

--- Runs programs at the same time.
-- @tparam integer count how many
-- @tparam[opt] function meanwhile called while they run
-- @treturn table `done`, `failed`, `asked` (sums), `refused` (responses 429), `seconds`, `texts` (what each printed)
function machines.run(box, port, count, calls, concurrency, meanwhile)
  local began, programs = core.now(), {}
  for index = 1, count do
    programs[index] = machines.start(box, port, calls, concurrency)
  end
  if meanwhile then meanwhile() end
  local result = { done = 0, failed = 0, asked = 0, refused = 0, texts = {} }
  for index, program in ipairs(programs) do
    local text = program:finish()
    local done, failed, asked = text:match "^(%d+) done, (%d+) failed, asked (%d+) times"
    assert(done, text)
    result.done, result.failed = result.done + tonumber(done), result.failed + tonumber(failed)
    result.asked, result.texts[index] = result.asked + tonumber(asked), text
  end
  result.seconds = core.now() - began
  for _, entry in ipairs(box:control("requests").requests) do
    if entry.status == 429 then result.refused = result.refused + 1 end
  end
  return result
end

return machines
