local command = require "hoopai.command"
local completion = require "hoopai.command.completion"

local function load_all() return command.load(command.names) end

describe("hoopai completion", function()
  for shell, part in pairs {
    bash = "complete %-F _hoopai %-o bashdefault %-o default hoopai\n",
    zsh = "^#compdef hoopai\n",
    fish = "complete %-c hoopai ",
  } do
    it("prints a script for " .. shell, function()
      local document, view = completion.run({ load_all = load_all }, { shell = shell })
      assert.matches(part, document.script)
      for _, word in ipairs { "calendars", "help", "dry" } do
        assert.is_truthy(document.script:find(word, 1, true))
      end
      local text
      view { raw = function(_, printed) text = printed end }
      assert.are.equal(document.script, text)
    end)
  end
end)
