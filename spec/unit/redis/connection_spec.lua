-- With real sockets: spec/support/redis_client_cases.lua. Here a transport that keeps what is written.

local connections = require "hoopai.redis.connection"
local hoopai = require "hoopai"
local process = require "spec.support.process"

local Link = {}
Link.__index = Link

function Link:write(bytes) self.written[#self.written + 1] = bytes end
function Link:close() self.is_closed = true end
function Link:set_busy(is_busy) self.is_busy = is_busy end
function Link:is_stale() return self.stale == true end
function Link.wait(_, entry, mode, deadline) entry.changed:wait(mode, deadline) end

describe("hoopai.redis.connection", function()
  local links, refusal

  local transport = {
    refusal = function() return refusal end,
    open = function(connection)
      local link = setmetatable({ connection = connection, written = {} }, Link)
      links[#links + 1] = link
      return link
    end,
  }

  before_each(function()
    links, refusal = {}, nil
  end)

  local function client(options) return connections.client("the client", transport, options, connections.checks) end

  local function written(index) return table.concat(links[index].written) end

  it("sends nothing before the database is chosen, and all in order after it", function()
    local call = client { password = "p", database = 2 }
    local found = hoopai.run(function()
      local one = hoopai.spawn(call, "ONE")
      local two = hoopai.spawn(call, "TWO")
      hoopai.sleep(0)
      local connection = links[1].connection
      assert.are.equal("", written(1))
      connection:opened()
      assert.are.equal("*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n", written(1))
      connection:receive "+OK\r\n"
      assert.is_nil(written(1):find("ONE", 1, true))
      connection:receive "+OK\r\n"
      assert.matches("SELECT.*ONE.*TWO", written(1))
      connection:receive "+1\r\n+2\r\n"
      return { one:join(), two:join() }
    end)
    assert.are.same({ "1", "2" }, found)
    assert.is_false(links[1].is_busy)
  end)

  it("drops a connection that sends what no command asked for", function()
    local call = client()
    hoopai.run(function()
      local one = hoopai.spawn(call, "ONE")
      hoopai.sleep(0)
      links[1].connection:opened()
      links[1].connection:receive "+1\r\n+2\r\n"
      assert.are.equal("1", one:join())
      assert.is_true(links[1].is_closed)
      local two = hoopai.spawn(call, "TWO")
      hoopai.sleep(0)
      links[2].connection:receive "+too early\r\n"
      assert.are.same({ nil, "Redis at 127.0.0.1:6379: it sent what no command asked for" }, { two:join() })
    end)
  end)

  it("replaces a connection that was closed while it was idle", function()
    local call = client()
    hoopai.run(function()
      local one = hoopai.spawn(call, "ONE")
      hoopai.sleep(0)
      links[1].connection:opened()
      links[1].connection:receive "+1\r\n"
      one:join()
      links[1].stale = true
      local two = hoopai.spawn(call, "TWO")
      hoopai.sleep(0)
      assert.is_true(links[1].is_closed)
      links[2].connection:opened()
      links[2].connection:receive "+2\r\n"
      assert.are.equal("2", two:join())
    end)
  end)

  it("gives no caller the reply of another one after an error while a command was written", function()
    local call = client { timeout = 0.2 }
    hoopai.run(function()
      local one = hoopai.spawn(call, "ONE")
      hoopai.sleep(0)
      local link = links[1]
      link.connection:opened()
      function link.write() error("not enough memory", 0) end
      local two = hoopai.spawn(function() return pcall(call, "TWO") end)
      assert.are.same({ false, "not enough memory" }, { two:join() })
      assert.is_true(link.is_closed)
      assert.are.same({ nil, "Redis at 127.0.0.1:6379: a command could not be written" }, { one:join() })
      local three = hoopai.spawn(call, "THREE")
      hoopai.sleep(0)
      links[2].connection:opened()
      links[2].connection:receive "+3\r\n"
      assert.are.equal("3", three:join())
    end)
  end)

  it("keeps its order when a caller gives up among others", function()
    local call = client()
    hoopai.run(function()
      local one = hoopai.spawn(call, "ONE")
      local two = hoopai.spawn(call, "TWO")
      local three = hoopai.spawn(call, "THREE")
      hoopai.sleep(0)
      two:cancel()
      links[1].connection:opened()
      links[1].connection:receive "+1\r\n+2\r\n+3\r\n"
      assert.are.equal("1", one:join())
      assert.are.equal("3", three:join())
    end)
    assert.are.equal(1, #links)
  end)

  it("says why a caller cannot wait", function()
    refusal = "not here"
    assert.are.same({ nil, "not here" }, { client() "PING" })
    assert.are.equal(0, #links)
  end)

  it("shows no password", function()
    local call = client { password = "p%a.s" }
    local _, problem = hoopai.run(function()
      local one = hoopai.spawn(call, "ONE")
      hoopai.sleep(0)
      links[1].connection:opened()
      links[1].connection:receive "-ERR p%a.s is wrong\r\n"
      return one:join()
    end)
    assert.are.equal("Redis at 127.0.0.1:6379: Redis refused AUTH: ERR *** is wrong", problem)
  end)

  it("shows no part of a long password", function()
    local password = ("P4ssw0rd-"):rep(20)
    local call = client { password = password }
    local _, problem = hoopai.run(function()
      local one = hoopai.spawn(call, "ONE")
      hoopai.sleep(0)
      links[1].connection:opened()
      local quoted = password:sub(1, 128)
      links[1].connection:receive(("-ERR unknown command 'AUTH', with args beginning with: '%s' \r\n"):format(quoted))
      return one:join()
    end)
    assert.matches("args beginning with: '%*%*%*'", problem)
    assert.is_nil(problem:find("P4ss", 1, true))
  end)

  it("leaves a connection to the parent of a forked process", function()
    local call = client { timeout = 0.2 }
    --- The result of a command, to which the first connection responds.
    local function ask(name, reply)
      return hoopai.run(function()
        local one = hoopai.spawn(call, name)
        hoopai.sleep(0)
        if not links[1].connection.is_ready then links[1].connection:opened() end
        links[1].connection:receive(reply)
        return one:join()
      end)
    end
    assert.are.equal("1", ask("ONE", "+1\r\n"))
    local pid = process.fork()
    if pid == 0 then
      pcall(call, "TWO") -- blocks until its time is over
      process.exit(#links == 2 and 0 or 1)
    end
    assert.are.same({ "exit", 0 }, { process.wait(pid) })
    assert.are.equal("3", ask("THREE", "+3\r\n"))
    assert.are.equal(1, #links)
  end)
end)
