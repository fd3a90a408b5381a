--- The sets of transfers of all clients, nested in one descriptor that any loop can wait for.
local core = require "hoopai.core"

local error, remove, ipairs, pcall = error, table.remove, ipairs, pcall

local sets = {}

local poller, process -- the descriptor that nests every client's set; who made it
local multis = {}     -- array of { multi, fd }

--- In a forked child the descriptor and all sets in it are the parent's: the child begins with its own.
-- @treturn boolean whether this was found out just now
function sets.leave_parent()
  if process == core.pid() then return false end
  local is_child = process ~= nil
  poller, process, multis = nil, core.pid(), {}
  return is_child
end

--- @return true; or nil and a problem where the system has no descriptor left
local function open_poller()
  if poller then return true end
  local made, problem = core.poller()
  if not made then return nil, problem end
  poller = made
  return true
end

--- The descriptor.
function sets.fd()
  local ok, problem = open_poller()
  if not ok then error("hoopai: " .. problem, 0) end
  return poller:fd()
end

--- @return true; or nil and a problem where the system has no descriptor left
function sets.add(multi)
  local ok, problem = open_poller()
  if not ok then return nil, problem end
  local entry = { multi = multi, fd = multi:pollfd() } -- before its place is known: a finaliser may remove others
  poller:add(entry.fd)
  multis[#multis + 1] = entry
  return true
end

function sets.remove(multi)
  for index, entry in ipairs(multis) do
    if entry.multi == multi then
      remove(multis, index)
      if poller then poller:remove(entry.fd) end
      return
    end
  end
end

--- Forgets the sets that were finalised with their clients.
function sets.forget_closed()
  for index = #multis, 1, -1 do
    if not pcall(multis[index].multi.count, multis[index].multi) then remove(multis, index) end
  end
end

--- Steps each set, then calls collect(multi).
function sets.step(collect)
  for index = #multis, 1, -1 do
    local entry = multis[index] -- a finaliser may close clients meanwhile
    if entry then
      entry.multi:step()
      collect(entry.multi)
    end
  end
end

--- Is a transfer queued or running, or has one ended of which nobody was told?
function sets.in_flight()
  for index = 1, #multis do
    local multi = multis[index].multi
    local queued, running = multi:count()
    if queued + running > 0 or multi:has_ended() then return true end
  end
  return false
end

--- Seconds until a set must be stepped although the descriptor is not readable, nil = never.
function sets.due()
  local due
  for index = 1, #multis do
    local seconds = multis[index].multi:timeout()
    if seconds and (not due or seconds < due) then due = seconds end
  end
  return due
end

--- Blocks until there may be something to step. A signal ends the wait at once, so that Lua's hooks (Ctrl-C) run.
-- @tparam ?number seconds at most; nil = no limit
function sets.wait(seconds)
  if seconds == 0 then return end
  if poller then poller:wait(seconds) else core.sleep(seconds or 3600) end
end

return sets
