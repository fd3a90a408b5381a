--- Percent-encoding, and the form of query strings and of bodies of type application/x-www-form-urlencoded.
-- @module hoopai.sandbox.query_string

local char, gmatch, gsub, match = string.char, string.gmatch, string.gsub, string.match
local tonumber = tonumber

local query_string = {}

--- Undoes percent-encoding.
-- @tparam string text
-- @treturn string
function query_string.decode(text)
  return (gsub(text, "%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end))
end

local function decode_form(text) return query_string.decode(gsub(text, "+", " ")) end

--- Parses a query string or a form. A name may occur several times, and a list may be written as `ids=a&ids=b`,
-- `ids[]=a` or `ids[0]=a`: it is not known which of these forms the live API accepts, so all are accepted.
-- @tparam ?string text without the question mark
-- @treturn table name -> list of values
function query_string.parse(text)
  local query = {}
  for pair in gmatch(text or "", "[^&]+") do
    local name, value = match(pair, "^([^=]*)=?(.*)$")
    name = gsub(decode_form(name), "%[%d*%]$", "")
    query[name] = query[name] or {}
    query[name][#query[name] + 1] = decode_form(value)
  end
  return query
end

return query_string
