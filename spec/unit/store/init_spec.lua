local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local lfs = require "lfs"
local store_cases = require "spec.support.store_cases"
local stores = require "hoopai.store"

local misuse = expect.misuse
local CANARY, credentials = store_cases.CANARY, store_cases.credentials

describe("hoopai.store", function()
  local folder = store_cases.folder
  after_each(store_cases.remove_folders)

  local makes = {
    memory = function() return hoopai.store.memory() end,
    file = function() return hoopai.store.file(folder()) end,
    own = function() return store_cases.user_store() end,
  }

  for name, make in pairs(makes) do
    it(name .. " is one store, however often it is asked for, and shows nothing", function()
      local given = make()
      local store = stores.behind(given)
      assert.are.equal(store, stores.behind(given))
      assert(store:write("k", credentials(1), 0))
      if name ~= "own" then
        expect.no_secret(given, CANARY)
        expect.no_secret(store, CANARY)
        assert.are.equal("hoopai.Store", tostring(given))
      end
    end)

    it(name .. " keeps each store apart from the others", function()
      local one, two = stores.behind(make()), stores.behind(make())
      assert(one:write("k", credentials(1), 0))
      assert.are.equal("1", one:read("k"):get("generation"))
      assert.is_nil(two:read("k"))
    end)
  end

  it("file that is no folder of one's own is wrong use", function()
    local path = folder()
    local file = assert(io.open(path, "w"))
    file:close()
    misuse(function() hoopai.store.file(path) end, "hoopai.store.file")
    misuse(function() hoopai.store.file(5) end, "path")
    misuse(function() hoopai.store.file() end, "path")
    misuse(function() hoopai.store.file "" end, "path")
  end)

  it("file says which path is wrong, and what helps", function()
    local path = folder()
    misuse(
      function() hoopai.store.file(path .. "/a/b") end,
      ('hoopai.store.file("%s/a/b"): the folder cannot be made: No such file or directory; '):format(path)
        .. path
        .. " is missing: make it first"
    )
    assert(lfs.mkdir(path))
    misuse(function() hoopai.store.file(path .. "/a/b/c") end, path .. "/a is missing: make it first")
    os.execute("chmod 777 " .. path)
    misuse(
      function() hoopai.store.file(path) end,
      ('hoopai.store.file("%s"): the folder can be changed by others'):format(path),
      "its mode is 0777: chmod 700 " .. path
    )
    for _, mode in ipairs { "755", "711", "750" } do
      os.execute(("chmod %s %s"):format(mode, path))
      misuse(
        function() hoopai.store.file(path) end,
        ('hoopai.store.file("%s"): the folder is open to others'):format(path),
        ("its mode is 0%s: chmod 700 %s"):format(mode, path)
      )
    end
    os.execute("chmod 700 " .. path)
    misuse(function() hoopai.store.file(path .. "\r") end, "it ends in a carriage return")
    misuse(function() hoopai.store.file(path .. " ") end, "it ends in a space")
    misuse(function() hoopai.store.file(path .. "\0x") end, "it holds a zero byte")
  end)

  it("file does not expand what a shell would", function()
    local HOME = ' is not expanded: write os.getenv("HOME")'
    misuse(
      function() hoopai.store.file "~/.hoopai" end,
      'hoopai.store.file("~/.hoopai"): "~"' .. HOME .. ' .. "/.hoopai"'
    )
    misuse(function() hoopai.store.file "~" end, '"~"' .. HOME)
    misuse(function() hoopai.store.file "$HOME/.hoopai" end, '"$HOME"' .. HOME .. ' .. "/.hoopai"')
    misuse(function() hoopai.store.file "${XDG_DATA_HOME}/x" end, 'os.getenv("XDG_DATA_HOME") .. "/x"')
    misuse(function() hoopai.store.file "~me/.hoopai" end, '"~" is not expanded: write the path of the folder')
  end)

  it("refuses a table that is no store", function()
    for _, given in ipairs { {}, { get = print, put = print, lock = true } } do
      misuse(function()
        local store = stores.behind(given)
        return store
      end, "get and put")
    end
    assert.is_false(getmetatable(hoopai.store.memory()))
    assert.is_nil(next(hoopai.store.memory()))
  end)
end)
