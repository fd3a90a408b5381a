--- libuv's loop: tasks of `hoopai.spawn` go on in `uv.run`, which returns when they and all else have ended.
local errors = require "hoopai.errors"
local loop = require "hoopai.loop"
local uv = require "luv"

local pcall, setmetatable, warn = pcall, setmetatable, warn
local ceil = math.ceil

local handles -- { poll, timer, fd }

--- Has somebody closed the handles (luv.walk at the end of a program), or is this a forked child?
local function usable()
  return handles and not handles.poll:is_closing() and not handles.timer:is_closing() and handles.fd == loop.pollfd()
end

-- Made after the handles and so finalised before them when the state is closed: from then on nobody may touch them.
local Handles = {}
Handles.__gc = function(self) self.ended = true end

local function open()
  local fd = loop.pollfd()
  handles = setmetatable({ poll = assert(uv.new_poll(fd)), timer = assert(uv.new_timer()), fd = fd }, Handles)
end

local function on_event()
  local ok, problem = pcall(loop.step) -- an error in a callback would end the process
  if not ok then warn("hoopai: " .. errors.text(problem)) end
  if handles.poll:is_closing() or handles.timer:is_closing() then return end
  if not loop.busy() then -- handles that are not active do not keep uv.run going
    handles.poll:stop()
    handles.timer:stop()
    return
  end
  if not handles.poll:is_active() then handles.poll:start("r", on_event) end
  local seconds = loop.timeout()
  if seconds then handles.timer:start(ceil(seconds * 1000), 0, on_event) else handles.timer:stop() end
end

return {
  name = "luv",
  changed = function()
    if handles and handles.ended then return end
    if not usable() then open() end
    handles.timer:start(0, 0, on_event)
  end,
  running = function() return uv.loop_mode() ~= nil end,
}
