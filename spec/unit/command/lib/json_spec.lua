local hoopai = require "hoopai"
local json = require "hoopai.command.lib.json"

local function lines(document)
  local list = {}
  for line in json.lines(document) do
    list[#list + 1] = line
  end
  return list
end

describe("the JSON of the command", function()
  it("is indented", function()
    local document = { a = { 1, { b = 'x,[]{}:"\\' } }, c = hoopai.array {}, d = {} }
    assert.are.equal(
      [[
{
  "a": [
    1,
    {
      "b": "x,[]{}:\"\\"
    }
  ],
  "c": [],
  "d": {}
}
]],
      json.document(document)
    )
    assert.are.equal("[]\n", json.document(hoopai.array {}))
    assert.are.equal('"x"\n', json.document "x")
  end)

  it("has escapes for what commands a terminal beyond ASCII", function()
    local text = "a\127b\u{80}c\u{9b}31md\u{9f}\u{61c}\u{200e}\u{202e}\u{2066}\u{2069}\u{2028}\u{2029}"
    local document = { [text] = text }
    local escaped = '"a\\u007fb\\u0080c\\u009b31md\\u009f\\u061c\\u200e\\u202e\\u2066\\u2069\\u2028\\u2029"'
    assert.are.equal(("{\n  %s: %s\n}\n"):format(escaped, escaped), json.document(document))
    assert.are.same({ ("{%s:%s}\n"):format(escaped, escaped) }, lines { document })
    assert.are.same(document, hoopai.decode(json.document(document)))
    local plain = "\u{a0}é山👩‍⚕️\u{200b}"
    assert.are.equal('"' .. plain .. '"\n', json.document(plain))
  end)

  it("has a line per entry of a list", function()
    assert.are.same({ '{"a":1}\n', '{"b":2}\n' }, lines { { a = 1 }, { b = 2 } })
    assert.are.same({ '{"a":1}\n' }, lines { a = 1 })
    assert.are.same({}, lines(hoopai.array {}))
    assert.are.same({ "{}\n" }, lines {})
    assert.are.same({ "3\n" }, lines(3))
  end)

  it("raises what JSON cannot express", function()
    local ok, err = pcall(json.document, { a = 0 / 0 })
    assert.is_false(ok)
    assert.are.equal("invalid_request", err.kind)
  end)
end)
