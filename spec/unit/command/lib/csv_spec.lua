-- Records as CSV, read back by Python's csv module.

local cjson = require "cjson"
local csv = require "hoopai.command.lib.csv"
local python = require "spec.support.python"

local function read(text) return cjson.decode(python.run("read_csv.py", text)) end

local COLUMNS = {
  { title = "Start", value = "start" },
  { title = "Title, long", value = "title" },
  { title = "Minutes", value = function(row, index) return row.minutes or -index end },
}

describe("a document", function()
  it("has a line of titles and a line per record, each with CRLF", function()
    local rows = { { start = "2026-12-01", title = "Botox", minutes = 30 }, { title = 'say "hi"' } }
    assert.are.equal(
      'Start,"Title, long",Minutes\r\n2026-12-01,Botox,30\r\n,"say ""hi""",-2\r\n',
      csv.document(COLUMNS, rows)
    )
    assert.are.equal('Start,"Title, long",Minutes\r\n', csv.document(COLUMNS, {}))
  end)

  it("is the header and the records, one after the other", function()
    local row = { start = "a", title = "b", minutes = 1 }
    assert.are.equal(csv.document(COLUMNS, { row }), csv.header(COLUMNS) .. csv.record(COLUMNS, row, 1))
  end)

  it("is read back as it was written", function()
    local texts = {
      "plain",
      "",
      " blanks ",
      "comma, semicolon; tab\t",
      'quote "x"',
      '"',
      "line\nbreak",
      "line\r\nbreak",
      "日本語 👩‍👩‍👧",
      "'",
      "a=1",
      "x-y",
      "ends with CR\r",
      "nul \\0",
    } -- stylua: ignore
    local rows, expected = {}, { { "Text", "Again" } }
    for index, text in ipairs(texts) do
      rows[index], expected[index + 1] = { text = text }, { text, text }
    end
    local columns = { { title = "Text", value = "text" }, { title = "Again", value = "text" } }
    assert.are.same(expected, read(csv.document(columns, rows)))
  end)

  it("of one column has no empty lines, which readers skip", function()
    local columns = { { title = "x", value = "x" } }
    assert.are.equal('x\r\n""\r\na\r\n', csv.document(columns, { {}, { x = "a" } }))
    assert.are.same({ { "x" }, { "" }, { "a" } }, read(csv.document(columns, { {}, { x = "a" } })))
  end)
end)

describe("a field", function()
  local function field(value, options) return (csv.line({ value, n = 1 }, options):gsub("\r\n$", "")) end

  it("is a number, a boolean, or empty", function()
    assert.are.equal("-5", field(-5))
    assert.are.equal("12", field(12.0))
    assert.are.equal("-2.5", field(-2.5))
    assert.are.equal("1e+300", field(1e300))
    assert.are.equal("true", field(true))
    assert.are.equal('""', field(nil))
    assert.are.equal('""', field(cjson.null))
  end)

  it("that begins like a formula is made harmless", function()
    for _, text in ipairs { "=1+1", "+49 30 1234", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "-", "--5", "-5-" } do
      assert.are.equal("'" .. text, read(field(text) .. "\r\n")[1][1])
    end
    for _, text in ipairs { "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠x" } do
      assert.are.equal("'" .. text, read(field(text) .. "\r\n")[1][1])
    end
    assert.are.equal([["'=""a"",1"]], field '="a",1')
  end)

  it("that begins otherwise, or is a negative number, is left alone", function()
    for _, text in ipairs { "-5", "-2.50", "-12.", "5", "a=1", "'", "", "…" } do
      assert.are.equal(text, read(field(text) .. "\r\n")[1][1])
    end
  end)

  it("is left alone if programs read the file", function()
    for _, text in ipairs { "=1+1", "+1", "-x", "@x", "\t=1" } do
      assert.are.equal(text, read(field(text, { formulas = "keep" }) .. "\r\n")[1][1])
    end
  end)

  it("of a title is guarded too", function()
    assert.are.equal("'=x\r\n", csv.header { { title = "=x" } })
    assert.are.equal("=x\r\n", csv.header({ { title = "=x" } }, { formulas = "keep" }))
  end)
end)
