local expected_word = require "hoopai.command.lib.expected_word"

local COMMANDS = {
  book = require "hoopai.command.book",
  free = require "hoopai.command.free",
  agenda = require "hoopai.command.agenda",
  block = require "hoopai.command.block",
  notes = require "hoopai.command.notes",
  api = require "hoopai.command.api",
  calendars = require "hoopai.command.calendars",
}

local function found(...)
  local expected = expected_word.find({ ... }, function(name) return COMMANDS[name] end)
  return expected and { expected.kind, expected.beginning, expected.prefix }, expected
end

describe("the word that a command line expects", function()
  it("is an argument that has a name", function()
    assert.are.same({ "calendars", "mas", "" }, (found("book", "mas")))
    assert.are.same({ "calendars", "", "" }, (found("book", "--contact", "id", "")))
    assert.are.same({ "calendars", "b", "" }, (found("free", "a", "--days", "3", "b")))
    assert.are.same({ "calendars", "-b", "" }, (found("free", "--", "-b")))
    assert.are.same({ "users", "lee", "" }, (found("--json", "--zone", "UTC", "block", "lee")))
    for _, words in ipairs {
      {},
      { "" },
      { "bo" },
      { "nosuch", "a" },
      { "book", "massage", "" },
      { "block", "lee", "tomo" },
      { "notes", "x" },
      { "api", "-f", "a=b", "GET", "/cal" },
      { "--profile", "book", "a" },
    } do
      assert.is_nil((found(table.unpack(words))), table.concat(words, " "))
    end
  end)

  it("is the value of an option", function()
    assert.are.same({ "users", "le", "" }, (found("agenda", "--user", "le")))
    assert.are.same({ "groups", "", "" }, (found("calendars", "--group", "")))
    assert.are.same({ "users", "le", "--user=" }, (found("agenda", "--user=le")))
    assert.are.same({ "users", "le", "" }, (found("agenda", "--user", "=", "le"))) -- as bash splits words
    assert.are.same({ "users", "", "" }, (found("agenda", "--user", "=")))
    for _, words in ipairs {
      { "agenda", "--us" },
      { "agenda", "--day", "" },
      { "agenda", "--json", "" },
      { "agenda", "--nosuch", "" },
      { "agenda", "--nosuch=a" },
      { "notes", "id", "--edit", "note", "" },
      { "notes", "id", "--edit", "" },
      { "api", "-f", "" },
    } do
      assert.is_nil((found(table.unpack(words))), table.concat(words, " "))
    end
  end)

  it("is read as the shell reads it", function()
    assert.are.same({ "calendars", "Dr. O'K", "" }, (found("book", "Dr.\\ O\\'K")))
    assert.are.same({ "calendars", "Dr. O'K", "" }, (found("book", [["Dr. O'K]])))
    assert.are.same({ "calendars", 'a\\b "c', "" }, (found("book", [['a\b "c]])))
    assert.are.same({ "calendars", "", "" }, (found("book", "\\")))
    assert.are.same({ "users", "Le M", "--user=" }, (found("agenda", "--user='Le M")))
  end)

  it("has the options that say whose names are meant", function()
    local _, expected = found("--profile", "clinic", "book", "--location=l", "")
    assert.are.same({ profile = "clinic", location = "l" }, expected.options)
    _, expected = found("book", "--location", "m", "--contact", "x", "")
    assert.are.same({ location = "m" }, expected.options)
  end)
end)
