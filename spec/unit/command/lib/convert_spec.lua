local convert = require "hoopai.command.lib.convert"

local function refused(name, word)
  local value, problem = convert[name](word)
  assert.is_nil(value, word)
  assert.matches("^expects a ", problem)
end

describe("convert", function()
  it("count takes whole numbers of at least 1", function()
    assert.are.equal(1, convert.count "1")
    assert.are.equal(14, convert.count "014")
    for _, word in ipairs { "0", "-1", "1.5", "", "x", "1e3", "99999999999999999999" } do
      refused("count", word)
    end
  end)

  it("port takes the numbers of ports", function()
    assert.are.equal(1, convert.port "1")
    assert.are.equal(65535, convert.port "65535")
    for _, word in ipairs { "0", "65536", "99999", "-1", "http", "" } do
      refused("port", word)
    end
  end)

  it("reference takes what a booking may have", function()
    for _, word in ipairs { "order-17", ("é"):rep(8), ("x"):rep(200) } do
      assert.are.equal(word, convert.reference(word))
    end
    for _, word in ipairs { "", "short", ("x"):rep(201), ("\xff"):rep(9) } do
      refused("reference", word)
    end
  end)

  it("days takes a number that is no slip of the keyboard", function()
    assert.are.equal(1, convert.days "1")
    assert.are.equal(36525, convert.days "36525")
    for _, word in ipairs { "0", "36526", "99999999", "9223372036854775807", "-1", "1.5", "x", "" } do
      refused("days", word)
    end
  end)

  it("seconds takes a number and a unit", function()
    assert.are.equal(90, convert.seconds "90s")
    assert.are.equal(1800, convert.seconds "30m")
    assert.are.equal(7200, convert.seconds "2h")
    assert.are.equal(86400, convert.seconds "1d")
    for _, word in ipairs { "30", "m", "1.5h", "-1m", "1w", "99999999999999999999s", "" } do
      refused("seconds", word)
    end
  end)

  it("word takes what is not empty", function()
    assert.are.equal("a b", convert.word "a b")
    refused("word", "")
    refused("word", " ")
  end)

  it("profile takes the name of a file", function()
    for _, word in ipairs { "clinic", "clinic-2.old", "_x", ("x"):rep(58) } do
      assert.are.equal(word, convert.profile(word))
    end
    for _, word in ipairs { "", ".", "..", ".x", "a/b", "a b", "-x", ("x"):rep(59) } do
      refused("profile", word)
    end
  end)
end)
