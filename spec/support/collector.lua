--- The pace of the garbage collector, which Lua 5.4 and 5.5 set in different ways.

local collector = {}

local by_name = _VERSION ~= "Lua 5.4" -- collectgarbage("param", name, value)

--- Makes the collector incremental.
-- @tparam integer pause percent
-- @tparam integer multiplier percent of work in a step
-- @tparam integer size of a step: so many doublings of a byte
function collector.pace(pause, multiplier, size)
  if not by_name then
    collectgarbage("incremental", pause, multiplier, size)
    return
  end
  collectgarbage("incremental")
  collectgarbage("param", "pause", pause)
  -- A step of 2^30 bytes is a whole cycle; in Lua 5.5 that is what the multiplier 0 stands for.
  collectgarbage("param", "stepmul", size < 30 and multiplier or 0)
  collectgarbage("param", "stepsize", size < 30 and 1 << size or 1 << 13)
end

--- @treturn string mode
-- @treturn integer pause
-- @treturn integer multiplier
function collector.read()
  local mode = collectgarbage("incremental")
  local pause, multiplier
  if by_name then
    pause, multiplier = collectgarbage("param", "pause"), collectgarbage("param", "stepmul")
  else
    pause, multiplier = collectgarbage("setpause", 200), collectgarbage("setstepmul", 100)
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", multiplier)
  end
  collectgarbage(mode)
  return mode, pause, multiplier
end

return collector
