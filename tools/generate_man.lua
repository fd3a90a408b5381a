--- Writes the manual page of the command from the data of its commands. As a script:
--   lua5.4 tools/generate_man.lua write
local is_script = arg and arg[1] == "write" and arg[0]:find("generate_man.lua", 1, true)
if is_script then package.path = "./?.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path end

local command = require "hoopai.command"
local man = require "hoopai.command.lib.man"

local generate = { path = "doc/hoopai.1" }

--- The page as it must be.
-- @treturn string
function generate.text() return man.page(command.load(command.names), require "hoopai.version") end

if is_script then
  local file <close> = assert(io.open(generate.path, "w"))
  assert(file:write(generate.text()))
end

return generate
