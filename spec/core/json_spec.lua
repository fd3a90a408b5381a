local child = require "spec.support.child"
local core = require "hoopai.core"
local core_locale = require "spec.support.core_locale"

local null, array, encode, decode = core.null, core.array, core.encode, core.decode

local function nested(depth, open, close) return open:rep(depth) .. close:rep(depth) end

describe("core.encode", function()
  it("writes scalars", function()
    -- stylua: ignore
    local cases = {
      { true, "true" }, { false, "false" }, { null, "null" }, { "", '""' }, { 0, "0" }, { -1, "-1" },
      { math.maxinteger, "9223372036854775807" }, { math.mininteger, "-9223372036854775808" },
      { 1716230400000, "1716230400000" }, { 9007199254740993, "9007199254740993" },
      { 0.1, "0.1" }, { 1.5, "1.5" }, { -2.25, "-2.25" }, { 5.0, "5" }, { 1e300, "1e+300" }, { 5e-324,
        "4.94065645841247e-324" },
      { 0.1 + 0.2, "0.30000000000000004" }, { 1 / 3, "0.3333333333333333" }, { 2.0 ^ 53, "9007199254740992" },
      { 123456789.125, "123456789.125" }, { -0.0, "-0" },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[2], (encode(case[1])))
    end
  end)

  it("writes floats that read back as the same", function()
    for _ = 1, 5000 do
      local value = string.unpack("d", string.pack("i8", math.random(0)))
      if value == value and value ~= math.huge and value ~= -math.huge then
        assert.are.equal(value, tonumber((encode(value))))
      end
    end
  end)

  it("escapes what must be escaped and nothing else", function()
    assert.are.equal(
      [["\"\\/\b\f\n\r\t\u0000\u001f]] .. '\127é€😀\u{2028}"',
      encode('"\\/\b\f\n\r\t\0\31\127é€😀\u{2028}')
    )
    for byte = 0, 127 do
      assert.are.equal(string.char(byte), decode('["' .. encode(string.char(byte)):sub(2, -2) .. '"]')[1] or "\0")
    end
  end)

  it("refuses what is no UTF-8", function()
    -- stylua: ignore
    local bad = {
      "\128", "\191", "\192\128", "\193\191", "\194", "\224\128\128", "\224\159\191", "\237\160\128", "\237\191\191",
        "\240\128\128\128",
      "\240\143\191\191", "\244\144\128\128", "\245\128\128\128", "\255", "\254", "a\226\130", "\226\130a", "ok\195",
    }
    for _, bytes in ipairs(bad) do
      local text, problem, path = encode { note = { bytes } }
      assert.is_nil(text)
      assert.are.equal("is not valid UTF-8", problem)
      assert.are.equal("note[1]", path)
    end
    assert.are.equal(
      '"\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}"',
      (encode "\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}")
    )
    local text, problem = encode { ["a\255"] = 1 }
    assert.is_nil(text)
    assert.is_truthy(problem:find("name", 1, true))
  end)

  it("writes objects with their names in order, and lists", function()
    assert.are.equal("{}", (encode {}))
    assert.are.equal(
      '{"":0,"a":1,"aa":2,"b":{"x":[1,[2,3],{}]}}',
      (encode { b = { x = { 1, { 2, 3 }, {} } }, a = 1, aa = 2, [""] = 0 })
    )
    assert.are.equal('[null,false,"x"]', (encode { null, false, "x" }))
    local many = {}
    for index = 1, 3000 do
      many[("k%04d"):format(index)] = index
    end
    local text = encode(many)
    assert.are.same(many, decode(text))
    assert.is_truthy(text:find('"k0001":1,"k0002":2,', 1, true))
  end)

  it("writes an empty list where the shape or a mark says so", function()
    local list = { array = true }
    assert.are.equal("[]", (encode({}, list)))
    assert.are.equal("[]", (encode(array {})))
    assert.are.equal("[]", (encode(array())))
    assert.are.equal('{"a":[],"b":{},"c":[]}', (encode({ a = {}, b = {}, c = array {} }, { fields = { a = list } })))
    assert.are.equal(
      "[[],[[]],[1]]",
      (encode({ {}, { {} }, { 1 } }, { array = true, items = { array = true, items = list } }))
    )
    assert.are.equal('{"mo":[],"tu":[]}', (encode({ mo = {}, tu = {} }, { values = list })))
    assert.are.equal('{"x":[]}', (encode({ x = {} }, { fields = { x = list, y = list } })))
    assert.are.equal('{"a":1}', (encode({ a = 1 }, list)))
    assert.are.equal("7", (encode(7, list)))
    assert.are.equal("{}", (encode({}, "no shape")))
  end)

  it("takes the marks of a lua-cjson that has some", function()
    local text = child.run [==[
      local cjson = require "cjson"
      cjson.array_mt, cjson.empty_array_mt, cjson.empty_array = cjson.array_mt or {}, cjson.empty_array_mt or {},
        cjson.empty_array or require("hoopai.core").null
      local core = require "hoopai.core"
      local function marked(list, mark) return setmetatable(list, cjson[mark]) end
      print(core.encode {
        a = marked({}, "array_mt"), b = marked({ 1 }, "array_mt"), c = marked({}, "empty_array_mt"),
        d = marked({ x = marked({}, "array_mt") }, "empty_array_mt"), e = setmetatable({}, {}),
      })
      print(core.encode { cjson.empty_array } == "[[]]" or cjson.empty_array == core.null)
      print(core.is_array(marked({}, "array_mt")), core.is_array(marked({}, "empty_array_mt")),
        core.is_array(marked({ x = 1 }, "empty_array_mt")))
      print(core.encode(marked({ x = 1 }, "array_mt")))
      package.loaded.cjson = nil
      print(core.encode(setmetatable({}, {})))
    ]==]
    assert.are.equal(
      '{"a":[],"b":[1],"c":[],"d":{"x":[]},"e":{}}\ntrue\ntrue\ttrue\tfalse\n'
        .. "nil\tis a list with gaps or with other keys than 1, 2, 3, ...\t\n{}\n",
      text
    )
  end)

  it("names the place of a problem", function()
    local cases = {
      { { teamMembers = { {}, { priority = 0 / 0 } } }, "teamMembers[2].priority", "NaN" },
      { { a = { b = { c = print } } }, "a.b.c", "function" },
      { { { { math.huge } } }, "[1][1][1]", "infinite" },
      { { x = { { y = { { z = io.stdout } } } } }, "x[1].y[1].z", "userdata" },
      { { x = coroutine.create(print) }, "x", "coroutine" },
      { print, "[1]", "function" },
      { -math.huge, nil, "infinite" },
    }
    cases[6][1] = { print }
    for _, case in ipairs(cases) do
      local text, problem, path = encode(case[1])
      assert.is_nil(text)
      assert.is_truthy(problem:find(case[3], 1, true), problem)
      assert.are.equal(case[2] or "", path)
    end
  end)

  it("keeps the path short and readable whatever the names are", function()
    local value = print
    for _ = 1, 20 do
      value = { [("é"):rep(100)] = value }
    end
    local text, _, path = encode(value)
    assert.is_nil(text)
    assert.is_true(#path <= 256)
    local _, _, one = encode { ["a" .. ("é"):rep(100)] = print }
    assert.are.equal("a" .. ("é"):rep(31), one)
  end)

  it("refuses lists with gaps and mixed tables", function()
    local bad = {
      { 1, nil, 3 },
      { 1, 2, x = 3 },
      { [2] = 1 },
      { [0] = 1, 2 },
      { [1.5] = 1 },
      { [true] = 1 },
      { [{}] = 1 },
      { [-1] = 1 },
      { x = 1, [7] = 2 },
      array { x = 1 },
      array { 1, x = 2 },
    }
    for index, value in ipairs(bad) do
      local text, problem, path = encode { v = value }
      assert.is_nil(text, "case " .. index)
      assert.are.equal("string", type(problem))
      assert.are.equal("v", path)
    end
  end)

  it("stops at 64 levels, so also at cycles", function()
    local function deep(levels)
      local value = {}
      for _ = 2, levels do
        value = { value }
      end
      return value
    end
    assert.is_truthy((encode(deep(64))))
    local text, problem = encode(deep(65))
    assert.is_nil(text)
    assert.is_truthy(problem:find("64", 1, true))
    local cycle = {}
    cycle.self = cycle
    assert.is_nil((encode(cycle)))
    local list = {}
    list[1] = list
    assert.is_nil((encode(list)))
    assert.is_nil((encode(deep(100000))))
  end)

  it("runs no metamethods", function()
    local hostile = setmetatable({ a = 1 }, {
      __index = function() error "index" end,
      __pairs = function() error "pairs" end,
      __len = function() error "len" end,
      __name = 7,
      __tostring = function() error "tostring" end,
      __metatable = "hidden",
      __eq = function() error "eq" end,
    })
    assert.are.equal('{"a":1}', (encode(hostile, hostile)))
    assert.are.equal("{}", (encode(setmetatable({}, { __index = { 1, 2, 3 } }))))
  end)

  it("survives a finaliser that changes the table meanwhile", function()
    collectgarbage "stop"
    local value = {}
    for index = 1, 200 do
      value["key" .. index] = { inner = "x" .. index }
    end
    local function saboteur()
      setmetatable({}, {
        __gc = function()
          for key in pairs(value) do
            value[key] = nil
          end
          collectgarbage()
        end,
      })
    end
    collectgarbage "restart"
    collectgarbage("generational")
    for _ = 1, 300 do
      saboteur()
      local text, problem, path = encode(value)
      if text then
        assert.are.equal("table", type(decode(text)))
      else
        assert.is_truthy(problem and path)
      end
      for index = 1, 20 do
        value["key" .. index .. math.random(1000)] = { inner = ("x"):rep(index) .. math.random() }
      end
    end
    collectgarbage("incremental")
    assert.are.equal("{}", (encode {}))
  end)

  it("refuses a light userdata that is not null, nil and nothing", function()
    local text, problem = encode(nil)
    assert.is_nil(text)
    assert.is_truthy(problem:find("nil", 1, true))
    assert.has_error(function() encode() end)
    assert.is_nil((encode(core.secret "t")))
    assert.is_nil((encode { core.secret "t" }))
  end)

  it("writes megabytes", function()
    local long = ("é\n"):rep(500000)
    assert.are.equal(long, decode(encode { long })[1])
    local list = {}
    for index = 1, 100000 do
      list[index] = index
    end
    assert.are.same(list, decode(encode(list)))
  end)
end)

describe("core.decode", function()
  it("reads integers as integers and other numbers as floats", function()
    local value = decode '{"a":7,"b":7.0,"c":7.5,"d":-0,"e":1e3,"f":9007199254740992,"g":1716230400000,"h":[1,2.5]}'
    assert.are.same(
      { a = 7, b = 7, c = 7.5, d = 0, e = 1000, f = 9007199254740992, g = 1716230400000, h = { 1, 2.5 } },
      value
    )
    assert.are.equal("float", math.type(value.f)) -- as 9007199254740993 would be: they are one float
    for _, name in ipairs { "a", "b", "e", "g" } do
      assert.are.equal("integer", math.type(value[name]), name)
    end
    assert.are.equal("float", math.type(value.c))
    assert.are.equal("integer", math.type(value.h[1]))
    assert.are.equal("/x/7", "/x/" .. value.a)
    assert.are.equal("integer", math.type(decode "7"))
    assert.are.equal(-9007199254740992, decode "-9007199254740992")
    assert.are.equal(1e300, decode "[1e300]"[1])
    local strings = { [[""]], [["\\"]], [["\""]], [["\\\""]], [["a\\\\"]], [["\"1"]], [["n"]], [["\",null,\""]] }
    for _, text in ipairs(strings) do
      assert.are.equal("integer", math.type(decode("[" .. text .. ",1]")[2]), text)
      assert.is_nil(decode('{"a":' .. text .. ',"b":null}').b, text)
    end
  end)

  it("takes null members out, but for the names to keep or all, and leaves null in lists", function()
    assert.are.same({ b = { d = { null, 1 } } }, decode '{"a":null,"b":{"c":null,"d":[null,1]}}')
    assert.are.same({ a = null, b = { a = null } }, decode('{"a":null,"b":{"a":null,"c":null}}', { a = true }))
    assert.are.same({}, decode('{"a":null}', { a = false }))
    assert.are.same({}, decode('{"a":null}', "a"))
    assert.are.same({}, decode('{"a":null}', false))
    assert.are.same({ a = null, b = { { c = null } } }, decode('{"a":null,"b":[{"c":null}]}', true))
    assert.are.equal(null, decode "null")
    assert.are.same({ null }, decode "[null]")
    local many = {}
    for index = 1, 1000 do
      many[index] = ('"k%d":%s'):format(index, index % 2 == 0 and "null" or index)
    end
    local value, count = decode("{" .. table.concat(many, ",") .. "}"), 0
    for _ in pairs(value) do
      count = count + 1
    end
    assert.are.equal(500, count)
  end)

  it("leaves names and strings as they are", function()
    local text = [[{"null":"null","n":"1","1":"x","e\"\u00e9\ud83d\ude00":"\u0000\u20ac\n","s":"a\"n1"}]]
    assert.are.same({ null = "null", n = "1", ["1"] = "x", ['e"é😀'] = "\0€\n", s = 'a"n1' }, decode(text))
    assert.are.same({ ['\\"n1'] = true }, decode [[{"\\\"n1":true}]])
  end)

  it("refuses what is no JSON with a problem, and never raises", function()
    -- stylua: ignore
    local bad = {
      "", " ", "{", "[", "[1", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "nul", "nulll", "True", "tru", "NaN",
        "[NaN]", "Infinity", "[-Infinity]",
      "nan", "[nan]", "[inf]", "0x10", "[0x10]", "[012]", "[+1]", "[.5]x", "// c\n1", "[1] [2]", "1 2", "\"\\x\"",
        "\"\\ud800", "\"\\ud80\"", "\"\\ud800\\x\"", "\"a",
      "\"unfinished", "[1,,2]", "{\"a\"}", "{\"a\":}", "<html></html>", "\239\187\191{", "[1]\0", "\0",
        "{\"a\0\":1}", "[1]x",
      nested(65, "[", "]"), nested(100000, "[", "]"), ("["):rep(100000), nested(65, '{"a":', "}"),
    }
    for _, text in ipairs(bad) do
      local value, problem = decode(text)
      assert.is_nil(value, text:sub(1, 40))
      assert.are.equal("string", type(problem), text:sub(1, 40))
    end
    assert.is_truthy(decode(nested(64, "[", "]")))
  end)

  it("writes U+FFFD for half a surrogate pair, and keeps the rest", function()
    local half = "\u{fffd}"
    for text, value in pairs {
      [ [==["\ud83d"]==] ] = half,
      [ [==["\uDC00 x"]==] ] = half .. " x",
      [ [==["\ude00\ud83d"]==] ] = half .. half,
      [ [==["\ud83d\ud83d\ude00"]==] ] = half .. "😀",
      [ [==["\ud83d\u0041\\ud83d"]==] ] = half .. "A\\ud83d",
      [ [==["\ud83d\n\\"]==] ] = half .. "\n\\",
      [ [==["\\\ud83d"]==] ] = "\\" .. half,
      [ [==["\ud83dd83d"]==] ] = half .. "d83d",
      [ [==[{"events":[{"t":"a\ud83c"},{"t":"b","n":9007199254740993}]}]==] ] = {
        events = { { t = "a" .. half }, { t = "b", n = 9007199254740992 } },
      },
      [ [==[{"k\udfff":{"\ud800":[null,{"x":["\ud83d\ude00","\udbff"]}]},"gone":null}]==] ] = {
        ["k" .. half] = { [half] = { null, { x = { "😀", half } } } },
      },
    } do
      assert.are.same(value, decode(text), text)
    end
    local many = "[" .. ([["\ud83d",]]):rep(10000) .. "1]"
    assert.are.equal(10001, #decode(many))
  end)

  it(
    "leaves bytes that are not UTF-8, and control characters in strings, as they are",
    function() assert.are.same({ "\255\254", "\237\160\189", "a\nb" }, decode '["\255\254","\237\160\189","a\nb"]') end
  )

  it("passes over a byte order mark before the text", function()
    assert.are.same({ a = 1, b = "\239\191\189" }, decode '\239\187\191{"a":1,"b":"\\ud83d"}')
    assert.are.same({}, decode "\239\187\191 []")
    assert.are.same({ "\239\187\191" }, decode '["\239\187\191"]')
    assert.is_nil((decode "\239\187\191\239\187\191{}"))
  end)

  it("says in plain words why there is no value", function()
    for text, expected in pairs {
      [""] = "it is empty",
      [" \r\n"] = "it is empty",
      ['{"a":1'] = "it is cut off",
      ['["a'] = "it is cut off",
      ["\239\187\191"] = "it is empty",
      ['\239\187\191{"a":1'] = "it is cut off",
      ["[1]\0"] = "it holds a NUL byte",
    } do
      assert.are.equal(expected, select(2, decode(text)))
    end
  end)

  it("never quotes the text in a problem", function()
    for _, text in ipairs { "canary_secret", '{"canary_secret":x}', '["canary_secret" 1]', "canary_secret\0" } do
      local value, problem = decode(text)
      assert.is_nil(value)
      assert.is_nil(problem:find("canary", 1, true))
    end
  end)

  it("raises on other types", function()
    assert.has_error(function() decode() end)
    assert.has_error(function() decode {} end)
  end)
end)

describe("core.array", function()
  it("marks a table, the one given or a new one", function()
    local list = { 1, 2 }
    assert.are.equal(list, array(list))
    assert.is_true(core.is_array(list))
    assert.is_true(core.is_array(array()))
    assert.is_true(core.is_array(array(nil)))
    assert.is_false(core.is_array {})
    assert.is_false(core.is_array(setmetatable({}, {})))
    assert.is_false(core.is_array "x")
    assert.is_false(core.is_array(nil))
    for _, wrong in ipairs { 1, "x", true, print } do
      assert.has_error(function() array(wrong) end)
    end
    assert.are.equal("[1,2]", (encode(list)))
  end)
end)

describe("JSON and the host", function()
  it("leaves the host's cjson as it is", function()
    local text = child.run [[
      local cjson = require "cjson"
      cjson.encode_number_precision(3)
      cjson.decode_max_depth(7)
      cjson.decode_invalid_numbers(true)
      local core = require "hoopai.core"
      core.decode "[1.5]"
      print(cjson.encode_number_precision(), cjson.decode_max_depth(), cjson.decode_invalid_numbers())
      print(cjson.encode { 1.23456 }, cjson.decode("[0x10]")[1] == 16, core.decode "[0x10]")
      print(core.null == cjson.null)
    ]]
    assert.are.equal(
      "3\t7\ttrue\n[1.23]\ttrue\tnil\tExpected value but found invalid number at character 2\ntrue\n",
      text
    )
  end)

  it("works with a cjson that reads integers as integers and has settings of its own", function()
    local text = child.run [[
      local real = require "cjson"
      local function integers(value)
        if type(value) == "table" then
          for key, item in pairs(value) do value[key] = integers(item) end
          return value
        end
        return math.tointeger(value) or value
      end
      local calls = {}
      package.loaded.cjson = {
        null = real.null,
        new = function()
          local own = real.new()
          local decode = own.decode
          own.decode = function(text) return integers(decode(text)) end
          own.decode_array_with_array_mt = function() calls[#calls + 1] = "array_mt" end
          own.encode_escape_forward_slash = function() calls[#calls + 1] = "slash" end
          return own
        end,
        decode = function() error "the shared instance was used" end,
        encode = function() error "the shared instance was used" end,
      }
      local core = require "hoopai.core"
      local value = core.decode '{"a":7,"b":7.5,"c":null,"d":[1,null,2.0],"big":1716230400000}'
      print(math.type(value.a), value.b, value.c, math.type(value.d[1]), value.d[2] == core.null, math.type(value.d[3]),
        value.big, #calls)
      print(core.decode "7", math.type(core.decode "7"), type(select(2, core.decode "[1")))
      print(core.encode { a = 1.5, b = 2 ^ 53, c = 7, d = core.array {} })
    ]]
    assert.are.equal(
      "integer\t7.5\tnil\tinteger\ttrue\tinteger\t1716230400000\t0\n"
        .. "7\tinteger\tstring\n"
        .. '{"a":1.5,"b":9007199254740992,"c":7,"d":[]}\n',
      text
    )
  end)

  it("works with a cjson that reads integers and clamps what is beyond 2^63, as that of LuaRocks does", function()
    local text = child.run [[
      local real = require "cjson"
      local function integers(value)
        if type(value) == "table" then
          for key, item in pairs(value) do value[key] = integers(item) end
          return value
        end
        return type(value) == "number" and math.abs(value) < 2 ^ 53 and math.tointeger(value) or value
      end
      local function clamped(before, digits, rest)
        return before .. (#digits > 18 and "1" or digits) .. rest
      end
      package.loaded.cjson = {
        null = real.null,
        new = function()
          local own = real.new()
          local decode = own.decode
          own.decode = function(text)
            local changed = (" " .. text .. " "):gsub("([%[,%s-])(%d+)([^%w.])", clamped)
            return integers(decode(changed))
          end
          return own
        end,
      }
      local core = require "hoopai.core"
      local value = core.decode('[12345678901234567890, -12345678901234567890,9007199254740992,9007199254740991, '
        .. '1.00000000000000000001,1e-0000000000000000001,12345678901234567890.5,12345678901234567890E2,'
        .. '{"12345678901234567890":"12345678901234567890,\\"12345678901234567890"},1234567890123456789]')
      for index = 1, 8 do io.write(math.type(value[index]), (" %.17g\n"):format(value[index])) end
      for key, item in pairs(value[9]) do io.write(key, " ", item, "\n") end
      io.write(math.type(value[10]), "\n")
      io.write(("%.17g %.17g"):format(core.decode "12345678901234567890", core.decode "1234567890123456 "), "\n")
      io.write(tostring(core.decode "[12345678901234567890x]"))
    ]]
    assert.are.equal(
      "float 1.2345678901234567e+19\nfloat -1.2345678901234567e+19\nfloat 9007199254740992\n"
        .. "integer 9007199254740991\ninteger 1\nfloat 0.10000000000000001\nfloat 1.2345678901234567e+19\n"
        .. 'float 1.2345678901234568e+21\n12345678901234567890 12345678901234567890,"12345678901234567890\nfloat\n'
        .. "1.2345678901234567e+19 1234567890123456\nnil",
      text
    )
  end)

  it("does not depend on the locale, whenever the host sets it", function()
    local folder = core_locale.make()
    for _, name in ipairs { "comma", "wide" } do
      for _, when in ipairs { "before", "after", "back" } do
        local text = child.run(
          ([[
          local name, when = %q, %q
          if when ~= "after" then assert(os.setlocale(name, "numeric")) end
          local core = require "hoopai.core"
          if when == "after" then
            assert(core.decode("[1.5]")[1] == 1.5)
            assert(os.setlocale(name, "numeric"))
          elseif when == "back" then
            assert(os.setlocale("C", "numeric"))
          end
          local value = 1 + 1 / 2
          assert((string.format("%%g", value) == "1.5") == (when == "back"))
          local read = assert(core.decode '{"a":[1.5,-2.25e3,7,0.1]}')
          print(core.encode { value, 0.1, 1e300, -2.5e-7, 3 }, read.a[1] == value, read.a[2], read.a[3],
            read.a[4] == 1 / 10)
        ]]):format(name, when),
          { set = { LOCPATH = folder } }
        )
        assert.are.equal("[1.5,0.1,1e+300,-2.5e-07,3]\ttrue\t-2250\t7\ttrue\n", text, name .. " " .. when)
      end
    end
    core_locale.remove(folder)
  end)
end)
