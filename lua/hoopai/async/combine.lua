--- Several functions side by side: all of them, the first that succeeds, or one for a limited time.
local errors = require "hoopai.errors"
local loop = require "hoopai.async.loop"
local private = require "hoopai.private"
local scopes = require "hoopai.async.scope"
local tasks = require "hoopai.async.task"
local wait = require "hoopai.async.wait"

local getmetatable, type, tostring, pairs, ipairs, next = getmetatable, type, tostring, pairs, ipairs, next
local pack, select = table.pack, select
local format, huge, math_type = string.format, math.huge, math.type
local now = require("hoopai.core").now

local combine = {}

--- A scope within the running task, to be held in a to-be-closed variable.
local function new_scope() return scopes.new(wait.running()) end

--- Runs a function as a background task, and waits for its end: it ends as a whole even if the caller is cancelled.
-- @tparam string what the public function, for messages
-- @tparam function background starts a background task of the function it gets
-- @tparam function fn returns a result, or nil and an error
-- @return what fn returned; an error has the line of the caller
function combine.as_whole(what, background, fn)
  return wait.as_task(loop.run, what, function()
    local _, result, err = tasks.wait_for(background(fn))
    return errors.locate(result, err)
  end)
end

-- map and all ------------------------------------------------------------------------------------------------------

local function map_worker(job)
  while job.next <= job.results.n do
    local index = job.next
    job.next = index + 1
    local value, problem = job.fn(job.items[index], index)
    if value == nil and problem ~= nil then job.errors[index] = problem end
    job.results[index] = value
    if job.progress then
      job.done = job.done + 1
      wait.call_progress(job.progress, job.done, job.results.n)
    end
  end
end

local function run_map(job, workers)
  local scope <close> = new_scope()
  for _ = 1, workers do
    scope:start(true, map_worker, job).origin = job.fn
  end
  scope:wait()
  return job.results, next(job.errors) and job.errors or nil
end

local function map(what, items, fn, concurrency, progress)
  local count = #items
  local job = {
    items = items,
    fn = fn,
    next = 1,
    done = 0,
    progress = progress,
    results = { n = count },
    errors = errors.list(count),
  }
  return wait.as_task(loop.run, what, run_map, job, concurrency < count and concurrency or count)
end

--- Raises wrong use unless `list` is a list. A table that has keys but no items would be taken for an empty list.
local function check_list(what, list)
  local class = private.name_of(list) -- objects seem to be empty tables
  if type(list) ~= "table" or class and class ~= "hoopai.Errors" then
    local given = type(list) == "table" and errors.text(list) or type(list)
    local advice = type(list) == "function"
        and (what == "hoopai.map" and ": write hoopai.map(items, fn)" or format(": write %s { fn, ... }", what))
      or ""
    errors.raise(format("%s expects a list, got %s%s", what, given, advice))
  end
  local metatable = getmetatable(list)
  if #list > 0 or type(metatable) == "table" and metatable.__len then return end
  local key = next(list)
  if key ~= nil and key ~= "n" then
    errors.raise(
      format(
        "%s expects a list such as { a, b }, got a table with the key %s and without items 1, 2, ...",
        what,
        type(key) == "string" and format("%q", key) or errors.text(key)
      )
    )
  end
end

local function check_map(items, fn, options)
  check_list("hoopai.map", items)
  errors.check_function("hoopai.map", fn)
  if options == nil then return 16 end
  if type(options) ~= "table" then
    errors.raise("the options of hoopai.map are a table such as { concurrency = 8 }, got " .. errors.given(options))
  end
  for name in pairs(options) do
    if name ~= "concurrency" and name ~= "progress" then
      errors.raise(format("unknown option `%s` of hoopai.map; there are `concurrency` and `progress`", tostring(name)))
    end
  end
  local concurrency = options.concurrency or 16
  if math_type(concurrency) ~= "integer" or concurrency < 1 then
    errors.raise("concurrency is an integer of at least 1, got " .. errors.given(concurrency))
  end
  local progress = options.progress
  if progress ~= nil and type(progress) ~= "function" then
    errors.raise(
      "progress is a function, which is called with how many are done and the total, got " .. errors.given(progress)
    )
  end
  return concurrency, progress
end

--- Calls fn(item, index) for each item, several at a time, and keeps the order.
-- Outside `run` it runs the loop itself.
-- @tparam table items a list
-- @tparam function fn called with an item and its index; returns a value, or nil and an error
-- @tparam[opt] table options
-- @tparam[opt=16] integer options.concurrency how many calls at a time
-- @tparam[opt] function options.progress called with how many items are done and their total each time an item has
-- ended, with or without success. It may not wait
-- @treturn table the values by index; its `n` is #items
-- @treturn ?table the errors by index; nil when all succeeded. It prints as a list
-- @raise what fn or `progress` raised (the other calls are cancelled first)
function combine.map(items, fn, options) return map("hoopai.map", items, fn, check_map(items, fn, options)) end

local function outcome(item)
  if tasks.is(item) then return item:join() end
  wait.running().origin = item
  return item()
end

--- Waits for several things at once: calls the functions side by side, joins the tasks, and keeps the order.
-- Outside `run` it runs the loop itself, for functions.
-- @tparam table items a list of functions, called without arguments, and of tasks
-- @treturn table the first result of each by index; its `n` is #items
-- @treturn ?table the errors by index (a function's nil and error, or what `join` returned); nil when all succeeded. It
-- prints as a list
-- @raise what one of the functions raised (the others are cancelled first; tasks are not)
function combine.all(items)
  check_list("hoopai.all", items)
  for _, item in ipairs(items) do
    if not tasks.is(item) then errors.check_function("hoopai.all", item) end
  end
  return map("hoopai.all", items, outcome, huge)
end

-- race and timeout -------------------------------------------------------------------------------------------------

--- Runs one function of a race in a new scope. Cancelling the function cancels the tasks that the function spawned.
local function compete(job, index, fn)
  local results = pack(loop.run(fn))
  if results[1] == nil and results[2] ~= nil then
    job.errors[index] = results[2]
  elseif not job.winner then
    job.winner, job.value = index, results[1]
    job.scope:decide()
  end
end

--- What the changes of a loser are reported as: nil when it provably changed nothing.
-- @param task
-- @param err the error that its function returned, if any
local function loss(task, err)
  if not task.applied then return nil end
  if task.status ~= "done" then return select(2, tasks.join(task)) end
  return errors.new {
    kind = "cancelled",
    applied = task.applied or nil,
    unclear = task.unclear or nil,
    cause = err,
    message = err and errors.report(err) or "it succeeded, but too late to win the race",
  }
end

local function run_race(fns)
  local scope <close> = new_scope()
  local job, competitors = { scope = scope, errors = errors.list(#fns) }, {}
  for index, fn in ipairs(fns) do
    competitors[index] = scope:start(true, compete, job, index, fn)
  end
  scope:wait()
  if not job.winner then return nil, job.errors end
  for index, task in ipairs(competitors) do
    tasks.cancel(task)
    job.errors[index] = index ~= job.winner and loss(task, job.errors[index]) or nil
  end
  return job.value, next(job.errors) and job.errors or nil, job.winner
end

--- Calls the functions side by side and gives the result of the first that succeeds; the others are cancelled then.
-- A function has failed when it returns nil and an error. Outside `run` it runs the loop itself.
-- @tparam table fns a list of functions, called without arguments; at least one
-- @return[1] the first result of the winner
-- @treturn[1] ?table what the others may have changed: by index an error whose `applied` is not "no", with the calls
-- that were cut off in `unclear`; nil when they provably changed nothing
-- @treturn[1] integer the index of the winner
-- @treturn[2] nil
-- @treturn[2] table the errors by index, when all failed
-- @raise what one of the functions raised before there was a winner (the others are cancelled first)
function combine.race(fns)
  check_list("hoopai.race", fns)
  if #fns == 0 then errors.raise("hoopai.race needs at least one function") end
  for _, fn in ipairs(fns) do
    errors.check_function("hoopai.race", fn)
  end
  return wait.as_task(loop.run_only, "hoopai.race", run_race, fns)
end

-- If the loop is later than so many seconds at a deadline, as a task or the host was busy, responses may have come in
-- time: the tasks that wait for them are resumed before they are cancelled, so many times, as one may wake the next.
local LATE, LATE_TURNS = 0.02, 4

local function wait_late(scope, task)
  for _ = 1, LATE_TURNS do
    if task.status ~= "running" then return end
    scope:wait(0)
  end
end

local function run_limited(seconds, fn, ...)
  local deadline = now() + seconds
  local scope <close> = new_scope()
  local task = scope:start(true, loop.run, fn, ...)
  scope:wait(deadline)
  if now() > deadline + LATE then wait_late(scope, task) end
  if task.status ~= "running" then return tasks.join(task) end
  tasks.cancel(task)
  return nil,
    errors.new {
      kind = "timeout",
      message = format("not done within the %g s of hoopai.timeout", seconds),
      applied = task.applied or nil,
      unclear = task.unclear or nil,
      retryable = not task.applied,
    }
end

--- Calls fn(...) and cancels it, with all that it spawned, when it takes too long. Outside `run` it runs the loop
-- itself.
-- @tparam number seconds at least 0
-- @tparam function fn what to do
-- @param ... what fn is called with
-- @return[1] what fn returned
-- @treturn[2] nil
-- @treturn[2] Error of kind "timeout"; its `applied` says whether fn changed something before, and `unclear` lists the
-- calls that were cut off
-- @raise what fn raised
function combine.timeout(seconds, fn, ...)
  wait.check_seconds("hoopai.timeout", seconds)
  errors.check_function("hoopai.timeout", fn)
  return wait.as_task(loop.run_only, "hoopai.timeout", run_limited, seconds, fn, ...)
end

return combine
