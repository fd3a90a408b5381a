local lfs = require "lfs"

local rockspec = {}
assert(loadfile("hoopai-dev-1.rockspec", "t", rockspec))()

local function files(folder, suffix, found)
  found = found or {}
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if name ~= "." and name ~= ".." then
      if lfs.attributes(path, "mode") == "directory" then
        files(path, suffix, found)
      elseif path:sub(-#suffix) == suffix then
        found[#found + 1] = path
      end
    end
  end
  table.sort(found)
  return found
end

describe("the rockspec", function()
  it("names every Lua file by its module, and none that is not there", function()
    local expected = {}
    for _, path in ipairs(files("lua", ".lua")) do
      expected[path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")] = path
    end
    local listed = {}
    for name, entry in pairs(rockspec.build.modules) do
      if type(entry) == "string" then listed[name] = entry end
    end
    assert.is_truthy(expected.hoopai)
    assert.same(expected, listed)
  end)

  it("names every C file as a source of one of the two C modules", function()
    local c_modules, listed = {}, {}
    for name, entry in pairs(rockspec.build.modules) do
      if type(entry) == "table" then
        c_modules[#c_modules + 1] = name
        table.move(entry.sources, 1, #entry.sources, #listed + 1, listed)
      end
    end
    table.sort(c_modules)
    table.sort(listed)
    assert.same({ "hoopai.core", "hoopai.crypto" }, c_modules)
    assert.same({ "src/crypto.c" }, rockspec.build.modules["hoopai.crypto"].sources)
    assert.same(files("src", ".c"), listed)
  end)

  it(
    "names the libraries that the modules in C are linked with",
    function()
      assert.same({ CURL = { library = "curl" }, CRYPTO = { library = "crypto" } }, rockspec.external_dependencies)
    end
  )

  it("is built with the flags of the Makefile", function()
    assert.equal("make", rockspec.build.type)
    for _, path in ipairs { rockspec.build.makefile, "Makefile" } do
      local file <close> = assert(io.open(path))
      assert.is_truthy(file:read("a"):find("\ninclude src/flags.mk\n", 1, true), path)
    end
  end)

  it("compiles every C file again: those of an earlier build may be for another Lua", function()
    local work = os.tmpname()
    assert(os.remove(work) and lfs.mkdir(work) and lfs.mkdir(work .. "/obj") and lfs.mkdir(work .. "/hoopai"))
    local built = { work .. "/hoopai/core.so", work .. "/hoopai/crypto.so" }
    for _, path in ipairs(files("src", ".c")) do
      table.insert(built, 1, work .. "/" .. path:gsub("^src", "obj"):gsub("c$", "o"))
    end
    for _, path in ipairs(built) do
      assert(io.open(path, "w")):close()
    end
    local command = "make -n -f %s build B=%s CC=compile LUA_INCDIR=/another/lua 2>&1; rm -r %s"
    local pipe <close> = assert(io.popen(command:format(rockspec.build.makefile, work, work)))
    local output, compiled = pipe:read("a"), {}
    for path in output:gmatch("compile [^\n]*%-I/another/lua [^\n]*(src/[%w_]+%.c)\n") do
      compiled[#compiled + 1] = path
    end
    table.sort(compiled)
    assert.same(files("src", ".c"), compiled, output)
  end)

  it("copies the pages and the examples", function()
    assert.same({ "doc", "examples" }, rockspec.build.copy_directories)
    for _, folder in ipairs(rockspec.build.copy_directories) do
      assert.equal("directory", lfs.attributes(folder, "mode"))
    end
  end)
end)
