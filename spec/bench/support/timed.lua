--- Runs programs and returns their time and memory: see timed.c.
local format = string.format

local timed = {}

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

--- Starts a command (of the shell), to be run `count` times, one after the other.
-- @tparam string command
-- @tparam[opt] string input what it reads
-- @tparam[opt=1] integer count
-- @treturn function waits for the end, and returns a table: `output` of all runs; `wall` and `cpu` seconds and `rss`
-- (KB) of the median run; or nil and what it said
function timed.start(command, input, count)
  local errors, feed = os.tmpname(), os.tmpname()
  local file = assert(io.open(feed, "w"))
  assert(file:write(input or ""))
  assert(file:close())
  local pipe = assert(
    io.popen(format("exec build/bench/timed %d sh -c %s <%s 2>%s", count or 1, quote("exec " .. command), feed, errors))
  )
  return function()
    local output = pipe:read("a")
    local ok = pipe:close()
    local said = read_file(errors)
    os.remove(errors)
    os.remove(feed)
    local wall, cpu, rss = said:match("wall=([%d.]+) cpu=([%d.]+) rss=(%d+)\n$")
    if not ok or not wall then return nil, said .. output end
    return { output = output, wall = tonumber(wall), cpu = tonumber(cpu), rss = tonumber(rss) }
  end
end

--- Runs a command: see `start`.
function timed.run(...) return timed.start(...)() end

return timed
