--- The words of the checks: how a value, a place and an expectation are printed. Everything here is bounded in length,
-- calls no metamethod and prints no secret.
local _ENV = require "hoopai.standard"
local type, next, rawget, rawlen, tonumber, tostring = type, next, rawget, rawlen, tonumber, tostring
local byte, find, format, gsub = string.byte, string.find, string.format, string.gsub
local lower, sub = string.lower, string.sub
local concat = table.concat
local math_type, huge = math.type, math.huge
local utf8_len = utf8.len
local core = require "hoopai.core"
local time = require "hoopai.time"

local null, is_array = core.null, core.is_array
local is_instant, is_duration = time.is_instant, time.is_duration

local text = {}

-- Longest excerpt of a string, in bytes.
local EXCERPT = 40

local function escape_byte(char)
  if char == "\n" then return "\\n" elseif char == "\r" then return "\\r" elseif char == "\t" then return "\\t" end
  return format("\\x%02X", byte(char))
end

local function escape_bytes(chars)
  return (gsub(chars, ".", escape_byte))
end

-- The first bytes of a string, whole characters only, with nothing in it that could move a terminal's cursor or turn
-- the direction of writing. Second result: was it cut?
local function excerpt(value)
  local cut = #value > EXCERPT
  local part = value
  if cut then
    local last = EXCERPT
    while last > EXCERPT - 4 and find(value, "^[\x80-\xBF]", last + 1) do last = last - 1 end
    part = sub(value, 1, last)
  end
  part = gsub(gsub(part, "\\", "\\\\"), "[%z\1-\31\127]", escape_byte)
  if utf8_len(part) then
    -- C1 controls; zero-width, direction and line marks; the byte order mark
    part = gsub(gsub(part, "\xC2[\x80-\x9F]", escape_bytes), "\xE2\x80[\x8B-\x8F\xA8-\xAE]", escape_bytes)
    part = gsub(gsub(part, "\xE2\x81[\xA0-\xAF]", escape_bytes), "\xEF\xBB\xBF", escape_bytes)
  else
    part = gsub(part, "[\x80-\xFF]", escape_byte)
  end
  return part, cut
end

-- Tokens have been pasted into the wrong field before; an error text ends up in logs.
local function is_secret(value)
  value = sub(value, 1, 200)
  return find(value, "^%s*pit%-") or find(value, "^%s*eyJ[%w_%-]") or find(value, "^%s*[Bb]earer%s")
    or find(value, "^%s*[Bb]asic%s") or find(value, "eyJ[%w_%-]+%.eyJ[%w_%-]") or find(value, "pit%-%x%x%x%x")
end

text.is_secret = is_secret

local SECRET_NAMES = { "token", "secret", "password", "authorization", "apikey", "api_key" }

local function is_secret_name(name)
  if type(name) ~= "string" or #name > 200 then return false end
  name = lower(name)
  for i = 1, #SECRET_NAMES do
    if find(name, SECRET_NAMES[i], 1, true) then return true end
  end
  return false
end

local function number_text(value)
  if value ~= value then return "NaN" end
  if value == huge then return "infinity" elseif value == -huge then return "-infinity" end
  if math_type(value) == "integer" then return format("%d", value) end
  local short = format("%.14g", value)
  if tonumber(short) ~= value then short = format("%.17g", value) end
  return (gsub(short, ",", ".")) -- some locales print a decimal comma
end

--- A number in the digits that give it back when read.
text.number = number_text

--- Is this a table that may be gone through? Times and durations are not, though they are made of tables.
function text.is_plain(value)
  return type(value) == "table" and not is_instant(value) and not is_duration(value)
end

--- Is this a table written as a list? The encoder's rule: marked by `hoopai.array`, or with items.
function text.is_list(value)
  return is_array(value) or rawget(value, 1) ~= nil or rawlen(value) > 0
end

--- What kind of thing a value is, with its article: "a string", "a list", "null".
function text.kind(value)
  local kind = type(value)
  if value == null then return "null" end
  if kind == "number" then
    return (value ~= value or value == huge or value == -huge) and number_text(value) or "a number"
  end
  if kind == "nil" then return "nil" end
  if kind == "userdata" then return "a userdata" end
  if kind == "table" then
    if is_instant(value) then return "a time value" end
    if is_duration(value) then return "a duration" end
    if text.is_list(value) then return "a list" end
    return next(value) == nil and "an empty table" or "a table"
  end
  if kind == "thread" then return "a coroutine" end
  return "a " .. kind
end

--- A short printable form of a value. Of tables only the kind is told.
-- @param value anything
-- @param name the name of the field it was given for: one that speaks of secrets hides the value
-- @treturn string
function text.given(value, name)
  local kind = type(value)
  if kind == "string" then
    local bytes = #value > EXCERPT and format(" (%d bytes)", #value) or ""
    if is_secret_name(name) or is_secret(value) then return "a string that may be a secret" .. bytes end
    local part, cut = excerpt(value)
    return '"' .. part .. (cut and '..."' or '"') .. bytes
  elseif kind == "number" then
    return number_text(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "table" and text.is_plain(value) and text.is_list(value) then
    local count = rawlen(value) -- of a list with gaps: some border
    return count == 1 and "a list of 1 item" or format("a list of %d items", count)
  end
  return text.kind(value)
end

--- The place of a value as people write it: `teamMembers[2].priority`; "" is the whole.
-- @tparam table keys names and positions from the outside in
-- @tparam integer depth how many of them count
-- @treturn string
function text.path(keys, depth)
  local parts = {}
  for i = 1, depth do
    local key = keys[i]
    local kind = type(key)
    if kind == "string" and #key <= 64 and find(key, "^[%a_][%w_]*$") and not is_secret(key) then
      parts[i] = i == 1 and key or "." .. key
    else
      parts[i] = "[" .. text.given(key) .. "]"
    end
  end
  return concat(parts)
end

--- An order for keys of any types, for table.sort: strings, then numbers, then the rest.
function text.comes_before(a, b)
  local kind, other = type(a), type(b)
  if kind == other then return (kind == "string" or kind == "number") and a < b end
  return kind == "string" or (other ~= "string" and kind == "number")
end

--- "`a`, `b` and `c`"
function text.names(names, last)
  local quoted = {}
  for i = 1, #names do quoted[i] = "`" .. names[i] .. "`" end
  if #quoted < 2 then return quoted[1] or "" end
  return concat(quoted, ", ", 1, #quoted - 1) .. " " .. (last or "and") .. " " .. quoted[#quoted]
end

--- "0, 0.5, 1"
function text.values(values)
  local printed = {}
  for i = 1, #values do
    local value = values[i]
    printed[i] = type(value) == "number" and number_text(value) or tostring(value)
  end
  return concat(printed, ", ")
end

--- The limits of a size or number in words: "from 1 to 20", "at least 1", "at most 20"; nil when there are none.
function text.limits(low, high)
  if low and high then
    if low == high then return "exactly " .. number_text(low) end
    return "from " .. number_text(low) .. " to " .. number_text(high)
  end
  if low then return "at least " .. number_text(low) end
  if high then return "at most " .. number_text(high) end
end

--- The limits of a size in words, with its unit: "from 1 to 20 characters", "at most 1 item".
function text.sizes(low, high, unit)
  local words = text.limits(low, high)
  return words and words .. " " .. unit .. ((high or low) == 1 and "" or "s")
end

local NOUNS = {
  string = "a string", integer = "a whole number", number = "a number", boolean = "true or false",
  any = "a JSON value",
  array = "a list", object = "a table with named fields", date = "a date", timezone = "an IANA time zone",
  epoch_ms = "an instant: milliseconds since 1970, an ISO 8601 string with offset, or a hoopai.time value",
  datetime = "an instant: an ISO 8601 string with offset, or a hoopai.time value with a zone",
}

--- What a declared field takes, in words.
-- @tparam table field a type of the endpoint data
-- @treturn string
function text.expected(field)
  local kind = field.type
  local words
  if field.enum then
    words = (#field.enum == 1 and "" or "one of ") .. text.values(field.enum)
  elseif kind == "integer" or kind == "number" then
    local limits = text.limits(field.min, field.max)
    words = NOUNS[kind] .. (limits and " " .. limits or "")
  elseif kind == "string" then
    local limits = text.sizes(field.min_length, field.max_length, "character")
    words = NOUNS.string .. (limits and " of " .. limits or "")
    if field.pattern and type(field.example) == "string" then words = words .. format(' like "%s"', field.example) end
  elseif kind == "array" then
    local limits = text.sizes(field.min_items, field.max_items, "item")
    words = NOUNS.array .. (limits and " of " .. limits or "")
  elseif kind == "object" and field.values then
    words = "a table that maps names to values"
  elseif (kind == "date" or kind == "timezone") and type(field.example) == "string" then
    words = NOUNS[kind] .. format(' like "%s"', field.example)
  else
    words = NOUNS[kind] or kind
  end
  return field.nullable and words .. ", or hoopai.null" or words
end

return text
