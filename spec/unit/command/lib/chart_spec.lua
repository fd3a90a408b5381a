-- Agenda and utilisation as text charts.

local chart = require "hoopai.command.lib.chart"
local time = require "hoopai.time"
local width = require "hoopai.command.lib.width"

local ZONE = "Europe/Berlin"

local function at(text) return assert(time.parse(text .. "+01:00")) end

local ENTRIES = {
  {
    start = at "2026-11-30T09:30",
    stop = at "2026-11-30T10:30",
    title = "日本語のカレンダーの予約 とても長い題名です",
    person = "Megan 👩‍👩‍👧 Bowen",
    status = "new",
  },
  {
    start = at "2026-11-30T09:00",
    stop = at "2026-11-30T10:00",
    title = "Botox",
    person = "Adele Vance",
    status = "confirmed",
  },
  { start = at "2026-11-30T09:45", stop = at "2026-11-30T10:00", title = "x\27[31mred", status = "cancelled" },
  {
    start = at "2026-11-30T11:00",
    stop = at "2026-11-30T12:00",
    person = "Someone with a long name indeed",
    status = "noshow",
  },
  { start = at "2026-11-30T13:00", stop = at "2026-11-30T14:00", blocked = true, person = "Adele Vance" },
  { start = at "2026-11-30T22:00", stop = at "2026-12-02T02:00", title = "Night watch", status = "odd\n" },
  { start = at "2026-12-02T00:00", stop = at "2026-12-03T00:00", title = "Holiday", blocked = true },
  { start = at "2026-12-03T08:00", stop = at "2026-12-03T08:00", title = "A moment", status = "showed" },
}

local DAYS = chart.days(ENTRIES, at "2026-11-30T00:00", at "2026-12-05T00:00", ZONE)
local NOW = at "2026-11-30T10:15"

local function text_of(lines) return table.concat(lines, "\n") .. "\n" end

describe("an agenda", function()
  it(
    "of 80 columns",
    function()
      assert.are.equal(
        [[
Monday 30 November 2026, today
  09:00–10:00 ●     Botox                           Adele Vance       confirmed
  09:30–10:30 │ ○   日本語のカレンダーの予約 とて…  Megan 👩‍👩‍👧 Bowen    new
  09:45–10:00 │ │ × x\x1B[31mred                                      cancelled
── 10:15 now ───────────────────────────────────────────────────────────────────
  11:00–12:00 !     (no title)                      Someone with a …  no-show
  13:00–14:00 ▒     blocked                         Adele Vance       blocked
  22:00–…     •     Night watch                                       odd↵

Tuesday 1 December 2026
  all day     • Night watch                                           odd↵

Wednesday 2 December 2026
  …–02:00     •   Night watch                                         odd↵
  all day     │ ▒ Holiday                                             blocked

Thursday 3 December 2026
  08:00       ✓ A moment                                              showed

Friday 4 December 2026
  nothing
]],
        text_of(chart.agenda(DAYS, 80, ZONE, nil, NOW))
      )
    end
  )

  it(
    "of 40 columns has times, marks and titles",
    function()
      assert.are.equal(
        [[
Monday 30 November 2026, today
  09:00–10:00 ●     Botox
  09:30–10:30 │ ○   日本語のカレンダー…
  09:45–10:00 │ │ × x\x1B[31mred
── 10:15 now ───────────────────────────
  11:00–12:00 !     (no title)
  13:00–14:00 ▒     blocked
  22:00–…     •     Night watch
]],
        text_of(chart.agenda({ DAYS[1] }, 40, ZONE, nil, NOW))
      )
    end
  )

  it("of 200 columns has the complete texts", function()
    local text = text_of(chart.agenda({ DAYS[1] }, 200, ZONE, nil, NOW))
    assert.is_truthy(text:find("日本語のカレンダーの予約 とても長い題名です ", 1, true))
    assert.is_truthy(text:find("Someone with a long name indeed ", 1, true))
    assert.is_nil(text:find("m…", 1, true))
  end)

  it("is never wider than the terminal", function()
    for columns = 20, 130 do
      for _, line in ipairs(chart.agenda(DAYS, columns, ZONE, nil, NOW)) do
        assert.is_true(width.columns(line) <= columns, columns .. ": " .. line)
      end
      for _, line in ipairs(chart.legend(DAYS, columns)) do
        assert.is_true(width.columns(line) <= columns, columns .. ": " .. line)
      end
    end
  end)

  it("shows entries at the same time in lanes, however many there are", function()
    local entries = {}
    for index = 1, 20 do
      entries[index] = { start = at "2026-12-01T09:00", stop = at "2026-12-01T10:00", title = ("%02d"):format(index) }
    end
    local days = chart.days(entries, at "2026-12-01T00:00", at "2026-12-02T00:00", ZONE)
    local lines = chart.agenda(days, 80, ZONE)
    assert.are.equal("  09:00–10:00 • ", lines[2]:match "^.-• ")
    assert.are.equal("  09:00–10:00 │ • ", lines[3]:match "^.-• ")
    assert.are.equal("  09:00–10:00 │ │ │ │ │ • ", lines[21]:match "^.-• ")
    for _, line in ipairs(lines) do
      assert.is_true(width.columns(line) <= 80, line)
    end
  end)

  it("marks the present where it falls, and only on its day", function()
    local function line_of_now(now)
      for number, line in ipairs(chart.agenda(DAYS, 30, ZONE, nil, now)) do
        if line:find "now" then return number end
      end
    end
    assert.are.equal(2, line_of_now(at "2026-11-30T08:00"))
    assert.are.equal(8, line_of_now(at "2026-11-30T23:00"))
    assert.are.equal(11, line_of_now(at "2026-12-01T00:00"))
    assert.is_nil(line_of_now(at "2026-12-05T00:00"))
    assert.is_nil(line_of_now(nil))
  end)

  it("says on which days clocks change", function()
    local from, to = at "2026-10-24T00:00", at "2026-10-26T00:00"
    local lines = chart.agenda(chart.days({}, from, to, ZONE), 60, ZONE)
    assert.are.same({ "Saturday 24 October 2026", "  nothing", "", "Sunday 25 October 2026, clocks change" }, {
      table.unpack(lines, 1, 4),
    })
  end)

  it("has colours that repeat the marks", function()
    local function style(name, text) return "<" .. name .. ">" .. text .. "</>" end
    local lines = chart.agenda({ DAYS[5], DAYS[4] }, 80, ZONE, style)
    assert.are.same({
      "<bold>Friday 4 December 2026</>",
      "<dim>  nothing</>",
      "",
      "<bold>Thursday 3 December 2026</>",
      "  08:00       <dim>✓</> A moment                                              <dim>showed</>",
    }, lines)
  end)

  it(
    "without a terminal has each entry once, for scripts",
    function()
      assert.are.equal(
        "2026-11-30T09:00:00+01:00\t2026-11-30T10:00:00+01:00\tBotox\tAdele Vance\tconfirmed\n"
          .. "2026-11-30T09:30:00+01:00\t2026-11-30T10:30:00+01:00\t日本語のカレンダーの予約 とても長い題名です\t"
          .. "Megan 👩‍👩‍👧 Bowen\tnew\n"
          .. "2026-11-30T09:45:00+01:00\t2026-11-30T10:00:00+01:00\tx\\x1B[31mred\t\tcancelled\n"
          .. "2026-11-30T11:00:00+01:00\t2026-11-30T12:00:00+01:00\t\tSomeone with a long name indeed\tnoshow\n"
          .. "2026-11-30T13:00:00+01:00\t2026-11-30T14:00:00+01:00\t\tAdele Vance\tblocked\n"
          .. "2026-11-30T22:00:00+01:00\t2026-12-02T02:00:00+01:00\tNight watch\t\todd↵\n"
          .. "2026-12-02T00:00:00+01:00\t2026-12-03T00:00:00+01:00\tHoliday\t\tblocked\n"
          .. "2026-12-03T08:00:00+01:00\t2026-12-03T08:00:00+01:00\tA moment\t\tshowed\n",
        text_of(chart.agenda(DAYS, nil, ZONE))
      )
    end
  )

  it("has a legend of the marks that are in it", function()
    assert.are.same({ "✓ showed" }, chart.legend({ DAYS[4] }, 80))
    assert.are.same({}, chart.legend({ DAYS[5] }, 80))
    assert.are.same(
      { "! no-show  × cancelled  • odd↵", "▒ blocked  ○ new  ● confirmed", "✓ showed" },
      chart.legend(DAYS, 34)
    )
  end)
end)

describe("the days of a span", function()
  it("have the entries that touch them, in order of time", function()
    local counts = {}
    for index, day in ipairs(DAYS) do
      counts[index] = #day.entries
    end
    assert.are.same({ 6, 1, 2, 1, 0 }, counts)
    assert.are.equal("Botox", DAYS[1].entries[1].title)
    assert.are.equal("日", DAYS[1].entries[2].title:sub(1, 3))
  end)

  it("are those of the zone", function()
    local days = chart.days(ENTRIES, at "2026-11-30T00:00", at "2026-12-01T00:00", "America/Chicago")
    assert.are.equal("2026-11-29T00:00:00-06:00", tostring(days[1].start))
    assert.are.equal("  04:00–05:00 !", chart.agenda({ days[2] }, 80, "America/Chicago")[5]:match "^.-!")
  end)

  it("do not count an entry that ends at midnight for the next day", function()
    local entry = { start = at "2026-12-01T22:00", stop = at "2026-12-02T00:00", title = "late" }
    local days = chart.days({ entry }, at "2026-12-01T00:00", at "2026-12-03T00:00", ZONE)
    assert.are.same({ 1, 0 }, { #days[1].entries, #days[2].entries })
    assert.are.equal("  22:00–24:00 • late", chart.agenda(days, 40, ZONE)[2])
  end)
end)

describe("bars", function()
  local ROWS = {
    { label = "Adele Vance", booked = 720, blocked = 360, open = 2160 },
    { label = "Megan 日本語 Bowen of somewhere", booked = 2400, blocked = 30, open = 2280 },
    { label = "Nobody\27[m", booked = 0, blocked = 0, open = 0 },
    { label = "B", booked = 5, blocked = 0, open = 2400.0 },
  }

  it(
    "of 80 columns",
    function()
      assert.are.equal(
        [[
Adele Vance                 ████████▒▒▒▒·············      33%  12 + 6 of 36 h
Megan 日本語 Bowen of som…  ███████████████████████████▒  105%  40 + 0.5 of 38 h
Nobody\x1B[m                                                 –  0 + 0 of 0 h
B                           █···························    0%  0.1 + 0 of 40 h
█ booked  ▒ blocked  · free  hours: booked + blocked of open
]],
        text_of(chart.bars(ROWS, 80))
      )
    end
  )

  it(
    "of 40 columns have no hours",
    function()
      assert.are.equal(
        [[
Adele Vance    ██████▒▒·········     33%
]],
        text_of { chart.bars(ROWS, 40)[1] }
      )
    end
  )

  it("are never wider than the terminal", function()
    for columns = 20, 210 do
      for _, line in ipairs(chart.bars(ROWS, columns)) do
        assert.is_true(width.columns(line) <= columns, columns .. ": " .. line)
      end
    end
  end)

  it("show what is there, however little", function()
    local rows = { { label = "a", booked = 1, blocked = 1, open = 100000 } }
    assert.are.equal("█▒·", chart.bars(rows, 20)[1]:match("█▒·"))
    rows = { { label = "a", booked = 100000, blocked = 1, open = 100000 } }
    assert.are.equal("100%", chart.bars(rows, 20)[1]:match "%d+%%")
  end)

  it("have colours that repeat the characters", function()
    local function style(name, text) return "<" .. name .. ">" .. text .. "</>" end
    local rows = { { label = "a", booked = 30, blocked = 30, open = 120 } }
    assert.are.equal(
      "a  <green>███</><magenta>▒▒▒</><dim>······</>  25%",
      chart.bars(rows, 20, style)[1]
    )
  end)

  it(
    "without a terminal are numbers, in minutes",
    function()
      assert.are.equal(
        "Adele Vance\t720\t360\t2160\t33%\nMegan 日本語 Bowen of somewhere\t2400\t30\t2280\t105%\n"
          .. "Nobody\\x1B[m\t0\t0\t0\t\nB\t5\t0\t2400\t0%\n",
        text_of(chart.bars(ROWS))
      )
    end
  )

  it("of no rows have no lines", function()
    assert.are.same({}, chart.bars({}, 80))
    assert.are.same({}, chart.bars {})
  end)
end)

describe("the line of a zone", function()
  it("names the zone and where it comes from, and is no wider than the terminal", function()
    assert.are.equal("Times in UTC (--zone)", chart.zone_line("UTC", "--zone", 40))
    assert.are.equal("Times in U…", chart.zone_line("UTC", "--zone", 11))
    assert.are.equal(
      "<dim>Times in UTC (\\x1B)",
      chart.zone_line("UTC", "\27", 40, function(name, text) return "<" .. name .. ">" .. text end)
    )
  end)
end)
