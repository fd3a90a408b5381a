--- The loop of copas (4 or newer): tasks of `hoopai.spawn` go on in `copas.loop`, which returns when they and all else
-- have ended.
local copas = require "copas"
local errors = require "hoopai.errors"
local loop = require "hoopai.loop"

local pcall, warn = pcall, warn or function() end

local driver          -- the thread that steps hoopai's loop, nil when there is nothing to do
local reading = false -- is there a thread that waits for the descriptor?

-- To copas this is a socket: it is asked for data when the descriptor is readable, and has none until all is done.
local descriptor = { getfd = loop.pollfd, dirty = function() return false end, close = function() end }

function descriptor.receive()
  reading = driver ~= nil
  if not reading then return "" end
  copas.wakeup(driver)
  return nil, "timeout"
end

local function drive()
  while loop.busy() do
    local seconds = loop.timeout()
    if seconds then copas.pause(seconds) else copas.pauseforever() end
    local ok, problem = pcall(loop.step)
    if not ok then
      warn("hoopai: " .. errors.text(problem))
      copas.pause(1)
    end
  end
  driver = nil
  copas.close(descriptor) -- that is, ask it again: a socket which is waited for keeps copas.loop going
end

return {
  name = "copas",
  changed = function()
    if driver then copas.wakeup(driver) else driver = copas.addthread(drive) end
    if not reading then
      reading = true
      copas.addthread(copas.receive, descriptor)
    end
  end,
  running = function() return copas.running end,
}
