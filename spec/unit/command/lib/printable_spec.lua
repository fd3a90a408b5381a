local printable = require "hoopai.command.lib.printable"

describe("printable", function()
  it("leaves texts as they are", function()
    for _, text in ipairs { "", "Adele Laurent", "日本語 é 👩‍⚕️", "a\xffb" } do
      assert.are.equal(text, printable(text))
    end
  end)

  it("replaces what commands a terminal", function()
    assert.are.equal(" [31mred", printable "\27[31mred")
    assert.are.equal("a b c d", printable "a\nb\tc\0d")
    assert.are.equal("a b", printable "a\xc2\x9bb") -- CSI of one character
    assert.are.equal("a b c", printable "a\xe2\x80\xaeb\xe2\x81\xa6c") -- U+202E, U+2066
    assert.are.equal("a b", printable "a\u{61c}b")
    assert.are.equal("x ", printable "x\127")
  end)
end)
