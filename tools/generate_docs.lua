--- Writes the documentation as a site of HTML: the pages of doc/, and the reference from the comments of public
-- functions and from the endpoint tables. As a script, into a folder that exists (needs cmark-gfm):
--   lua5.4 tools/generate_docs.lua write FOLDER
local is_script = arg and arg[1] == "write" and arg[0]:find("generate_docs.lua", 1, true)
if is_script then package.path = "./?.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path end

local guides = require "tools.site.guides"
local layout = require "tools.site.layout"
local links = require "tools.site.links"
local reference = require "tools.reference"
local resources = require "tools.site.resources"
local search_index = require "tools.site.search_index"
local written = require "tools.site.written"

local docs = {}

--- The pages of the reference. They need no program but Lua.
-- @treturn table a list of { name, title, html }
function docs.reference()
  local site = { written = reference.pages(), examples = guides.examples() }
  site.resources, site.types = reference.endpoints()
  site.registry = links.new(site.written, site.resources, site.types)
  resources.place_inlined(site)
  local pages = {}
  for _, page in ipairs(site.written) do
    pages[#pages + 1] = written.page(page, site.registry)
  end
  local methods = resources.pages(site)
  return table.move(methods, 1, #methods, #pages + 1, pages)
end

--- The names of the files that a shell pattern matches, in order.
local function files(pattern)
  local pipe, list = assert(io.popen("LC_ALL=C; export LC_ALL; printf '%s\\n' " .. pattern)), {}
  for name in pipe:lines() do
    list[#list + 1] = name
  end
  pipe:close()
  return list
end

--- All pages.
-- @treturn table a list of { name, title, html }
function docs.pages()
  local pages = {}
  for _, path in ipairs(files "README.md CHANGELOG.md CONTRIBUTING.md doc/*.md") do
    pages[#pages + 1] = guides.page(path)
  end
  for _, path in ipairs(files "examples/*.lua examples/embed/*.c examples/embed/*.lua") do
    pages[#pages + 1] = guides.example(path)
  end
  local list = docs.reference()
  return table.move(list, 1, #list, #pages + 1, pages)
end

local function write(path, content)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
end

local function copy(name, folder)
  local file <close> = assert(io.open("tools/site/" .. name, "rb"))
  write(folder .. "/" .. name, file:read("a"))
end

if is_script then
  local folder = arg[2]
  local pages = docs.pages()
  local groups = layout.groups(pages)
  for _, page in ipairs(pages) do
    write(("%s/%s.html"):format(folder, page.name), layout.page(page, groups))
  end
  write(folder .. "/search_index.js", search_index.script(pages))
  copy("style.css", folder)
  copy("search.js", folder)
end

return docs
