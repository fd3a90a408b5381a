-- The test server itself: its rules are what really happens on the wire.

local literal = require "spec.support.literal"
local servers = require "spec.support.server"
local socket = require "socket"

describe("test server:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  after_each(function() server:reset() end)

  local function connect()
    local sock = assert(socket.tcp4())
    sock:settimeout(10)
    assert(sock:connect("127.0.0.1", server.port))
    return sock
  end

  --- Sends bytes on a new connection; returns all that comes back, and how it ended ("closed" or an error text).
  local function exchange(bytes)
    local sock = connect()
    assert(sock:send(bytes))
    local parts = {}
    while true do
      local part, problem, rest = sock:receive(1)
      parts[#parts + 1] = part or rest
      if not part then
        sock:close()
        return table.concat(parts), problem
      end
    end
  end

  local function get(path) return "GET " .. path .. " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" end

  it("follows its rules, each once, in the order of the script", function()
    server:reply(
      { path = "/a", status = 201, headers = { { "X-One", "1" }, { "X-One", "2" } }, body = "first" },
      { path = "/a", status = 404, reason = "Nope", body = "second" }
    )
    local text, ending = exchange(get "/a?b=c")
    assert.are.equal(
      "HTTP/1.1 201 Created\r\nX-One: 1\r\nX-One: 2\r\n"
        .. "Content-Type: application/json; charset=utf-8\r\nContent-Length: 5\r\n\r\nfirst",
      text
    )
    assert.are.equal("closed", ending)
    assert.matches("^HTTP/1%.1 404 Nope\r\n.*second$", (exchange(get "/a")))
    assert.is_nil(server:problem())
    assert.matches("^HTTP/1%.1 500 ", (exchange(get "/a")))
    assert.matches("no rule for request 3: GET /a", server:problem(), 1, true)
  end)

  it("matches method, path, target and exchange", function()
    server:reply(
      { method = "PUT", body = "put" },
      { target = "/x?y=1", body = "target" },
      { path = "/x", body = "path" },
      { exchange = 2, body = "second on its connection" }
    )
    assert.matches("path$", (exchange(get "/x?y=2")))
    assert.matches("target$", (exchange(get "/x?y=1")))
    assert.are.equal("unused rules of the test server: 1, 4", server:problem())
    assert.matches("put$", (exchange((get "/z"):gsub("GET", "PUT"))))
    server:reply { path = "/1", body = "one" }
    local both = exchange("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" .. get "/2")
    assert.matches("one.*second on its connection$", both)
    assert.is_nil(server:problem())
  end)

  it("repeats and expands", function()
    server:reply { always = true, expand = true, status = "$status", body = "$method $path $target $last $number" }
    assert.matches("^HTTP/1%.1 418 .*GET /a/s418 /a/s418%?q s418 1$", (exchange(get "/a/s418?q")))
    assert.matches(" 2$", (exchange(get "/s200")))
    server:reset()
    server:reply { times = 2, body = "twice" }
    for _ = 1, 2 do
      assert.matches("twice$", (exchange(get "/")))
    end
    assert.matches("^HTTP/1%.1 500", (exchange(get "/")))
  end)

  it("keeps a ledger", function()
    server:reply { always = true, body = "{}" }
    exchange(
      "POST /p?q=%20 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-b:  two\r\nContent-Length: 4\r\n"
        .. "Connection: close\r\n\r\n\0\1\2\3"
    )
    local entry = server:last()
    assert.are.equal("POST", entry.method)
    assert.are.equal("/p?q=%20", entry.target)
    assert.are.equal("/p", entry.path)
    assert.are.equal("q=%20", entry.query)
    assert.are.equal("1.1", entry.version)
    assert.are.equal("\0\1\2\3", entry.body)
    assert.is_true(entry.complete)
    assert.are.same({ "Host", "h" }, entry.headers[1])
    assert.are.equal("1", entry.header["x-a"])
    assert.are.equal(1, entry.connection)
    assert.are.equal(1, entry.exchange)
    assert.are.equal("answered", entry.outcome)
    assert.are.equal(1, entry.at_once)
    assert.is_true(entry.ended >= entry.arrived)
    server:wait("open", "exactly", 0)
    assert.are.same({ { number = 1, requests = 1, open = false } }, server:connections())
  end)

  it("sends raw bytes, cuts, closes, resets", function()
    server:reply(
      { path = "/raw", raw = "\0no HTTP\xff", close = true },
      { path = "/cut", cut = 20, body = ("x"):rep(100) },
      { path = "/close", close = "before" },
      { path = "/reset", reset = "before" },
      { path = "/late", reset = true, body = "x" }
    )
    assert.are.same({ "\0no HTTP\xff", "closed" }, { exchange(get "/raw") })
    assert.are.same({ "HTTP/1.1 200 OK\r\nCon", "closed" }, { exchange(get "/cut") })
    assert.are.same({ "", "closed" }, { exchange(get "/close") })
    local text, ending = exchange(get "/reset")
    assert.are.equal("", text)
    assert.is_true(ending ~= "timeout")
    exchange(get "/late")
    local outcomes = {}
    for index, entry in ipairs(server:ledger()) do
      outcomes[index] = entry.outcome
    end
    assert.are.same({ "closed", "closed", "closed", "reset", "reset" }, outcomes)
  end)

  it("acts on connections and on heads, too", function()
    server:reply({ at = "accept", steps = { { send = "220 hello\r\n" }, { close = true } } })
    assert.are.equal("220 hello\r\n", (exchange("")))
    server:reply { at = "head", path = "/h", steps = { { send = "early" }, { close = true } } }
    local sock = connect()
    assert(sock:send("POST /h HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"))
    assert.are.equal("early", sock:receive(5))
    sock:close()
    assert.is_nil(server:last().complete)
  end)

  it("waits, drips, holds and stalls, and sees the client go", function()
    server:reply(
      { path = "/drip", steps = { { drip = "abcdef", size = 2, every = 0.001 }, { wait = 0.001 }, { close = true } } },
      { path = "/hold", hold = "gate", body = "held" },
      { path = "/stall", steps = { { stall = true } } },
      { path = "/half", steps = { { send = "x" }, { shutdown = true }, { stall = true } } }
    )
    assert.are.equal("abcdef", (exchange(get "/drip")))
    local holding, stalled = connect(), connect()
    assert(holding:send(get "/hold"))
    assert(stalled:send(get "/stall"))
    server:wait("arrived", "exactly", 3)
    assert.are.equal(2, server:count("busy"))
    stalled:close()
    server:wait("busy", "exactly", 1)
    server:release("gate")
    assert.matches("^HTTP/1%.1 200 OK", assert(holding:receive("*l")))
    holding:close()
    server:wait("ended", "exactly", 3)
    local outcomes = {}
    for _, entry in ipairs(server:ledger()) do
      outcomes[entry.path] = entry.outcome
    end
    assert.are.same({ ["/drip"] = "closed", ["/hold"] = "answered", ["/stall"] = "gone" }, outcomes)
    assert.are.equal(2, server:last().at_once)
    assert.are.same({ "x", "closed" }, { exchange(get "/half") })
  end)

  it("forgets everything when reset, and lets go of who waits", function()
    server:reply { path = "/x", steps = { { stall = true } } }
    local sock = connect()
    assert(sock:send(get "/x"))
    server:wait("arrived", "exactly", 1)
    server:reset()
    assert.are.same({ nil, "closed", "" }, { sock:receive(1) })
    sock:close()
    assert.are.same({}, server:ledger())
    assert.are.equal(0, server:count("busy"))
    assert.are.equal(0, server:count("open"))
  end)

  it("says what it does not understand", function()
    assert.has_error(function() server:count("sheep") end)
    assert.are.equal(0, server:count("arrived")) -- and goes on
  end)

  it("ends with stop, however often that is said", function()
    local other = servers.start()
    other:stop()
    other:stop()
    local sock = assert(socket.tcp4())
    assert.is_nil(sock:connect("127.0.0.1", other.port))
    sock:close()
  end)

  it("values survive the way to the server and back", function()
    for _, value in ipairs {
      'a\0\r\n"\\\xff',
      5,
      2.5,
      -0.1,
      math.huge,
      math.mininteger,
      true,
      { 1, { x = "y", [3] = false } },
      {},
    } do
      assert.are.same(value, literal.decode(literal.encode(value)))
    end
    assert.has_error(function() literal.encode(print) end)
  end)
end)
