local man = require "hoopai.command.lib.man"

local DATA = {
  name = "free",
  summary = "list free slots",
  description = [[
    Lists 'free' slots.

        .code \n
  ]],
  changes = true,
  arguments = { { "calendar", args = "*", description = "Its name." } },
  options = {
    { "-d --days", argname = "<n>", description = "How many." },
    { "--hidden-one", hidden = true, description = "Not shown." },
  },
  examples = { { "hoopai free", "the slots" }, { "hoopai free --days 3" } },
}

describe("the manual page", function()
  local page = man.page({ DATA }, "1.2.3")

  it("has the commands with their arguments and options", function()
    for _, part in ipairs {
      '.TH HOOPAI 1 "" "hoopai 1.2.3" "User Commands"\n',
      ".SS \\fBhoopai free\\fR [\\fIoptions\\fR] [\\fI<calendar>\\fR...]\nLists \\(aqfree\\(aq slots.\n",
      ".nf\n    .code \\en\n.fi\n",
      ".TP\n\\fI<calendar>\\fR\nIts name.\n",
      ".TP\n\\fB\\-d\\fR, \\fB\\-\\-days\\fR \\fI<n>\\fR\nHow many.\n",
      ".TP\n\\fB\\-\\-dry\\-run\\fR\n",
      ".SH OPTIONS OF EVERY COMMAND\n.TP\n\\fB\\-\\-json\\fR\n",
      ".TP\n\\fBhoopai free\\fR\nThe slots.\n",
      ".TP\n\\fBhoopai free \\-\\-days 3\\fR\nlist free slots.\n",
    } do
      assert.is_truthy(page:find(part, 1, true), part)
    end
    assert.is_nil(page:find("hidden", 1, true))
  end)

  it("has the sections that are expected of one", function()
    local sections = {}
    for title in page:gmatch "\n%.SH ([^\n]+)" do
      sections[#sections + 1] = title
    end
    assert.are.same({
      "NAME",
      "SYNOPSIS",
      "DESCRIPTION",
      "COMMANDS",
      "OPTIONS OF EVERY COMMAND",
      "EXIT STATUS",
      "ENVIRONMENT",
      "FILES",
      "EXAMPLES",
    }, sections)
  end)
end)
