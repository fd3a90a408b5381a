--- Copies of records.
local pairs = pairs

--- A copy of a record, with further fields. What is inside of its fields is shared with the record.
-- @tparam table record
-- @tparam ?table more fields that take the place of those of the record
-- @treturn table
local function copy(record, more)
  local result = {}
  for name, value in pairs(record) do
    result[name] = value
  end
  for name, value in pairs(more or {}) do
    result[name] = value
  end
  return result
end

return copy
