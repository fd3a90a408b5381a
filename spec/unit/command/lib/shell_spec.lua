local shell = require "hoopai.command.lib.shell"

describe("the result of a shell command", function()
  it("is its exit status, and raised after Ctrl-C", function()
    assert.are.equal(0, shell.status(os.execute "true"))
    assert.are.equal(3, shell.status(os.execute "exit 3"))
    assert.are.equal(15, shell.status(os.execute "kill -TERM $$"))
    assert.has_error(function() shell.status(os.execute "kill -INT $$") end, "interrupted!")
    assert.has_error(function() shell.status(os.execute "sh -c 'kill -INT $$'; exit $?") end, "interrupted!")
  end)
end)

describe("a word of a shell command", function()
  it("is read unchanged", function()
    for _, word in ipairs { "", "a b", "it's", '$HOME `id` "x" \\', "line\nbreak" } do
      local pipe = assert(io.popen("printf %s " .. shell.quote(word)))
      assert.are.equal(word, pipe:read "a")
      assert(pipe:close())
    end
  end)
end)
