--- A text as part of one line: without the characters that command a terminal. Texts of the API are data.
local gsub = string.gsub

--- Replaces control characters, those beyond ASCII (U+0080 to U+009F) and the marks of direction by spaces.
-- @tparam string text
-- @treturn string
local function printable(text)
  text = gsub(text, "[%z\1-\31\127]", " ")
  text = gsub(text, "\xc2[\x80-\x9f]", " ")
  text = gsub(text, "\xd8\x9c", " ")
  text = gsub(text, "\xe2\x80[\x8e\x8f\xa8-\xae]", " ")
  return (gsub(text, "\xe2\x81[\xa6-\xa9]", " "))
end

return printable
