-- Ctrl-C at each stage of the commands, typed in a pseudo terminal. The sandbox holds its responses back, and its list
-- of requests says when a command is at the stage: no case depends on how fast anything is.

local changes = require "spec.support.changes"
local clinic = require "spec.support.clinic"
local command = require "spec.support.command"
local lfs = require "lfs"

local CTRL_C = "\3"
local HELD = 600000 -- ms: longer than a case may take

local with = changes.with

local WEEK = { "--from", "2024-03-04", "--days", "5" }

local READERS = {
  { "status" },
  { "calendars" },
  { "notes", "Appointment000000002" },
  with({ "free" }, table.unpack(WEEK)),
  with({ "agenda" }, table.unpack(WEEK)),
  with({ "events" }, table.unpack(WEEK)),
  with({ "utilisation" }, table.unpack(WEEK)),
  with({ "export", "--format", "csv" }, table.unpack(WEEK)),
  { "api", "/calendars/?locationId={location_id}" },
  { "api", "/calendars/resources/rooms?locationId={location_id}", "--paginate" },
}

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function names(folder)
  local found = {}
  for name in lfs.dir(folder) do
    found[#found + 1] = name ~= "." and name ~= ".." and name or nil
  end
  table.sort(found)
  return found
end

describe("Ctrl-C", function()
  local home

  setup(function() home = clinic.home { control = true, now = clinic.NOW } end)
  teardown(function() home:close() end)
  before_each(function() home.sandbox:control "reset" end)

  --- Types Ctrl-C when a step has happened. Returns what the terminal shows.
  local function interrupt(words, step)
    step.send = CTRL_C
    local output, status = clinic.terminal(home, words, { steps = { step } })
    assert.are.equal(130, status, output)
    assert.matches("hoopai: interrupted\n", output)
    assert.is_nil(output:find "traceback")
    assert.is_nil(output:find(".lua", 1, true))
    return output
  end

  for _, case in ipairs(changes.list) do
    local name = "hoopai " .. table.concat(case.words, " ")
    local yes = case.asks and "--yes" or nil

    if case.asks then
      it("at the question of " .. name .. " keeps it from sending anything", function()
        local output = interrupt(case.words, { wait = "[y/N] " })
        assert.matches("hoopai: interrupted\n$", output)
        assert.are.same({}, home:writes())
      end)
    end

    if case.reads then
      it("while " .. name .. " reads keeps it from sending anything", function()
        home.sandbox:control("delay", { delay_ms = HELD })
        local output = interrupt(with(case.words, yes), { request = "GET /calendars/" })
        assert.matches("hoopai: interrupted\n$", output)
        assert.are.same({}, home:writes())
      end)
    end

    it("while " .. name .. " waits for the outcome makes it say what is unclear", function()
      home.sandbox:control("delay", { delay_ms = HELD, only = case.write })
      local output = interrupt(with(case.words, yes), { request = case.write })
      assert.matches("hoopai: interrupted\nhoopai: unclear:\n  " .. case.name .. "\n$", output)
      assert.are.equal(1, #home:writes())
      if not case.again then return end
      home.sandbox:control("delay", { delay_ms = 0 })
      local again, errors, status = home:run(with(case.words, yes))
      assert.are.equal(0, status, errors)
      assert.matches(case.again, again)
      assert.are.equal(1, #home:writes())
    end)
  end

  for _, words in ipairs(READERS) do
    it("ends hoopai " .. table.concat(words, " "), function()
      home.sandbox:control("delay", { delay_ms = HELD })
      local output = interrupt(words, { request = "GET /calendars/" })
      assert.matches("^[\r ]*hoopai: interrupted\n$", (output:gsub("%^C", "")))
      assert.are.same({}, home:writes())
    end)
  end

  -- The programs that a command runs have the signal too, and the interpreter ignores it meanwhile.
  it("that ends a program of an export ends the export, too", function()
    local folder = command.folder()
    write(folder .. "/a.csv", "old")
    write(folder .. "/chmod", "#!/bin/sh\nkill -INT $$\n")
    assert(os.execute("chmod +x " .. folder .. "/chmod"))
    local variables = { PATH = folder .. ":" .. os.getenv "PATH" }
    local words = with({ "export", "-o", folder .. "/a.csv" }, table.unpack(WEEK))
    local output, errors, status = home:run(words, { variables = variables })
    assert.are.same({ "", "hoopai: interrupted\n", 130 }, { output, errors, status })
    assert.are.same({ "a.csv", "chmod" }, names(folder))
    assert.are.equal("old", command.read(folder .. "/a.csv"))
    command.remove(folder)
  end)

  it("leaves the old file of an export, and no other one", function()
    local folder = command.folder()
    local path = folder .. "/a.csv"
    write(path, "old")
    for _, request in ipairs { "GET /calendars/", "GET /calendars/events" } do
      home.sandbox:control "reset"
      home.sandbox:control("delay", { delay_ms = HELD, only = request })
      interrupt(with({ "export", "-o", path }, table.unpack(WEEK)), { request = request })
      assert.are.same({ { "a.csv" }, "old" }, { names(folder), command.read(path) })
    end
    command.remove(folder)
  end)
end)
