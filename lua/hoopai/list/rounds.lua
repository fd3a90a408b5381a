--- Iterators over records that are read in rounds: a round is several requests side by side, such as one window of time
-- of each calendar, and the records of a round precede those of the next one.
--
-- A round is read when its first record is needed. In a task the round after it is read meanwhile, from its second
-- record on: a loop that is left at the first record has read one round. Outside of tasks nothing goes on between two
-- steps. An iterator that is left early aborts what runs ahead (the fourth value of the generic `for`).
local async = require "hoopai.async"
local errors = require "hoopai.errors"

local error, setmetatable = error, setmetatable

local rounds = {}

-- To-be-closed: aborts the round that is being read ahead.
local AheadGuard = {}

function AheadGuard.__close(guard)
  local ahead = guard.reader.ahead
  guard.reader.is_over, guard.reader.ahead = true, nil
  if ahead then ahead:cancel() end
end

-- Returns the records of the next round; nil after the last one; nil and an error.
local function read_round(reader)
  local ahead = reader.ahead
  if not ahead then return async.as_task(async.run, reader.what, reader.read) end
  reader.ahead = nil
  local records, err = ahead:join()
  if records == nil and errors.is(err) and err.kind == "raised" then error(err.cause, 0) end
  return errors.locate(records, err)
end

local function next_round(reader)
  local records, err = read_round(reader)
  if not records then reader.is_over = true end
  if err then error(err, 0) end
  reader.records, reader.position = records or {}, 0
end

--- Makes an iterator of the records of all rounds.
-- @tparam string what the method, for messages
-- @tparam function read returns the records of the next round, in order; nil after the last round; nil and an error.
-- It may wait
-- @return the values of a generic `for`; a failure raises the error object
function rounds.each(what, read)
  local reader = { what = what, read = read, records = {}, position = 0, is_over = false, ahead = nil }
  local function step()
    while reader.position == #reader.records and not reader.is_over do
      next_round(reader)
    end
    if reader.is_over then return nil end
    local position = reader.position + 1
    reader.position = position
    if position == 2 and not reader.ahead and async.running() then reader.ahead = async.spawn(read) end
    return reader.records[position]
  end
  return step, nil, nil, setmetatable({ reader = reader }, AheadGuard)
end

--- Reads all rounds.
-- @tparam string what the method, for messages
-- @tparam function read see `each`
-- @treturn[1] table the records in order
-- @treturn[2] nil
-- @treturn[2] Error
function rounds.all(what, read)
  return async.as_task(async.run, what, function()
    local all = {}
    while true do
      local records, err = read()
      if err then return nil, err end
      if not records then return all end
      for index = 1, #records do
        all[#all + 1] = records[index]
      end
    end
  end)
end

return rounds
