--- Words of shell commands.
local gsub = string.gsub

local shell = {}

--- A word as the shell reads it unchanged.
-- @tparam string word
-- @treturn string in single quotes
function shell.quote(word) return "'" .. gsub(word, "'", "'\\''") .. "'" end

return shell
