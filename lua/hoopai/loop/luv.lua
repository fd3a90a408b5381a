--- libuv's loop: tasks of `hoopai.spawn` go on in `uv.run`, which returns when they and all else have ended.
local errors = require "hoopai.errors"
local loop = require "hoopai.loop"
local uv = require "luv"

local assert, pcall, setmetatable, ceil = assert, pcall, setmetatable, math.ceil
local warn = warn or function() end

local handles -- { poll, timer, idle, fd, ended }

-- Made after the handles and so finalised before them when the state is closed: from then on nobody may touch them.
local Handles = {}
Handles.__gc = function(self) self.ended = true end

--- False when somebody has closed the handles, as uv.walk at the end of a program does, and in a forked child.
local function usable()
  return handles and not handles.ended and handles.fd == loop.pollfd()
    and not (handles.poll:is_closing() or handles.timer:is_closing() or handles.idle:is_closing())
end

local function on_event()
  local ok, problem = pcall(loop.step) -- an error in a callback would end the process
  if not usable() then return end
  handles.poll:stop() -- handles that are not active do not keep uv.run going
  handles.timer:stop()
  handles.idle:stop()
  if not ok then
    warn("hoopai: " .. errors.text(problem))
    handles.timer:start(1000, 0, on_event)
  elseif loop.busy() then
    local seconds = loop.timeout()
    handles.poll:start("r", on_event)
    if seconds == 0 then handles.idle:start(on_event) -- a timer that starts itself with 0 would let nobody else in
    elseif seconds then handles.timer:start(ceil(seconds * 1000), 0, on_event) end
  end
end

return {
  name = "luv",
  -- Makes no handles: after uv.loop_close any call of luv ends the process.
  changed = function()
    if usable() then handles.idle:start(on_event) end
  end,
  running = function() return uv.loop_mode() ~= nil end,
  prepare = function()
    if usable() then return end
    local poll, fd = assert(uv.new_poll(loop.pollfd())), loop.pollfd()
    handles = setmetatable({ poll = poll, timer = uv.new_timer(), idle = uv.new_idle(), fd = fd }, Handles)
  end,
}
