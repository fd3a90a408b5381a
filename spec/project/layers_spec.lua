-- The arrows of the C files point down: each file includes headers of its own layer or of one below, and core.c, which
-- registers all, is included by none.

local lfs = require "lfs"

-- From the bottom up. Within a layer a file may include another header of it.
local LAYERS = {
  { "core.h", "util.c", "fork.c", "sigpipe.h", "sigpipe.c" },
  { "secret.c", "json.c", "url.c", "poller.h", "poller.c", "headers.h", "headers.c", "http_date.c",
    "curl_compat.h", "curl_compat.c" },
  { "lookup.h", "lookup.c", "sockets.h", "credentials.h", "token_file.c" },
  { "multi.h", "multi.c", "transfer.c", "request.c", "curl_handle.c", "sockets.c", "wakeup.c", "rate_limiter.c",
    "credentials.c" },
  { "core.c" },
}

local floor = {}
for level, names in ipairs(LAYERS) do
  for _, name in ipairs(names) do floor[name] = level end
end

local function includes(name)
  local found = {}
  for line in io.lines("src/" .. name) do found[#found + 1] = line:match '^#include "(.-)"' end
  return found
end

describe("the files of the core", function()
  it("have a layer each", function()
    local count = 0
    for name in lfs.dir "src" do
      if name:find "%.[ch]$" then
        count = count + 1
        assert.is_number(floor[name], name)
      end
    end
    local listed = 0
    for _ in pairs(floor) do listed = listed + 1 end
    assert.are.equal(count, listed)
  end)

  it("include nothing of a layer above theirs", function()
    for name, level in pairs(floor) do
      for _, header in ipairs(includes(name)) do
        assert.is_true(floor[header] <= level, name .. " includes " .. header)
      end
    end
  end)
end)
