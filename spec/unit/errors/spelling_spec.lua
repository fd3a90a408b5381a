-- Misspelt names. (The cases of `suggest` are in the spec of hoopai.errors, which hands it on.)

local errors = require "hoopai.errors"
local spelling = require "hoopai.errors.spelling"

describe("hoopai.errors.spelling:", function()
  it("folds the spellings of one name", function()
    for _, name in ipairs { "time_zone", "TimeZone", "time-zone", "Time Zone", "timezone" } do
      assert.are.equal("timezone", spelling.fold(name))
    end
    assert.are.equal("", spelling.fold " _-")
  end)

  it("finds whole words alone", function()
    for _, word in ipairs { "from", "start", "begin" } do
      assert.is_true(spelling.has_word("from start begin", word))
    end
    for _, word in ipairs { "", "fro", "tart", "from start x", "." } do
      assert.is_false(spelling.has_word("from start begin", word))
    end
  end)

  it("suggests for hoopai.errors", function()
    assert.are.equal(spelling.suggest, errors.suggest)
    assert.are.equal("startDate", spelling.suggest("from", { "startDate", "title" }))
    assert.is_nil(spelling.suggest("from", { "startDate", "startTime" }))
  end)
end)
