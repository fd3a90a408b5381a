--- Tasks, and the ways in which code waits: what the other layers use of the modules in this folder.
--
--     combine -> loop -> scope -> task -> wait -> timers
--                loop -> pollset -> wait
--     lock, condition -> wait
local combine = require "hoopai.async.combine"
local conditions = require "hoopai.async.condition"
local locks = require "hoopai.async.lock"
local loop = require "hoopai.async.loop"
local scopes = require "hoopai.async.scope"
local tasks = require "hoopai.async.task"
local wait = require "hoopai.async.wait"

return {
  -- Public as functions of hoopai.
  use = loop.use,
  run = loop.run,
  spawn = loop.spawn,
  sleep = wait.sleep,
  map = combine.map,
  all = combine.all,
  race = combine.race,
  timeout = combine.timeout,
  on_task_error = scopes.on_task_error,

  -- How the caller may wait.
  mode = wait.mode,
  in_task = wait.in_task,
  running = wait.running,
  call_hook = wait.call_hook,
  call_progress = wait.call_progress,

  -- Transfers.
  new_multi = loop.new_multi,
  close_multi = loop.close_multi,
  await = wait.await,

  -- Tasks that do not depend on their caller.
  background = loop.background,
  as_task = wait.as_task,
  as_whole = combine.as_whole,
  cut = tasks.cut,
  cut_mode = wait.cut_mode,
  run_only = loop.run_only,
  step_background = loop.step_background,
  wait_for = tasks.wait_for,
  drain = loop.drain,
  is_shutting_down = loop.is_shutting_down,

  -- Changes that the running task made.
  record_change = tasks.record_change,
  last_cut_off = tasks.last_cut_off,

  new_lock = locks.new,
  new_condition = conditions.new,
}
