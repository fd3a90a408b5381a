--- A token store in a private folder: one file of mode 0600 per key, and a kernel lock per key that all processes of
-- the host respect. A crash at any moment leaves the old or the new file.
local core = require "hoopai.core"

--- Opens the folder. Creates it with mode 0700 if it is missing.
-- @tparam string path
-- @return the folder of token files, whose methods are those of a store; or nil, the reason why it cannot be trusted,
-- and what helps, if that is known
local function file(path)
  local folder, problem, cure = core.token_file(path)
  return folder, problem, cure
end

return file
