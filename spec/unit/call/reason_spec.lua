-- The texts of an error response, whatever its shape.

local core = require "hoopai.core"
local reason = require "hoopai.call.reason"

describe("hoopai.call.reason:", function()
  describe("message_of", function()
    it("finds texts in lists, in objects and under other names", function()
      for expected, text in pairs {
        ["a"] = [[{"message":"a","error":"Bad Request","statusCode":400}]],
        ["b; c"] = [[{"message":["b","c"],"error":"Unprocessable Entity"}]],
        ["d"] = [[{"errors":["d"]}]],
        ["f: e"] = [[{"errors":[{"field":"f","message":"e"}]}]],
        ["f must be g"] = [[{"errors":[{"property":"f","message":"f must be g"}]}]],
        ["h: i; h: j; k: l"] = [[{"errors":{"k":["l"],"h":["i","j"]}}]],
        ["m must be n; m: o"] = [[{"message":[{"property":"m","constraints":{"y":"o","isN":"m must be n"}}]}]],
        ["t: p"] = [[{"message":[{"property":"s","children":[{"property":"t","constraints":{"x":"p"}}]}]}]],
        ["q"] = [[{"detail":"q"}]],
        ["startTime: r"] = [[{"detail":[{"loc":["body","startTime"],"msg":"r","type":"missing"}]}]],
        ["s"] = [[{"details":{"message":"s"}}]],
        ["u"] = [[{"error_messages":["u"]}]],
        ["v"] = [[{"errorMessages":["v"]}]],
        ["w"] = [[{"error":{"message":"w","code":5}}]],
        ["x"] = [[{"error":{"errors":[{"message":"x"}]}}]],
        ["y"] = [[{"error":[{"message":"y"}]}]],
        ["Validation failed; z: 1"] = [[{"message":"Validation failed","errors":[{"field":"z","message":"1"}]}]],
        ["Bad Request; 2"] = [[{"error":"Bad Request","details":["2"]}]],
        ["Title; 3"] = [[{"type":"about:blank","title":"Title","detail":"3","status":400}]],
        ["de: 4; en: 5"] = [[{"message":{"en":"5","de":"4"}}]],
        ["6"] = [[{"message":"","errors":[],"reason":"6"}]],
        ["Not Found"] = [[{"timestamp":"t","status":404,"error":"Not Found","path":"/x"}]],
      } do
        assert.are.equal(expected, (reason.message_of(assert(core.decode(text)))), text)
      end
    end)

    it("returns the texts too if there are several or `message` is a list", function()
      for text, expected in pairs {
        [ [[{"message":["a"]}]] ] = { "a" },
        [ [[{"message":"a","errors":["b","a"]}]] ] = { "a", "b" },
        [ [[{"errors":[{"field":"f","message":"a"},"b"]}]] ] = { "f: a", "b" },
      } do
        assert.are.same(expected, select(2, reason.message_of(core.decode(text))))
      end
      assert.is_nil(select(2, reason.message_of { errors = { "a" } }))
    end)

    it("ends, however much there is and however deep it is", function()
      local deep, many = "text", {}
      for _ = 1, 60 do
        deep = { message = deep }
      end
      assert.is_nil((reason.message_of(deep)))
      for index = 1, 1000 do
        many[index] = "text " .. index
      end
      assert.are.equal(50, #select(2, reason.message_of { message = many }))
    end)

    it("finds none where there is none", function()
      for _, body in ipairs { 5, true, "text", {}, { "a" }, { message = " \n" }, { data = { message = "x" } } } do
        assert.is_nil((reason.message_of(body)))
      end
      assert.is_nil((reason.message_of(nil)))
    end)
  end)

  describe("cut", function()
    it("cuts before a character", function()
      assert.are.same({ "abc", false }, { reason.cut("abc", 3) })
      assert.are.same({ "ab", true }, { reason.cut("abc", 2) })
      assert.are.same({ "a", true }, { reason.cut("a\u{e4}b", 2) })
      assert.are.same({ "", true }, { reason.cut("\u{1f600}b", 3) })
      assert.are.equal(6, #reason.cut(("\x80"):rep(20), 10)) -- no UTF-8
    end)
  end)

  describe("excerpt", function()
    it("is one line", function()
      assert.are.equal("upstream connect error", reason.excerpt " upstream\r\n\tconnect \0 error\n")
      assert.are.equal("a [31m b", reason.excerpt "a\27[31m\u{9b}b")
      assert.is_nil(reason.excerpt "")
      assert.is_nil(reason.excerpt " \r\n")
    end)

    it("is the words of a page", function()
      local page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p { x }</style>\n"
        .. "<SCRIPT type='x'>if (a < b) alert(1)</Script></head><body><!-- a > b --><h1>Try&nbsp;later</h1>"
        .. "<p>A &amp; B &lt;x&gt; it&#39;s</p><br"
      assert.are.equal("502 Bad Gateway Try later A & B &lt;x&gt; it's", reason.excerpt(page))
      assert.is_nil(reason.excerpt "<html><body></body></html>")
      assert.are.equal("a < b and 1<2", reason.excerpt "a < b and 1<2")
    end)

    it("is cut, and is UTF-8", function()
      assert.are.equal(("x"):rep(200) .. "...", reason.excerpt(("x"):rep(201)))
      assert.are.equal(("x"):rep(199) .. "...", reason.excerpt(("x"):rep(199) .. "\u{e4}\u{e4}"))
      assert.are.equal("??a", reason.excerpt "\255\254a")
    end)

    it("takes little time for a long page without an end", function()
      local start = core.now()
      reason.excerpt(("<script"):rep(600))
      reason.excerpt(("<!--"):rep(1024))
      reason.excerpt(("<"):rep(4096))
      assert.is_true(core.now() - start < 1)
    end)
  end)

  describe("text_of", function()
    local TOKEN = "canary/token+1234567890"
    local list = { assert(core.secret(TOKEN)), assert(core.secret "canary-of-an-earlier-attempt") }

    it("is the beginning, at most 4 KiB", function()
      assert.are.equal("<p>a</p>\n", reason.text_of("<p>a</p>\n", list))
      assert.are.equal(4096, #reason.text_of(("x"):rep(100000), list))
      assert.are.equal("a", reason.text_of("a", {}))
    end)

    it("has no token, also where it is cut, and however the token is spelt", function()
      for before = 4060, 4110 do
        local text = reason.text_of((" "):rep(before) .. TOKEN, list)
        assert.is_nil(text:find("canary", 1, true), before)
      end
      for _, spelt in ipairs {
        TOKEN,
        "canary\\/token+1234567890",
        "\\u0063anary/token\\u002b1234567890",
        "canary&#47;token&#x2B;1234567890",
        "canary%2Ftoken%2b1234567890",
        "canary%252Ftoken%25252B1234567890",
        "canary&sol;token&plus;1234567890",
        (TOKEN:gsub(".", "%0\0")),
        "canary-of-an-earlier-attempt",
      } do
        assert.are.equal("was ***.", reason.text_of("was " .. spelt .. ".", list), spelt)
      end
      -- A text that shrinks, as tokens are hidden in it, must not end with the beginning of one.
      local long = "canary-" .. ("0123456789abcdef"):rep(62) .. "XYZ"
      local text = reason.text_of(("Bearer " .. long .. "\n"):rep(80), { assert(core.secret(long)) })
      assert.is_nil(text:find("canary", 1, true))
      assert.are.equal([[100%25 \/ &#47; *]], reason.text_of([[100%25 \/ &#47; *]], list))
    end)
  end)
end)
