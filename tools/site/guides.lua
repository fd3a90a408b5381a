--- The pages that are written as Markdown: README, doc/, the changelog and the files of examples/. cmark-gfm makes the
-- HTML; here it gets anchors, the colours of code, the frames of tables and the links of the site.
local text = require "tools.site.text"
local written = require "tools.site.written"

local guides = {}

local NAMES = {
  ["README.md"] = "index",
  ["doc/"] = "index",
  ["CHANGELOG.md"] = "changelog",
  ["CONTRIBUTING.md"] = "contributing",
}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

--- The page of the site for a file of the repository; nil if it has none.
function guides.name_of(path)
  local name = NAMES[path] or path:match("^doc/([%w_]+)%.md$")
  local example = path:match("^examples/([%w_/]+%.%w+)$")
  return name or example and "example." .. example:gsub("/", ".") or nil
end

local function resolve(folder, target)
  local path = folder .. target
  local count
  repeat
    path, count = path:gsub("[^/]+/%.%./", "")
  until count == 0
  return path
end

--- The address of the site for the link of a file.
local function address(path, target)
  if target:find("^%a+://") or target:find("^mailto:") or target:find("^#") then return target end
  local file, anchor = target:match("^([^#]*)(.*)$")
  local name = guides.name_of(resolve(path:match("^.*/") or "", file))
  if not name then error(("%s links to %s, which is not part of the site"):format(path, target)) end
  return name .. ".html" .. anchor
end

local CHARACTERS = { lt = "<", gt = ">", quot = '"', amp = "&" }

local function unescape(html) return (html:gsub("&(%a+);", CHARACTERS)) end

--- The HTML of a Markdown file, as a part of the site.
local function convert(path)
  local pipe = assert(io.popen("cmark-gfm -e table -e autolink '" .. path .. "'"))
  local html = pipe:read("a")
  assert(pipe:close(), "cmark-gfm failed on " .. path)
  local anchors = {}
  html = html
    :gsub("<!%-%- raw HTML omitted %-%->\n?", "")
    :gsub("<h(%d)>(.-)</h%d>", function(level, words)
      if level == "1" then return nil end
      return written.heading(tonumber(level), text.anchor(text.plain(words:gsub("</?%a+>", "")), anchors), words)
    end)
    :gsub(
      '<pre><code class="language%-(%w+)">(.-)</code></pre>\n',
      function(language, code) return text.code_block(unescape(code), language) end
    )
    :gsub("<pre><code>", '<pre tabindex="0"><code>')
    :gsub("<table>(.-)</table>", '<div class="table" tabindex="0"><table>%1</table></div>')
    :gsub("<td>(.-)</td>", function(cell)
      -- Long code in a cell may be broken after its marks.
      return "<td>"
        .. cell:gsub(
          "<code>(.-)</code>",
          function(code) return "<code>" .. code:gsub("[/(:]", "%0<wbr>") .. "</code>" end
        )
        .. "</td>"
    end)
    :gsub("<th></th>", "<td></td>") -- a column without a title
    :gsub('href="([^"]*)"', function(target) return 'href="' .. address(path, target) .. '"' end)
  return html
end

--- The page of a Markdown file.
-- @tparam string path such as doc/errors.md
-- @treturn table { name, title, html }
function guides.page(path)
  local html = convert(path)
  local title = text.plain(assert(html:match("<h1>(.-)</h1>"), path .. " has no title"))
  return { name = guides.name_of(path), title = title, html = html }
end

--- The page of an example: its code.
-- @tparam string path such as examples/sign_in.lua
-- @treturn table { name, title, html }
function guides.example(path)
  local code = text.code_block(read(path), path:match("%.(%w+)$"))
  return { name = guides.name_of(path), title = path, html = "<h1>" .. path .. "</h1>\n" .. code }
end

--- The examples of the methods: the blocks below the headings of doc/examples.md that name one.
-- @treturn table name of the method -> code
function guides.examples()
  local found = {}
  for name, code in read("doc/examples.md"):gmatch("\n### `([%w_]+:[%w_]+)`\n.-\n```lua\n(.-)```") do
    found[name] = code
  end
  return found
end

return guides
