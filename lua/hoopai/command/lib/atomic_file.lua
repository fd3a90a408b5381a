--- Files that are written whole or not at all.
--
-- The text is written into a new file in the same folder, which takes the place of the old file only when every byte
-- was accepted and the file was closed without an error. A reader, and a run that was killed, see the old file or the
-- complete new one. After a failure the new file is removed and the old one is as it was. A killed process leaves
-- a file `.hoopai-*.part` behind.
--
-- Lua has no fsync: a loss of power within some seconds after the end may undo the change, or, on some file systems,
-- leave an empty file.
--
-- A symbolic link stays, and the file that it leads to is replaced. An existing file keeps its mode. A device or a pipe
-- (`/dev/stdout`) cannot be replaced: it is written directly.
-- @module hoopai.command.lib.atomic_file

local shell = require "hoopai.command.lib.shell"

local error, getmetatable, pcall, setmetatable = error, getmetatable, pcall, setmetatable
local find, format, match = string.find, string.format, string.match
local execute, open, popen, remove, rename = os.execute, io.open, io.popen, os.remove, os.rename
local random, tostring = math.random, tostring

local atomic_file = {}

local BUFFER = 65536 -- bytes

-- The error of a write that failed, raised through the producer; raised by nothing else.
local WriteFailure = { __name = "hoopai.command.write_failure" }

-- Prints the kind of the file at a path, its mode, and the path without links.
local INSPECT = [[
mode=-
real=$(readlink -f -- "$path" 2>/dev/null) || real=$path
if [ -d "$path" ]; then kind=folder
elif [ -f "$path" ]; then
  kind=file
  mode=$(stat -c %a -- "$real" 2>/dev/null || stat -f %Lp -- "$real" 2>/dev/null) || mode=-
elif [ -e "$path" ]; then kind=device
else kind=none; fi
printf '%s %s %s' "$kind" "$mode" "$real"
]]

-- What is at a path: "none", "file", "folder" or "device"; its path without links; its mode, such as "640".
local function inspect(path)
  local pipe = popen("path=" .. shell.quote(path) .. "\n" .. INSPECT, "r")
  local text = pipe:read "a"
  pipe:close()
  local kind, mode, real = match(text, "^(%l+) (%S+) (.*)$")
  return kind or "none", real ~= "" and real or path, mode and find(mode, "^%d+$") and mode or nil
end

-- Lua's messages begin with the path.
local function reason(problem, path)
  local text = tostring(problem)
  if text:sub(1, #path + 2) == path .. ": " then return text:sub(#path + 3) end
  return text
end

-- The function that the producer calls with each piece of the text.
local function writer(file)
  return function(text)
    local ok, problem = file:write(text)
    if not ok then error(setmetatable({ problem = problem }, WriteFailure), 0) end
  end
end

-- Lets the producer write into a file and closes it. true, or nil and the reason; raises what the producer raised.
local function produce(file, producer)
  file:setvbuf("full", BUFFER)
  local ok, problem = pcall(producer, writer(file))
  -- close() writes what is left in the buffer, so its result counts as that of a write.
  local closed, close_problem = file:close()
  if not ok then
    if getmetatable(problem) == WriteFailure then return nil, problem.problem end
    error(problem, 0)
  end
  if not closed then return nil, close_problem end
  return true
end

-- Removes a file at the end of a block, unless `kept` is set by then.
local Leftover = {}

function Leftover:__close()
  if not self.kept then remove(self.path) end
end

-- A name in the same folder that nothing else has.
local function name_beside(path) return format("%s.hoopai-%016x.part", match(path, "^(.*/)") or "", random(0)) end

local function replace(path, mode, producer)
  local beside = name_beside(path)
  local leftover <close> = setmetatable({ path = beside }, Leftover)
  local file, problem = open(beside, "wb")
  if not file then return nil, reason(problem, beside) end
  if mode then shell.status(execute(format("chmod %s -- %s 2>/dev/null", mode, shell.quote(beside)))) end
  local written, failure = produce(file, producer)
  if not written then return nil, failure end
  local renamed, rename_problem = rename(beside, path)
  if not renamed then return nil, reason(rename_problem, beside) end
  leftover.kept = true
  return true
end

local function write_through(path, producer)
  local file, problem = open(path, "ab") -- "w" would empty the file that /dev/stdout may be
  if not file then return nil, reason(problem, path) end
  return produce(file, producer)
end

--- Writes a file.
-- @tparam string path
-- @tparam function producer called once with a function that it calls with each piece of the text
-- @treturn[1] boolean true: the file is there, complete
-- @treturn[2] nil
-- @treturn[2] string why not, naming the path: no space, no such folder, no permission. The old file is as it was
-- @raise what `producer` raised, Ctrl-C too; the old file is as it was
function atomic_file.write(path, producer)
  local kind, real, mode = inspect(path)
  local written, problem
  if kind == "folder" then
    problem = "Is a directory"
  elseif kind == "device" then
    written, problem = write_through(path, producer) -- /dev/stdout is another file in another process
  else
    written, problem = replace(real, mode, producer)
  end
  if written then return true end
  local rest = kind == "file" and "the old file is unchanged" or kind == "none" and "no file was made" or nil
  return nil, format("cannot write %s: %s%s", path, problem, rest and "; " .. rest or "")
end

return atomic_file
