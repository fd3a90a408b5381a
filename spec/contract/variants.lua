--- The calls that are made of each endpoint: different enough that each field and each allowed value is sent once.

local hoopai = require "hoopai"
local samples = require "spec.support.samples"

local ipairs, pairs, setmetatable = ipairs, pairs, setmetatable
local max = math.max

local variants = {}

local function choices(kind)
  if not kind.enum or kind.type == "array" then return nil end
  local list = { table.unpack(kind.enum) }
  if kind.nullable then list[#list + 1] = hoopai.null end
  return list
end

-- The largest number of values that a field of this type can be chosen from.
local function most_choices(kind)
  local list = choices(kind)
  local most = list and #list or 0
  for _, field in ipairs(kind.fields or {}) do
    most = max(most, most_choices(field))
  end
  if kind.items then most = max(most, most_choices(kind.items)) end
  if kind.values then most = max(most, most_choices(kind.values)) end
  return most
end

-- A copy of a value in which each field with an enum has the value of this round.
local function with_choices(kind, value, round)
  local list = choices(kind)
  if list then return list[(round - 1) % #list + 1] end
  if kind.fields then
    local copy = {}
    for _, field in ipairs(kind.fields) do
      if value[field.name] ~= nil then copy[field.name] = with_choices(field, value[field.name], round) end
    end
    return copy
  end
  if kind.items then
    local copy = {}
    for index, item in ipairs(value) do
      copy[index] = with_choices(kind.items, item, round)
    end
    return copy
  end
  return value
end

-- The same declaration, in which one of the alternatives comes first: samples takes the first.
local function preferring(declared, name)
  local order = { name }
  for _, other in ipairs(declared.at_most_one or {}) do
    if other ~= name then order[#order + 1] = other end
  end
  return setmetatable({ at_least_one = { name }, at_most_one = declared.at_most_one and order }, { __index = declared })
end

local function payload_variants(endpoint)
  local is_query = endpoint.query ~= nil
  local declared = is_query and endpoint or endpoint.body
  local kind = is_query and samples.query_type(endpoint) or endpoint.body
  local minimal = is_query and samples.minimal_query or samples.minimal
  local full = is_query and samples.full_query or samples.full
  local list = {
    { title = "with the least", payload = minimal(declared) },
    { title = "with everything", payload = full(declared) },
  }
  if kind.type == "array" then
    list[#list + 1] = { title = "with the least in a list of one", payload = { samples.minimal(kind.items) } }
  end
  for _, name in ipairs(declared.at_least_one or {}) do
    local chosen = preferring(declared, name)
    list[#list + 1] = { title = "with the least, by " .. name, payload = minimal(chosen) }
    list[#list + 1] = { title = "with everything, by " .. name, payload = full(chosen) }
  end
  for round = 1, most_choices(kind) do
    list[#list + 1] = {
      title = ("with everything, choice %d of each"):format(round),
      payload = with_choices(kind, full(declared), round),
    }
  end
  return list, kind
end

--- What an endpoint is called with, apart from the ids of its path.
-- @treturn table list of { title, payload (nil where there is none), ids }
-- @treturn ?table type of the payload
function variants.of(endpoint)
  local ids = samples.path_arguments(endpoint)
  local list, kind
  if endpoint.query or (endpoint.body and not endpoint.empty_body) then
    list, kind = payload_variants(endpoint)
  else
    list = { { title = "plain" } }
  end
  for _, variant in ipairs(list) do
    variant.ids = ids
  end
  for position, param in ipairs(endpoint.params) do
    for index = 2, #(param.enum or {}) do
      local others = { table.unpack(ids) }
      others[position] = param.enum[index]
      list[#list + 1] = { title = "for " .. param.enum[index], payload = list[1].payload, ids = others }
    end
  end
  return list, kind
end

local function copy_without(value, name)
  local copy = {}
  for key, part in pairs(value) do
    if key ~= name then copy[key] = part end
  end
  return copy
end

local function surplus_in(value)
  local copy = copy_without(value)
  copy.surplus = "x"
  return copy
end

-- Names that are required and not filled in by the library.
local function demanded(fields)
  local names = {}
  for _, field in ipairs(fields or {}) do
    if field.required and field.default == nil then names[#names + 1] = field.name end
  end
  return names
end

--- Payloads that are wrong by the endpoint's own declaration: the mock server must refuse each of them as well.
-- @treturn table list of { title, payload, names }: the violation must name one of `names`
function variants.wrong(endpoint)
  local list = {}
  if endpoint.query then
    local least = samples.minimal_query(endpoint)
    for _, name in ipairs(demanded(endpoint.query)) do
      list[#list + 1] = { title = "without " .. name, payload = copy_without(least, name), names = { name } }
    end
    return list
  end
  local body = endpoint.body
  if not body or endpoint.empty_body then return list end
  local kind, wrap = body, function(value) return value end
  if body.type == "array" then
    kind, wrap = body.items, function(value) return { value } end
  end
  local least = samples.minimal(kind)
  list[1] = { title = "with a surplus field", payload = wrap(surplus_in(least)), names = { "surplus" } }
  for _, name in ipairs(demanded(kind.fields)) do
    list[#list + 1] = { title = "without " .. name, payload = wrap(copy_without(least, name)), names = { name } }
  end
  if kind.at_least_one then
    local none, all = copy_without(least), copy_without(least)
    for _, name in ipairs(kind.at_least_one) do
      none[name], all[name] = nil, "x"
    end
    list[#list + 1] = { title = "with none of the alternatives", payload = wrap(none), names = kind.at_least_one }
    if kind.at_most_one then
      list[#list + 1] = { title = "with all of the alternatives", payload = wrap(all), names = { "oneOf" } }
    end
  end
  return list
end

return variants
