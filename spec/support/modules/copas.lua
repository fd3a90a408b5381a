--- A small stand-in for copas 4, which Debian does not have for Lua 5.4: threads, pauses, and sockets waited for by
-- LuaSocket's select. It offers what hoopai.loop.copas and the specs use, in the way of copas.
local socket = require "socket"

local copas = { running = false }

local readers = {} -- list of sockets for select -> the thread that waits for it
local sleepers, resumable, closed = {}, {}, {}

local PAUSE, READ = {}, {}

local function tick(thread, ...)
  local ok, how, what = coroutine.resume(thread, ...)
  if not ok then
    print("copas: " .. debug.traceback(thread, how)) -- as copas does: the loop goes on
  elseif how == PAUSE and what == 0 then
    resumable[#resumable + 1] = thread
  elseif how == PAUSE then
    sleepers[thread] = what < 0 and math.huge or socket.gettime() + what
  elseif how == READ then
    table.insert(readers, what)
    readers[what] = thread
  end
end

function copas.addthread(handler, ...)
  local thread = coroutine.create(function(...)
    copas.pause()
    return handler(...)
  end)
  tick(thread, ...)
  return thread
end

function copas.pause(seconds) coroutine.yield(PAUSE, seconds and seconds > 0 and seconds or 0) end

function copas.pauseforever() coroutine.yield(PAUSE, -1) end

function copas.wakeup(thread)
  if not sleepers[thread] then return end
  sleepers[thread] = nil
  resumable[#resumable + 1] = thread
end

function copas.receive(skt, pattern)
  while true do
    local data, problem = skt:receive(pattern or "*l")
    if data or problem ~= "timeout" then return data, problem end
    coroutine.yield(READ, skt)
  end
end

function copas.close(skt)
  closed[#closed + 1] = skt
  return skt:close()
end

local function take_reader(skt)
  for index, reader in ipairs(readers) do
    if reader == skt then table.remove(readers, index) end
  end
  local thread = readers[skt]
  readers[skt] = nil
  if thread then tick(thread) end
end

local function next_pause()
  if resumable[1] or closed[1] then return 0 end
  local due = math.huge
  for _, moment in pairs(sleepers) do
    due = math.min(due, moment)
  end
  return due < math.huge and math.max(due - socket.gettime(), 0) or nil
end

local function step()
  local readable = socket.select(readers, {}, next_pause())
  local asked = closed
  closed = {}
  for _, skt in ipairs(asked) do
    take_reader(skt)
  end
  for _, skt in ipairs(readable) do
    take_reader(skt)
  end
  local now, ready = socket.gettime(), {}
  for thread, due in pairs(sleepers) do
    if due <= now then ready[#ready + 1] = thread end
  end
  for _, thread in ipairs(ready) do
    copas.wakeup(thread)
  end
  ready, resumable = resumable, {}
  for _, thread in ipairs(ready) do
    tick(thread)
  end
end

--- Are there threads other than those that sleep until they are woken?
local function has_work() return readers[1] ~= nil or next_pause() ~= nil end

function copas.loop()
  copas.running = true
  while has_work() do
    step()
  end
  copas.running = false
end

return copas
