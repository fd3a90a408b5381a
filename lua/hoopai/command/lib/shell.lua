--- Words and results of shell commands.
local error, gsub = error, string.gsub

local shell = {}

--- A word as the shell reads it unchanged.
-- @tparam string word
-- @treturn string in single quotes
function shell.quote(word) return "'" .. gsub(word, "'", "'\\''") .. "'" end

local INTERRUPTED = "interrupted!" -- as lua5.4 spells it
local SIGINT = 2

--- The exit status of a command, from the results of `os.execute` or of the `close` of a pipe. While `os.execute`
-- waits, the interpreter ignores Ctrl-C, which ends the command alone: then Lua's own "interrupted!" is raised here.
-- @tparam ?boolean ok
-- @tparam ?string how "exit" or "signal"
-- @tparam ?integer code
-- @treturn integer
-- @raise "interrupted!" after Ctrl-C
function shell.status(ok, how, code)
  if how == "signal" and code == SIGINT or code == 128 + SIGINT then error(INTERRUPTED, 0) end
  return ok and 0 or code
end

return shell
