--- Runs every code block of the README, and compares its endpoint table with the data.
local child = require "spec.support.child"
local errors = require "hoopai.errors"
local hoopai = require "hoopai"
local lfs = require "lfs"
local endpoint_table = require "tools.endpoint_table"
local sandbox = require "hoopai.sandbox"

local readme = endpoint_table.read("README.md")

--- The fenced blocks: { language, text, line }.
local function blocks()
  local list, block, number = {}, nil, 0
  for line in (readme .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local language = line:match("^```(.*)$")
    if language and block then
      list[#list + 1], block = block, nil
    elseif language then
      block = { language = language, text = {}, line = number }
    elseif block then
      table.insert(block.text, line)
    end
  end
  assert(not block, "a code block of the README does not end")
  return list
end

local HOST = [[
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include "hoopai.h"
int luaopen_cjson(lua_State *L);
int main(void) {
  lua_State *L = luaL_newstate();
%s
  if (failed) return 1;
  lua_getglobal(L, "hoopai");
  failed = !lua_istable(L, -1);
  lua_close(L);
  return failed;
}
]]

local function write(name, text)
  local file <close> = assert(io.open(name, "w"))
  assert(file:write(text))
end

local run = {}

function run.lua(text, account)
  -- A stand-in for copas, which Debian does not have for Lua 5.4.
  return child.run('package.path = "spec/support/modules/?.lua;" .. package.path ' .. text, {
    set = {
      HOOPAI_BASE_URL = account.url, HOOPAI_TOKEN = account.token, HOOPAI_LOCATION_ID = account.location_id,
      CONTACT_ID = account.seed.contacts.hugo, HOME = account.home,
      HOOPAI_CLIENT_ID = account.oauth.client_id, HOOPAI_CLIENT_SECRET = account.oauth.client_secret,
      HOOPAI_COMPANY_ID = account.oauth.company_id,
    },
  })
end

--- A program that installed modules serve, or one that has the library in it.
function run.c(text)
  local base = os.tmpname()
  write(base .. ".c", HOST:format(text))
  local libraries = "-llua5.4"
  if text:find("luaopen_hoopai", 1, true) then
    libraries = "build/amalgamation/hoopai_core.c build/amalgamation/hoopai_lua.c -l:liblua5.4.a -l:liblua5.4-cjson.a "
      .. "-lcurl -lm -ldl -pthread"
  end
  local pipe = assert(io.popen(("cc -o %s %s.c -I/usr/include/lua5.4 $(pkg-config --cflags lua5.4 2>/dev/null) "
    .. "-Ibuild/amalgamation %s 2>&1 && %s 2>&1"):format(base, base, libraries, base), "r"))
  local output = pipe:read("a")
  local ok = pipe:close()
  os.remove(base)
  os.remove(base .. ".c")
  return output, ok or false
end

describe("the README", function()
  local account

  --- A folder of the tokens of somebody who has signed in for the location and for the agency.
  local function sign_in()
    local app <close> = hoopai.oauth {
      client_id = account.oauth.client_id, client_secret = account.oauth.client_secret, base_url = account.url,
      store = hoopai.store.file(account.home .. "/.hoopai"), redirect_uri = "http://127.0.0.1:8484/callback",
    }
    for _, class in ipairs { "Location", "Company" } do
      local code = account.oauth.code { class = class, redirect_uri = "http://127.0.0.1:8484/callback" }
      assert(app:exchange { code = code, user_type = class })
    end
  end

  before_each(function()
    account = sandbox.start { control = true, oauth = { locations = 2 } }
    account.home = os.tmpname()
    assert(os.remove(account.home) and lfs.mkdir(account.home))
    sign_in()
  end)

  after_each(function()
    account:stop()
    os.execute("rm -r " .. child.quote(account.home))
  end)

  for _, block in ipairs(blocks()) do
    it(("runs: the %s block at line %d"):format(block.language, block.line), function()
      local runner = assert(run[block.language], "no runner for a block in " .. block.language)
      local output, ok = runner(table.concat(block.text, "\n"), account)
      assert.is_true(ok, output)
    end)
  end

  it("has the endpoint table that the data gives", function()
    local _, present = endpoint_table.split(readme)
    assert.equal(endpoint_table.generate(), present)
    local rows = 0
    for _ in present:gmatch("\n| `client%.") do rows = rows + 1 end
    assert.equal(42, rows)
  end)

  it("has each option of hoopai.new, and no other", function()
    local section = assert(readme:match("\n## Options\n(.-)\n## "))
    local meta = endpoint_table.read("lua/hoopai/meta.lua")
    local known, listed = {}, {}
    local class = assert(meta:match("@class %(exact%) hoopai%.ClientOptions\n(.-)\n\n"))
    for name in class:gmatch("@field ([%w_]+)") do known[name] = true end
    for name in section:gmatch("\n| `([%w_]+)` |") do listed[name] = true end
    assert.is_true(known.timeout and known.on)
    assert.are.same(known, listed)
  end)

  it("has each kind of error, and no other", function()
    local section = assert(readme:match("\n| `err%.kind` |.-\n(| `.-)\n\n"))
    local listed = {}
    for cell in ("\n" .. section):gmatch("\n|(.-)|") do
      for kind in cell:gmatch("`([%w_]+)`") do listed[#listed + 1] = kind end
    end
    local known = table.move(errors.kinds, 1, #errors.kinds, 1, {})
    table.sort(known)
    table.sort(listed)
    assert.are.same(known, listed)
  end)

  it("names the files and targets that exist", function()
    local makefile = endpoint_table.read("Makefile")
    local named = 0
    for target in readme:gmatch("`make ([%a%-]+)") do
      named = named + 1
      assert.truthy(makefile:find("\n" .. target .. ":", 1, true), "make " .. target)
    end
    assert.is_true(named >= 4)
  end)
end)
