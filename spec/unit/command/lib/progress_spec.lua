-- The progress bar.

local hoopai = require "hoopai"
local progress = require "hoopai.command.lib.progress"
local pseudo_terminal = require "spec.support.pseudo_terminal"
local width = require "hoopai.command.lib.width"

-- A bar with a clock that the spec sets. `bar.written` returns what was written since the last call.
local function new(options)
  local output = { parts = {} }
  function output:write(...)
    for _, part in ipairs { ... } do
      self.parts[#self.parts + 1] = part
    end
    return self
  end
  function output.flush() end
  local clock = { now = 1000 }
  options.title, options.output = options.title or "Reading events", output
  options.clock = function() return clock.now end
  local bar = progress.new(options)
  local function written()
    local text = table.concat(output.parts)
    output.parts = {}
    return text
  end
  return bar, clock, written
end

-- What a terminal shows after a text: a return goes to the start of the line.
local function shown(text, before)
  local cells, at = {}, 1
  for _, code in utf8.codes((before or "") .. text) do
    local char = utf8.char(code)
    if char == "\r" then
      at = 1
    else
      cells[at], at = char, at + 1
    end
  end
  return (table.concat(cells):gsub(" +$", ""))
end

describe("a bar", function()
  it("shows what is done, the rate and the time that is left", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1008
    bar:update(95, 250)
    assert.are.equal("\rReading events [###########..................]   38%  95/250  11.9/s  0:13 left", written())
    clock.now = 1020
    bar:update(250, 250)
    assert.are.equal("Reading events [##############################]  100%  250/250  12.5/s", shown(written()))
  end)

  it("is drawn after a second, and at most ten times a second", function()
    local bar, clock, written = new { columns = 80 }
    for step = 1, 99 do
      clock.now = 1000 + step / 100
      bar:update(step, 1000)
    end
    assert.are.equal("", written())
    local count = 0
    for step = 100, 400 do
      clock.now = 1000 + step / 100
      bar:update(step, 1000)
      if written() ~= "" then count = count + 1 end
    end
    assert.is_true(count >= 25 and count <= 31, tostring(count))
  end)

  it("is not drawn without a terminal", function()
    local bar, clock, written = new { columns = nil }
    clock.now = 1100
    bar:update(1, 2)
    bar:waiting(10)
    bar:clear()
    bar:finish()
    assert.are.equal("", written())
  end)

  it("is erased at the end, once, and stays away", function()
    local bar, clock, written = new { columns = 60 }
    clock.now = 1002
    bar:update(1, 4)
    local drawn = written()
    bar:finish()
    local erased = written()
    assert.are.equal("", shown(erased, drawn))
    assert.is_truthy(erased:find "^\r +\r$")
    bar:finish()
    clock.now = 1010
    bar:update(2, 4)
    bar:waiting(100)
    assert.are.equal("", written())
  end)

  it("is erased when its block ends, also by an error", function()
    local bar, clock, written = new { columns = 60 }
    assert.is_false(pcall(function()
      local closed <close> = bar
      clock.now = 1002
      closed:update(1, 4)
      error "x"
    end))
    assert.are.equal("", shown(written()))
  end)

  it("leaves nothing of a longer line behind", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1001
    bar:update(1, 1000)
    local text = written()
    assert.is_truthy(shown(text):find "left$")
    clock.now = 1500
    bar:update(1000, 1000)
    text = text .. written()
    assert.is_truthy(shown(text):find("1000/1000  2.0/s$"))
    clock.now = 1501
    bar:update(2, nil)
    text = text .. written()
    assert.are.equal("Reading events  2  0.0/s", shown(text))
    bar:finish()
    assert.are.equal("", shown(text .. written()))
  end)

  it("is cleared for other output, and drawn again", function()
    local bar, clock, written = new { columns = 60 }
    clock.now = 1002
    bar:update(1, 4)
    local drawn = written()
    bar:clear()
    assert.are.equal("", shown(written(), drawn))
    clock.now = 1003
    bar:update(2, 4)
    assert.is_truthy(shown(written()):find("2/4", 1, true))
  end)

  it("fits the terminal, and leaves its last column free", function()
    for columns = 1, 120 do
      for _, title in ipairs { "Reading events", "日本語の予約を読んでいます" } do
        local bar, clock, written = new { columns = columns, title = title }
        clock.now = 1003
        bar:update(5, 1234567)
        bar:waiting(7)
        for piece in written():gmatch "[^\r]+" do
          assert.is_true(width.columns(piece) <= columns - 1, columns .. ": " .. piece)
        end
      end
    end
  end)

  it("keeps the share longest when there is little room", function()
    local function at(columns)
      local bar, clock, written = new { columns = columns }
      clock.now = 1010
      bar:update(95, 250)
      return shown(written())
    end
    assert.are.equal("Reading events [####.......]   38%  95/250  9.5/s  0:16 left", at(61))
    assert.are.equal("Reading events   38%  95/250  9.5/s  0:16 left", at(48))
    assert.are.equal("Reading even…   38%  95/250  9.5/s  0:16 left", at(46))
    assert.are.equal(" 38%  95/250  9.5/s", at(26))
    assert.are.equal(" 38%", at(10))
  end)

  it("has no command for the terminal in its title", function()
    local bar, clock, written = new { columns = 80, title = "a\27[2Jb" }
    clock.now = 1003
    bar:update(1, 2)
    assert.is_nil(written():find "\27")
  end)

  it("without a total shows a count", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1004
    bar:update(1000)
    assert.are.equal("Reading events  1000  250/s", shown(written()))
    bar, clock, written = new { columns = 80 }
    clock.now = 1004
    bar:update(0, 0)
    assert.are.equal("Reading events  0", shown(written()))
  end)

  it("is right for long times", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1100
    bar:update(1, 100)
    assert.is_truthy(written():find("2:45:00 left", 1, true))
    clock.now = 1200
    bar:update(1, 1000000)
    assert.is_truthy(written():find("over 99 hours left", 1, true))
  end)

  it("does not mind a clock that is set back", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1005
    bar:update(1, 100)
    assert.are_not.equal("", written())
    clock.now = 1002
    bar:update(2, 100)
    assert.are_not.equal("", written())
    clock.now = 500
    bar:update(3, 100)
    assert.are.equal("", written())
  end)
end)

describe("a wait for the rate limit", function()
  it("is shown at once if all of it takes over a second", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1000.2
    bar:update(5, 10)
    bar:waiting(0.3)
    assert.are.equal("", written())
    bar:waiting(9.8)
    assert.are.equal(
      "Reading events [########.........]   50%  5/10  waiting 0:10 for the rate limit",
      shown(written())
    )
  end)

  it("ends with its time", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1002
    bar.on_wait { seconds = 10 }
    written()
    clock.now = 1006
    bar:update(5, 10)
    assert.is_truthy(written():find("waiting 0:06", 1, true))
    clock.now = 1013
    bar:update(6, 10)
    assert.is_nil(written():find("waiting", 1, true))
  end)

  it("of several calls is the longest", function()
    local bar, clock, written = new { columns = 80 }
    clock.now = 1002
    bar:waiting(10)
    bar:waiting(3)
    assert.is_truthy(shown(written()):find("waiting 0:10", 1, true))
  end)
end)

describe("a bar in use", function()
  it("is the progress function of the library", function()
    local bar, clock, written = new { columns = 80 }
    local results = hoopai.map({ 1, 2, 3 }, function(item)
      clock.now = clock.now + 1
      return item
    end, { progress = bar.progress })
    assert.are.same({ 1, 2, 3, n = 3 }, results)
    assert.is_truthy(shown(written()):find("3/3", 1, true))
  end)

  it("is drawn on stderr of a terminal, by the clock of the system", function()
    local result = pseudo_terminal.lua(
      [[
      local progress = require "hoopai.command.lib.progress"
      local socket = require "socket"
      do
        local bar <close> = progress.new { title = "Counting", columns = 50 }
        bar:update(1, 3)
        socket.sleep(1.05)
        bar:update(2, 3)
      end
      print "done"
    ]],
      { columns = 50 }
    )
    assert.is_nil(result.output:find("1/3", 1, true))
    assert.is_truthy(result.output:find("\rCounting [", 1, true))
    assert.is_truthy(result.output:find("2/3", 1, true))
    assert.is_truthy(result.output:find "\r +\rdone\r\n$")
  end)
end)
