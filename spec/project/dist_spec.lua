-- `make dist` writes the same archive wherever and whenever it is run on a commit.

local child = require "spec.support.child"
local version = require "hoopai.version"

local quote = child.quote

--- Runs a command; its output when it succeeds.
local function shell(command)
  local pipe = assert(io.popen("{ set -e\n" .. command .. "\n} 2>&1"))
  local output = pipe:read("a")
  assert(pipe:close(), output)
  return output
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

-- The settings of git of this computer must not reach a repository of the specs.
local GIT = "env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b "
  .. "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='1700000000 +0000' "
  .. "GIT_COMMITTER_DATE='1700000000 +0000' git"
local FILES = ".ci lua doc examples src bin README.md LICENSE CHANGELOG.md Makefile hoopai-*.rockspec"

describe("make dist", function()
  local work, first, second

  lazy_setup(function()
    work = shell("mktemp -d"):gsub("\n$", "")
    first, second = work .. "/one", work .. "/another folder"
    shell(("mkdir %s && cp -R %s %s"):format(quote(first), FILES, quote(first)))
    local commands = {
      "cd " .. quote(first),
      "rm -rf .ci/npm",
      "printf '/build/\\n' >.gitignore",
      GIT .. " init -q .",
      GIT .. " add -A",
      GIT .. " commit -q -m one",
    }
    shell(table.concat(commands, "\n"))
    shell(("%s clone -q %s %s"):format(GIT, quote(first), quote(second)))
  end)

  lazy_teardown(function() shell("rm -rf " .. quote(work)) end)

  --- Runs `.ci/dist` in a folder. Returns the path of the archive, and all that was printed.
  local function dist(folder, mask, zone)
    local output = shell(("cd %s && umask %s && TZ=%s .ci/dist build/dist"):format(quote(folder), mask, zone))
    return folder .. "/build/dist/hoopai-" .. version .. ".tar.gz", output
  end

  it("writes the same bytes in another folder, with another umask, time zone and user's settings", function()
    local one, output = dist(first, "022", "UTC")
    assert.equal("build/dist/hoopai-" .. version .. ".tar.gz\n", output)
    shell(("cd %s && %s config tar.umask 0077 && %s config core.autocrlf true"):format(quote(second), GIT, GIT))
    shell(("touch -d 2001-01-01 %s"):format(quote(second .. "/README.md")))
    local other = dist(second, "077", "Asia/Tokyo")
    assert.is_true(read(one) == read(other), "the archives differ")
    assert.equal("hoopai-" .. version .. ".tar.gz\n", shell("ls " .. quote(first .. "/build/dist")))
  end)

  it("gives all files the time of the commit, one owner and a fixed mode, in the order of their names", function()
    local archive = dist(first, "027", "America/New_York")
    local listed, previous = 0, ""
    local command = "TZ=UTC LC_ALL=C tar --numeric-owner --full-time -tvzf " .. quote(archive)
    for line in shell(command):gmatch("[^\n]+") do
      local mode, owner, day, time, name = line:match("^(%S+) (%S+) +%d+ (%S+) (%S+) (.+)$")
      assert.equal("0/0", owner)
      assert.equal("2023-11-14 22:13:20", day .. " " .. time)
      assert.equal(mode:sub(1, 1) == "d" and "drwxr-xr-x" or mode:find("x") and "-rwxr-xr-x" or "-rw-r--r--", mode)
      assert.is_true(name:find("hoopai-" .. version .. "/", 1, true) == 1, name)
      assert.is_true(name > previous, previous .. " before " .. name)
      listed, previous = listed + 1, name
    end
    assert.is_true(listed > 200)
    -- RFC 1952: neither a name nor a time.
    assert.equal("\x1f\x8b\x08", read(archive):sub(1, 3))
    assert.equal("\0\0\0\0", read(archive):sub(5, 8))
    assert.equal(0, read(archive):byte(4))
  end)

  it("holds the commit alone, and says that there are other changes", function()
    local before = read((dist(first, "022", "UTC")))
    shell(("echo changed >>%s; echo new >%s"):format(quote(first .. "/README.md"), quote(first .. "/new.md")))
    local archive, output = dist(first, "022", "UTC")
    assert.truthy(output:find("dist: changes that are not committed are not in the archive\n", 1, true), output)
    assert.is_true(before == read(archive))
  end)
end)
