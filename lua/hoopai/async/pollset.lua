--- The multi handles of all clients, nested in one poll fd that any loop can wait for.
local core = require "hoopai.core"
local wake = require("hoopai.async.wait").wake

local error, remove, ipairs, pcall, huge = error, table.remove, ipairs, pcall, math.huge

local pollset = {}

local poller -- the poll fd, made when it is first needed
local entries = {} -- list of { multi, fd }

--- In a forked child the poll fd and all multi handles are the parent's: the child begins with its own.
function pollset.after_fork()
  poller, entries = nil, {}
end

--- @return true; or nil and a problem when the system has no descriptor left
local function open_poller()
  if poller then return true end
  local made, problem = core.poller()
  if not made then return nil, problem end
  poller = made
  return true
end

--- The descriptor.
function pollset.fd()
  local ok, problem = open_poller()
  if not ok then error("hoopai: " .. problem, 0) end
  return poller:fd()
end

--- Adds a multi handle.
-- @return true; or nil and a problem when the system has no descriptor left
function pollset.add(multi)
  local ok, problem = open_poller()
  if not ok then return nil, problem end
  local entry = { multi = multi, fd = multi:pollfd() } -- before the index is computed: a finaliser may remove others
  poller:add(entry.fd)
  entries[#entries + 1] = entry
  return true
end

function pollset.remove(multi)
  for index, entry in ipairs(entries) do
    if entry.multi == multi then
      remove(entries, index)
      if poller then poller:remove(entry.fd) end
      return
    end
  end
end

--- Removes the multi handles that were finalised with their clients.
function pollset.forget_closed()
  for index = #entries, 1, -1 do
    if not pcall(entries[index].multi.pollfd, entries[index].multi) then remove(entries, index) end
  end
end

--- Wakes the tasks that wait for transfers of a multi handle which are done.
function pollset.wake_finished(multi)
  local transfer, task = multi:peek()
  while transfer do
    if task then wake(task, task.ticket) end
    multi:next() -- after the wake: when that finds no memory, the transfer is seen again
    transfer, task = multi:peek()
  end
end

local wake_finished = pollset.wake_finished

--- Steps each multi handle and wakes the tasks whose transfers are done.
function pollset.step()
  for index = #entries, 1, -1 do
    local entry = entries[index] -- nil when a finaliser closed clients meanwhile
    if entry then
      entry.multi:step()
      wake_finished(entry.multi)
    end
  end
end

--- What the multi handles wait for.
-- @treturn boolean is a transfer queued or running, or is one done whose task has not been woken?
-- @treturn number seconds until `step` must be called, math.huge = not before the descriptor is readable
function pollset.next_wait()
  local in_flight, least = false, huge
  for index = 1, #entries do
    local multi = entries[index].multi
    local seconds = multi:timeout()
    if seconds and seconds < least then least = seconds end
    if not in_flight then
      local queued, running = multi:count()
      in_flight = queued + running > 0 or multi:has_ended()
    end
  end
  return in_flight, least
end

--- Blocks until there may be something to step. A signal ends the wait at once, so that Lua's hooks (Ctrl-C) run.
-- @tparam number seconds at most
function pollset.wait(seconds)
  if seconds == 0 then return end
  if poller then
    poller:wait(seconds < huge and seconds or nil)
  else
    core.sleep(seconds < huge and seconds or 3600)
  end
end

return pollset
