--- Runs every code block of README.md, CONTRIBUTING.md, CHANGELOG.md and the pages of doc/, follows their links, and
-- compares what is derived from the code with the code.
--
-- A block is run by its language. One that cannot be run is marked after its language: ```lua no-run
local child = require "spec.support.child"
local errors = require "hoopai.errors"
local hoopai = require "hoopai"
local lfs = require "lfs"
local endpoint_table = require "tools.endpoint_table"
local sandbox = require "hoopai.sandbox"

local read = endpoint_table.read

--- The names in a folder that end in a suffix, in order.
local function files_of(folder, suffix)
  local list = {}
  for name in lfs.dir(folder) do
    if name:sub(-#suffix) == suffix then list[#list + 1] = folder .. "/" .. name end
  end
  table.sort(list)
  return list
end

local DOC = files_of("doc", ".md")
local PAGES = { "README.md", "CONTRIBUTING.md", "CHANGELOG.md" }
table.move(DOC, 1, #DOC, #PAGES + 1, PAGES)

local README = read("README.md")

--- Splits a page into its fenced blocks, a list of { language, mark, text, line }, and the lines outside of them, by
-- number.
local function parse(text, path)
  local blocks, prose, block, number = {}, {}, nil, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local info = line:match("^%s*```(.*)$")
    if info and block then
      blocks[#blocks + 1], block = block, nil
    elseif info then
      local language, mark = info:match("^(%S*)%s*(.*)$")
      block = { language = language, mark = mark, text = {}, line = number }
    elseif block then
      table.insert(block.text, line)
    else
      assert(not line:find("^%s*~~~"), "a block in ~~~ would not be run")
      prose[number] = line
    end
  end
  assert(not block, "a code block does not end in " .. path)
  return blocks, prose, number
end

--- The anchors that a page's headings have on GitHub.
local function anchors_of(path)
  local _, prose, count = parse(read(path), path)
  local known = {}
  for number = 1, count do
    local heading = (prose[number] or ""):match("^#+ (.+)$")
    if heading then known[heading:lower():gsub("[^%w%s_-]", ""):gsub(" ", "-")] = true end
  end
  return known
end

--- The path of a file that a page names, without "x/..".
local function resolve(page, target)
  local path = (page:match("^(.*/)") or "") .. target
  local count
  repeat
    path, count = path:gsub("[^/]+/%.%./", "")
  until count == 0
  return path
end

--- What is wrong with a link of a page, nil for a good one.
local function link_problem(page, target)
  if target:find("^https?://") then return nil end
  local file, anchor = target:match("^([^#]*)#?(.*)$")
  local path = file == "" and page or resolve(page, file)
  if not lfs.attributes(path) then return "there is no " .. path end
  if page:find("^doc/") and not path:find("^doc/") and not path:find("^examples/") then
    return path .. " is not installed by the rock"
  end
  if anchor ~= "" and not anchors_of(path)[anchor] then return path .. " has no heading #" .. anchor end
end

-- Files that are not in the repository: written by make, by an installation, or by the reader of a page.
local ELSEWHERE = {
  ["free.lua"] = true,
  ["book.lua"] = true,
  ["hoopai_core.c"] = true,
  ["hoopai_crypto.c"] = true,
  ["hoopai_lua.c"] = true,
  ["hoopai.h"] = true,
  ["share/lua/5.4/"] = true,
  [".luarc.json"] = true,
}
local FOLDERS = { "", "lua/", "lua/hoopai/", "src/", "spec/", "doc/", "examples/" }

--- Does a name in code marks that looks like a file or folder of ours exist?
local function is_there(name)
  if ELSEWHERE[name] or name:find("^build") then return true end
  for _, folder in ipairs(FOLDERS) do
    if lfs.attributes(folder .. name) then return true end
  end
  return false
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
      HOOPAI_BASE_URL = account.url,
      HOOPAI_TOKEN = account.token,
      HOOPAI_LOCATION_ID = account.location_id,
      CONTACT_ID = account.seed.contacts.hugo,
      USER_ID = account.seed.users.okafor,
      CALENDAR_ID = account.seed.calendars.checkup,
      APPOINTMENT_ID = account.seed.appointments[1],
      HOME = account.home,
      HOOPAI_CLIENT_ID = account.oauth.client_id,
      HOOPAI_CLIENT_SECRET = account.oauth.client_secret,
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
  local pipe = assert(
    io.popen(
      (
        "cc -o %s %s.c -I/usr/include/lua5.4 $(pkg-config --cflags lua5.4 2>/dev/null) "
        .. "-Ibuild/amalgamation %s 2>&1 && %s 2>&1"
      ):format(base, base, libraries, base),
      "r"
    )
  )
  local output = pipe:read("a")
  local ok = pipe:close()
  os.remove(base)
  os.remove(base .. ".c")
  return output, ok or false
end

describe("a page", function()
  local account

  --- Signs in for the location and for the agency; the tokens go to the folder that the pages use.
  local function sign_in()
    local app <close> = hoopai.oauth {
      client_id = account.oauth.client_id,
      client_secret = account.oauth.client_secret,
      base_url = account.url,
      store = hoopai.store.file(account.home .. "/.hoopai"),
      redirect_uri = "http://127.0.0.1:8484/callback",
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

  for _, page in ipairs(PAGES) do
    for _, block in ipairs((parse(read(page), page))) do
      if block.mark ~= "no-run" then
        it(("%s runs: the %s block at line %d"):format(page, block.language, block.line), function()
          assert.equal("", block.mark, "a block is marked no-run, or not at all")
          local runner = assert(run[block.language], "no runner for a block in " .. block.language)
          local output, ok = runner(table.concat(block.text, "\n"), account)
          assert.is_true(ok, output)
        end)
      end
    end
  end
end)

describe("the pages", function()
  for _, page in ipairs(PAGES) do
    it("have no dead link: " .. page, function()
      local _, prose, count = parse(read(page), page)
      local problems = {}
      for number = 1, count do
        for target in (prose[number] or ""):gsub("`[^`]*`", ""):gmatch("%]%(([^)%s]+)%)") do
          local problem = link_problem(page, target)
          if problem then problems[#problems + 1] = ("%d: %s"):format(number, problem) end
        end
      end
      assert.same({}, problems)
    end)

    it("have lines of at most 120 columns, tables excepted: " .. page, function()
      local long = {}
      for line in read(page):gmatch("[^\n]+") do
        if utf8.len(line) > 120 and not line:find("^|") then long[#long + 1] = line end
      end
      assert.same({}, long)
    end)

    it("name make targets, files and folders that exist: " .. page, function()
      local makefile, text, lacking = read("Makefile"), read(page), {}
      for target in text:gmatch("`make ([%l%-]+)") do
        if not makefile:find("\n" .. target .. ":", 1, true) then lacking[#lacking + 1] = "make " .. target end
      end
      for name in text:gmatch("`([%w_./-]+)`") do
        local is_file = name:find("%.lua$") or name:find("%.[chm]d?$") or name:find("/$")
        if is_file and not name:find("^/") and not is_there(name) then lacking[#lacking + 1] = name end
      end
      assert.same({}, lacking)
    end)
  end

  for _, page in ipairs(DOC) do
    it("begin with what their reader can do, and are linked from the README: " .. page, function()
      local title, purpose = read(page):match("^(# [^\n]+)\n\n([^\n]+)\n\n")
      assert.is_string(title)
      assert.truthy(purpose:find("^After reading this page you .*%.$"), purpose)
      assert.truthy(README:find("](" .. page .. ")", 1, true))
    end)
  end

  it("give each example a line in the README", function()
    for _, path in ipairs(files_of("examples", ".lua")) do
      assert.truthy(README:find("](" .. path .. ") | ", 1, true), path)
    end
  end)

  it("tell a block that was marked from one that was not", function()
    local blocks = parse("a\n```lua no-run\nb\n```\n```lua\nc\n```\n", "here")
    assert.same({
      { language = "lua", mark = "no-run", text = { "b" }, line = 2 },
      { language = "lua", mark = "", text = { "c" }, line = 5 },
    }, blocks)
    assert.error_matches(function() parse("```lua\n", "here") end, "a code block does not end in here")
  end)

  it("are checked by something that sees a dead link", function()
    assert.is_nil(link_problem("doc/limits.md", "speed.md"))
    assert.is_nil(link_problem("doc/limits.md", "retries.md#the-rate-limit"))
    assert.is_nil(link_problem("doc/limits.md", "../examples/sign_in.lua"))
    assert.equal("there is no doc/README.md", link_problem("doc/limits.md", "README.md"))
    assert.equal("README.md is not installed by the rock", link_problem("doc/limits.md", "../README.md"))
    assert.equal("doc/limits.md has no heading #size", link_problem("README.md", "doc/limits.md#size"))
  end)
end)

describe("the README", function()
  it("has at most 200 lines", function()
    local _, lines = README:gsub("\n", "")
    assert.is_true(lines <= 200, lines .. " lines")
  end)

  it("has each option of hoopai.new, and no other", function()
    local section = assert(README:match("\n## Options\n(.-)\n## "))
    local meta = read("lua/hoopai/meta.lua")
    local known, listed = {}, {}
    local class = assert(meta:match("@class %(exact%) hoopai%.ClientOptions\n(.-)\n\n"))
    for name in class:gmatch("@field ([%w_]+)") do
      known[name] = true
    end
    for name in section:gmatch("\n| `([%w_]+)` |") do
      listed[name] = true
    end
    assert.is_true(known.timeout and known.on)
    assert.are.same(known, listed)
  end)
end)

describe("doc/endpoints.md", function()
  it("has the table that the data gives", function()
    local _, present = endpoint_table.split(read(endpoint_table.PAGE))
    assert.equal(endpoint_table.generate(), present)
    local rows = 0
    for _ in present:match("^(.-)\n\n"):gmatch("\n| `client%.") do
      rows = rows + 1
    end
    assert.equal(66, rows)
  end)
end)

describe("doc/errors.md", function()
  it("has each kind of error, and no other", function()
    local section = assert(read("doc/errors.md"):match("\n| `err%.kind` |.-\n(| `.-)\n\n"))
    local listed = {}
    for cell in ("\n" .. section):gmatch("\n|(.-)|") do
      for kind in cell:gmatch("`([%w_]+)`") do
        listed[#listed + 1] = kind
      end
    end
    local known = table.move(errors.kinds, 1, #errors.kinds, 1, {})
    table.sort(known)
    table.sort(listed)
    assert.are.same(known, listed)
  end)
end)
