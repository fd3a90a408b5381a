-- LuaSocket: http.request and cjson.decode. A new connection for each request, one request at a time.
local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local meter = require "spec.bench.clients.meter"
local socket = require "socket"

local work = meter.new(socket.gettime)

for begun in work.more, work do
  local chunks = {}
  local ok, status = http.request { url = work.url, headers = meter.headers, sink = ltn12.sink.table(chunks) }
  assert(ok and status == 200, status)
  assert(cjson.decode(table.concat(chunks)).traceId)
  work:took(begun)
end
work:report()
