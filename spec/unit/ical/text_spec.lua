-- hoopai.ical.text: escaping and folding.

local text = require "hoopai.ical.text"

local BAD = "\u{FFFD}"

describe("escaping", function()
  for _, case in ipairs {
    { "", "" },
    { "Haircut", "Haircut" },
    { "a;b,c\\d:e\"f'", "a\\;b\\,c\\\\d:e\"f'" },
    { "C:\\new", "C:\\\\new" },
    { "a\nb\r\nc\rd", "a\\nb\\nc\\nd" },
    { "a\n\nb\r\n\r\nc", "a\\n\\nb\\n\\nc" },
    { "a\u{85}b\u{2028}c\u{2029}d", "a\\nb\\nc\\nd" },
    { "a\0b\1c\27[31md\127e\u{9B}f\u{80}g", "abc[31mdefg" },
    { "a\tb", "a\tb" },
    { "a\vb\fc", "abc" },
    { "Zoë 😀 e\u{301} \u{FEFF}", "Zoë 😀 e\u{301} \u{FEFF}" },
    { "a\xFFb", "a" .. BAD .. "b" },
    { "\xFF\xFE", BAD .. BAD },
    { "a\xE2\x82", "a" .. BAD .. BAD },
    { "\x80a\xC0\x8A", BAD .. "a" .. BAD .. BAD },
    { "\xED\xA0\x80", BAD .. BAD .. BAD }, -- a surrogate
    { "\xF4\x90\x80\x80", BAD .. BAD .. BAD .. BAD }, -- beyond Unicode
    { "BEGIN:VEVENT\r\nEND:VEVENT", "BEGIN:VEVENT\\nEND:VEVENT" },
  } do
    it(("%q"):format(case[1]):gsub("\n", "n"), function() assert.are.equal(case[2], text.escape(case[1])) end)
  end
end)

describe("control characters", function()
  it("are left out, but for tabs and line breaks", function()
    local all = {}
    for code = 0, 0x9F do
      if code < 32 or code > 126 then all[#all + 1] = utf8.char(code) end
    end
    -- CR is followed by SO, so that it is a line break of its own.
    assert.are.equal("\t\\n\\n\\n", text.escape(table.concat(all)))
  end)
end)

describe("folding", function()
  it("leaves lines of up to 75 bytes as they are", function()
    for _, line in ipairs { "", "SUMMARY:x", ("x"):rep(75), ("x"):rep(73) .. "é" } do
      assert.are.equal(line, text.fold(line))
    end
  end)

  it("cuts after 75 bytes, and after 74 more", function()
    assert.are.equal(("x"):rep(75) .. "\r\n y", text.fold(("x"):rep(75) .. "y"))
    assert.are.equal(
      ("x"):rep(75) .. "\r\n " .. ("y"):rep(74) .. "\r\n z",
      text.fold(("x"):rep(75) .. ("y"):rep(74) .. "z")
    )
  end)

  it("keeps the spaces and tabs of the line", function()
    local line = ("x"):rep(75) .. "  y\t" .. (" "):rep(100)
    assert.are.equal(line, (text.fold(line):gsub("\r\n ", "")))
  end)

  it("cuts no character, wherever it falls", function()
    for _, character in ipairs { "é", "€", "😀" } do
      for before = 60, 160 do
        local line = ("x"):rep(before) .. character:rep(40)
        local folded = text.fold(line)
        assert.are.equal(line, (folded:gsub("\r\n ", "")))
        for piece in (folded .. "\r\n"):gmatch "(.-)\r\n" do
          assert.is_true(#piece <= 75 and #piece > 0)
          assert.is_truthy(utf8.len(piece))
        end
      end
    end
  end)
end)
