local without_parts = require "hoopai.errors.secret_parts"

describe("hoopai.errors.secret_parts", function()
  local SECRET = "canary-0123456789-abcdefghij"

  it("takes the parts of a secret out of a text, each as a whole", function()
    assert.are.equal("near '***' at 1", without_parts("near '0123456789-abcd' at 1", SECRET))
    assert.are.equal("***", without_parts(SECRET, SECRET))
    assert.are.equal(
      "a *** b *** c",
      without_parts("a " .. SECRET:sub(3, 14) .. " b " .. SECRET:sub(5) .. " c", SECRET)
    )
  end)

  it("leaves what is shorter than twelve bytes, and other texts", function()
    for _, text in ipairs { "", "canary-0123", "no part of it, but long enough", SECRET:sub(1, 11) } do
      assert.are.equal(text, without_parts(text, SECRET))
    end
    assert.are.equal("a text that is long enough", without_parts("a text that is long enough", "short"))
  end)
end)
