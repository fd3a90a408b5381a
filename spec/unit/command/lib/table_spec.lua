-- Records as a table.

local text_table = require "hoopai.command.lib.table"
local width = require "hoopai.command.lib.width"

local COLUMNS = {
  { title = "Calendar", value = "name", weight = 3 },
  { title = "Id", value = "id", cut = "middle" },
  {
    title = "Length",
    value = function(row) return row.minutes and row.minutes .. " min" end,
    align = "right",
    cut = "never",
    weight = 2,
  },
  { title = "Team", value = "team", weight = 2 },
}

local ROWS = {
  { name = "Botox", id = "cal0123456789abcdefgh", minutes = 30, team = "Dr. Lee, Anna Berg, Zoe\u{308}" },
  { name = "日本語のカレンダー 👩‍👩‍👧", id = "x", minutes = 120, team = "\27[31mevil\nline\t" },
  { name = "A calendar whose name is long", id = "cal9876543210abcdefgh" },
}

local function lines(text)
  local list = {}
  for line in text:gmatch "([^\n]*)\n" do
    list[#list + 1] = line:gsub("ë", "e\u{308}") -- as it is in the record
  end
  return list
end

describe("a table", function()
  it(
    "of 80 columns",
    function()
      assert.are.same(
        lines [[
CALENDAR                       ID                LENGTH  TEAM
Botox                          cal0123…bcdefgh   30 min  Dr. Lee, Anna Berg, Zoë
日本語のカレンダー 👩‍👩‍👧          x                120 min  \x1B[31mevil↵line
A calendar whose name is long  cal9876…bcdefgh
]],
        (text_table.format(COLUMNS, ROWS, 80))
      )
    end
  )

  it(
    "of 40 columns",
    function()
      assert.are.same(
        lines [[
CALENDAR     ID        LENGTH  TEAM
Botox        cal…fgh   30 min  Dr. Lee,…
日本語のカ…  x        120 min  \x1B[31m…
A calendar…  cal…fgh
]],
        (text_table.format(COLUMNS, ROWS, 40))
      )
    end
  )

  it("of 200 columns is as wide as its content", function()
    local table_200 = text_table.format(COLUMNS, ROWS, 200)
    assert.are.same(
      lines [[
CALENDAR                       ID                      LENGTH  TEAM
Botox                          cal0123456789abcdefgh   30 min  Dr. Lee, Anna Berg, Zoë
日本語のカレンダー 👩‍👩‍👧          x                      120 min  \x1B[31mevil↵line
A calendar whose name is long  cal9876543210abcdefgh
]],
      table_200
    )
  end)

  it("leaves out the columns of least weight, and names them", function()
    local made, left_out = text_table.format(COLUMNS, ROWS, 22)
    assert.are.same({ "Id", "Team" }, left_out)
    assert.are.same(
      lines [[
CALENDAR        LENGTH
Botox           30 min
日本語のカレ…  120 min
A calendar w…
(too narrow for: Id,
Team)
]],
      made
    )
  end)

  it("is never wider than the terminal", function()
    for columns = 1, 90 do
      for _, line in ipairs((text_table.format(COLUMNS, ROWS, columns))) do
        assert.is_true(width.columns(line) <= columns, columns .. ": " .. line)
      end
    end
  end)

  it("cuts even what must not be cut when nothing else is there", function()
    local columns = { { title = "Id", value = "id", cut = "never" } }
    assert.are.same({ "ID", "cal01…" }, (text_table.format(columns, { ROWS[1] }, 6)))
  end)

  it(
    "without a terminal has a complete record per line, for cut and read",
    function()
      assert.are.same({
        "Botox\tcal0123456789abcdefgh\t30 min\tDr. Lee, Anna Berg, Zoe\u{308}",
        "日本語のカレンダー 👩‍👩‍👧\tx\t120 min\t\\x1B[31mevil↵line ",
        "A calendar whose name is long\tcal9876543210abcdefgh\t\t",
      }, (text_table.format(COLUMNS, ROWS)))
    end
  )

  it("of no records has no lines", function()
    assert.are.same({}, (text_table.format(COLUMNS, {}, 80)))
    assert.are.same({}, (text_table.format(COLUMNS, {})))
  end)

  it("gives more of the room to a column of more weight", function()
    local function sizes(first, second)
      local columns = { { title = "a", value = 1, weight = first }, { title = "b", value = 2, weight = second } }
      local line = text_table.format(columns, { { ("x"):rep(99), ("y"):rep(99) } }, 42)[2]
      return width.columns(line:match "^[x…]+"), width.columns(line:match "[y…]+$")
    end
    assert.are.same({ 20, 20 }, { sizes(1, 1) })
    assert.are.same({ 27, 13 }, { sizes(3, 1) })
  end)

  it("has styles outside of its measures", function()
    local function style(name, text) return "<" .. name .. ">" .. text .. "</>" end
    local columns = {
      { title = "Name", value = "name", style = "dim" },
      { title = "Status", value = "status", style = function(row) return row.status == "on" and "green" or nil end },
    }
    local rows = { { name = "a", status = "on" }, { name = "日本", status = "off" } }
    assert.are.same({
      "<bold>NAME</>  <bold>STATUS</>",
      "<dim>a   </>  <green>on</>",
      "<dim>日本</>  off",
    }, (text_table.format(columns, rows, 80, style)))
  end)
end)

describe("a cell", function()
  it("shows numbers, booleans and nothing", function()
    assert.are.equal("3", text_table.cell(3))
    assert.are.equal("3", text_table.cell(3.0))
    assert.are.equal("2.5", text_table.cell(2.5))
    assert.are.equal("true", text_table.cell(true))
    assert.are.equal("", text_table.cell(nil))
    assert.are.equal("", text_table.cell(require("cjson").null))
  end)

  it("has the number of its record, if it asks", function()
    local columns = { { title = "n", value = function(row, index) return index .. row.x end } }
    assert.are.same({ "1a", "2b" }, (text_table.format(columns, { { x = "a" }, { x = "b" } })))
  end)
end)
