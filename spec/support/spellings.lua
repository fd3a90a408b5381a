--- How a peer may spell a secret that it echoes: what the library sends, and what programs on the way make of it.

local spellings = {}

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The base64 of a text, with padding.
function spellings.base64(text)
  local out = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    for index = 0, 3 do
      local digit = (bits >> (18 - 6 * index) & 63) + 1
      out[#out + 1] = index > (c and 3 or b and 2 or 1) and "=" or DIGITS:sub(digit, digit)
    end
  end
  return table.concat(out)
end

--- The same with the digits of base64url, without padding.
function spellings.base64url(text)
  return (spellings.base64(text):gsub("[+/=]", { ["+"] = "-", ["/"] = "_", ["="] = "" }))
end

local function escaped(format, pattern)
  return function(text)
    return (text:gsub(pattern or ".", function(char) return (format):format(char:byte()) end))
  end
end

local ODD = "[^%w%-._~]" -- what forms and queries encode
local percent, percent_lower = escaped("%%%02X", ODD), escaped("%%%02x", ODD)
local json = escaped("\\u%04x")

local function in_turn(...)
  local steps = { ... }
  return function(text)
    for _, step in ipairs(steps) do
      text = step(text)
    end
    return text
  end
end

local function around(before, after)
  return function(text) return before .. text .. after end
end

-- stylua: ignore
--- name -> function(secret) that spells it.
spellings.all = {
  ["as it is"] = function(text) return text end,
  ["in upper case"] = string.upper,
  ["in lower case"] = string.lower,
  ["percent-encoded"] = percent,
  ["percent-encoded in lower case"] = percent_lower,
  ["percent-encoded in all its characters"] = escaped("%%%02x", "."),
  ["with blanks for +"] = function(text) return (text:gsub("+", " ")) end,
  ["percent-encoded twice"] = in_turn(percent, percent),
  ["percent-encoded three times"] = in_turn(percent_lower, percent, percent),
  ["with escapes of JSON"] = json,
  ["with upper-case escapes of JSON"] = escaped("\\u%04X", "[^%w]"),
  ["with \\/"] = function(text) return (text:gsub("/", "\\/")) end,
  ["in JSON in JSON"] = in_turn(json, function(text) return (text:gsub("\\", "\\\\")) end),
  ["a URL in JSON"] = in_turn(percent, json),
  ["with decimal entities"] = escaped("&#%d;", "[^%w]"),
  ["with hexadecimal entities"] = escaped("&#x%02X;"),
  ["in base64"] = spellings.base64,
  ["in base64url"] = spellings.base64url,
  ["in base64 behind one byte"] = in_turn(around("i", ""), spellings.base64),
  ["in base64 behind two bytes"] = in_turn(around("id", ""), spellings.base64url),
  ["in base64 between others"] = in_turn(around("id-x:", ":more"), spellings.base64),
  ["in base64, percent-encoded"] = in_turn(around("id-x:", ""), spellings.base64, percent),
}

--- Where a text shows a secret: the name of a spelling, with which it holds half of the secret or more; nil if nowhere.
function spellings.found(text, secret)
  local half = secret:sub(#secret // 4 + 1, #secret // 4 + #secret // 2)
  for name, spell in pairs(spellings.all) do
    if text:find(spell(half), 1, true) then return name end
  end
end

return spellings
