--- Agenda and utilisation as charts of text. Colours repeat what the characters say: nothing is lost without them.
-- @module hoopai.command.lib.chart

local text_table = require "hoopai.command.lib.table"
local time = require "hoopai.time"
local width = require "hoopai.command.lib.width"

local concat, insert, sort = table.concat, table.insert, table.sort
local floor, max, min = math.floor, math.max, math.min
local format, gsub, rep = string.format, string.gsub, string.rep
local ipairs, tostring = ipairs, tostring

local chart = {}

local function plain(_, text) return text end

-- Adds lines of short texts, as many in each as fit, to a list.
local function add_flow(lines, texts, columns, style)
  local line = ""
  for _, text in ipairs(texts) do
    local longer = line == "" and text or line .. "  " .. text
    if line ~= "" and width.columns(longer) > columns then
      lines[#lines + 1], longer = style("dim", line), text
    end
    line = longer
  end
  if line ~= "" then lines[#lines + 1] = style("dim", width.cut(line, columns)) end
  return lines
end

-- Agenda --------------------------------------------------------------------------------------------------------------

--- An entry of the agenda.
-- @table entry
-- @tfield instant start
-- @tfield instant stop not before `start`
-- @tfield ?string title
-- @tfield ?string person with whom, or whose time it is
-- @tfield ?string status the API's `appointmentStatus`
-- @tfield ?boolean blocked whether it is a blocked time

--- A day of the agenda.
-- @table day
-- @tfield instant start its first moment
-- @tfield instant stop the first moment of the next day
-- @tfield table entries list of entries that touch the day, in order

-- Status -> the mark of the entry, its style, and the word beside it.
local STATUSES = {
  new = { mark = "○", style = "yellow", word = "new" },
  confirmed = { mark = "●", style = "green", word = "confirmed" },
  showed = { mark = "✓", style = "dim", word = "showed" },
  completed = { mark = "✓", style = "dim", word = "completed" },
  noshow = { mark = "!", style = "red", word = "no-show" },
  cancelled = { mark = "×", style = "dim", word = "cancelled" },
  invalid = { mark = "?", style = "red", word = "invalid" },
}
STATUSES.active = STATUSES.confirmed
local BLOCKED = { mark = "▒", style = "magenta", word = "blocked" }
local UNKNOWN = { mark = "•", word = "" }

local function status_of(entry)
  if entry.blocked then return BLOCKED end
  local known = entry.status and STATUSES[entry.status]
  return known or { mark = UNKNOWN.mark, word = text_table.cell(entry.status) }
end

local TIME_COLUMNS = 11 -- 09:00–09:45
local MOST_LANES = 6
local NARROWEST = 20 -- columns of a terminal that has room for one lane
local GAP = "  "
-- Below these widths of the terminal, the word of the status and the person are left out.
local STATUS_FROM, PERSON_FROM = 60, 44

-- Entries in order of time; of those that begin together the longer one first.
local function before(a, b)
  if a.start ~= b.start then return a.start < b.start end
  if a.stop ~= b.stop then return a.stop > b.stop end
  return tostring(a.title) < tostring(b.title)
end

--- Sorts entries into the days of a span. An entry is in each day that it touches.
-- @tparam table entries list of @{entry}
-- @tparam instant from
-- @tparam instant to not included
-- @tparam string zone whose days
-- @treturn table list of @{day}; the empty ones too
function chart.days(entries, from, to, zone)
  local sorted = { table.unpack(entries) }
  sort(sorted, before)
  local days, start = {}, from:start_of_day(zone)
  while start < to do
    local stop = (start + time.days(1)):start_of_day()
    local day = { start = start, stop = stop, entries = {} }
    for _, entry in ipairs(sorted) do
      local touches = entry.start < stop and entry.stop > start or entry.start >= start and entry.start < stop
      if touches then insert(day.entries, entry) end
    end
    days[#days + 1], start = day, stop
  end
  return days
end

-- When an entry is, on a day: "09:00–09:45", "22:00–…" if it goes on, "…–02:00" if it began before, or "all day".
local function times(entry, day, zone)
  local begins = entry.start >= day.start and entry.start:format("%R", zone) or "…"
  local ends = entry.stop < day.stop and entry.stop:format("%R", zone) or entry.stop == day.stop and "24:00" or "…"
  if entry.start <= day.start and entry.stop >= day.stop then return "all day" end
  if entry.start == entry.stop then return begins end
  return begins .. "–" .. ends
end

-- The lane of each entry: two entries at the same time have different ones. Returns entry -> lane and the number of
-- lanes.
local function lanes_of(entries)
  local lanes, ends, count = {}, {}, 0
  for _, entry in ipairs(entries) do
    local lane = 1
    while ends[lane] and ends[lane] > entry.start do
      lane = lane + 1
    end
    ends[lane], lanes[entry] = entry.stop, lane
    count = max(count, lane)
  end
  return lanes, count
end

-- The lanes in a line: the mark of the entry in its own, a stroke in those of entries that go on beside it. Lanes
-- beyond `count` are drawn in the last.
local function gutter(entry, lanes, count, running, style)
  local status, parts = status_of(entry), {}
  for lane = 1, count do
    local other = running[lane]
    if lane == min(lanes[entry], count) then
      parts[lane] = status.style and style(status.style, status.mark) or status.mark
    else
      parts[lane] = other and other.stop > entry.start and "│" or " "
    end
  end
  return concat(parts, " ")
end

-- The texts beside the lanes: title, person and status, in the room that is there.
local function details(entry, room, columns, style)
  local status = status_of(entry)
  local title = text_table.cell(entry.title)
  if title == "" then title = entry.blocked and "blocked" or "(no title)" end
  local person, word = "", ""
  if columns >= PERSON_FROM then person = text_table.cell(entry.person) end
  if columns >= STATUS_FROM then word = width.cut(status.word, 10) end
  local parts, used = {}, word ~= "" and 12 or 0
  local person_room = person ~= "" and max(floor((room - used) * 0.35), 8) or 0
  local title_room = max(room - used - (person_room > 0 and person_room + #GAP or 0), 1)
  parts[1] = width.pad(width.cut(title, title_room), title_room)
  if person_room > 0 then parts[#parts + 1] = width.pad(width.cut(person, person_room), person_room) end
  if word ~= "" then parts[#parts + 1] = status.style and style(status.style, word) or word end
  return (gsub(concat(parts, GAP), " +$", ""))
end

local function now_line(now, zone, columns, style)
  local text = format("── %s now ", now:format("%R", zone))
  return style("red", width.cut(text .. rep("─", columns - width.columns(text)), columns))
end

local function heading(day, zone, now, columns, style)
  local text = day.start:format("%A %e %B %Y", zone):gsub("  ", " ")
  if now and now >= day.start and now < day.stop then text = text .. ", today" end
  if (day.stop - day.start):hours() ~= 24 then text = text .. ", clocks change" end
  return style("bold", width.cut(text, columns))
end

local function add_day(lines, day, columns, zone, style, now)
  local lanes, count = lanes_of(day.entries)
  count = max(min(count, MOST_LANES, (columns - NARROWEST) // 2), 1)
  local room = columns - #GAP - TIME_COLUMNS - 1 - (count * 2 - 1) - 1
  local running = {}
  local now_is_due = now and now >= day.start and now < day.stop
  for _, entry in ipairs(day.entries) do
    if now_is_due and entry.start > now then
      lines[#lines + 1], now_is_due = now_line(now, zone, columns, style), false
    end
    local line = format(
      "%s%s %s %s",
      GAP,
      width.pad(times(entry, day, zone), TIME_COLUMNS),
      gutter(entry, lanes, count, running, style),
      details(entry, room, columns, style)
    )
    running[lanes[entry]] = entry
    lines[#lines + 1] = line
  end
  if #day.entries == 0 then lines[#lines + 1] = style("dim", GAP .. "nothing") end
  if now_is_due then lines[#lines + 1] = now_line(now, zone, columns, style) end
end

-- For scripts: an entry is one line on the first day that it touches, with its times as the API writes them.
local function agenda_records(days, zone)
  local lines, seen = {}, {}
  for _, day in ipairs(days) do
    for _, entry in ipairs(day.entries) do
      if not seen[entry] then
        seen[entry] = true
        local word = entry.blocked and "blocked" or text_table.cell(entry.status)
        local title, person = text_table.cell(entry.title), text_table.cell(entry.person)
        lines[#lines + 1] = concat({ entry.start:iso(zone), entry.stop:iso(zone), title, person, word }, "\t")
      end
    end
  end
  return lines
end

--- An agenda. Per day a heading, and per entry its times, mark, title, person and status:
--
--     Tuesday 1 December 2026
--       09:00–10:00 ●   Botox                    Adele Vance    confirmed
--       09:30–10:30 │ ○ Filler                   Megan Bowen    new
--       22:00–…     ●   Night watch
--
-- Entries at the same time stand in lanes: a stroke beside an entry is one that goes on meanwhile. Without a terminal
-- each entry is a line: start, end, title, person and status, separated by tabs.
-- @tparam table days list of @{day}, see @{days}
-- @tparam ?integer columns no line is wider than this, from 20 on; nil without a terminal
-- @tparam string zone of the times
-- @tparam[opt] function style see `hoopai.command.lib.terminal.style`
-- @tparam[opt] instant now marked in its day
-- @treturn table list of lines
function chart.agenda(days, columns, zone, style, now)
  if not columns then return agenda_records(days, zone) end
  style = style or plain
  local lines = {}
  for index, day in ipairs(days) do
    if index > 1 then lines[#lines + 1] = "" end
    lines[#lines + 1] = heading(day, zone, now, columns, style)
    add_day(lines, day, columns, zone, style, now)
  end
  return lines
end

--- The line that names the zone of a chart.
-- @tparam string zone
-- @tparam string source where the zone comes from, for people
-- @tparam integer columns
-- @tparam[opt] function style
-- @treturn string
function chart.zone_line(zone, source, columns, style)
  local text = width.clean(format("Times in %s (%s)", zone, source))
  return (style or plain)("dim", width.cut(text, columns))
end

--- The lines that explain the marks of an agenda.
-- @tparam table days list of @{day}
-- @tparam integer columns
-- @tparam[opt] function style
-- @treturn table list of lines; empty if there are no entries
function chart.legend(days, columns, style)
  local words, seen = {}, {}
  for _, day in ipairs(days) do
    for _, entry in ipairs(day.entries) do
      local status = status_of(entry)
      if status.word ~= "" and not seen[status.word] then
        seen[status.word] = true
        words[#words + 1] = status.mark .. " " .. status.word
      end
    end
  end
  sort(words)
  return add_flow({}, words, columns, style or plain)
end

-- Utilisation ---------------------------------------------------------------------------------------------------------

--- A row of the chart of utilisation.
-- @table bar
-- @tfield string label whose time it is
-- @tfield number booked minutes
-- @tfield number blocked minutes
-- @tfield number open minutes of the open hours, booked and blocked ones included; may be less than these two

local BOOKED, BLOCKED_BAR, FREE = "█", "▒", "·"
local SHORTEST, LONGEST = 16, 60 -- columns of a bar that has hours beside it; of any bar

local function percent(row)
  if row.open <= 0 then return "–" end
  return format("%d%%", floor(row.booked * 100 / row.open + 0.5))
end

local function hours(minutes) return (gsub(gsub(format("%.1f", minutes / 60), ",", "."), "%.0$", "")) end

local function full_length(row) return max(row.open, row.booked + row.blocked) end

-- The parts of a bar that are not empty: list of { minutes, character, style }.
local function parts_of(row)
  local parts = {}
  for _, part in ipairs {
    { row.booked, BOOKED, "green" },
    { row.blocked, BLOCKED_BAR, "magenta" },
    { full_length(row) - row.booked - row.blocked, FREE, "dim" },
  } do
    if part[1] > 0 then parts[#parts + 1] = part end
  end
  return parts
end

-- The bar of a row. The ends of its parts are rounded, but each part has a column at least.
local function bar_of(row, longest, columns, style)
  local parts, texts, at, sum = parts_of(row), {}, 0, 0
  for index, part in ipairs(parts) do
    sum = sum + part[1]
    local stop = floor(sum * columns / longest + 0.5)
    stop = max(min(stop, columns - (#parts - index)), at + 1)
    texts[index] = style(part[3], rep(part[2], stop - at))
    at = stop
  end
  return concat(texts) .. rep(" ", columns - at)
end

local function bar_records(rows)
  local lines = {}
  for index, row in ipairs(rows) do
    local numbers = { text_table.cell(row.booked), text_table.cell(row.blocked), text_table.cell(row.open) }
    lines[index] = concat({ text_table.cell(row.label), concat(numbers, "\t"), (gsub(percent(row), "–", "")) }, "\t")
  end
  return lines
end

-- The columns of labels, bars, percentages and details, of which the last are left out where there is no room.
local function layout(rows, texts, columns)
  local sizes = { label = 0, percent = 0, details = 0 }
  for index, row in ipairs(rows) do
    sizes.label = max(sizes.label, width.columns(text_table.cell(row.label)))
    sizes.percent = max(sizes.percent, width.columns(percent(row)))
    sizes.details = max(sizes.details, width.columns(texts[index]))
  end
  sizes.label = max(min(sizes.label, columns // 3), 1)
  local room = columns - sizes.label - sizes.percent - 2 * #GAP
  if room - sizes.details - #GAP < SHORTEST then sizes.details = 0 end
  sizes.bar = min(room - (sizes.details > 0 and sizes.details + #GAP or 0), LONGEST)
  return sizes
end

--- Bars of booked, blocked and open time, on one scale, with the share of the open time that is booked:
--
--     Adele  ████████▒▒▒▒············   33%  12 + 6 of 36 h
--     █ booked  ▒ blocked  · free  hours: booked + blocked of open
--
-- Without a terminal each row is a line: label, minutes booked, blocked and open, and the share, separated by tabs.
-- @tparam table rows list of @{bar}
-- @tparam ?integer columns no line is wider than this, from 20 on; nil without a terminal
-- @tparam[opt] function style see `hoopai.command.lib.terminal.style`
-- @treturn table list of lines; empty if there are no rows
function chart.bars(rows, columns, style)
  if not columns then return bar_records(rows) end
  if #rows == 0 then return {} end
  style = style or plain
  local texts, longest = {}, 1
  for index, row in ipairs(rows) do
    texts[index] = format("%s + %s of %s h", hours(row.booked), hours(row.blocked), hours(row.open))
    longest = max(longest, full_length(row))
  end
  local sizes, lines = layout(rows, texts, columns), {}
  for index, row in ipairs(rows) do
    local label = width.pad(width.cut(text_table.cell(row.label), sizes.label), sizes.label)
    local parts = { label }
    if sizes.bar >= 3 then -- a column for each part
      parts[2] = bar_of(row, longest, sizes.bar, style)
    end
    parts[#parts + 1] = width.pad(percent(row), sizes.percent, "right")
    if sizes.details > 0 then parts[#parts + 1] = texts[index] end
    lines[index] = concat(parts, GAP)
  end
  local legend = { BOOKED .. " booked", BLOCKED_BAR .. " blocked", FREE .. " free" }
  if sizes.details > 0 then legend[4] = "hours: booked + blocked of open" end
  return add_flow(lines, legend, columns, style)
end

return chart
