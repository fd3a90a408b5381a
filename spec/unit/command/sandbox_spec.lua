local failure = require "hoopai.command.lib.failure"
local sandbox = require "hoopai.command.sandbox"

describe("hoopai sandbox", function()
  local real = package.loaded["hoopai.sandbox"]
  after_each(function() package.loaded["hoopai.sandbox"] = real end)

  local function run(options, serve)
    local given
    package.loaded["hoopai.sandbox"] = {
      serve = function(all)
        given = all
        if serve then serve() end
      end,
    }
    options.words = options.words or {}
    sandbox.run({}, options)
    return given
  end

  local function refused(...)
    local ok, problem = pcall(run, ...)
    assert.is_false(ok)
    local status, message = failure.explain(problem)
    return message, status
  end

  it("serves with its options", function()
    assert.are.same(
      { port = 80, many = 3, tls = true, zone = "UTC" },
      run { port = 80, many = 3, tls = true, zone = "UTC" }
    )
    assert.are.same({ empty = true }, run { empty = true })
  end)

  it("runs a program, which no profile leads to another account", function()
    local without = { "env", "-u", "HOOPAI_PROFILE" }
    assert.are.same({ without[1], without[2], without[3], "sh", "-c", "a b" }, run({ run = "a b" }).run)
    assert.are.same({ without[1], without[2], without[3], "a", "b" }, run({ words = { "a", "b" } }).run)
    assert.are.same({ "usage: write either --run or a program", 2 }, { refused { run = "a", words = { "b" } } })
  end)

  it("says why it does not start", function()
    local message, status = refused({}, function() error("the sandbox did not start: no", 0) end)
    assert.are.same({ "sandbox: the sandbox did not start: no", 1 }, { message, status })
    assert.are.equal("sandbox: port taken", (refused({}, function() error("x.lua:3: port taken", 0) end)))
    assert.are.same({ "interrupted", 130 }, { refused({}, function() error("x.lua:3: interrupted!", 0) end) })
  end)
end)
