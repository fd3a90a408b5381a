--- The specs that the clients of Redis over luv and cqueues have in common: see spec/support/redis_clients.lua.
local assert = require "luassert"
local child = require "spec.support.child"
local hoopai = require "hoopai"
local redis = require "spec.support.redis"
local sandbox = require "hoopai.sandbox"

local cases = {}

--- Starts a case.
local function start(loop, case, port, more)
  return child.start(
    ("arg = { [0] = 'redis_clients.lua', %q, %q, %q, %q } dofile 'spec/support/redis_clients.lua'"):format(
      loop,
      case,
      tostring(port),
      more or ""
    )
  )
end

--- Runs a case to its end. Returns what it printed.
function cases.run(loop, case, port, more)
  local text, ok = start(loop, case, port, more):finish()
  assert.is_true(ok, text)
  return text
end

local function with_peer(loop, case, conduct)
  local command = ("echo $$; exec %s spec/support/redis_peer.lua %s"):format(child.interpreter(), conduct)
  local peer = assert(io.popen(command))
  local pid, port = peer:read("n", "n")
  local text = cases.run(loop, case, port)
  os.execute(("kill %d"):format(pid))
  peer:close()
  return text
end

local function lines(...) return table.concat({ ... }, "\n") .. "\n" end

local HOST = "Redis at 127.0.0.1:%d+: "

--- Name -> case(loop, server): server is a Redis that the cases of one loop share.
cases.contract = {
  ["sends commands and reads replies"] = function(loop, server)
    assert.are.equal(
      lines(
        "PONG",
        "OK\ttrue\tnil\t1",
        "\t3",
        "x 2 0.5\tfalse",
        "nil\tWRONGTYPE Operation against a key holding the wrong kind of value",
        "PONG",
        "nil\targument 1 of the command must be a string or a number, and is a table",
        "true"
      ),
      cases.run(loop, "commands", server.port)
    )
  end,

  ["serves many tasks over one connection"] = function(loop, server)
    assert.are.equal("true\n1\n", cases.run(loop, "many_tasks", server.port))
  end,

  ["lets the loop go on while a command waits"] = function(loop, server)
    assert.are.equal("nil\ntrue\n", cases.run(loop, "loop_goes_on", server.port))
  end,

  ["signs in, and chooses the database before any command"] = function(loop)
    local guarded <close> = redis.start "--requirepass right-password"
    local text = cases.run(loop, "signs_in", guarded.port)
    assert.matches("^nil\tNOAUTH [^\n]*\nnil\t" .. HOST .. "Redis refused AUTH: WRONGPASS [^\n]*\nOK\tnil\n3\n", text)
    assert.matches("nil\t" .. HOST .. "Redis refused SELECT: [^\n]*\n$", text)
    assert.is_nil(text:find "right%-" or text:find "wrong%-")
  end,

  ["drops a connection with a late command, and repeats none"] = function(loop, server)
    local late = "nil\t" .. HOST .. "no response within 0.3 s\n"
    assert.matches("^" .. late .. late .. "[1n]i?l?\n$", cases.run(loop, "too_late", server.port))
  end,

  ["gives a command up whose task is cancelled"] = function(loop, server)
    assert.are.equal("nil\nmine\nnil\nnil\tmine\n", cases.run(loop, "cancelled", server.port))
  end,

  ["connects again after a break"] = function(loop)
    local fragile <close> = redis.start()
    local case = start(loop, "restart", fragile.port)
    local first = case.output:read "L"
    fragile.options = "--databases 7"
    fragile:kill "again"
    local rest, ok = case:finish()
    assert.is_true(ok, rest)
    assert.are.equal("OK\nPONG\ttrue\n", first .. rest)
  end,

  ["says in one line where nothing listens"] = function(loop)
    local gone = redis.start()
    gone:kill()
    assert.matches("^nil\t" .. HOST .. "cannot connect: [^\n]+\ntrue\n$", cases.run(loop, "nobody", gone.port))
    gone:stop()
  end,

  ["stores a token whose exchange was in flight when the host stopped its loop and ended"] = function(loop, server)
    local box <close> = sandbox.start { control = true }
    local connection = server:connect()
    local store = hoopai.store.redis { call = hoopai.redis.lua_redis(function() return connection end) }
    local app <close> = hoopai.oauth {
      client_id = box.oauth.client_id,
      client_secret = box.oauth.client_secret,
      base_url = box.url,
      store = store,
    }
    assert(app:exchange { code = box.oauth.code { class = "Location" } })
    box:control("oauth/expire", {})
    box:control("oauth/fault", { grant = "refresh_token", delay_ms = 1500 })
    local words = { child.interpreter(), "spec/support/redis_stopped_host.lua", loop, box.url, box.oauth.client_id }
    for _, word in ipairs { box.oauth.client_secret, box.location_id, box.seed.calendars.checkup, server.port } do
      words[#words + 1] = word
    end
    for index, word in ipairs(words) do
      words[index] = child.quote(tostring(word))
    end
    -- Leaks at the end of the process: coroutines of cqueues whose controller is not stepped any more, and handles of
    -- luv that are made while the state is being closed, as these have no finaliser.
    local pipe = io.popen("ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 " .. table.concat(words, " ") .. " 2>&1")
    local text = pipe:read "a"
    assert.is_true(pipe:close(), text)
    assert.are.equal("stopped\n", text)
    local key = ("hoopai:token:%s/location/%s"):format(box.oauth.client_id, box.location_id)
    assert.are.equal("2", server.admin:hget(key, "generation"))
    assert.are.equal(1, box:control("oauth/counts").rotations)
    connection:quit() -- another case counts the connections
  end,

  ["does not keep the loop going while it is idle"] = function(loop, server)
    assert.are.equal("PONG\n", cases.run(loop, "idle", server.port))
  end,

  ["takes no late reply for that of another command"] = function(loop)
    assert.matches("^nil\t" .. HOST .. "no response within 0.4 s\nreply 2\n$", with_peer(loop, "late", "late"))
  end,
}

--- Conduct of a peer -> what each of two commands returns.
local CONDUCTS = {
  silent = "nil\t" .. HOST .. "no connection within 0.3 s\n",
  hangs_up = "nil\t" .. HOST .. "the connection was closed by the server\n",
  garbage = "nil\t" .. HOST .. "its reply cannot be read: it is not the protocol of Redis\n",
  half = "nil\t" .. HOST .. "the connection was closed by the server\n",
  huge = "nil\t" .. HOST .. "its reply cannot be read: it has more than 16777216 bytes\n",
  endless = "nil\t" .. HOST .. "its reply cannot be read: a line is too long\n",
  tells = "nil\t" .. HOST .. "Redis refused AUTH: ERR the password is %*%*%*,  %[2J  is it not\n",
}
for conduct, expected in pairs(CONDUCTS) do
  cases.contract["survives a peer: " .. conduct] = function(loop)
    local text = with_peer(loop, "peer", conduct)
    assert.matches("^" .. expected .. expected .. "$", text)
  end
end

return cases
