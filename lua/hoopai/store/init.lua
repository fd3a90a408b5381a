--- Where the tokens of an app are kept: in memory, in a private folder, or in a store of your own.
--
--     local store = hoopai.store.file("/var/lib/booking")
--     local app = hoopai.oauth { client_id = id, client_secret = secret, store = store }
--
-- A store of your own is a table of functions, see @{OwnStore}.
--
-- Each grant (of a location or an agency) is one record of its own. A record is marked before its refresh token is
-- spent, and its successor is stored before anybody uses it. No error deletes or overwrites a token.
-- A host without the library `io` gives scripts no files: there `hoopai.store.file` is nil.
-- @module hoopai.store
local _ENV = require "hoopai.standard"
local errors = require "hoopai.errors"
local custom = require "hoopai.store.custom"
local file = require "hoopai.store.file"
local memory = require "hoopai.store.memory"

local getmetatable, setmetatable, tostring, type = getmetatable, setmetatable, tostring, type

local store = {}

-- The stores made here, as users hold them: opaque.
local Store = { __name = "hoopai.Store", __tostring = function() return "hoopai.Store" end }

local wrapped = setmetatable({}, { __mode = "k" }) -- what a user holds -> the store behind it

local function present(behind)
  local handle = setmetatable({}, Store)
  wrapped[handle] = behind
  return handle
end

--- A store that lasts as long as the program, for trials and for specs. Nothing is written anywhere.
-- @treturn table a store for `hoopai.oauth`
function store.memory()
  return present(memory())
end

--- A store in a private folder, safe against crashes and other processes of this host. Each record is a file of mode
-- 0600 that is replaced as a whole and is on the disk before it is used; a kernel lock (`flock`) is held during an
-- exchange. So the folder must be on a local file system. When a program is killed during an exchange, a child that it
-- forked meanwhile holds the lock until it ends.
-- @tparam string path the folder; made with mode 0700 when it is missing. The folder above must be there
-- @treturn table a store for `hoopai.oauth`
-- @raise when the folder cannot be had, is a symbolic link, belongs to somebody else or is open to others
function store.file(path)
  if type(path) ~= "string" or path == "" then errors.raise("hoopai.store.file expects the path of a folder") end
  local behind, problem = file(path)
  if not behind then errors.raise("hoopai.store.file: " .. tostring(problem)) end
  return present(behind)
end

if not io then store.file = nil end

--- The store behind what a user gave as `store`. The same table gives the same store, so that its exchanges are shared.
function store.behind(given)
  local behind = wrapped[given]
  if behind then return behind end
  if getmetatable(given) == Store then errors.raise("this store is closed") end
  behind = custom(given)
  wrapped[given] = behind
  return behind
end

return store
