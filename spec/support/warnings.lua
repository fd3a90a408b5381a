--- What a module of the library says with `warn()`, which it looked up when it was loaded.

local warnings = {}

local function set_warn(user, replacement)
  for index = 1, 255 do
    local name, value = debug.getupvalue(user, index)
    if not name then break end
    if name == "warn" then
      debug.setupvalue(user, index, replacement)
      return value
    end
  end
  error("the function uses no `warn`")
end

--- The warnings while fn runs.
-- @tparam function user a function of the module that calls `warn`
-- @tparam function fn
-- @treturn table list of texts
function warnings.during(user, fn)
  local said = {}
  local old = set_warn(user, function(...) said[#said + 1] = table.concat { ... } end)
  local guard <close> = setmetatable({}, { __close = function() set_warn(user, old) end }) -- luacheck: ignore 211
  fn()
  return said
end

return warnings
