--- Drives transfers of the core in the specs. Every wait is bounded.

local core = require "hoopai.core"
local lfs = require "lfs"
local send = require "spec.support.send"

local core_http = {}

local LIMIT = 15 -- seconds for anything that should take milliseconds

--- Sends a GET, or the request that `request` describes (see spec.support.send).
function core_http.add(multi, url, request)
  request = request or {}
  request.url = url
  request.method = request.method or "GET"
  return send(multi, request)
end

--- Steps a set until `done()`, or raises when that takes too long. Returns how many turns it took.
function core_http.run_until(multi, done)
  local limit, turns = core.now() + LIMIT, 0
  multi:step()
  while not done() do
    if core.now() > limit then error("the transfers take too long", 2) end
    multi:wait(1)
    multi:step()
    turns = turns + 1
  end
  return turns
end

--- Runs a transfer to its end and takes it (and what ended before) out of next(). Returns it.
function core_http.finish(multi, transfer)
  core_http.run_until(multi, function() return transfer:state() == "done" end)
  repeat
  until not multi:next()
  return transfer
end

--- One request from its beginning to its end.
function core_http.fetch(multi, url, request) return core_http.finish(multi, core_http.add(multi, url, request)) end

--- Everything that is ended and not taken yet, in order.
function core_http.take_all(multi)
  local list = {}
  for transfer in multi.next, multi do
    list[#list + 1] = transfer
  end
  return list
end

--- Keeps a set going for some seconds (for servers that must see what we do).
function core_http.pump(multi, seconds)
  local limit = core.now() + seconds
  repeat
    multi:step()
    multi:wait(math.max(0, limit - core.now()))
  until core.now() >= limit
end

--- How many descriptors this process has.
function core_http.descriptors()
  local count = 0
  for name in lfs.dir(lfs.attributes("/proc/self/fd") and "/proc/self/fd" or "/dev/fd") do
    if name:find "^%d+$" then count = count + 1 end
  end
  return count
end

return core_http
