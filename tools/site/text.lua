--- Text as HTML: the marks of comments, and the colours of code.
local text = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

function text.escape(value) return (value:gsub('[&<>"]', ESCAPES)) end

local escape = text.escape

-- Tags within a line
local INLINE = { a = true, b = true, code = true, em = true, strong = true, wbr = true }

--- The words of a piece of HTML, for the search.
function text.plain(html)
  local words = html
    :gsub("</?(%a+)[^>]*>", function(tag) return INLINE[tag] and "" or " " end)
    :gsub("&lt;", "<")
    :gsub("&gt;", ">")
    :gsub("&quot;", '"')
    :gsub("&#39;", "'")
    :gsub("&amp;", "&")
  return (words:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- The call of a function as code, whose line may be broken after `(`, `:` and `.`.
function text.signature(call) return "<code>" .. escape(call):gsub("[(:.]", "%0<wbr>") .. "</code>" end

--- The anchor that GitHub gives to a heading: the second of one name on a page ends in -1.
-- @tparam string heading
-- @tparam table counts of the anchors before it on the page, which this one joins
-- @treturn string
function text.anchor(heading, counts)
  local anchor = heading:lower():gsub("[^%w%s_-]", ""):gsub(" ", "-")
  local before = counts[anchor] or 0
  counts[anchor] = before + 1
  return before == 0 and anchor or anchor .. "-" .. before
end

--- One line or paragraph with its marks: `code`, **bold**, @{reference}, @{reference|label}.
-- @tparam string value
-- @tparam function resolve (reference, label) -> the HTML of a link
-- @treturn string
function text.inline(value, resolve)
  local kept = {}
  local function keep(html)
    kept[#kept + 1] = html
    return ("\0%d\0"):format(#kept)
  end
  value = value:gsub("`([^`]+)`", function(code) return keep("<code>" .. escape(code) .. "</code>") end)
  value = value:gsub(
    "@{([^}|]+)|?([^}]*)}",
    function(target, label) return keep(resolve(target, label ~= "" and label or nil)) end
  )
  value = escape(value):gsub("%*%*([^*]+)%*%*", "<b>%1</b>")
  return (value:gsub("\0(%d+)\0", function(index) return kept[tonumber(index)] end))
end

local WORDS = "and break do else elseif end false for function goto if in local nil not or repeat return then true "
  .. "until while"
local KEYWORDS = {}
for word in WORDS:gmatch "%a+" do
  KEYWORDS[word] = true
end

-- Pattern at the place of reading -> its class. A long bracket is a string, and after "--" a comment.
local LUA = {
  { "^%-%-%[%[.-%]%]", "comment" },
  { "^%-%-[^\n]*", "comment" },
  { "^%[%[.-%]%]", "string" },
  { '^"[^"\n]*"', "string" },
  { "^'[^'\n]*'", "string" },
  { "^[%a_][%w_]*", "word" },
  { "^%s+" },
  { "^[%w_.]+" },
}
local SHELL = { { "^#[^\n]*", "comment" }, { '^"[^"\n]*"', "string" }, { "^'[^']*'", "string" }, { "^[^#\"'\n]*[%s]" } }
local C = { { "^/%*.-%*/", "comment" }, { "^//[^\n]*", "comment" }, { '^"[^"\n]*"', "string" }, { "^[%w_]+" } }
local LANGUAGES = { lua = LUA, sh = SHELL, c = C }

local function piece(rules, code, from)
  for _, rule in ipairs(rules) do
    local found = code:match(rule[1], from)
    if found and found ~= "" then return found, rule[2] end
  end
  return code:sub(from, from)
end

--- Code as HTML with its comments, strings and keywords marked.
-- @tparam string code
-- @tparam[opt] string language lua, sh or c
-- @treturn string
function text.code(code, language)
  local rules, out, from = LANGUAGES[language], {}, 1
  if not rules then return escape(code) end
  while from <= #code do
    local found, class = piece(rules, code, from)
    if class == "word" then class = KEYWORDS[found] and "keyword" or nil end
    out[#out + 1] = class and ('<span class="%s">%s</span>'):format(class, escape(found)) or escape(found)
    from = from + #found
  end
  return table.concat(out)
end

--- A block of code that scrolls in its column; the keyboard can scroll it too.
function text.code_block(code, language)
  return ('<pre tabindex="0"><code>%s</code></pre>\n'):format(text.code(code, language))
end

--- The text of a comment: paragraphs, lists of "* ", and code that is indented by four spaces.
function text.block(value, resolve)
  local out, paragraph, code, items = {}, {}, {}, nil
  local function flush()
    if #paragraph > 0 then
      local html = text.inline(table.concat(paragraph, " "), resolve)
      if items then
        items[#items + 1] = "<li>" .. html .. "</li>"
      else
        out[#out + 1] = "<p>" .. html .. "</p>\n"
      end
    end
    paragraph = {}
  end
  local function flush_items()
    flush()
    if items then out[#out + 1] = "<ul>" .. table.concat(items, "\n") .. "</ul>\n" end
    items = nil
  end
  local function flush_code()
    while code[#code] == "" do
      code[#code] = nil
    end
    if #code > 0 then out[#out + 1] = text.code_block(table.concat(code, "\n") .. "\n", "lua") end
    code = {}
  end
  for line in (value .. "\n"):gmatch("(.-)\n") do
    if line:find("^    ") or (#code > 0 and line == "") then
      flush_items()
      code[#code + 1] = line:sub(5)
    else
      flush_code()
      local item = line:match("^[*-] (.*)$")
      if line == "" then
        flush_items()
      elseif item then
        flush()
        items = items or {}
        paragraph = { item }
      else
        paragraph[#paragraph + 1] = line:match("^%s*(.*)$")
      end
    end
  end
  flush_code()
  flush_items()
  return table.concat(out)
end

--- A table of the reference in two columns: a name with what is short below it, and its meaning. On a narrow page they
-- are below each other.
-- @tparam string title of the first column
-- @tparam table rows lists of HTML: the name, the short parts (some may be empty), and the meaning
function text.fields(title, rows)
  local out =
    { '<div class="table"><table class="fields"><thead><tr><th>', title, "</th><th>meaning</th></tr></thead>" }
  out[#out + 1] = "<tbody>\n"
  for _, row in ipairs(rows) do
    local short = {}
    for place = 2, #row - 1 do
      if row[place] ~= "" then short[#short + 1] = row[place] end
    end
    local below = #short > 0 and '<span class="kind">' .. table.concat(short, ", ") .. "</span>" or ""
    out[#out + 1] = ("<tr><td>%s %s</td><td>%s</td></tr>\n"):format(row[1], below, row[#row])
  end
  out[#out + 1] = "</tbody></table></div>\n"
  return table.concat(out)
end

return text
