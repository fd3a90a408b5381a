--- The hooks of a log: one line for each call.
local errors = require "hoopai.errors"
local private = require "hoopai.private"
local time = require "hoopai.time"

-- A host that embeds Lua may leave the library out, or take it away later.
local stderr = io and io.stderr

local function to_stderr(line)
  stderr:write(line .. "\n") -- in one piece, as other processes may write to stderr too
end

-- Values from servers and callers must not break a line, move a cursor or fill a disk.
local LONGEST_VALUE, LONGEST_WORD = 128, 1024 -- bytes; a path is a word
local function clean(value, most) return (tostring(value):sub(1, most):gsub("[^\33-\126]", "?")) end

local function yes_no(value)
  if value == nil then return nil end
  return value and "yes" or "no"
end

-- A line: the time, words, and pairs of a name and a value; a pair whose value is nil is left out.
local function line_of(words, ...)
  local out = { time.now():format("%FT%T.%LZ", "UTC") }
  for _, word in ipairs(words) do
    out[#out + 1] = clean(word, LONGEST_WORD)
  end
  local details = { ... }
  for index = 1, select("#", ...), 2 do
    local value = details[index + 1]
    if value ~= nil then out[#out + 1] = details[index] .. "=" .. clean(value, LONGEST_VALUE) end
  end
  return table.concat(out, " ")
end

local function milliseconds(seconds) return ("%.0fms"):format(seconds * 1000) end

local made = private.states "hoopai.Log" -- the hooks of logs -> true

-- Hook -> function of its event that returns the line.
local lines = {}

function lines.done(event)
  local applied = event.applied ~= "no" and event.applied or nil
  return line_of(
    { event.method, event.path, event.status or "-", milliseconds(event.elapsed) },
    "attempts",
    event.attempts,
    "reused",
    yes_no(event.reused),
    "error",
    event.kind,
    "applied",
    applied,
    "reconciled",
    yes_no(event.reconciled),
    "dry_run",
    yes_no(event.dry_run),
    "trace",
    event.trace_id
  )
end

function lines.refresh(event)
  return line_of(
    { "token", event.ok and "renewed" or "not", not event.ok and "renewed" or nil },
    "key",
    event.key,
    "generation",
    event.generation,
    "error",
    event.kind
  )
end

function lines.retry(event)
  return line_of(
    { event.method, event.path, "again", "in", milliseconds(event.delay) },
    "attempt",
    event.attempt,
    "error",
    event.kind,
    "status",
    event.status,
    "reason",
    event.reason,
    "action",
    event.action
  )
end

function lines.wait(event)
  return line_of(
    { event.method, event.path, "waits", "for", milliseconds(event.seconds) },
    "location",
    event.location_id
  )
end

local checks = { write = "function", verbose = "boolean" }

local function check(options)
  if type(options) ~= "table" then errors.raise("the options of hoopai.log are a table, got " .. type(options)) end
  for name, value in pairs(options) do
    if not checks[name] then
      errors.raise(("unknown option `%s` of hoopai.log; there are `write` and `verbose`"):format(tostring(name)))
    end
    if type(value) ~= checks[name] then
      errors.raise(("option `%s` of hoopai.log must be a %s, got %s"):format(name, checks[name], type(value)))
    end
  end
end

--- Makes the hooks of a log: `hoopai.new { on = hoopai.log() }`. It writes a line when a call is over:
--
--     2026-03-07T14:00:00.123Z POST /calendars/events/appointments 201 132ms attempts=1 reused=yes trace=5f0c
--     2026-03-07T14:00:12.004Z PUT /calendars/groups/g1 503 9120ms attempts=3 reused=yes error=server applied=maybe
--
-- with `-` for the status if no response arrived, and `dry_run=yes` if the option `dry_run` kept a change from being
-- sent; and a line when a token of an app was renewed, or could not be. The path has the ids in the request. No token,
-- query, header or body is in a line.
--
-- The variable HOOPAI_LOG of the environment gives such a log to a program that has none: `1`, or `verbose`.
-- @function log
-- @tparam[opt] table options
-- @tparam[opt] function options.write called with each line, without its newline; may not wait. Default: writes the
-- line to stderr
-- @tparam[opt=false] boolean options.verbose a line also before each repetition and each wait for the rate limit
-- @tparam[opt] Error err the error of a call that was to return the options, and failed
-- @treturn Hooks a table that you may add other hooks to
-- @raise for an unknown or wrong option, for an `err`, and without `write` if Lua has no library `io`
local function log(options, err)
  errors.check_first("hoopai.log{...}", options, err)
  if options ~= nil then check(options) end
  local write = options and options.write or stderr and to_stderr
  if not write then errors.raise("hoopai.log needs the option `write`: this Lua has no library io") end
  local hooks = {}
  for name, line in pairs(lines) do
    local is_wanted = name == "done" or name == "refresh" or options and options.verbose
    if is_wanted then
      hooks[name] = function(event) write(line(event)) end
      made[hooks[name]] = true
    end
  end
  return hooks
end

return log
