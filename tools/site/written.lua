--- The pages of the reference that come from comments: functions, fields, classes and tables.
local comments = require "tools.comments"
local text = require "tools.site.text"

local concat = table.concat

local written = {}

local OWNERS = {
  Client = "What `hoopai.new` makes. Its `calendars`, `groups` and so on have the methods of the endpoints.",
  Task = "What `hoopai.spawn` starts.",
  App = "What `hoopai.oauth` makes.",
  Webhook = "What `hoopai.webhook` makes.",
  instant = "Points in time. They can be compared with each other; `+` and `-` take durations, and the difference of "
    .. "two is a duration.",
  duration = "Distances in time. They can be compared, added, subtracted, negated, and multiplied by integers.",
  Sandbox = "What `start` returns.",
}

-- How the object of a class is called in a signature.
local OBJECTS = { Client = "client", Task = "task", App = "app", Sandbox = "sandbox" }

local function parameters(comment)
  local names = {}
  for _, tag in ipairs(comments.tags(comment, "param", "tparam")) do
    if not tag.name:find(".", 1, true) then names[#names + 1] = tag.opt and "[" .. tag.name .. "]" or tag.name end
  end
  return concat(names, ", ")
end

local function put_parameters(out, comment, registry, here)
  local rows = {}
  for _, tag in ipairs(comments.tags(comment, "param", "tparam")) do
    local words = text.inline(tag.text, registry:resolver(here))
    local state = tag.default and "default <code>" .. text.escape(tag.default) .. "</code>"
      or tag.opt and "optional"
      or ""
    rows[#rows + 1] = {
      "<code>" .. text.escape(tag.name) .. "</code>",
      tag.type and registry:type(tag.type, here) or "",
      state,
      words,
    }
  end
  if #rows > 0 then out[#out + 1] = "<h4>Parameters</h4>\n" .. text.fields("name", rows) end
end

local function put_results(out, comment, registry, here)
  local groups, order = {}, {}
  for _, tag in ipairs(comments.tags(comment, "return", "treturn")) do
    local group = tag.group or 1
    if not groups[group] then
      groups[group] = {}
      order[#order + 1] = group
    end
    local words = text.inline(tag.text, registry:resolver(here))
    local kind = tag.type and registry:type(tag.type, here) .. (tag.opt and " or <code>nil</code>" or "") or ""
    table.insert(groups[group], "<li>" .. kind .. (words ~= "" and kind ~= "" and ": " or "") .. words .. "</li>")
  end
  for place, group in ipairs(order) do
    out[#out + 1] = (place == 1 and "<h4>Returns</h4>\n" or "<p>or</p>\n")
      .. "<ol>"
      .. concat(groups[group], "\n")
      .. "</ol>\n"
  end
  for _, tag in ipairs(comments.tags(comment, "raise")) do
    out[#out + 1] = "<h4>Raises</h4>\n<p>" .. text.inline(tag.text, registry:resolver(here)) .. "</p>\n"
  end
end

--- The body of a function: its text, parameters, results and errors.
function written.body(comment, registry, here)
  local out = { text.block(comment.text, registry:resolver(here)) }
  put_parameters(out, comment, registry, here)
  put_results(out, comment, registry, here)
  return concat(out)
end

local function put_fields(out, comment, registry, here)
  local rows = {}
  for _, tag in ipairs(comments.tags(comment, "field", "tfield")) do
    rows[#rows + 1] = {
      "<code>" .. text.escape(tag.name) .. "</code>",
      (tag.type and registry:type(tag.type, here) or "") .. (tag.opt and " or <code>nil</code>" or ""),
      text.inline(tag.text, registry:resolver(here)),
    }
  end
  out[#out + 1] = text.fields("field", rows)
end

--- A heading with a link to itself.
function written.heading(level, anchor, html)
  return ('<h%d id="%s"><a class="self" href="#%s">%s</a></h%d>\n'):format(level, anchor, anchor, html, level)
end

local heading = written.heading

local function signature(page, item)
  if item.owner then
    local object = OBJECTS[item.owner] or item.owner
    return ("%s:%s(%s)"):format(object, item.name:match("[^:]+$"), parameters(item.comment))
  end
  local prefix = page.name
  if item.kind == "function" then return ("%s.%s(%s)"):format(prefix, item.name, parameters(item.comment)) end
  return item.kind == "field" and prefix .. "." .. item.name or item.name
end

--- The parameters of a method that is written by hand, such as "given, [call_options]".
written.parameters = parameters

local function put_item(page, item, registry)
  local out = { "<section>\n", heading(3, item.name, text.signature(signature(page, item))) }
  if item.kind == "function" then
    out[#out + 1] = written.body(item.comment, registry, page.name)
  else
    out[#out + 1] = text.block(item.comment.text, registry:resolver(page.name))
    if item.kind == "table" then put_fields(out, item.comment, registry, page.name) end
  end
  out[#out + 1] = "</section>\n"
  return concat(out)
end

--- A page of comments.
-- @tparam table page of `tools.reference`
-- @tparam table registry of `tools.site.links`
-- @treturn table a page: { name, title, html }
function written.page(page, registry)
  local out = { "<h1>" .. page.name .. "</h1>\n", text.block(page.text, registry:resolver(page.name)) }
  local function put(title, kind)
    local is_first = true
    for _, item in ipairs(page.items) do
      if item.kind == kind and not item.owner then
        if is_first then out[#out + 1] = heading(2, title:lower(), title) end
        is_first = false
        out[#out + 1] = put_item(page, item, registry)
      end
    end
  end
  put("Functions", "function")
  put("Fields", "field")
  local owner
  for _, item in ipairs(page.items) do
    if item.owner and not registry:resource_of(item.owner) then
      if item.owner ~= owner then
        owner = item.owner
        -- A class whose fields are a table of the page has the anchor there.
        out[#out + 1] = heading(2, page.items[owner] and owner .. "-methods" or owner, "The class " .. owner)
        out[#out + 1] = text.block(assert(OWNERS[owner], owner), registry:resolver(page.name))
      end
      out[#out + 1] = put_item(page, item, registry)
    end
  end
  put("Tables", "table")
  return { name = page.name, title = page.name, html = concat(out) }
end

return written
