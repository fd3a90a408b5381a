--- The README's table of endpoints, derived from hoopai.api. As a script it writes the table into README.md:
--   lua5.4 tools/endpoint_table.lua write
local FIRST, LAST = "<!-- endpoints: written by make readme -->\n", "<!-- end of endpoints -->"

local function arguments_of(endpoint)
  local names = {}
  for _, param in ipairs(endpoint.params or {}) do names[#names + 1] = param.name end
  if endpoint.query then
    local demanded = endpoint.at_least_one ~= nil
    for _, field in ipairs(endpoint.query) do
      local filled = field.default ~= nil or field.name == "locationId"
      if field.required and not filled then demanded = true end
    end
    names[#names + 1] = demanded and "query" or "query?"
  elseif endpoint.body and not endpoint.empty_body then
    names[#names + 1] = "body"
  end
  return table.concat(names, ", ")
end

--- The table as Markdown, one row per endpoint, with the lines that mark its place.
local function generate()
  local lines = { FIRST, "| call | request | |\n|---|---|---|\n" }
  for _, name in ipairs(require "hoopai.api") do
    for _, endpoint in ipairs(require("hoopai.api." .. name)) do
      if not endpoint.alias then
        lines[#lines + 1] = ("| `client.%s:%s(%s)` | `%s %s` | %s |\n"):format(
          name, endpoint.name, arguments_of(endpoint), endpoint.method, endpoint.path, endpoint.doc)
      end
    end
  end
  lines[#lines + 1] = "\n"
  for _, name in ipairs(require "hoopai.api") do
    for _, endpoint in ipairs(require("hoopai.api." .. name)) do
      if endpoint.alias then
        lines[#lines + 1] = ("`client.%s:%s` stands for `%s`: %s\n"):format(
          name, endpoint.name, endpoint.alias:gsub("%.", ":"), endpoint.doc)
      end
    end
  end
  lines[#lines + 1] = LAST
  return table.concat(lines)
end

--- Splits a README into what stands before, in and after the table.
local function split(readme)
  local first, last = readme:find(FIRST, 1, true), select(2, readme:find(LAST, 1, true))
  assert(first and last, "README.md lacks the marks of the endpoint table")
  return readme:sub(1, first - 1), readme:sub(first, last), readme:sub(last + 1)
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

if arg and arg[1] == "write" and arg[0]:find("endpoint_table.lua", 1, true) then
  local before, _, after = split(read("README.md"))
  local file <close> = assert(io.open("README.md", "wb"))
  file:write(before, generate(), after)
end

return { generate = generate, split = split, read = read }
