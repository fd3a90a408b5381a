-- lua-http on kept connections, one for each of those that run at the same time, and cjson.decode.
local cjson = require "cjson"
local client = require "http.client"
local cqueues = require "cqueues"
local meter = require "spec.bench.clients.meter"
local new_headers = require("http.headers").new

local work = meter.new(cqueues.monotime)
local host, port, path = work.url:match("^http://([%d.]+):(%d+)(/.*)$")

local function request_headers()
  local headers = new_headers()
  headers:append(":method", "GET")
  headers:append(":scheme", "http")
  headers:append(":authority", host .. ":" .. port)
  headers:append(":path", path)
  for name, value in pairs(meter.headers) do
    headers:append(name, value)
  end
  return headers
end

local function worker()
  local connection = assert(client.connect { host = host, port = tonumber(port), tls = false })
  local headers = request_headers()
  for begun in work.more, work do
    local stream = assert(connection:new_stream())
    assert(stream:write_headers(headers, true))
    assert(assert(stream:get_headers()):get(":status") == "200")
    local body = assert(stream:get_body_as_string())
    stream:shutdown()
    assert(cjson.decode(body).traceId)
    work:took(begun)
  end
end

local loop = cqueues.new()
for _ = 1, work.concurrency do
  loop:wrap(worker)
end
assert(loop:loop())
work:report()
