--- How a document is printed for people if its command has no view: the fields of a record, or a column per field.
local ipairs, pairs, sort, tostring, type = ipairs, pairs, table.sort, tostring, type

local function text_of(value)
  if type(value) ~= "table" then return tostring(value) end
  return require("hoopai").encode(value) or ""
end

local function fields_of(records)
  local seen, names = {}, {}
  for _, record in ipairs(records) do
    for name in pairs(record) do
      if not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  sort(names)
  return names
end

--- The view of a document.
-- @tparam any document
-- @treturn function(screen)
local function view_of(document)
  return function(screen)
    if type(document) ~= "table" then return screen:line(tostring(document)) end
    if type(document[1]) ~= "table" then
      local rows = {}
      for index, name in ipairs(fields_of { document }) do
        rows[index] = { name = name, value = text_of(document[name]) }
      end
      return screen:table({ { title = "field", value = "name" }, { title = "value", value = "value" } }, rows)
    end
    local columns = {}
    for index, name in ipairs(fields_of(document)) do
      columns[index] = { title = name, value = function(row) return row[name] ~= nil and text_of(row[name]) or "" end }
    end
    screen:table(columns, document)
  end
end

return view_of
