local account = require "hoopai.command.lib.account"
local candidates = require "hoopai.command.lib.candidates"
local hoopai = require "hoopai"
local profiles = require "hoopai.command.lib.profile"

local CALENDARS = {
  { id = "c1", name = "Massage 按摩" },
  { id = "c2", name = "massage 2" },
  { id = "c3", name = "Yoga" },
  { id = "c4", name = "Yoga" },
  { id = "m5" },
  { name = "mad\27[2J" },
  { name = "mad\nname" },
  {},
}

describe("the names that complete a word", function()
  local open, choose, new, variable = account.open, profiles.choose, hoopai.new, profiles.variable
  local given, requests, grants, closed

  before_each(function()
    given, requests, grants, closed = nil, {}, nil, 0
    local function close() closed = closed + 1 end
    local closing = { __close = close }
    profiles.variable = function() return nil end
    profiles.choose = function(options) return { name = options.profile, fields = { location_id = "l" } } end
    account.open = function()
      return { token = "t" }, grants and setmetatable({ grants = function() return grants end }, closing)
    end
    hoopai.new = function(options) -- luacheck: ignore 122
      given = options
      return setmetatable({
        calendars = {
          list = function()
            requests[#requests + 1] = "calendars"
            return CALENDARS, {}
          end,
        },
        groups = { list = function() error { kind = "network" } end },
        request = function(_, request, call_options)
          requests[#requests + 1] = { request, call_options }
          return { users = { { id = "u", name = "Lee Marsh" }, { id = "v" } } }, {}
        end,
      }, closing)
    end
  end)
  after_each(function()
    account.open, profiles.choose, profiles.variable = open, choose, variable
    hoopai.new = new -- luacheck: ignore 122
  end)

  local function printed(...)
    local parts = {}
    local output = { write = function(_, ...) parts[#parts + 1] = table.concat { ... } end }
    local function load(name) return name and require("hoopai.command." .. name) end
    local status = candidates.print({ ... }, load, output)
    return table.concat(parts), status
  end

  it("begin with what was typed, each once, without what commands a terminal", function()
    assert.are.same({ "Massage 按摩\nmassage 2\n", 0 }, { printed("book", "MASS") })
    assert.are.same({ "Massage 按摩\nYoga\nm5\nmassage 2\n", 0 }, { printed("book", "") })
    assert.are.same({ "Yoga\n", 0 }, { printed("book", "Yo") })
    assert.are.same({ "c1\n", 0 }, { printed("book", "c1") })
    assert.are.same({ "--calendar=Yoga\n", 0 }, { printed("agenda", "--calendar=yo") })
    assert.are.same({ "", 0 }, { printed("book", "nosuch") })
    assert.are.same({ "Lee Marsh\n", 0 }, { printed("agenda", "--user", "lee") })
    assert.are.equal("l", requests[#requests][1].query.locationId)
  end)

  it("take one request of a short time, without a repetition", function()
    printed("book", "y")
    assert.are.same({ "calendars" }, requests)
    assert.are.same({ 2, 2, 2, false }, { given.timeout, given.connect_timeout, given.queue_timeout, given.retries })
    printed("block", "lee")
    assert.are.equal(2, #requests)
    assert.are.same({ retries = false, timeout = 2 }, requests[2][2])
    assert.are.equal(2, closed)
  end)

  it("are none when something fails, without a message", function()
    assert.are.same({ "", 0 }, { printed("calendars", "--group", "") })
    profiles.choose = function() error "no profile" end
    assert.are.same({ "", 0 }, { printed("book", "y") })
    assert.are.same({ "", 1 }, { printed("book", "yoga", "") })
    assert.are.same({ "", 1 }, { printed "" })
    assert.are.same({ "", 1 }, { printed() })
  end)

  it("are none for a token that the library would renew", function()
    local now = hoopai.time.now()
    local function grant(old, left, location)
      return {
        location_id = location or "l",
        obtained_at = now - hoopai.time.seconds(old),
        expires_at = now + hoopai.time.seconds(left),
      }
    end
    grants = { grant(3600, 80000) }
    assert.are.equal("Yoga\n", (printed("book", "yo")))
    for _, entry in ipairs { grant(80000, 6000), grant(10, 600), grant(80000, -1), grant(0, 86400, "m"), {} } do
      grants, closed = { entry }, 0
      assert.are.same({ "", 0 }, { printed("book", "yo") })
      assert.are.equal(1, closed)
    end
    assert.are.equal(1, #requests)
  end)
end)
