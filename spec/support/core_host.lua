--- Builds and runs spec/support/core_host.c.

local io_open, io_popen, os_getenv, os_remove, os_tmpname = io.open, io.popen, os.getenv, os.remove, os.tmpname
local child = require "spec.support.child"

local core_host = {}

local function flags()
  local lua = "lua" .. _VERSION:match "[%d.]+"
  local pipe = assert(io_popen("pkg-config --cflags --libs " .. lua .. " 2>/dev/null"))
  local found = pipe:read "l"
  pipe:close()
  return found or ("-I/usr/include/%s -l%s"):format(lua, lua)
end

--- Compiles the host.
-- @treturn string its file name; remove it with os.remove
function core_host.build()
  local name = os_tmpname()
  -- With a core under AddressSanitizer the host is too: memory from before its library is loaded is not looked after.
  local sanitizer = os_getenv "ASAN_OPTIONS" and "-fsanitize=address" or ""
  -- A compiler run under the sanitizer's library would report its own leaks.
  local pipe = assert(
    io_popen(
      (
        "env -u LD_PRELOAD %s -std=c11 -O1 -g -Wall -Wextra -Werror -pthread -rdynamic %s "
        .. "-o %s spec/support/core_host.c %s 2>&1"
      ):format(os_getenv "CC" or "cc", sanitizer, name, flags()),
      "r"
    )
  )
  local text = pipe:read "a"
  if not pipe:close() then error(text) end
  return name
end

--- Runs a script in it.
-- @tparam string host file name of the host
-- @tparam string source of the script
-- @tparam[opt] table options threads, states, arguments
-- @return what it printed, whether it succeeded, "exit" or "signal", number
function core_host.run(host, source, options)
  options = options or {}
  local script = os_tmpname()
  local file = assert(io_open(script, "w"))
  assert(file:write(source))
  file:close()
  -- The host exports a send(), which AddressSanitizer takes for a library that was loaded before it.
  local words = { 'ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" exec timeout 60', host }
  if options.threads then words[#words + 1] = "-" .. options.threads end
  if options.states then words[#words + 1] = "+" .. options.states end
  words[#words + 1] = script
  for _, argument in ipairs(options.arguments or {}) do
    words[#words + 1] = child.quote(tostring(argument))
  end
  local pipe = assert(io_popen(table.concat(words, " ") .. " 2>&1", "r"))
  local text = pipe:read "a"
  local ok, how, code = pipe:close()
  os_remove(script)
  return text, ok or false, how, code
end

return core_host
