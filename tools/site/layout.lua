--- The frame of a page: its head, the list of all pages, the search and what the page contains.
local text = require "tools.site.text"

local concat = table.concat

local layout = {}

-- The order of reading. A page of doc/ that is in no group is put at the end of the guides.
local GROUPS = {
  { "Begin", { "index", "getting_started", "cookbook", "command", "troubleshooting" } },
  {
    "Guides",
    {
      "errors",
      "retries",
      "booking",
      "changes",
      "lists",
      "time",
      "tasks",
      "dry_run",
      "hooks",
      "ical",
      "oauth",
      "webhooks",
      "sandbox",
      "embedding",
    },
  },
  {
    "Facts",
    { "security", "limits", "evidence", "versions", "systems", "speed", "architecture", "contributing", "changelog" },
  },
  { "Methods", { "endpoints", "examples", "c_api", "client" } },
  { "Modules", {} },
} -- stylua: ignore

local SHORT = { index = "Overview" }

--- Sorts the pages into the groups of the navigation.
-- @tparam table pages
-- @treturn table a list of { title, pages }
function layout.groups(pages)
  local by_name, is_placed, groups = {}, {}, {}
  for _, page in ipairs(pages) do
    by_name[page.name] = page
  end
  for index, group in ipairs(GROUPS) do
    groups[index] = { title = group[1], pages = {} }
    for _, name in ipairs(group[2]) do
      groups[index].pages[#groups[index].pages + 1] = by_name[name] or error("the site has no page " .. name)
      is_placed[name] = true
    end
  end
  for _, page in ipairs(pages) do
    local name = page.name
    local group = name:find("^client%.") and 4 or name:find("^hoopai") and 5 or 2
    if not is_placed[name] and not name:find("^example%.") then table.insert(groups[group].pages, page) end
  end
  return groups
end

local function navigation(groups, here)
  local out = {}
  for _, group in ipairs(groups) do
    out[#out + 1] = ("<h2>%s</h2>\n<ul>\n"):format(group.title)
    for _, page in ipairs(group.pages) do
      local mark = page.name == here.name and ' aria-current="page"' or ""
      out[#out + 1] = ('<li><a href="%s.html"%s>%s</a></li>\n'):format(
        page.name,
        mark,
        text.escape(SHORT[page.name] or page.title):gsub("%.", ".<wbr>")
      )
    end
    out[#out + 1] = "</ul>\n"
  end
  return concat(out)
end

--- The headings of a page as a list of links, those of the third level for a module; empty for fewer than three.
local function contents(page)
  local items = {}
  local levels = page.name:find("^hoopai") and "[23]" or "2"
  for level, anchor, words in page.html:gmatch("<h(" .. levels .. ') id="([^"]+)"><a [^>]*>(.-)</a></h%d>') do
    -- A method is shown by its name alone.
    local name = anchor:find(":", 1, true) and anchor:match("[^:]+$") or level == "3" and anchor
    items[#items + 1] = ('<li class="level%s"><a href="#%s">%s</a></li>\n'):format(
      level,
      anchor,
      name and "<code>" .. name .. "</code>" or words
    )
  end
  if #items < 3 then return "" end
  return '<nav class="contents" aria-label="On this page"><h2>On this page</h2>\n<ul>\n'
    .. concat(items)
    .. "</ul></nav>\n"
end

local PAGE = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>@TITLE@</title>
<link rel="stylesheet" href="style.css">
<script src="search_index.js" defer></script>
<script src="search.js" defer></script>
</head>
<body>
<header>
<a class="home" href="index.html">hoopai</a>
<div class="search" role="search" hidden>
<input type="search" placeholder="Search" aria-label="Search" autocomplete="off" spellcheck="false">
<ul class="found" hidden></ul>
</div>
</header>
<div class="page">
<details class="menu"><summary>All pages</summary>
<nav aria-label="All pages">
@NAVIGATION@</nav>
</details>
<main>
@CONTENT@</main>
@CONTENTS@</div>
</body>
</html>
]]

--- A whole page.
-- @tparam table page { name, title, html }
-- @tparam table groups of `layout.groups`
-- @treturn string
function layout.page(page, groups)
  local title = page.name == "index" and "hoopai" or page.title .. " - hoopai"
  local parts = {
    TITLE = text.escape(title),
    NAVIGATION = navigation(groups, page),
    CONTENT = page.html,
    CONTENTS = contents(page),
  }
  return (PAGE:gsub("@(%u+)@", parts))
end

return layout
