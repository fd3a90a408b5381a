--- Time zones: the system's TZif files (RFC 8536) and fixed offsets.
--
-- Internal: for users a zone is a name, which `hoopai.time` takes and returns.
--
-- Zones are read from the zone files of the system and never through the C library, which has one zone per process:
-- another one would have to be set in the environment of the whole process.
--
-- All times in this file are integers: seconds since 1970-01-01T00:00:00Z, and offsets in seconds east of UTC.
local gregorian = require "hoopai.time.gregorian"
local values = require "hoopai.time.values"

local ipairs, next, tonumber, type, unpack_list = ipairs, next, tonumber, type, table.unpack
local byte, find, format, gsub, lower, match, sub, unpack, upper =
  string.byte,
  string.find,
  string.format,
  string.gsub,
  string.lower,
  string.match,
  string.sub,
  string.unpack,
  string.upper
local abs, concat, maxinteger, mininteger = math.abs, table.concat, math.maxinteger, math.mininteger
-- A host that embeds Lua may leave these libraries out.
local open = io and io.open
local getenv = os and os.getenv

local days_of, date_of, is_leap, month_days = gregorian.days, gregorian.date, gregorian.is_leap, gregorian.month_days
local quote = values.quote

local DAY = 86400
-- RFC 8536 (3.2) keeps offsets within -25:59:59 to +25:59:59: a local time differs from UTC by less than this.
local MAX_OFFSET = 26 * 3600

local DIRECTORIES = { "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo" }
local MAX_FILE = 1024 * 1024

local zones = {}

-- Names ---------------------------------------------------------------------------------------------------------------

-- Abbreviations are refused even if the database has a file of that name: its "EST" is -05:00 all year, which in New
-- York is wrong for half of the year.
local ABBREVIATIONS = {
  EST = "America/New_York",
  EDT = "America/New_York",
  ET = "America/New_York",
  CST = "America/Chicago",
  CDT = "America/Chicago",
  CT = "America/Chicago",
  MST = "America/Denver",
  MDT = "America/Denver",
  MT = "America/Denver",
  PST = "America/Los_Angeles",
  PDT = "America/Los_Angeles",
  PT = "America/Los_Angeles",
  AKST = "America/Anchorage",
  AKDT = "America/Anchorage",
  HST = "Pacific/Honolulu",
  CEST = "Europe/Berlin",
  EEST = "Europe/Athens",
  WEST = "Europe/Lisbon",
  BST = "Europe/London",
  IST = "Asia/Kolkata",
  JST = "Asia/Tokyo",
  AEST = "Australia/Sydney",
  AEDT = "Australia/Sydney",
}

-- Files beside the zones that describe the zone of the host under a name of this host alone.
local HOST_FILES = { localtime = true, posixrules = true }

--- Checks the spelling of a zone name; whether the zone exists is not checked.
-- A name that passes cannot leave the directory of zone files: it consists of letters, digits, `_`, `+` and `-`, in
-- parts divided by `/`.
-- @tparam string name such as `Europe/Berlin`, `UTC` or `+05:30`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function zones.check_name(name)
  if type(name) ~= "string" then
    return nil, format('a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got %s)', type(name))
  end
  if find(name, "^[+-]%d%d:%d%d$") then
    if tonumber(sub(name, 2, 3)) > 23 or tonumber(sub(name, 5, 6)) > 59 then
      return nil, format("offset %s is out of range: -23:59 to +23:59", quote(name))
    end
    return true
  end
  if find(name, "^[+-]%d") then
    return nil, format('offset %s must be written with two-digit hours and minutes, such as "+05:00"', quote(name))
  end
  local long = ABBREVIATIONS[upper(name)]
  if long then
    return nil,
      format(
        'zone %s is an abbreviation and says too little: write the zone\'s name, such as "%s", '
          .. 'or an offset such as "+02:00"',
        quote(name),
        long
      )
  end
  if
    #name > 64
    or not find(name, "^[A-Za-z][A-Za-z0-9_+/-]*$")
    or find(name, "//", 1, true)
    or sub(name, -1) == "/"
    or HOST_FILES[name]
  then
    return nil, quote(name) .. ' is not the name of a time zone: write one such as "Europe/Berlin", "UTC" or "+05:30"'
  end
  return true
end

-- TZif ----------------------------------------------------------------------------------------------------------------

-- Reads "<+0530>" or "CET" in a TZ string. Returns the name and the position after it.
local function rule_name(text, position)
  local name = match(text, "^<([A-Za-z0-9+-]+)>", position)
  if name then return name, position + #name + 2 end
  name = match(text, "^[A-Za-z]+", position)
  if name then return name, position + #name end
end

-- Reads "[+-]h[hh][:mm[:ss]]". Returns seconds and the position after it.
local function rule_time(text, position, max_hours)
  local sign, hours, rest = match(text, "^([+-]?)(%d%d?%d?)()", position)
  if not sign then return nil end
  local seconds, h = 0, tonumber(hours)
  if h > max_hours then return nil end
  position = rest
  local minutes, after = match(text, "^:(%d%d)()", position)
  if minutes then
    local m, s = tonumber(minutes), 0
    position = after
    local more, last = match(text, "^:(%d%d)()", position)
    if more then
      s, position = tonumber(more), last
    end
    if m > 59 or s > 59 then return nil end
    seconds = m * 60 + s
  end
  seconds = seconds + h * 3600
  return sign == "-" and -seconds or seconds, position
end

-- Reads ",date[/time]". Returns the rule of a day and the position after it.
local function rule_day(text, position)
  local rule
  local month, week, day, after = match(text, "^,M(%d%d?)%.(%d)%.(%d)()", position)
  if month then
    rule = { form = "M", month = tonumber(month), week = tonumber(week), day = tonumber(day) }
    if rule.month < 1 or rule.month > 12 or rule.week < 1 or rule.week > 5 or rule.day > 6 then return nil end
  else
    local form, number
    form, number, after = match(text, "^,(J?)(%d%d?%d?)()", position)
    if not form then return nil end
    rule = { form = form == "J" and "J" or "n", day = tonumber(number) }
    if rule.day > 365 or (form == "J" and rule.day < 1) then return nil end
  end
  rule.time, position = 2 * 3600, after
  if sub(text, position, position) == "/" then
    rule.time, position = rule_time(text, position + 1, 167)
    if not rule.time then return nil end
  end
  return rule, position
end

-- Reads the TZ string in the footer of a file (POSIX, with the extensions of RFC 8536 3.3.1). Returns the rule, false
-- for an empty footer, or nil for a malformed one.
local function parse_rule(text)
  if text == "" then return false end
  local name, position = rule_name(text, 1)
  if not name then return nil end
  local west
  west, position = rule_time(text, position, 24)
  if not west then return nil end
  -- POSIX counts offsets westwards.
  local rule = { standard = { offset = -west, isdst = false, abbreviation = name } }
  if position > #text then return rule end
  name, position = rule_name(text, position)
  if not name then return nil end
  local offset = rule.standard.offset + 3600
  if sub(text, position, position) ~= "," then
    west, position = rule_time(text, position, 24)
    if not west then return nil end
    offset = -west
  end
  -- Dublin's rule is "IST-1GMT0,...": see "Summer time".
  local is_winter = offset < rule.standard.offset
  rule.daylight = { offset = offset, isdst = not is_winter, abbreviation = name }
  rule.standard.isdst = is_winter
  rule.first, position = rule_day(text, position)
  if not rule.first then return nil end
  rule.last, position = rule_day(text, position)
  if not rule.last or position <= #text then return nil end
  return rule
end

-- The moment of a day rule in a year: seconds as if the local clock were UTC.
local function rule_moment(rule, year)
  local day
  if rule.form == "M" then
    local first = days_of(year, rule.month, 1)
    -- 1970-01-01 was a Thursday, day 4 of the weeks POSIX counts from Sunday.
    day = 1 + (rule.day - (first + 4)) % 7 + 7 * (rule.week - 1)
    if day > month_days(year, rule.month) then day = day - 7 end
    day = first + day - 1
  else
    day = days_of(year, 1, 1) + rule.day
    if rule.form == "J" and not (is_leap(year) and rule.day >= 60) then day = day - 1 end
  end
  return day * DAY + rule.time
end

-- The instants in a year at which summer time begins and ends.
local function rule_year(rule, year)
  return rule_moment(rule.first, year) - rule.standard.offset, rule_moment(rule.last, year) - rule.daylight.offset
end

-- The kind of time a rule gives at t, and the interval [from, to) around t in which it holds.
local function rule_at(rule, t)
  if not rule.daylight then return rule.standard, mininteger, maxinteger end
  local year = date_of(t // DAY)
  local kind, from, to = rule.standard, mininteger, maxinteger
  -- Rules may put a change up to a week into a neighbouring year. If one summer time ends at the moment at which the
  -- next begins ("permanent daylight time"), the daylight kind wins.
  for y = year - 2, year + 1 do
    local first, last = rule_year(rule, y)
    if first > t then
      if first < to then to = first end
    elseif first >= from then
      kind, from = rule.daylight, first
    end
    if last > t then
      if last < to then to = last end
    elseif last > from then
      kind, from = rule.standard, last
    end
  end
  return kind, from, to
end

-- Summer time ---------------------------------------------------------------------------------------------------------

-- The database marks what departs from a zone's standard time. Where that is the winter (Dublin, Namibia from 1994 to
-- 2017, Prague in 1946) or Ramadan (Casablanca, El Aaiun), its mark is on the wrong season: there the clocks are set
-- back, and the standard time is the summer time. The database's own "rearguard" form says so too.

local YEAR = 366 * DAY

-- The nearest kind that is not marked, before or after an interval.
local function unmarked(kinds, i, step)
  repeat
    i = i + step
  until not kinds[i] or not kinds[i].isdst
  return kinds[i]
end

-- Whether the clocks are set back in an interval that is marked: both standard times around it are ahead of it.
-- After the last interval the rule holds, if there is one.
local function is_set_back(kinds, i, rule)
  local kind = kinds[i]
  if not kind.isdst then return false end
  local before, after = unmarked(kinds, i, -1), unmarked(kinds, i, 1) or rule and rule.standard
  return before and after and before.offset > kind.offset and after.offset > kind.offset
end

local function marked(kind, isdst) return { offset = kind.offset, isdst = isdst, abbreviation = kind.abbreviation } end

-- The intervals as they are to be read: those in which clocks are set back are no summer time. The standard time of
-- less than a year between two of them is; so is that which follows on a summer time with the same offset (Casablanca
-- 2018). Standard time for years, such as Dublin's from 1968 to 1971, is none.
local function with_summer_time(times, kinds, rule)
  local set_back = {}
  for i = 1, #kinds do
    set_back[i] = is_set_back(kinds, i, rule) or nil
  end
  if not next(set_back) then return kinds end
  local function bounds_summer(i, offset)
    return set_back[i] or kinds[i] ~= nil and kinds[i].isdst and kinds[i].offset == offset
  end
  local read = {}
  for i, kind in ipairs(kinds) do
    read[i] = kind
    if set_back[i] then
      read[i] = marked(kind, false)
    elseif not kind.isdst and (set_back[i - 1] or set_back[i + 1]) then
      local lasts = (times[i + 1] or maxinteger) - times[i]
      if lasts < YEAR and bounds_summer(i - 1, kind.offset) and bounds_summer(i + 1, kind.offset) then
        read[i] = marked(kind, true)
      end
    end
  end
  return read
end

local function header(data, position)
  if #data < position + 43 or sub(data, position, position + 3) ~= "TZif" then return nil end
  local version = byte(data, position + 4)
  local isut, isstd, leap, times, types, chars = unpack(">I4I4I4I4I4I4", data, position + 20)
  return { version = version, isut = isut, isstd = isstd, leap = leap, times = times, types = types, chars = chars }
end

local function block_size(h, width)
  return h.times * (width + 1) + h.types * 6 + h.chars + h.leap * (width + 4) + h.isstd + h.isut
end

-- Parses the contents of a TZif file. Returns a zone, or nil and the problem.
local function parse_tzif(data)
  local head = header(data, 1)
  if not head then return nil, "is not a TZif file" end
  local start, width = 45, 4
  if head.version >= 0x32 then
    -- The first block is for readers of version 1, which have 32-bit times.
    start = start + block_size(head, 4)
    head = header(data, start)
    if not head then return nil, "is damaged: its second header is missing" end
    start, width = start + 44, 8
  end
  local stop = start + block_size(head, width)
  if head.types == 0 or head.types > 256 or stop - 1 > #data then
    return nil, "is damaged: it is shorter than it says"
  end
  if head.leap > 0 then
    return nil, 'counts leap seconds, which is not supported: use the zone of the same name without "right/"'
  end

  local times, kinds, types = {}, {}, {}
  local types_at = start + head.times * (width + 1)
  local chars_at = types_at + head.types * 6
  for i = 0, head.types - 1 do
    local offset, isdst, index = unpack(">i4I1I1", data, types_at + i * 6)
    if abs(offset) >= MAX_OFFSET or isdst > 1 or index >= head.chars then
      return nil, "is damaged: it has an impossible kind of local time"
    end
    local name = match(sub(data, chars_at + index, chars_at + head.chars - 1), "^[^%z]*")
    types[i] = { offset = offset, isdst = isdst == 1, abbreviation = name }
  end
  local time_format, kinds_at = width == 8 and ">i8" or ">i4", start + head.times * width
  local previous
  for i = 1, head.times do
    local t = unpack(time_format, data, start + (i - 1) * width)
    local kind = types[byte(data, kinds_at + i - 1)]
    if not kind or (previous and t <= previous) then return nil, "is damaged: its changes are out of order" end
    times[i], kinds[i], previous = t, kind, t
  end

  local rule = false
  if width == 8 then
    local footer = match(data, "^\n([^\n%z]*)\n", stop)
    rule = footer and parse_rule(footer)
    if rule == nil then return nil, "is damaged: its last line is not a rule" end
  end
  return { times = times, kinds = with_summer_time(times, kinds, rule), before = types[0], rule = rule }
end

-- Zones ---------------------------------------------------------------------------------------------------------------

--- What the clocks of a zone show at an instant.
-- @tparam table zone from @{load}
-- @tparam integer t seconds since 1970
-- @treturn integer the offset from UTC, in seconds
-- @treturn integer the first instant at which the offset holds (`math.mininteger`: always)
-- @treturn integer the first instant at which it no longer holds (`math.maxinteger`: never)
-- @treturn string the abbreviation, such as "CEST"
-- @treturn boolean whether it is summer time
function zones.at(zone, t)
  -- The zone caches the interval of the last call, as most calls are for a neighbouring instant.
  if t < zone.from or t >= zone.to then
    local times, from, to = zone.times, mininteger, maxinteger
    local n, kind = #times
    if n > 0 and t < times[1] then
      kind, to = zone.before, times[1]
    elseif n > 0 and t < times[n] then
      local low, high = 1, n
      while high - low > 1 do
        local middle = (low + high) // 2
        if times[middle] <= t then
          low = middle
        else
          high = middle
        end
      end
      kind, from, to = zone.kinds[low], times[low], times[high]
    elseif zone.rule then
      kind, from, to = rule_at(zone.rule, t)
      if n > 0 and from < times[n] then from = times[n] end
    elseif n > 0 then
      kind, from = zone.kinds[n], times[n]
    else
      kind = zone.before
    end
    zone.offset, zone.abbreviation, zone.isdst = kind.offset, kind.abbreviation, kind.isdst
    zone.from, zone.to = from, to
  end
  return zone.offset, zone.from, zone.to, zone.abbreviation, zone.isdst
end

local at = zones.at

--- The instants at which the clocks of a zone show a local time.
-- @tparam table zone from @{load}
-- @tparam integer wall the local time, as seconds since 1970 if the local clock were UTC
-- @treturn[1] integer the first such instant
-- @treturn[1] integer the last such instant; another one if the clocks were set back, else the same
-- @treturn[2] nil if the clocks were set forward, past this local time
-- @treturn[2] integer the instant of that change
-- @treturn[2] integer the instant of the local time moved on by the length of the gap
function zones.resolve(zone, wall)
  local offset, from, to = at(zone, wall)
  if wall - MAX_OFFSET >= from and wall + MAX_OFFSET < to then return wall - offset, wall - offset end
  local first, last, change, shifted
  local t, before = wall - MAX_OFFSET, nil
  repeat
    offset, from, to = at(zone, t)
    local candidate = wall - offset
    if candidate >= from and candidate < to then
      first, last = first or candidate, candidate
    elseif before and from + before <= wall and wall < from + offset then
      change, shifted = from, wall - before
    end
    before, t = offset, to
  until to > wall + MAX_OFFSET
  if first then return first, last end
  return nil, change, shifted
end

local function new_zone(name, fields)
  fields.name = name
  -- An empty interval: nothing is cached yet.
  fields.from, fields.to = maxinteger, mininteger
  return fields
end

local function new_fixed(name, offset)
  return {
    name = name,
    fixed = offset,
    times = {},
    from = mininteger,
    to = maxinteger,
    offset = offset,
    abbreviation = name,
    isdst = false,
  }
end

local UTC = new_fixed("UTC", 0)
local cache = { UTC = UTC, Z = UTC, ["Etc/UTC"] = new_fixed("Etc/UTC", 0) }
cache["Etc/UTC"].abbreviation = "UTC"

local function directories()
  local first = getenv and getenv("TZDIR")
  if not first or first == "" then return DIRECTORIES end
  return { first, unpack_list(DIRECTORIES) }
end

local function read_zone_file(name)
  local list, problem = directories(), nil
  for i = 1, #list do
    local path = list[i] .. "/" .. name
    local file = open(path, "rb")
    if file then
      -- fopen opens a directory too; reading it fails.
      local data = file:read(MAX_FILE)
      file:close()
      if data then
        local zone, why = parse_tzif(data)
        if zone then return zone end
        problem = problem or format("zone %s: the file %s %s", quote(name), path, why)
      end
    end
  end
  return nil, problem
end

-- The spelling of the database for a name in which only capitals or spaces are wrong; nil if there is no such zone.
local function usual_spelling(name)
  local guess = gsub(gsub(gsub(lower(name), " ", "_"), "^%l", upper), "[/_-]%l", upper)
  for _, small in ipairs { "_Of_", "_Es_", "%-Of%-", "%-Au%-" } do
    guess = gsub(guess, small, lower)
  end
  for _, text in ipairs { guess, upper(name) } do
    if text ~= name and zones.check_name(text) and (cache[text] or open and read_zone_file(text)) then return text end
  end
end

local function unknown(name)
  local text = "unknown time zone " .. quote(name)
  if not read_zone_file("UTC") and not read_zone_file("Etc/UTC") then
    return format(
      '%s: no time zone database was found in %s; install tzdata, or use an offset such as "+02:00"',
      text,
      concat(directories(), ", ")
    )
  end
  local guess = usual_spelling(name)
  if guess then return format('%s: did you mean "%s"?', text, guess) end
  return text .. ': write an IANA name such as "Europe/Berlin"'
end

--- Finds a zone. Zones are cached for good: a process sees one version of the database.
-- @tparam string name an IANA name, `UTC`, `Z`, or an offset `+hh:mm`
-- @treturn[1] table the zone, with its `name`; everything else in it is private
-- @treturn[2] nil
-- @treturn[2] string what is wrong, naming the zone
function zones.load(name)
  local zone = cache[name]
  if zone then return zone end
  local ok, problem = zones.check_name(name)
  if not ok then
    local guess = type(name) == "string"
      and #name <= 64
      and find(name, "^[A-Za-z_/ -]+$")
      and not find(name, "^%u+$")
      and usual_spelling(name)
    return nil, guess and format('unknown time zone %s: did you mean "%s"?', quote(name), guess) or problem
  end
  local sign, hours, minutes = match(name, "^([+-])(%d%d):(%d%d)$")
  if sign then
    if name == "-00:00" then return zones.load("+00:00") end
    local offset = tonumber(hours) * 3600 + tonumber(minutes) * 60
    zone = new_fixed(name, sign == "-" and -offset or offset)
  else
    if not open then
      return nil,
        format(
          "zone %s needs the time zone files of the system, and this Lua has no io library: "
            .. 'use "UTC" or an offset such as "+02:00"',
          quote(name)
        )
    end
    zone, problem = read_zone_file(name)
    if not zone then return nil, problem or unknown(name) end
    new_zone(name, zone)
  end
  cache[name] = zone
  return zone
end

return zones
