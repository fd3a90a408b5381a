--- What is measured: the cases, and the clients of each.
local bodies = require "spec.bench.support.bodies"
local machine = require "spec.bench.support.machine"

local format = string.format

local plan = {}

--- What all clients are asked. `server` names one of spec/bench/support/servers.lua; `seconds` is how often the usual
-- time, `most` bounds the requests, `warm` is how many requests do not count.
-- stylua: ignore
plan.cases = {
  { id = "small-c1", title = "small c1", kind = "small", concurrency = 1, server = "plain" },
  { id = "small-c32", title = "small c32", kind = "small", concurrency = 32, server = "plain" },
  { id = "medium-c32", title = "medium c32", kind = "medium", concurrency = 32, server = "plain" },
  { id = "large-c1", title = "large c1", kind = "large", concurrency = 1, server = "plain", warm = 3, seconds = 2 },
  { id = "slow-c1000", title = "50 ms c1000", kind = "small", concurrency = 1000, server = "slow", warm = 2000,
    seconds = 2 },
  { id = "slow-c5000", title = "50 ms c5000", kind = "small", concurrency = 5000, server = "slow", warm = 40000,
    seconds = 2 }, -- the first requests wait for the system's queue of new connections
  { id = "slow-tasks", title = "20,000 tasks", kind = "small", concurrency = 1000, tasks = 20000, server = "slow",
    warm = 40000, seconds = 2 },
  -- What a thousand calls take while they all wait for the first time: no garbage of calls before is in that.
  { id = "wait-1000", title = "waiting", kind = "small", concurrency = 1000, server = "still", warm = 0, most = 1000,
    seconds = 20, hidden = true },
  { id = "wait-1", title = "waiting", kind = "small", concurrency = 1, server = "still", warm = 0, most = 1,
    seconds = 20, hidden = true },
  { id = "h2-c32", title = "HTTP/2 c32", kind = "small", concurrency = 32, server = "tls", http2 = true },
  { id = "tls-c1", title = "new TLS c1", kind = "small", concurrency = 1, server = "once", warm = 20 },
}

local lua = os.getenv("LUA") or "lua5.4"

local function tail(case)
  return format("%d %g %d %d", case.concurrency, case.seconds, case.most or 100000000, case.warm)
end

local function raw(flags)
  return function(case, base)
    return format(
      "build/bench/rawc %s%s%s '%s%s' %s",
      flags,
      case.http2 and "-2 " or "",
      case.server == "once" and "-n " or "",
      base,
      bodies.paths[case.kind],
      tail(case)
    )
  end
end

local function script(name)
  return function(case, base)
    return format("%s spec/bench/clients/%s.lua %s %s %s", lua, name, base, case.kind, tail(case))
  end
end

local function with_hooks(case, base) return "env BENCH_HOOKS=1 " .. script "hoopai"(case, base) end

local function program(name)
  return function(case, base)
    return format("%s spec/bench/clients/command.lua %s %s %s %s", lua, name, base, case.kind, tail(case))
  end
end

local function node(name)
  -- stylua: ignore
  return function(case, base)
    return format("node spec/bench/clients/%s.js %s %s %s", name, base, case.kind, tail(case))
  end
end

local function has_module(name)
  return function()
    return os.execute(format("%s -e 'require \"%s\"' >/dev/null 2>&1", lua, name)) == true
      or "the module " .. name .. " is not installed"
  end
end

local function has_program(name)
  return function() return machine.has(name) or name .. " is not installed" end
end

--- Whether the vendor's SDK is there, or why not. It comes from npm.
function plan.has_sdk()
  if not machine.has("node") then return "node is not installed" end
  local ok, problem = pcall(machine.run, ".ci/npm/install sdk build/bench/node")
  return ok or "npm could not install it: " .. problem:gsub("\n.*", "")
end

--- The library of another checkout, with the same script.
local function based(folder)
  return function(case, base)
    return format(
      "sh -c 'eval \"$(%s/.ci/env)\"; exec %s spec/bench/clients/hoopai.lua %s %s %s'",
      folder,
      lua,
      base,
      case.kind,
      tail(case)
    )
  end
end

local requests = { "small-c1", "small-c32", "medium-c32", "large-c1" }
local everything = {
  "small-c1",
  "small-c32",
  "medium-c32",
  "large-c1",
  "slow-c1000",
  "slow-c5000",
  "wait-1000",
  "wait-1",
  "h2-c32",
  "tls-c1",
}

-- In the case "slow-tasks" the tasks share the connections of `concurrency`; only this library has tasks.
local with_tasks = table.move(everything, 1, #everything, 2, { "slow-tasks" })

--- The clients. `command` is given a case and the base URL; `ready` returns true, or why the client cannot take part;
-- a `peer` is left out if only this library is of interest; `warm` is the number of requests before a client is at full
-- speed, if the case does not say.
-- stylua: ignore
plan.clients = {
  { id = "raw", title = "raw C, libcurl multi", command = raw "", cases = everything },
  { id = "raw-epoll", title = "raw C, deferred epoll_ctl", command = raw "-e ",
    cases = { "small-c1", "small-c32", "slow-c1000", "slow-c5000", "wait-1000", "wait-1" } },
  { id = "raw-same", title = "raw C, hoopai's options", command = raw "-e -o ",
    cases = { "small-c1", "small-c32", "slow-c1000", "slow-c5000", "wait-1000", "wait-1" } },
  { id = "cjson", title = "bare cjson.decode", command = script "cjson",
    cases = { "small-c1", "medium-c32", "large-c1" } },
  { id = "hoopai", title = "hoopai", command = script "hoopai", cases = with_tasks },
  { id = "hooks", title = "hoopai, with two hooks", command = with_hooks, cases = { "small-c1", "small-c32" } },
  { id = "lua-http", title = "lua-http, kept connection", command = script "lua_http", peer = true,
    cases = { "small-c1", "small-c32", "medium-c32", "large-c1", "slow-c1000" }, ready = has_module "http.client" },
  { id = "luasocket", title = "LuaSocket", command = script "luasocket", peer = true,
    cases = { "small-c1", "large-c1" }, ready = has_module "socket.http" },
  { id = "fetch", title = "Node's fetch", command = node "fetch", peer = true, warm = 1500,
    cases = { "small-c1", "small-c32", "medium-c32", "large-c1", "slow-c1000" }, ready = has_program "node" },
  { id = "sdk", title = "the vendor's SDK (Node)", command = node "sdk", peer = true, warm = 1500,
    cases = { "small-c1", "small-c32", "medium-c32", "large-c1", "slow-c1000" }, ready = plan.has_sdk },
  { id = "curl", title = "curl (no JSON)", command = program "curl", peer = true, cases = requests,
    ready = has_program "curl" },
  { id = "wrk", title = "wrk (no JSON)", command = program "wrk", peer = true,
    cases = { "small-c1", "small-c32", "medium-c32", "large-c1", "slow-c1000" }, ready = has_program "wrk" },
}

--- The other checkout as one more client, right after this one.
function plan.add_base(folder)
  for index, client in ipairs(plan.clients) do
    if client.id == "hoopai" then
      table.insert(
        plan.clients,
        index + 1,
        { id = "base", title = "hoopai, the other commit", command = based(folder), cases = everything }
      )
      return
    end
  end
end

--- Programs whose instructions are counted, at concurrency 1, 32 and 1,000.
plan.counted = {
  { id = "raw", case = "small-c1" },
  { id = "raw", case = "small-c32" },
  { id = "raw-same", case = "small-c1" },
  { id = "raw-same", case = "small-c32" },
  { id = "cjson", case = "small-c1" },
  { id = "hoopai", case = "small-c1" },
  { id = "hoopai", case = "small-c32" },
  { id = "hooks", case = "small-c1" },
  { id = "raw-same", case = "slow-c1000" },
  { id = "hoopai", case = "slow-c1000" },
  { id = "base", case = "small-c1" },
  { id = "base", case = "small-c32" },
}

return plan
