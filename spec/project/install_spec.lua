-- `make install` puts the command where it finds its modules, whatever PREFIX is.

local child = require "spec.support.child"
local command = require "spec.support.command"
local lfs = require "lfs"

local quote = child.quote

describe("make install", function()
  it("installs the command and its manual page", function()
    local folder = command.folder()
    local function shell(line)
      local pipe = assert(io.popen("{ " .. line .. "\n} 2>&1"))
      local text = pipe:read "a"
      pipe:close()
      return text
    end
    shell(("make -s install LUA=lua5.4 PREFIX=/opt/x DESTDIR=%s"):format(quote(folder)))
    local installed = command.read(folder .. "/opt/x/bin/hoopai")
    assert.matches("^#!/usr/bin/env lua5.4\n", installed)
    assert.is_truthy(installed:find('package.path = "/opt/x/share/lua/5.4/?.lua;', 1, true))
    assert.are.equal("rwxr-xr-x", lfs.attributes(folder .. "/opt/x/bin/hoopai", "permissions"))
    assert.are.equal(command.read "doc/hoopai.1", command.read(folder .. "/opt/x/share/man/man1/hoopai.1"))

    shell(("make -s install PREFIX=%s"):format(quote(folder .. "/here")))
    local clean = "env -u LUA_PATH -u LUA_CPATH -u LUA_PATH_5_4 -u LUA_CPATH_5_4 -u LD_PRELOAD "
    local run = ("cd / && %s %s"):format(clean, quote(folder .. "/here/bin/hoopai"))
    assert.are.equal("hoopai " .. require "hoopai.version" .. "\n", shell(run .. " --version"))
    assert.matches("^hoopai: auth: no token\n", shell("unset HOOPAI_TOKEN; " .. run .. " calendars"))
    command.remove(folder)
  end)
end)
