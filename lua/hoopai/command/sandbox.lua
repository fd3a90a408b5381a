--- `hoopai sandbox`: a server of the API on this computer, for trying commands and scripts.
local failure = require "hoopai.command.lib.failure"

local error, match, pcall, require, tostring, type = error, string.match, pcall, require, tostring, type

--- The words that the sandbox runs. A profile that the environment names would lead to another account.
local function run_of(options)
  local words = { "env", "-u", "HOOPAI_PROFILE" }
  if options.run then
    words[4], words[5], words[6] = "sh", "-c", options.run
  elseif #options.words > 0 then
    for _, word in ipairs(options.words) do
      words[#words + 1] = word
    end
  else
    return nil
  end
  return words
end

return {
  name = "sandbox",
  summary = "run a server for trials, without an account",
  description = [[
    Starts a server with the endpoints of the API and the data of a small clinic, which listens on this computer alone
    and keeps nothing. It prints lines for a shell that lead commands and scripts to it, and serves until Ctrl-C.

    With --webhooks it sends webhooks, which are signed with the key of the variable HOOPAI_WEBHOOK_KEY.

    With --run, or with words after --, it runs a program with these variables instead, and ends as the program ended.
  ]],
  arguments = { { "words", argname = "<word>", args = "*", description = "A program to run, and its arguments." } },
  options = {
    { "--run", argname = "<command>", convert = "word", description = "Run a command of the shell." },
    { "--port", argname = "<n>", convert = "port", description = "The port. Default: a free one." },
    { "--many", argname = "<n>", convert = "count", description = "Add so many of everything." },
    { "--empty", description = "Begin with the clinic alone." },
    { "--tls", description = "Serve https." },
    { "--webhooks", argname = "<url>", convert = "word", description = "Send webhooks of all changes there." },
  },
  examples = {
    { "hoopai sandbox --run 'hoopai calendars'", "the calendars of the sandbox" },
    { "hoopai sandbox --run $SHELL", "a shell in which all commands use the sandbox" },
    { "hoopai sandbox -- lua5.4 script.lua", "runs a script" },
    { "hoopai sandbox --webhooks http://127.0.0.1:8585 --run $SHELL", "for `hoopai webhooks listen` in this shell" },
  },
  run = function(_, options)
    local run = run_of(options)
    if options.run and #options.words > 0 then failure.usage "write either --run or a program" end
    local ok, problem = pcall(require("hoopai.sandbox").serve, {
      run = run,
      port = options.port,
      many = options.many,
      empty = options.empty,
      tls = options.tls,
      zone = options.zone,
      webhooks = options.webhooks and { url = options.webhooks } or nil,
    })
    if ok then return nil end
    if type(problem) ~= "string" or failure.is_interruption(problem) then error(problem, 0) end
    failure.refuse("sandbox", match(problem, "^[^\n]-:%d+: (.*)$") or tostring(problem))
  end,
}
