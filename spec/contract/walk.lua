--- Holds values against the types that hoopai.api declares.

local next, pairs, ipairs, type = next, pairs, ipairs, type

local walk = {}

local WIRE = {
  string = "string",
  datetime = "string",
  date = "string",
  timezone = "string",
  integer = "number",
  number = "number",
  boolean = "boolean",
}

--- A record of what was compared: `problems` (list of texts), `seen` (set of places), `values` (how many).
function walk.record() return { problems = {}, seen = {}, values = 0 } end

local function problem(record, place, text) record.problems[#record.problems + 1] = place .. ": " .. text end

local function is_list(value) return value[1] ~= nil or next(value) == nil end

local check

local function check_members(fields, value, place, record)
  local declared = {}
  for _, field in ipairs(fields) do
    local part = place .. "." .. field.name
    declared[field.name] = true
    if value[field.name] ~= nil then
      check(field, value[field.name], part, record)
    elseif field.required and not field.undocumented then
      problem(record, part, "is declared as required, and missing")
    end
  end
  for name in pairs(value) do
    if not declared[name] then problem(record, place .. "." .. name, "is not declared") end
  end
end

local function check_object(kind, value, place, record)
  if type(value) ~= "table" or value[1] ~= nil then return problem(record, place, "is no object") end
  if kind.values then
    for _, part in pairs(value) do
      check(kind.values, part, place .. "{}", record)
    end
  elseif kind.fields then
    check_members(kind.fields, value, place, record)
  end
end

local function check_array(kind, value, place, record)
  if type(value) ~= "table" or not is_list(value) then return problem(record, place, "is no list") end
  for _, item in ipairs(value) do
    -- The client takes lists in such a list apart.
    local is_nested = kind.flat and type(item) == "table" and is_list(item)
    check(is_nested and kind or kind.items, item, is_nested and place or place .. "[]", record)
  end
end

local function check_scalar(kind, value, place, record)
  local wanted = WIRE[kind.type]
  if kind.type == "epoch_ms" then wanted = "number" end
  if kind.nullable and type(value) == "userdata" then return end
  if wanted and type(value) ~= wanted then
    return problem(record, place, ("is declared as %s, and a %s"):format(kind.type, type(value)))
  end
end

local checks = { object = check_object, array = check_array }

function check(kind, value, place, record)
  record.seen[place] = true
  record.values = record.values + 1
  return (checks[kind.type] or check_scalar)(kind, value, place, record)
end

--- Compares a value with a type. Places are spelt "result[].hours[].openHour", "{}" for the values of a map.
walk.check = check

--- Compares the members of an object with a list of fields.
walk.check_members = check_members

--- All places of a type, those left out for which skip(field) is true.
-- @treturn table list of places, in declared order
function walk.places(kind, place, skip, list)
  list = list or {}
  if kind.name and skip(kind) then return list end
  list[#list + 1] = place
  for _, field in ipairs(kind.fields or {}) do
    walk.places(field, place .. "." .. field.name, skip, list)
  end
  if kind.items then walk.places(kind.items, place .. "[]", skip, list) end
  if kind.values then walk.places(kind.values, place .. "{}", skip, list) end
  return list
end

--- The places of a list that no value was seen at.
function walk.unseen(places, record)
  local list = {}
  for _, place in ipairs(places) do
    if not record.seen[place] then list[#list + 1] = place end
  end
  return list
end

return walk
