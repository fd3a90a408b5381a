-- Texts that can be shown: without commands for a terminal, in one line, and of a bounded length.

local printable = require "hoopai.errors.printable"

describe("hoopai.errors.printable:", function()
  describe("line", function()
    it("leaves other texts as they are", function()
      for _, text in ipairs {
        "",
        "a b",
        "Zoë 漢字 \u{1F600}\u{1F468}\u{200D}\u{1F469}",
        "עברית",
        "a\\nb \\xC2",
        "~!@",
      } do
        assert.are.equal(text, printable.line(text, 100))
      end
    end)

    it("has blanks for control characters of ASCII, and escapes for other odd ones", function()
      for code = 0, 0x2100 do
        local char = utf8.char(code)
        local shown = printable.line("a" .. char .. "b", 100)
        if code < 32 or code == 127 then
          assert.are.equal("a b", shown)
        elseif
          code >= 0x80 and code < 0xA0
          or code == 0x61C
          or code == 0x200B
          or code == 0x200E
          or code == 0x200F
          or code >= 0x2028 and code <= 0x202E
          or code >= 0x2060 and code <= 0x206F
        then
          assert.are.equal("a" .. char:gsub(".", function(c) return ("\\x%02X"):format(c:byte()) end) .. "b", shown)
        else
          assert.are.equal("a" .. char .. "b", shown)
        end
      end
      assert.are.equal("\\xEF\\xBB\\xBFa", printable.line("\u{FEFF}a", 100))
    end)

    it("has escapes for bytes that are not UTF-8, and for them alone", function()
      assert.are.equal("\\x9B31m", printable.line("\x9B31m", 100))
      assert.are.equal("ä\\xFF漢\\xC3", printable.line("ä\xFF漢\xC3", 100))
      assert.are.equal("\\xC3 ä", printable.line("\xC3\nä", 100))
      assert.are.equal("\\xED\\xA0\\x80\\xF4\\x90\\x80\\x80", printable.line("\xED\xA0\x80\xF4\x90\x80\x80", 100))
    end)

    it("is cut before a character, with dots, also where escapes make it longer", function()
      assert.are.equal("abcdefghij", printable.line("abcdefghij", 10))
      assert.are.equal("abcdefg...", printable.line("abcdefghijk", 10))
      assert.are.equal("abcdef...", printable.line("abcdefäöü", 10))
      for most = 10, 40 do
        for _, text in ipairs { ("\x9B"):rep(50), ("\u{202E}"):rep(50), ("ä\n"):rep(50), ("\u{1F600}"):rep(50) } do
          local shown = printable.line(text, most)
          assert.is_true(#shown <= most)
          assert.is_truthy(utf8.len(shown))
          assert.are.equal("...", shown:sub(-3))
        end
      end
    end)
  end)

  it("lines keeps lines and tabs", function()
    assert.are.equal("a\n\tb  c \\xC2\\x9B", printable.lines("a\n\tb\r\27c\0\u{9B}", 100))
    assert.are.equal("a\nb\n...", printable.lines("a\nb\nc\nd\ne", 7))
  end)

  it("value is a line of a string, and any other value itself", function()
    local table_value = {}
    assert.are.equal(table_value, printable.value(table_value, 10))
    assert.is_nil(printable.value(nil, 10))
    assert.are.equal("a b", printable.value("a\nb", 10))
  end)

  it("takes a bounded time for a text of any length", function()
    local start = os.clock()
    for _ = 1, 20 do
      printable.line(("\xFF"):rep(8 << 20), 2048)
    end
    assert.is_true(os.clock() - start < 5)
  end)
end)
