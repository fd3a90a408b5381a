local child = require "spec.support.child"
local core = require "hoopai.core"
local lfs = require "lfs"
local mount = require "spec.support.mount"
local process = require "spec.support.process"

local CANARY = "canary-7f3a-TOKEN"

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1", "r"))
  local text = pipe:read("a")
  pipe:close()
  return (text:gsub("\n$", ""))
end

local is_root = output_of("id -u") == "0"

local root, path

--- Runs a shell command in the folder of the test.
local function sh(command, ...)
  command = command:format(...)
  assert.is_true(os.execute(("cd %s && { %s; }"):format(child.quote(root), command)), command)
end

local function is_problem(expected, value, problem)
  assert.is_nil(value)
  assert.are.equal("string", type(problem))
  assert.matches(expected, problem, 1, true)
  assert.is_nil(problem:find("canary", 1, true))
end

local function read_bytes(file)
  local handle = assert(io.open(path .. "/" .. file, "rb"))
  local bytes = handle:read("a")
  handle:close()
  return bytes
end

--- Overwrites a file in place, so that it keeps its mode.
local function write_bytes(file, bytes)
  local handle = assert(io.open(path .. "/" .. file, "wb"))
  assert(handle:write(bytes))
  assert(handle:close())
end

local function files(folder)
  local list = {}
  for name in lfs.dir(folder or path) do
    if name ~= "." and name ~= ".." then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function mode_of(file) return output_of("stat -c %a " .. child.quote(file)) end

local function grant(generation)
  return core.credentials { generation = generation, access_token = CANARY, refresh_token = "r" .. generation }
end

local function generation_in(tokens, name)
  local record, problem = tokens:read(name or "g")
  assert.is_nil(problem)
  return record and tonumber(record:get("generation"))
end

--- Runs fn in a forked child and returns its result as a text.
local function forked(fn)
  local from, to = process.pipe()
  local pid = process.fork()
  if pid == 0 then
    local ok, result = pcall(fn)
    process.write(to, ok and tostring(result) or "raised: " .. tostring(result))
    process.exit(0)
  end
  process.close(to)
  local text = process.read(from)
  process.close(from)
  process.wait(pid)
  return text
end

--- Runs Lua source, which finds core and path, in a process of its own: the shell text `before` comes first.
local function elsewhere(before, source)
  local script = root .. "/script.lua"
  local handle = assert(io.open(script, "w"))
  handle:write("local core = require 'hoopai.core'\nlocal path = ...\n", source)
  handle:close()
  return output_of(
    ("%s %s %s %s"):format(before, child.quote(child.interpreter()), child.quote(script), child.quote(path))
  )
end

before_each(function()
  root = output_of("mktemp -d")
  path = root .. "/tokens"
end)

after_each(function()
  collectgarbage()
  sh("chmod -R u+rwx . && cd / && rm -rf %s", child.quote(root))
end)

describe("the folder of token files", function()
  it("is made with mode 0700, whatever the umask", function()
    local old = process.umask(tonumber("277", 8))
    local tokens, problem = core.token_file(path)
    process.umask(old)
    assert.is_nil(problem)
    assert.are.equal("700", mode_of(path))
    assert.are.same({}, tokens:names())
  end)

  it("is made only where its parent is there", function()
    is_problem("the folder cannot be made: No such file or directory", core.token_file(root .. "/a/b"))
    is_problem("the folder cannot be", core.token_file("/proc/hoopai"))
  end)

  it("may be there, with slashes behind it", function()
    sh("mkdir -m 700 tokens")
    for _, rest in ipairs { "", "/", "//", "/.", "/./", "//.//." } do
      assert.is_truthy(core.token_file(path .. rest))
    end
    assert.is_truthy(core.token_file(root .. "/other/"))
    assert.are.equal("700", mode_of(root .. "/other"))
  end)

  it("is refused when it is a symbolic link", function()
    sh("mkdir -m 700 real && ln -s real tokens && ln -s nowhere dangling")
    is_problem("the folder is a symbolic link", core.token_file(path))
    for _, rest in ipairs { "/", "/.", "/./", "//.", "/.//./" } do
      is_problem("symbolic link", core.token_file(path .. rest))
    end
    is_problem("symbolic link", core.token_file(root .. "/dangling"))
    assert.are.same({ "dangling", "real", "tokens" }, files(root))
  end)

  it("may be behind a link, and is found again after a change of the working directory", function()
    sh("mkdir -m 700 real && ln -s . here && ln -s / up")
    assert.is_truthy(core.token_file(root .. "/here/real"))
    local old = lfs.currentdir()
    assert(lfs.chdir(root))
    local tokens = assert(core.token_file "real/.")
    local none = { core.token_file "up" }
    assert(lfs.chdir(old))
    is_problem("symbolic link", none[1], none[2])
    assert.is_true(tokens:write("g", grant(1)))
    assert.are.equal(root .. "/real/a%2Fb", tokens:path "a/b")
    assert.are.same({ "g" }, files(root .. "/real"))
  end)

  it("is refused when it is no folder", function()
    sh("touch tokens && mkfifo fifo")
    is_problem("Not a directory", core.token_file(path))
    is_problem("Not a directory", core.token_file(root .. "/fifo"))
    is_problem("Not a directory", core.token_file("/dev/null"))
  end)

  it("is refused when others may change it", function()
    for _, mode in ipairs { "777", "1777", "770", "702", "720" } do
      sh("rm -rf tokens && mkdir tokens && chmod %s tokens", mode)
      is_problem("can be changed by others", core.token_file(path))
    end
  end)

  it("is refused when others may list or enter it, and its mode stays", function()
    for _, mode in ipairs { "755", "750", "711", "705", "710", "701", "740", "704", "744", "2750", "555" } do
      sh("rm -rf tokens && mkdir tokens && chmod %s tokens", mode)
      local none, problem, cure = core.token_file(path)
      is_problem("the folder is open to others; its mode must be 0700", none, problem)
      assert.are.equal(("its mode is %04d: chmod 700 %s"):format(mode, path), cure)
      assert.are.equal(mode, mode_of(path))
    end
    sh("rm -rf tokens && mkdir -m 500 tokens")
    assert.is_truthy(core.token_file(path))
  end)

  it("is named in the advice as a shell takes it", function()
    sh([[mkdir -m 755 "it's mine"]])
    local _, _, cure = core.token_file(root .. "/it's mine")
    assert.are.equal(("its mode is 0755: chmod 700 '%s/it'\\''s mine'"):format(root), cure)
    assert.is_true(os.execute(cure:match "chmod.*"))
    assert.is_truthy(core.token_file(root .. "/it's mine"))
  end)

  it("is refused when it is somebody else's", function()
    if is_root then
      sh("mkdir -m 700 tokens && chown nobody tokens")
      is_problem("belongs to another user", core.token_file(path))
    else
      is_problem("belongs to another user", core.token_file("/usr"))
    end
  end)

  it("is named by a path", function()
    assert.has_error(function() core.token_file() end)
    assert.has_error(function() core.token_file(1) end)
    assert.has_error(function() core.token_file("") end)
    assert.has_error(function() core.token_file("a\0b") end)
  end)

  it("is closed once, and of no use then", function()
    local tokens = core.token_file(path)
    tokens:close()
    tokens:close()
    for _, name in ipairs { "read", "write", "reserve", "remove", "lock", "names", "path", "replacements" } do
      assert.has_error(function() tokens[name](tokens, "g", grant(1)) end, "attempt to use a closed token file")
    end
    assert.is_false(getmetatable(tokens))
  end)

  it("is left with no descriptor open", function()
    local function count()
      collectgarbage()
      local n = 0
      for _ in lfs.dir("/proc/self/fd") do
        n = n + 1
      end
      return n
    end
    local before = count()
    for n = 1, 30 do
      local tokens <close> = core.token_file(path)
      local lock <close> = assert(tokens:lock("g"))
      assert(lock and tokens:lock("g") == nil)
      local room <close> = assert(tokens:reserve("g", grant(n)))
      assert(tokens:reserve("unused"))
      if n % 2 == 0 then sh("mv tokens moved%d && mkdir -m 700 tokens", n) end
      assert(tokens:write("g", grant(n), n, room) and tokens:write("g", grant(n), n))
      assert(tokens:read("g") and tokens:names())
      core.token_file(root .. "/tokens/g")
      write_bytes("g", "torn")
      tokens:read("g")
      tokens:remove("g")
    end
    assert.are.equal(before, count())
  end)
end)

describe("a folder of token files", function()
  local tokens

  before_each(function() tokens = assert(core.token_file(path)) end)
  after_each(function() tokens:close() end)

  it("gives back what was written", function()
    assert.are.same({ n = 1 }, table.pack(tokens:read("g")))
    assert.is_true(tokens:write("g", grant(1)))
    assert.are.equal(core.secret(CANARY), tokens:read("g"):get("access_token"))
    assert.are.equal(core.pack_credentials(grant(1)), read_bytes("g"))
    assert.are.equal(core.pack_credentials(grant(1)), core.pack_credentials(tokens:read("g")))
    assert.is_true(core.token_file(path):write("g", grant(2)))
    assert.are.equal(2, generation_in(tokens))
  end)

  it("makes files with mode 0600, whatever the umask", function()
    for _, mask in ipairs { "0", "22", "777" } do
      local old = process.umask(tonumber(mask, 8))
      local written, problem = tokens:write("g", grant(1))
      local lock = tokens:lock("g" .. mask)
      process.umask(old)
      assert.is_nil(problem)
      assert.is_true(written)
      assert.are.equal("600", mode_of(path .. "/g"))
      assert.are.equal("600", mode_of(path .. "/g" .. mask .. ".lock"))
      lock:release()
    end
  end)

  it("keeps the generation before as a backup", function()
    tokens:write("g", grant(1))
    assert.are.same({ "g" }, files())
    tokens:write("g", grant(2))
    assert.are.same({ "g", "g.bak" }, files())
    assert.are.equal(core.pack_credentials(grant(1)), read_bytes("g.bak"))
    tokens:write("g", grant(3))
    assert.are.equal(core.pack_credentials(grant(2)), read_bytes("g.bak"))
    assert.are.equal(core.pack_credentials(grant(3)), read_bytes("g"))
    assert.are.equal("600", mode_of(path .. "/g.bak"))
  end)

  it("writes where no backup can be made", function()
    sh("mkdir tokens/g.bak")
    assert.is_true(tokens:write("g", grant(1)))
    assert.is_true(tokens:write("g", grant(2)))
    assert.are.equal(2, generation_in(tokens))
  end)

  it("makes files of names", function()
    local names = {
      "simple-Name_1",
      "a/b",
      "../up",
      ".",
      "..",
      "a.b",
      "100%",
      "\xc3\xa4",
      "nul\0",
      " ",
      ("n"):rep(200),
      ("/"):rep(66),
    }
    for n, name in ipairs(names) do
      assert.is_true(tokens:write(name, grant(n)))
    end
    for n, name in ipairs(names) do
      assert.are.equal(n, generation_in(tokens, name))
    end
    local listed = tokens:names()
    table.sort(listed)
    table.sort(names)
    assert.are.same(names, listed)
    assert.are.same({ "tokens" }, files(root))
    for _, file in ipairs(files()) do
      assert.matches("^[%w_%%-]+$", file)
    end
    assert.is_truthy(lfs.attributes(path .. "/%2E%2E%2Fup", "mode"))
  end)

  it("refuses names that make none", function()
    for _, name in ipairs { "", ("n"):rep(201), ("/"):rep(67) } do
      for _, method in ipairs { "read", "write", "remove", "lock" } do
        is_problem("the name of a record is", tokens[method](tokens, name, grant(1)))
      end
    end
    assert.has_error(function() tokens:read() end)
    assert.has_error(function() tokens:read(1) end)
    assert.has_error(function() tokens:write("g", "text") end)
    assert.has_error(function() tokens:write("g") end)
    assert.are.same({}, files())
  end)

  it("lists records only", function()
    tokens:write("g", grant(1))
    tokens:write("g", grant(2))
    tokens:lock("g"):release()
    sh("cd tokens && touch .hidden x.tmp 'a%%2fb' 'a%%4' 'a%%41' 'a b' g.0123456789abcdef.tmp")
    assert.are.same({ "g" }, tokens:names())
  end)

  it("removes a record and its backup, once or again", function()
    tokens:write("g", grant(1))
    tokens:write("g", grant(2))
    tokens:lock("g"):release()
    assert.is_true(tokens:remove("g"))
    assert.is_true(tokens:remove("g"))
    assert.are.same({ "g.lock" }, files())
    sh("mkdir tokens/d")
    is_problem("d cannot be removed", tokens:remove("d"))
  end)

  it("writes into the room that was reserved, and leaves none behind", function()
    assert(tokens:write("g", grant(1)))
    local room = assert(tokens:reserve("g", grant(1)))
    local reserved = files()[2]
    assert.matches("^g%.%x+%.tmp$", reserved)
    assert.are.equal("600", mode_of(path .. "/" .. reserved))
    assert.are.equal(256 * 1024, lfs.attributes(path .. "/" .. reserved, "size"))
    local inode = lfs.attributes(path .. "/" .. reserved, "ino")
    assert.is_true(tokens:write("g", grant(2), 1, room))
    assert.are.equal(inode, lfs.attributes(path .. "/g", "ino"))
    assert.are.equal(core.pack_credentials(grant(2)), read_bytes("g"))
    assert.are.equal(core.pack_credentials(grant(1)), read_bytes("g.bak"))
    room:release()
    assert.are.same({ "g", "g.bak" }, files())
    assert.is_true(tokens:write("g", grant(3), 2, room)) -- room that is used up, or was released, is of no effect
    do
      local unused <close> = assert(tokens:reserve("g")) -- luacheck: ignore 211
      assert.are.equal(3, #files())
    end
    assert(tokens:reserve("g"))
    collectgarbage()
    assert.are.same({ "g", "g.bak" }, files())
    assert.are.equal(3, generation_in(tokens))
  end)

  it("removes at once what a program that was killed had reserved for the same name", function()
    for _, name in ipairs { "g", "other" } do
      local pid = process.fork()
      if pid == 0 then
        local room = core.token_file(path):reserve(name)
        process.exit(room and process.kill(core.pid()) and 0 or 1) -- by SIGKILL
      end
      assert.are.equal("signal", (process.wait(pid)))
    end
    local kept = assert(tokens:reserve("g.")) -- of a living program
    assert.are.equal(3, #files())
    local room = assert(tokens:reserve("g"))
    assert.are.equal(3, #files())
    room:release()
    kept:release()
    assert.matches("^other%.%x+%.tmp$", table.concat(files(), " "))
    assert.is_nil((tokens:reserve("")))
    assert.are.equal(1, #files())
  end)

  it("leaves the parent's room to the parent in a forked child", function()
    local room = assert(tokens:reserve("g"))
    assert.are.equal(
      "true",
      forked(function()
        local done = tokens:write("g", grant(1), 0, room)
        room:release()
        return done
      end)
    )
    assert.are.equal(2, #files())
    assert.is_true(tokens:write("g", grant(2), 1, room))
    assert.are.same({ "g", "g.bak" }, files())
  end)

  it("follows its path: to a folder that took its place, and to a new one when it was removed", function()
    assert(tokens:write("g", grant(1)))
    sh("cp -rp tokens copy && mv tokens away && mv copy tokens")
    assert.are.equal(0, tokens:replacements())
    assert(core.token_file(path):write("g", grant(2)))
    assert.are.equal(2, generation_in(tokens))
    assert.are.equal(1, tokens:replacements())
    assert.is_true(tokens:write("g", grant(3)))
    assert.is_truthy(tokens:lock("g"))
    sh("grep -q generation=1 away/g && ! test -e away/g.lock && rm -rf tokens")
    for number, use in ipairs {
      function() return tokens:lock("g") end,
      function() return tokens:reserve("g") end,
      function() return tokens:write("g", grant(4)) end,
      function() return tokens:names() end,
      function() return tokens:remove("g") end,
    } do
      sh("rm -rf tokens")
      assert.is_truthy(use())
      assert.are.equal("700", mode_of(path))
      assert.are.equal(1 + number, tokens:replacements())
    end
    sh("rm -rf tokens")
    assert.are.same({ n = 1 }, table.pack(tokens:read("g")))
    sh("cd / && rm -rf %s/tokens", root)
    sh("touch tokens")
    is_problem("the folder " .. path .. " cannot be opened: Not a directory", tokens:read("g"))
  end)

  it("is refused once it is moved, or replaced by a folder that is not private, until that is mended", function()
    assert(tokens:write("g", grant(1)))
    local uses = {
      function() return tokens:read("g") end,
      function() return tokens:write("g", grant(2)) end,
      function() return tokens:reserve("g") end,
      function() return tokens:lock("g") end,
      function() return tokens:names() end,
      function() return tokens:remove("g") end,
    }
    local function all(expected)
      for _, use in ipairs(uses) do
        is_problem("the folder " .. path .. " " .. expected, use())
      end
    end
    sh("mv tokens away")
    all "was moved: No such file or directory"
    sh("mkdir -m 755 tokens")
    all("is open to others; its mode must be 0700; its mode is 0755: chmod 700 " .. path)
    sh("rmdir tokens && ln -s away tokens")
    all "is a symbolic link"
    if is_root then
      sh("rm tokens && mkdir -m 700 tokens && chown nobody tokens")
      all "belongs to another user"
    end
    sh("rm -rf tokens && mv away tokens")
    assert.are.equal(1, generation_in(tokens))
    for _, mode in ipairs { "777", "755", "711", "1777" } do
      sh("chmod %s tokens", mode)
      all(mode:find "777" and "can be changed by others" or "is open to others")
    end
    sh("chmod 700 tokens")
    assert.are.equal(1, generation_in(tokens))
    assert.are.equal(0, tokens:replacements())
  end)

  it("takes a successor all the same, for which there is room: into the open folder as long as it exists", function()
    local function successor(generation, harm)
      local room = assert(tokens:reserve("g"))
      sh(harm)
      assert.is_true(tokens:write("g", grant(generation), generation - 1, room))
      room:release()
    end
    successor(1, "chmod 777 tokens")
    sh("chmod 700 tokens")
    assert.are.equal(1, generation_in(tokens))
    successor(2, "mv tokens away")
    sh("mv away tokens")
    assert.are.equal(2, generation_in(tokens))
    successor(3, "mv tokens away && mkdir -m 777 tokens && chmod 777 tokens")
    sh("rmdir tokens && mv away tokens")
    assert.are.equal(3, generation_in(tokens))
    successor(4, "rm -rf tokens")
    assert.are.equal(4, generation_in(tokens))
    successor(5, "mv tokens away && mkdir -m 700 tokens")
    assert.are.equal(5, generation_in(tokens))
    assert.are.same({ "g" }, files())
    assert.are.same({ "g" }, files(root .. "/away"))
    successor(6, "rm tokens/*.tmp")
    assert.are.equal(6, generation_in(tokens))
    assert.are.same({ "g", "g.bak" }, files())
  end)

  it("has a whole record for a reader without a lock at every moment", function()
    tokens:write("g", grant(1))
    local pid = process.fork()
    if pid == 0 then
      for n = 2, 1000000 do
        if not tokens:write("g", grant(n)) then process.exit(1) end
      end
    end
    local last, backwards, problems = 1, 0, {}
    local deadline = core.now() + 1.5
    while core.now() < deadline do
      local record, problem = tokens:read("g")
      if not record then problems[#problems + 1] = tostring(problem) end
      local generation = record and tonumber(record:get("generation")) or last
      if generation < last then backwards = backwards + 1 end
      last = generation
    end
    process.kill(pid)
    process.wait(pid)
    assert.are.same({}, problems)
    assert.are.equal(0, backwards)
    assert.is_true(last > 3)
  end)

  it("works on in a forked child", function()
    tokens:write("g", grant(1))
    assert.are.equal("true", forked(function() return generation_in(tokens) == 1 and tokens:write("g", grant(2)) end))
    assert.are.equal(2, generation_in(tokens))
  end)
end)

describe("a token file", function()
  local tokens

  before_each(function()
    tokens = assert(core.token_file(path))
    assert(tokens:write("g", grant(1)))
  end)
  after_each(function() tokens:close() end)

  local function refused(expected)
    is_problem(expected, tokens:read("g"))
    is_problem("g ", tokens:read("g"))
  end

  it("is refused as it is when others could read or change it", function()
    for _, mode in ipairs { "644", "640", "604", "660", "606", "610", "601" } do
      sh("chmod %s tokens/g", mode)
      refused("mode must be 0600")
      assert.are.equal(mode, mode_of(path .. "/g"))
    end
    sh("chmod 400 tokens/g")
    assert.are.equal(1, generation_in(tokens))
  end)

  if is_root then -- nobody else can give a file away
    it("is refused when it is somebody else's", function()
      sh("chown nobody tokens/g")
      refused("belongs to another user")
    end)
  end

  it("is refused when it is a symbolic link, dangling or not", function()
    sh("mv tokens/g real && ln -s ../real tokens/g")
    refused("symbolic link")
    sh("rm real")
    refused("symbolic link")
  end)

  it("is refused when it has a second name", function()
    sh("ln tokens/g elsewhere")
    refused("second name")
    sh("rm elsewhere && ln tokens/g tokens/g.bak")
    assert.are.equal(1, generation_in(tokens)) -- the two names that a killed writer leaves
    sh("ln tokens/g elsewhere")
    refused("second name")
  end)

  it("is refused when it is something else, without waiting for it", function()
    sh("rm tokens/g && mkfifo -m 600 tokens/g")
    refused("not a regular file")
    sh("rm tokens/g && mkdir tokens/g")
    refused("not a regular file")
    if is_root then
      sh("rmdir tokens/g && mknod -m 600 tokens/g c 1 3")
      refused("not a regular file")
    end
  end)

  it("is refused when it is torn, wherever", function()
    local whole = read_bytes("g")
    for size = 0, #whole - 1 do
      write_bytes("g", whole:sub(1, size))
      local record, problem = tokens:read("g")
      if record or not problem then assert.are.equal("refused", size) end
    end
    refused("cut off")
    write_bytes("g", whole:sub(1, 60) .. ("\0"):rep(#whole - 60))
    refused("g it is cut off")
    write_bytes("g", "hoopai-record 2\n" .. whole:sub(17))
    refused("another version")
    write_bytes("g", (whole:gsub("r1", "r2")))
    refused("damaged")
    write_bytes("g", ("\1\2\3"):rep(100))
    refused("no record")
    write_bytes("g", ("x"):rep(256 * 1024 + 1))
    refused("256 KiB")
    write_bytes("g", whole)
    assert.are.equal(1, generation_in(tokens))
  end)

  it("holds the largest record there can be", function()
    local record = core.credentials { a = (" "):rep(65536), b = ("x"):rep(65400) }
    assert.is_true(tokens:write("large", record))
    assert.are.equal(core.pack_credentials(record), core.pack_credentials(tokens:read("large")))
  end)

  it("is replaced, not followed, when it is a link or another name", function()
    sh("mv tokens/g real && ln -s ../real tokens/g")
    assert.is_true(tokens:write("g", grant(2)))
    assert.are.equal("file", lfs.symlinkattributes(path .. "/g", "mode"))
    assert.are.equal(2, generation_in(tokens))
    sh("ln tokens/g elsewhere")
    assert.is_true(tokens:write("g", grant(3)))
    assert.are.equal(3, generation_in(tokens))
    sh("grep -q generation=2 elsewhere && grep -q generation=1 real")
  end)

  it("cannot replace a folder", function()
    sh("rm tokens/g && mkdir tokens/g && touch tokens/g/x")
    is_problem("g cannot be replaced: Is a directory", tokens:write("g", grant(2)))
    assert.are.same({ "g" }, files())
  end)
end)

describe("a temporary file", function()
  local tokens
  local old, young = "g.0123456789abcdef.tmp", "g.fedcba9876543210.tmp"

  before_each(function() tokens = assert(core.token_file(path)) end)
  after_each(function() tokens:close() end)

  it("of a dead writer is removed after an hour", function()
    sh(
      "cd tokens && umask 077 && touch -d '61 minutes ago' %s notours.tmp x.0123456789abcdef.tmp.bak && touch %s",
      old,
      young
    )
    assert(tokens:reserve("other")):release()
    assert.are.same({ young, "notours.tmp", "x.0123456789abcdef.tmp.bak" }, files())
    sh("cd tokens && umask 077 && touch -d '61 minutes ago' %s", old)
    assert(tokens:reserve("other")):release() -- looks once an hour
    assert.are.equal(4, #files())
    assert.is_true(core.token_file(path):write("g", grant(1)))
    assert.are.same({ "g", young, "notours.tmp", "x.0123456789abcdef.tmp.bak" }, files())
  end)

  it("of a living writer stays, however old it looks", function()
    sh("cd tokens && umask 077 && touch -d '2 hours ago' %s", old)
    -- flock -F becomes the command and so keeps its process id
    sh("flock -F tokens/%s sh -c 'touch locked; exec sleep 20' & echo $! > pid", old)
    local limit = core.now() + 10
    while not lfs.attributes(root .. "/locked") and core.now() < limit do
      core.sleep(0.005)
    end
    assert(tokens:reserve("g")):release()
    assert.are.same({ old }, files())
    sh("kill $(cat pid)")
    while core.now() < limit and #files() > 0 do
      assert(core.token_file(path):reserve("other")):release()
      core.sleep(0.005)
    end
    assert.are.same({}, files())
  end)

  it("that is no file of ours stays", function()
    sh("cd tokens && umask 077 && mkdir d.%s && mkfifo f.%s && ln -s x l.%s", old, old, old)
    sh("cd tokens && touch -h -d '2 hours ago' *")
    assert(tokens:reserve("other")):release()
    assert.are.equal(3, #files())
  end)
end)

describe("a lock", function()
  local tokens

  before_each(function() tokens = assert(core.token_file(path)) end)
  after_each(function() tokens:close() end)

  it("is held by one at a time, within one process too", function()
    local lock = assert(tokens:lock("g"))
    assert.are.same({ n = 1 }, table.pack(tokens:lock("g")))
    assert.is_nil((core.token_file(path):lock("g")))
    assert.is_truthy(tokens:lock("other"))
    lock:release()
    lock:release()
    local second = assert(tokens:lock("g"))
    lock:release() -- not the second one's
    assert.is_nil((tokens:lock("g")))
    second:release()
    assert.are.same({ "g.lock", "other.lock" }, files())
  end)

  it("is given back by to-be-closed variables and by the collector, not with its folder", function()
    do
      local lock <close> = assert(tokens:lock("g"))
      assert.is_nil(lock and (tokens:lock("g")))
    end
    local other = core.token_file(path)
    local held = { other:lock("g") }
    other:close()
    assert.is_nil((tokens:lock("g")))
    assert.is_truthy(held[1])
    held[1] = nil
    collectgarbage()
    assert.is_truthy(tokens:lock("g"))
  end)

  it("excludes other processes", function()
    local lock = assert(tokens:lock("g"))
    local try = "print(core.token_file(path):lock('g') and 'taken' or 'held')"
    assert.are.equal("held", elsewhere("", try))
    assert.are.equal("held", forked(function() return core.token_file(path):lock("g") and "taken" or "held" end))
    lock:release()
    assert.are.equal("taken", elsewhere("", try))
  end)

  it("is free when its holder was killed", function()
    local from, to = process.pipe()
    local pid = process.fork()
    if pid == 0 then
      local lock = tokens:lock("g")
      process.write(to, lock and "held" or "no")
      core.sleep(60)
      process.exit(lock and 0 or 1)
    end
    assert.are.equal("held", process.read(from))
    process.close(from)
    process.close(to)
    assert.is_nil((tokens:lock("g")))
    process.kill(pid)
    assert.are.equal("signal", (process.wait(pid)))
    assert.is_truthy(tokens:lock("g"))
  end)

  it("stays the parent's whatever a forked child does with it", function()
    local held = { tokens:lock("g") }
    assert.is_truthy(held[1])
    for _, way in ipairs { "release", "collect", "exit" } do
      assert.are.equal(
        "held",
        forked(function()
          if way == "release" then held[1]:release() end
          if way == "collect" then
            held[1] = nil
            collectgarbage()
          end
          return core.token_file(path):lock("g") and "taken" or "held"
        end)
      )
      assert.is_nil((tokens:lock("g")), way)
    end
    held[1]:release()
    assert.is_truthy(tokens:lock("g"))
  end)

  it("is not passed on to programs", function()
    local lock = assert(tokens:lock("g"))
    assert.is_nil(output_of("ls -l /proc/self/fd"):find(path, 1, true))
    lock:release()
  end)

  it("lets one of many processes in at a time", function()
    local pids = {}
    for n = 1, 16 do
      pids[n] = process.fork()
      if pids[n] == 0 then
        local mine = core.token_file(path)
        for _ = 1, 10 do
          local lock = mine:lock("g")
          while not lock do
            core.sleep(0.001)
            lock = mine:lock("g")
          end
          local before = mine:read("g")
          local generation = before and tonumber(before:get("generation")) or 0
          if not mine:write("g", grant(generation + 1)) then process.exit(1) end
          lock:release()
        end
        process.exit(0)
      end
    end
    for n = 1, 16 do
      assert.are.same({ "exit", 0 }, { process.wait(pids[n]) })
    end
    assert.are.equal(160, generation_in(tokens))
  end)

  it("refuses a file that is not its own", function()
    sh("touch tokens/real && ln -s real tokens/g.lock")
    is_problem("g.lock is a symbolic link", tokens:lock("g"))
    sh("rm tokens/* && ln -s nowhere tokens/g.lock")
    is_problem("symbolic link", tokens:lock("g"))
    assert.is_nil(lfs.attributes(path .. "/nowhere"))
    sh("rm tokens/* && mkfifo -m 600 tokens/g.lock")
    is_problem("not a regular file", tokens:lock("g"))
    sh("rm tokens/* && mkdir tokens/g.lock")
    is_problem("g.lock", tokens:lock("g"))
    sh("rmdir tokens/* && install -m 644 /dev/null tokens/g.lock")
    is_problem("mode must be 0600", tokens:lock("g"))
    sh("chmod 600 tokens/g.lock && ln tokens/g.lock x")
    is_problem("second name", tokens:lock("g"))
    if is_root then
      sh("rm x && chown nobody tokens/g.lock")
      is_problem("another user", tokens:lock("g"))
    end
  end)
end)

describe("a disk that fails", function()
  local function written(before, source)
    return elsewhere(before, [[
      local tokens, problem = core.token_file(path)
      if not tokens then return print(problem) end
      local record = core.credentials { generation = 2, access_token = "canary", pad = ("x"):rep(20000) }
      local say = print
    ]] .. source)
  end

  local tries = [[
    say("reserve", tokens:reserve("g", record))
    say("write", tokens:write("g", record))
    say("read", tokens:read("g"):get("generation"))
    say("lock", tokens:lock("g") and true)
  ]]

  --- Calls fn with a folder on a small disk of its own.
  local function on_small_disk(fn)
    local disk = root .. "/disk"
    sh("mkdir disk")
    local text = forked(function()
      if mount.who == "namespace" then process.become_root() end
      assert(mount.on(disk, "64k"))
      fn(core.token_file(disk))
      return "all is well"
    end)
    if mount.who == "root" then mount.off(disk) end
    assert.are.equal("all is well", text)
  end

  before_each(function() assert(core.token_file(path):write("g", grant(1))) end)

  it("by a limit of the file size: a problem, and no signal", function()
    assert.are.equal(
      "reserve\tnil\troom for the next token cannot be reserved: File too large\n"
        .. "write\tnil\tg cannot be written: File too large\nread\t1\nlock\ttrue",
      written("ulimit -f 1;", tries)
    )
    assert.are.same({ "g", "g.lock" }, files())
  end)

  it("by a lack of descriptors: a problem each time", function()
    local text = written(
      "ulimit -n 24;",
      [[
      local held = {}
      while true do
        local file = io.open("/dev/null")
        if not file then break end
        held[#held + 1] = file
      end
      say("reserve", tokens:reserve("g", record))
      say("write", tokens:write("g", record))
      say("read", tokens:read("g"))
      say("lock", tokens:lock("g"))
      say("names", tokens:names())
      say("tokens", core.token_file(path))
      held[1]:close()
      say("write", tokens:write("g", record))
      say("read", tokens:read("g"):get("generation"))
    ]]
    )
    assert.are.equal((([[
reserve	nil	room for the next token cannot be reserved: E
write	nil	g cannot be written: E
read	nil	g cannot be opened: E
lock	nil	g.lock cannot be opened: E
names	nil	the folder cannot be listed: E
tokens	nil	the folder cannot be opened: E
write	true
read	2]]):gsub(": E", ": Too many open files")), text)
    assert.are.same({ "g", "g.bak" }, files())
  end)

  it("by a folder that may not be written: a problem", function()
    local text
    if is_root then
      -- Nothing is forbidden to root, so somebody else tries, with a copy of the core where that one can read it.
      sh(
        "chmod 755 . && chown -R nobody tokens && chmod 500 tokens && cp %s/%s/hoopai/core.so . && chmod 644 core.so",
        child.quote(lfs.currentdir()),
        os.getenv "HOOPAI_BUILD" or "build"
      )
      sh("cat > try.lua <<'END'\n%s\nEND\n chmod 644 try.lua", (([[
        local core = package.loadlib("ROOT/core.so", "luaopen_hoopai_core")()
        local tokens, say = assert(core.token_file("ROOT/tokens")), print
        local record = core.credentials { generation = 2 }
      ]] .. tries):gsub("ROOT", root)))
      text = output_of(
        ("env -u LD_PRELOAD setpriv --reuid nobody --clear-groups %s %s/try.lua"):format(
          child.quote(lfs.symlinkattributes("/proc/self/exe", "target") or child.interpreter()),
          root
        )
      )
    else
      sh("chmod 500 tokens")
      text = written("", tries)
    end
    assert.are.equal(
      "reserve\tnil\troom for the next token cannot be reserved: Permission denied\n"
        .. "write\tnil\tg cannot be written: Permission denied\nread\t1\nlock\tnil",
      text
    )
  end)

  if mount.who then
    it("by being full: what there is stays", function()
      on_small_disk(function(tokens)
        assert.is_true(tokens:write("g", grant(1)))
        assert(tokens:reserve("g")):release()
        sh("dd if=/dev/zero of=disk/filler bs=1k count=100 status=none 2>/dev/null || true")
        is_problem("room for the next token cannot be reserved: No space left on device", tokens:reserve("g"))
        is_problem("g cannot be written: No space left on device", tokens:write("g", grant(2)))
        assert.are.equal(1, generation_in(tokens))
        assert.are.same({ "filler", "g" }, files(root .. "/disk"))
        sh("rm disk/filler")
        assert.is_true(tokens:write("g", grant(3)))
        assert.are.equal(3, generation_in(tokens))
      end)
    end)

    it("by being full once room is reserved: the room is the file of the successor", function()
      on_small_disk(function(tokens)
        local function fill()
          sh(
            "dd if=/dev/zero of=disk/filler bs=1k count=1000 oflag=append conv=notrunc status=none 2>/dev/null || true"
          )
        end
        local function large(generation, size)
          return core.credentials { generation = generation, access_token = ("a"):rep(size), refresh_token = "r" }
        end
        assert.is_true(tokens:write("g", grant(1)))
        for generation, size in ipairs { 10, 9000, 8000, 10, 12000 } do
          local room = assert(tokens:reserve("g", tokens:read("g")))
          assert.is_true(tokens:write("g", tokens:read("g"):with { pending = 1 })) -- the mark has room beside it
          fill()
          is_problem("No space left", tokens:write("other", grant(9)))
          assert.is_true(tokens:write("g", large(generation + 1, size), 0, room))
          room:release()
          assert.are.equal(generation + 1, generation_in(tokens))
          sh("rm disk/filler")
        end
        -- Larger than all the room there was: the old record stays, and the room until the disk has enough.
        local room = assert(tokens:reserve("g", tokens:read("g")))
        fill()
        is_problem("g cannot be written: No space left on device", tokens:write("g", large(7, 60000), 0, room))
        is_problem("g cannot be written: No space left on device", tokens:write("g", large(7, 60000), 0, room))
        assert.are.equal(6, generation_in(tokens))
        sh("rm disk/filler")
        assert.is_true(tokens:write("g", large(7, 30000), 0, room))
        assert.are.equal(7, generation_in(tokens))
        room:release()
        for _, name in ipairs(files(root .. "/disk")) do
          assert.is_nil(name:find "tmp")
        end
      end)
    end)

    it("by being full of what the dead reserved: that is removed", function()
      on_small_disk(function(tokens)
        assert.is_true(tokens:write("g", grant(1)))
        sh("dd if=/dev/zero of=disk/filler bs=1k count=20 status=none")
        local alive = assert(core.token_file(root .. "/disk"):reserve "alive")
        sh("cd disk && umask 077 && rm filler && touch b.0123456789abcdef.tmp")
        sh("cd disk && umask 077 && dd if=/dev/zero of=a.0123456789abcdef.tmp bs=1k count=100 status=none 2>&- || true")
        sh("touch -d '20 seconds ago' disk/a.* disk/alive.*")
        local room = assert(tokens:reserve("g", grant(1)))
        local left = table.concat(files(root .. "/disk"), " ")
        assert.matches("^alive%.%x+%.tmp b%.0123456789abcdef%.tmp g g%.%x+%.tmp$", left)
        room:release()
        alive:release()
      end)
    end)

    it("by being read-only: what there is stays", function()
      on_small_disk(function(tokens)
        assert.is_true(tokens:write("g", grant(1)))
        sh("mount -o remount,bind,ro disk")
        is_problem("room for the next token cannot be reserved: Read-only file system", tokens:reserve("g"))
        is_problem("g cannot be written: Read-only file system", tokens:write("g", grant(2)))
        is_problem("g.lock cannot be opened: Read-only file system", tokens:lock("g"))
        is_problem("g cannot be removed: Read-only file system", tokens:remove("g"))
        is_problem("the folder cannot be made: Read-only file system", core.token_file(root .. "/disk/new"))
        assert.are.equal(1, generation_in(tokens))
      end)
    end)
  end
end)

describe("under strace", function()
  -- LeakSanitizer cannot work in a process that is traced.
  local strace = 'ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -o %s/log -e trace=%s %s'

  --- The system calls of `action` on a folder with the generations 1 and 2, and what it printed, while strace injects.
  local function traced(action, inject, more)
    assert(core.token_file(path):write("g", grant(1)))
    assert(core.token_file(path):write("g", grant(2)))
    local before =
      strace:format(root, (more or "") .. "openat,write,fsync,unlinkat,linkat,renameat,close,flock", inject or "")
    local text = elsewhere(
      before,
      ([[
      local tokens = assert(core.token_file(path))
      local record = core.credentials { generation = 3 }
      io.stdout:setvbuf("no")
      io.stdout:write("begin\n")
      local done, problem = %s
      io.stdout:write(tostring(done), problem and " " .. problem or "", "\n")
    ]]):format(action)
    )
    local calls, inside = {}, false
    for logged in io.lines(root .. "/log") do
      local line = logged:gsub("^%d+ +", "")
      if inside and line:find("^write%(1, ") then break end
      if inside then calls[#calls + 1] = line end
      if line:find('"begin', 1, true) then inside = true end
    end
    return calls, text
  end

  it("a write is on the disk before it counts", function()
    local calls, text = traced("tokens:write('g', record)")
    assert.are.equal("begin\ntrue", text)
    local expected = {
      'openat%(%d+, "g%.%x+%.tmp", O_WRONLY|O_CREAT|O_EXCL|O_NOCTTY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC, 0600%) = %d+$',
      "flock%(%d+, LOCK_EX|LOCK_NB%) += 0",
      'write%(%d+, "hoopai%-record 1.* = %d+$',
      "fsync%(%d+%) += 0",
      'unlinkat%(%d+, "g%.bak", 0%) += 0',
      'linkat%(%d+, "g", %d+, "g%.bak", 0%) += 0',
      'renameat%(%d+, "g%.%x+%.tmp", %d+, "g"%) += 0',
      "fsync%(%d+%) += 0",
      "close%(%d+%) += 0",
    }
    for n, pattern in ipairs(expected) do
      assert.matches("^" .. pattern, calls[n])
    end
    local folder, file = calls[1]:match("^openat%((%d+), .* = (%d+)$")
    assert.matches("^write%(" .. file .. ",", calls[3])
    assert.matches("^fsync%(" .. file .. "%)", calls[4])
    assert.matches("^fsync%(" .. folder .. "%)", calls[8])
  end)

  it("a removal is on the disk before it counts", function()
    local calls = traced("tokens:remove('g')")
    assert.matches('^unlinkat%(%d+, "g", 0%)', calls[1])
    assert.matches('^unlinkat%(%d+, "g.bak", 0%)', calls[2])
    assert.matches("^fsync%(%d+%)", calls[3])
  end)

  it("a reservation is on the disk before it counts, and the write into it before that counts", function()
    local calls =
      traced("tokens:write('g', record, 2, assert(tokens:reserve('g', record)))", "", "fallocate,ftruncate,")
    local log = table.concat(calls, "\n")
    assert.matches(
      'openat%(%d+, "g%.%x+%.tmp", O_WRONLY|O_CREAT|O_EXCL.-\nflock.-\nfallocate.-\nftruncate%(%d+, 262144%).-\n'
        .. 'fsync%(%d+%) .-\nwrite%(%d+, "hoopai%-record 1.-\nftruncate.-\nfsync%(%d+%) .-\nunlinkat.-\nlinkat.-\n'
        .. 'renameat%(%d+, "g%.%x+%.tmp", %d+, "g"%) .-\nfsync%(%d+%)',
      log
    )
  end)

  --- While strace makes a call fail: what write says, the generation in the tokens, and its files.
  local function fails(inject, expected, generation, left)
    local _, text = traced("tokens:write('g', record)", "-e inject=" .. inject)
    assert.are.equal("begin\n" .. expected, text)
    local tokens <close> = core.token_file(path)
    assert.are.equal(generation, generation_in(tokens))
    assert.are.equal(left or "g g.bak", table.concat(files(), " "))
  end

  it("a step that fails is said, the old record stays and nothing is left behind", function()
    fails("write:error=ENOSPC:when=2", "nil g cannot be written: No space left on device", 2) -- "begin" is the first
    fails("fsync:error=EIO:when=1", "nil g cannot be written: Input/output error", 2)
    fails("renameat:error=EIO", "nil g cannot be replaced: Input/output error", 2)
  end)

  it("a step that may fail does no harm", function()
    fails("flock:error=ENOSYS", "true", 3)
    fails("linkat:error=EPERM", "true", 3, "g")
    fails("unlinkat:error=EACCES", "true", 3)
    fails("fsync:error=EINVAL:when=2", "true", 3)
    fails("fsync:error=EINTR:when=1", "true", 3)
    fails("fsync:error=EINTR:when=2", "true", 3)
  end)

  it(
    "a folder that cannot be synced is said, and the new record is there",
    function()
      fails("fsync:error=EIO:when=2", "nil g is in place, but might not outlast a power failure: Input/output error", 3)
    end
  )

  it("a kill at any step leaves the old record or the new one", function()
    -- spec/torture/token_file_kill.lua does it at each system call and ten thousand times at random.
    for _, step in ipairs {
      { "flock", 1, 2 },
      { "fsync", 1, 2 },
      { "unlinkat", 1, 2 },
      { "linkat", 1, 2 },
      { "renameat", 1, 2 },
      { "fsync", 2, 3 },
    } do
      local _, text = traced("tokens:write('g', record)", ("-e inject=%s:signal=KILL:when=%d"):format(step[1], step[2]))
      assert.matches("^begin", text)
      assert.is_nil(text:find("true", 1, true))
      local tokens <close> = core.token_file(path)
      assert.are.equal(step[3], generation_in(tokens), step[1])
      assert(tokens:lock("g")):release()
    end
  end)
end)
