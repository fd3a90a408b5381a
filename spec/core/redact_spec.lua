-- What texts show of secrets: nothing, in no spelling; and how long it takes to find that out.

local child = require "spec.support.child"
local core = require "hoopai.core"
local spellings = require "spec.support.spellings"

local TOKEN = "pit-4e/Canary+77_9d0c~Zk.aa==" -- in it all that a token may have (RFC 6750 2.1)

local function redacted(text, token) return assert(core.secret(token or TOKEN)):redact(text) end

describe("redact of a secret", function()
  for name, spell in pairs(spellings.all) do
    it("hides one " .. name, function()
      for length = 12, #TOKEN do -- all that base64 can leave over
        local token = TOKEN:sub(1, length)
        assert.are.equal("a ***; b", redacted("a " .. spell(token) .. "; b", token))
        assert.are.equal("***", redacted(spell(token), token))
        local twice = "[" .. spell(token) .. "] and \n(" .. spell(token) .. ")"
        assert.are.equal("[***] and \n(***)", redacted(twice, token))
      end
    end)
  end

  it("hides several spellings in one text", function()
    local parts, expected = {}, {}
    for _, spell in pairs(spellings.all) do
      parts[#parts + 1], expected[#expected + 1] = spell(TOKEN), "***"
    end
    assert.are.equal(table.concat(expected, " | "), redacted(table.concat(parts, " | ")))
  end)

  it("hides one whose characters are spelt each in its own way", function()
    local formats = { "%%%02x", "%%%02X", "&#%d;", "&#x%x;", "&#x%04X;", "\\u%04x", "\\u%04X" }
    local function spelt(text, level, most)
      if level > most then return text end
      -- The escapes of JSON are made first: a later one behind a backslash would spell something else.
      local count = level == 1 and 7 or 5
      local out = text:gsub(".", function(char)
        if math.random(3) > 1 then return char end
        return formats[math.random(count)]:format(char:byte())
      end)
      return spelt(out, level + 1, most)
    end
    for _ = 1, 2000 do
      local text = spelt(TOKEN, 1, math.random(0, 3))
      assert.are.equal("x***\n", redacted("x" .. text .. "\n"), text)
    end
  end)

  it("leaves all other text as it is", function()
    for _, text in ipairs {
      "",
      "a",
      TOKEN:sub(1, -2),
      TOKEN:sub(2),
      "100% \\/ &#47; &amp; \\u0041 %41 %2 %zz &# &#; \\ \\u12 &#x; &unknown; %",
      ("\0\255"):rep(30),
      spellings.base64("another secret, of the same length"),
      (TOKEN:gsub("a", "b")),
      [[{"a":"\u0070it-4e","b":"%2FCanary"}]],
    } do
      assert.are.equal(text, redacted(text))
    end
    local token = "short-7" -- might be an ordinary word
    assert.are.equal("a short-7", redacted("a short-7", token))
  end)

  it("hides what begins within what it hid", function()
    local token = ("ab"):rep(10)
    assert.are.equal("***", redacted(("ab"):rep(15), token))
    assert.are.equal("b***c", redacted("b" .. ("ab"):rep(100) .. "c", token))
    assert.are.equal("***-***", redacted(("ab"):rep(11) .. "-" .. ("ab"):rep(10), token))
  end)

  it("reads escapes as far as the text goes", function()
    local text = spellings.all["percent-encoded three times"](TOKEN)
    for stop = 1, #text do
      local cut = text:sub(1, stop)
      local shown = redacted(cut)
      assert.is_true(shown == cut or shown:find("***", 1, true) ~= nil)
    end
    for _, ending in ipairs { "%", "%2", "\\", "\\u", "\\u00", "&", "&#", "&#x2", "&amp", "%25", "%252", "\\u005c" } do
      assert.are.equal("***" .. ending, redacted(TOKEN .. ending))
    end
  end)

  it("is refused by a closed secret, and for what is no text", function()
    local secret = assert(core.secret(TOKEN))
    assert.has_error(function() secret:redact() end)
    assert.has_error(function() secret:redact(5) end)
    secret:close()
    assert.has_error(function() secret:redact("x") end)
  end)

  -- With a search whose time grows with the product of both lengths, the longest took 64 times as long.
  it("takes time in proportion to the text, however long and periodic both are", function()
    local function seconds(length, text)
      local secret = assert(core.secret(("a"):rep(length - 1) .. "b"))
      local best = math.huge
      for _ = 1, 3 do
        local start = os.clock()
        secret:redact(text)
        best = math.min(best, os.clock() - start)
      end
      return best
    end
    local short, long = ("a"):rep(1 << 20), ("a"):rep(1 << 23)
    local base = seconds(1024, short)
    assert.is_true(seconds(65536, short) < 10 * base)
    assert.is_true(seconds(65536, long) < 40 * base)
    for _, unit in ipairs { "%2525", "&aaaaa", "&#000002f;", "\\u005c", "YWFh", "%", "&", "\\", "a%61" } do
      local size = 1 << 20
      local one = seconds(1024, unit:rep(size // 4 // #unit))
      assert.is_true(seconds(1024, unit:rep(2 * size // #unit)) < 40 * one + 0.05, unit)
    end
  end)
end)

describe("redact of credentials", function()
  it("hides each secret, and no other field", function()
    local credentials = core.credentials {
      access_token = TOKEN .. "1",
      refresh_token = "rt-" .. TOKEN,
      location_id = "location-0123456789",
      generation = 3,
    }
    local text = ("%s1 and rt-%s of location-0123456789"):format(TOKEN, TOKEN)
    assert.are.equal("*** and *** of location-0123456789", credentials:redact(text))
    credentials:close()
    assert.are.equal(text, credentials:redact(text))
    assert.has_error(function() credentials:redact() end)
  end)
end)

describe("core.redact", function()
  it("hides all secrets that are in use", function()
    local secret = assert(core.secret "secret-in-use-0001")
    local credentials = core.credentials { refresh_token = "secret-in-use-0002" }
    local text = "secret-in-use-0001, secret-in-use-0002 and secret-in-use-0003"
    assert.are.equal("***, *** and secret-in-use-0003", core.redact(text))
    secret:close()
    assert.are.equal("secret-in-use-0001, ***", core.redact "secret-in-use-0001, secret-in-use-0002")
    credentials:close()
    assert.are.equal(text, core.redact(text))
    assert.has_error(function() core.redact() end)
    assert.has_error(function() core.redact {} end)
  end)

  it("keeps no secret alive", function()
    local kept = setmetatable({}, { __mode = "k" })
    for index = 1, 10 do
      kept[assert(core.secret("secret-to-collect-" .. index))] = true
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
    assert.are.equal("secret-to-collect-1", core.redact "secret-to-collect-1")
  end)

  it("survives finalisers that make and close secrets meanwhile", function()
    -- In a process of its own, whose small heap is collected often.
    local text, ok = child.run [[
      local core = require "hoopai.core"
      local made, closed = {}, {}
      for index = 1, 50 do
        closed[index] = assert(core.secret("secret-of-finaliser-" .. index))
      end
      local function make_garbage()
        setmetatable({}, {
          __gc = function()
            made[#made + 1] = assert(core.secret("secret-made-meanwhile-" .. #made))
            local last = table.remove(closed)
            if last then last:close() end
          end,
        })
      end
      local text, rounds = ("secret-of-finaliser-1 "):rep(1000), 0
      while #made < 100 and rounds < 10000 do
        rounds = rounds + 1
        make_garbage()
        assert(type(core.redact(text)) == "string")
      end
      print(#made >= 100, #closed)
    ]]
    assert.are.equal("true\t0\n", text)
    assert.is_true(ok)
  end)
end)
