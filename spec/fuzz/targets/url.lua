--- Ids, queries and base addresses: whatever they are, a request goes to the host and below the path that was meant.
-- The input is split at its NUL bytes into ids and query values; the first byte says which parser it is for.

local core = require "hoopai.core"
local oracle = require "spec.fuzz.oracle"

local BASE = "https://api.example.com/prefix"

--- scheme, host, path and query of an address, by the letter of RFC 3986, appendix B.
local function split(url) return url:match("^([^:/?#]+)://([^/?#]*)([^?#]*)%??([^#]*)#?(.*)$") end

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

--- Is an id one segment of a path for every server, however often the path is decoded?
local function check_segment(id)
  local before
  repeat
    assert(not id:find("[/\\]"), "a separator in an id")
    assert(not id:find("^%.+$") and not id:find("^%.+[;?#]"), "an id of dots")
    before, id = id, unescape(id)
  until id == before
end

local function check_path(parts)
  local first, second = parts[1] or "", parts[2] or ""
  local path, problem, position = core.path("/calendars/{a}/notes/{b}", first, second)
  if not path then
    assert(type(problem) == "string" and (position == 1 or position == 2), "a refusal without reason or place")
    return
  end
  check_segment(first)
  check_segment(second)
  local query = core.query { "q", first, second, parts[3] or "" }
  local scheme, host, whole, sent, fragment = split(BASE .. path .. "?" .. query)
  assert(scheme == "https" and host == "api.example.com" and fragment == "", "another host")
  local a, b = whole:match("^/prefix/calendars/([^/]+)/notes/([^/]+)$")
  assert(a and a ~= "." and a ~= ".." and b ~= "." and b ~= "..", "another path: " .. whole)
  assert(unescape(a) == first and unescape(b) == second, "another id")
  assert(not (path .. query):find("[^%w%-._~/=&%%]"), "a byte that has a meaning of its own")
  assert(unescape(sent:match("^q=([^&]*)&")) == first, "another query")
end

local function check_base(text)
  local base, problem = core.base_url(text)
  if not base then return assert(type(problem) == "string") end
  local scheme, host, path, query, fragment = split(base)
  assert(scheme == "https" or scheme == "http", "another scheme")
  assert(host ~= "" and not host:find("[@%s%c]"), "a host that is none")
  assert(query == "" and fragment == "" and not path:find("/$"), "more than a prefix")
  if scheme == "http" then
    local name = host:gsub(":%d+$", "")
    assert(name == "localhost" or name == "[::1]" or name:find("^127%.%d+%.%d+%.%d+$"), "http to " .. host)
  end
  assert(core.base_url(base) == base, "not canonical: " .. base)
end

return function(bytes)
  local text = bytes:sub(2)
  if (bytes:byte(1) or 0) % 2 == 1 then return check_base(text) end
  local parts = {}
  for part in (text .. "\0"):gmatch("(%Z*)\0") do
    parts[#parts + 1] = part
  end
  oracle.guarded(check_path, parts)
  check_path(parts)
end
