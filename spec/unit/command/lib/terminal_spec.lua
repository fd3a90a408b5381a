-- Facts of the terminal and questions on it, in real pseudo terminals.

local child = require "spec.support.child"
local pseudo_terminal = require "spec.support.pseudo_terminal"
local terminal = require "hoopai.command.lib.terminal"

local HEAD = 'local terminal = require "hoopai.command.lib.terminal"\n'

local function in_terminal(source, job) return pseudo_terminal.lua(HEAD .. source, job) end

-- What a script prints without a terminal. `before` and `after` are put around the command.
local function without_terminal(source, before, after)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  assert(file:write(HEAD .. source))
  assert(file:close())
  local command = "env -u COLUMNS -u LINES %s setsid %s %s 2>&1 %s"
  local words = { before or "", child.quote(child.interpreter()), child.quote(path), after or "</dev/null" }
  local pipe = assert(io.popen(command:format(table.unpack(words))))
  local output = pipe:read "a"
  pipe:close()
  os.remove(path)
  return output
end

describe("whether a stream is a terminal", function()
  local SOURCE = [[
    local streams = terminal.streams()
    local out = io.open(arg and arg[1] or os.getenv "RESULT" or "/dev/null", "w")
    for _, name in ipairs { "stdin", "stdout", "stderr" } do out:write(tostring(streams[name]), " ") end
    for fd = 0, 2 do out:write(tostring(terminal.is_terminal(fd)), " ") end
    out:close()
  ]]

  local function result(redirect)
    local path = os.tmpname()
    in_terminal(SOURCE, { redirect = redirect, set = { RESULT = path } })
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    os.remove(path)
    return text
  end

  it("is found out for each", function()
    assert.are.equal("true true true true true true ", result(nil))
    assert.are.equal("false true true false true true ", result { ["0"] = "/dev/null" })
    assert.are.equal("true false true true false true ", result { ["1"] = "/dev/null" })
    assert.are.equal("true true false true true false ", result { ["2"] = "/dev/null" })
    assert.are.equal(
      "false false false\n",
      without_terminal "local s = terminal.streams() print((('%s %s %s'):format(s.stdin, s.stdout, s.stdin)))"
    )
  end)
end)

describe("the size", function()
  local SOURCE = "print(table.concat({ terminal.size() }, ' '))"

  it("is that of the terminal", function()
    assert.are.equal("123 40\r\n", in_terminal(SOURCE, { columns = 123, lines = 40 }).output)
    assert.are.equal("33 24\r\n", in_terminal(SOURCE, { columns = 33, redirect = { ["0"] = "/dev/null" } }).output)
  end)

  it("is that of the environment, if it has numbers", function()
    local function with(set) return in_terminal(SOURCE, { columns = 123, lines = 40, unset = {}, set = set }).output end
    assert.are.equal("50 40\r\n", with { COLUMNS = "50", LINES = "" })
    assert.are.equal("50 9\r\n", with { COLUMNS = "50", LINES = "9" })
    for _, wrong in ipairs { "", "0", "-5", "x", "50x", "1e9", "99999999999999999999" } do
      assert.are.equal("123 40\r\n", with { COLUMNS = wrong, LINES = wrong })
    end
  end)

  it("is 80 by 24 where nothing is known", function()
    assert.are.equal("80 24\r\n", in_terminal(SOURCE, { columns = 0, lines = 0 }).output)
    assert.are.equal("80 24\n", without_terminal(SOURCE))
    assert.are.equal("66 24\n", without_terminal(SOURCE, "COLUMNS=66"))
  end)
end)

describe("colours", function()
  local SOURCE = [[
    print(terminal.colours(true), terminal.colours(true, true), terminal.colours(false))
    local style = terminal.style(terminal.colours(true))
    print(style("bold", "x"):gsub("\27", "ESC"))
  ]]

  local function colours(variables) return without_terminal(SOURCE, "-u NO_COLOR " .. variables) end

  it("are for terminals that know them, unless the user does not want them", function()
    assert.are.equal("true\tfalse\tfalse\nESC[1mxESC[0m\t2\n", colours "TERM=xterm")
    assert.are.equal("true\tfalse\tfalse\nESC[1mxESC[0m\t2\n", colours "TERM=xterm NO_COLOR=")
    local none = "false\tfalse\tfalse\nx\t0\n"
    assert.are.equal(none, colours "TERM=xterm NO_COLOR=1")
    assert.are.equal(none, colours "TERM=dumb")
    assert.are.equal(none, colours "-u TERM")
  end)

  it("have names", function()
    local style = terminal.style(true)
    for _, name in ipairs { "bold", "dim", "underline", "red", "green", "yellow", "blue", "magenta", "cyan" } do
      assert.is_truthy(style(name, "x"):find "^\27%[%d+mx\27%[0m$")
      assert.are.equal("x", terminal.style(false)(name, "x"))
    end
  end)
end)

describe("a hidden line", function()
  local SOURCE = [[
    local line = terminal.read_hidden "Token: "
    print(line == nil and "none" or (line:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
  ]]
  -- Says how the function ended, and what of the line is in the error.
  local CAUGHT = [[
    local ok, problem = pcall(terminal.read_hidden, "Token: ")
    print("caught", ok, tostring(problem):match "interrupted!$", tostring(problem):find("pit", 1, true))
  ]]

  local function typed(source, steps)
    local result = in_terminal(source, { steps = steps })
    assert.is_true(result.echo_before)
    assert.are.same({ false }, result.echo_noted)
    assert.is_true(result.echo_after)
    return result
  end

  local function hex(text)
    return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  it("is returned, and does not show", function()
    for _, line in ipairs { "pit-0123", "  two  blanks ", [[back\slash \n $HOME `x` "quotes' *]], "日本", "" } do
      local result = typed(SOURCE, { { wait = "Token: ", echo = true, send = line .. "\n" } })
      assert.are.equal("Token: \r\n" .. hex(line) .. "\r\n", result.output)
    end
  end)

  it("has a prompt with any characters", function()
    local source = [[print(terminal.read_hidden "Anna's $HOME `id` 100% \\n: ")]]
    local result = typed(source, { { wait = ": ", echo = true, send = "x\n" } })
    assert.are.equal("Anna's $HOME `id` 100% \\n: \r\nx\r\n", result.output)
  end)

  it(
    "ends with the input",
    function()
      assert.are.equal("Token: \r\nnone\r\n", typed(SOURCE, { { wait = "Token: ", echo = true, send = "\4" } }).output)
    end
  )

  it("is interrupted by Ctrl-C, with echo as before and nothing of the line in the error", function()
    local result = typed(CAUGHT, { { wait = "Token: ", echo = true, send = "pit-01\3" } })
    -- The shell ends the line of the prompt. If the signal comes before `popen` has returned, Lua does not wait for it.
    local before, after = result.output:match "^Token: (.-)caught\tfalse\tinterrupted!\tnil\r\n(.*)$"
    assert.are.equal("\r\n", before and before .. after, result.output)
  end)

  it("is interrupted by Ctrl-C in a program that does not catch it", function()
    local result = typed(SOURCE, { { wait = "Token: ", echo = true, send = "pit-01\3" } })
    assert.are.same({ "exit", 1 }, { result.how, result.code })
    assert.is_nil(result.output:find("pit", 1, true))
  end)

  it("leaves echo as before when signals end the program", function()
    for _, signal in ipairs { "SIGTERM", "SIGHUP", "SIGKILL" } do
      local result = typed(SOURCE, { { wait = "Token: ", echo = true, signal = signal } })
      assert.are.equal("signal", result.how)
    end
    assert.are.equal("signal", typed(SOURCE, { { wait = "Token: ", echo = true, send = "\28" } }).how)
  end)

  it("comes from stdin without a terminal, with no prompt", function()
    assert.are.equal(hex "pit-01" .. "\n", without_terminal(SOURCE, "", "<<'END'\npit-01\nmore\nEND\n"))
    assert.are.equal("none\n", without_terminal(SOURCE))
  end)
end)

describe("a question", function()
  local SOURCE = "print(terminal.confirm 'Book?')"

  local function typed(keys, job)
    job = job or {}
    job.steps = { { wait = "Book? [y/N] ", send = keys } }
    return in_terminal(SOURCE, job)
  end

  it("is affirmed by y and yes alone", function()
    for _, keys in ipairs { "y", "Y", "yes", "YES", " yes " } do
      assert.is_truthy(typed(keys .. "\n").output:find "\ntrue\r\n$", keys)
    end
    for _, keys in ipairs { "", "n", "no", "yess", "yes please", "j", "1", "\27[A" } do
      assert.is_truthy(typed(keys .. "\n").output:find "\nfalse\r\n$", keys)
    end
  end)

  it("is denied at the end of the input", function()
    assert.is_truthy(typed("\4").output:find "%[y/N%] \r\nfalse\r\n$")
    assert.are.equal("Book? [y/N] \nfalse\n", without_terminal(SOURCE))
  end)

  it(
    "is asked on the terminal of the session when stdin is something else",
    function() assert.is_truthy(typed("y\n", { redirect = { ["0"] = "/dev/null" } }).output:find "\ntrue\r\n$") end
  )

  it(
    "reads stdin where there is no terminal",
    function() assert.are.equal("Book? [y/N] true\n", without_terminal(SOURCE, "", "<<'END'\ny\nEND\n")) end
  )

  it("is interrupted by Ctrl-C", function()
    local source = "local ok, problem = pcall(terminal.confirm, 'Book?') print(ok, problem:match 'interrupted!$')"
    local result = in_terminal(source, { steps = { { wait = "Book? [y/N] ", send = "\3" } } })
    assert.is_truthy(result.output:find "false\tinterrupted!\r\n$")
  end)
end)

describe("a program that Ctrl-C ends", function()
  it("is an interruption of this one", function()
    -- A shell stands for `test` and `stty`: it ends as they do.
    local source = [[
      local path = os.tmpname()
      for _, how in ipairs { "kill -INT $$", "exit 130" } do
        os.execute = nil
        package.loaded["hoopai.command.lib.terminal"] = nil
        os.execute = function() return execute(how) end
        local fresh = require "hoopai.command.lib.terminal"
        print(pcall(fresh.is_terminal, 1))
        print(pcall(fresh.streams))
      end
      os.remove(path)
    ]]
    assert.are.equal(("false\tinterrupted!\n"):rep(4), without_terminal("local execute = os.execute\n" .. source))
  end)
end)
