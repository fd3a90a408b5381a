--- The table of endpoints in doc/endpoints.md, derived from hoopai.api. As a script it writes the table into that page:
--   lua5.4 tools/endpoint_table.lua write
local is_script = arg and arg[1] == "write" and arg[0]:find("endpoint_table.lua", 1, true)
if is_script then package.path = "./?.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path end

local list = require "hoopai.list"
local reference = require "tools.reference"

local PAGE = "doc/endpoints.md"
local FIRST, LAST = "<!-- endpoints: written by make readme -->\n", "<!-- end of endpoints -->"

local function arguments_of(endpoint)
  local names = {}
  for _, param in ipairs(endpoint.params or {}) do
    names[#names + 1] = param.name
  end
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

--- The rows of the methods that follow from the data of a resource, see hoopai.list.
local function add_derived(lines, name, data)
  for _, method in ipairs(list.derived(name, data)) do
    local kind, entry = method[1], method[4]
    local call = ("client.%s:%s(%s)"):format(name, kind, (arguments_of(entry):gsub("body$", "change")))
    local doc = kind == "each"
        and ("Iterate over every page of `%s`, %d records at a time."):format(entry.name, entry.pages.size)
      or kind == "all" and ("The records of every page of `%s` as one list."):format(entry.name)
      or "Read, let the function `change` change a copy, and send what changed."
    lines[#lines + 1] = ("| `%s` | %s |\n"):format(call, doc)
  end
end

--- The rows of the methods of a resource that have a comment of their own.
local function add_written(lines, name)
  for _, method in ipairs(reference.written_methods(name)) do
    local call = ("client.%s:%s(%s)"):format(name, method.name, table.concat(method.params, ", "))
    lines[#lines + 1] = ("| `%s` | %s |\n"):format(call, method.doc)
  end
end

--- The tables of endpoints and of other names as Markdown, with the marks of their place.
local function generate()
  local lines = { FIRST, "| call | request | |\n|---|---|---|\n" }
  for _, name in ipairs(require "hoopai.api") do
    for _, endpoint in ipairs(require("hoopai.api." .. name)) do
      if not endpoint.alias then
        lines[#lines + 1] = ("| `client.%s:%s(%s)` | `%s %s` | %s |\n"):format(
          name,
          endpoint.name,
          arguments_of(endpoint),
          endpoint.method,
          endpoint.path,
          endpoint.doc
        )
      end
    end
  end
  lines[#lines + 1] = "\nThese methods are other names:\n\n| method | stands for | |\n|---|---|---|\n"
  for _, name in ipairs(require "hoopai.api") do
    for _, endpoint in ipairs(require("hoopai.api." .. name)) do
      if endpoint.alias then
        lines[#lines + 1] = ("| `client.%s:%s` | `%s` | %s |\n"):format(
          name,
          endpoint.name,
          endpoint.alias:gsub("%.", ":"),
          endpoint.doc
        )
      end
    end
  end
  lines[#lines + 1] = "\nThese methods make several of these calls, see [reading many records](lists.md), "
    .. "[safe to run twice](changes.md) and\n[booking once](booking.md):\n\n| call | |\n|---|---|\n"
  for _, name in ipairs(require "hoopai.api") do
    add_derived(lines, name, require("hoopai.api." .. name))
    add_written(lines, name)
  end
  lines[#lines + 1] = LAST
  return table.concat(lines)
end

--- Splits the page into the text before the table, the table, and the text after the table.
local function split(page)
  local first, last = page:find(FIRST, 1, true), select(2, page:find(LAST, 1, true))
  assert(first and last, PAGE .. " lacks the marks of the endpoint table")
  return page:sub(1, first - 1), page:sub(first, last), page:sub(last + 1)
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

if is_script then
  local before, _, after = split(read(PAGE))
  local file <close> = assert(io.open(PAGE, "wb"))
  file:write(before, generate(), after)
end

return { PAGE = PAGE, generate = generate, split = split, read = read }
