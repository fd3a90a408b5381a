-- The checks of the methods above the endpoints: all problems of a call in one error, and what to write instead.

local arguments = require "hoopai.list.arguments"
local hoopai = require "hoopai"

local time = hoopai.time

describe("hoopai.list.arguments:", function()
  local details

  before_each(function() details = {} end)

  -- stylua: ignore
  local CHECKS = {
    from = arguments.instant, to = arguments.instant, calendarId = arguments.id, userId = arguments.id,
    progress = arguments.progress, filter = true,
  }

  local function fields(given, other) return arguments.fields(given, CHECKS, details, other) end

  --- The problems by their paths.
  local function problems()
    local by_path = {}
    for _, detail in ipairs(details) do
      assert.is_nil(by_path[detail.path])
      by_path[detail.path] = detail.problem
    end
    return by_path
  end

  describe("fields", function()
    it("takes those that are right", function()
      local from, progress = time.from_ms(1767571200000), function() end
      local given = { from = from, to = "2026-01-06T00:00:00Z", calendarId = "c", progress = progress, filter = 7 }
      assert.are.same(given, fields(given))
      assert.are_not.equal(given, fields(given))
      assert.are.same({}, details)
    end)

    it("lists every problem with the value and what is right", function()
      local found = fields {
        from = 1767571200,
        to = false,
        calendarId = "",
        userId = hoopai.null,
        progress = 5,
        [1] = "x",
      }
      assert.are.same({}, found)
      local by_path = problems()
      assert.matches("looks like seconds", by_path.from, 1, true)
      assert.matches("must be an instant", by_path.to, 1, true)
      assert.matches("must be a string that is neither empty", by_path.calendarId, 1, true)
      assert.matches("must be a string that is neither empty", by_path.userId, 1, true)
      assert.matches("must be a function", by_path.progress, 1, true)
      assert.are.equal("is unknown", by_path[1])
      for _, detail in ipairs(details) do
        assert.are.equal(detail.path ~= 1, detail.given ~= nil)
      end
    end)

    it("says which name is meant", function()
      local meant = {
        startTime = "from",
        ["end"] = "to",
        calendar = "calendarId",
        calendar_id = "calendarId",
        calendarID = "calendarId",
        assignedUserId = "userId",
        user_id = "userId",
        proggress = "progress",
      }
      for name, wanted in pairs(meant) do
        details = {}
        fields { [name] = 1 }
        assert.are.same(
          { { path = name, problem = ("is unknown, did you mean `%s`?"):format(wanted), suggestion = wanted } },
          details
        )
      end
      details = {}
      fields { timezone = "UTC", group = "g" } -- not a field of this method
      assert.are.same({ timezone = "is unknown", group = "is unknown" }, problems())
    end)

    it("says where options belong", function()
      fields { locationId = "l", timeout = 5, location_id = "l" }
      local text = "is an option: write `%s` in the last argument, after this table"
      assert.are.same({
        locationId = text:format "location_id",
        location_id = text:format "location_id",
        timeout = text:format "timeout",
      }, problems())
    end)

    it("asks another function about names that it does not know", function()
      local seen = {}
      local found = fields({ userIds = { "u" }, other = 1 }, function(name, value)
        seen[name] = value
        return name == "userIds"
      end)
      assert.are.same({}, found)
      assert.are.same({ userIds = { "u" }, other = 1 }, seen)
      assert.are.same({ other = "is unknown" }, problems())
    end)

    it("reads the table raw", function()
      local given = setmetatable({}, {
        __index = function() error "read" end,
        __pairs = function() error "walked" end,
      })
      assert.are.same({}, fields(given))
    end)
  end)

  it("a table is needed", function()
    for _, wrong in ipairs { "text", 5, true } do
      assert.error_matches(
        function() arguments.check_table("things:all", wrong) end,
        "things:all expects a table, got "
      )
    end
    local text = "things:all expects a table, got nil: write { from = ..., to = ... }"
    assert.error_matches(function() arguments.check_table("things:all", nil) end, text, 1, true)
    arguments.check_table("things:all", {})
  end)

  describe("span", function()
    local function span(given, default) return arguments.span(fields(given), details, default) end

    it("is in milliseconds", function()
      assert.are.same({ 1767571200000, 1767571200001 }, {
        span { from = "2026-01-05T00:00:00Z", to = time.from_ms(1767571200001) },
      })
      assert.are.same({ 5, 1767571200001 }, { span({ to = 1767571200001 }, 5) })
      assert.are.same({}, details)
    end)

    it("needs both ends, and says of each once that it is wrong", function()
      span {}
      assert.are.same(
        { from = "is required: where the span begins", to = "is required: where the span ends" },
        problems()
      )
      details = {}
      span { from = 5, to = "soon" }
      assert.are.equal(2, #details)
      details = {}
      span({ to = 5 }, 9)
      assert.are.equal(1, #details)
    end)

    it("ends after it begins", function()
      for _, to in ipairs { 1767571200000, 1767571199999 } do
        details = {}
        span { from = 1767571200000, to = to }
        assert.are.same({ to = "must be after `from`" }, problems())
      end
      details = {}
      span({ to = 1767571200000 }, 1767571200000)
      assert.are.same({ to = "must be after now" }, problems())
    end)
  end)

  describe("options", function()
    it("are split into those of the calls and progress", function()
      local function progress() end
      local given = { timeout = 5, progress = progress }
      local rest, found = arguments.options("things:all", given)
      assert.are.same({ timeout = 5 }, rest)
      assert.are.equal(progress, found)
      assert.are.same({ timeout = 5, progress = progress }, given)
      assert.are.equal(0, select("#", arguments.options("things:all", nil)) - 1)
      assert.is_nil(arguments.options("things:all", nil))
    end)

    it("raise if one is wrong or unknown", function()
      local function refused(given, text)
        assert.error_matches(function() arguments.options("things:all", given) end, text, 1, true)
      end
      refused({ progress = 5 }, "option `progress` of things:all must be a function")
      refused({ proggress = print }, "unknown option `proggress` of things:all, did you mean `progress`?")
      refused({ time_out = 5 }, "unknown option `time_out` of things:all, did you mean `timeout`?")
      refused({ xyz = 5 }, "unknown option `xyz` of things:all: it takes api_version")
      refused({ 5 }, "unknown option `1` of things:all: options have names")
      refused({ timeout = "x" }, "option `timeout` of things:all must be a number of seconds")
      refused("text", "the options of things:all are a table, got string")
    end)
  end)

  it("location is that of the call, else that of the client", function()
    local state = { settings = { location_id = "l" } }
    assert.are.equal("l", arguments.location(state, nil, details))
    assert.are.equal("l", arguments.location(state, {}, details))
    assert.are.equal("m", arguments.location(state, { location_id = "m" }, details))
    assert.are.same({}, details)
    assert.is_nil(arguments.location({ settings = {} }, nil, details))
    assert.are.same({ locationId = "is required: set location_id in the last argument, or in hoopai.new" }, problems())
  end)

  it("an error has all problems in order, and the line of the caller", function()
    arguments.add(details, "to", "must be after `from`", 5)
    arguments.add(details, "from", "is required")
    local err = arguments.error("things:all", details)
    assert.are.equal("invalid_request", err.kind)
    assert.are.equal("no", err.applied)
    assert.are.equal(0, err.attempts)
    assert.are.equal(details, err.details)
    assert.matches("^spec/unit/list/arguments_spec.lua:%d+$", err.where)
    assert.are.equal(
      "things:all has 2 problems:   from: is required   to: must be after `from` (given: 5)",
      err.message
    )
  end)
end)
