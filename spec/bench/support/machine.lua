--- What the benchmarks know of the machine: its cores, what else runs on them, and how to run a program.
local socket = require "socket"

local format = string.format

local machine = { now = socket.gettime }

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

machine.read = read

--- Runs a shell command and gives what it printed; raises when it fails.
function machine.run(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1", "r"))
  local text = pipe:read("a")
  if not pipe:close() then error(format("%s\nsaid: %s", command, text), 0) end
  return text
end

--- Is there such a program?
function machine.has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true
    or os.execute("test -x /usr/sbin/" .. program) == true
end

local cores = tonumber(machine.run("nproc"))
machine.cores = cores

--- What a command begins with so that it runs on the core of the "server" or of the "client"; nothing on one core.
function machine.pin(side)
  if cores < 2 or not machine.has "taskset" then return "" end
  return format("taskset -c %d ", side == "server" and 0 or 1)
end

local function ticks_of(line)
  local fields = {}
  for number in line:gmatch("%d+") do
    fields[#fields + 1] = tonumber(number)
  end
  return fields
end

local ticks_per_second = tonumber(machine.run("getconf CLK_TCK"))

--- CPU seconds that the two cores of the benchmark have spent since boot, in all processes.
function machine.busy()
  local busy = 0
  for line in (read("/proc/stat") or ""):gmatch("cpu[01] [^\n]+") do
    local fields = ticks_of(line:sub(5))
    for index, value in ipairs(fields) do
      local idle, guest = index == 4 or index == 5, index > 8
      if not idle and not guest then busy = busy + value end
    end
  end
  return busy / ticks_per_second
end

--- CPU seconds of a process and, for nginx, of its workers.
function machine.cpu_of(pid)
  local total = 0
  local children = read(format("/proc/%d/task/%d/children", pid, pid)) or ""
  for one in (pid .. " " .. children):gmatch("%d+") do
    local stat = read(format("/proc/%s/stat", one))
    if stat then
      local fields = ticks_of(stat:match("%) %a (.*)$"):gsub("-", ""))
      total = total + fields[11] + fields[12]
    end
  end
  return total / ticks_per_second
end

--- One line that says what this was measured on.
function machine.describe()
  local model = (read("/proc/cpuinfo") or ""):match("model name%s*:%s*([^\n]+)") or "unknown processor"
  local kernel = (read("/proc/sys/kernel/osrelease") or "?"):match("%S+")
  return format("%d cores, %s, Linux %s", cores, model, kernel)
end

--- The commit of this checkout, with "+" where files differ from it.
function machine.commit()
  local ok, text = pcall(machine.run, "git describe --always --dirty=+")
  return ok and text:gsub("\n", "") or "unknown"
end

return machine
