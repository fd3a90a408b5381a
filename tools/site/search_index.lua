--- What the search of the site looks through: each section of each page, in a script that a browser can load from a
-- file too.
local cjson = require "cjson"
local text = require "tools.site.text"

local search_index = {}

--- The sections of a page: what stands before the first heading with an anchor, and below each such heading.
-- @tparam table page { name, title, html }
-- @treturn table a list of { title of the section, page's title, address, words }
function search_index.sections(page)
  local sections = {}
  local function add(title, address, html)
    local words = text.plain(html)
    sections[#sections + 1] = { title, page.title, address, words }
  end
  local first = page.html:find('<h%d id="') or #page.html + 1
  add(page.title, page.name .. ".html", (page.html:sub(1, first - 1):gsub("<h1>.-</h1>", "")))
  local from = first
  while from <= #page.html do
    local anchor, words, past = page.html:match('^<h%d id="([^"]+)">(.-)</h%d>()', from)
    local next_one = page.html:find('<h%d id="', past) or #page.html + 1
    local title = text.plain(words)
    -- A method is found by its name.
    local name = anchor:find(":", 1, true) and anchor or title:match("^([%w_.:]+)%(") or title
    add(name, page.name .. ".html#" .. anchor, page.html:sub(past, next_one - 1))
    from = next_one
  end
  return sections
end

--- The script of the index.
-- @tparam table pages
-- @treturn string
function search_index.script(pages)
  local lines = {}
  for _, page in ipairs(pages) do
    for _, section in ipairs(search_index.sections(page)) do
      lines[#lines + 1] = cjson.encode(section)
    end
  end
  return "window.hoopai_index = [\n" .. table.concat(lines, ",\n") .. "\n];\n"
end

return search_index
