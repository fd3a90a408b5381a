-- Completion in real shells.

local child = require "spec.support.child"
local command = require "spec.support.command"

local quote = child.quote

describe("completion in", function()
  local home

  setup(function() home = command.home(false) end)
  teardown(function() home:close() end)

  --- The script of a shell, in a file.
  local function script(shell)
    local output, errors, status = home:run { "completion", shell }
    assert.are.same({ "", 0 }, { errors, status })
    local path = home.folder .. "/_hoopai"
    local file = assert(io.open(path, "w"))
    file:write(output)
    file:close()
    return quote(path)
  end

  local function shell(program)
    local pipe = assert(io.popen(program .. " 2>&1"))
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  local function words_of(text)
    local found = {}
    for word in text:gmatch "[%w-]+" do
      found[word] = true
    end
    return found
  end

  local function in_bash(...)
    local words = {}
    for index, word in ipairs { "hoopai", ... } do
      words[index] = quote(word)
    end
    local program = ('source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _hoopai; echo "${COMPREPLY[@]}"'):format(
      script "bash",
      table.concat(words, " "),
      #words - 1
    )
    return shell("bash --norc -c " .. quote(program))
  end

  it("bash has commands and options", function()
    assert.are.equal("calendars\n", in_bash "cal")
    assert.is_true(words_of(in_bash("")).sandbox)
    assert.are.equal("--dry-run\n", in_bash("api", "--dr"))
    assert.are.equal("--group\n", in_bash("calendars", "--gr"))
    assert.are.equal("--profile\n", in_bash("calendars", "--prof"))
    assert.are.equal("calendars\n", in_bash("help", "cal"))
  end)

  it("fish has commands and options", function()
    local function in_fish(line)
      local program = ("source %s; complete -C %s"):format(script "fish", quote(line))
      return shell(("env HOME=%s fish --no-config -c %s"):format(quote(home.folder), quote(program)))
    end
    assert.matches("^calendars\t", in_fish "hoopai cal")
    assert.matches("%-%-dry%-run\t", in_fish "hoopai api --dr")
    assert.matches("%-%-profile\t", in_fish "hoopai calendars --pro")
  end)

  it("zsh has commands and options", function()
    local folder = quote(home.folder)
    local function in_zsh(line)
      script "zsh"
      -- A completion widget prints what it would insert.
      -- In a pseudo terminal: a tab, and then the line is printed instead of run.
      local start = "PS1=; fpath=(%s $fpath); autoload -Uz compinit; compinit -u -d %s/dump; print ready-$((1+1))"
      local program = {
        "zmodload zsh/zpty",
        ("zpty z env HOME=%s TERM=dumb zsh -f -i"):format(folder),
        "zpty -w z " .. quote(start:format(folder, folder)),
        "zpty -r -m z out '*ready-2*'",
        "zpty -w -n z " .. quote(line) .. "$'\\t'",
        "zpty -w -n z $'\\C-a'" .. quote "print -r -- [" .. "$'\\C-e]\\n'",
        "zpty -r -m z out '*[[]hoopai*]*'",
        "print -r -- $out",
        "zpty -d z",
      }
      return shell("timeout 30 zsh -f -c " .. quote(table.concat(program, "\n")))
    end
    assert.matches("hoopai calendars", in_zsh "hoopai cal")
    assert.matches("%-%-dry%-run", in_zsh "hoopai api --dr")
  end)
end)
