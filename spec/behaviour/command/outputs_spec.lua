-- What the commands print for people, byte for byte: in terminals of 40, 80 and 200 columns, in colours and without,
-- and without a terminal. Then what becomes of an output that nothing reads, or that cannot be written.
--
-- `HOOPAI_GOLDEN=1 .ci/test test spec/behaviour/command/outputs_spec.lua` writes the expected outputs anew, to be read
-- before they are committed.

local changes = require "spec.support.changes"
local child = require "spec.support.child"
local clinic = require "spec.support.clinic"
local command = require "spec.support.command"
local hoopai = require "hoopai"
local width = require "hoopai.command.lib.width"

local WEEK = { "--from", "2024-03-04", "--to", "2024-03-10" }

local function with(...) return changes.with({ ... }, table.unpack(WEEK)) end

-- Name of the files -> the words. None of these commands changes anything.
local CASES = {
  { "agenda", { "agenda", "--from", "2024-03-04", "--days", "2" } },
  { "calendars", { "calendars" } },
  { "events", { "events", "--from", "2024-03-04", "--days", "1" } },
  { "free", { "free", "--from", "2024-03-04", "--days", "2" } },
  { "notes", { "notes", "Appointment000000002" } },
  { "utilisation", with "utilisation" },
  { "cancel", { "cancel", "Appointment000000003", "--dry-run" } },
  { "move", { "move", "Appointment000000002", "2024-03-04T09:00", "--dry-run" } },
  { "nothing", { "agenda", "--day", "2024-03-09" } },
}

local function golden(name) return ("spec/behaviour/command/golden/%s.txt"):format(name) end

local function expected(name, output)
  local path = golden(name)
  if os.getenv "HOOPAI_GOLDEN" then
    local file = assert(io.open(path, "wb"))
    assert(file:write(output))
    assert(file:close())
  end
  return command.read(path)
end

local function without_colours(text) return (text:gsub("\27%[[%d;]*m", "")) end

describe("the output of", function()
  local home

  setup(function() home = clinic.home { now = clinic.NOW, rate_limit = false } end)
  teardown(function() home:close() end)

  for _, case in ipairs(CASES) do
    local name, words = case[1], case[2]
    local line = "hoopai " .. table.concat(words, " ")

    for _, columns in ipairs { 40, 80, 200 } do
      it(("%s fits a terminal of %d columns"):format(line, columns), function()
        local output, status = clinic.terminal(home, words, { columns = columns })
        assert.are.equal(0, status, output)
        assert.are.equal(expected(name .. "." .. columns, output), output)
        for text in output:gmatch "[^\n]+" do
          if not text:find "^would send" then assert.is_true(width.columns(text) <= columns, text) end
        end
      end)
    end

    it(line .. " has colours on a terminal alone, unless NO_COLOR or --no-color say otherwise", function()
      local plain = command.read(golden(name .. ".80"))
      local coloured = clinic.terminal(home, words, { variables = { TERM = "xterm" } })
      assert.are.equal(plain, without_colours(coloured))
      for _, given in ipairs {
        { variables = { TERM = "xterm", NO_COLOR = "1" } },
        { variables = { TERM = "dumb" } },
        { variables = { TERM = "xterm" }, option = "--no-color" },
      } do
        local all = { given.option, table.unpack(words) }
        if not given.option then all = words end
        assert.are.equal(plain, (clinic.terminal(home, all, { variables = given.variables })))
      end
    end)

    it(line .. " has no colours and no titles without a terminal", function()
      local output, errors, status = home:run(words, { variables = { TERM = "xterm" } })
      assert.are.same({ "", 0 }, { errors, status })
      assert.are.equal(expected(name .. ".pipe", output), output)
    end)

    it(line .. " is JSON with --json, and lines of JSON with --jsonl", function()
      local output, errors, status = home:run { "--json", table.unpack(words) }
      assert.are.same({ "", 0 }, { errors, status })
      local document = assert(hoopai.decode(output))
      output = home:run { "--jsonl", table.unpack(words) }
      local count = 0
      for text in output:gmatch "[^\n]*\n" do
        assert.is_table(hoopai.decode(text))
        count = count + 1
      end
      assert.are.equal(#document, count)
      assert.are.equal(output, (home:run({ "--jsonl", table.unpack(words) }, { variables = { TERM = "xterm" } })))
    end)
  end
end)

--- Runs a command of the shell whose standard output is a pipe that is open for nothing to read.
-- @treturn string what it prints on stderr
-- @treturn string its exit status
local function without_reader(line)
  local folder = command.folder()
  local pipe = child.quote(folder .. "/pipe")
  local script = "mkfifo %s; exec 3<>%s 4>%s 3<&-; (%s) 2>&1 >&4; echo status $?"
  local process = assert(io.popen(script:format(pipe, pipe, pipe, line)))
  local text = process:read "a"
  process:close()
  command.remove(folder)
  return text:match "^(.*)status (%d+)\n$"
end

describe("an output that cannot be written by", function()
  local home

  setup(function() home = clinic.home { now = clinic.NOW, rate_limit = false } end)
  teardown(function() home:close() end)

  local ALL = { { "status" }, { "completion", "bash" }, { "help" }, { "--version" }, { "calendars", "--json" } }
  ALL[#ALL + 1] = with("export", "--format", "ics")
  ALL[#ALL + 1] = with("events", "--jsonl")
  ALL[#ALL + 1] = { "api", "/calendars/?locationId={location_id}" }
  for _, case in ipairs(CASES) do
    if case[1] ~= "nothing" then ALL[#ALL + 1] = case[2] end
  end

  for _, words in ipairs(ALL) do
    local line = "hoopai " .. table.concat(words, " ")

    it(line .. " ends in silence if the reader has gone", function()
      for _, before in ipairs { "", "trap '' PIPE; " } do
        local output, status = without_reader(before .. home:line(words))
        assert.are.same({ "", "141" }, { output, status })
      end
    end)

    it(line .. " is a failure on a full disk", function()
      local _, errors, status = home:run(words, { output = "/dev/full" })
      assert.are.equal(1, status, errors)
      assert.matches("^hoopai: output: the standard output cannot be written[^\n]*\n$", errors)
    end)
  end
end)
