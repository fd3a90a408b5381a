local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json_text = require "hoopai.validate.json_text"

describe("hoopai.encode", function()
  it("writes JSON as the library sends it", function()
    local instant = hoopai.time.parse "2026-12-01T09:30:00+01:00"
    local value = { b = { 1, 2.5, true }, a = hoopai.null, c = hoopai.array {}, d = {}, e = instant, f = 1 << 52 }
    assert.are.equal(
      '{"a":null,"b":[1,2.5,true],"c":[],"d":{},"e":"2026-12-01T09:30:00+01:00","f":4503599627370496}',
      hoopai.encode(value)
    )
    for text, scalar in pairs { ['"x"'] = "x", ["1"] = 1, ["false"] = false, ["null"] = hoopai.null } do
      assert.are.equal(text, hoopai.encode(scalar))
    end
  end)

  it("gives each value a line of its own, if it is to be indented", function()
    local value = { a = { 1, { b = 'x,[]{}:"\\' } }, c = hoopai.array {}, d = {} }
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
}]],
      hoopai.encode(value, { indent = true })
    )
    assert.are.equal("[]", hoopai.encode(hoopai.array {}, { indent = true }))
    assert.are.equal('"x"', hoopai.encode("x", { indent = true }))
    assert.are.equal("[1]", hoopai.encode({ 1 }, { indent = false }))
    assert.are.equal("[1]", hoopai.encode({ 1 }, {}))
    expect.misuse(
      function() hoopai.encode({}, true) end,
      "hoopai.encode expects a table of options as argument 2, got b"
    )
    expect.misuse(function() hoopai.encode({}, { indent = 2 }) end, "option `indent` of hoopai.encode must be true or")
    expect.misuse(function() hoopai.encode({}, { pretty = true }) end, 'the option `indent` alone; "pretty" is unknown')
  end)

  it("names what JSON cannot express", function()
    local cycle = {}
    cycle.self = cycle
    for _, value in ipairs { 0 / 0, print, "\xff", cycle, { [1.5] = 1 } } do
      local text, err = hoopai.encode(value)
      assert.is_nil(text)
      assert.are.equal("invalid_request", err.kind)
      assert.matches("^hoopai.encode", err.message)
    end
    local _, err = hoopai.encode(nil)
    assert.are.equal("invalid_request", err.kind)
    _, err = hoopai.encode { a = { "\xff" } }
    assert.are.equal("a[1]", err.details[1].path)
    assert.are.equal("no", err.applied)
  end)
end)

describe("hoopai.decode", function()
  it("reads what encode wrote, empty lists and null too", function()
    for _, text in ipairs {
      '{"a":null,"b":[1,[],{}],"c":[],"d":{"e":[]}}',
      "[]",
      "{}",
      "3",
      "null",
      '["[]","\\"[]\\\\",[]]',
      '{"[]":[[],[]]}',
    } do
      assert.are.equal(text, hoopai.encode(assert(hoopai.decode(text))))
    end
    assert.are.equal('[[],"x"]', hoopai.encode(hoopai.decode ' [ [ \n ] , "x" ] '))
    assert.are.equal(hoopai.null, hoopai.decode('{"a":null}').a)
    assert.are.equal("integer", math.type(hoopai.decode("[3.0]")[1]))
  end)

  it("returns an error for what is no JSON", function()
    for _, text in ipairs { "", "{", "nul", "[1,]", '"' } do
      local value, err = hoopai.decode(text)
      assert.is_nil(value)
      assert.are.equal("decode", err.kind)
    end
    expect.misuse(function() hoopai.decode(3) end, "hoopai.decode expects a string, got number")
  end)
end)

describe("mark_lists", function()
  it("marks nothing but empty lists", function()
    local text = '{"a":{},"b":[],"c":[1],"d":"[]","e":null}'
    local value = core.decode(text)
    json_text.mark_lists(value, text)
    assert.are.equal('{"a":{},"b":[],"c":[1],"d":"[]"}', core.encode(value))
  end)
end)
