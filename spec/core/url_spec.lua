local core = require "hoopai.core"

describe("percent-encoding", function()
  it("leaves exactly the unreserved characters of RFC 3986 as they are", function()
    for byte = 0, 255 do
      local char = string.char(byte)
      local expected = char:find("^[%w%-._~]$") and byte < 128 and char or ("%%%02X"):format(byte)
      assert.are.equal(expected .. "=", core.query { char, "" })
    end
    assert.are.equal("=", core.query { "", "" })
    assert.are.equal("a%00b=", core.query { "a\0b", "" })
    assert.are.equal("=" .. ("%FF"):rep(5000), core.query { "", ("\255"):rep(5000) })
  end)
end)

describe("core.path", function()
  it("fills the places in order, encoded", function()
    assert.are.equal("/calendars/abc%20d/notes", core.path("/calendars/{calendarId}/notes", "abc d"))
    assert.are.equal("/a/1/b/2", core.path("/a/{x}/b/{y}", "1", "2"))
    assert.are.equal("/calendars/", core.path("/calendars/"))
    assert.are.equal("/x/%C3%A9%20%25%3F%23%26%3B%7C", core.path("/x/{id}", "é %?#&;|"))
    assert.are.equal("/x/.a..b.", core.path("/x/{id}", ".a..b."))
    assert.are.equal("/x/%7Bid%7D", core.path("/x/{id}", "{id}"))
    assert.are.equal("/x/" .. ("a"):rep(512), core.path("/x/{id}", ("a"):rep(512)))
  end)

  it("refuses what could change which endpoint is called, and says which argument", function()
    local refused = { "", ".", "..", "a\0b", "a\rb", "a\nb", "\t", "\127", ("a"):rep(513), ("é"):rep(257) }
    for _, bad in ipairs(refused) do
      local path, problem, index = core.path("/x/{a}/y/{b}", "good", bad)
      assert.is_nil(path)
      assert.are.equal("string", type(problem))
      assert.are.equal(2, index)
      assert.are.equal(1, select(3, core.path("/x/{a}/y/{b}", bad, "good")))
    end
  end)

  it("refuses what another server could read as more than one segment, or as another one", function()
    local slash = "must not hold / or \\, not even percent-encoded: the path would be another one"
    local encoded, dots = "must not be percent-encoded: give the id itself", "must not consist of dots"
    -- stylua: ignore
    for expected, ids in pairs {
      [slash] = {
        "/", "\\", "a/b", "a\\b", "/a", "a/", "x/../../admin/users", "..\\a", "%2f", "%2F", "a%2fb", "..%2Fx", "x%5c..",
        "%5C", "a%/b", "%%2f", "%2%2f", "..a/x", "..;/x", "é/",
      },
      [encoded] = {
        "%252f", "%25252F", "a%25b", "%2e%2e", "%2E", ".%2e", "%67roups", "gr%6Fups", "a%2Db", "%7e", "%5f", "%255c",
      },
      [dots] = { "...", "....", "..;", ".;a", "..;jsessionid=1", "..?a", ".#", "..%3ba", "..%", (("."):rep(512)) },
      ['must not be "." or ".."'] = { ".", ".." },
    } do
      for _, id in ipairs(ids) do
        assert.are.same({ nil, expected, 2 }, { core.path("/x/{a}/y/{b}", "good", id) })
      end
    end
    -- A percent sign that stands for no such byte stays one.
    for _, id in ipairs {
      "%",
      "%zz",
      "%2",
      "100%",
      "a%",
      "%00",
      "%20",
      "%0d%0a",
      "%c0%af",
      "%ff",
      ".a",
      "a.",
      "a;..",
      "%g2f",
    } do
      local path = core.path("/x/{a}", id)
      assert.are.equal("/x/" .. core.query({ id, "" }):sub(1, -2), path)
    end
  end)

  it("says what is around an argument", function()
    for bad, wanted in pairs {
      ["abc "] = "must not have blanks around it: it ends in a space",
      [" abc"] = "must not have blanks around it: it begins with a space",
      ["\u{A0}abc"] = "must not have blanks around it: it begins with a no-break space or another blank beyond ASCII",
      ["\u{FEFF}abc"] = "must not have blanks around it: it begins with a no-break space or another blank beyond ASCII",
      ["abc\u{200B}"] = "must not have blanks around it: it ends in a no-break space or another blank beyond ASCII",
      ["abc\u{3000}"] = "must not have blanks around it: it ends in a no-break space or another blank beyond ASCII",
      ["abc\r"] = "must not hold control characters: it ends in a carriage return (does the file",
      ["abc\r\n"] = "must not hold control characters: it ends in a carriage return",
      ["a\tb"] = "must not hold control characters: it holds a tab",
      ['"abc"'] = "must not have quotes around it: leave them out",
      ["'abc'"] = "must not have quotes around it: leave them out",
    } do
      local path, problem = core.path("/x/{a}", bad)
      assert.is_nil(path)
      assert.are.equal(wanted, problem:sub(1, #wanted))
    end
    assert.are.equal("/x/a%20b", core.path("/x/{a}", "a b"))
    assert.are.equal("/x/%22", core.path("/x/{a}", '"'))
  end)

  it("raises on wrong types and counts", function()
    for _, wrong in ipairs { 1, 1.5, true, {}, print, core.null } do
      assert.has_error(function() core.path("/x/{a}", wrong) end)
    end
    assert.has_error(function() core.path("/x/{a}", nil) end)
    assert.has_error(function() core.path("/x/{a}") end)
    assert.has_error(function() core.path("/x/{a}", "1", "2") end)
    assert.has_error(function() core.path("/x", "1") end)
    assert.has_error(function() core.path() end)
  end)
end)

describe("core.query", function()
  it("joins pairs in their order", function()
    assert.are.equal("", core.query {})
    assert.are.equal("a=1&b=x%20y", core.query { "a", 1, "b", "x y" })
    assert.are.equal("a=true&b=false&c=&a=2", core.query { "a", true, "b", false, "c", "", "a", "2" })
    assert.are.equal(
      "t=1716230400000&min=-9223372036854775808",
      core.query { "t", 1716230400000, "min", math.mininteger }
    )
    assert.are.equal("a%26b%3D=%3D%26%23%00", core.query { "a&b=", "=&#\0" })
    local long = ("%"):rep(10000)
    assert.are.equal("k=" .. ("%25"):rep(10000), core.query { "k", long })
  end)

  it("does not change its list", function()
    local list = { "a", 1, "b", true }
    core.query(list)
    assert.are.same({ "a", 1, "b", true }, list)
    assert.are.equal("integer", math.type(list[2]))
  end)

  it("raises on other values and odd lists", function()
    for _, wrong in ipairs { 1.5, 2.0, 0 / 0, {}, print, core.null } do
      assert.has_error(function() core.query { "a", wrong } end)
    end
    assert.has_error(function() core.query { "a" } end)
    assert.has_error(function() core.query "a=b" end)
    assert.has_error(function() core.query() end)
  end)
end)

describe("core.odd_character", function()
  it("finds control characters, and spaces at the ends", function()
    for text, wanted in pairs {
      [" a"] = "it begins with a space",
      ["a "] = "it ends in a space",
      ["\ta"] = "it begins with a tab",
      ["a\n"] = "it ends in a line feed",
      ["a\r\n"] = "it ends in a carriage return (does the file it comes from have Windows line ends?)",
      ["\n"] = "it begins with a line feed",
      ["a\0b"] = "it holds a zero byte",
      ["a\127b"] = "it holds a control character",
    } do
      assert.are.equal(wanted, core.odd_character(text))
    end
    for _, text in ipairs { "", "a", "a b", "\u{E9}", "\xFF", "a\u{A0}b", "\u{2014}" } do
      assert.is_nil(core.odd_character(text))
    end
  end)
end)

describe("core.base_url", function()
  local accepted = {
    ["https://services.leadconnectorhq.com"] = "https://services.leadconnectorhq.com",
    ["https://services.leadconnectorhq.com/"] = "https://services.leadconnectorhq.com",
    ["https://host.example/prefix"] = "https://host.example/prefix",
    ["https://host.example/prefix///"] = "https://host.example/prefix",
    ["https://host.example:8443/a/b/"] = "https://host.example:8443/a/b",
    ["HTTPS://Host.EXAMPLE/Pre"] = "https://host.example/Pre",
    ["https://[2001:db8::1]:8443"] = "https://[2001:db8::1]:8443",
    ["http://127.0.0.1:80"] = "http://127.0.0.1:80",
    ["http://127.8.9.1:1/x"] = "http://127.8.9.1:1/x",
    ["http://127.1"] = "http://127.0.0.1",
    ["http://[::1]:8080"] = "http://[::1]:8080",
    ["http://[0:0:0:0:0:0:0:1]:8080"] = "http://[::1]:8080",
    ["http://localhost:3000/"] = "http://localhost:3000",
    ["http://LocalHost"] = "http://localhost",
    ["https://host.example/%2e%2E"] = true,
  }

  it("gives the canonical form of what it accepts", function()
    for given, expected in pairs(accepted) do
      local base, problem = core.base_url(given)
      if expected ~= true then assert.are.equal(expected, base, given .. ": " .. tostring(problem)) end
      assert.are.equal(base, core.base_url(base))
    end
  end)

  it("gives back long but permitted ones whole", function()
    local long = "https://host.example/" .. ("a"):rep(2000)
    assert.are.equal(long, core.base_url(long))
  end)

  -- stylua: ignore
  local refused = {
    "", " ", "host.example", "//host.example", "https://", "https:///", "ftp://host.example", "file:///etc/passwd",
      "gopher://h",
    "http://host.example", "http://10.0.0.1", "http://127.evil.example", "http://127.0.0.1.evil.example",
    "http://127.0.0.1.2", "http://127.0.0.256", "http://127..1", "http://localhost.evil.example", "http://localhost.",
    "http://[::2]", "http://[::ffff:127.0.0.1]", "http://0.0.0.0", "http://126.0.0.1",
    "https://user@host.example", "https://user:password@host.example", "https://@host.example",
      "http://127.0.0.1@evil.example",
    "https://host.example?x=1", "https://host.example/?", "https://host.example#f", "https://host.example/a#",
    "https://host.example:0", "https://host.example:65536", "https://host.example:abc", "https://host.example:-1",
    "https://host example", "https://host.example/a b", "https://host\0.example", "https://host.example\r\nX: y",
    "https://host.example/\127", "https://höst.example", "https://host.example\\@evil.example", "https://[::1",
      "https://[fe80::1%25eth0]",
    "https://ho%0dst.example", "https://ho%00st.example", "https://ho%ffst.example", "https://ho%25st.example",
    "javascript:alert(1)",
    "https://host.example/" .. ("a"):rep(2048),
  }

  it("refuses everything else with a problem and never raises", function()
    for _, given in ipairs(refused) do
      local base, problem = core.base_url(given)
      assert.is_nil(base, given)
      assert.are.equal("string", type(problem))
      assert.is_nil(problem:find("password", 1, true) and problem:find("user:password", 1, true))
    end
  end)

  it("raises on wrong types", function()
    assert.has_error(function() core.base_url() end)
    assert.has_error(function() core.base_url {} end)
  end)
end)
