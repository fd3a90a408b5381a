--- A small strict JSON reader for expectations, independent of the library whose output it reads.
--
-- It keeps what a comparison of texts needs: lists are distinguished from objects (field "[]" holds the
-- length of a list), numbers stay as they are spelt ({ number = "20" }), null is a value, repeated names are an error.

local find, match, sub = string.find, string.match, string.sub
local error, tonumber = error, tonumber
local utf8_char = utf8.char

local json = {}

--- What null is read as.
json.null = { null = true }

local escapes = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function fail(text, place, what)
  error(("not JSON at byte %d: %s: %s"):format(place, what, sub(text, place, place + 20)), 0)
end

local function skip(text, place) return match(text, "^[ \t\r\n]*()", place) end

local function read_string(text, place)
  local parts = {}
  place = place + 1
  while true do
    local plain, after = match(text, '^([^"\\%c]*)()', place)
    parts[#parts + 1] = plain
    local sign = sub(text, after, after)
    if sign == '"' then return table.concat(parts), after + 1 end
    if sign ~= "\\" then fail(text, after, "a control character or the end in a string") end
    local kind = sub(text, after + 1, after + 1)
    if kind == "u" then
      local high, low = match(text, "^(%x%x%x%x)\\?u?(%x?%x?%x?%x?)", after + 2)
      if not high then fail(text, after, "a bad escape") end
      local code = tonumber(high, 16)
      place = after + 6
      if code >= 0xD800 and code < 0xDC00 then
        code = 0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00
        place = after + 12
      end
      parts[#parts + 1] = utf8_char(code)
    else
      if not escapes[kind] then fail(text, after, "a bad escape") end
      parts[#parts + 1] = escapes[kind]
      place = after + 2
    end
  end
end

local read_value

local function read_list(text, place)
  local list, count = {}, 0
  place = skip(text, place + 1)
  if sub(text, place, place) == "]" then return { ["[]"] = 0 }, place + 1 end
  while true do
    count = count + 1
    list[count], place = read_value(text, place)
    place = skip(text, place)
    local sign = sub(text, place, place)
    place = skip(text, place + 1)
    if sign == "]" then break end
    if sign ~= "," then fail(text, place - 1, "neither , nor ]") end
  end
  list["[]"] = count
  return list, place
end

local function read_object(text, place)
  local object = {}
  place = skip(text, place + 1)
  if sub(text, place, place) == "}" then return object, place + 1 end
  while true do
    if sub(text, place, place) ~= '"' then fail(text, place, "no name") end
    local name, value
    name, place = read_string(text, place)
    if object[name] ~= nil then fail(text, place, "a name for the second time") end
    place = skip(text, place)
    if sub(text, place, place) ~= ":" then fail(text, place, "no :") end
    value, place = read_value(text, skip(text, place + 1))
    object[name] = value
    place = skip(text, place)
    local sign = sub(text, place, place)
    place = skip(text, place + 1)
    if sign == "}" then return object, place end
    if sign ~= "," then fail(text, place - 1, "neither , nor }") end
  end
end

local words = { ["true"] = true, ["false"] = false, null = json.null }

function read_value(text, place)
  local sign = sub(text, place, place)
  if sign == "{" then return read_object(text, place) end
  if sign == "[" then return read_list(text, place) end
  if sign == '"' then return read_string(text, place) end
  local word = match(text, "^%a+", place)
  if word and words[word] ~= nil then return words[word], place + #word end
  local digits = match(text, "^-?%d+%.?%d*[eE]?[+-]?%d*", place)
  if not digits or find(digits, "^-?0%d") or find(digits, "[.eE+-]$") then fail(text, place, "no value") end
  return { number = digits }, place + #digits
end

--- Reads a JSON text; raises when it is none.
function json.read(text)
  local value, place = read_value(text, skip(text, 1))
  place = skip(text, place)
  if place <= #text then fail(text, place, "something after the value") end
  return value
end

--- A Lua string as JSON.
function json.quote(text)
  return '"' .. text:gsub('[%c"\\]', function(sign) return ("\\u%04x"):format(sign:byte()) end) .. '"'
end

return json
