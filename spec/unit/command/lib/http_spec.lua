local http = require "hoopai.command.lib.http"

--- A source that has the pieces of a request, and then a problem.
local function source_of(pieces, problem)
  local at, source = 0, { text = "", continued = 0 }
  function source.more()
    at = at + 1
    if pieces[at] then return pieces[at] end
    return nil, problem or "closed"
  end
  function source.go_on() source.continued = source.continued + 1 end
  return source
end

local function read(text, most, problem) return http.read_request(source_of({ text }, problem), most or 1000) end

local function status_of(...)
  local request, status = read(...)
  assert.is_nil(request)
  return status
end

local function post(...) return table.concat({ "POST /x HTTP/1.1", ... }, "\r\n") end

describe("a request", function()
  it("is read whole, however its bytes arrive", function()
    local text = post("Host: a", "Content-Length: 5", "X-A:\t b: c \t", "", "12345rest")
    for size = 1, #text do
      local pieces = {}
      for from = 1, #text, size do
        pieces[#pieces + 1] = text:sub(from, from + size - 1)
      end
      local request = http.read_request(source_of(pieces), 1000)
      assert.are.same({
        method = "POST",
        target = "/x",
        body = "12345",
        fields = {
          { name = "Host", value = "a" },
          { name = "Content-Length", value = "5" },
          { name = "X-A", value = "b: c" },
        },
      }, request)
    end
  end)

  it("may be without fields and without a body", function()
    local request = read "GET * HTTP/1.0\r\n\r\n"
    assert.are.same({ method = "GET", target = "*", fields = {}, body = "" }, request)
  end)

  it("may be in chunks", function()
    local chunks = '3\r\nabc\r\n00b ;x="y"\r\n\r\n012345\r\n7\r\n0\r\nTrailer: t\r\n\r\n'
    assert.are.equal("abc\r\n012345\r\n7", read(post("Transfer-Encoding: Chunked", "", chunks)).body)
    assert.are.equal("", read(post("Transfer-Encoding: chunked", "", "0\r\n\r\n")).body)
    for _, wrong in ipairs {
      "x\r\n",
      "-1\r\n",
      "0x1\r\na\r\n0\r\n\r\n",
      "\r\n",
      "1\r\nab\r\n0\r\n\r\n",
      "1\r\na\n\n0\r\n\r\n",
      "ffffffffffffffff1\r\n",
      "1 1\r\na\r\n",
      ("1"):rep(2000),
      "0\r\n",
      "1\r\na",
    } do
      assert.are.equal(400, status_of(post("Transfer-Encoding: chunked", "", wrong)), wrong)
    end
    assert.are.equal(413, status_of(post("Transfer-Encoding: chunked", "", "3e9\r\n")))
    assert.are.equal(413, status_of(post("Transfer-Encoding: chunked", "", ("1\r\na\r\n"):rep(300) .. "0\r\n\r\n")))
    assert.are.equal(413, status_of(post("Transfer-Encoding: chunked", "", "1\r\na\r\n3e8\r\n")))
    local many = ("a: b\r\n"):rep(101)
    assert.are.equal(431, status_of(post("Transfer-Encoding: chunked", "", "0\r\n" .. many)))
  end)

  it("has one length", function()
    for _, lines in ipairs {
      { "Content-Length: 1", "Content-Length: 1" },
      { "Content-Length: 1", "content-length: 2" },
      { "Content-Length: 1", "Transfer-Encoding: chunked" },
      { "Transfer-Encoding: chunked", "Transfer-Encoding: chunked" },
      { "Content-Length: +1" },
      { "Content-Length: 1, 1" },
      { "Content-Length: 0x1" },
      { "Content-Length: " },
    } do
      lines[#lines + 1] = "\r\n1"
      assert.are.equal(400, status_of(post(table.unpack(lines))), table.concat(lines, "|"))
    end
    assert.are.equal(501, status_of(post("Transfer-Encoding: gzip, chunked", "", "")))
    assert.are.equal(413, status_of(post("Content-Length: 1001", "", "")))
    assert.are.equal(413, status_of(post("Content-Length: " .. ("9"):rep(400), "", "")))
    assert.are.equal(1000, #read(post("Content-Length: 1000", "", ("x"):rep(1000))).body)
  end)

  it("has a head of a limited size in the form of HTTP/1.1", function()
    for _, head in ipairs {
      "POST /x HTTP/1.1\n\n\r\n\r\n",
      "POST /x HTTP/2.0\r\n\r\n",
      "POST  /x HTTP/1.1\r\n\r\n",
      "post /x HTTP/1.1\r\n\r\n",
      "POST /x\r\n\r\n",
      "\22\3\1\2\0\1\0\1\r\n\r\n",
      post("no colon", "", ""),
      post("Name : x", "", ""),
      post(": x", "", ""),
      post("A: b", " folded", "", ""),
      post("A: b\nC: d", "", ""),
      post("A: b\rC: d", "", ""),
      post("A: b\0", "", ""),
      post("A(: b", "", ""),
    } do
      assert.are.equal(400, status_of(head), head)
    end
    assert.are.equal(431, status_of("POST /" .. ("x"):rep(20000)))
    assert.are.equal(431, status_of(post("A: " .. ("x"):rep(20000), "", "")))
    assert.are.equal(431, status_of(post(("A: b\r\n"):rep(101) .. "\r\n")))
    assert.are.equal(100, #read(post(("A: b\r\n"):rep(100) .. "\r\n")).fields)
  end)

  it("that does not come whole is refused", function()
    for _, part in ipairs { "", "POST", post("A: b"), post("Content-Length: 3", "", "ab") } do
      assert.are.equal(400, status_of(part))
      assert.are.equal(408, status_of(part, 1000, "timeout"))
    end
  end)

  it("is told to go on before its body, if it asks", function()
    local source = source_of { post("Expect: 100-continue", "Content-Length: 1", "", ""), "x" }
    assert.are.equal("x", http.read_request(source, 1000).body)
    assert.are.equal(1, source.continued)
    source = source_of { post("Expect: 100-continue", "Content-Length: 2000", "", ""), "x" }
    assert.are.equal(413, select(2, http.read_request(source, 1000)))
    assert.are.equal(0, source.continued)
  end)
end)

describe("a forwarded request", function()
  it("has the body and the fields but for those of the connection", function()
    local request = read(
      post(
        "Host: a",
        "X-GHL-Signature: s",
        "CONNECTION: x",
        "x-twice: 1",
        "X-Twice: 2",
        "Transfer-Encoding: chunked",
        "",
        "2\r\n\0\n\r\n0\r\n\r\n"
      )
    )
    assert.are.equal(
      table.concat({
        "POST /hook HTTP/1.1",
        "Host: b:1",
        "X-GHL-Signature: s",
        "x-twice: 1",
        "X-Twice: 2",
        "Content-Length: 2",
        "Connection: close",
        "",
        "\0\n",
      }, "\r\n"),
      http.forwarded(request, { authority = "b:1", target = "/hook" })
    )
  end)
end)

describe("a response", function()
  local function status(...) return http.read_status(source_of { ... }) end

  it("has a status, after those that are provisional", function()
    assert.are.equal(200, status "HTTP/1.1 200 OK\r\n\r\n")
    assert.are.equal(204, status("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0", " 204\r\nA: b\r\n\r\n"))
    for _, text in ipairs {
      "",
      "HTTP/1.1 2000 x\r\n\r\n",
      "HTTP/1.1 600 x\r\n\r\n",
      "SSH-2.0\r\n\r\n",
      "HTTP/1.1 200 OK",
    } do
      assert.is_nil(status(text))
    end
    assert.is_nil(status(("HTTP/1.1 100 x\r\n\r\n"):rep(1000)))
  end)

  it("is written without a body", function()
    assert.are.equal("HTTP/1.1 401 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n", http.response(401))
    assert.are.equal("HTTP/1.1 204 \r\nConnection: close\r\n\r\n", http.response(204))
  end)
end)

describe("the address to forward to", function()
  it("has a host, a port and a target", function()
    for url, place in pairs {
      ["http://localhost:3000/a?b=c"] = { "localhost", 3000, "localhost:3000", "/a?b=c" },
      ["HTTP://127.0.0.1"] = { "127.0.0.1", 80, "127.0.0.1", "/" },
      ["http://a.example?x"] = { "a.example", 80, "a.example", "/?x" },
      ["http://[::1]:8/"] = { "::1", 8, "[::1]:8", "/" },
    } do
      local found = assert(http.place(url))
      assert.are.same(place, { found.host, found.port, found.authority, found.target })
    end
    for _, url in ipairs {
      "https://localhost/",
      "localhost:3000",
      "http://",
      "http:///x",
      "http://user@host/",
      "http://host:0/",
      "http://host:65536/",
      "http://host:x/",
      "http://host/a b",
      "http://host/a\r\nX: y",
      "http://host/a#b",
    } do
      local place, problem = http.place(url)
      assert.is_nil(place, url)
      assert.is_string(problem)
    end
  end)
end)
