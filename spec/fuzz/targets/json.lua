--- JSON: what can be read is written, and read again as the same. The first byte says which names keep their null.

local core = require "hoopai.core"
local oracle = require "spec.fuzz.oracle"

return function(bytes)
  local keep = (bytes:byte(1) or 0) % 2 == 1 and { a = true, availabilityType = true } or nil
  local text = bytes:sub(2)
  local value, problem = core.decode(text, keep)
  if value == nil then
    assert(type(problem) == "string", "no problem")
    return
  end
  local written, why = core.encode(value)
  if not written then
    -- Strings pass as they are, and numbers beyond the range of a float come as infinite.
    assert(why:find("UTF-8", 1, true) or why:find("infinite", 1, true), why)
    return
  end
  local again = core.decode(written, keep)
  assert(oracle.same(value, again), "another value after writing and reading")
  assert(core.encode(again) == written or written:find("[]", 1, true), "another text for the same value")
end
