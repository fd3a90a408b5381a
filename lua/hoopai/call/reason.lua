--- Why the server refused: the texts of an error response, whatever its shape.
--
-- The API sends `message`, a string or a list. Gateways before it send other shapes, plain text and pages.
local printable = require "hoopai.errors.printable"
local secrets = require "hoopai.call.secrets"

local ipairs, pairs, type = ipairs, pairs, type
local find, gsub, lower, match = string.find, string.gsub, string.lower, string.match
local sub, upper = string.sub, string.upper
local concat, sort = table.concat, table.sort
local max, utf8_len = math.max, utf8.len

local reason = {}

local MOST_TEXTS = 50 -- of one response
local DEEPEST = 8 -- levels in which texts are looked for
local LONGEST_EXCERPT = 200 -- bytes
local LONGEST_FIELD = 200 -- bytes of a name that is shown before its text
local LONGEST_TEXT = 4096 -- bytes of a body that is no JSON
local LONGEST_SECRET = 65536 -- bytes, see src/secret.c

-- Texts in JSON

-- Members of a reason. Of `MAIN` the first one with a text counts, those of `MORE` add to it.
local MAIN = { "message", "error_description", "error", "errorMessage", "msg", "title" }
local MORE =
  { "error", "errors", "error_messages", "errorMessages", "details", "detail", "reason", "description", "children" }
-- Members that name the field which the reason is about.
local FIELDS = { "field", "property", "param", "path" }

local is_member = { constraints = true }
for _, names in ipairs { MAIN, MORE, FIELDS } do
  for _, name in ipairs(names) do
    is_member[name] = true
  end
end

local function is_text(value) return type(value) == "string" and find(value, "%S") ~= nil end

local function add(texts, text, field)
  if field and #field <= LONGEST_FIELD and not find(text, field, 1, true) then text = field .. ": " .. text end
  if texts[text] or #texts == MOST_TEXTS then return end
  texts[#texts + 1], texts[text] = text, true
end

local collect

local function sorted_names(object)
  local names = {}
  for name in pairs(object) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  sort(names)
  return names
end

local function field_of(object)
  for _, name in ipairs(FIELDS) do
    if is_text(object[name]) then return object[name] end
  end
  local place = object.loc -- a list of names, from the outside to the inside
  return type(place) == "table" and is_text(place[#place]) and place[#place] or nil
end

--- Adds the texts of an object that says what is wrong.
local function collect_members(object, texts, field, depth)
  local before, reads_error = #texts, true
  for _, name in ipairs(MAIN) do
    collect(object[name], texts, field, depth)
    if name == "error" then reads_error = false end
    if #texts > before then break end
  end
  for _, name in ipairs(MORE) do
    -- Beside a text, `error` is the name of the status or of a class of errors.
    -- Once is enough: reading it twice at each level would take time that doubles with the depth.
    if name ~= "error" or reads_error and type(object.error) == "table" then
      collect(object[name], texts, field, depth)
    end
  end
  if type(object.constraints) == "table" then -- the names are those of rules, and not of fields
    for _, name in ipairs(sorted_names(object.constraints)) do
      collect(object.constraints[name], texts, field, depth)
    end
  end
end

--- Adds all texts of an object whose members are fields and their problems, or languages.
local function collect_all(object, texts, field, depth)
  for _, name in ipairs(sorted_names(object)) do
    collect(object[name], texts, field or name, depth)
  end
end

function collect(value, texts, field, depth)
  if is_text(value) then return add(texts, value, field) end
  if type(value) ~= "table" or depth > DEEPEST then return end
  if value[1] ~= nil then
    for _, item in ipairs(value) do
      collect(item, texts, field, depth + 1)
    end
    return
  end
  local own, has_members = field_of(value) or field, false
  for name in pairs(value) do
    has_members = has_members or is_member[name]
  end
  local walk = has_members and collect_members or collect_all
  return walk(value, texts, own, depth + 1)
end

--- The message of an error body: `message`, a string, a list or an object, also inside `error`; then what stands under
-- `error_description`, `error`, `errors`, `detail` and the like.
-- @tparam any body
-- @treturn ?string
-- @treturn ?table the texts, if they are in a list or are several
function reason.message_of(body)
  if type(body) ~= "table" or body[1] ~= nil then return nil end
  local texts = {}
  collect_members(body, texts, nil, 1)
  if #texts == 0 then return nil end
  local list = {}
  for index, text in ipairs(texts) do
    list[index] = text
  end
  return concat(list, "; "), (#list > 1 or type(body.message) == "table") and list or nil
end

-- Texts that are no JSON

reason.cut = printable.cut

--- The beginning of a body that is no JSON, without secrets, and without NUL bytes: those of UTF-16 would hide one.
-- @tparam string body
-- @tparam table list secrets and credentials
-- @treturn string
function reason.text_of(body, list)
  local text = secrets.redacted(list, (gsub(sub(body, 1, LONGEST_TEXT + LONGEST_SECRET), "\0", "")))
  -- The end of what was read may be the beginning of a secret.
  local is_cut = #list > 0 and #body > LONGEST_TEXT + LONGEST_SECRET
  if is_cut then text = sub(text, 1, max(0, #text - LONGEST_SECRET)) end
  return (reason.cut(text, LONGEST_TEXT))
end

local ENTITIES = { amp = "&", quot = '"', apos = "'", nbsp = " ", ["#39"] = "'" }

local function text_of_page(page)
  for _, name in ipairs { "script", "style" } do
    local any_case = gsub(name, "%a", function(letter) return "[" .. letter .. upper(letter) .. "]" end)
    page = gsub(page, "<" .. any_case .. "%f[%A].-</" .. any_case .. "%s*>", " ")
  end
  page = gsub(gsub(page, "<!%-%-.-%-%->", " "), "<[^>]*>?", " ")
  return (gsub(page, "&(#?%w+);", ENTITIES))
end

--- One line that shows what a text says: the words of a page without its tags, cut at 200 bytes.
-- @tparam string text
-- @treturn ?string nil if it says nothing
function reason.excerpt(text)
  if find(lower(text), "<[!/?]?%a") then text = text_of_page(text) end
  text = gsub(gsub(text, "\194[\128-\159]", " "), "%c", " ")
  text = match(gsub(text, "%s+", " "), "^ ?(.-) ?$")
  local short, is_cut = reason.cut(text, LONGEST_EXCERPT)
  if not utf8_len(short) then short = gsub(short, "[\128-\255]", "?") end
  return short ~= "" and short .. (is_cut and "..." or "") or nil
end

return reason
