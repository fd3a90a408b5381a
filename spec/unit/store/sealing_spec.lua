local expect = require "spec.support.expect"
local sealing = require "hoopai.store.sealing"

local KEY = ("k"):rep(32)

describe("hoopai.store.sealing", function()
  it("gives back what it encrypted, each time in another form", function()
    local seal = sealing.new(KEY)
    local one, two = seal:close("name", "text"), seal:close("name", "text")
    assert.are_not.equal(one, two)
    assert.are.equal("text", seal:open("name", one))
    assert.are.equal("text", seal:open("name", two))
    assert.are.equal("", seal:open("", seal:close("", "")))
  end)

  it("refuses a text with any byte changed, and one of another name or key", function()
    local seal = sealing.new(KEY)
    local text = seal:close("name", "some text")
    for at = 1, #text do
      local changed = text:sub(1, at - 1) .. string.char(text:byte(at) ~ 1) .. text:sub(at + 1)
      local opened, problem = seal:open("name", changed)
      assert.is_nil(opened, at)
      assert.is_string(problem)
    end
    for length = 0, #text - 1 do
      assert.is_nil((seal:open("name", text:sub(1, length))))
    end
    assert.is_nil((seal:open("other", text)))
    assert.is_nil((sealing.new(("x"):rep(32)):open("name", text)))
  end)

  it("passes texts on without a key, but for encrypted ones", function()
    local plain = sealing.new()
    assert.are.equal("text", plain:close("name", "text"))
    assert.are.equal("text", plain:open("name", "text"))
    local opened, problem = plain:open("name", sealing.new(KEY):close("name", "text"))
    assert.is_nil(opened)
    assert.matches("is encrypted", problem)
  end)

  it("says what a key is", function()
    assert.is_nil(sealing.key_problem(KEY))
    for _, wrong in ipairs { "short", KEY .. "k", 5, {} } do
      assert.are.equal("a string of 32 random bytes", sealing.key_problem(wrong))
    end
  end)

  it("raises without hoopai.crypto", function()
    local loaded, preload = package.loaded["hoopai.crypto"], package.preload["hoopai.crypto"]
    package.loaded["hoopai.crypto"] = nil
    package.preload["hoopai.crypto"] = function() error "module 'hoopai.crypto' not found:" end
    local ok = pcall(expect.misuse, function() sealing.new(KEY) end, "`encryption_key` cannot be used")
    package.loaded["hoopai.crypto"], package.preload["hoopai.crypto"] = loaded, preload
    assert.is_true(ok)
  end)
end)
