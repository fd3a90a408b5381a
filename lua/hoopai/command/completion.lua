--- `hoopai completion SHELL`: what a shell needs to complete the command line.
return {
  name = "completion",
  summary = "print what a shell needs to complete commands",
  description = [[
    Prints a script for bash, zsh or fish, with which the shell completes commands, options, and the names of calendars,
    groups and people. For names the shell runs hoopai, which reads them from the API: one request, without a question,
    for two seconds at most.

        bash   source <(hoopai completion bash)
        zsh    hoopai completion zsh > ~/.zfunc/_hoopai
        fish   hoopai completion fish > ~/.config/fish/completions/hoopai.fish

    In zsh the folder must be in fpath before compinit runs.
  ]],
  arguments = { { "shell", choices = { "bash", "zsh", "fish" }, description = "The shell." } },
  examples = { { "hoopai completion bash", "for ~/.bashrc: source <(hoopai completion bash)" } },
  run = function(context, options)
    local commands = context.load_all()
    local root = require("hoopai.command.lib.parser").new(commands)
    root:add_help_command { name = "help", summary = "show the help of a command", description = "Show the help." }
    local text = require("hoopai.command.lib.completion_scripts").of(options.shell, root, commands)
    return { script = text }, function(screen) screen:raw(text) end
  end,
}
