--- Marks the empty lists of results as with `hoopai.array`: lua-cjson decodes [] and {} alike, and an endpoint declares
-- which of its fields are lists. So a record that a script stores or prints as JSON has `[]` where the API has it.
local core = require "hoopai.core"

local ipairs, next, rawget, type = ipairs, next, rawget, type
local array = core.array

local empty_lists = {}

--- Where a declared type has lists: `is_list` with the plan of the `items`, plans of `fields` by name, and the plan of
-- the `values` of a map.
-- @treturn ?table nil: nowhere
local function plan_of(kind)
  if kind.type == "array" then return { is_list = true, items = kind.items and plan_of(kind.items) } end
  local plan = { fields = {}, values = kind.values and plan_of(kind.values) }
  for _, field in ipairs(kind.fields or {}) do
    plan.fields[field.name] = plan_of(field)
  end
  return (plan.values or next(plan.fields)) and plan or nil
end

local function mark(value, plan)
  if type(value) ~= "table" then return end
  if plan.is_list then
    if next(value) == nil then array(value) end
    for _, item in ipairs(plan.items and value or {}) do
      mark(item, plan.items)
    end
    return
  end
  for name, inner in next, plan.fields do
    mark(rawget(value, name), inner)
  end
  for _, inner in next, plan.values and value or {} do
    mark(inner, plan.values)
  end
end

--- Marks the empty lists of a result.
-- @tparam table endpoint keeps the plan of its result
-- @tparam any result
function empty_lists.mark(endpoint, result)
  local plan = endpoint.lists
  if plan == nil then
    local kind = endpoint.result.type
    plan = kind and plan_of(kind) or false
    endpoint.lists = plan
  end
  if plan then mark(result, plan) end
end

return empty_lists
