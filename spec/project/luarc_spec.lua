-- The settings for editors lead to the types where LuaRocks installs them.

local hoopai = require "hoopai"

describe("examples/luarc.json", function()
  it("names the file of the types, for the Lua of the library", function()
    local file <close> = assert(io.open "examples/luarc.json")
    local settings = assert(hoopai.decode(file:read "a"))
    assert.equal("Lua 5.4", settings["runtime.version"])
    -- /usr/local is the tree of LuaRocks for all users.
    local module = settings["workspace.library"][1]:match("^/usr/local/share/lua/5%.4/(.+)$")
    assert.equal(1, #settings["workspace.library"])
    local types <close> = assert(io.open("lua/" .. module))
    assert.equal("---@meta", types:read("l"):match("^%S+"))
  end)
end)
