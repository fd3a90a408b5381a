--- Names of contacts and users.
-- @module hoopai.sandbox.domain.people

local match = string.match
local ipairs, pairs = ipairs, pairs

local people = {}

--- A copy of a person with a whole name, a first and a last one: what is missing follows from the others.
-- @tparam table person
-- @treturn table
function people.view(person)
  local shown = {}
  for name, value in pairs(person) do
    shown[name] = value
  end
  local first, last = match(person.name or "", "^(.-)%s+(%S+)$")
  shown.firstName = person.firstName or first or person.name
  shown.lastName = person.lastName or last
  if not shown.name then
    local parts = {}
    for _, part in ipairs { person.firstName or "", person.lastName or "" } do
      if part ~= "" then parts[#parts + 1] = part end
    end
    shown.name = table.concat(parts, " ")
  end
  shown.added, shown.updated = nil, nil
  return shown
end

return people
