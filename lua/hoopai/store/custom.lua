--- A token store of your own: a table with these functions, which are called without the table. Programs on several
-- hosts need one, because a file store is for one host. Each string holds one whole grant, tokens included: keep it as
-- safe as a password. Its format may change; it must come back exactly as it was put. The functions may wait as any
-- call may; what they raise counts as a problem.
-- @table OwnStore
-- @tfield function get `get(key)` returns the string last put under the key, nil when there is none, or nil and a
-- problem
-- @tfield function put `put(key, text, expected, generation)` returns true once the string is kept for good, or nil and
-- a problem; and false, without a change, when what is stored is not of the generation `expected` any more (0: when
-- anything is stored). `generation` is that of the string: a store that compares keeps it beside it
-- @tfield[opt] function lock `lock(key)` returns a function that releases the lock, nil when somebody holds it (it is
-- asked again, for a minute at most), or nil and a problem. An exchange is made under it. Without it two programs may
-- spend one refresh token
local _ENV = require "hoopai.standard"
local core = require "hoopai.core"
local errors = require "hoopai.errors"

local pcall, setmetatable, tonumber, type = pcall, setmetatable, tonumber, type
local find, format = string.find, string.format
local warn = warn or function() end

local Custom = {}
Custom.__index = Custom

--- A problem as text. One that quotes the string that was to be kept would show tokens.
local function said(problem)
  local text = errors.text(problem)
  return find(text, "hoopai-record", 1, true) and "(its message holds the record)" or text
end

--- Calls a function of the store: its results, or nil and a problem.
local function ask(own, name, ...)
  local ok, result, problem = pcall(own[name], ...)
  if not ok then return nil, format("the store's %s raised: %s", name, said(result)) end
  if not result and problem ~= nil then return nil, format("the store's %s failed: %s", name, said(problem)) end
  return result
end

function Custom:read(key)
  local text, problem = ask(self.own, "get", key)
  if text == nil then return nil, problem end
  if type(text) ~= "string" then return nil, "the store's get returned a " .. type(text) end
  local record, unreadable = core.unpack_record(text)
  if not record then return nil, "what the store's get returned cannot be used: " .. unreadable end
  return record
end

function Custom:write(key, record, before)
  local generation = tonumber(record:get("generation")) or 0
  local done, problem = ask(self.own, "put", key, record:pack(), before, generation)
  if done == true then return true end
  if done == false then return nil, "the stored grant was changed by somebody else meanwhile" end
  return nil, problem or "the store's put did not return true"
end

function Custom.probe()
  return true
end

local Held = {}
Held.__close = function(held)
  if not held.release then return end
  local ok, problem = pcall(held.release)
  if not ok then warn("hoopai: the lock of a token store could not be released: " .. said(problem)) end
end

function Custom:lock(key)
  local held = setmetatable({ release = false }, Held) -- first: once the lock is taken nothing may fail
  if not self.own.lock then return held end
  local release, problem = ask(self.own, "lock", key)
  if not release then return nil, problem end
  held.release = release
  if type(held.release) ~= "function" then return nil, "the store's lock returned a " .. type(held.release) end
  return held
end

--- Wraps a user's table.
local function custom(own)
  if type(own) ~= "table" or type(own.get) ~= "function" or type(own.put) ~= "function"
    or own.lock ~= nil and type(own.lock) ~= "function" then
    errors.raise("a token store is hoopai.store.memory(), hoopai.store.file(path), "
      .. "or a table with the functions get and put (and lock)")
  end
  return setmetatable({ own = { get = own.get, put = own.put, lock = own.lock } }, Custom)
end

return custom
