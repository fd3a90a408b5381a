-- Files that are written whole or not at all.

local atomic_file = require "hoopai.command.lib.atomic_file"
local child = require "spec.support.child"
local lfs = require "lfs"
local mount = require "spec.support.mount"

local quote = child.quote

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function put(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

local function run(command) return os.execute(command) == true end

describe("an atomic file", function()
  local folder

  -- The names in the folder.
  local function names()
    local list = {}
    for name in lfs.dir(folder) do
      if name ~= "." and name ~= ".." then list[#list + 1] = name end
    end
    table.sort(list)
    return list
  end

  before_each(function()
    folder = os.tmpname()
    assert(os.remove(folder))
    assert(lfs.mkdir(folder))
  end)

  after_each(function() run("chmod -R u+rwx " .. quote(folder) .. "; rm -rf " .. quote(folder)) end)

  it("is made of all pieces, in binary", function()
    local path = folder .. "/it's an $export.csv"
    assert.is_true(atomic_file.write(path, function(write)
      write "a\r\n"
      write "\0\255"
    end))
    assert.are.equal("a\r\n\0\255", read(path))
    assert.are.same({ "it's an $export.csv" }, names())
  end)

  it("takes the place of the old one at the end, not before", function()
    local path = folder .. "/a.csv"
    put(path, "old")
    local during
    assert.is_true(atomic_file.write(path, function(write)
      write(("x"):rep(200000))
      during = read(path)
    end))
    assert.are.equal("old", during)
    assert.are.equal(("x"):rep(200000), read(path))
    assert.are.same({ "a.csv" }, names())
  end)

  it("may be empty, and may have a path without a folder", function()
    assert.is_true(atomic_file.write(folder .. "/empty", function() end))
    assert.are.equal("", read(folder .. "/empty"))
    local here = lfs.currentdir()
    lfs.chdir(folder)
    local done = atomic_file.write("plain", function(write) write "x" end)
    local dashed = atomic_file.write("-n", function(write) write "y" end)
    lfs.chdir(here)
    assert.is_true(done and dashed)
    assert.are.equal("xy", read(folder .. "/plain") .. read(folder .. "/-n"))
  end)

  it("keeps the mode of the old one", function()
    local path = folder .. "/a.csv"
    put(path, "old")
    assert.is_true(run("chmod 640 " .. quote(path)))
    assert.is_true(atomic_file.write(path, function(write) write "new" end))
    assert.are.equal("rw-r-----", lfs.attributes(path, "permissions"))
  end)

  it("is replaced where a symbolic link leads to, and the link stays", function()
    lfs.mkdir(folder .. "/other")
    put(folder .. "/other/file", "old")
    assert(lfs.link("other/file", folder .. "/link", true))
    assert(lfs.link("other/new", folder .. "/dangling", true))
    assert.is_true(atomic_file.write(folder .. "/link", function(write) write "new" end))
    assert.is_true(atomic_file.write(folder .. "/dangling", function(write) write "made" end))
    assert.are.equal("link", lfs.symlinkattributes(folder .. "/link", "mode"))
    assert.are.equal("link", lfs.symlinkattributes(folder .. "/dangling", "mode"))
    assert.are.equal("new", read(folder .. "/other/file"))
    assert.are.equal("made", read(folder .. "/other/new"))
    assert.are.same({ "dangling", "link", "other" }, names())
  end)

  it("is left as it was, with nothing beside it, when the producer raises", function()
    local path = folder .. "/a.csv"
    put(path, "old")
    local problem = setmetatable({}, { __tostring = function() return "server: 500" end })
    for _, raised in ipairs { problem, "interrupted!" } do
      local ok, caught = pcall(atomic_file.write, path, function(write)
        write(("x"):rep(200000))
        error(raised, 0)
      end)
      assert.is_false(ok)
      assert.are.equal(raised, caught)
      assert.are.equal("old", read(path))
      assert.are.same({ "a.csv" }, names())
    end
  end)

  it("gets one error that names path and reason", function()
    local function write(path)
      return atomic_file.write(path, function(put_text) put_text "x" end)
    end
    assert.are.same(
      { nil, ("cannot write %s/none/x: No such file or directory; no file was made"):format(folder) },
      { write(folder .. "/none/x") }
    )
    assert.are.same({ nil, ("cannot write %s: Is a directory"):format(folder) }, { write(folder) })
    put(folder .. "/file", "x")
    assert.are.same(
      { nil, ("cannot write %s/file/x: Not a directory; no file was made"):format(folder) },
      { write(folder .. "/file/x") }
    )
  end)

  it("goes into a pipe or a device, which is not replaced", function()
    -- The pipe comes first: code that replaces it must not come to the device of the whole system.
    local pipe, link = folder .. "/pipe", folder .. "/link"
    assert.is_true(run("mkfifo " .. quote(pipe)))
    assert(lfs.link("pipe", link, true))
    for _, path in ipairs { pipe, link } do
      local reader = assert(io.popen("timeout 20 cat " .. quote(pipe)))
      assert.is_true(atomic_file.write(path, function(write) write "text" end))
      assert.are.equal("named pipe", lfs.attributes(path, "mode"))
      assert.are.equal("text", reader:read "a")
      reader:close()
    end
    assert(os.remove(link))
    assert(lfs.link("/dev/full", link, true))
    for _, path in ipairs { "/dev/full", link } do
      for _, count in ipairs { 1, 200000 } do
        assert.are.same({ nil, "cannot write " .. path .. ": No space left on device" }, {
          atomic_file.write(path, function(write) write(("x"):rep(count)) end),
        })
      end
      assert.are.equal("char device", lfs.attributes(path, "mode"))
    end
    assert.are.same({ "link", "pipe" }, names())
    -- The producer does not go on after the first failure.
    local is_after = false
    atomic_file.write("/dev/full", function(write)
      write(("x"):rep(200000))
      is_after = true
    end)
    assert.is_false(is_after)
  end)

  -- Runs a script that writes `count` bytes to `folder/a.csv`, by a shell command in which %s is the interpreter and
  -- the script.
  local function write_in_child(command, count)
    local script = folder .. "/script.lua"
    put(
      script,
      ([[
        local atomic_file = require "hoopai.command.lib.atomic_file"
        print(atomic_file.write(%q, function(write)
          for _ = 1, %d do write(("x"):rep(1000)) end
        end))
      ]]):format(folder .. "/disk/a.csv", count // 1000)
    )
    local pipe = assert(io.popen(command:format(quote(child.interpreter()) .. " " .. quote(script)) .. " 2>&1"))
    local output = pipe:read "a"
    pipe:close()
    os.remove(script)
    return output
  end

  it("is left as it was when it grows over a limit", function()
    lfs.mkdir(folder .. "/disk")
    put(folder .. "/disk/a.csv", "old")
    -- A file of more than 16 blocks of 512 bytes is refused. Without the trap a signal ends the process.
    local limited = "trap '' XFSZ; ulimit -f 16; %s"
    local message = "nil\tcannot write %s/disk/a.csv: File too large; the old file is unchanged\n"
    assert.are.equal(message:format(folder), write_in_child(limited, 200000))
    -- Less than the buffer: the failure comes when the file is closed.
    assert.are.equal(message:format(folder), write_in_child(limited, 40000))
    assert.are.equal("old", read(folder .. "/disk/a.csv"))
    assert.are.same(
      { "a.csv" },
      (function()
        folder = folder .. "/disk"
        local found = names()
        folder = folder:gsub("/disk$", "")
        return found
      end)()
    )
    assert.are.equal("true\n", write_in_child(limited, 4000))
  end)

  it("is left as it was when the disk is full", function()
    lfs.mkdir(folder .. "/disk")
    local inside = "mount -t tmpfs -o size=64k tmpfs %s/disk && echo old >%s/disk/a.csv && { %%s; cat %s/disk/a.csv; "
      .. "ls -A %s/disk; }"
    local command = inside:gsub("%%s/disk", folder:gsub("%%", "%%%%") .. "/disk")
    local enter = mount.who == "root" and "unshare -m sh -c " or "unshare -rm sh -c "
    if mount.who == nil then
      -- Where nothing can be mounted, a limit stands in.
      local refused = write_in_child("trap '' XFSZ; ulimit -f 16; %s", 200000)
      assert.is_truthy(refused:find("File too large; no file was made", 1, true))
      return
    end
    local output = write_in_child(enter .. quote(command):gsub("%%%%s", "%%s"), 200000)
    assert.are.equal(
      ("nil\tcannot write %s/disk/a.csv: No space left on device; the old file is unchanged\nold\na.csv\n"):format(
        folder
      ),
      output
    )
  end)
end)
