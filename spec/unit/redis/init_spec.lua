-- The clients over luv and cqueues have specs of their own; that of lua-redis is used by
-- spec/unit/store/redis_spec.lua.

local expect = require "spec.support.expect"
local redis = require "hoopai.redis"

describe("hoopai.redis", function()
  it("refuses wrong options", function()
    local function refuses(name, options, pattern)
      expect.misuse(function() redis[name](options) end, pattern)
    end
    for _, name in ipairs { "luv", "cqueues" } do
      refuses(name, { host = "" }, "option `host` of hoopai.redis." .. name .. " must be a string that is not empty")
      refuses(name, { port = "6379" }, "must be an integer from 1 to 65535")
      refuses(name, { port = 0 }, "must be an integer from 1 to 65535")
      refuses(name, { password = "" }, "must be a string that is not empty")
      refuses(name, { database = -1 }, "must be an integer from 0 on")
      refuses(name, { timeout = 0 }, "must be a number of seconds above 0")
      refuses(name, { username = "somebody" }, "option `username` of hoopai.redis." .. name .. " goes with `password`")
      refuses(name, { passwort = "x" }, "did you mean `password`")
      refuses(name, 5, "are a table, got number")
    end
    refuses("luv", { tls = true }, "unknown option `tls`")
    refuses("cqueues", { tls = "yes" }, "must be true, or { ca_file = path }")
    refuses("cqueues", { tls = { ca = "path" } }, "must be true, or { ca_file = path }")
    expect.misuse(function() redis.lua_redis {} end, "expects a function that connects")
  end)

  it("says what to write in place of a name that it has not", function()
    local function refuses(name, text)
      expect.misuse(function() return redis[name] end, "hoopai.redis has no `" .. name .. "`" .. text)
    end
    refuses("connect", ": write hoopai.redis.lua_redis(connect), or luv or cqueues with options")
    refuses("store", ": write hoopai.store.redis { call = call }")
    refuses("rate_limit", ": write hoopai.rate_limit.redis { call = call }")
    refuses("cqueue", ", did you mean `cqueues`?")
  end)
end)
