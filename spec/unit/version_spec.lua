local hoopai = require "hoopai"
local version = require "hoopai.version"

describe("the version", function()
  it("is that of the library, by the rules of SemVer", function()
    assert.are.equal(version, hoopai.VERSION)
    assert.matches("^%d+%.%d+%.%d+$", version)
  end)
end)
