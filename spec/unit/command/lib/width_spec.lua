-- Columns of texts in a terminal.

local width = require "hoopai.command.lib.width"

-- Text -> its columns. Each is one grapheme, but for those with a comment.
local WIDTHS = {
  { "a", 1 },
  { "é", 1 },
  { "e\u{301}", 1 }, -- a combining mark
  { "o\u{308}\u{304}\u{327}", 1 },
  { "日", 2 },
  { "ｶ", 1 }, -- half width
  { "Ａ", 2 }, -- full width
  { "각", 2 },
  { "\u{1100}\u{1161}\u{11A8}", 2 }, -- the same as three letters
  { "नि", 2 }, -- a vowel sign that takes a column
  { "क्", 1 },
  { "§", 1 }, -- ambiguous
  { "…", 1 },
  { "😀", 2 },
  { "❤", 1 },
  { "❤\u{FE0F}", 2 }, -- the emoji of the same character
  { "1\u{FE0F}\u{20E3}", 2 }, -- a keycap
  { "☝\u{1F3FD}", 2 }, -- with a skin tone
  { "👍🏿", 2 },
  { "👩‍👩‍👧‍👦", 2 }, -- four emoji, joined
  { "👩‍❤️‍👨", 2 },
  { "🏳️‍🌈", 2 },
  { "🇩🇪", 2 },
  { "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}", 2 }, -- the flag of England
}

describe("the columns of a text", function()
  it("are those of its graphemes", function()
    for _, case in ipairs(WIDTHS) do
      assert.are.equal(case[2], width.columns(case[1]), case[1])
      assert.are.equal(2 * case[2] + 3, width.columns("a" .. case[1] .. " " .. case[1] .. "b"), case[1])
    end
  end)

  it("of some graphemes are their sum", function()
    assert.are.equal(0, width.columns "")
    assert.are.equal(23, width.columns "日本語 nihongo 👩‍👩‍👧 e\u{301}🇩🇪🇫🇷")
    assert.are.equal(4, width.columns "🇩🇪🇫🇷") -- not one of four letters
    assert.are.equal(3, width.columns "a\u{1F3FD}") -- a skin tone changes no letter
    assert.are.equal(2, width.columns "\u{634}\u{200D}\u{634}") -- a joiner between letters joins no emoji
    assert.are.equal(4, width.columns "日\u{200D}本")
    assert.are.equal(3, width.columns "a\u{200D}😀")
    assert.are.equal(1, width.columns "\u{200D}a")
  end)

  it("of a byte that is no UTF-8 are one", function()
    assert.are.equal(3, width.columns "a\xFFb")
    assert.are.equal(3, width.columns "\xE6\x97x")
  end)
end)

describe("cut", function()
  it("leaves a text that fits", function()
    assert.are.equal("abc", width.cut("abc", 3))
    assert.are.equal("日本語", width.cut("日本語", 6))
    assert.are.equal("", width.cut("", 0))
  end)

  it("puts an ellipsis for the rest", function()
    assert.are.equal("ab…", width.cut("abcd", 3))
    assert.are.equal("日本…", width.cut("日本語", 5))
    assert.are.equal("日…", width.cut("日本語", 4)) -- a column shorter
    assert.are.equal("…", width.cut("日本語", 1))
    assert.are.equal("", width.cut("abc", 0))
    assert.are.equal("", width.cut("abc", -3))
  end)

  it("keeps both ends", function()
    assert.are.equal("abc…xyz", width.cut("abcdefuvwxyz", 7, "middle"))
    assert.are.equal("abc…yz", width.cut("abcdefuvwxyz", 6, "middle"))
    assert.are.equal("a…", width.cut("abcdefuvwxyz", 2, "middle"))
    assert.are.equal("日…本", width.cut("日曜日本", 5, "middle"))
    assert.are.equal("…", width.cut("日曜日本", 2, "middle"))
  end)

  it("never cuts inside a grapheme, and never gives a wider text", function()
    for _, case in ipairs(WIDTHS) do
      local text = "ab" .. case[1] .. case[1] .. "yz"
      for columns = 0, width.columns(text) + 1 do
        for _, where in ipairs { "end", "middle" } do
          local short = width.cut(text, columns, where)
          assert.is_true(width.columns(short) <= columns, short)
          -- Without whole graphemes and the letters there is nothing but the ellipsis.
          local rest = short:gsub(case[1], ""):gsub("…", "~")
          assert.is_truthy(rest:find "^a?b?~?y?z?$", short)
        end
      end
    end
  end)
end)

describe("take", function()
  it("returns the beginning, its columns, and where the rest begins", function()
    assert.are.same({ "ab", 2, 3 }, { width.take("abc", 2) })
    assert.are.same({ "日", 2, 4 }, { width.take("日本", 3) })
    assert.are.same({ "", 0, 1 }, { width.take("日本", 1) })
    assert.are.same({ "日本", 4, 7 }, { width.take("日本", 9) })
    assert.are.same({ "", 0, 1 }, { width.take("abc", -1) })
  end)
end)

describe("pad", function()
  it("fills up to columns, not to bytes or characters", function()
    assert.are.equal("日本  |", width.pad("日本", 6) .. "|")
    assert.are.equal("  日本|", width.pad("日本", 6, "right") .. "|")
    assert.are.equal(" é ", width.pad("e\u{301}", 3, "center"):gsub("e\u{301}", "é"))
    assert.are.equal("👩‍👩‍👧 |", width.pad("👩‍👩‍👧", 3) .. "|")
    assert.are.equal("abc", width.pad("abc", 2))
  end)
end)

describe("wrap", function()
  it("breaks at blanks, and within words that are too long", function()
    assert.are.same({ "the quick", "brown fox" }, width.wrap("the quick brown fox", 10))
    assert.are.same({ "the quick", "brown fox" }, width.wrap("the quick  brown fox", 9))
    assert.are.same({ "abcd", "efgh", "ij k" }, width.wrap("abcdefghij k", 4))
    assert.are.same({ "日本", "語 a" }, width.wrap("日本語 a", 5))
  end)

  it("keeps the lines of the text, and cleans them", function()
    assert.are.same({ "a", "", "b\\x1B[2J", "c" }, width.wrap("a\r\n\nb\27[2J\rc", 20))
    assert.are.same({ "" }, width.wrap("", 20))
  end)

  it("ends with a column for a wide character", function()
    assert.are.same({ "日", "本" }, width.wrap("日本", 1))
    assert.are.same({ "a", "b" }, width.wrap("ab", 0))
  end)
end)

describe("clean", function()
  it("leaves what can be printed", function()
    local text = "Zoë 日本語 👩‍👩‍👧 نص \u{200F}e\u{301}~"
    assert.are.equal(text, width.clean(text))
  end)

  it("makes control characters visible", function()
    assert.are.equal("a\\x1B[31mb\\x00\\x07\\x7Fc\\x0D", width.clean "a\27[31mb\0\7\127c\r")
    assert.are.equal("\\u{9B}31m\\u{80}\\u{9F}", width.clean "\u{9B}31m\u{80}\u{9F}")
    assert.are.equal("one↵two↵three four", width.clean "one\ntwo\r\nthree\tfour")
  end)

  it("makes changes of direction and invisible characters visible", function()
    for code = 0x202A, 0x202E do
      assert.are.equal(("a\\u{%X}b"):format(code), width.clean("a" .. utf8.char(code) .. "b"))
    end
    for _, code in ipairs { 0x200B, 0x2028, 0x2029, 0x2060, 0x2066, 0x2069, 0xFEFF, 0xFFF9 } do
      assert.are.equal(("a\\u{%X}b"):format(code), width.clean("a" .. utf8.char(code) .. "b"))
    end
  end)

  it("makes bytes that are no UTF-8 visible", function()
    assert.are.equal("a\\xFFb", width.clean "a\xFFb")
    assert.are.equal("\\xE6\\x97", width.clean "\xE6\x97")
    assert.are.equal("\\xC0\\x9B", width.clean "\xC0\x9B") -- an overlong escape character
    assert.are.equal("\\xED\\xA0\\x80é", width.clean "\xED\xA0\x80é") -- a surrogate
    assert.are.equal("\\xC2é", width.clean "\xC2é")
  end)

  it("returns text without any byte that commands a terminal, whatever is given", function()
    local bytes = {}
    for byte = 0, 255 do
      bytes[#bytes + 1] = string.char(byte)
    end
    for _, text in ipairs { table.concat(bytes), table.concat(bytes):reverse(), table.concat(bytes, "\xC2") } do
      local clean = width.clean(text)
      assert.is_truthy(utf8.len(clean))
      assert.is_nil(clean:find "[%z\1-\31\127]")
      assert.is_nil(clean:find "\xC2[\x80-\x9F]")
    end
  end)
end)
