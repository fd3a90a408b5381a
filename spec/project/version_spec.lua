-- The version is written once in code (lua/hoopai/version.lua). What must repeat it says the same.

local lfs = require "lfs"
local version = require "hoopai.version"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function rockspec(path)
  local spec = {}
  assert(loadfile(path, "t", spec))()
  return spec
end

describe("the version", function()
  local path = ("hoopai-%s-1.rockspec"):format(version)

  it("has a rockspec beside that of development, and no other", function()
    local found = {}
    for name in lfs.dir "." do
      if name:find("%.rockspec$") then found[#found + 1] = name end
    end
    table.sort(found)
    assert.same({ path, "hoopai-dev-1.rockspec" }, found)
  end)

  it("is that of the rockspec, of its archive, and of the archive's folder", function()
    local release = rockspec(path)
    assert.equal(version .. "-1", release.version)
    assert.equal(("hoopai-%s.tar.gz"):format(version), release.source.url:match("[^/]+$"))
    assert.is_truthy(release.source.url:find(("/v%s/"):format(version), 1, true))
    assert.equal("hoopai-" .. version, release.source.dir)
  end)

  it("is all that the rockspec differs in, but for the modules, which src/rock.mk finds", function()
    local release, development = rockspec(path), rockspec "hoopai-dev-1.rockspec"
    for _, spec in ipairs { release, development } do
      spec.version, spec.source, spec.build.modules = nil, nil, nil
    end
    assert.same(development, release)
  end)

  it("is that of the newest section of the changelog, with a date", function()
    local newest, rest = read("CHANGELOG.md"):match("\n## ([^\n]+)(.*)")
    -- What is not released yet may stand above.
    if newest == "[Unreleased]" then newest = rest:match("\n## ([^\n]+)") end
    local named, date = newest:match("^%[([%d.]+)%] %- (%d%d%d%d%-%d%d%-%d%d)$")
    assert.equal(version, named, newest)
    assert.equal(
      date,
      os.date(
        "%Y-%m-%d",
        os.time {
          year = tonumber(date:sub(1, 4)),
          month = tonumber(date:sub(6, 7)),
          day = tonumber(date:sub(9, 10)),
        }
      )
    )
  end)

  it("is that of the archives and rockspecs that pages name", function()
    assert.is_truthy(read("README.md"):find(("This is version %s,"):format(version), 1, true))
    for _, page in ipairs { "README.md", "doc/versions.md" } do
      local count = 0
      for named in read(page):gmatch("hoopai%-(%d+%.%d+%.%d+)") do
        count = count + 1
        assert.equal(version, named, page)
      end
      assert.is_true(count > 0, page)
    end
  end)

  it("is that of the manual page and of what the library says of itself", function()
    assert.is_truthy(read("doc/hoopai.1"):find(('\n.TH HOOPAI 1 "" "hoopai %s" '):format(version), 1, true))
    assert.equal(version, require("hoopai").VERSION)
  end)
end)
