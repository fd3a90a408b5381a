--- libuv's loop: tasks of `hoopai.spawn` go on in `uv.run`, which returns when they and all else have ended.
local errors = require "hoopai.errors"
local loop = require "hoopai.async.loop"
local pid = require("hoopai.core").pid
local uv = require "luv"

local assert, pcall, setmetatable, ceil, huge = assert, pcall, setmetatable, math.ceil, math.huge
local warn = warn or function() end

local handles -- { poll, timer, idle, process, finalised }

-- Created after the handles and so finalised before them when the state is closed: from then on they must not be used.
local gc_guard = { __gc = function(guard) guard.finalised = true end }

--- False when other code has closed the handles, as uv.walk at the end of a program does, and in a forked child.
-- stylua: ignore
local function usable()
  return handles and not handles.finalised and handles.process == pid()
    and not (handles.poll:is_closing() or handles.timer:is_closing() or handles.idle:is_closing())
end

local function on_event()
  if not usable() or loop.is_shutting_down() then return end
  handles.poll:stop() -- handles that are not active do not keep uv.run going
  handles.timer:stop()
  handles.idle:stop()
  local ok, seconds = pcall(loop.step) -- an error in a callback would end the process
  if not usable() then return end
  if not ok then
    warn("hoopai: " .. errors.report(seconds))
    handles.timer:start(1000, 0, on_event)
  elseif seconds then
    handles.poll:start("r", on_event)
    -- A zero timer that its own callback starts starves the loop.
    if seconds == 0 then handles.idle:start(on_event) end
    if seconds > 0 and seconds < huge then handles.timer:start(ceil(seconds * 1000), 0, on_event) end
  end
end

return {
  name = "luv",
  -- Creates no handles: after uv.loop_close any call of luv ends the process.
  changed = function() return usable() and handles.idle:start(on_event) end,
  running = function() return uv.loop_mode() ~= nil end,
  prepare = function()
    if usable() then return end
    local poll = assert(uv.new_poll(loop.pollfd()))
    handles = setmetatable({ poll = poll, timer = uv.new_timer(), idle = uv.new_idle(), process = pid() }, gc_guard)
  end,
}
