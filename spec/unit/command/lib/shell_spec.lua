local shell = require "hoopai.command.lib.shell"

describe("a word of a shell command", function()
  it("is read unchanged", function()
    for _, word in ipairs { "", "a b", "it's", '$HOME `id` "x" \\', "line\nbreak" } do
      local pipe = assert(io.popen("printf %s " .. shell.quote(word)))
      assert.are.equal(word, pipe:read "a")
      assert(pipe:close())
    end
  end)
end)
