local failure = require "hoopai.command.lib.failure"
local output = require "hoopai.command.lib.output"

describe("output", function()
  it("writes", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    local out = output.new(file)
    out:write("a", "b")
    out:finish()
    local written = assert(io.open(path)):read "a"
    file:close()
    os.remove(path)
    assert.are.equal("ab", written)
  end)

  it("fails where nothing can be written", function()
    local full =
      { write = function(self) return self end, flush = function() return nil, "No space left on device" end }
    local out = output.new(full)
    out:write "a"
    local ok, problem = pcall(out.finish, out)
    local status, message = failure.explain(problem)
    assert.is_false(ok)
    assert.are.equal(1, status)
    assert.are.equal("output: the standard output cannot be written: No space left on device", message)
  end)

  it("ends without a message where nothing reads", function()
    local out = output.new { write = function() return nil, "Broken pipe", 32 end }
    local ok, problem = pcall(out.write, out, "a")
    assert.is_false(ok)
    assert.are.same({ 141 }, { failure.explain(problem) })
  end)
end)
