-- Bare cjson.decode of the bodies: the cost of decoding a response in Lua, without HTTP.
local cjson = require "cjson"
require "hoopai" -- for a live heap of the same size, which is what the garbage collector goes by
local bodies = require "spec.bench.support.bodies"
local meter = require "spec.bench.clients.meter"

local work = meter.new(os.clock)
local text = bodies[work.kind]()

for begun in work.more, work do
  local value = cjson.decode(text)
  assert(value.traceId)
  work:took(begun)
end
work:report()
