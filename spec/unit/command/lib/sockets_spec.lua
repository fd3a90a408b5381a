local socket = require "socket"
local sockets = require "hoopai.command.lib.sockets"

describe("sockets in coroutines", function()
  local loop, listener, port

  before_each(function()
    loop = sockets.loop()
    listener = assert(sockets.listen("127.0.0.1", 0))
    port = select(2, listener.tcp:getsockname())
  end)

  after_each(function()
    getmetatable(loop).__close(loop)
    listener.tcp:close()
  end)

  local function step_until(test)
    local deadline = socket.gettime() + 20
    while not test() do
      assert.is_true(socket.gettime() < deadline)
      loop:step(0.1)
    end
  end

  local function soon() return sockets.now() + 20 end

  it("exchange more bytes than a socket takes at a time, while others are silent", function()
    local SIZE = 8000000
    local silent = assert(socket.connect("127.0.0.1", port))
    local got, served = {}, 0
    loop:spawn(function()
      for _ = 1, 2 do
        local stream = listener.accept()
        loop:spawn(function()
          served = served + 1
          local bytes = stream:receive(soon())
          if not bytes then return end
          assert(stream:send(("x"):rep(SIZE), soon()))
          stream:linger(soon(), 1000)
          stream.tcp:close()
        end)
      end
    end)
    loop:spawn(function()
      local stream = assert(sockets.connect(sockets.addresses "127.0.0.1", port, soon()))
      assert(stream:send("hello", soon()))
      local length = 0
      while length < SIZE do
        length = length + #assert(stream:receive(soon()))
      end
      got = { length, stream:receive(soon()) }
      stream.tcp:close()
    end)
    step_until(function() return got[1] end)
    assert.are.same({ SIZE, nil, "closed" }, { got[1], got[2], got[3] })
    assert.are.equal(2, served)
    silent:close()
  end)

  it("give up at a deadline", function()
    local problem, unsent
    loop:spawn(function()
      local stream = listener.accept()
      problem = select(2, stream:receive(0))
      unsent = select(2, stream:send(("x"):rep(50000000), sockets.now() + 0.05))
      stream.tcp:close()
    end)
    local client = assert(socket.connect("127.0.0.1", port))
    step_until(function() return unsent end)
    assert.are.same({ "timeout", "timeout" }, { problem, unsent })
    client:close()
  end)

  it("linger until the peer has closed, or has sent too much", function()
    local lingered = 0
    loop:spawn(function()
      for _ = 1, 2 do
        local stream = listener.accept()
        loop:spawn(function()
          stream:linger(soon(), 10)
          lingered = lingered + 1
          stream.tcp:close()
        end)
      end
    end)
    local closing, chatty = socket.connect("127.0.0.1", port), socket.connect("127.0.0.1", port)
    closing:close()
    step_until(function() return lingered == 1 end)
    chatty:send(("x"):rep(20))
    step_until(function() return lingered == 2 end)
    chatty:close()
  end)

  it("say when nothing listens", function()
    local problem
    listener.tcp:close()
    loop:spawn(function() problem = select(2, sockets.connect(sockets.addresses "127.0.0.1", port, soon())) end)
    step_until(function() return problem end)
    assert.are.equal("connection refused", problem)
    loop:spawn(function() problem = select(2, sockets.connect({}, port, soon())) end)
    assert.are.equal("no address", problem)
    assert.is_nil((sockets.addresses "host.invalid"))
  end)

  it("try the next address of a host", function()
    local stream
    loop:spawn(function()
      local addresses = { { family = "inet6", addr = "::1" }, { family = "inet", addr = "127.0.0.1" } }
      stream = assert(sockets.connect(addresses, port, soon()))
    end)
    step_until(function() return stream end)
    stream.tcp:close()
  end)

  it("raise what a coroutine raises, and close what it held", function()
    local closed = 0
    local guard = setmetatable({}, { __close = function() closed = closed + 1 end })
    local function hold(fn)
      return function()
        local held <close> = guard -- luacheck: ignore 211
        fn()
      end
    end
    assert.has_error(function()
      loop:spawn(hold(function() error("no", 0) end))
    end, "no")
    assert.are.equal(1, closed)
    loop:spawn(hold(function() listener.accept() end))
    getmetatable(loop).__close(loop)
    assert.are.equal(2, closed)
  end)

  it("cannot listen where another one does", function()
    local second, problem = sockets.listen("127.0.0.1", port)
    assert.is_nil(second)
    assert.matches("in use", problem)
  end)

  it("keep a deadline, and let others go on, while a peer always has bytes", function()
    local peer = assert(socket.connect("127.0.0.1", port))
    assert(peer:send(("x"):rep(100000)))
    local order, problem = {}, nil
    loop:spawn(function()
      local stream = listener.accept()
      for index = 1, 3 do
        if index == 3 then order[#order + 1] = "late" end
        local bytes
        bytes, problem = stream:receive(index < 3 and soon() or sockets.now() - 1)
        order[#order + 1] = bytes and "bytes" or problem
        loop:spawn(function() order[#order + 1] = "other" end)
      end
      stream.tcp:close()
    end)
    step_until(function() return problem end)
    assert.are.same({ "bytes", "other", "bytes", "other", "late", "timeout", "other" }, order)
    peer:close()
  end)
end)
