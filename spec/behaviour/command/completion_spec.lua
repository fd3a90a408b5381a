-- Completion in real shells.

local child = require "spec.support.child"
local clinic = require "spec.support.clinic"
local command = require "spec.support.command"
local lfs = require "lfs"
local pseudo_terminal = require "spec.support.pseudo_terminal"

local quote = child.quote

local LOCATION = "locationId={location_id}"

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
    local program = ('source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _hoopai_complete; echo "${COMPREPLY[@]}"'):format(
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

describe("completion of names in", function()
  local home, program

  setup(function()
    home = clinic.home()
    program = home.folder .. "/bin"
    assert(lfs.mkdir(program))
    local file = assert(io.open(program .. "/hoopai", "w"))
    local hoopai = quote(lfs.currentdir() .. "/bin/hoopai")
    file:write(('#!/bin/sh\nexec %s %s "$@"\n'):format(quote(child.server_interpreter()), hoopai))
    file:close()
    assert(os.execute("chmod +x " .. quote(program .. "/hoopai")))
    for _, shell in ipairs { "bash", "zsh", "fish" } do
      local output = home:run { "completion", shell }
      file = assert(io.open(home.folder .. (shell == "zsh" and "/_hoopai" or "/" .. shell), "w"))
      file:write(output)
      file:close()
    end
  end)
  teardown(function() home:close() end)

  --- The sandbox as environment, and the command first in PATH.
  local function environment(variables)
    local all = { PATH = program .. ":" .. os.getenv "PATH", TERM = "dumb" }
    for name, value in pairs(variables or {}) do
      all[name] = value
    end
    return home:environment(all)
  end

  --- What a shell prints.
  local function shell(words, variables)
    local pipe = assert(io.popen(environment(variables) .. " timeout 30 " .. words .. " 2>&1"))
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  local function in_bash(variables, ...)
    local words = {}
    for index, word in ipairs { "hoopai", ... } do
      words[index] = quote(word)
    end
    local source = 'source %s/bash; COMP_WORDS=(%s); COMP_CWORD=%d; _hoopai_complete; printf "<%%s>" "${COMPREPLY[@]}"'
    source = source:format(home.folder, table.concat(words, " "), #words - 1)
    return shell("bash --norc -c " .. quote(source), variables)
  end

  it("bash, quoted as the shell needs them", function()
    local function completed(...) return in_bash({ LC_ALL = "C.UTF-8" }, ...) end
    assert.are.equal("<Massage\\ 按摩>", completed("book", "mas"))
    assert.are.equal("<Massage 按摩>", completed("book", '"mas'))
    assert.are.equal("<Massage 按摩>", completed("agenda", "--calendar", "=", "'Mas"))
    assert.are.equal("<Körper>", completed("calendars", "--group", "k"))
    assert.are.equal("<Massage\\ 按摩><Yoga>", completed("free", "Yoga", ""))
    assert.are.equal("<>", completed("book", "nosuch"))
    assert.are.equal("<--calendar>", completed("agenda", "--cal"))
  end)

  it("bash: none, without a message, when the API does not serve them", function()
    assert.are.equal("<>", in_bash({ HOOPAI_BASE_URL = "http://127.0.0.1:1" }, "book", "m"))
    assert.are.equal("<>", in_bash({ HOOPAI_TOKEN = "pit-wrong", HOOPAI_LOG = "1" }, "book", "m"))
    assert.are.equal("<>", in_bash({ HOOPAI_PROFILE = "nosuch" }, "book", "m"))
    assert.are.equal("<>", in_bash({ HOOPAI_LOCATION_ID = false }, "book", "m"))
  end)

  it("bash, as it is typed", function()
    local result = pseudo_terminal.run {
      argv = {
        "sh",
        "-c",
        "exec " .. environment { LC_ALL = "C.UTF-8", PS1 = "start> " } .. " bash --norc --noprofile -i",
      },
      unset = { "PROMPT_COMMAND" },
      steps = {
        { wait = "start> " },
        { send = ("source %s/bash; PS1='ready''> '\n"):format(home.folder) },
        { wait = "ready> " },
        { send = "hoopai book mas\t" },
        { wait = "Massage\\ 按摩" },
        { send = "\21hoopai agenda --calendar 'yo\t" },
        { wait = "Yoga' " },
        { send = "\21exit\n" },
      },
    }
    assert.are.same({ "exit", 0 }, { result.how, result.code }, result.output)
  end)

  it("zsh, as it is typed", function()
    local function in_zsh(line)
      local folder = quote(home.folder)
      local start = "PS1=; fpath=(%s $fpath); autoload -Uz compinit; compinit -u -d %s/dump; print ready-$((1+1))"
      local source = {
        "zmodload zsh/zpty",
        "zpty z zsh -f -i",
        "zpty -w z " .. quote(start:format(folder, folder)),
        "zpty -r -m z out '*ready-2*'",
        "zpty -w -n z " .. quote(line) .. "$'\\t'",
        "zpty -w -n z $'\\C-a'" .. quote "print -r -- [" .. "$'\\C-e]\\n'",
        "zpty -r -m z out '*[[]hoopai*]*'",
        "print -r -- $out",
        "zpty -d z",
      }
      return shell("zsh -f -c " .. quote(table.concat(source, "\n")), { LC_ALL = "C.UTF-8" })
    end
    assert.matches("hoopai book Massage\\ 按摩", in_zsh "hoopai book mas")
    assert.matches("hoopai agenda %-%-calendar=Yoga", in_zsh "hoopai agenda --calendar=yo")
    assert.matches("hoopai agenda %-%-calendar ", in_zsh "hoopai agenda --calen")
  end)

  it("fish", function()
    local function in_fish(line)
      local source = ("source %s/fish; complete -C %s"):format(home.folder, quote(line))
      return shell("fish --no-config -c " .. quote(source), { LC_ALL = "C.UTF-8" })
    end
    assert.are.equal("Massage 按摩\n", in_fish "hoopai book mas")
    assert.are.equal("Massage 按摩\n", in_fish "hoopai agenda --calendar mas")
    assert.are.equal("--calendar=Massage 按摩\n", in_fish "hoopai agenda --calendar=mas")
    assert.are.equal("Körper\n", in_fish "hoopai calendars --group k")
    assert.are.equal("Massage 按摩\nYoga\n", in_fish "hoopai free Yoga ")
    assert.are.equal("", in_fish "hoopai book nosuch")
  end)

  it("bash, where nothing in a name is run by the shell", function()
    for _, name in ipairs { "evil $(touch x)", "evil `x`", "evil 'q", 'evil "q', "evil !x" } do
      assert.are.equal(0, select(3, home:run { "api", "POST", "/calendars/", "-f", "name=" .. name, "-f", LOCATION }))
    end
    local function completed(word) return in_bash({ LC_ALL = "C.UTF-8" }, "book", word) end
    assert.are.equal(
      "<evil\\ \\!x><evil\\ \\\"q><evil\\ \\$\\(touch\\ x\\)><evil\\ \\'q><evil\\ \\`x\\`>",
      completed "evil"
    )
    assert.are.equal("<evil 'q>", completed '"evil')
    assert.are.equal('<evil !x><evil "q><evil $(touch x)><evil `x`>', completed "'evil")
  end)
end)
