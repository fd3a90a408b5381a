--- The error object, its kinds, and how wrong use is raised.
--
-- Expected failures are returned as `nil, err`; `err` is a table made here. Wrong use by the programmer is raised as
-- a string that carries the position of the user's line.
local setmetatable, getmetatable, tostring = setmetatable, getmetatable, tostring
local pcall, error, pairs, ipairs, type = pcall, error, pairs, ipairs, type
local concat, sort = table.concat, table.sort
local format, gsub, sub = string.format, string.gsub, string.sub
local getinfo = debug and debug.getinfo

local errors = {}

--- What the `kind` of an error can be; later versions may add some.
-- @table kinds
-- @field invalid_request found before anything was sent; `details` lists every problem
-- @field auth 401: the token was refused, or there is none
-- @field scope 401: the token's scope or class, or the version, was refused
-- @field forbidden 403
-- @field not_found 404 or 410
-- @field conflict 409; or a change whose answer was lost, of a record that somebody else changed since
-- @field slot_taken 400 or 422 that says the slot is not available
-- @field refused any other 400 or 422, or an answer that says it did not succeed
-- @field rate_limit 429; `retry_after` says how long to wait
-- @field rejected any other 4xx
-- @field server 5xx
-- @field network no usable connection, or one that broke
-- @field timeout out of time; `stage` says where
-- @field tls a certificate was not trusted, or the handshake failed
-- @field decode the answer is not JSON, or not of the documented shape
-- @field too_large the answer is larger than allowed
-- @field protocol broken HTTP, or a redirect: none is followed
-- @field duplicate more than one booking was found where one was made
-- @field reauth_required the stored grant is not accepted any more, or there is none: a person must sign in again
-- @field store the token store cannot be read, written or locked; no token was spent, or what was stored is kept
-- @field cancelled the task was cancelled
-- @field closed the client was closed
-- @field raised the task raised
errors.kinds = {
  "invalid_request",
  "auth", "scope", "forbidden", "not_found", "conflict", "slot_taken", "refused", "rate_limit", "rejected", "server",
  "network", "timeout", "tls",
  "decode", "too_large", "protocol",
  "duplicate", "reauth_required", "store",
  "cancelled", "closed", "raised",
}

--- tostring() that survives a __tostring which raises or returns no string.
function errors.text(value)
  local ok, text = pcall(tostring, value)
  return ok and text or "(an error value that cannot be printed)"
end

local Error = { __name = "hoopai.Error" }
Error.__index = Error

local function where_text(err)
  if err.kind == "invalid_request" then return "" end -- its message names the method, and nothing was sent
  local parts = {}
  if err.status and err.status > 0 then parts[#parts + 1] = "HTTP " .. err.status end
  if err.method then parts[#parts + 1] = err.method .. " " .. tostring(err.path) end
  if err.trace_id then parts[#parts + 1] = "trace " .. tostring(err.trace_id) end
  if err.applied and err.applied ~= "no" then parts[#parts + 1] = "applied: " .. err.applied end
  return #parts > 0 and " (" .. concat(parts, ", ") .. ")" or ""
end

--- `kind: message (HTTP 404, GET /calendars/x, trace id)`. Never holds a secret. One line, whatever a server says: in a
-- log it must not pass for other lines, nor command a terminal.
function Error:__tostring()
  local text = tostring(self.kind) .. ": " .. tostring(self.message) .. where_text(self)
  return (gsub(text, "%c", " "))
end

function Error.__concat(left, right)
  return errors.text(left) .. errors.text(right)
end

--- What a call returns after nil when it fails. It prints as one line, `kind: message (status, method, path, trace)`,
-- and never holds a secret. Later versions may add kinds.
-- @table Error
-- @tfield string kind what went wrong, in one word: see @{kinds}
-- @tfield string message what went wrong, in words
-- @tfield string applied what is known of the call's effect: "no" = provably none (it never left, or was refused, or
-- only read), "maybe" = a change left and its outcome is unclear, "yes" = it was accepted, but the answer could not be
-- read
-- @tfield boolean retryable whether the same call may succeed later and had no effect yet
-- @tfield[opt] integer status HTTP status of the answer, where one came
-- @tfield[opt] table details of `invalid_request`: all problems, each a @{Detail} (and `more`, how many were left out).
-- Of a refusal: the texts, where the API gave several
-- @tfield[opt] integer attempts how many requests were made
-- @tfield[opt] string method HTTP method
-- @tfield[opt] string path path of the request
-- @tfield[opt] string trace_id what the vendor's support asks for
-- @tfield[opt] Response response the answer, where one came
-- @tfield[opt] string stage of `timeout`: where the time ran out: "queue", "connect", "send", "wait", "receive" or
-- "refresh"
-- @tfield[opt] number retry_after of `rate_limit`, and of a 503: seconds to wait
-- @tfield[opt] string scope of `rate_limit`: "burst" or "daily"
-- @tfield[opt] integer proxy_status what a proxy answered that did not let the request through
-- @tfield[opt] integer curl_code of `network`, `timeout`, `tls` and the like: libcurl's code
-- @tfield[opt] any cause what was raised or returned by a function of yours: by the task of `raised`, by the token
-- function of `auth`. Of `reauth_required`: the refusal
-- @tfield[opt] Booking booking of `appointments:book`, also of one that was cut off (in `unclear`), where it is not
-- certain what became of the booking: all that `appointments:find_booking` needs to look again
-- @tfield[opt] string traceback of `raised`: where the task raised
-- @tfield[opt] table unclear of @{Task:join}, @{timeout} and @{race}: the changes that were cut off after they had
-- left, a list of errors of kind "cancelled"

--- One problem of a call that was refused before it was sent.
-- @table Detail
-- @tfield string path the field, such as `teamMembers[2].priority`; empty for the query or body as a whole
-- @tfield string problem what is wrong, in words
-- @tfield[opt] string given what was given, shortened; absent where a name is the problem
-- @tfield[opt] string expected what would be right
-- @tfield[opt] string suggestion what was probably meant

--- Makes an error object.
-- @tparam table fields kind, message and whatever else is known: status, trace_id, details, attempts, retry_after,
-- retryable, applied, method, path, response, stage, cause
-- @treturn table the same table
function errors.new(fields)
  if fields.applied == nil then fields.applied = "no" end
  if fields.retryable == nil then fields.retryable = false end
  return setmetatable(fields, Error)
end

--- Is this value an error object of this library?
function errors.is(value)
  return getmetatable(value) == Error
end

local List = { __name = "hoopai.Errors" }

function List:__tostring()
  local indices = {}
  for index in pairs(self) do indices[#indices + 1] = index end
  sort(indices)
  local lines = { format("%d of %d failed", #indices, getmetatable(self).counts[self] or #indices) }
  for _, index in ipairs(indices) do lines[#lines + 1] = format("  [%d] %s", index, errors.text(self[index])) end
  return concat(lines, "\n")
end

-- How many items there were, kept outside so that pairs() over the list meets errors alone.
List.counts = setmetatable({}, { __mode = "k" })

--- The second result of `hoopai.map`: index -> error, prints as a list.
function errors.list(count)
  local list = setmetatable({}, List)
  List.counts[list] = count
  return list
end

-- The folder of this library as Lua names chunks, to tell our frames from the user's.
local own = getinfo and getinfo(1, "S").source:match("^(.*)errors%.lua$")

local function is_own(info)
  return info.what == "C" or (own and sub(info.source, 1, #own) == own)
end

local origin = function() end

--- Sets how `raise` finds the function of the running task.
-- @tparam function fn returns it; nil or false outside of tasks
function errors.set_origin(fn)
  origin = fn
end

--- "script.lua:12: " for the place where the running task's function begins, "" where that is not known.
local function origin_text()
  local fn = origin()
  if type(fn) ~= "function" then return "" end
  local info = getinfo(fn, "S")
  return info.what == "C" and "" or format("%s:%d: ", info.short_src, info.linedefined)
end

--- Raises wrong use of the library, with the position of the innermost line that is not the library's.
-- @tparam string message
function errors.raise(message)
  message = "hoopai: " .. message
  if not getinfo then error(message, 2) end
  local level = 2
  local info = getinfo(level, "S")
  while info and is_own(info) do
    level = level + 1
    info = getinfo(level, "S")
  end
  if info then error(message, level) end
  error(origin_text() .. message, 0)
end

return errors
