--- The standard output, where nothing is lost in silence: a full disk or a closed pipe is a failure of the command.
local failure = require "hoopai.command.lib.failure"

local setmetatable = setmetatable

local output = {}

local Output = {}
Output.__index = Output

local function check(ok, problem)
  if not ok then
    failure.refuse("output", "the standard output cannot be written: " .. (problem or "unknown problem"))
  end
end

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
