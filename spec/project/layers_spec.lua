-- The layers of the source tree and its measures. Lua modules require modules of their own layer or of one below, and C
-- files include headers in the same way. Files and functions are short, and every module has a spec of its path.

local house = require "spec.support.house"
local lfs = require "lfs"

-- From the bottom up. Within a layer a file may include another header of it.
local LAYERS = {
  {
    "core.h",
    "util.c",
    "clock.c",
    "closing.c",
    "random.c",
    "fork.c",
    "sigpipe.h",
    "sigpipe.c",
    "redact.h",
    "redact.c",
    "crypto.c", -- a module of its own: it uses nothing of the core
  },
  {
    "secret.h",
    "secret.c",
    "json_encode.c",
    "json_decode.c",
    "url.c",
    "http_date.c",
    "poller.h",
    "poller.c",
    "headers.h",
    "headers.c",
    "body.h",
    "body.c",
    "curl_compat.h",
    "curl_compat.c",
    "wakeup.c",
    "private_file.h",
    "private_file.c",
    "private_folder.h",
    "private_folder.c",
  },
  {
    "form.h",
    "form.c",
    "request.h",
    "request.c",
    "lookup.h",
    "lookup.c",
    "transfer_list.h",
    "sockets.h",
    "curl_handle.h",
    "credentials.h",
    "credentials.c",
    "token_file.c",
  },
  {
    "transfer.h",
    "transfer.c",
    "transfer_list.c",
    "multi.h",
    "multi.c",
    "multi_options.c",
    "curl_handle.c",
    "expiry.h",
    "expiry.c",
    "sockets.c",
    "rate_limiter.c",
    "token_response.c",
  },
  { "core.c" },
}

-- A transfer is removed from its multi when it is closed, and the multi records the outcomes of its transfers.
local CIRCLE = { ["multi.c"] = true, ["transfer.c"] = true }

local floor = {}
for level, names in ipairs(LAYERS) do
  for _, name in ipairs(names) do
    floor[name] = level
  end
end

local function includes(name)
  local found = {}
  for line in io.lines("src/" .. name) do
    found[#found + 1] = line:match '^#include "(.-)"'
  end
  return found
end

local function sources()
  local texts = {}
  for name in pairs(floor) do
    if name:find "%.c$" then
      local file = assert(io.open("src/" .. name))
      texts[name] = file:read("a"):gsub("/%*.-%*/", "")
      file:close()
    end
  end
  return texts
end

--- The C files whose functions a file uses, for each file. Shared functions are those that begin with hoopai_.
local function call_graph(texts)
  local home, arrows = {}, {}
  for name, text in pairs(texts) do
    for line in text:gmatch "[^\n]+" do
      local shared = line:match "^%a[%w_ *]*[ *](hoopai_[%w_]+)%("
      if shared and not line:find "^static" and not line:find ";$" then home[shared] = name end
    end
  end
  for name, text in pairs(texts) do
    arrows[name] = {}
    for used in text:gmatch "hoopai_[%w_]+" do
      if home[used] and home[used] ~= name then arrows[name][home[used]] = true end
    end
  end
  return arrows
end

--- Is `goal` reached from `name`, a file or more away?
local function reaches(arrows, name, goal, seen)
  for following in pairs(arrows[name]) do
    if following == goal then return true end
    if not seen[following] then
      seen[following] = true
      if reaches(arrows, following, goal, seen) then return true end
    end
  end
  return false
end

describe("the files of the core", function()
  it("have a layer each", function()
    local count = 0
    for name in lfs.dir "src" do
      if name:find "%.[ch]$" then
        count = count + 1
        assert.is_number(floor[name], name)
      end
    end
    local listed = 0
    for _ in pairs(floor) do
      listed = listed + 1
    end
    assert.are.equal(count, listed)
  end)

  it("include nothing of a layer above theirs", function()
    for name, level in pairs(floor) do
      for _, header in ipairs(includes(name)) do
        assert.is_true(floor[header] <= level, name .. " includes " .. header)
      end
    end
  end)

  it("call nothing of a layer above theirs", function()
    for name, used in pairs(call_graph(sources())) do
      for other in pairs(used) do
        assert.is_true(floor[other] <= floor[name], name .. " calls " .. other)
      end
    end
  end)

  it("call each other in no circle but that of multi and transfer", function()
    local arrows = call_graph(sources())
    assert.is_true(arrows["core.c"]["multi.c"] and arrows["multi.c"]["transfer.c"] and arrows["transfer.c"]["multi.c"])
    for name in pairs(arrows) do
      if reaches(arrows, name, name, {}) then assert.is_true(CIRCLE[name], name .. " is in a circle") end
    end
  end)
end)

-- From the bottom up; a folder stands for all modules in it. Within a layer the modules require each other in any order
-- without circles.
local LUA_LAYERS = {
  { "hoopai.core", "hoopai.crypto", "hoopai.lazy", "hoopai.private", "hoopai.version" },
  { "hoopai.api", "hoopai.time", "hoopai.options", "hoopai.errors" },
  { "hoopai.validate", "hoopai.async" },
  { "hoopai.store", "hoopai.loop", "hoopai.redis", "hoopai.rate_limit" },
  { "hoopai.call" },
  { "hoopai.oauth" },
  {
    "hoopai",
    "hoopai.client",
    "hoopai.booking",
    "hoopai.list",
    "hoopai.slots",
    "hoopai.ical",
    "hoopai.log",
    "hoopai.webhook",
  },
  { "hoopai.command", "hoopai.sandbox" },
}

-- Data and the sandbox have other specs; the types are generated.
local WITHOUT_UNIT_SPEC = { "^lua/hoopai/api/", "^lua/hoopai/sandbox/", "^lua/hoopai/meta%.lua$" }

-- Files that may have more than FILE_LINES lines, and why.
local FILE_LINES, FUNCTION_LINES = 600, 70
local LONG_FILES = {
  ["lua/hoopai/meta.lua"] = "generated",
}

local TOP_FILES, README_LINES = 10, 200

-- The text of a file of so many lines.
local function lines(count) return ("x = 1\n"):rep(count) end

describe("the modules of the library", function()
  local files, graph

  setup(function()
    files = house.read("lua/hoopai", "%.lua$")
    graph = house.requires(files)
    graph["hoopai.meta"] = nil
  end)

  it("require nothing of a layer above theirs", function() assert.are.same({}, house.arrows_up(graph, LUA_LAYERS)) end)

  it("require each other without circles", function() assert.are.same({}, house.circles(graph)) end)

  it("have a unit spec each", function()
    local specs = house.read("spec/unit", "_spec%.lua$")
    assert.are.same({}, house.without_spec(files, specs, WITHOUT_UNIT_SPEC))
  end)

  it("are few at the top", function()
    local top = {}
    for path in pairs(files) do
      top[#top + 1] = path:match "^lua/hoopai/[^/]+$"
    end
    assert.is_true(#top <= TOP_FILES, #top .. ": " .. table.concat(top, " "))
  end)
end)

describe("the sources", function()
  local files

  setup(function()
    files = house.read("lua", "%.lua$")
    house.read("tools", "%.lua$", files)
    house.read("src", "%.[ch]$", files)
  end)

  it(
    "are short, but for those with a reason",
    function() assert.are.same({}, house.long_files(files, FILE_LINES, LONG_FILES)) end
  )

  it("have short functions", function() assert.are.same({}, house.long_functions(files, FUNCTION_LINES)) end)

  it("are introduced by a short README", function()
    local text = house.read(".", "^%./README%.md$")["./README.md"]
    assert.are.same({}, house.long_files({ ["README.md"] = text }, README_LINES, {}))
  end)
end)

describe("the check of", function()
  local made_up = {
    ["lua/hoopai/init.lua"] = 'local MODULES = { time = "hoopai.time" }\nlocal client = require "hoopai.client"',
    ["lua/hoopai/client.lua"] = 'require("hoopai.call") -- require "hoopai.sandbox"',
    ["lua/hoopai/call/init.lua"] = "require 'hoopai.core'\nlocal function f() return require [[hoopai.loop.luv]] end",
    ["lua/hoopai/loop/init.lua"] = 'return function(name) return require("hoopai.loop." .. name) end',
    ["lua/hoopai/loop/luv.lua"] = 'local text = "a \\"hoopai.client\\" of hoopai.client" --[[ "hoopai.sandbox" ]]',
    ["lua/hoopai/time/init.lua"] = 'require "hoopai.errors"',
    ["lua/hoopai/errors.lua"] = "",
  }

  local function with(path, text)
    local files = { [path] = text }
    for name, content in pairs(made_up) do
      files[name] = files[name] or content
    end
    return house.requires(files)
  end

  it(
    "requires reads them wherever they stand",
    function()
      assert.are.same({
        ["hoopai"] = { ["hoopai.time"] = true, ["hoopai.client"] = true },
        ["hoopai.client"] = { ["hoopai.call"] = true },
        ["hoopai.call"] = { ["hoopai.core"] = true, ["hoopai.loop.luv"] = true },
        ["hoopai.loop"] = { ["hoopai.loop.luv"] = true },
        ["hoopai.loop.luv"] = {},
        ["hoopai.time"] = { ["hoopai.errors"] = true },
        ["hoopai.errors"] = {},
      }, house.requires(made_up))
    end
  )

  it("layers finds an arrow that points up, and a module without a layer", function()
    assert.are.same({}, house.arrows_up(house.requires(made_up), LUA_LAYERS))
    assert.are.same(
      { "hoopai.errors requires hoopai" },
      house.arrows_up(with("lua/hoopai/errors.lua", 'require "hoopai"'), LUA_LAYERS)
    )
    assert.are.same(
      { "hoopai.loop.luv requires hoopai.call" },
      house.arrows_up(with("lua/hoopai/loop/luv.lua", 'local later = { call = "hoopai.call" }'), LUA_LAYERS)
    )
    assert.are.same({ "hoopai.csv has no layer" }, house.arrows_up(with("lua/hoopai/csv.lua", ""), LUA_LAYERS))
    assert.are.same({ "hoopai.clients has no layer" }, house.arrows_up(with("lua/hoopai/clients.lua", ""), LUA_LAYERS))
  end)

  it("circles finds one, however long", function()
    assert.are.same({}, house.circles(house.requires(made_up)))
    assert.are.same(
      { "hoopai.time -> hoopai.errors -> hoopai.time" },
      house.circles(with("lua/hoopai/errors.lua", 'require "hoopai.time"'))
    )
    assert.are.same(
      { "hoopai -> hoopai.client -> hoopai.call -> hoopai.loop.luv -> hoopai" },
      house.circles(with("lua/hoopai/loop/luv.lua", 'local function later() require "hoopai" end'))
    )
  end)

  it("unit specs finds a module without one", function()
    local specs = { ["spec/unit/call/init_spec.lua"] = "", ["spec/unit/client_spec.lua"] = "" }
    local files = {
      ["lua/hoopai/call/init.lua"] = "",
      ["lua/hoopai/client.lua"] = "",
      ["lua/hoopai/call/retry.lua"] = "",
      ["lua/hoopai/api/notes.lua"] = "",
      ["lua/hoopai/sandbox/app.lua"] = "",
      ["lua/hoopai/meta.lua"] = "",
    }
    assert.are.same(
      { "lua/hoopai/call/retry.lua has no spec/unit/call/retry_spec.lua" },
      house.without_spec(files, specs, WITHOUT_UNIT_SPEC)
    )
  end)

  it("files finds a long one, and a reason that is not needed any more", function()
    local files = { ["a.lua"] = lines(600), ["b.c"] = lines(601), ["c.lua"] = lines(700), ["d.c"] = lines(600) }
    assert.are.same(
      { "b.c has 601 lines", "d.c needs no reason to be long", "e.c needs no reason to be long" },
      house.long_files(files, 600, { ["c.lua"] = "one table", ["d.c"] = "it was long", ["e.c"] = "it was there" })
    )
  end)

  it("functions finds a long one", function()
    local function body(count) return ("  x();\n"):rep(count) end
    local lua = "local function short()\n" .. lines(68) .. "end\nreturn { long = function()\n" .. lines(69) .. "end }\n"
    -- None of these is a function.
    local c = "struct a {\n"
      .. body(80)
      .. "};\n\nstatic const int names[] = {\n"
      .. body(80)
      .. "};\nint b;\n"
      .. "#define C(x) \\\n  x\n/* text\n"
      .. body(70)
      .. "*/\n"
    c = c .. "int short_one(void) {\n" .. body(68) .. "}\n\n"
    c = c .. "static int long_one(int a,\n  int b) {\n" .. body(34) .. "done:\n" .. body(33) .. "}\n"
    local files = { ["a.lua"] = lua, ["a.c"] = c }
    assert.are.same(
      { "a.c:312: a function of 71 lines", "a.lua:71: a function of 71 lines" },
      house.long_functions(files, 70)
    )
  end)
end)
