-- The words of the library: one for each thing, that of the field, and plain English in comments.

local house = require "spec.support.house"

-- In comments: code does not talk. Its subject is a function, a caller, a task, and it returns, emits, receives.
local RETIRED = {}
for _, word in ipairs { "nobody", "somebody", "whoever", "told", "tells", "heard", "hears" } do
  RETIRED[word] = { comments = true, instead = "name the subject, and what it does" }
end

-- In comments and in names of code. `after` and `at` say where a word is right.
local OAUTH = "^lua/hoopai/oauth/"
RETIRED.answer = { instead = "response" }
RETIRED.answers = RETIRED.answer
RETIRED.vault = { instead = "token file" }
RETIRED.budget = { instead = "rate limit, retry budget", after = { retry = true } }
RETIRED.bell = { instead = "condition" }
RETIRED.gate = { instead = "rate limiter" }
RETIRED.grant = { instead = "credentials", at = OAUTH }
-- app:exchange is OAuth's.
RETIRED.exchange = { instead = "call, attempt", after = { token = true, app = true }, at = OAUTH }
RETIRED.exchanges = RETIRED.exchange

-- The sandbox is a server: it answers, grants and exchanges. The types are generated from comments that are checked.
local EXEMPT = { "^lua/hoopai/sandbox/", "^lua/hoopai/meta%.lua$" }

describe("the words", function()
  it("of the library are those of the field", function()
    local files = house.read("lua", "%.lua$")
    house.read("src", "%.[ch]$", files)
    for path in pairs(files) do
      for _, pattern in ipairs(EXEMPT) do
        if path:find(pattern) then files[path] = nil end
      end
    end
    assert.are.same({}, house.retired_words(files, RETIRED))
  end)

  it("are looked for in comments and names", function()
    local files = {
      ["a.lua"] = 'local x = "nobody, vault" -- told\n--[[ a\nTOLD ]] local vault_file, toldYou\nreturn retryBudget',
      ["a.c"] = "/* heard\n * a BUDGET */ int hears; // a retry budget\n"
        .. 'char *s = "vault"; int q = \'"\' / 1; HP_BELL openVault\n',
      ["lua/hoopai/oauth/app.lua"] = "local grant -- of an exchange, told",
      ["lua/hoopai/call/init.lua"] = "local grants, granted, grant = x.exchange",
    }
    assert.are.same({
      "a.c:1: heard (name the subject, and what it does)",
      "a.c:2: budget (rate limit, retry budget)",
      "a.c:3: bell (condition)",
      "a.c:3: vault (token file)",
      "a.lua:1: told (name the subject, and what it does)",
      "a.lua:3: told (name the subject, and what it does)",
      "a.lua:3: vault (token file)",
      "lua/hoopai/call/init.lua:1: grant (credentials)",
      "lua/hoopai/call/init.lua:1: exchange (call, attempt)",
      "lua/hoopai/oauth/app.lua:1: told (name the subject, and what it does)",
    }, house.retired_words(files, RETIRED))
  end)
end)
