--- Failures of the command: how they are raised, and how they become lines on stderr and an exit status.
local line = require "hoopai.command.lib.printable"

local error, getmetatable, ipairs, pcall = error, getmetatable, ipairs, pcall
local rawget, setmetatable, tostring, type = rawget, setmetatable, tostring, type
local concat = table.concat
local find, gmatch, match = string.find, string.gmatch, string.match

local failure = {}

local Failure = { __name = "hoopai.command.Failure" }
function Failure.__tostring(self) return self.kind .. ": " .. self.message end

local DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

local function raise(status, kind, message, advice)
  error(setmetatable({ status = status, kind = kind, message = message, advice = advice }, Failure), 0)
end

--- Raises a failure: exit status 1.
-- @tparam string kind one word
-- @tparam string message
-- @tparam ?string advice what helps; it is printed as a second line
function failure.refuse(kind, message, advice) raise(FAILED, kind, message, advice) end

--- Raises wrong use of the command line: exit status 2.
-- @tparam string message
-- @tparam ?string advice
function failure.usage(message, advice) raise(WRONG_USE, "usage", message, advice) end

--- Ends the command with an exit status and without a message.
-- @tparam integer status
function failure.exit(status) raise(status, nil, nil) end

-- What helps, by the kind of an error of the library.
local ADVICE = {
  auth = "sign in again with `hoopai login`, or set HOOPAI_TOKEN",
  reauth_required = "sign in again with `hoopai login`",
  scope = "the token lacks the scope for this; sign in again with `hoopai login`, or make a token that has it",
  network = "check the connection and HOOPAI_BASE_URL",
  timeout = "try again later",
  rate_limit = "the API allows no more requests now: try again later",
  slot_taken = "choose another time: `hoopai free` lists the free slots",
  server = "the API has a problem: try again later",
}

local UNCLEAR = "it is unclear whether the change was made: look before you repeat it"

--- Is it what Ctrl-C raises? lua5.4 raises a text; a task that the library ends may carry the text as the cause.
-- @tparam any problem
-- @treturn boolean
function failure.is_interruption(problem)
  if type(problem) == "string" then return find(problem, "interrupted!", 1, true) ~= nil end
  if type(problem) ~= "table" or rawget(problem, "kind") ~= "raised" then return false end
  return failure.is_interruption(rawget(problem, "cause")) or failure.is_interruption(rawget(problem, "message"))
end

--- An error of the library as text. Its place is one in this command, which says nothing to its user.
local function text_of(problem)
  if type(problem) ~= "table" or not rawget(problem, "kind") then
    local _, text = pcall(tostring, problem)
    return text
  end
  local where = rawget(problem, "where")
  problem.where = nil
  local text = tostring(problem)
  problem.where = where
  return text
end

--- The exit status, the message and the advice for what was raised.
-- @tparam any problem
-- @treturn integer
-- @treturn ?string nil for none
-- @treturn ?string
function failure.explain(problem)
  if getmetatable(problem) == Failure then return problem.status, problem.kind and tostring(problem), problem.advice end
  if failure.is_interruption(problem) then return INTERRUPTED, "interrupted", nil end
  local text = text_of(problem)
  if type(problem) == "table" then
    local unclear = rawget(problem, "applied") == "maybe" and UNCLEAR
    return FAILED, text, unclear or ADVICE[rawget(problem, "kind") or ""]
  end
  -- Wrong use of the library is raised with a place and its name.
  local misuse = match(text, "^[^\n]-:%d+: hoopai: (.*)$") or match(text, "^hoopai: (.*)$")
  if misuse then return FAILED, "invalid: " .. misuse end
  return FAILED, "internal: " .. text, "this is a fault of the command: please report it"
end

--- A message of several lines, without what commands a terminal.
local function printable(text)
  local lines = {}
  for part in gmatch(text .. "\n", "(.-)\n") do
    lines[#lines + 1] = line(part)
  end
  return concat(lines, "\n")
end

local function list(stream, title, entries)
  if #entries == 0 then return end
  stream:write("hoopai: ", title, "\n")
  for _, entry in ipairs(entries) do
    stream:write("  ", line(entry), "\n")
  end
end

--- Prints a problem, and what the command had done before.
-- @tparam any problem what was raised
-- @tparam ?table context with the lists `done` and `unclear`
-- @param stream stderr
-- @treturn integer the exit status
function failure.report(problem, context, stream)
  local status, message, advice = failure.explain(problem)
  if message then stream:write("hoopai: ", printable(message), "\n") end
  if advice then stream:write("hoopai: ", printable(advice), "\n") end
  if context and status ~= DONE then
    list(stream, "done:", context.done)
    list(stream, "unclear:", context.unclear)
  end
  return status
end

return failure
