--- JSON texts for scripts, by the rules of the bodies that the library sends and of the responses that it reads.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local json_value = require "hoopai.validate.json_value"
local messages = require "hoopai.validate.messages"

local next, pairs, tostring, type = next, pairs, tostring, type
local concat = table.concat
local find, format, rep, sub = string.find, string.format, string.rep, string.sub

local json_text = {}

-- What stands for an empty list in a marked text. No server sends this string as the one item of a list.
local MARK = "hoopai: an empty list"

--- The end of the string whose opening quote is at a position.
local function string_end(text, at)
  at = find(text, '["\\]', at + 1)
  while sub(text, at, at) == "\\" do
    at = find(text, '["\\]', at + 2)
  end
  return at
end

--- The text with a mark in each empty list; nil if there is none.
local function with_marks(text)
  local out, copied, at = {}, 0, 0
  while true do
    at = find(text, '["%[]', at + 1)
    if not at then break end
    local _, stop = find(text, "^%[%s*%]", at)
    if stop then
      out[#out + 1] = format('%s["%s"]', sub(text, copied + 1, at - 1), MARK)
      copied, at = stop, stop
    elseif sub(text, at, at) == '"' then
      at = string_end(text, at)
    end
  end
  if #out == 0 then return nil end
  out[#out + 1] = sub(text, copied + 1)
  return concat(out)
end

--- Marks the tables of a value in whose place a decoded copy has a mark.
local function mark(value, copy)
  if type(value) ~= "table" or type(copy) ~= "table" then return end
  if copy[1] == MARK then return core.array(value) end
  for name, item in pairs(copy) do
    mark(value[name], item)
  end
end

--- Marks the empty lists of a decoded value as with `hoopai.array`: lua-cjson decodes [] and {} alike.
-- @tparam any value what core.decode returned for the text
-- @tparam string text
function json_text.mark_lists(value, text)
  local marked = with_marks(text)
  if marked then mark(value, (core.decode(marked, true))) end
end

local OPEN, CLOSE = { ["{"] = true, ["["] = true }, { ["}"] = true, ["]"] = true }

--- JSON of one line with a line per value, indented by two spaces.
local function indented(text)
  local out, depth, at, length = {}, 0, 1, #text
  local function put(part) out[#out + 1] = part end
  local function line() put("\n" .. rep("  ", depth)) end
  while at <= length do
    local char = sub(text, at, at)
    local stop = char == '"' and string_end(text, at) or at
    if OPEN[char] and CLOSE[sub(text, at + 1, at + 1)] then -- an empty one
      stop = at + 1
      put(sub(text, at, stop))
    elseif OPEN[char] then
      put(char)
      depth = depth + 1
      line()
    elseif CLOSE[char] then
      depth = depth - 1
      line()
      put(char)
    else
      put(sub(text, at, stop))
      if char == "," then line() end
      if char == ":" then put " " end
    end
    at = stop + 1
  end
  return concat(out)
end

--- The options of `hoopai.encode`.
-- @table EncodeOptions
-- @tfield[opt=false] boolean indent whether each value stands on a separate line, indented by two spaces per level; an
-- empty list or object stays on one line

--- The option `indent` of encode.
local function indent_of(options)
  if options == nil then return false end
  if type(options) ~= "table" then
    errors.raise("hoopai.encode expects a table of options as argument 2, got " .. type(options))
  end
  for name, value in next, options do
    if name ~= "indent" then
      errors.raise(format('hoopai.encode has the option `indent` alone; "%s" is unknown', tostring(name)))
    end
    if type(value) ~= "boolean" then errors.raise "option `indent` of hoopai.encode must be true or false" end
  end
  return options.indent == true
end

local function encode_error(details)
  local message = messages.message(details, "hoopai.encode")
  return nil, errors.new { kind = "invalid_request", attempts = 0, details = details, message = message }
end

--- Writes a value as JSON, as the library writes the bodies of its requests: the names of an object in order, integers
-- as such, instants as ISO 8601 text, `hoopai.null` as null, and lists that `hoopai.array` marks as `[]` when they are
-- empty.
-- @tparam any value a string, a number, a boolean, `hoopai.null`, an instant, or a table of these
-- @tparam[opt] EncodeOptions options
-- @treturn[1] string one line, or with `indent` several, without a line break at the end
-- @treturn[2] nil
-- @treturn[2] Error of kind "invalid_request": JSON cannot express the value
-- @raise for an unknown or wrong option
function json_text.encode(value, options)
  local is_indented = indent_of(options)
  local problems = messages.new_problems()
  local sent = json_value.copy_plain(value, problems)
  if problems.count > 0 then return encode_error(problems:details()) end
  local text, problem = core.encode(sent)
  if text then return is_indented and indented(text) or text end
  return encode_error(messages.whole(problem, value))
end

--- Reads JSON, as the library reads responses, but for null: that is `hoopai.null` everywhere. Integers are Lua
-- integers, and empty lists are marked as with `hoopai.array`.
-- @tparam string text
-- @treturn[1] any the value
-- @treturn[2] nil
-- @treturn[2] Error of kind "decode": the text is no JSON
-- @raise for another type than a string
function json_text.decode(text)
  if type(text) ~= "string" then errors.raise("hoopai.decode expects a string, got " .. type(text)) end
  local value, problem = core.decode(text, true)
  if value ~= nil then
    json_text.mark_lists(value, text)
    return value
  end
  return nil, errors.new { kind = "decode", message = "hoopai.decode: the text is no JSON: " .. problem }
end

return json_text
