--- A token store of your own: a table with these functions, which are called without the table. Programs on several
-- hosts need one, because a file store is for one host. Each string holds the credentials of one location or agency,
-- tokens included: keep it as safe as a password. Its format may change; `get` must return it exactly as it was put.
-- The functions may wait as any call may, by `hoopai.sleep` or by calls: a call whose time is over does not wait for
-- them any longer, and they go on. One that keeps the thread cannot be cut off. An error that they raise counts as a
-- problem.
-- @table OwnStore
-- @tfield function get `get(key)` returns the stored string of the key, nil if there is none, or nil and a
-- problem. After the string it may return the seconds by which the clock of this host is ahead of that of the host that
-- put it: the times in the credentials are then read on this host's clock
-- @tfield function put `put(key, text, expected, generation)` returns true once the string is stored durably, or nil
-- and a problem. It returns false, and changes nothing, when the generation of the stored string differs from
-- `expected` (0: when any string is stored). `generation` is that of `text`: a store that compares generations keeps
-- it beside the string
-- @tfield[opt] function list `list()` returns a list of the keys that have a string, or nil and a problem;
-- `app:grants` needs it
-- @tfield[opt] function remove `remove(key)` returns true once the string of the key is gone (or if there was none), or
-- nil and a problem; `app:forget` needs it
-- @tfield[opt] function lock `lock(key)` returns a function that releases the lock, nil while another program holds it
-- (the library tries again, for a minute at most), or nil and a problem. Tokens are exchanged under the lock. Without
-- it two programs may spend one refresh token. A lock that ends by itself may return a second function, which returns
-- whether it still holds for long enough to send a token
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local without_parts = require "hoopai.errors.secret_parts"

local abs, floor, math_type = math.abs, math.floor, math.type
local ipairs, pcall, setmetatable, type = ipairs, pcall, setmetatable, type
local concat = table.concat
local find, format, gmatch, gsub = string.find, string.format, string.gmatch, string.gsub
local warn = warn or function() end

local Custom = { may_wait = true }
Custom.__index = Custom

--- The lines of packed credentials that hold secrets.
local function secret_lines(packed)
  local lines = {}
  for line in gmatch(packed, "![^\n]*") do
    lines[#lines + 1] = line
  end
  return concat(lines, "\n")
end

--- A problem as text. One that quotes packed credentials would print tokens.
-- @tparam any problem
-- @tparam ?string packed the credentials that were to be stored
local function describe(problem, packed)
  if find(errors.text(problem), "hoopai-record", 1, true) then return "(its message holds the record)" end
  local text = gsub(errors.report(problem), "!([%l%d_]+)=[^%s'\"]*", "!%1=***")
  return packed and without_parts(text, secret_lines(packed)) or text
end

--- Calls a function of the user's store: its result and what follows, or nil and a problem.
local function call(user_store, name, key, packed, ...)
  local ok, result, problem = pcall(user_store[name], key, packed, ...)
  if not ok then return nil, format("the store's %s raised: %s", name, describe(result, packed)) end
  if not result and problem ~= nil then
    return nil, format("the store's %s failed: %s", name, describe(problem, packed))
  end
  return result, problem
end

-- The fields of credentials that are seconds since 1970.
local TIMES = { "obtained_at", "pending", "refused_at" }
local LEAST_AHEAD = 3 -- seconds; a smaller difference of two clocks changes nothing

--- Credentials with their times on this host's clock.
local function on_this_clock(credentials, ahead)
  if math_type(ahead) ~= "integer" or abs(ahead) < LEAST_AHEAD then return credentials end
  local changes = {}
  for _, name in ipairs(TIMES) do
    local seconds = credentials:number(name)
    changes[name] = seconds and floor(seconds) + ahead or nil
  end
  return credentials:with(changes)
end

function Custom:read(key)
  local text, second = call(self.user_store, "get", key)
  if text == nil then return nil, second end
  if type(text) ~= "string" then return nil, "the store's get returned a " .. type(text) end
  local credentials, unreadable = core.unpack_credentials(text)
  if not credentials then return nil, "what the store's get returned cannot be used: " .. unreadable end
  return on_this_clock(credentials, second)
end

function Custom:write(key, credentials, expected)
  local generation = credentials:number "generation" or 0
  local done, problem = call(self.user_store, "put", key, core.pack_credentials(credentials), expected, generation)
  if done == true then return true end
  if done == false then return nil, "the stored grant was changed by somebody else meanwhile" end
  return nil, problem or "the store's put did not return true"
end

local MISSING = "the store has no function `%s`, which %s needs"

--- The keys under which strings are stored.
function Custom:names()
  if not self.user_store.list then return nil, format(MISSING, "list", "app:grants") end
  local keys, problem = call(self.user_store, "list")
  if not keys then return nil, problem or "the store's list returned no list" end
  if type(keys) ~= "table" then return nil, "the store's list returned a " .. type(keys) end
  local names = {}
  for index, key in ipairs(keys) do
    if type(key) ~= "string" then return nil, "the store's list has a key that is a " .. type(key) end
    names[index] = key
  end
  return names
end

function Custom:remove(key)
  if not self.user_store.remove then return nil, format(MISSING, "remove", "forgetting a grant") end
  local done, problem = call(self.user_store, "remove", key)
  if done == true then return true end
  return nil, problem or "the store's remove did not return true"
end

-- Room for a successor: a store of one's own is asked for none.
local Reservation = { __close = function() end }

function Custom.reserve() return setmetatable({}, Reservation) end

function Custom:path(key) return format("%s of %s", key, self.name) end

function Custom.replacements() return 0 end

local LockGuard = {}
LockGuard.__close = function(guard)
  if not guard.release then return end
  local ok, problem = pcall(guard.release)
  if not ok then warn("hoopai: the lock of a token store could not be released: " .. describe(problem)) end
end

function Custom:lock(key)
  -- Made before the lock is taken: an error in between would leave the lock taken.
  local guard = setmetatable({ release = false, is_safe = false }, LockGuard)
  if not self.user_store.lock then return guard end
  local release, second = call(self.user_store, "lock", key)
  if not release then return nil, second end
  guard.release = release
  if type(second) == "function" then
    guard.is_safe = function()
      local ok, is_safe = pcall(second)
      return ok and is_safe
    end
  end
  if type(release) ~= "function" then return nil, "the store's lock returned a " .. type(release) end
  return guard
end

--- Whether those of the names that a user's table has are functions.
local function has_functions(user_store, ...)
  for _, name in ipairs { ... } do
    if user_store[name] ~= nil and type(user_store[name]) ~= "function" then return false end
  end
  return true
end

--- Wraps a user's table.
-- @tparam table user_store
-- @tparam[opt] string name of the store, for messages
local function custom(user_store, name)
  if
    type(user_store) ~= "table"
    or type(user_store.get) ~= "function"
    or type(user_store.put) ~= "function"
    or not has_functions(user_store, "lock", "list", "remove")
  then
    errors.raise(
      "a token store is hoopai.store.memory(), hoopai.store.file(path), "
        .. "or a table with the functions get and put (and lock, list, remove)"
    )
  end
  local functions = {
    get = user_store.get,
    put = user_store.put,
    lock = user_store.lock,
    list = user_store.list,
    remove = user_store.remove,
  }
  return setmetatable({ user_store = functions, name = name or "a store of your own" }, Custom)
end

return custom
