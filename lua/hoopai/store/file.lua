--- A token store in a private folder: one file of mode 0600 per key, and a kernel lock per key that all processes of
-- the host respect. A crash at any moment leaves the old or the new file.
--
-- The methods of a store, for hoopai.oauth:
--
--   store:read(key) -> credentials | nil | nil, problem
--   store:lock(key) -> a to-be-closed lock | nil (held elsewhere) | nil, problem
--   store:reserve(key, credentials) -> a to-be-closed reservation | nil, problem: room for their successor
--   store:write(key, credentials, expected, reservation) -> true | nil, problem. `expected` is the generation that is
--   replaced; with a reservation the credentials are a successor, which exists nowhere else
--   store:names() -> list of keys, in no order | nil, problem
--   store:remove(key) -> true, also if there was none | nil, problem. To be called under the lock of the key
--   store:path(key) -> where the credentials are, for messages
--   store:replacements() -> how often another folder took the place of the store's
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
