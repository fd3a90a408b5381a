--- The records of a list. The library puts null in the place of an item that is no record: commands go without it.
local ipairs, type = ipairs, type

--- The items that are records.
-- @tparam table list
-- @treturn table another list
local function records(list)
  local found = {}
  for _, item in ipairs(list) do
    if type(item) == "table" then found[#found + 1] = item end
  end
  return found
end

return records
