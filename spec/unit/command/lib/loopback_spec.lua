local child = require "spec.support.child"
local failure = require "hoopai.command.lib.failure"
local loopback = require "hoopai.command.lib.loopback"
local socket = require "socket"

describe("the loopback address", function()
  it("is one of this computer", function()
    assert.are.same({ 8484, "/callback" }, { loopback.place "http://127.0.0.1:8484/callback" })
    assert.are.same({ 80, "/" }, { loopback.place "http://localhost:80/" })
    for _, uri in ipairs {
      "https://127.0.0.1:1/x",
      "http://example.com:80/x",
      "http://127.0.0.1/x",
      "http://127.0.0.1:1",
      "http://127.0.0.1:1@example.com/",
    } do
      assert.is_nil(loopback.place(uri))
    end
  end)

  it(
    "reads the fields of a query",
    function() assert.are.same({ a = "b c", d = "é&", e = "" }, loopback.fields "a=b+c&d=%c3%a9%26&e=") end
  )

  it("waits for the browser, and for no other request", function()
    local port
    do
      local probe = socket.bind("127.0.0.1", 0)
      port = select(2, probe:getsockname())
      probe:close()
    end
    local listener <close> = loopback.listen(port, "/callback")
    local program = [[
      local socket = require "socket"
      for _, target in ipairs { "/favicon.ico", "/callback?x=1", "/other?state=1", "/callback?state=s&code=c%%20d" } do
        local connection = assert(socket.connect("127.0.0.1", %d))
        connection:send("GET " .. target .. " HTTP/1.1\r\nHost: x\r\n\r\n")
        io.write(connection:receive "*l", "\n")
        connection:close()
      end]]
    local browser = child.start(program:format(port))
    assert.are.same({ state = "s", code = "c d" }, listener:wait())
    local text = browser:finish()
    assert.are.equal(("HTTP/1.1 404 Not Found\n"):rep(3) .. "HTTP/1.1 200 OK\n", text)
  end)

  it("must be free", function()
    local taken = socket.bind("127.0.0.1", 0)
    local port = select(2, taken:getsockname())
    local ok, problem = pcall(loopback.listen, port, "/")
    taken:close()
    assert.is_false(ok)
    local status, message, advice = failure.explain(problem)
    assert.are.equal(1, status)
    assert.matches(("^login: port %d of this computer cannot be used: "):format(port), message)
    assert.are.equal("write another --port", advice)
  end)

  it("needs LuaSocket", function()
    local real = package.loaded.socket
    package.loaded.socket, package.preload.socket = nil, function() error "no" end
    local listener = loopback.listen(1, "/")
    package.loaded.socket, package.preload.socket = real, nil
    assert.is_nil(listener)
  end)
end)
