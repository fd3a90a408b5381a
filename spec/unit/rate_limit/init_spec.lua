local expect = require "spec.support.expect"
local hoopai = require "hoopai"

describe("hoopai.rate_limit", function()
  it("makes what hoopai.new takes as `rate_limit`", function()
    local limit = hoopai.rate_limit.redis { call = function() end }
    assert.are.equal("hoopai.SharedRateLimit", tostring(limit))
    assert.is_nil(next(limit))
    hoopai.new({ token = "t", rate_limit = limit }):close()
  end)

  it("refuses wrong options", function()
    local call = function() end
    local function refuses(options, pattern)
      expect.misuse(function() hoopai.rate_limit.redis(options) end, pattern)
    end
    refuses(nil, "needs the option `call`")
    refuses({}, "needs the option `call`")
    refuses({ call = "GET" }, "option `call` of hoopai.rate_limit.redis must be a function")
    refuses({ call = call, prefix = "" }, "must be a string such as")
    refuses({ call = call, timeout = 0 }, "must be a number of seconds above 0")
    refuses({ call = call, prefx = "x" }, "did you mean `prefix`")
    expect.misuse(function() return hoopai.rate_limit.file end, "hoopai.rate_limit has no `file`")
    for _, wrong in ipairs { "yes", {}, call } do
      expect.misuse(
        function() hoopai.new { token = "t", rate_limit = wrong } end,
        "option `rate_limit` of hoopai.new must be true, false, or hoopai.rate_limit.redis"
      )
    end
  end)
end)
