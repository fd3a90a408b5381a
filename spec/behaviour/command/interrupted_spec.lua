-- Ctrl-C at each stage of the commands, typed in a pseudo terminal. The sandbox holds its responses back, and its list
-- of requests says when a command is at the stage: no case depends on how fast anything is.

local clinic = require "spec.support.clinic"
local command = require "spec.support.command"
local lfs = require "lfs"

local CTRL_C = "\3"
local HELD = 600000 -- ms: longer than a case may take

local APPOINTMENT, NOTE = "Appointment000000001", "Note0000000000000001"
local BOOK = { "book", "massage", "--contact", clinic.CONTACT, "--at", "2024-03-05T12:00" }

--- The words of a command, and further ones.
local function with(words, ...)
  local all = { table.unpack(words) }
  return table.move({ ... }, 1, select("#", ...), #all + 1, all)
end

-- Commands that change something: `reads` if they read anything before, `asks` if a question comes
-- first, `write` is the beginning of the request, `unclear` what is printed when its outcome is not known, and `again`
-- what the same command line does afterwards.
local CHANGES = {
  {
    words = with(BOOK, "--reference", "order-0099"),
    reads = true,
    asks = true,
    write = "POST /calendars/events/appointments",
    unclear = "the booking in Massage 按摩 %(%-%-reference order%-0099%)",
    again = "^was booked already: ",
  },
  {
    words = BOOK,
    reads = true,
    asks = true,
    write = "POST /calendars/events/appointments",
    unclear = "the booking in Massage 按摩 %(%-%-reference cli%-%x+%)",
  },
  {
    words = { "cancel", APPOINTMENT },
    reads = true,
    asks = true,
    write = "PUT /calendars/events/appointments/" .. APPOINTMENT,
    unclear = 'the cancellation of "山田 太郎", Massage 按摩, Mon 2024%-03%-04 09:00 %(Europe/Berlin%) %('
      .. APPOINTMENT
      .. "%)",
    again = "^was cancelled already: ",
  },
  {
    words = { "move", APPOINTMENT, "2024-03-05T09:00" },
    reads = true,
    asks = true,
    write = "PUT /calendars/events/appointments/" .. APPOINTMENT,
    unclear = "the move of .* %(" .. APPOINTMENT .. "%) to Tue 2024%-03%-05 09:00 %(Europe/Berlin%)",
    again = " there already: ",
  },
  {
    words = { "notes", APPOINTMENT, "--delete", NOTE },
    asks = true,
    write = "DELETE /calendars/appointments/" .. APPOINTMENT .. "/notes/" .. NOTE,
    unclear = "the deletion of note " .. NOTE,
  },
  {
    words = { "notes", APPOINTMENT, "--add", "called back" },
    write = "POST /calendars/appointments/" .. APPOINTMENT .. "/notes",
    unclear = "the note on " .. APPOINTMENT,
  },
  {
    words = { "block", "UserLee", "2024-03-06" },
    reads = true,
    write = "POST /calendars/events/block-slots",
    unclear = "the block of UserLeeMarsh00000000 from 2024%-03%-06 00:00 .*run the command again",
    again = "^was blocked already: ",
  },
  {
    words = { "api", "DELETE", "/calendars/events/" .. APPOINTMENT },
    write = "DELETE /calendars/events/" .. APPOINTMENT,
    unclear = "DELETE /calendars/events/" .. APPOINTMENT,
  },
}

local WEEK = { "--from", "2024-03-04", "--days", "5" }

local READERS = {
  { "status" },
  { "calendars" },
  { "notes", APPOINTMENT },
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

  for _, case in ipairs(CHANGES) do
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
      assert.matches("hoopai: interrupted\nhoopai: unclear:\n  " .. case.unclear .. "[^\n]*\n$", output)
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
