--- What each client of Redis must do under its loop. A loop is chosen once in a process, so each case is a process:
--
--   lua5.4 spec/support/redis_clients.lua LOOP CASE PORT
package.path = "./?.lua;" .. package.path

local hoopai = require "hoopai"
local redis = require "hoopai.redis"

local loop, name, port = arg[1], arg[2], tonumber(arg[3])

local cases = {}

local function client(options)
  local all = { port = port }
  for key, value in pairs(options or {}) do
    all[key] = value
  end
  return redis[loop](all)
end

function cases.commands()
  local call = client()
  print(call "PING")
  print(call("SET", "key", "a\r\n\0b"), call("GET", "key") == "a\r\n\0b", call("GET", "nothing"), call("INCR", "n"))
  print(table.concat(call("LRANGE", "list", 0, -1)), call("RPUSH", "list", "x", 2, 0.5))
  print(table.concat(call("LRANGE", "list", 0, -1), " "), call("MGET", "key", "nothing")[2])
  print(call("LPUSH", "key", 1))
  print(call "PING")
  print(call("GET", {}))
  local long = ("x"):rep(3000000)
  print(call("ECHO", long) == long)
end

function cases.many_tasks()
  local call, items = client(), {}
  for index = 1, 200 do
    items[index] = (index .. " "):rep(index)
  end
  local echoed, errors = hoopai.map(items, function(item) return call("ECHO", item) end, { concurrency = 50 })
  local same = errors == nil
  for index = 1, 200 do
    same = same and echoed[index] == items[index]
  end
  print(same)
  local _, count = call("CLIENT", "LIST"):gsub("\n", "")
  print(count - 1) -- without that of the spec
end

--- The loop goes on while a command waits.
function cases.loop_goes_on()
  local call, turns, is_done = client(), 0, false
  hoopai.spawn(function()
    repeat
      hoopai.sleep(0.01)
      turns = turns + 1
    until is_done
  end)
  print(call("BLPOP", "nothing", 0.5))
  is_done = true
  print(turns > 10)
end

function cases.signs_in()
  print(client()("GET", "key"))
  print(client { password = "wrong-password" }("GET", "key"))
  local call = client { password = "right-password", database = 3 }
  print(call("SET", "key", 3), client { password = "right-password", username = "default", database = 4 }("GET", "key"))
  print(client { password = "right-password" }("EVAL", "redis.call('SELECT', 3) return redis.call('GET', 'key')", 0))
  print(client { password = "right-password", database = 99 }("SET", "key", 1))
end

--- A command that takes too long takes all others of its connection with it, and none of them is sent again.
function cases.too_late()
  local call, found = client { timeout = 0.3 }, {}
  hoopai.all {
    function()
      found[1] = { call("BLPOP", "nothing", 1) }
      return true
    end,
    function()
      hoopai.sleep(0.1)
      found[2] = { call("INCR", "counted") }
      return true
    end,
  }
  for index = 1, 2 do
    print(found[index][1], found[index][2])
  end
  hoopai.sleep(1)
  print(call("GET", "counted"))
end

function cases.cancelled()
  local call = client()
  print((hoopai.timeout(0.1, function() return call("BLPOP", "nothing", 1) end)))
  print(call("ECHO", "mine"))
  -- Another task still waits: the connection stays.
  local other = hoopai.spawn(function() return call("BLPOP", "nothing", 0.4) or "nil" end)
  hoopai.sleep(0.05)
  print((hoopai.timeout(0.1, function() return call("ECHO", "lost") end)))
  print(other:join(), call("ECHO", "mine"))
end

--- The spec ends the server and starts another one when it reads the first line.
function cases.restart()
  local call = client()
  print(call("SET", "key", 1))
  io.stdout:flush()
  hoopai.sleep(0.1)
  local deadline, problems = os.time() + 20, 0
  repeat
    local id, problem = call("CONFIG", "GET", "databases")
    if problem then problems = problems + 1 end
    hoopai.sleep(0.02)
  until (id and id[2] == "7") or os.time() > deadline
  print(call "PING", problems < 1000)
end

function cases.nobody()
  print(client { timeout = 1 } "PING")
  print(client { timeout = 1, host = ("x"):rep(300) } "PING" == nil)
end

--- Two commands to a peer that is no good Redis.
function cases.peer()
  local call = client { timeout = 0.3, password = "pass%word" }
  print(call "PING")
  print(call "PING")
  hoopai.sleep(0.5)
end

function cases.late()
  local call = client { timeout = 0.4 }
  print(call "FIRST")
  hoopai.sleep(0.4) -- the first reply has come meanwhile, to a connection that is closed
  print(call "SECOND")
end

function cases.tls()
  print(client({ host = "localhost", tls = { ca_file = arg[4] }, timeout = 5 }) "PING")
  print(client({ host = "localhost", tls = true, timeout = 5 }) "PING" == nil)
  print(client({ host = "127.0.0.1", tls = { ca_file = arg[4] }, timeout = 5 }) "PING" == nil)
  print(client({ host = "localhost", tls = { ca_file = "/nowhere" }, timeout = 5 }) "PING" == nil)
end

--- An idle connection does not keep the loop going: this process ends.
function cases.idle() print(client() "PING") end

local function main()
  hoopai.spawn(function()
    cases[name]()
    io.stdout:flush()
  end)
end

--- A controller that ends with an error has no coroutines any more: another one uses the connection as well.
local function controllers()
  local call, cqueues = client { timeout = 5 }, require "cqueues"
  local ended = cqueues.new()
  ended:wrap(function()
    print(call "PING")
    error "the end"
  end)
  print((ended:loop()))
  local controller = cqueues.new()
  controller:wrap(function()
    local begun = cqueues.monotime()
    print(call "PING", call "PING", cqueues.monotime() - begun < 2)
  end)
  assert(controller:loop())
end

hoopai.use(hoopai.loop[loop])
if name == "controllers" then
  controllers()
elseif name == "outside" then
  print(client() "PING")
elseif loop == "luv" then
  main()
  require("luv").run()
else
  local controller = require("cqueues").new()
  controller:wrap(main)
  assert(controller:loop())
end
