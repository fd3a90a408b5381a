local command = require "hoopai.command"
local completion_scripts = require "hoopai.command.lib.completion_scripts"
local parser = require "hoopai.command.lib.parser"

describe("the scripts of completion", function()
  local commands = command.load(command.names)

  for _, shell in ipairs { "bash", "zsh", "fish" } do
    it("ask for names in " .. shell, function()
      local text = completion_scripts.of(shell, parser.new(commands), commands)
      assert.is_truthy(text:find("command hoopai __complete", 1, true))
    end)
  end

  it("have a line of fish for each word that is a name", function()
    local text = completion_scripts.of("fish", parser.new(commands), commands)
    local line = "complete -c hoopai -n '__fish_hoopai_seen_command book'%s -xa '(__fish_hoopai_names)'\n"
    assert.is_truthy(text:find(line:format "", 1, true))
    assert.is_truthy(text:find(line:format " -l user", 1, true))
    assert.is_nil(text:find(line:format " -l contact", 1, true))
  end)

  it("are refused where argparse writes others", function()
    local root = { get_zsh_complete = function() return "#compdef hoopai\n" end }
    local ok, problem = pcall(completion_scripts.of, "zsh", root, commands)
    assert.is_false(ok)
    assert.matches("^this version of argparse writes another script", problem)
  end)
end)
