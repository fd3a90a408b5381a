local screens = require "hoopai.command.lib.screen"

local function new(is_terminal)
  local parts = {}
  local output = {
    write = function(_, ...)
      for _, part in ipairs { ... } do
        parts[#parts + 1] = part
      end
    end,
  }
  return screens.new(output, is_terminal, true), function() return table.concat(parts) end
end

describe("a screen", function()
  it("prints lines without what commands a terminal", function()
    local screen, text = new(false)
    screen:line "a\27[31mb"
    screen:line()
    screen:raw "\27[1mc\n"
    screen:lines { "d", "e" }
    assert.are.equal("a [31mb\n\n\27[1mc\nd\ne\n", text())
  end)

  it("prints documents as they are, but on a terminal without what commands it", function()
    local document = "a\27[31m,\u{9b}2J\r\nb\u{202e}\127c\n\r\n"
    local screen, text = new(false)
    screen:text(document)
    assert.are.equal(document, text())
    screen, text = new(true)
    screen:text(document)
    assert.are.equal("a [31m, 2J\nb  c\n\n", text())
  end)

  it("has styles where it has colours", function()
    local screen, text = new(true)
    screen:line("a", "bold")
    screen.style = function(style, shown) return "<" .. style .. ">" .. shown end
    screen:line("b", "bold")
    assert.are.equal("a\n<bold>b\n", text())
  end)

  it("prints tables as its output wants them", function()
    local columns = { { title = "name", value = "name" }, { title = "n", value = function(row) return row.n * 2 end } }
    local rows = { { name = "x\27y", n = 2 }, { name = "", n = 1 } }
    local screen, text = new(false)
    assert.is_nil(screen.columns)
    screen:table(columns, rows)
    assert.are.equal("x\\x1By\t4\n\t2\n", text())
    screen, text = new(true)
    screen.columns = 40
    screen:table(columns, rows)
    assert.matches("^NAME +N\nx", text())
  end)
end)
