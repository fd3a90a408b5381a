--- Reads a line of /proc/self/status, in KiB.
-- @tparam string name such as "VmRSS", what of this process is in memory, or "VmHWM", the most that ever was
-- @treturn ?integer nil if the system does not provide it
return function(name)
  local file <close> = io.open("/proc/self/status")
  return file and tonumber(file:read("a"):match(name .. ":%s*(%d+)"))
end
