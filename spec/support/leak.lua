--- Finds what a test leaves behind: transfers in flight, and descriptors that stay open.
--
--   before_each(leak.before)
--   after_each(function() leak.after(server) end)             -- the server of spec.support.server, if there is one
--   ... local client = leak.client { token = "t", base_url = server.url }      -- closed by leak.after

local assert = require "luassert"
local async = require "hoopai.async"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local lfs = require "lfs"

local leak = {}

local FOLDER = lfs.attributes("/proc/self/fd") and "/proc/self/fd" or "/dev/fd"

-- Every multi handle made since the test began, as long as it is referenced elsewhere.
local multis = setmetatable({}, { __mode = "k" })
local clients, before = {}, nil

local new_multi = core.multi
local function noting_multi(...)
  local multi = new_multi(...)
  multis[multi] = true
  return multi
end

--- The open descriptors: number -> what it is (if the system shows it).
function leak.descriptors()
  local open = {}
  for name in lfs.dir(FOLDER) do
    if name:find("^%d+$") then open[tonumber(name)] = lfs.symlinkattributes(FOLDER .. "/" .. name, "target") or "?" end
  end
  return open
end

local function count(set)
  local n = 0
  for _ in pairs(set) do
    n = n + 1
  end
  return n
end

local function in_flight(multi)
  local open, queued, running = pcall(multi.count, multi)
  return open and queued + running or 0
end

--- How many transfers are queued or running, in all sets made since the test began.
function leak.in_flight()
  local sum = 0
  for multi in pairs(multis) do
    sum = sum + in_flight(multi)
  end
  return sum
end

--- hoopai.new, with a client that leak.after closes. It sends each request once and at once, unless the options say
-- otherwise: most specs count requests.
function leak.client(options)
  local all = { retries = false, rate_limit = false }
  for name, value in pairs(options) do
    all[name] = value
  end
  local client = hoopai.new(all)
  clients[#clients + 1] = client
  return client
end

local function difference(old, new)
  local lines = {}
  for fd, what in pairs(new) do
    if old[fd] ~= what then lines[#lines + 1] = ("new: %d %s"):format(fd, what) end
  end
  for fd, what in pairs(old) do
    if new[fd] ~= what then lines[#lines + 1] = ("gone: %d %s"):format(fd, what) end
  end
  return table.concat(lines, ", ")
end

function leak.before()
  core.multi = noting_multi
  collectgarbage() -- what an earlier file left to the collector is not this test's
  collectgarbage()
  before = leak.descriptors()
end

--- Closes the test's clients, empties the server's script, and fails when something was left behind.
-- @param[opt] server a test server: its rules must have been used, and each request must have met one
function leak.after(server)
  local flying = leak.in_flight()
  for _, client in ipairs(clients) do
    client:close()
  end
  local after = leak.descriptors()
  local changes = difference(before, after)
  local problem = server and server:problem()
  if server then server:reset() end
  clients, core.multi = {}, new_multi
  for multi in pairs(multis) do
    multis[multi] = nil
  end
  assert.is_nil(problem)
  assert.are.equal(0, flying, "transfers in flight after the test")
  assert.are.equal(count(before), count(after), "open descriptors: " .. changes)
end

-- The poll fd is made with the first multi handle of tasks and kept: before the first test then.
async.close_multi(async.new_multi {})

return leak
