--- Collects the problems of one call, each with its place, and prints them.
local _ENV = require "hoopai.standard"
local setmetatable, type = setmetatable, type
local concat = table.concat
local find, format = string.find, string.format
local text = require "hoopai.validate.messages"

local problems = {}

-- More than this many say nothing new, and a table may be wrong in a million places.
local MOST = 50

local Problems = {}
Problems.__index = Problems

--- An empty collection.
-- `path` is the stack of names and positions that lead to the value being looked at; whoever descends writes its own
-- place into it.
function problems.new()
  return setmetatable({ count = 0, path = {}, list = {} }, Problems)
end

--- Notes a problem at the place that is `depth` steps down the path.
-- @tparam integer depth
-- @tparam string problem what is wrong, in words
-- @param given the offending value, nil when it is the name that is wrong or nothing was given
-- @tparam ?table|string field the declaration the value was held against, or the expectation in words
-- @tparam ?string suggestion what was probably meant
function Problems:add(depth, problem, given, field, suggestion)
  self.count = self.count + 1
  if self.count > MOST then return end
  self.list[self.count] = {
    path = text.path(self.path, depth),
    problem = problem,
    given = given ~= nil and text.given(given, self.path[depth]) or nil,
    expected = type(field) == "table" and text.expected(field) or field,
    suggestion = suggestion,
  }
end

--- Are further problems only counted?
function Problems:is_full()
  return self.count >= MOST
end

--- Notes that there are more problems of the kind just added, without looking at each.
function Problems:more(count)
  self.count = self.count + count
end

--- The `details` of the error: the problems in order, and `more`, how many were left out (nil when none).
function Problems:details()
  local list = self.list
  if self.count > #list then list.more = self.count - #list end
  return list
end

local function line(detail)
  local words = detail.path == "" and detail.problem or detail.path .. ": " .. detail.problem
  local given = detail.given
  if given and not find(detail.problem, given, 1, true) then words = words .. " (given: " .. given .. ")" end
  return words
end

--- The text of an error: one line for one problem, a list for several.
-- @tparam table details
-- @tparam ?string name what was called, to begin the text with
-- @treturn string
function problems.message(details, name)
  local more = details.more
  local prefix = name and name .. ": " or ""
  if #details == 1 and not more then return prefix .. line(details[1]) end
  local lines = { (name and name .. " has " or "") .. format("%d problems:", #details + (more or 0)) }
  for i = 1, #details do lines[i + 1] = "  " .. line(details[i]) end
  if more then lines[#lines + 1] = format("  and %d more", more) end
  return concat(lines, "\n")
end

return problems
