-- `serve { run = ... }`: a program against a sandbox, its environment, input, output and exit status, and Ctrl-C.

local child = require "spec.support.child"
local runner = require "hoopai.sandbox.runner"
local socket = require "socket"

local quote = child.quote

-- Serves in a shell, which pipes `input` into the process. Returns the output and the exit status.
local function serve(options, input, words)
  local command = ("printf %%s %s | %s -e %s %s 2>&1; status=$?; echo; echo $status"):format(
    quote(input or ""),
    child.interpreter(),
    quote(("require('hoopai.sandbox').serve { %s }"):format(options)),
    words or ""
  )
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  local output, status = text:match "^(.*)\n(%d+)\n$"
  return output, tonumber(status)
end

-- A script in a file, for the time of a function.
local function with_script(source, fn)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(source)
  file:close()
  local ok, problem = pcall(fn, path)
  os.remove(path)
  if not ok then error(problem, 0) end
end

local function is_listening(url)
  local connection = socket.connect("127.0.0.1", tonumber(url:match "%d+$"))
  if connection then connection:close() end
  return connection ~= nil
end

-- Whether a sandbox ends, in twenty seconds at most.
local function has_ended(url)
  local deadline = socket.gettime() + 20
  while is_listening(url) do
    if socket.gettime() > deadline then return false end
    socket.sleep(0.05)
  end
  return true
end

local BOOK = [[
  local hoopai = require "hoopai"
  local client = hoopai.new()
  local now = hoopai.time.now()
  local booked = assert(client.appointments:book {
    calendarId = os.getenv "CALENDAR_ID", contactId = os.getenv "CONTACT_ID",
    from = now, to = now + hoopai.time.days(5),
  })
  io.write("booked for ", booked.contactId, ", ", io.read "a", ", ", tostring(arg[1]), " ", os.getenv "HOOPAI_BASE_URL")
  os.exit(7)
]]

describe("hoopai.sandbox.serve with run", function()
  it("runs a command with everything that a first script needs, and ends with its status", function()
    with_script(BOOK, function(path)
      local command = ("run = [[%s %s 'a b']]"):format(child.interpreter(), path)
      local output, status = serve(command, "from stdin")
      assert.matches("^booked for ContactAdele00000000, from stdin, a b http://127", output)
      assert.are.equal(7, status)
      assert.is_false(is_listening(output))
    end)
  end)

  it("runs the words after -e", function()
    with_script(BOOK, function(path)
      local words = ("%s %s %s"):format(child.interpreter(), path, quote "it's $HOME")
      local output, status = serve("run = arg", "", words)
      assert.matches("booked for ContactAdele00000000, , it's $HOME http", output, 1, true)
      assert.are.equal(7, status)
    end)
  end)

  it("has the data of the options, such as a seed of one's own", function()
    local options = [[
      empty = true,
      seed = function(world) world:contact { name = "Anna" } end,
      run = { "sh", "-c", 'printf "%s-%s-%s" "$CONTACT_ID" "$USER_ID" "$1"', "sh", "it's" },
    ]]
    local output, status = serve(options)
    assert.are.equal("ContactAnna000000000--it's", output)
    assert.are.equal(0, status)
  end)

  it("runs the words after the name of a script", function()
    with_script("require('hoopai.sandbox').serve { run = arg }", function(path)
      local words = [[sh -c 'echo "$HOOPAI_LOCATION_ID $1"' sh 'a b']]
      local pipe = assert(io.popen(("%s %s %s 2>&1"):format(child.interpreter(), path, words)))
      assert.are.equal("LindenStreetClinic00 a b\n", pipe:read "a")
      assert.are.same({ true, "exit", 0 }, { pipe:close() })
    end)
  end)

  it("does not run itself where `arg` has no program", function()
    -- A sandbox within the first one would end here.
    local output, status = serve "run = os.getenv 'HOOPAI_COMPANY_ID' and 'echo again' or arg"
    assert.matches("sandbox option `run` names no program: write the program after the code", output, 1, true)
    assert.are.equal(1, status)
  end)

  for command, expected in pairs {
    ["true"] = 0,
    ["exit 3"] = 3,
    ["kill -9 $$"] = 137,
    ["kill -TERM $$"] = 143,
    ["no-such-program-of-anyone 2>/dev/null"] = 127,
  } do
    it("ends as its program ended: " .. command, function()
      local output, status = serve(("run = %q"):format(command))
      assert.are.equal("", output)
      assert.are.equal(expected, status)
    end)
  end

  for options, problem in pairs {
    ["run = {}"] = "sandbox option `run` is an empty list",
    ["run = ' '"] = "sandbox option `run` is an empty command",
    ["run = { 1 }"] = "sandbox option `run` must have strings only, got a number",
    ["run = true"] = "sandbox option `run` must be a string or table, got boolean",
    ["run = 'echo ran', interpreter = 'no-such-lua'"] = "did not start: the interpreter no-such-lua was not",
    ["run = 'echo ran', seed = function(w) w:user {} end"] = "world:user: name must be a string",
  } do
    it("runs nothing with " .. options, function()
      local output, status = serve(options)
      assert.matches(problem, output, 1, true)
      assert.is_nil(output:find("ran\n", 1, true))
      assert.are.equal(1, status)
    end)
  end

  -- The sandbox runs in a process group of its own, as under a terminal, where Ctrl-C signals all processes of a group.
  local function in_group(program)
    local serving = (
      "io.write(io.open('/proc/self/stat'):read('n'), '\\n') io.stdout:flush() "
      .. "require('hoopai.sandbox').serve { run = %q }"
    ):format(program)
    local command = ("exec setsid %s -e %s"):format(child.interpreter(), quote(serving))
    local process = child.start(("os.exit((select(3, os.execute(%q))))"):format(command))
    local group = process.output:read "l"
    local url = process.output:read "l"
    return process, group, url
  end

  it("ends with Ctrl-C, as does its program", function()
    local process, group, url = in_group "echo $HOOPAI_BASE_URL; exec sleep 60"
    assert.is_true(is_listening(url))
    local began = socket.gettime()
    assert.is_true(os.execute("kill -INT -" .. group))
    local _, _, how, status = process:finish()
    assert.are.same({ "exit", 130 }, { how, status })
    assert.is_true(socket.gettime() - began < 30)
    assert.is_true(has_ended(url))
  end)

  it("lets a program handle Ctrl-C, and serves until its end", function()
    local program = "trap 'echo cleaning up; exit 4' INT; echo $HOOPAI_BASE_URL; while :; do sleep 0.1; done"
    local process, group, url = in_group(program)
    assert.is_true(os.execute("kill -INT -" .. group))
    local text, _, how, status = process:finish()
    assert.matches("cleaning up", text, 1, true)
    assert.are.same({ "exit", 4 }, { how, status })
    assert.is_true(has_ended(url))
  end)

  it("takes its sandbox along when it is killed", function()
    local process, group, url = in_group "echo $HOOPAI_BASE_URL; exec sleep 60 >/dev/null 2>&1"
    assert.is_true(os.execute("kill -KILL " .. group))
    assert.is_true(has_ended(url))
    os.execute("kill -KILL -" .. group)
    process:finish()
  end)
end)

describe("the words of a program", function()
  it("are those of a list, of an interpreter those after its code or its script", function()
    assert.are.same({ "a", "b c" }, runner.words { "a", "b c" })
    assert.are.same({ "a", "b" }, runner.words { [0] = "a", "b", [-1] = "serve()", [-2] = "-e", [-3] = "lua5.4" })
    assert.are.same({ "a", "b" }, runner.words { [0] = "a", "b", [-1] = "-eserve()", [-2] = "lua5.4" })
    assert.are.same({ "a", "b" }, runner.words { [0] = "script.lua", "a", "b", [-1] = "lua5.4" })
    assert.is_nil(runner.words "a b")
  end)
end)
