--- The error object, its kinds, how wrong use is raised, and the "did you mean" of misspelt names.
--
-- Expected failures are returned as `nil, err`; `err` is a table of `errors.new`. Wrong use is raised as a string with
-- the position of the user's line.
local lazy = require "hoopai.lazy"
local printable = require "hoopai.errors.printable"
local private = require "hoopai.private"
local spelling = require "hoopai.errors.spelling"

local setmetatable, getmetatable, tostring = setmetatable, getmetatable, tostring
local pcall, error, pairs, ipairs, rawget, type = pcall, error, pairs, ipairs, rawget, type
local concat, sort = table.concat, table.sort
local find, format, gsub, sub = string.find, string.format, string.gsub, string.sub
local line = printable.line
local getinfo = debug and debug.getinfo -- a host may leave the debug library out

local get_core = lazy.module "hoopai.core"
local get_names = lazy.module "hoopai.errors.names"

-- Bytes
local LONGEST_LINE = 2048 -- of a printed error, and of a warning
local LONGEST_MISUSE = 16384 -- of what `errors.raise` says
local LONGEST_PATH, LONGEST_ID, LONGEST_WORD = 600, 128, 64 -- of the parts of a printed error
local LONGEST_TRACEBACK = 16384

local errors = {}

-- stylua: ignore
--- What the `kind` of an error can be; later versions may add some.
-- @table kinds
-- @field invalid_request found before anything was sent; `details` lists every problem
-- @field auth 401: the token was refused, or there is none
-- @field scope 401: the token's scope or class, or the version, was refused
-- @field forbidden 403
-- @field not_found 404 or 410
-- @field conflict 409; or the record was changed otherwise since: of a change whose response was lost, and of `edit`
-- @field slot_taken 400 or 422 of a request that books or moves an appointment, and says that the slot is gone; or
-- nothing is free
-- @field refused any other 400 or 422, or a response that says the call did not succeed
-- @field rate_limit 429; `retry_after` is the time to wait
-- @field rejected any other 4xx
-- @field server 5xx
-- @field network no usable connection, or one that broke
-- @field timeout out of time; `stage` is the part of the call that took too long
-- @field tls a certificate was not trusted, or the handshake failed
-- @field decode the response is not JSON, or not of the documented shape
-- @field too_large the response is larger than allowed
-- @field protocol broken HTTP; or a redirect: none is followed; or a page of a list in which nothing is new
-- @field duplicate more than one booking was found for the one that was made
-- @field reauth_required the stored tokens are not accepted any more, or there are none: a person must sign in again
-- @field store the token store cannot be read, written or locked; no token was spent, and stored tokens are kept
-- @field signature a webhook that is not proven to be signed by its sender
-- @field stale a webhook that is too old, or of the future
-- @field replayed a webhook that was received already
-- @field cancelled the task was cancelled
-- @field closed the client was closed
-- @field raised the task raised
errors.kinds = {
  "invalid_request",
  "auth", "scope", "forbidden", "not_found", "conflict", "slot_taken", "refused", "rate_limit", "rejected", "server",
  "network", "timeout", "tls",
  "decode", "too_large", "protocol",
  "duplicate", "reauth_required", "store",
  "signature", "stale", "replayed",
  "cancelled", "closed", "raised",
}

--- tostring() for any value, also for one whose __tostring raises or returns no string.
function errors.text(value)
  local ok, text = pcall(tostring, value)
  return ok and text or "(an error value that cannot be printed)"
end

--- Any value as one line of a warning, without the secrets that are in use: it may come from a function of the user's,
-- whose error quotes what it was given.
function errors.report(value) return line(get_core().redact(errors.text(value)), LONGEST_LINE) end

--- The same for a traceback, whose line breaks are kept.
function errors.report_lines(value) return printable.lines(get_core().redact(errors.text(value)), LONGEST_TRACEBACK) end

local IN_FUNCTION = "in the function at " -- marks an error's `where` that is not the line of the call

local Error = private.seal { __name = "hoopai.Error" }
local made = private.states "hoopai.Error" -- error -> true

--- How a value that is wrong was given, in a few words of a message: strings in quotes, since "5" is not 5.
function errors.given(value)
  local kind = type(value)
  if kind == "string" then return format("the string %q", #value > 40 and sub(value, 1, 40) .. "..." or value) end
  if kind == "number" or kind == "boolean" or value == nil then return tostring(value) end
  return "a " .. kind
end

local function context_of(err)
  if err.kind == "invalid_request" then return "" end -- the message names the method, and nothing was sent
  local parts = {}
  if err.status and err.status > 0 then parts[#parts + 1] = "HTTP " .. err.status end
  if err.method then
    parts[#parts + 1] = line(tostring(err.method), LONGEST_WORD) .. " " .. line(tostring(err.path), LONGEST_PATH)
  end
  if err.trace_id then parts[#parts + 1] = "trace " .. line(tostring(err.trace_id), LONGEST_ID) end
  if err.applied and err.applied ~= "no" then parts[#parts + 1] = "applied: " .. err.applied end
  return #parts > 0 and " (" .. concat(parts, ", ") .. ")" or ""
end

--- `kind: message (HTTP 404, GET /calendars/x, trace id) at script.lua:12`, without secrets: one line of at most 2 KiB.
-- Control characters become spaces, and those beyond ASCII escapes: a message of the server must neither look like
-- further lines of a log nor send commands to a terminal. A long message is cut, and what follows it is not.
function Error:__tostring()
  local where, rest = self.where, context_of(self)
  if where then
    where = line(tostring(where), LONGEST_PATH)
    rest = rest .. (find(where, IN_FUNCTION, 1, true) and " " or " at ") .. where
  end
  local kind = line(tostring(self.kind), LONGEST_WORD) .. ": "
  return kind .. line(tostring(self.message), LONGEST_LINE - #kind - #rest) .. rest
end

function Error.__concat(left, right) return errors.text(left) .. errors.text(right) end

--- The second result of a call that fails, after nil. An error prints as one line of at most 2 KiB, `kind: message
-- (status, method, path, trace)`, and never holds a secret. Later versions may add kinds.
-- @table Error
-- @tfield string kind one of @{kinds}
-- @tfield string message what went wrong, in words: one line, without what commands a terminal
-- @tfield string applied the call's effect as far as it is known: "no" = provably none (the request was never sent, was
-- refused, or only read), "maybe" = a change was sent and its outcome is unclear (also if a 2xx does not prove it,
-- such as a web page), "yes" = the change was accepted, but the response could not be read to its end
-- @tfield boolean retryable whether the same call may succeed later and had no effect yet
-- @tfield[opt] integer status HTTP status of the response, if there is one
-- @tfield[opt] table details of `invalid_request`: all problems, each a @{Detail} (and `more`, how many were left out).
-- Of a refusal: all texts, if the API sent a list or several
-- @tfield[opt] integer attempts how many requests were made
-- @tfield[opt] string method HTTP method
-- @tfield[opt] string path path of the request
-- @tfield[opt] string trace_id the id that the vendor's support asks for
-- @tfield[opt] Response response the response, if there is one
-- @tfield[opt] string stage of `timeout`: the part of the call in which the time ran out: "queue", "connect", "send",
-- "wait", "receive" or "refresh"
-- @tfield[opt] number retry_after of `rate_limit`: seconds until a call is tried, at most 60, or 600 with the scope
-- "daily"; of a 503: the seconds that the API asked for
-- @tfield[opt] string scope of `rate_limit`: "burst" or "daily"
-- @tfield[opt] integer proxy_status HTTP status of a proxy that did not let the request through
-- @tfield[opt] integer curl_code of `network`, `timeout`, `tls` and the like: libcurl's code
-- @tfield[opt] any cause what a function of yours raised or returned: the task of `raised`, the token function of
-- `auth`. Of `reauth_required`: the refusal
-- @tfield[opt] Booking booking of `appointments:book`, also of one that was cut off (in `unclear`), if the outcome of
-- the booking is not certain: all that `appointments:find_booking` needs to search again
-- @tfield[opt] string calendarId of `calendars:each_slot` and its like, `events:all` and `block_slots:all`: the
-- calendar whose free slots or events were not read
-- @tfield[opt] string userId of `block_slots:all`: the user whose blocked times were not read
-- @tfield[opt] string traceback of `raised`: the stack of the task when it raised
-- @tfield[opt] string where the line that made the call: "script.lua:12", printed last. If a tail call left none, the
-- line at which the function of the task begins: "in the function at script.lua:10". Absent without the debug library
-- @tfield[opt] table unclear of @{Task:join}, @{timeout} and @{race}: the changes that were cut off after they had
-- been sent, a list of errors of kind "cancelled"

--- One problem of a call that was refused before it was sent.
-- @table Detail
-- @tfield string path the field, such as `teamMembers[2].priority`; empty for the query or body as a whole
-- @tfield string problem what is wrong, in words
-- @tfield[opt] string given what was given, shortened; absent where a name is the problem
-- @tfield[opt] string expected what would be right
-- @tfield[opt] string suggestion what was probably meant

--- Makes an error object. Its `where` is the line of its caller, also if the fields are those of another error.
-- @tparam table fields `kind`, `message` and any other field of @{Error}. `applied` is "no" and `retryable` false by
-- default
-- @treturn Error the same table, with texts that can be printed
function errors.new(fields)
  fields.where = errors.where()
  printable.clean(fields) -- scripts print `err.message` as often as `err`
  if fields.applied == nil then fields.applied = "no" end
  if fields.retryable == nil then fields.retryable = false end
  made[fields] = true
  return setmetatable(fields, Error)
end

--- Is a value an error object of this library?
function errors.is(value) return made[value] == true end

--- Is a value a response, as calls return it after their result? That of a dry run has no status. Objects of the
-- library, which refuse unknown fields, are none.
function errors.is_response(value)
  if type(value) ~= "table" then return false end
  local is_dry, status = rawget(value, "dry_run") == true, rawget(value, "status")
  return (is_dry or type(status) == "number") and type(value.headers) == "table"
end

local List = private.seal { __name = "hoopai.Errors" }
-- List -> how many items there were: outside of the list, in which pairs() finds errors alone.
local counts = private.states "hoopai.Errors"

function List:__tostring()
  local indices = {}
  for index in pairs(self) do
    indices[#indices + 1] = index
  end
  sort(indices)
  local lines = { format("%d of %d failed", #indices, counts[self] or #indices) }
  for _, index in ipairs(indices) do
    lines[#lines + 1] = format("  [%d] %s", index, line(errors.text(self[index]), LONGEST_LINE))
  end
  return concat(lines, "\n")
end

--- The second result of `hoopai.map`: index -> error. It prints as a list.
-- @tparam integer count how many items there were, with those that did not fail
-- @treturn table
function errors.list(count)
  local list = setmetatable({}, List)
  counts[list] = count
  return list
end

-- The folder of this library as Lua names chunks, by which errors.raise finds the user's first frame.
local library_path = getinfo and getinfo(1, "S").source:match("^(.*)errors%.lua$")

local function is_internal(info)
  return info.what == "C" or (library_path and sub(info.source, 1, #library_path) == library_path)
end

local function origin_of() end

--- Sets how the caller is found in a task whose stack has no line of the user's.
-- @tparam function fn is called with a task, or nil for the running one. It returns the task's function, the coroutine
-- that waits for the task, and the task of that coroutine; nil where there is none
function errors.set_origin(fn) origin_of = fn end

local function line_of(info)
  if info.currentline > 0 then return format("%s:%d", info.short_src, info.currentline) end
end

-- The innermost function of another coroutine that is not the library's.
local function user_frame_of(co)
  local level, info = 0, getinfo(co, 0, "Sl")
  while info and is_internal(info) do
    level = level + 1
    info = getinfo(co, level, "Sl")
  end
  return info
end

-- The place of a caller that is not on the stack: tasks of the library wait for each other.
-- @treturn ?string "script.lua:12"
-- @treturn ?boolean is that where the task's function begins, and not a call?
local function origin()
  local fn, co, task = origin_of()
  while fn or co do
    local info = type(fn) == "function" and getinfo(fn, "S")
    if info and not is_internal(info) then return format("%s:%d", info.short_src, info.linedefined), true end
    info = co and user_frame_of(co)
    if info then return line_of(info), false end
    if not task then return nil end
    fn, co, task = origin_of(task)
  end
end

--- The line that called the library: of the innermost function that is not the library's.
-- @tparam integer level at which the search begins
-- @treturn ?integer the level, as the caller sees it; nil if a tail call left no such function on the stack
-- @treturn ?table what getinfo says of the function
local function user_frame(level, what)
  local info = getinfo(level, what)
  while info and is_internal(info) do
    level = level + 1
    info = getinfo(level, what)
  end
  return info and level - 1, info
end

--- Where the caller's caller called the library.
-- @treturn ?string "script.lua:12"; or "in the function at script.lua:10", the line at which the task's function
-- begins, if a tail call left no other; nil without the debug library, and where no line is known
function errors.where()
  if not getinfo then return nil end
  local _, info = user_frame(3, "Sl")
  if info then return line_of(info) end
  local place, is_function = origin()
  return is_function and IN_FUNCTION .. place or place
end

--- Gives an error that was made elsewhere (such as in a background task) the caller's line.
-- @tparam any result of a call
-- @tparam any err its second result
-- @return both
function errors.locate(result, err)
  if result == nil and errors.is(err) then err.where = errors.where() end
  return result, err
end

--- Raises wrong use unless fn can be called.
-- @tparam string what such as "hoopai.run"
-- @tparam any fn
function errors.check_function(what, fn)
  local meta = type(fn) == "table" and getmetatable(fn)
  if type(fn) ~= "function" and not (type(meta) == "table" and meta.__call) then
    -- Most often a call was made where it was to be handed over: `hoopai.run(client.calendars:list())`.
    local advice = (fn == nil or type(fn) == "table") and ": write function() return ... end around the call" or ""
    errors.raise(format("%s expects a function, got %s%s", what, type(fn), advice))
  end
end

--- Raises wrong use of the library, at the innermost line that is not the library's.
-- @tparam string message
function errors.raise(message)
  message = "hoopai: " .. printable.lines(message, LONGEST_MISUSE)
  if not getinfo then error(message, 2) end
  local level = user_frame(3, "S")
  if level then error(message, level) end
  local place = origin()
  error(place and place .. ": " .. message or message, 0)
end

-- Public modules, whose functions are called with a dot -> true.
local dotted = setmetatable({}, { __mode = "k" })

--- Raises if a function of a public module was called with a colon, or was given nil and the error of a failed call.
-- @tparam string call what the user should have written, such as "hoopai.slots(...)"
-- @param first the first argument
-- @param second the second argument
function errors.check_first(call, first, second)
  if first ~= nil and dotted[first] then errors.raise("call it with a dot: " .. call) end
  if first == nil and errors.is(second) then
    local name = gsub(call, "%s*[({].*$", "")
    errors.raise(format("%s got nil, because a call before it failed: %s", name, errors.text(second)))
  end
end

--- Checks the first arguments of the functions of a public module, see @{check_first}.
-- @tparam table module whose functions are replaced
-- @tparam string prefix the name of the module, with its dot
-- @tparam table takes_table function name -> true: it is written with braces in the advice
-- @treturn table the module
function errors.check_dots(module, prefix, takes_table)
  dotted[module] = true
  for name, fn in pairs(module) do
    if type(fn) == "function" then
      local call = prefix .. name .. (takes_table[name] and "{...}" or "(...)")
      module[name] = function(first, ...)
        if first == nil or dotted[first] then errors.check_first(call, first, (...)) end
        return fn(first, ...)
      end
    end
  end
  return module
end

errors.suggest = spelling.suggest

--- "did you mean `name`?" for a misspelt name.
-- @tparam any name as it was written
-- @tparam table candidates a list of names, or a table whose keys are the names
-- @treturn ?string the question, nil if no candidate is near
-- @treturn ?string the candidate
function errors.did_you_mean(name, candidates)
  local near = errors.suggest(name, candidates)
  if near then return format("did you mean `%s`?", near), near end
end

--- Raises the use of a member that does not exist: "WHAT `name`, did you mean `...`?", or all members instead.
-- @tparam string what such as "a client has no"
-- @tparam any name
-- @tparam table members their names, in the order in which they are listed
function errors.raise_unknown(what, name, members)
  local question = errors.did_you_mean(name, members)
  errors.raise(
    format("%s `%s`%s", what, tostring(name), question and ", " .. question or "; it has " .. concat(members, ", "))
  )
end

--- Raises the use of a name that a public module or object has not. A nil would be dropped from a table without a sign:
-- `{ groupId = hoopai.Null }`. Names that begin with `_` and keys that are no names are nil, as libraries ask for them.
-- @tparam string kind see `hoopai.errors.names`
-- @tparam string what such as "hoopai has no"
-- @tparam any name
-- @tparam table members a list of names, or a table whose keys are the names
function errors.refuse_name(kind, what, name, members)
  if type(name) ~= "string" or find(name, "^_") then return nil end
  local instead = get_names().find(kind, name)
  if instead then errors.raise(format("%s `%s`: %s", what, name, instead)) end
  errors.raise_unknown(what, name, spelling.list_of(members))
end

return errors
