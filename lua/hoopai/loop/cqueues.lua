--- The controllers of cqueues: calls wait in their coroutines, and tasks of `hoopai.spawn` go on beside those.
local cqueues = require "cqueues" -- first: hoopai.lazy has a message for a missing cqueues
local condition = require "cqueues.condition"
local loop = require "hoopai.async.loop"

local error, next, pcall, setmetatable = error, next, pcall, setmetatable

local changed = condition.new()
local drivers = setmetatable({}, { __mode = "k" }) -- the controllers that have a coroutine which steps hoopai's loop
local pollable = { pollfd = loop.pollfd, events = loop.events, timeout = loop.timeout }

local function drive()
  if not loop.busy() then return end
  repeat
    cqueues.poll(pollable, changed)
  until not loop.step()
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
  new_condition = condition.new,
  wait = function(waiting) waiting:wait() end,
  signal = function(waiting) waiting:signal() end,
  -- A task that is spawned outside of all controllers would not be run.
  -- stylua: ignore
  prepare = function()
    return not cqueues.running() and next(drivers) == nil and "call it in a coroutine of cqueues"
  end,
}
