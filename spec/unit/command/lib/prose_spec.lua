local prose = require "hoopai.command.lib.prose"

local TEXT = [[
    The first
    paragraph.

        code  here
        and here

    The last.
]]

describe("prose", function()
  it("joins the lines of a paragraph, and keeps those of code", function()
    assert.are.same({
      { "The first paragraph.", is_code = false },
      { "    code  here\n    and here", is_code = true },
      { "The last.", is_code = false },
    }, prose.paragraphs(TEXT))
    assert.are.same({}, prose.paragraphs "")
    assert.are.same({ { "one", is_code = false } }, prose.paragraphs "one")
  end)

  it("flows", function()
    local flowing = "The first paragraph.\n\n    code  here\n    and here\n\nThe last."
    assert.are.equal(flowing, prose.flow(TEXT))
  end)
end)
