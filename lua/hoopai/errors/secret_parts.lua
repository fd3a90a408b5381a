--- Takes parts of secrets out of texts: a server may quote some bytes of the command that it refuses.
local concat, find, sub = table.concat, string.find, string.sub

local SHORTEST_PART = 12 -- bytes

--- A text with `***` for each part of a secret that has 12 bytes or more.
-- @tparam string text
-- @tparam string secret
-- @treturn string
local function without_parts(text, secret)
  local out, from, at = {}, 1, 1
  while at + SHORTEST_PART - 1 <= #text do
    local stop = at + SHORTEST_PART - 1
    if find(secret, sub(text, at, stop), 1, true) then
      while stop < #text and find(secret, sub(text, at, stop + 1), 1, true) do
        stop = stop + 1
      end
      out[#out + 1] = sub(text, from, at - 1) .. "***"
      from, at = stop + 1, stop + 1
    else
      at = at + 1
    end
  end
  return concat(out) .. sub(text, from)
end

return without_parts
