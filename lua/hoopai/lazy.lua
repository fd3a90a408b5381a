--- Modules that are loaded on first use: a program with one call must start fast. This is the only such mechanism.
local require = require

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

--- Loads every module that was named so far, and those that they name in turn.
function lazy.load_all()
  local count = 0
  while count < #getters do
    count = count + 1
    getters[count]()
  end
end

return lazy
