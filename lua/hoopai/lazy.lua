--- How modules are loaded: some on first use, as a program with one call must start fast (this is the only such
-- mechanism), some with a line that says what to install, and those in C from no Lua file.
--
-- The modules that users require load this one first. It is written so that an older Lua can read it, and says then
-- which Lua is needed: the other files would be syntax errors.
local error, pcall, rawset, require = error, pcall, rawset, require
local tonumber, tostring, type = tonumber, tostring, type
local find, gsub, match = string.find, string.gsub, string.match
-- A host may have taken these away.
local package = package
local collectgarbage = collectgarbage or function() return false end

local version = _VERSION
local major, minor = match(tostring(version), "^Lua (%d+)%.(%d+)$")
if major and (tonumber(major) < 5 or (tonumber(major) == 5 and tonumber(minor) < 4)) then
  local jit = _G.jit
  local name = type(jit) == "table" and tostring(jit.version) .. " (" .. version .. ")" or version
  error("hoopai needs Lua 5.4 or newer, and this is " .. name, 0)
end

local lazy = {}

local getters = {}

--- A function that returns the module, and loads it when it is called first.
-- @tparam string name
-- @treturn function
function lazy.module(name)
  local module
  local function get()
    if module == nil then module = require(name) end
    return module
  end
  getters[#getters + 1] = get
  return get
end

-- A program or a loader of the host has the module: the path is not searched, but its function may need the path.
local function is_given(name)
  local loaded, preload = package.loaded, package.preload
  return loaded and loaded[name] ~= nil or preload and preload[name] ~= nil
end

--- Loads a module that is written in C, in any way that `require` knows but one: a Lua file of its name, for which
-- `require` would look before it and at last in the current folder, is not taken. The path is empty meanwhile, and no
-- finaliser runs.
-- @tparam string name
-- @treturn any the module
-- @raise if the module is missing or cannot be loaded
function lazy.c_module(name)
  local path = type(package) == "table" and package.path
  if type(path) ~= "string" or is_given(name) then return require(name) end
  if package.preload and package.preload.cjson then require "cjson" end -- the core needs it
  local is_collecting = collectgarbage "isrunning"
  collectgarbage "stop"
  rawset(package, "path", "")
  local ok, module = pcall(require, name)
  rawset(package, "path", path)
  if is_collecting then collectgarbage "restart" end
  if not ok then error(module, 0) end
  return module
end

local C_MODULES = { ["hoopai.core"] = true, ["hoopai.crypto"] = true, cjson = true }

-- Module -> what to do if it is not there.
local cures = {
  ["hoopai.core"] = "the C core of hoopai is not built or not installed (no module hoopai.core): in the checkout run "
    .. '`make build` and then `eval "$(make -s env)"`, or install the rock with '
    .. "`luarocks --lua-version 5.4 make`",
  ["hoopai.crypto"] = "hoopai.crypto, the part in C on OpenSSL's libcrypto, is not built or not installed (no module "
    .. "hoopai.crypto): in the checkout install the headers of OpenSSL 3.0 or newer (on Debian `make deps`) and run "
    .. "`make build`, or install the rock with `luarocks --lua-version 5.4 make`",
  cjson = "lua-cjson, which hoopai needs, is not installed (no module cjson): `luarocks install lua-cjson`, or on "
    .. "Debian `apt-get install lua-cjson`",
  copas = 'hoopai.loop.copas needs the rock "copas" (4 or newer), which is not installed: `luarocks install copas`',
  cqueues = 'hoopai.loop.cqueues and hoopai.redis.cqueues need the rock "cqueues", which is not installed: '
    .. "`luarocks install cqueues`, or on Debian `apt-get install lua-cqueues`",
  luv = 'hoopai.loop.luv and hoopai.redis.luv need the rock "luv", which is not installed: '
    .. "`luarocks install luv`, or on Debian `apt-get install lua-luv`",
}

--- Loads a module which another one may be missing for.
-- @tparam string name
-- @treturn[1] any the module
-- @treturn[2] nil
-- @treturn[2] string one line: what is missing and how to install it, or why it cannot be loaded
-- @raise what another problem raised
function lazy.load(name)
  local ok, module = pcall(C_MODULES[name] and lazy.c_module or require, name)
  if ok then return module end
  local problem = tostring(module)
  local cure = cures[match(problem, "module '([^'\n]+)' not found:")]
  if cure then return nil, cure end
  -- Of the system's loader: a library of another version, or built for another Lua.
  if find(problem, "error loading module '", 1, true) then return nil, (gsub(problem, "%s+", " ")) end
  error(module, 0)
end

--- Like `lazy.module`, for a module that may be missing.
-- @tparam string name one that `lazy.load` has advice for
-- @treturn function returns the module; or nil and what `lazy.load` says. It is tried again by the next call
function lazy.optional(name)
  local module
  local function get()
    local problem
    if module == nil then
      module, problem = lazy.load(name)
    end
    return module, problem
  end
  getters[#getters + 1] = get
  return get
end

--- Loads every module that was named so far, and those that they name in turn.
function lazy.load_all()
  local count = 0
  while count < #getters do
    count = count + 1
    getters[count]()
  end
end

return lazy
