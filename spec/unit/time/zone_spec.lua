-- hoopai.time.zone against zdump, which reads the same files with other code, and against files made here.
--
-- A sample of zones is compared on each run; with HOOPAI_TEST_ALL set, all zones of the system are.

local gregorian = require "hoopai.time.gregorian"
local time = require "hoopai.time"
local zones = require "hoopai.time.zone"
local values = require "hoopai.time.values"
local times = require "spec.support.times"

-- Calls body while hoopai.time.zone is not loaded and some globals are replaced (false: gone).
local function fresh(globals, body) times.fresh(globals, {}, body) end

-- stylua: ignore
local SAMPLE = {
  "Africa/Abidjan", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Johannesburg", "Africa/Juba",
  "Africa/Tripoli", "America/Adak", "America/Anchorage", "America/Argentina/Buenos_Aires", "America/Argentina/San_Luis",
  "America/Asuncion", "America/Bogota", "America/Caracas", "America/Chicago", "America/Denver", "America/Goose_Bay",
  "America/Havana", "America/Indiana/Knox", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
  "America/Nuuk", "America/Phoenix", "America/Port-au-Prince", "America/Santiago", "America/Sao_Paulo",
  "America/Scoresbysund", "America/St_Johns", "America/Toronto", "Antarctica/Casey", "Antarctica/Troll", "Asia/Amman",
  "Asia/Beirut", "Asia/Dhaka", "Asia/Famagusta", "Asia/Gaza", "Asia/Hong_Kong", "Asia/Jerusalem", "Asia/Kathmandu",
  "Asia/Kolkata", "Asia/Manila", "Asia/Pyongyang", "Asia/Seoul", "Asia/Shanghai", "Asia/Tehran", "Asia/Tokyo",
  "Asia/Vladivostok", "Atlantic/Azores", "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney",
  "Europe/Brussels", "Etc/GMT+5", "Europe/Berlin", "Europe/Dublin", "Europe/Istanbul", "Europe/Lisbon",
  "Europe/London", "Europe/Moscow", "Europe/Volgograd",
  "Indian/Mauritius", "Pacific/Apia", "Pacific/Auckland", "Pacific/Bougainville",
  "Pacific/Chatham", "Pacific/Fiji", "Pacific/Honolulu", "Pacific/Kiritimati", "Pacific/Kwajalein",
  "Pacific/Norfolk", "UTC",
}

-- Known not to change their clocks in these years; every other zone must have been compared at some change.
local STEADY = {
  ["Africa/Abidjan"] = true,
  ["Asia/Kolkata"] = true,
  ["Asia/Tokyo"] = true,
  ["Etc/GMT+5"] = true,
  ["America/Phoenix"] = true,
  ["Pacific/Honolulu"] = true,
  UTC = true,
  ["Africa/Johannesburg"] = true,
}

-- Names of the database that are refused on purpose.
local REFUSED = { EST = true, HST = true, MST = true, localtime = true, posixrules = true }

local MONTHS =
  { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

-- What a command prints, as a list of lines.
local function run(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

local function from_date(year, month, day) return gregorian.days(year, month, day) * 86400 end

-- The changes zdump knows of, each as the last second before and the first after.
local function zdump(name, from_year, to_year)
  local lines = run(string.format("zdump -v -c %d,%d '%s'", from_year, to_year, name))
  local found = {}
  for _, line in ipairs(lines) do
    local month, day, hour, min, sec, year, wall, abbreviation, isdst, offset =
      line:match("^%S+%s+%a+ (%a+)%s+(%d+) (%d+):(%d+):(%d+) (%d+) UTC? = (.-) (%S+) isdst=(%d) gmtoff=(-?%d+)$")
    if month and #year <= 4 then
      found[#found + 1] = {
        t = from_date(tonumber(year), MONTHS[month], tonumber(day)) + hour * 3600 + min * 60 + sec,
        wall = wall,
        abbreviation = abbreviation,
        isdst = isdst == "1",
        offset = tonumber(offset),
      }
    else
      -- The ends of the C library's own range, which zdump prints in words of its version; nothing else may go unread.
      assert.is_truthy(
        line:find("^%S+%s+%-?%d+ = NULL$")
          or line:find("9223372036854775807", 1, true)
          or line:find("%-9223372036854775808")
          or line:find("292277026596", 1, true)
          or line:find("%-2147481748", 1)
          or line:find("2147485547", 1, true)
          or line:find("^%S+%s+%-?67768%d+ %(gmtime failed%) = %-?67768%d+ %(localtime failed%)$"),
        line
      )
    end
  end
  return found
end

-- In these the database marks the season in which clocks are set back, which is no summer time: see the cases below.
local SET_BACK = {
  ["Europe/Dublin"] = true,
  Eire = true,
  ["Africa/Casablanca"] = true,
  ["Africa/El_Aaiun"] = true,
  ["Africa/Windhoek"] = true,
  ["Europe/Prague"] = true,
  ["Europe/Bratislava"] = true,
}

-- Compares a zone with zdump at all its changes in some years; returns how many they are.
local function compare(name, from_year, to_year)
  local zone = assert(zones.load(name))
  local changes = zdump(name, from_year, to_year)
  for _, change in ipairs(changes) do
    local offset, from, to, abbreviation, isdst = zones.at(zone, change.t)
    local where = string.format("%s at %d (%s)", name, change.t, change.wall)
    assert.are.equal(change.offset, offset, where)
    assert.are.equal(change.abbreviation, abbreviation, where)
    if not SET_BACK[name] then assert.are.equal(change.isdst, isdst, where) end
    assert.is_true(from <= change.t and change.t < to, where)
    local instant = time.from_seconds(change.t, name)
    assert.are.equal(change.wall, instant:format("%a %b %e %H:%M:%S %Y"), where)
    -- Back from what the clock shows.
    local fields = instant:date()
    assert.are.equal(instant, time.at(fields), where)
    local first, last = zones.resolve(zone, change.t + change.offset)
    assert.is_true(first == change.t or last == change.t, where)
  end

  -- zdump must not know fewer changes than the zone has here.
  local last = from_date(to_year, 1, 1)
  local count, t = 0, from_date(from_year, 1, 1)
  local offset, _, to, abbreviation, isdst = zones.at(zone, t)
  while to < last do
    local new_offset, from, next_to, new_abbreviation, new_isdst = zones.at(zone, to)
    assert.are.equal(to, from)
    if new_offset ~= offset or new_abbreviation ~= abbreviation or (new_isdst ~= isdst and not SET_BACK[name]) then
      count = count + 1
    end
    offset, to, abbreviation, isdst = new_offset, next_to, new_abbreviation, new_isdst
  end
  -- zdump -c takes the first second of the last year along in some versions; pairs are what is counted.
  local pairs_found = 0
  for i = 2, #changes, 2 do
    local before, after = changes[i - 1], changes[i]
    local is_seen = not SET_BACK[name] or before.offset ~= after.offset or before.abbreviation ~= after.abbreviation
    if after.t < last and is_seen then pairs_found = pairs_found + 1 end
    assert.are.equal(before.t + 1, after.t, name)
  end
  assert.are.equal(pairs_found, count, name)
  return count
end

describe("zones of the system", function()
  it("are at least sixty in the sample", function()
    assert.is_true(#SAMPLE >= 60)
    assert.is_true(#run("zdump -v -c 2024,2025 Europe/Berlin") > 0, "zdump is missing")
  end)

  for _, name in ipairs(SAMPLE) do
    it("agree with zdump from 1970 to 2037: " .. name, function()
      local count = compare(name, 1970, 2038)
      if STEADY[name] then
        assert.are.equal(0, count)
      else
        assert.is_true(count > 0, name .. " was compared at no change")
      end
    end)
  end

  for _, name in ipairs {
    "Europe/Berlin",
    "America/Nuuk",
    "Asia/Jerusalem",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Gaza",
    "Africa/Cairo",
    "America/New_York",
    "Antarctica/Troll",
    "Europe/Dublin",
  } do
    it("follow the rule of the footer: " .. name, function() assert.is_true(compare(name, 2038, 2150) >= 222) end)
  end

  for name, least in pairs {
    ["Europe/Berlin"] = 20,
    ["America/Toronto"] = 30,
    ["Asia/Manila"] = 3,
    ["Africa/Monrovia"] = 1,
    ["America/Juneau"] = 4,
  } do
    it("know the past: " .. name, function() assert.is_true(compare(name, 1800, 1970) >= least) end)
  end

  if os.getenv("HOOPAI_TEST_ALL") then
    local names = {}
    for _, line in ipairs(run("cd /usr/share/zoneinfo && find . \\( -type f -o -type l \\) | sort")) do
      local name = line:sub(3)
      if
        not name:find("^posix/")
        and not name:find("^right/")
        and not name:find("%.")
        and name ~= "leapseconds"
        and name ~= "+VERSION"
        and name ~= "SECURITY"
      then
        names[#names + 1] = name
      end
    end

    it("are many", function() assert.is_true(#names > 400) end)

    local changes = 0
    for _, name in ipairs(names) do
      it("agree with zdump, all of them: " .. name, function()
        if REFUSED[name] then
          assert.is_nil((zones.load(name)))
        else
          changes = changes + compare(name, 1970, 2038)
        end
      end)
    end

    it("were compared at many changes", function() assert.is_true(changes > 20000, tostring(changes)) end)
  end
end)

-- `isdst` on the 15th of a month, at noon.
local function is_summer_time(name, year, month)
  return time.at({ year = year, month = month, day = 15, hour = 12, zone = name }):date().isdst
end

describe("summer time", function()
  -- Zone, and lists of { year, month, isdst }.
  local cases = {
    -- Both hemispheres, where the database marks the summer.
    { "Europe/Berlin", { 2026, 1, false }, { 2026, 7, true }, { 2060, 1, false }, { 2060, 7, true } },
    { "America/New_York", { 2026, 1, false }, { 2026, 7, true }, { 1975, 2, false }, { 1975, 3, true } },
    { "Australia/Sydney", { 2026, 1, true }, { 2026, 7, false }, { 2060, 1, true }, { 2060, 7, false } },
    { "America/Santiago", { 2026, 1, true }, { 2026, 7, false } },
    { "Pacific/Auckland", { 2026, 1, true }, { 2026, 7, false } },
    { "Australia/Lord_Howe", { 2026, 1, true }, { 2026, 7, false } }, -- half an hour
    { "Asia/Kolkata", { 2026, 1, false }, { 2026, 7, false } },
    -- It marks the winter: Irish standard time is that of the summer, since 1971.
    {
      "Europe/Dublin",
      { 2026, 1, false },
      { 2026, 7, true },
      { 1980, 1, false },
      { 1980, 7, true },
      { 2037, 3, false }, -- the last year of most files, and the rule behind it
      { 2037, 7, true },
      { 2038, 1, false },
      { 2060, 1, false },
      { 2060, 7, true },
      { 1967, 1, false },
      { 1967, 7, true },
      { 1969, 1, false }, -- standard time for three years
      { 1969, 7, false },
    },
    -- It marks Ramadan, in which clocks are set back. Summer time has lasted the rest of the year since 2018.
    {
      "Africa/Casablanca",
      { 2025, 1, true }, -- tzdata 2026f ends the winter time of Ramadan in 2026
      { 2025, 3, false }, -- Ramadan
      { 2025, 7, true },
      { 2019, 1, true },
      { 2019, 5, false }, -- Ramadan
      { 2017, 1, false },
      { 2017, 6, false }, -- Ramadan
      { 2017, 8, true },
    },
    { "Africa/El_Aaiun", { 2025, 1, true }, { 2025, 3, false }, { 2025, 7, true }, { 2017, 1, false } },
    -- It marks the winters from 1994 to 2017.
    {
      "Africa/Windhoek",
      { 1993, 1, false },
      { 1993, 7, false },
      { 1995, 1, true },
      { 1994, 7, false },
      { 2010, 1, true },
      { 2010, 7, false },
      { 2017, 1, true },
      { 2017, 7, false },
      { 2018, 1, false },
      { 2018, 7, false },
    },
    -- It marks one winter, between standard times: only the summers are summer time.
    {
      "Europe/Prague",
      { 1946, 7, true },
      { 1946, 11, false },
      { 1947, 1, false },
      { 1947, 3, false },
      { 1947, 7, true },
      { 2026, 1, false },
      { 2026, 7, true },
    },
  }
  for _, case in ipairs(cases) do
    it("is that of the season: " .. case[1], function()
      for index = 2, #case do
        local year, month, isdst = table.unpack(case[index])
        assert.are.equal(isdst, is_summer_time(case[1], year, month), ("%d-%02d"):format(year, month))
      end
    end)
  end
end)

describe("zone names", function()
  local NOT_A_NAME = '%s is not the name of a time zone: write one such as "Europe/Berlin", "UTC" or "+05:30"'
  local cases = {
    { "", NOT_A_NAME:format('""') },
    { "/etc/passwd", NOT_A_NAME:format('"/etc/passwd"') },
    { "../zoneinfo/UTC", NOT_A_NAME:format('"../zoneinfo/UTC"') },
    { "Europe/../UTC", NOT_A_NAME:format('"Europe/../UTC"') },
    { "Europe/./Berlin", NOT_A_NAME:format('"Europe/./Berlin"') },
    { "Europe//Berlin", NOT_A_NAME:format('"Europe//Berlin"') },
    { "Europe/", NOT_A_NAME:format('"Europe/"') },
    { ".", NOT_A_NAME:format('"."') },
    { "Europe\\Berlin", NOT_A_NAME:format('"Europe\\Berlin"') },
    { "Europe/Berlin\0", NOT_A_NAME:format('"Europe/Berlin\\x00"') },
    { "UTC\0/../../etc/passwd", NOT_A_NAME:format('"UTC\\x00/../../etc/passwd"') },
    { "Europe/Berlin\n", NOT_A_NAME:format('"Europe/Berlin\\x0A"') },
    { "Europe/K\xC3\xB6ln", NOT_A_NAME:format('"Europe/K\\xC3\\xB6ln"') },
    { ("x"):rep(1024), NOT_A_NAME:format('"' .. ("x"):rep(45) .. '..."') },
    { "localtime", NOT_A_NAME:format('"localtime"') },
    { "zone.tab", NOT_A_NAME:format('"zone.tab"') },
    { "+5", 'offset "+5" must be written with two-digit hours and minutes, such as "+05:00"' },
    { "+0530", 'offset "+0530" must be written with two-digit hours and minutes, such as "+05:00"' },
    { "-05", 'offset "-05" must be written with two-digit hours and minutes, such as "+05:00"' },
    { "+24:00", 'offset "+24:00" is out of range: -23:59 to +23:59' },
    { "-05:60", 'offset "-05:60" is out of range: -23:59 to +23:59' },
    {
      "EST",
      'zone "EST" is an abbreviation and says too little: write the zone\'s name, such as '
        .. '"America/New_York", or an offset such as "+02:00"',
    },
    {
      "pst",
      'zone "pst" is an abbreviation and says too little: write the zone\'s name, such as '
        .. '"America/Los_Angeles", or an offset such as "+02:00"',
    },
    { "Nowhere/Town", 'unknown time zone "Nowhere/Town": write an IANA name such as "Europe/Berlin"' },
    { "Europe", 'unknown time zone "Europe": write an IANA name such as "Europe/Berlin"' },
    { "europe/berlin", 'unknown time zone "europe/berlin": did you mean "Europe/Berlin"?' },
    { "EUROPE/BERLIN", 'unknown time zone "EUROPE/BERLIN": did you mean "Europe/Berlin"?' },
    { "America/new york", 'unknown time zone "America/new york": did you mean "America/New_York"?' },
    { "europe/isle_of_man", 'unknown time zone "europe/isle_of_man": did you mean "Europe/Isle_of_Man"?' },
    { "america/port-au-prince", 'unknown time zone "america/port-au-prince": did you mean "America/Port-au-Prince"?' },
    { "utc", 'unknown time zone "utc": did you mean "UTC"?' },
    { 5, 'a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got number)' },
    { {}, 'a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got table)' },
    { false, 'a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got boolean)' },
    { 0 / 0, 'a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got number)' },
  }
  for _, case in ipairs(cases) do
    it("are refused: " .. values.quote(tostring(case[1])), function()
      local zone, problem = zones.load(case[1])
      assert.is_nil(zone)
      assert.are.equal(case[2], problem)
    end)
  end

  it("are refused when absent", function()
    local zone, problem = zones.load(nil)
    assert.is_nil(zone)
    assert.are.equal('a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got nil)', problem)
  end)

  it("are never looked for outside the directories", function()
    local opened = {}
    fresh({ io = { open = function(path) opened[#opened + 1] = path end } }, function()
      local other = require "hoopai.time.zone"
      for _, case in ipairs(cases) do
        assert.is_nil((other.load(case[1])))
      end
    end)
    assert.is_true(#opened > 0)
    for _, path in ipairs(opened) do
      assert.is_truthy(
        path:find("^/usr/[a-z/]*zoneinfo/[A-Za-z0-9_+/-]+$") or path:find("^/etc/zoneinfo/[A-Za-z0-9_+/-]+$"),
        path
      )
    end
  end)

  it("UTC, Z and offsets need no files", function()
    fresh({ io = false, os = false }, function()
      local other = require "hoopai.time.zone"
      for name, expected in pairs {
        UTC = 0,
        Z = 0,
        ["Etc/UTC"] = 0,
        ["+00:00"] = 0,
        ["-00:00"] = 0,
        ["+05:30"] = 19800,
        ["-12:00"] = -43200,
        ["+23:59"] = 86340,
      } do
        local zone = assert(other.load(name))
        local offset, from, to = other.at(zone, 1730127600)
        assert.are.same({ expected, math.mininteger, math.maxinteger }, { offset, from, to })
      end
      assert.are.equal("UTC", other.load("Z").name)
      assert.are.equal("+00:00", other.load("-00:00").name)
      local zone, problem = other.load("Europe/Berlin")
      assert.is_nil(zone)
      assert.are.equal(
        'zone "Europe/Berlin" needs the time zone files of the system, and this Lua has no io library: '
          .. 'use "UTC" or an offset such as "+02:00"',
        problem
      )
      assert.is_nil((other.load("europe/berlin")))
      assert.is_nil((other.load("America/New York")))
    end)
  end)

  it("say so when the system has no zones", function()
    fresh({ io = { open = function() end }, os = { getenv = function() return "/opt/zones" end } }, function()
      local zone, problem = require("hoopai.time.zone").load("Europe/Berlin")
      assert.is_nil(zone)
      assert.are.equal(
        'unknown time zone "Europe/Berlin": no time zone database was found in /opt/zones, '
          .. "/usr/share/zoneinfo, /usr/lib/zoneinfo, /usr/share/lib/zoneinfo, /etc/zoneinfo; install tzdata, "
          .. 'or use an offset such as "+02:00"',
        problem
      )
    end)
  end)
end)

describe("TZif files", function()
  -- Builds a file. types: { offset, isdst, abbreviation } each; changes: { t, type number } each.
  local function block(width, types, changes, leaps)
    local chars, indexes = "", {}
    for i, kind in ipairs(types) do
      indexes[i] = #chars
      chars = chars .. kind[3] .. "\0"
    end
    local out = {}
    for _, change in ipairs(changes) do
      out[#out + 1] = string.pack(width == 8 and ">i8" or ">i4", change[1])
    end
    for _, change in ipairs(changes) do
      out[#out + 1] = string.char(change[2])
    end
    for i, kind in ipairs(types) do
      out[#out + 1] = string.pack(">i4I1I1", kind[1], kind[2], kind[4] or indexes[i])
    end
    out[#out + 1] = chars
    out[#out + 1] = ("\0"):rep(leaps * (width + 4))
    return string.pack(">I4I4I4I4I4I4", 0, 0, leaps, #changes, #types, #chars), table.concat(out)
  end

  local function file(options)
    local types, changes, leaps = options.types or { { 3600, 0, "AAA" } }, options.changes or {}, options.leaps or 0
    local version = options.version or "2"
    local head32, body32 = block(
      4,
      version == "\0" and types or { { 0, 0, "-00" } },
      version == "\0" and changes or {},
      version == "\0" and leaps or 0
    )
    local out = "TZif" .. version .. ("\0"):rep(15) .. head32 .. body32
    if version ~= "\0" then
      local head64, body64 = block(8, types, changes, leaps)
      out = out .. "TZif" .. version .. ("\0"):rep(15) .. head64 .. body64 .. "\n" .. (options.footer or "") .. "\n"
    end
    return out
  end

  -- Loads "Test/Zone" with these contents.
  local function load(data)
    local zone, problem
    local module
    fresh({
      os = { getenv = function(name) return name == "TZDIR" and "/zones" or nil end },
      io = {
        open = function(path)
          if path == "/zones/Test/Zone" or path == "/zones/UTC" then
            return { read = function() return data end, close = function() end }
          end
        end,
      },
    }, function()
      module = require "hoopai.time.zone"
      zone, problem = module.load("Test/Zone")
    end)
    return zone, problem
  end

  local function offset_at(zone, t) return (zones.at(zone, t)) end

  it("are read from TZDIR first", function()
    local zone = assert(load(file { types = { { 5400, 0, "XYZ" } } }))
    assert.are.equal("Test/Zone", zone.name)
    assert.are.same({ 5400, math.mininteger, math.maxinteger, "XYZ", false }, { zones.at(zone, 0) })
  end)

  it("of the first version are read too", function()
    local zone = assert(
      load(file { version = "\0", types = { { 0, 0, "A" }, { 3600, 1, "B" } }, changes = { { -100, 1 }, { 100, 0 } } })
    )
    assert.are.equal(0, offset_at(zone, -101))
    assert.are.equal(3600, offset_at(zone, -100))
    assert.are.equal(3600, offset_at(zone, 99))
    assert.are.equal(0, offset_at(zone, 100))
    assert.are.equal(0, offset_at(zone, 1 << 40))
  end)

  it(
    "of later versions are read",
    function() assert.are.equal(3600, offset_at(assert(load(file { version = "4" })), 0)) end
  )

  it("with one change and no footer keep the last kind", function()
    local zone = assert(load(file { types = { { 0, 0, "A" }, { 7200, 0, "B" } }, changes = { { 0, 1 } } }))
    assert.are.same({ 0, math.mininteger, 0, "A", false }, { zones.at(zone, -1) })
    assert.are.same({ 7200, 0, math.maxinteger, "B", false }, { zones.at(zone, 0) })
  end)

  -- Each rule with instants and the offset, in minutes, expected there.
  local RULES = {
    { "XXX3", { 0, -180 } },
    { "<+0530>-5:30", { 0, 330 } },
    { "<-00>-0:20:30", { 0, 20.5 } },
    -- Changes at the usual 02:00.
    { "EST5EDT,M3.2.0,M11.1.0", { 1710053999, -300, 1710054000, -240, 1730613599, -240, 1730613600, -300 } },
    -- On the southern half, summer time begins late in the year.
    {
      "AEST-10AEDT,M10.1.0,M4.1.0/3",
      { 1704067200, 660, 1712419199, 660, 1712419200, 600, 1728143999, 600, 1728144000, 660 },
    },
    -- Hours before midnight of the day, and after it.
    { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", { 1711846799, -120, 1711846800, -60 } },
    { "IST-2IDT,M3.4.4/26,M10.5.0", { 1711670399, 120, 1711670400, 180 } },
    -- The limits of RFC 8536, a week off: 2023-12-31 + 167 h and 2024-01-02 - 167 h are in the neighbouring years.
    { "AAA0BBB,J365/167,J200", { 1704581999, 0, 1704582000, 60 } },
    { "AAA0BBB,J200,J2/-167", { 1703548799, 60, 1703548800, 0 } },
    -- Summer time all year, as the RFC says to write it.
    {
      "EST5EDT,0/0,J365/25",
      { 1704067200, -240, 1704085199, -240, 1704085200, -240, 1720000000, -240, 1735700000, -240 },
    },
    { "XXX3EDT4,0/0,J365/23", { 1704067200, -240, 1704081600, -240, 1720000000, -240 } },
    -- Day 60 of "J" days is March 1 in each year; day 59 counted from 0 is February 29 in a leap year.
    { "AAA0BBB,J60/0,J300/0", { 1709251199, 0, 1709251200, 60, 1677628799, 0, 1677628800, 60 } },
    { "AAA0BBB,59/0,300/0", { 1709164799, 0, 1709164800, 60, 1677628799, 0, 1677628800, 60 } },
    -- Clocks that go back in summer, as in Ireland.
    { "IST-1GMT0,M10.5.0,M3.5.0/1", { 1711846799, 0, 1711846800, 60, 1729990799, 60, 1729990800, 0 } },
    -- From the first Sunday in December to the last Saturday of February.
    { "AAA0BBB,M12.1.0,M2.5.6", { 1733018399, 0, 1733018400, 60, 1708736399, 60, 1708736400, 0 } },
    -- An odd amount of summer time.
    { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", { 1712415599, 660, 1712415600, 630 } },
  }
  for _, case in ipairs(RULES) do
    it("follow the rule " .. case[1], function()
      local zone = assert(load(file { version = "3", types = { { 60, 0, "LMT" } }, footer = case[1] }))
      for i = 1, #case[2], 2 do
        assert.are.equal(case[2][i + 1] * 60, offset_at(zone, case[2][i]), "at " .. case[2][i])
      end
    end)
  end

  it("use the rule only after the last change", function()
    local zone = assert(load(file {
      footer = "EST5EDT,M3.2.0,M11.1.0",
      types = { { -18000, 0, "EST" }, { -14400, 1, "EDT" } },
      changes = { { 1710054000, 1 } },
    }))
    assert.are.same({ -18000, math.mininteger, 1710054000, "EST", false }, { zones.at(zone, 1689000000) })
    assert.are.same({ -14400, 1710054000, 1730613600, "EDT", true }, { zones.at(zone, 1720000000) })
  end)

  for name, data in pairs {
    ["nothing"] = "",
    ["text"] = "# Berlin\n",
    ["zeros"] = ("\0"):rep(200),
    ["a header alone"] = "TZif2" .. ("\0"):rep(39),
  } do
    it("are refused when they are " .. name, function()
      local zone, problem = load(data)
      assert.is_nil(zone)
      assert.is_truthy(problem:find('^zone "Test/Zone": the file /zones/Test/Zone is '), problem)
    end)
  end

  for name, options in pairs {
    ["no kinds of time"] = { types = {} },
    ["an offset of more than a day"] = { types = { { 26 * 3600, 0, "A" } } },
    ["an abbreviation outside"] = { types = { { 0, 0, "A", 77 } } },
    ["a change to a kind that is not there"] = { changes = { { 5, 9 } } },
    ["changes out of order"] = { changes = { { 5, 0 }, { 5, 0 } } },
    ["a footer that is no rule"] = { footer = "nonsense!" },
    ["a footer without days"] = { footer = "EST5EDT" },
    ["a footer with half the days"] = { footer = "EST5EDT,M3.2.0" },
    ["a footer with month 13"] = { footer = "EST5EDT,M13.2.0,M11.1.0" },
    ["a footer with day J0"] = { footer = "EST5EDT,J0,M11.1.0" },
    ["a footer with 168 hours"] = { footer = "EST5EDT,M3.2.0/168,M11.1.0" },
    ["a footer with more behind it"] = { footer = "EST5EDT,M3.2.0,M11.1.0 " },
    ["a footer with 60 minutes"] = { footer = "EST5:60EDT,M3.2.0,M11.1.0" },
    ["a footer with an offset of 25 hours"] = { footer = "EST25" },
    ["a footer with summer time of 25 hours"] = { footer = "EST5EDT25,M3.2.0,M11.1.0" },
    ["a footer with day 7 of the week"] = { footer = "EST5EDT,M3.2.7,M11.1.0" },
    ["a footer with week 0"] = { footer = "EST5EDT,M3.0.0,M11.1.0" },
    ["a footer with week 6"] = { footer = "EST5EDT,M3.6.0,M11.1.0" },
    ["a footer with month 0"] = { footer = "EST5EDT,M0.2.0,M11.1.0" },
    ["a footer with day 366"] = { footer = "EST5EDT,366,M11.1.0" },
    ["a footer that ends in a letter"] = { footer = "EST5E" },
    ["a footer that ends in a comma"] = { footer = "EST5," },
    ["a footer without an offset"] = { footer = "EST" },
  } do
    it("are refused when they have " .. name, function()
      local zone, problem = load(file(options))
      assert.is_nil(zone)
      assert.is_truthy(problem:find('^zone "Test/Zone": the file /zones/Test/Zone is damaged: '), problem)
    end)
  end

  it("that count leap seconds are refused", function()
    local zone, problem = load(file { leaps = 2 })
    assert.is_nil(zone)
    assert.are.equal(
      'zone "Test/Zone": the file /zones/Test/Zone counts leap seconds, which is not supported: '
        .. 'use the zone of the same name without "right/"',
      problem
    )
  end)

  it("that were cut short, at any byte, are refused", function()
    local whole = file {
      footer = "EST5EDT,M3.2.0,M11.1.0",
      types = { { -18000, 0, "EST" }, { -14400, 1, "EDT" } },
      changes = { { 5, 1 }, { 7, 0 } },
    }
    assert.is_truthy(load(whole))
    for length = 0, #whole - 1 do
      assert.is_nil((load(whole:sub(1, length))), "length " .. length)
    end
  end)

  it("that were damaged give a zone or a problem, never a Lua error", function()
    local whole = file {
      footer = "EST5EDT,M3.2.0,M11.1.0",
      types = { { -18000, 0, "EST" }, { -14400, 1, "EDT" } },
      changes = { { 5, 1 }, { 7, 0 }, { 1710054000, 1 } },
    }
    local refused = 0
    for position = 1, #whole do
      for _, byte in ipairs { 0, 1, 0x30, 0x7F, 0x80, 0xFF } do
        local zone, problem = load(whole:sub(1, position - 1) .. string.char(byte) .. whole:sub(position + 1))
        if zone then
          for t = -2, 8 do
            assert.are.equal("integer", math.type(offset_at(zone, t * 500000000)))
            zones.resolve(zone, t * 500000000)
          end
        else
          assert.are.equal("string", type(problem))
          refused = refused + 1
        end
      end
    end
    assert.is_true(refused > 100)
  end)

  it("are read once", function()
    local reads = 0
    fresh({
      os = {},
      io = {
        open = function(path)
          if path == "/usr/share/zoneinfo/Test/Zone" then
            reads = reads + 1
            return { read = function() return file {} end, close = function() end }
          end
        end,
      },
    }, function()
      local module = require "hoopai.time.zone"
      assert.are.equal(module.load("Test/Zone"), module.load("Test/Zone"))
    end)
    assert.are.equal(1, reads)
  end)

  it("are closed again", function()
    local open = 0
    fresh({
      os = {},
      io = {
        open = function()
          open = open + 1
          return {
            read = function() return open % 2 == 0 and "junk" or nil end,
            close = function() open = open - 1 end,
          }
        end,
      },
    }, function() assert.is_nil((require("hoopai.time.zone").load("Test/Zone"))) end)
    assert.are.equal(0, open)
  end)
end)
