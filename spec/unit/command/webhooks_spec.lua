-- The command as a process is in spec/behaviour/command/webhooks_spec.lua.
local failure = require "hoopai.command.lib.failure"
local webhooks = require "hoopai.command.webhooks"

describe("hoopai webhooks", function()
  local real = package.loaded["hoopai.command.lib.sockets"]
  after_each(function() package.loaded["hoopai.command.lib.sockets"] = real end)

  local function run(sockets, options)
    package.loaded["hoopai.command.lib.sockets"] = sockets
    local context = {
      library = function() return require "hoopai" end,
      streams = { output = io.stdout, error = { write = function() end, flush = function() end } },
    }
    return pcall(webhooks.run, context, options)
  end

  local function with_loop(step)
    return {
      listen = function()
        return setmetatable({}, { __close = function() end })
      end,
      loop = function()
        return setmetatable({ spawn = function() end, step = step }, { __close = function() end })
      end,
    }
  end

  it("has one action", function()
    assert.are.same({ "listen" }, webhooks.arguments[1].choices)
    assert.is_nil(webhooks.needs)
  end)

  it("ends without a failure after Ctrl-C alone", function()
    assert.is_true((run(with_loop(function() error("x.lua:1: interrupted!", 0) end), {})))
    local ok, problem = run(with_loop(function() error("something else", 0) end), {})
    assert.are.same({ false, "something else" }, { ok, problem })
  end)

  it("listens on this computer alone, unless it is told otherwise", function()
    local given = {}
    local sockets = {
      listen = function(...)
        given[#given + 1] = { ... }
        return nil, "no"
      end,
    }
    local _, problem = run(sockets, {})
    run(sockets, { host = "0.0.0.0", port = 99 })
    assert.are.same({ { "127.0.0.1", 8585 }, { "0.0.0.0", 99 } }, given)
    local _, message, advice = failure.explain(problem)
    assert.are.equal("listen: 127.0.0.1 port 8585 cannot be used: no", message)
    assert.are.equal("write another --port", advice)
  end)
end)
