--- Messages of HTTP/1.1 (RFC 9112), as far as a receiver of webhooks needs them: a request is read from a source, and
-- written to another server.
--
-- A source has `text` (what was read and not used yet) and a method `more`, which returns further bytes; or nil and a
-- problem ("timeout", "closed").
local find, format, gmatch, lower, match, sub =
  string.find, string.format, string.gmatch, string.lower, string.match, string.sub
local concat, ipairs, max, tonumber = table.concat, ipairs, math.max, tonumber

local http = {}

local MOST_HEAD = 16384 -- bytes of the request line and the headers
local MOST_FIELDS = 100
local MOST_LINE = 1024 -- bytes of the line before a chunk

-- Reading: a function returns nil and a status when it refuses.

local function more(source)
  local bytes, problem = source:more()
  if not bytes then return nil, problem == "timeout" and 408 or 400 end
  source.text = source.text .. bytes
  return true
end

--- Takes the text before a mark, and the mark.
local function read_until(source, mark, most, status)
  local from = 1
  while true do
    local start, stop = find(source.text, mark, from, true)
    if (start or #source.text) > most then return nil, status end
    if start then
      local taken = sub(source.text, 1, start - 1)
      source.text = sub(source.text, stop + 1)
      return taken
    end
    from = max(1, #source.text - #mark + 2)
    local ok, problem = more(source)
    if not ok then return nil, problem end
  end
end

local function read_bytes(source, count)
  local parts, length = { source.text }, #source.text
  while length < count do
    local bytes, problem = source:more()
    if not bytes then return nil, problem == "timeout" and 408 or 400 end
    parts[#parts + 1], length = bytes, length + #bytes
  end
  local all = concat(parts)
  source.text = sub(all, count + 1)
  return sub(all, 1, count)
end

--- A body in chunks (RFC 9112, section 7.1). What is sent around the chunks is bounded as the body is.
local function read_chunks(source, most)
  local parts, length, around = {}, 0, 0
  while true do
    local line, problem = read_until(source, "\r\n", MOST_LINE, 400)
    if not line then return nil, problem end
    local digits = match(line, "^(%x+)[ \t]*$") or match(line, "^(%x+)[ \t]*;")
    if not digits or #digits > 8 then return nil, 400 end
    local size = tonumber(digits, 16)
    if size == 0 then break end
    length, around = length + size, around + #line + 4 -- two line breaks
    if length > most or around > most then return nil, 413 end
    local bytes, unread = read_bytes(source, size + 2)
    if not bytes then return nil, unread end
    if sub(bytes, -2) ~= "\r\n" then return nil, 400 end
    parts[#parts + 1] = sub(bytes, 1, size)
  end
  for _ = 1, MOST_FIELDS do -- trailers
    local line, problem = read_until(source, "\r\n", MOST_LINE, 400)
    if not line then return nil, problem end
    if line == "" then return concat(parts) end
  end
  return nil, 431
end

--- The fields of a head: a list of { name, value }.
local function fields_of(head)
  local fields = {}
  for line in gmatch(head .. "\r\n", "(.-)\r\n") do
    local name, value = match(line, "^([%w!#$%%&'*+%-.^_`|~]+):[ \t]*(.-)[ \t]*$")
    if not name or find(value, "[%z\r\n]") then return nil, 400 end
    if #fields == MOST_FIELDS then return nil, 431 end
    fields[#fields + 1] = { name = name, value = value }
  end
  return fields
end

--- All values of a field.
-- @tparam table request
-- @tparam string name in lower case
-- @treturn table list
function http.values(request, name)
  local values = {}
  for _, field in ipairs(request.fields) do
    if lower(field.name) == name then values[#values + 1] = field.value end
  end
  return values
end

local function read_body(source, request, most)
  local codings, lengths = http.values(request, "transfer-encoding"), http.values(request, "content-length")
  -- Two ways to find the end of a body are two bodies (RFC 9112, section 6.3).
  if #codings > 1 or #lengths > 1 or #codings + #lengths > 1 then return nil, 400 end
  local length = lengths[1]
  if length and not find(length, "^%d+$") then return nil, 400 end
  if codings[1] and lower(codings[1]) ~= "chunked" then return nil, 501 end
  if length and (#length > 15 or tonumber(length) > most) then return nil, 413 end
  if http.values(request, "expect")[1] then source:go_on() end
  if codings[1] then return read_chunks(source, most) end
  return read_bytes(source, tonumber(length or 0))
end

--- Reads a request.
-- @tparam table source with the method `go_on` too, which sends what a client waits for before it sends the body
-- @tparam integer most bytes of the body
-- @treturn[1] table `method`, `target`, `fields` (a list of `name` and `value`) and `body`
-- @treturn[2] nil
-- @treturn[2] integer the status that refuses it
function http.read_request(source, most)
  local head, status = read_until(source, "\r\n\r\n", MOST_HEAD, 431)
  if not head then return nil, status end
  local line, rest = match(head, "^(.-)\r\n(.*)$")
  local method, target = match(line or head, "^(%u+) ([^%s%c]+) HTTP/1%.[01]$")
  if not method then return nil, 400 end
  local request = { method = method, target = target, fields = {} }
  if rest then
    request.fields, status = fields_of(rest)
    if not request.fields then return nil, status end
  end
  request.body, status = read_body(source, request, most)
  if not request.body then return nil, status end
  return request
end

--- Reads the status of a response.
-- @tparam table source
-- @treturn ?integer nil: it is no response
function http.read_status(source)
  for _ = 1, MOST_FIELDS do
    local head = read_until(source, "\r\n\r\n", 4 * MOST_HEAD, 431)
    local status = tonumber(match(head or "", "^HTTP/1%.%d ([2-5]%d%d)%f[%D]"))
    if status then return status end
    if not match(head or "", "^HTTP/1%.%d 1%d%d%f[%D]") then return nil end
  end
end

-- Writing

-- They concern the connection of the sender, and not the one to another server (RFC 9110, section 7.6.1).
local OF_CONNECTION = {
  connection = true,
  ["content-length"] = true,
  expect = true,
  host = true,
  ["keep-alive"] = true,
  ["proxy-connection"] = true,
  te = true,
  trailer = true,
  ["transfer-encoding"] = true,
  upgrade = true,
}

--- The text of a request that has the body and the fields of another one, unchanged.
-- @tparam table request
-- @tparam table place `authority` and `target`
-- @treturn string
function http.forwarded(request, place)
  local lines = { format("POST %s HTTP/1.1", place.target), "Host: " .. place.authority }
  for _, field in ipairs(request.fields) do
    if not OF_CONNECTION[lower(field.name)] then lines[#lines + 1] = field.name .. ": " .. field.value end
  end
  lines[#lines + 1] = "Content-Length: " .. #request.body
  lines[#lines + 1] = "Connection: close\r\n\r\n"
  return concat(lines, "\r\n") .. request.body
end

--- The text of a response.
-- @tparam integer status
-- @treturn string
function http.response(status)
  local body = (status == 204 or status == 304) and "" or "Content-Length: 0\r\n"
  return format("HTTP/1.1 %d \r\n%sConnection: close\r\n\r\n", status, body)
end

--- What a client waits for that sent `Expect: 100-continue`.
http.CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

--- The parts of an address to which webhooks are forwarded.
-- @tparam string url
-- @treturn[1] table `host`, `port`, `authority`, `target`
-- @treturn[2] nil
-- @treturn[2] string
function http.place(url)
  local authority, target = match(url, "^[Hh][Tt][Tt][Pp]://([^/?#]+)([^#]*)$")
  if not authority then
    return nil, "expects an address that begins with http://, such as http://localhost:3000/hook"
  end
  local host, digits = match(authority, "^%[([%x:.]+)%]:?(%d*)$")
  if not host then
    host, digits = match(authority, "^([%w.-]+):?(%d*)$")
  end
  local port = digits == "" and 80 or tonumber(digits)
  if not host or not port or port < 1 or port > 65535 or find(target, "[%s%c]") then
    return nil, 'is no address: "' .. url .. '"'
  end
  if sub(target, 1, 1) ~= "/" then target = "/" .. target end
  return { host = host, port = port, authority = authority, target = target }
end

return http
