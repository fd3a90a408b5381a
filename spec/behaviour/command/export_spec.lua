-- `hoopai export` as a process, against a sandbox.

local clinic = require "spec.support.clinic"
local command = require "spec.support.command"
local hoopai = require "hoopai"
local lfs = require "lfs"
local pseudo_terminal = require "spec.support.pseudo_terminal"

local function files(folder)
  local found = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then found[#found + 1] = name end
  end
  return found
end

describe("hoopai export", function()
  local home, folder

  setup(function() home = clinic.home() end)
  teardown(function() home:close() end)
  before_each(function() folder = command.folder() end)
  after_each(function() command.remove(folder) end)

  local function export(...) return home:run { "export", "--from", "2024-03-04", "--to", "2024-03-05", ... } end

  it("writes iCalendar", function()
    local output, errors, status = export("--format", "ics")
    assert.are.same({ "", 0 }, { errors, status })
    assert.matches("^BEGIN:VCALENDAR\r\n.*\r\nEND:VCALENDAR\r\n$", output)
    assert.are.equal(6, select(2, output:gsub("BEGIN:VEVENT\r\n", "")))
    assert.matches("\r\nDTSTART;TZID=Europe/Berlin:20240304T090000\r\n", output)
    assert.matches("\r\nSUMMARY:山田 太郎\r\n", output)
    output = export("--format", "ics", "--no-blocked", "--calendar", "mass")
    assert.are.equal(5, select(2, output:gsub("BEGIN:VEVENT\r\n", "")))
    assert.matches("\r\nX%-WR%-CALNAME:Massage 按摩\r\n", output)
  end)

  it("writes CSV, with formulas made harmless unless they are to be kept", function()
    local output = export("--format", "csv")
    assert.are.equal(7, select(2, output:gsub("\r\n", "")))
    assert.matches("^start,end,zone,minutes,title,kind,status,", output)
    assert.matches(
      "\r\n2024%-03%-04 09:00:00,2024%-03%-04 09:30:00,Europe/Berlin,30,山田 太郎,appointment,",
      output
    )
    assert.matches(",'=1%+2,appointment,", output)
    assert.matches(",user,address,description,notes,contact,contact_id,", output)
    assert.matches(",Lee Marsh,,,,Anna Berg,ContactAnnaBerg00000,", output)
    assert.matches(",=1%+2,appointment,", (export("--format", "csv", "--keep-formulas")))
  end)

  it("writes JSON, and what --json and --jsonl print", function()
    local output = export("--format", "json")
    assert.are.equal(6, #assert(hoopai.decode(output)))
    assert.are.equal(output, (export("--format", "json", "--json")))
    assert.are.equal(6, select(2, (export("--format", "json", "--jsonl")):gsub("\n", "")))
  end)

  it("sends a terminal nothing that commands it, and leaves files and pipes as they are", function()
    for _, kind in ipairs { "csv", "ics" } do
      local words = { "export", "--from", "2024-03-04", "--to", "2024-03-05", "--format", kind }
      local output, status = clinic.terminal(home, words)
      assert.are.same({ 0 }, { status, output:find "\27" })
      local plain = home:run(words)
      assert.are.equal(kind == "csv" and "\27[31mred\27[0m" or "[31mred[0m", plain:match "\27?%[31mred\27?%[0m")
      assert.matches(kind == "csv" and " %[31mred %[0m" or "%[31mred%[0m", output)
      assert.are.equal(select(2, plain:gsub("\n", "")), select(2, output:gsub("\n", "")))
    end
    local output = clinic.terminal(home, { "export", "--from", "2024-03-04", "--format", "json" })
    assert.is_nil(output:find "\27")
  end)

  it("writes a file in place of the old one, in the format of its name", function()
    local path = folder .. "/march.ICS"
    local output, errors, status = export("-o", path)
    assert.are.same({ "", 0 }, { errors, status })
    local span = "from 2024-03-04 00:00 to 2024-03-06 00:00 (Europe/Berlin)"
    assert.are.equal(("6 events %s are in %s\n"):format(span, path), output)
    assert.are.equal((export("--format", "ics")), command.read(path))
    local document = assert(hoopai.decode((export("-o", path, "--format", "csv", "--json"))))
    assert.are.same({ path, "csv", 6 }, { document.file, document.format, document.events })
    assert.matches("^start,", command.read(path))
    assert.are.same({ "march.ICS" }, files(folder))
    assert.matches("^BEGIN:VCALENDAR", (export("-o", "-", "--format", "ics")))
  end)

  it("takes the last month by default", function()
    local document = assert(hoopai.decode((home:run { "export", "-o", folder .. "/a.json", "--json" })))
    local month = hoopai.time.now("Europe/Berlin"):start_of_month()
    assert.are.same({ month:iso(), 0 }, { document.to, document.events })
    assert.are.equal((month - hoopai.time.months(1)):iso(), document.from)
    assert.are.equal("[]\n", command.read(folder .. "/a.json"))
  end)

  it("leaves no half file on a full disk or in a folder that is none", function()
    local _, errors, status = export("-o", "/dev/full", "--format", "csv")
    assert.are.same({ "hoopai: output: cannot write /dev/full: No space left on device\n", 1 }, { errors, status })
    _, errors, status = home:run({ "export", "--from", "2024-03-04", "--format", "csv" }, { output = "/dev/full" })
    assert.are.equal(1, status)
    assert.matches("^hoopai: output: the standard output cannot be written: No space left on device\n$", errors)
    _, errors, status = export("-o", folder .. "/none/a.ics")
    assert.are.equal(1, status)
    assert.matches("^hoopai: output: cannot write .*No such file or directory; no file was made\n$", errors)
    _, errors, status = export("-o", folder, "--format", "ics")
    assert.are.equal(1, status)
    assert.matches("Is a directory", errors)
    assert.are.same({}, files(folder))
  end)

  it("leaves the old file when the size of files is limited", function()
    local path = folder .. "/a.csv"
    local file = assert(io.open(path, "w"))
    file:write "old"
    file:close()
    local line = home:line { "export", "--from", "2024-03-04", "--to", "2024-03-05", "-o", path }
    -- The signal of the limit is ignored, so that the write fails as on a full disk.
    local pipe = assert(io.popen(("trap '' XFSZ; ulimit -f 0; %s 2>&1 | cat"):format(line)))
    local text = pipe:read "a"
    pipe:close()
    assert.matches("^hoopai: output: cannot write .*: File too large; the old file is unchanged\n$", text)
    assert.are.same({ "old", { "a.csv" } }, { command.read(path), files(folder) })
  end)
end)

describe("a long export", function()
  local home, folder

  setup(function()
    home = clinic.home { latency_ms = 3000 }
    folder = command.folder()
  end)
  teardown(function()
    home:close()
    command.remove(folder)
  end)

  it("shows how far it is, and leaves no file after Ctrl-C", function()
    local words = { "export", "--from", "2020-01-01", "--to", "2024-12-31", "-o", folder .. "/a.ics", "--zone", "UTC" }
    local result = pseudo_terminal.run {
      argv = { "sh", "-c", "exec " .. home:line(words, { COLUMNS = false, TERM = "xterm" }) },
      unset = { "COLUMNS", "LINES", "NO_COLOR" },
      steps = { { wait = "Reading appointments" }, { send = "\3" } },
    }
    assert.are.same({ "exit", 130 }, { result.how, result.code }, result.output)
    assert.matches("hoopai: interrupted\r\n$", result.output)
    assert.are.same({}, files(folder))
  end)
end)
