--- Runs the scenarios of spec/torture/support/scenarios.lua in spec/support/memory_host.c against a peer of their own.
--
--   local memory = require "spec.torture.support.memory"
--   local peer <close> = memory.peer()
--   local ok, results = memory.run(peer, "get", { { "lua", "all", 1, 1 } })

local child = require "spec.support.child"

local memory = {}

-- stylua: ignore
memory.scenarios = {
  "load", "new", "first", "get", "post", "invalid", "limited", "hooks", "tasks", "host_loop", "cancel", "close", "book",
  "book_tasks", "sign_in", "refresh_memory", "refresh_file", "refresh_own", "refresh_refused", "refresh_tasks",
  "crypto", "webhook",
}

local HOST = "build-asan/memory_host"

local Peer = {}
Peer.__close = function(peer)
  peer.pipe:close()
  os.execute("rm -rf " .. child.quote(peer.folder))
end

--- Starts the server; it ends with the variable that holds it.
function memory.peer()
  local name = os.tmpname()
  local pipe = assert(
    io.popen(
      ("exec env -u LD_PRELOAD %s spec/torture/support/peer.lua %s"):format(
        child.quote(child.server_interpreter()),
        child.quote(name)
      ),
      "w"
    )
  )
  local port
  for _ = 1, 2000 do
    local file = assert(io.open(name))
    port = file:read "l"
    file:close()
    if port then break end
    os.execute "sleep 0.01"
  end
  os.remove(name)
  assert(port, "the peer did not start")
  return setmetatable({ pipe = pipe, url = "http://127.0.0.1:" .. port, folder = name .. ".store" }, Peer)
end

--- Runs one scenario.
-- @param peer
-- @tparam string scenario
-- @tparam table plan list of { family, mode, first, step }, see memory_host.c
-- @treturn boolean whether all was well
-- @treturn table list of { family, mode, runs, failures (runs in which an allocation failed), allocations }
-- @treturn string all that was printed
function memory.run(peer, scenario, plan)
  local entries = {}
  for index, entry in ipairs(plan) do
    entries[index] = table.concat(entry, " ")
  end
  local words = {
    HOST,
    "spec/torture/support/scenarios.lua",
    scenario,
    table.concat(entries, ","),
    peer.url,
    peer.folder,
  }
  for index, word in ipairs(words) do
    words[index] = child.quote(word)
  end
  local pipe = assert(
    io.popen(
      "env -u LD_PRELOAD -u ASAN_OPTIONS -u UBSAN_OPTIONS -u LSAN_OPTIONS " .. table.concat(words, " ") .. " 2>&1",
      "r"
    )
  )
  local text = pipe:read "a"
  local ok, results = pipe:close() or false, {}
  for family, mode, runs, failures, allocations in
    text:gmatch "(%l+) (%l+): (%d+) runs, (%d+) with a failure, (%d+) allocations, 0 wrong\n"
  do
    results[#results + 1] = {
      family = family,
      mode = mode,
      runs = tonumber(runs),
      failures = tonumber(failures),
      allocations = tonumber(allocations),
    }
  end
  return ok and #results == #plan, results, text
end

return memory
