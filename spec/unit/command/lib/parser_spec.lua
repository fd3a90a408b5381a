local failure = require "hoopai.command.lib.failure"
local parser = require "hoopai.command.lib.parser"

local FREE = {
  name = "free",
  summary = "list free slots",
  description = "Lists what is free.",
  changes = true,
  arguments = { { "calendar", args = "*", description = "Their names." } },
  options = {
    { "--days", argname = "<n>", convert = "count", description = "How many days." },
    { "--to", argname = "<date>", description = "Until then." },
    { "-a --all", description = "All." },
  },
  exclusive = { { "--days", "--to" } },
  examples = { { "hoopai free botox", "what is free" } },
}
local BOOK = { name = "book", summary = "book a slot" }

local function parse(...)
  local commands = { FREE, BOOK }
  return parser.parse({ ... }, commands, function() return commands end)
end

local function refused(...)
  local ok, problem = pcall(parse, ...)
  assert.is_false(ok)
  local status, message, advice = failure.explain(problem)
  assert.are.equal(2, status)
  return message, advice
end

describe("the parser", function()
  it("takes a word that begins with a minus and a digit for the value of an option", function()
    assert.are.equal("-5d", parse("free", "--to", "-5d", "-a").options.to)
    assert.are.equal("-5d", parse("free", "--to=-5d").options.to)
    assert.are.same({ "-5d" }, parse("free", "--", "-5d").options.calendar)
    assert.matches("unknown option '%-x'", (refused("free", "--to", "-x")))
  end)

  it("returns the command and its options", function()
    local parsed = parse("free", "botox", "laser", "--days", "3", "-a", "--json")
    assert.are.equal(FREE, parsed.command)
    assert.are.same(
      { command = "free", calendar = { "botox", "laser" }, days = 3, all = true, json = true },
      parsed.options
    )
    assert.are.same({ command = "book" }, parse("book").options)
    assert.is_true(parse("free", "--dry-run").options.dry_run)
  end)

  it("takes the options of every command before and after its name", function()
    for _, words in ipairs { { "--profile", "x", "free" }, { "free", "--profile", "x" }, { "--profile=x", "free" } } do
      assert.are.equal("x", parse(table.unpack(words)).options.profile)
    end
  end)

  it("finds the name of the command", function()
    for expected, words in pairs {
      free = { "free", "book" },
      book = { "--profile", "free", "book" },
      calendars = { "--json", "--zone=UTC", "calendars" },
    } do
      assert.are.equal(expected, (parser.command_word(words)))
    end
    assert.is_nil(parser.command_word { "--json" })
    assert.is_nil(parser.command_word { "--zone" })
  end)

  it("refuses wrong use, and says where to look", function()
    local see = "see: hoopai help free"
    assert.are.same({ "usage: unknown option '--day'. Did you mean '--days'?", see }, { refused("free", "--day") })
    assert.are.same(
      { 'usage: option --days expects a whole number of at least 1, got "x"', see },
      { refused("free", "--days", "x") }
    )
    assert.are.same({ "usage: option '--days' requires an argument", see }, { refused("free", "--days") })
    assert.matches("can not be used together", (refused("free", "--days", "3", "--to", "x")))
    assert.matches("can not be used together", (refused("free", "--json", "--jsonl")))
    assert.matches("^usage: option %-%-profile expects a name", (refused("free", "--profile", "a/b")))
    assert.matches("too many arguments", (refused("book", "x")))
    local list = "`hoopai help` lists the commands"
    assert.are.same({ "usage: unknown command 'fre'. Did you mean 'free'?", list }, { refused "fre" })
    assert.are.same({ "usage: a command is required", list }, { refused() })
  end)

  it("shows the help", function()
    local all = parse("--help").text
    assert.matches("\n   free +list free slots\n   book +book a slot\n", all)
    assert.are.equal(all, parse("help").text)
    assert.are.equal(all, parse("help", "help").text)
    assert.are.equal(all, parse("-h").text)
    local help = parse("help", "free").text
    assert.matches("^Usage: hoopai free ", help)
    for _, part in ipairs {
      "\n\nLists what is free.\n\n",
      "\nArguments:\n   calendar +Their names%.\n",
      "\nOptions:\n   %-%-days <n> +How many days%.\n",
      "\n   %-%-dry%-run ",
      "\nOptions of every command:\n   %-%-json ",
      "\nExamples:\n   hoopai free botox\n      what is free\n$",
    } do
      assert.matches(part, help)
    end
    assert.are.equal(help, parse("free", "--help").text)
    assert.are.equal(help, parse("free", "a", "-h").text)
    assert.matches('^usage: unknown command "fre"', (refused("help", "fre")))
    assert.matches("^usage: too many arguments", (refused("help", "free", "x")))
  end)

  it(
    "shows the version after a command too",
    function() assert.are.equal("hoopai " .. require "hoopai.version" .. "\n", parse("free", "--version").text) end
  )
end)
