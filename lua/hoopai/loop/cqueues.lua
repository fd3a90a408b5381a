--- The controllers of cqueues: calls wait in their coroutines, and tasks of `hoopai.spawn` go on beside those.
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local loop = require "hoopai.loop"

local error, next, pcall, setmetatable = error, next, pcall, setmetatable

local changed = condition.new()
local drivers = setmetatable({}, { __mode = "k" }) -- the controllers that have a coroutine which steps hoopai's loop
local pollable = { pollfd = loop.pollfd, events = loop.events, timeout = loop.timeout }

local function drive()
  while loop.busy() do
    cqueues.poll(pollable, changed)
    loop.step()
  end
end

return {
  name = "cqueues",
  changed = function()
    local controller = cqueues.running()
    if controller and not drivers[controller] then
      drivers[controller] = true
      controller:wrap(function()
        local ok, problem = pcall(drive)
        drivers[controller] = nil
        if not ok then error(problem, 0) end
      end)
    end
    changed:signal()
  end,
  running = function() return cqueues.running() ~= nil end,
  -- How its coroutines wait.
  may_wait = function()
    local _, is_current = cqueues.running()
    return is_current
  end,
  new_cell = condition.new,
  wait = function(cell) cell:wait() end,
  wake = function(cell) cell:signal() end,
  -- Outside of a controller there is nobody who would run a task.
  prepare = function()
    return not cqueues.running() and next(drivers) == nil and "call it in a coroutine of cqueues"
  end,
}
