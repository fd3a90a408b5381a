--- The loop of copas (4 or newer): tasks of `hoopai.spawn` go on in `copas.loop`, which returns when they and all else
-- have ended.
local copas = require "copas"
local errors = require "hoopai.errors"
local loop = require "hoopai.async.loop"

local pcall, huge = pcall, math.huge
local warn = warn or function() end

local driver -- the thread that steps hoopai's loop, nil when there is nothing to do
local reading = false -- is there a thread that waits for the descriptor?

-- To copas this is a socket. `receive` is called when the descriptor is readable, and returns data once all is done.
local descriptor = { getfd = loop.pollfd, dirty = function() return false end, close = function() end }

function descriptor.receive()
  reading = driver ~= nil
  if not reading then return "" end
  copas.wakeup(driver)
  return nil, "timeout"
end

local function drive()
  local seconds = loop.busy() and (loop.timeout() or huge)
  while seconds do
    if seconds < huge then
      copas.pause(seconds)
    else
      copas.pauseforever()
    end
    local ok, result = pcall(loop.step)
    if ok then
      seconds = result
    else
      warn("hoopai: " .. errors.text(result))
      seconds = 1
    end
  end
  driver = nil
  copas.close(descriptor) -- makes copas call `receive` again: a socket that is waited for keeps copas.loop going
end

return {
  name = "copas",
  changed = function()
    if driver then
      copas.wakeup(driver)
    else
      driver = copas.addthread(drive)
    end
    if not reading then
      reading = true
      copas.addthread(copas.receive, descriptor)
    end
  end,
  running = function() return copas.running end,
}
