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
    local pause = seconds < huge and copas.pause or copas.pauseforever
    pause(seconds)
    local ok, result = pcall(loop.step)
    if not ok then warn("hoopai: " .. errors.report(result)) end
    seconds = not ok and 1 or result
  end
  driver = nil
  copas.close(descriptor) -- makes copas call `receive` again: a socket that is waited for keeps copas.loop going
end

return {
  name = "copas",
  changed = function()
    if driver then copas.wakeup(driver) end
    driver = driver or copas.addthread(drive)
    if not reading then
      reading = true
      copas.addthread(copas.receive, descriptor)
    end
  end,
  running = function() return copas.running end,
}
