--- How objects keep what a script that holds them must not reach. This is the only such mechanism.
--
-- An object is a table without fields, or with those that any script may see. Its state is in a table with weak keys,
-- which only the file of its class has: `next`, `rawget` and `getmetatable` find nothing. A table that passes for an
-- object has no state, so a method refuses it and reads none of its fields.
--
-- One lookup in such a table is one instruction. But the collector visits each of its entries, so objects without a
-- secret, such as responses, have no state: for these a sealed metatable is enough.
local pairs, setmetatable = pairs, setmetatable

local private = {}

local classes = {} -- name -> object -> state

--- Hides a metatable, and so protects it from changes: it is shared by all objects of a class, those of other scripts
-- too. It must not hold itself as `__index`, by which any object would show it.
-- @tparam table meta
-- @treturn table the same
function private.seal(meta)
  meta.__metatable = false
  return meta
end

--- Makes the table of the states of a class.
-- @tparam string name such as "hoopai.Client"
-- @treturn table object -> its state, which is not nil
function private.states(name)
  local states = setmetatable({}, { __mode = "k" })
  classes[name] = states
  return states
end

--- The state of an object of another file's class.
-- @tparam string name of the class
-- @tparam any value
-- @return the state; nil if the value is no object of this class, or if the class is not loaded
function private.state(name, value)
  local states = classes[name]
  return states and states[value]
end

--- The name of the class of an object.
-- @tparam any value
-- @treturn ?string nil if the value is no object
function private.name_of(value)
  for name, states in pairs(classes) do
    if states[value] ~= nil then return name end
  end
end

return private
