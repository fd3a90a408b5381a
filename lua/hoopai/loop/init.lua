--- The loops that can drive hoopai: `hoopai.use(hoopai.loop.luv)`.
--
-- There are `blocking` (hoopai's own, the default), `luv`, `cqueues`, `copas` and `custom`. An adapter is loaded when
-- it is named here, and needs the library of that name.
--
-- The functions are for loops that have no adapter. Whatever tasks, calls and timers there are, one descriptor and one
-- moment tell when something is to be done:
--
--     hoopai.use(hoopai.loop.custom)
--     while hoopai.loop.busy() do
--       wait_until_readable(hoopai.loop.pollfd(), hoopai.loop.timeout()) -- poll(2), select, ...
--       hoopai.loop.step()
--     end
--
-- A loop that calls back, such as that of a GUI, has an adapter of its own: see @{Adapter}.
-- @module hoopai.loop
local lazy = require "hoopai.lazy" -- first: in an older Lua it says which one is needed
lazy.c_module "hoopai.core" -- the other modules then find it loaded

local async_loop = require "hoopai.async.loop"
local errors = require "hoopai.errors"

local ipairs, setmetatable = ipairs, setmetatable

--- What @{hoopai.use} takes: the way of hoopai to a loop. One that calls back watches `pollfd` while `busy` is true,
-- and calls `step` whenever the descriptor is readable or `timeout` has passed.
-- @table Adapter
-- @tfield string name for messages
-- @tfield[opt] function changed called when there is something to do that was not there after the last `step`: it sees
-- to it that `step` is called soon, but not from within itself. Not needed by a loop that asks `busy` and `timeout`
-- before each wait; then it does nothing. Absent only in `blocking`
-- @tfield[opt] function prepare called before a task is spawned outside of any: makes what `changed` needs, and returns
-- nothing; or why no task can be run here, which @{hoopai.spawn} then raises
-- @tfield[opt] function running returns whether the loop is running: then a call outside of any task raises instead of
-- blocking it. Without it only calls made during `step` are refused

local loop = {
  pollfd = async_loop.pollfd,
  events = async_loop.events,
  timeout = async_loop.timeout,
  busy = async_loop.busy,
  step = async_loop.step,
  -- hoopai's own loop: calls block, and `hoopai.run` runs the loop until its tasks have ended.
  blocking = { name = "blocking" },
  -- A loop that asks `busy`, `pollfd` and `timeout` before each wait, and calls `step` after it.
  custom = { name = "custom", changed = function() end },
}

local adapters = { "blocking", "luv", "cqueues", "copas", "custom" }

return setmetatable(loop, {
  __index = function(self, name)
    for _, known in ipairs(adapters) do
      if name == known then
        -- Not by lazy.module: preload loads no loop of a host.
        local adapter, problem = lazy.load("hoopai.loop." .. name)
        if not adapter then errors.raise(problem) end
        self[name] = adapter
        return adapter
      end
    end
    errors.raise_unknown("hoopai.loop has no", name, adapters)
  end,
})
