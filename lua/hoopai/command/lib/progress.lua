--- A progress bar on stderr, for what takes longer than a second on a terminal.
--
--     local bar <close> = progress.new { title = "Reading events", columns = 80 }
--     hoopai.map(calendars, read, { progress = bar.progress })
--
-- It shows how much is done, the rate, the time that is left, and a wait for the rate limit:
--
--     Reading events [#########...............]  38%  95/250  12.4/s  0:12 left
--
-- The bar is drawn at most ten times a second, fits the terminal, and is erased at the end, so that nothing of it stays
-- among the output.
-- @module hoopai.command.lib.progress

local time = require "hoopai.time"
local width = require "hoopai.command.lib.width"

local concat, floor, max, min = table.concat, math.floor, math.max, math.min
local format, rep = string.format, string.rep
local setmetatable = setmetatable

local progress = {}

local DELAY = 1 -- seconds before the bar is drawn
local PAUSE = 0.1 -- seconds between two drawings
local LONGEST_BAR, SHORTEST_BAR = 30, 5 -- columns inside the brackets
local MOST_HOURS = 99

local Bar = {}
Bar.__index = Bar

local function wall_seconds() return time.now():ms() / 1000 end

--- Makes a bar.
-- @tparam table options
-- @tparam string options.title what is done, in a few words
-- @tparam ?integer options.columns of the terminal; nil without a terminal: then nothing is drawn
-- @tparam[opt] file options.output default: stderr
-- @tparam[opt] function options.clock returns seconds; default: the wall clock
-- @treturn Bar to be closed; with `bar.progress`, a function for the option `progress` of the library, and
-- `bar.on_wait`, a function for its hook `wait`
function progress.new(options)
  local self = setmetatable({
    title = width.clean(options.title),
    columns = options.columns,
    output = options.output or io.stderr,
    clock = options.clock or wall_seconds,
    drawn = 0, -- columns of what is on the terminal
    done = 0,
    total = nil,
  }, Bar)
  self.started = self.clock()
  self.progress = function(done, total) self:update(done, total) end
  self.on_wait = function(event) self:waiting(event.seconds) end
  return self
end

-- "0:07", "12:00", "1:05:00"
local function duration(seconds)
  local whole = max(floor(seconds + 0.5), 0)
  local hours = whole // 3600
  if hours > MOST_HOURS then return format("over %d hours", MOST_HOURS) end
  if hours > 0 then return format("%d:%02d:%02d", hours, whole % 3600 // 60, whole % 60) end
  return format("%d:%02d", whole // 60, whole % 60)
end

local function rate_text(rate)
  if rate >= 100 then return format("%d/s", floor(rate + 0.5)) end
  return format("%.1f/s", rate)
end

-- The parts after the bar, the most important first.
local function facts(self, now)
  local done, total, elapsed = self.done, self.total, now - self.started
  local rate = elapsed > 0 and done / elapsed or 0
  local list = {}
  if total and total > 0 then
    list[1] = format("%3d%%", min(done * 100 // total, 100))
    list[2] = format("%d/%d", done, total)
  else
    list[1] = format("%d", done)
  end
  if self.wait_until and self.wait_until > now then
    list[#list + 1] = format("waiting %s for the rate limit", duration(self.wait_until - now))
  elseif rate > 0 then
    list[#list + 1] = rate_text(rate)
    if total and total > done then list[#list + 1] = duration((total - done) / rate) .. " left" end
  end
  return list
end

local function bar_text(self, room)
  local size = min(room - 3, LONGEST_BAR) -- a blank and two brackets
  if size < SHORTEST_BAR or not self.total or self.total <= 0 then return "" end
  local filled = min(floor(self.done * size / self.total), size)
  return format(" [%s%s]", rep("#", filled), rep(".", size - filled))
end

-- The line: title, bar and facts. What does not fit is left out, the last fact first. The last column of the terminal
-- stays free: some terminals begin a new line there.
local function line_of(self, now)
  local columns, list = max(self.columns - 1, 0), facts(self, now)
  local text = concat(list, "  ")
  while #list > 1 and width.columns(text) > columns do
    list[#list] = nil
    text = concat(list, "  ")
  end
  local room = columns - width.columns(text) - 2
  if room < SHORTEST_BAR then return width.cut(text, columns) end
  local title = width.cut(self.title, room)
  return title .. bar_text(self, room - width.columns(title)) .. "  " .. text
end

--- Erases the bar, for instance before other output. The next `update` draws it again.
function Bar:clear()
  if self.drawn == 0 then return end
  -- Blanks do it on every terminal.
  self.output:write("\r", rep(" ", self.drawn), "\r")
  self.output:flush()
  self.drawn = 0
end

local function draw(self, now)
  local line = line_of(self, now)
  local columns = width.columns(line)
  self.output:write("\r", line, rep(" ", self.drawn - columns))
  self.output:flush()
  self.drawn, self.drawn_at = max(columns, self.drawn), now
end

--- Notes how much is done, and draws the bar if a second is over and the last drawing is not too fresh.
-- @tparam number done
-- @tparam ?number total nil if it is unknown
function Bar:update(done, total)
  self.done, self.total = done, total
  if not self.columns or self.finished then return end
  local now = self.clock()
  if self.wait_until and now >= self.wait_until then self.wait_until = nil end
  if now - self.started < DELAY then return end
  if self.drawn_at and now >= self.drawn_at and now - self.drawn_at < PAUSE then return end
  draw(self, now)
end

--- Notes a wait for the rate limit, and draws the bar at once if all of it takes over a second then.
-- @tparam number seconds
function Bar:waiting(seconds)
  if not self.columns or self.finished then return end
  local now = self.clock()
  self.wait_until = max(now + seconds, self.wait_until or now)
  if self.wait_until - self.started >= DELAY then draw(self, now) end
end

--- Erases the bar for good. May be called more than once.
function Bar:finish()
  if self.finished then return end
  self:clear()
  self.finished = true
end

Bar.__close = Bar.finish

return progress
