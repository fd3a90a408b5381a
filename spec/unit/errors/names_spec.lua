-- What to write instead of a name that a public module or object has not.

local names = require "hoopai.errors.names"

describe("hoopai.errors.names", function()
  it("finds a text, whatever the case and the joints", function()
    for _, name in ipairs { "base_url", "baseUrl", "BASE-URL", "base url" } do
      assert.are.equal("write `url`", names.find("handle", name), name)
    end
    assert.are.equal("write hoopai.new { ... }", names.find("hoopai", "Client"))
    assert.are.equal("write hoopai.store.file(path)", names.find("store", "folder"))
    assert.are.equal("write hoopai.time.months(n) or hoopai.time.years(n)", names.find("time", "quarter"))
    assert.matches("^write hoopai.time.day", names.find("time", "date"))
    assert.are.equal("write hoopai.time.now()", names.find("hoopai", "now"))
    assert.are.equal("write hoopai.ical(events)", names.find("hoopai", "to_ics"))
    assert.are.equal("write start:start_of_month()", names.find("instant", "startOfMonth"))
    assert.are.equal("write start + hoopai.time.months(1)", names.find("instant", "add_months"))
    assert.matches("serve { run =", names.find("sandbox", "run"), 1, true)
    assert.matches("{ dry_run = true }", names.find("hoopai", "dryRun"), 1, true)
  end)

  it("finds only whole names of the same kind", function()
    assert.is_nil(names.find("hoopai", "clien"))
    assert.is_nil(names.find("time", "client"))
    assert.is_nil(names.find("nothing", "client"))
    assert.is_nil(names.find("hoopai", ""))
    assert.is_nil(names.find("hoopai", "_"))
    assert.is_nil(names.find("hoopai", ("client"):rep(20)))
  end)
end)
