-- What asks before it changes something, and what a dry run prints. The sandbox's list of requests says what was sent.

local changes = require "spec.support.changes"
local clinic = require "spec.support.clinic"
local command = require "spec.support.command"
local hoopai = require "hoopai"

local with = changes.with

describe("a command that changes something", function()
  local home

  setup(function() home = clinic.home { control = true, now = clinic.NOW } end)
  teardown(function() home:close() end)
  before_each(function() home.sandbox:control "reset" end)

  --- Asserts that one request was sent, which begins so; or none.
  local function assert_sent(write)
    local writes = home:writes()
    assert.are.equal(write and 1 or 0, #writes)
    if write then assert.are.equal(write, writes[1]:sub(1, #write)) end
  end

  local function reply(words, text, job)
    job = job or {}
    job.steps = { { wait = "[y/N] ", send = text } }
    return clinic.terminal(home, words, job)
  end

  for _, case in ipairs(changes.list) do
    local name = "hoopai " .. table.concat(case.words, " ")
    local shown = case.asks and "^" .. case.asks .. " %[y/N%] "

    if case.asks then
      it("goes on after a yes: " .. name, function()
        for _, yes in ipairs { "y\n", "Yes\n", " YES \n" } do
          home.sandbox:control "reset"
          local output, status = reply(case.words, yes)
          assert.are.equal(0, status, output)
          local text = assert(output:match(shown .. "[^\n]*\n(.*)$"), output)
          assert.matches(case.done, (text:gsub("^reference: %S+\n", "")))
          assert_sent(case.write)
        end
      end)

      it("changes nothing after anything else: " .. name, function()
        for _, no in ipairs { "n\n", "\n", "\4", "yess\n", "yes please\n", "ja\n" } do
          local output, status = reply(case.words, no)
          assert.matches(shown .. "[^\n]*\nhoopai: declined: nothing was changed\n$", output)
          assert.are.equal(1, status)
          assert_sent()
        end
      end)

      it("asks on stderr, so that the output can go into a file: " .. name, function()
        local path = os.tmpname()
        local output, status = reply(case.words, "y\n", { redirect = { ["1"] = path } })
        assert.are.equal(0, status, output)
        assert.matches(shown, output)
        assert.matches(case.done, command.read(path))
        os.remove(path)
      end)

      it("needs --yes without a terminal: " .. name, function()
        for _, input in ipairs { "", "y\n" } do
          local output, errors, status = home:run(case.words, { input = input })
          assert.are.same({ "", 2 }, { output, status })
          assert.matches("^hoopai: usage: there is no terminal to ask on\nhoopai: write %-%-yes[^\n]*\n$", errors)
          assert_sent()
        end
      end)
    end

    it("sends no change in a dry run, and does not ask: " .. name, function()
      local output, errors, status = home:run(with(case.words, "--dry-run"))
      assert.are.same({ "", 0 }, { errors, status })
      assert.are.equal("would send " .. case.write, output:sub(1, #case.write + 11))
      output, status = clinic.terminal(home, with(case.words, "--dry-run"))
      assert.are.same({ 0, nil }, { status, (output:find("[y/N]", 1, true)) })
      local document = assert(hoopai.decode((home:run(with(case.words, "--dry-run", "--json")))))
      assert.are.equal(1, #document)
      assert.are.equal(case.write, (document[1].method .. " " .. document[1].path):sub(1, #case.write))
      assert_sent()
    end)

    it("says what was done when the output cannot be written: " .. name, function()
      local words = case.asks and with(case.words, "--yes") or case.words
      local _, errors, status = home:run(words, { output = "/dev/full" })
      assert.are.equal(1, status)
      local message = "hoopai: output: the standard output cannot be written: No space left on device\n"
      assert.matches(message .. "hoopai: done:\n  " .. case.name .. "\n$", errors)
      assert_sent(case.write)
    end)
  end
end)
