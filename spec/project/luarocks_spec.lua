-- What `luarocks make` installs is enough, by itself, to book an appointment in the sandbox.

local child = require "spec.support.child"
local lfs = require "lfs"

local quote = child.quote

-- Neither a sanitizer nor the checkout's own paths may reach what runs here.
local CLEAN = "env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH -u LUA_PATH_5_4 -u LUA_CPATH_5_4"

-- Runs a command; its output when it succeeds.
local function shell(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
  local output = pipe:read("a")
  assert(pipe:close(), output)
  return output
end

--- What the ELF file of a module says of its hardening: word -> whether it is so.
local function hardening(module)
  local dynamic = shell("readelf -dW " .. quote(module))
  local segments = shell("readelf -lW " .. quote(module))
  local symbols = shell("nm -D --undefined-only " .. quote(module))
  return {
    ["stack protector"] = symbols:find("__stack_chk_fail", 1, true) ~= nil,
    fortify = symbols:find("__%w+_chk@") ~= nil,
    relro = segments:find("GNU_RELRO", 1, true) ~= nil,
    ["bind now"] = dynamic:find("FLAGS%s*%)%s*BIND_NOW") ~= nil and dynamic:find("FLAGS_1%s*%)[^\n]*NOW") ~= nil,
    nodelete = dynamic:find("FLAGS_1%s*%)[^\n]*NODELETE") ~= nil,
    ["a stack that cannot be run"] = segments:find("GNU_STACK[^\n]* RW ") ~= nil,
    ["no path of its own"] = not dynamic:find("RUNPATH", 1, true) and not dynamic:find("RPATH", 1, true),
    ["no relocation of its text"] = not dynamic:find("TEXTREL", 1, true),
  }
end

local HARDENED = {
  ["stack protector"] = true,
  fortify = true,
  relro = true,
  ["bind now"] = true,
  nodelete = true,
  ["a stack that cannot be run"] = true,
  ["no path of its own"] = true,
  ["no relocation of its text"] = true,
}

--- The links of the pages of a folder that lead to no file: a list of "page: target".
local function dead_links(folder)
  local dead = {}
  for name in lfs.dir(folder) do
    if name:find("%.md$") then
      local file <close> = assert(io.open(folder .. "/" .. name))
      for target in file:read("a"):gsub("```.-```", ""):gmatch("%]%(([^)#]+)[^)]*%)") do
        local is_file = lfs.attributes(folder .. "/" .. target, "mode") ~= nil
        if not is_file and not target:find("^https?://") then dead[#dead + 1] = name .. ": " .. target end
      end
    end
  end
  return dead
end

local SCRIPT = [[
local hoopai = require "hoopai"
local sandbox <close> = require("hoopai.sandbox").start()
local client <close> = hoopai.new { base_url = sandbox.url, token = sandbox.token, location_id = sandbox.location_id }
local calendar = assert(client.calendars:list())[1]
local now = hoopai.time.now()
local free = assert(client.calendars:free_slots(calendar.id, { startDate = now, endDate = now + hoopai.time.days(7) }))
local _, slot = hoopai.slots(free)()
local booked = assert(client.appointments:create {
  calendarId = calendar.id, contactId = sandbox.seed.contacts.hugo, startTime = slot,
})
assert(client.appointments:get(booked.id))
assert(#require("hoopai.crypto").sha256 "" == 32)
print("booked in " .. assert(package.searchpath("hoopai", package.path)))
print("through " .. assert(package.searchpath("hoopai.core", package.cpath)))
]]

describe("luarocks make", function()
  local work

  before_each(function()
    work = os.tmpname()
    shell(("rm %s && mkdir %s"):format(quote(work), quote(work)))
  end)

  after_each(function() shell("rm -r " .. quote(work)) end)

  --- Installs a copy of some files of the checkout, for the objects are left beside them. Returns the tree.
  local function install(files)
    shell(("cp -R %s %s"):format(files, quote(work)))
    local tree = work .. "/tree"
    shell(
      ("cd %s && %s luarocks --lua-version 5.4 --tree %s make --deps-mode=none hoopai-dev-1.rockspec"):format(
        quote(work),
        CLEAN,
        quote(tree)
      )
    )
    return tree
  end

  it("builds the modules in C as hardened as `make build` does", function()
    -- Also of a source tree without the pages.
    local tree = install "hoopai-dev-1.rockspec README.md LICENSE src lua bin"
    for _, folder in ipairs { "build", tree .. "/lib/lua/5.4" } do
      assert.same(HARDENED, hardening(folder .. "/hoopai/core.so"))
      local crypto = hardening(folder .. "/hoopai/crypto.so")
      assert.is_false(crypto.fortify) -- it calls no function that has a checked form
      crypto.fortify = true
      assert.same(HARDENED, crypto)
    end
  end)

  it("installs offline all that a script outside the checkout needs to book", function()
    local tree = install "hoopai-dev-1.rockspec README.md LICENSE src lua bin doc examples CHANGELOG.md CONTRIBUTING.md"

    local core = tree .. "/lib/lua/5.4/hoopai/core.so"
    for _, name in ipairs { "core", "crypto" } do
      local module = quote(tree .. "/lib/lua/5.4/hoopai/" .. name .. ".so")
      assert.equal(
        "luaopen_hoopai_" .. name .. "\n",
        shell("nm -D --defined-only " .. module .. " | awk '{ print $3 }'")
      )
    end

    local rock = tree .. "/lib/luarocks/rocks-5.4/hoopai/dev-1"
    assert.equal("", shell("diff -r examples " .. quote(rock .. "/examples")))
    local added = { "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md" }
    for index, name in ipairs(added) do
      added[index] = ("Only in %s/doc: %s\n"):format(rock, name)
    end
    assert.equal(table.concat(added), shell("diff -r doc " .. quote(rock .. "/doc") .. " || true"))
    assert.equal("", shell("diff LICENSE " .. quote(rock .. "/doc/LICENSE")))
    assert.truthy(shell("ls " .. quote(rock .. "/doc")):find("errors.md\n", 1, true))
    assert.same({}, dead_links(rock .. "/doc"))
    local luarocks = CLEAN .. " BROWSER=false luarocks --lua-version 5.4 --tree " .. quote(tree)
    -- Without a browser the page is printed.
    local page = shell("cd / && " .. luarocks .. " doc hoopai")
    assert.truthy(page:find("Opening " .. rock .. "/doc/README.md", 1, true), page)
    local listed = shell("cd / && " .. luarocks .. " doc hoopai --list --porcelain")
    for _, name in ipairs { "README.md", "LICENSE", "CHANGELOG.md", "errors.md" } do
      assert.truthy(listed:find(("%s/doc/%s\n"):format(rock, name), 1, true), listed)
    end
    assert.equal("", shell("diff -r lua/hoopai " .. quote(tree .. "/share/lua/5.4/hoopai")))
    assert.equal("", shell(("find %s -perm /022 ! -type l"):format(quote(tree .. "/share"))))

    local script = work .. "/book.lua"
    local file <close> = assert(io.open(script, "w"))
    assert(file:write(SCRIPT))
    assert(file:close())
    -- Of our own path only the folders that lua-http may need are handed on.
    local extra = {}
    for entry in os.getenv("LUA_PATH"):gmatch("[^;]+") do
      if entry:find("^/usr/share/lua/5%.[13]/") then extra[#extra + 1] = entry end
    end
    local clean = ("cd / && %s LUA_PATH=%s LUA_CPATH=%s "):format(
      CLEAN,
      quote(("%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua;;%s"):format(tree, tree, table.concat(extra, ";"))),
      quote(tree .. "/lib/lua/5.4/?.so;;")
    )
    local output = shell(clean .. quote(child.interpreter()) .. " " .. quote(script))
    assert.equal(("booked in %s/share/lua/5.4/hoopai/init.lua\nthrough %s\n"):format(tree, core), output)
    assert.equal(
      "hoopai " .. require "hoopai.version" .. "\n",
      shell(clean .. quote(tree .. "/bin/hoopai") .. " --version")
    )
  end)
end)
