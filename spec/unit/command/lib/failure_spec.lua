local errors = require "hoopai.errors"
local failure = require "hoopai.command.lib.failure"
local hoopai = require "hoopai"

local function explain(fn, ...)
  local ok, problem = pcall(fn, ...)
  assert.is_false(ok)
  return { failure.explain(problem) }
end

local function report(problem, context)
  local parts = {}
  local stream = {
    write = function(_, ...) parts[#parts + 1] = table.concat { ... } end,
  }
  local status = failure.report(problem, context, stream)
  return table.concat(parts), status
end

describe("a failure", function()
  it("has an exit status, a kind and advice", function()
    assert.are.same({ 1, "kind: message", "advice" }, explain(failure.refuse, "kind", "message", "advice"))
    assert.are.same({ 2, "usage: message", "see" }, explain(failure.usage, "message", "see"))
    assert.are.same({ 3 }, explain(failure.exit, 3))
  end)

  it("is made of an error of the library, without its place in the command", function()
    local err = errors.new { kind = "scope", message = "no scope", status = 401, method = "GET", path = "/x" }
    assert.is_string(err.where)
    local status, message, advice = failure.explain(err)
    assert.are.same({ 1, "scope: no scope (HTTP 401, GET /x)" }, { status, message })
    assert.matches("hoopai login", advice)
    assert.is_string(err.where)
    local late = errors.new { kind = "timeout", message = "late", applied = "maybe" }
    advice = select(3, failure.explain(late))
    assert.matches("it is unclear whether the change was made", advice)
  end)

  it("is made of wrong use of the library", function()
    local _, problem = pcall(hoopai.new, { tokn = "x" })
    local status, message = failure.explain(problem)
    assert.are.equal(1, status)
    assert.are.equal("invalid: unknown option `tokn` of hoopai.new, did you mean `token`?", message)
  end)

  it("is made of a fault of the command", function()
    local status, message, advice = failure.explain "x.lua:1: attempt to index a nil value"
    assert.are.same({ 1, "internal: x.lua:1: attempt to index a nil value" }, { status, message })
    assert.matches("report", advice)
  end)

  it("is an interruption after Ctrl-C", function()
    assert.is_true(failure.is_interruption "x.lua:3: interrupted!")
    assert.is_true(failure.is_interruption { kind = "raised", cause = "interrupted!" })
    assert.is_false(failure.is_interruption { kind = "timeout", message = "interrupted!" })
    assert.is_false(failure.is_interruption(nil))
    assert.are.same({ 130, "interrupted" }, { failure.explain "x.lua:3: interrupted!" })
  end)

  it("is reported with what was done and what is unclear", function()
    local _, problem = pcall(failure.refuse, "kind", "a\27[31m\nb", "advice")
    local text, status = report(problem, { done = { "booked\nx" }, unclear = { "a booking (reference r)" } })
    assert.are.equal(1, status)
    assert.are.equal(
      "hoopai: kind: a [31m\nb\nhoopai: advice\n"
        .. "hoopai: done:\n  booked x\nhoopai: unclear:\n  a booking (reference r)\n",
      text
    )
    assert.are.equal("hoopai: interrupted\n", (report("interrupted!", { done = {}, unclear = {} })))
    _, problem = pcall(failure.exit, 7)
    assert.are.same({ "", 7 }, { report(problem) })
  end)
end)
