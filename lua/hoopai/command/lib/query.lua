--- The queries of addresses.
local char, gsub, tonumber = string.char, string.gsub, tonumber

local query = {}

local function character(digits) return char(tonumber(digits, 16)) end

--- A name or a value without its percent-encoding (application/x-www-form-urlencoded: a plus sign is a blank).
-- @tparam string text
-- @treturn string
function query.decode(text) return (gsub(gsub(text, "%+", " "), "%%(%x%x)", character)) end

return query
