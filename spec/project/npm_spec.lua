-- What is taken from npm is listed with its checksum, down to the last package, and names no place to take it from.

local core = require "hoopai.core"
local lfs = require "lfs"

local FOLDER = ".ci/npm"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local names = {}
for name in lfs.dir(FOLDER) do
  local path = FOLDER .. "/" .. name
  if not name:find("^%.") and lfs.attributes(path, "mode") == "directory" then names[#names + 1] = name end
end

describe("the npm packages", function()
  it("are those of the contract specs, of the formatter and of the benchmarks", function()
    table.sort(names)
    assert.same({ "prism", "sdk", "stylua" }, names)
  end)

  for _, name in ipairs(names) do
    local folder = FOLDER .. "/" .. name

    it("of " .. name .. " are pinned, and the lock file is of these pins", function()
      local manifest = assert(core.decode(read(folder .. "/package.json")))
      local lock = assert(core.decode(read(folder .. "/package-lock.json")))
      assert.same(manifest.dependencies, lock.packages[""].dependencies)
      for package, version in pairs(manifest.dependencies) do
        assert.matches("^%d+%.%d+%.%d+$", version)
        assert.equal(version, lock.packages["node_modules/" .. package].version)
      end
    end)

    it("of " .. name .. " have checksums and no address", function()
      local text = read(folder .. "/package-lock.json")
      local count = 0
      for path, package in pairs(assert(core.decode(text)).packages) do
        if path ~= "" then
          count = count + 1
          assert.matches("^sha512%-[%w+/]+=*$", package.integrity, path)
          assert.matches("^%d+%.%d+%.%d+", package.version, path)
          assert.is_nil(package.resolved, path)
          assert.is_nil(package.hasInstallScript, path)
        end
      end
      assert.is_true(count > 0)
      assert.is_nil(text:find("registry", 1, true))
    end)
  end

  it("are installed from their lock files alone", function()
    local install = read(FOLDER .. "/install")
    assert.is_truthy(install:find("\n  npm ci [^\n]*%-%-ignore%-scripts"))
    for _, path in ipairs { ".ci/contract", ".ci/stylua", ".ci/lint", "Makefile" } do
      assert.is_nil(read(path):find("npm install ", 1, true), path)
      assert.is_nil(read(path):find("npx ", 1, true), path)
    end
  end)
end)
