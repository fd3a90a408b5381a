--- Python scripts of the specs: readers and computations that have nothing in common with the library.

local child = require "spec.support.child"

local os_execute, os_remove, os_tmpname, popen = os.execute, os.remove, os.tmpname, io.popen

local python = {}

-- Debian's own comes first: it has the modules that Debian packages, and another one on the path has not.
local CANDIDATES = { "/usr/bin/python3", "python3" }
local found

local function interpreter()
  for _, name in ipairs(CANDIDATES) do
    if found then break end
    if os_execute(name .. " -c 'import dateutil, icalendar' >/dev/null 2>&1") then found = name end
  end
  return found or error("the specs need Python with the modules icalendar and dateutil (Debian: python3-icalendar)")
end

--- Runs a script of `spec/support/python/`.
-- @tparam string name such as "read_ical.py"
-- @tparam string input its standard input
-- @treturn string its standard output
-- @raise with all that it printed if it fails
function python.run(name, input)
  local path = os_tmpname()
  local file = assert(io.open(path, "wb"))
  assert(file:write(input))
  assert(file:close())
  local command = ("PYTHONIOENCODING=utf-8 %s spec/support/python/%s <%s 2>&1"):format(
    interpreter(),
    name,
    child.quote(path)
  )
  local pipe = assert(popen(command, "r"))
  local output = pipe:read "a"
  local ok = pipe:close()
  os_remove(path)
  if not ok then error(name .. ": " .. output, 2) end
  return output
end

return python
