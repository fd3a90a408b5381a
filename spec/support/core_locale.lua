--- Locales with another decimal point, made without the system's locale sources: a folder for LOCPATH.

local io_open, os_execute, os_tmpname, os_remove = io.open, os.execute, os.tmpname, os.remove
local child = require "spec.support.child"

local core_locale = {}

local charmap = [[
<code_set_name> SPEC
<mb_cur_max> 2
<mb_cur_min> 1
<comment_char> %
<escape_char> /
CHARMAP
<U0000> /x00 NULL
<U002C> /x2c COMMA
<U002E> /x2e FULL STOP
<U066B> /xd9/xab ARABIC DECIMAL SEPARATOR
END CHARMAP
]]

local source = [[
comment_char %%
escape_char /
LC_NUMERIC
decimal_point "<%s>"
thousands_sep ""
grouping -1
END LC_NUMERIC
]]

local function write(name, text)
  local file = assert(io_open(name, "w"))
  assert(file:write(text))
  assert(file:close())
end

--- Makes the locales "comma" and "wide" (a decimal point of two bytes).
-- @treturn string the folder; remove it with `remove`
function core_locale.make()
  local folder = os_tmpname()
  os_remove(folder)
  assert(os_execute("mkdir " .. child.quote(folder)))
  write(folder .. "/charmap", charmap)
  for name, point in pairs { comma = "U002C", wide = "U066B" } do
    write(folder .. "/source", source:format(point))
    -- It complains of the categories that are not there, and writes what is (-c).
    os_execute(("localedef -c -f %s/charmap -i %s/source %s/%s >/dev/null 2>&1"):format(folder, folder, folder, name))
    assert(io_open(folder .. "/" .. name .. "/LC_NUMERIC")):close()
  end
  return folder
end

function core_locale.remove(folder) assert(os_execute("rm -r " .. child.quote(folder))) end

return core_locale
