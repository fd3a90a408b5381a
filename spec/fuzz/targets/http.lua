--- Requests of HTTP/1.1 as `hoopai webhooks listen` reads them: each is read or refused, and what is forwarded is read
-- as the same. The first byte says in which pieces the bytes arrive.

local http = require "hoopai.command.lib.http"

local MOST = 2000

local function source_of(bytes, size)
  local at = 1
  return {
    text = "",
    more = function()
      local piece = bytes:sub(at, at + size - 1)
      at = at + size
      if piece == "" then return nil, "closed" end
      return piece
    end,
    go_on = function() end,
  }
end

local function same_fields(one, other)
  for name in pairs { ["x-ghl-signature"] = true, a = true } do
    local left, right = http.values(one, name), http.values(other, name)
    assert(table.concat(left, "\n") == table.concat(right, "\n") and #left == #right, "other fields")
  end
end

return function(bytes)
  local text, size = bytes:sub(2), ((bytes:byte(1) or 0) % 64 + 1)
  local request, status = http.read_request(source_of(text, size), MOST)
  local whole, other = http.read_request(source_of(text, #text + 1), MOST)
  assert((request == nil) == (whole == nil) and status == other, "another outcome in other pieces")
  http.read_status(source_of(text, size))
  if not request then
    assert(status >= 400 and status <= 501, "a refusal without a status")
    return
  end
  assert(request.body == whole.body and #request.body <= MOST, "another body in other pieces")
  local forwarded = http.forwarded(request, { authority = "a:1", target = "/b" })
  local again = assert(http.read_request(source_of(forwarded, 4000), MOST), "what is forwarded cannot be read")
  assert(again.body == request.body and again.method == "POST" and again.target == "/b", "another request")
  same_fields(request, again)
end
