-- Replays what `make fuzz` begins with and what it has found: each input through the same target, here with the core as
-- it is under test (so under AddressSanitizer and valgrind as well).

local lfs = require "lfs"

local FOLDER = "spec/fuzz/"

local function names(folder)
  local list = {}
  for name in lfs.dir(folder) do
    if name:sub(1, 1) ~= "." then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("a")
  file:close()
  return bytes
end

describe("fuzz target", function()
  for _, file in ipairs(names(FOLDER .. "targets")) do
    local name = file:match("^(.*)%.lua$")
    for _, kind in ipairs { "corpus", "regressions" } do
      local folder = ("%s%s/%s/"):format(FOLDER, kind, name)
      if kind == "corpus" or lfs.attributes(folder) then
        it(("%s takes all of its %s"):format(name, kind), function()
          local target, peer = require("spec.fuzz.targets." .. name), require "spec.fuzz.peer"
          for _, input in ipairs(names(folder)) do
            local ok, problem = pcall(target, read(folder .. input))
            assert.is_true(ok, ("%s%s: %s"):format(folder, input, problem))
          end
          peer.close()
          peer.unscript()
        end)
      end
    end
  end
end)
