--- Iterators over records that are read in rounds: a round is several requests side by side, such as one window of time
-- of each calendar, and the records of a round precede those of the next one.
--
-- A round is read when its first record is needed. In a task the round after it is read meanwhile, from its second
-- record on: a loop that is left at the first record has read one round. Outside of tasks nothing goes on between two
-- steps. An iterator that is left early aborts what runs ahead (the fourth value of the generic `for`).
--
-- Tasks may share an iterator: each record goes to one of them.
local async = require "hoopai.async"
local errors = require "hoopai.errors"

local error, setmetatable, type = error, setmetatable, type

local rounds = {}

-- To-be-closed: aborts the round that is being read ahead.
local AheadGuard = {}

function AheadGuard.__close(guard)
  local ahead = guard.reader.ahead
  guard.reader.is_over, guard.reader.ahead = true, nil
  if ahead then ahead:cancel() end
end

-- To-be-closed: a round whose reading raised, or was cut off with its task, is lost. An iterator that went on would
-- skip the records of that round.
local ReadGuard = {}

function ReadGuard.__close(guard, raised)
  if guard.is_done then return end
  guard.reader.is_over, guard.reader.failure, guard.reader.is_cut_off = true, raised, raised == nil
end

--- Joins the task that reads ahead. A caller that is cancelled meanwhile leaves the task to the next caller, or to the
-- guard of the loop.
local function join(reader)
  local records, err = reader.ahead:join()
  reader.ahead = nil
  if records == nil and errors.is(err) and err.kind == "raised" then
    reader.is_over, reader.failure = true, err.cause
    error(err.cause, 0)
  end
  return records, err
end

-- Returns the records of the next round; nil after the last one; nil and an error.
local function read_round(reader)
  if reader.ahead then return join(reader) end
  local guard <close> = setmetatable({ reader = reader, is_done = false }, ReadGuard)
  local records, err = async.as_task(async.run, reader.what, reader.read)
  guard.is_done = true
  return records, err
end

--- Makes an iterator of a list.
local function each_of(list)
  local position = 0
  return function()
    position = position + 1
    return list[position]
  end
end

local function none() return nil end

local function next_round(reader)
  local ended = reader.next_record
  async.mode(reader.what) -- raises where the caller may not wait: nothing has been read then
  local hold <close> = reader.lock:acquire(reader.what) -- luacheck: ignore 211
  if reader.is_over or reader.next_record ~= ended then return end -- another task has read the round meanwhile
  local records, err = errors.locate(read_round(reader)) -- it was made in another task
  if not records then
    reader.is_over, reader.failure = true, err
  end
  reader.next_record, reader.given = type(records) == "table" and each_of(records) or records or none, 0
end

local function may_read_ahead(reader)
  return not reader.ahead and reader.home ~= nil and async.running() == reader.home and async.in_task()
end

--- Returns what the iterator returns after its last record.
-- @raise the failure that ended the iterator, each time: a caller must not take that end for the end of the records
local function finish(reader)
  if reader.is_cut_off then
    error(errors.new { kind = "cancelled", message = "the task that read the next records was cancelled" }, 0)
  end
  if reader.failure ~= nil then error(reader.failure, 0) end
end

--- Calls fn(item) for each item, several at a time. The first error ends that: the other calls are aborted. (A raise in
-- the function of `hoopai.map` would do so too, but each further one at that moment would be printed as unjoined.)
-- @tparam table items a list
-- @tparam function fn returns a value, or nil and an error
-- @tparam integer concurrency how many calls at a time
-- @treturn[1] table the values by index; its `n` is #items
-- @treturn[2] nil
-- @treturn[2] Error the first one
-- @raise what fn raised
function rounds.side_by_side(items, fn, concurrency)
  local failure, failed = nil, async.new_condition()
  local function call(item)
    if failure then return nil end
    local value, err = fn(item)
    if value == nil and err ~= nil and not failure then
      failure = err
      failed:broadcast()
    end
    return value
  end
  local function wait_for_failure()
    while not failure do
      failed:wait "task"
    end
    return failure
  end
  local results = async.race {
    function() return (async.map(items, call, { concurrency = concurrency })) end,
    wait_for_failure,
  }
  if failure then return nil, failure end
  return results
end

--- Makes an iterator of the records of all rounds.
-- @tparam string what the method, for messages
-- @tparam function read returns the records of the next round, in order: a list, or an iterator that does not wait; nil
-- after the last round; nil and an error. It may wait
-- @return the values of a generic `for`; a failure raises the error object
function rounds.each(what, read)
  local reader = {
    what = what,
    read = read,
    lock = async.new_lock(),
    next_record = none,
    given = 0, -- how many records of the round
    is_over = false,
    is_cut_off = false,
    failure = nil,
    home = async.running(),
    ahead = nil,
  }
  local function step()
    local record = reader.next_record()
    while record == nil and not reader.is_over do
      next_round(reader)
      record = reader.next_record()
    end
    if reader.is_over then return finish(reader) end
    local given = reader.given + 1
    reader.given = given
    if given == 2 and may_read_ahead(reader) then reader.ahead = async.spawn(read) end
    return record
  end
  return step, nil, nil, setmetatable({ reader = reader }, AheadGuard)
end

--- Reads all rounds.
-- @tparam string what the method, for messages
-- @tparam function read see `each`; it returns lists
-- @treturn[1] table the records in order
-- @treturn[2] nil
-- @treturn[2] Error
function rounds.all(what, read)
  return errors.locate(async.as_task(async.run, what, function()
    local all = {}
    while true do
      local records, err = read()
      if err then return nil, err end
      if not records then return all end
      for index = 1, #records do
        all[#all + 1] = records[index]
      end
    end
  end))
end

return rounds
