-- The modules that are written in C are loaded from nothing else: not from Lua files of their names, which `require`
-- looks for first, at last in the current folder.

local child = require "spec.support.child"
local lfs = require "lfs"

local quote = child.quote

local EVIL = 'io.stdout:write("EVIL\\n") return {}'
-- The variables of this version of Lua; they hide those without a version.
local PATH_NAME = _VERSION:gsub("Lua (%d+)%.(%d+)", "LUA_PATH_%1_%2")
local CPATH_NAME = _VERSION:gsub("Lua (%d+)%.(%d+)", "LUA_CPATH_%1_%2")
local PATH = os.getenv(PATH_NAME) or os.getenv "LUA_PATH"
local CPATH = os.getenv(CPATH_NAME) or os.getenv "LUA_CPATH"

describe("a folder with Lua files of the names of the C modules", function()
  local folder

  local function write(name, text)
    local path = folder
    for part in name:gmatch "([^/]+)/" do
      path = path .. "/" .. part
      lfs.mkdir(path)
    end
    local file <close> = assert(io.open(folder .. "/" .. name, "w"))
    assert(file:write(text))
  end

  before_each(function()
    folder = os.tmpname()
    assert(os.remove(folder))
    assert(lfs.mkdir(folder))
    for _, name in ipairs {
      "hoopai/core.lua",
      "hoopai/core/init.lua",
      "hoopai/crypto.lua",
      "hoopai/crypto/init.lua",
      "cjson.lua",
      "cjson/init.lua",
    } do
      write(name, EVIL)
    end
  end)

  after_each(function() os.execute("rm -r " .. quote(folder)) end)

  --- Runs a script in the folder. Returns what it prints.
  local function run(source, path, cpath)
    local variables = ("cd %s && %s=%s %s=%s "):format(
      quote(folder),
      PATH_NAME,
      quote(path),
      CPATH_NAME,
      quote(cpath or CPATH)
    )
    write("script.lua", "local before = package.path\n" .. source)
    local pipe = assert(io.popen(variables .. quote(child.interpreter()) .. " script.lua 2>&1"))
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  local paths = {
    ["at last"] = PATH .. ";./?.lua;./?/init.lua",
    ["first"] = "./?.lua;./?/init.lua;" .. PATH,
  }
  for title, path in pairs(paths) do
    for _, name in ipairs { "hoopai", "hoopai.store", "hoopai.loop", "hoopai.time", "hoopai.sandbox", "hoopai.log" } do
      it("that the path names " .. title .. " is passed over by require of " .. name, function()
        local text = run(
          ([[
            require %q
            require("hoopai.time").now()
            assert(require("hoopai.core").decode("[1]")[1] == 1)
            assert(require("cjson").new)
            print(package.path == before, collectgarbage "isrunning")
          ]]):format(name),
          path
        )
        assert.are.equal("true\ttrue\n", text)
      end)
    end

    it("that the path names " .. title .. " is no core and no lua-cjson where these are missing", function()
      local text = run("print(pcall(require, 'hoopai')) print(package.path == before)", path, "./?.so")
      assert.matches("the C core of hoopai is not built or not installed", text, 1, true)
      assert.is_nil(text:find "EVIL")
      assert.matches("\ntrue\n$", text)
      -- Only the core is there.
      os.execute(
        ("cp %s %s"):format(quote(package.searchpath("hoopai.core", CPATH)), quote(folder .. "/hoopai/core.so"))
      )
      text = run("print(pcall(require, 'hoopai')) print(package.path == before)", path, "./?.so")
      assert.matches("lua-cjson, which hoopai needs, is not installed", text, 1, true)
      assert.is_nil(text:find "EVIL")
      assert.matches("\ntrue\n$", text)
    end)
  end

  it("leaves the ways of a host as they are", function()
    local path = paths["at last"]
    local core = package.searchpath("hoopai.core", CPATH)
    local cjson = package.searchpath("cjson", package.cpath)
    assert(os.execute(("cp %s %s"):format(quote(core), quote(folder .. "/hoopai.so"))))
    write("helper.lua", "return 'of the host'")
    local use = " assert(require('hoopai').null and require('hoopai.core').decode('[1]')[1] == 1) print(seen)"
    -- Title -> a script, and what it prints.
    for title, case in pairs {
      ["package.preload"] = {
        ([[
          local open, open_cjson = package.loadlib(%q, "luaopen_hoopai_core"), package.loadlib(%q, "luaopen_cjson")
          package.cpath = ""
          package.preload["hoopai.core"] = function(...) seen = "core, " .. (seen or "") return open(...) end
          package.preload.cjson = function(...) seen = (seen or "") .. require "helper" return open_cjson(...) end
        ]]):format(core, cjson),
        "core, of the host\n",
      },
      ["a preloaded lua-cjson that needs the path"] = {
        ([[
          local open_cjson = package.loadlib(%q, "luaopen_cjson")
          package.preload.cjson = function(...) seen = require "helper" return open_cjson(...) end
        ]]):format(cjson),
        "of the host\n",
      },
      ["package.loaded"] = {
        ([[
          package.loaded.cjson = package.loadlib(%q, "luaopen_cjson")()
          package.loaded["hoopai.core"] = package.loadlib(%q, "luaopen_hoopai_core")()
          package.cpath = ""
        ]]):format(cjson, core),
        "nil\n",
      },
      ["a searcher"] = {
        ([[
          table.insert(package.searchers, function(name)
            if name ~= "hoopai.core" then return nil end
            seen = "found"
            return package.loadlib(%q, "luaopen_hoopai_core"), %q
          end)
          package.loaded.cjson = package.loadlib(%q, "luaopen_cjson")()
          package.cpath = ""
        ]]):format(core, core, cjson),
        "found\n",
      },
      ["a file of several modules"] = {
        ([[package.cpath = %q .. ";./?.so" seen = "one file"]]):format((cjson:gsub("cjson", "?"))),
        "one file\n",
      },
    } do
      local text = run(case[1] .. use, path)
      assert.are.equal(case[2], text, title)
    end
  end)

  it("is not looked at by the core of a host that links it, and lets require find lua-cjson", function()
    local text = run(
      ([[
        local open = package.loadlib(%q, "luaopen_hoopai_core")
        for _ = 1, 2 do
          package.loaded.cjson = nil
          local core = open()
          assert(core.decode("[1]")[1] == 1)
        end
        print(package.path == before, collectgarbage "isrunning")
        package.loaded.cjson, package.cpath = nil, ""
        print(pcall(open))
        print(package.path == before, collectgarbage "isrunning")
        collectgarbage "stop"
        print(pcall(open))
        print(collectgarbage "isrunning")
      ]]):format(package.searchpath("hoopai.core", CPATH)),
      paths["at last"]
    )
    assert.is_nil(text:find "EVIL", text)
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      if line:find "^true\t" or line:find "^false" then lines[#lines + 1] = line:sub(1, 40) end
    end
    assert.are.same({
      "true\ttrue",
      "false\tmodule 'cjson' not found:",
      "true\ttrue",
      "false\tmodule 'cjson' not found:",
      "false",
    }, lines)
  end)
end)
