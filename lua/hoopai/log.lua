--- A line of a log for each call.
local _ENV = require "hoopai.standard"
local errors = require "hoopai.errors"
local time = require "hoopai.time"

local ipairs, pairs, select, tostring, type = ipairs, pairs, select, tostring, type
local concat, format, gsub, sub = table.concat, string.format, string.gsub, string.sub
local stderr = io and io.stderr

local function to_stderr(line)
  stderr:write(line .. "\n") -- at once: other processes may write there as well
end

-- What came from outside must not break a line, move a cursor or fill a disk.
local function clean(text)
  return (gsub(sub(tostring(text), 1, 128), "[^\33-\126]", "?"))
end

local function yes_no(value)
  if value == nil then return nil end
  return value and "yes" or "no"
end

--- A line: the time, words, and pairs of a name and a value; those without a value are left out.
local function line_of(words, ...)
  local out = { time.now():format("%FT%T.%LZ", "UTC") }
  for _, word in ipairs(words) do out[#out + 1] = word end
  local details = { ... }
  for index = 1, select("#", ...), 2 do
    local value = details[index + 1]
    if value ~= nil then out[#out + 1] = details[index] .. "=" .. clean(value) end
  end
  return concat(out, " ")
end

local function milliseconds(seconds)
  return format("%.0fms", seconds * 1000)
end

local lines = {}

function lines.done(event)
  local applied = event.applied ~= "no" and event.applied or nil
  return line_of({ event.method, event.path, event.status or "-", milliseconds(event.elapsed) },
    "attempts", event.attempts, "reused", yes_no(event.reused), "error", event.kind, "applied", applied,
    "reconciled", yes_no(event.reconciled), "trace", event.trace_id)
end

function lines.refresh(event)
  return line_of({ "token", event.ok and "renewed" or "not renewed" },
    "key", event.key, "generation", event.generation, "error", event.kind)
end

function lines.retry(event)
  return line_of({ event.method, event.path, "again in", milliseconds(event.delay) }, "attempt", event.attempt,
    "error", event.kind, "status", event.status, "reason", event.reason, "action", event.action)
end

function lines.wait(event)
  return line_of({ event.method, event.path, "waits for", milliseconds(event.seconds) }, "location", event.location_id)
end

local checks = { write = "function", verbose = "boolean" }

local function check(options)
  if type(options) ~= "table" then errors.raise("the options of hoopai.log are a table, got " .. type(options)) end
  for name, value in pairs(options) do
    if not checks[name] then
      errors.raise(format("unknown option `%s` of hoopai.log; there are `write` and `verbose`", tostring(name)))
    end
    if type(value) ~= checks[name] then
      errors.raise(format("option `%s` of hoopai.log must be a %s, got %s", name, checks[name], type(value)))
    end
  end
end

--- Makes the hooks of a log: `hoopai.new { on = hoopai.log() }`. It writes a line when a call is over:
--
--     2026-03-07T14:00:00.123Z POST /calendars/events/appointments 201 132ms attempts=1 reused=yes trace=5f0c
--     2026-03-07T14:00:12.004Z PUT /calendars/groups/g1 503 9120ms attempts=3 reused=yes error=server applied=maybe
--
-- with `-` for the status where no answer came; and a line when a token of an app was renewed, or could not be. The
-- path has the ids of what was asked for. No token, query, header or body is in a line.
-- @function log
-- @tparam[opt] table options
-- @tparam[opt] function options.write called with each line, without its end; may not wait. Default: the line goes to
-- stderr
-- @tparam[opt=false] boolean options.verbose a line also before each repetition and each wait for the request budget
-- @treturn Hooks a table that you may add other hooks to
-- @raise for an unknown or wrong option, and without `write` where Lua has no library `io`
local function log(options)
  if options ~= nil then check(options) end
  local write = options and options.write or stderr and to_stderr
  if not write then errors.raise("hoopai.log needs the option `write`: this Lua has no library io") end
  local hooks = {}
  for name, line in pairs(lines) do
    local is_wanted = name == "done" or name == "refresh" or options and options.verbose
    if is_wanted then hooks[name] = function(event) write(line(event)) end end
  end
  return hooks
end

return log
