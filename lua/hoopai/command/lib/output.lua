--- The standard output, where nothing is lost in silence: a full disk is a failure of the command. A pipe without a
-- reader, as behind `| head -1`, ends the command without a message, also where SIGPIPE is ignored.
local failure = require "hoopai.command.lib.failure"

local setmetatable = setmetatable

local output = {}

local Output = {}
Output.__index = Output

local EPIPE = 32 -- on Linux, the BSDs and macOS
local ENDED_BY_SIGPIPE = 128 + 13

--- Raises unless a write succeeded.
-- @tparam any ok, problem, code the results of a method of a file
-- @raise a failure of kind "output"; one without a message if nothing reads the pipe
function output.check(ok, problem, code)
  if ok then return end
  if code == EPIPE then failure.exit(ENDED_BY_SIGPIPE) end
  failure.refuse("output", "the standard output cannot be written: " .. (problem or "unknown problem"))
end

local check = output.check

--- Writes texts.
-- @tparam string ...
-- @raise a failure of kind "output"
function Output:write(...) check(self.stream:write(...)) end

--- Writes what is buffered.
-- @raise a failure of kind "output"
function Output:finish() check(self.stream:flush()) end

--- Makes an output.
-- @param stream a file
-- @treturn table with the methods `write` and `finish`
function output.new(stream) return setmetatable({ stream = stream }, Output) end

return output
