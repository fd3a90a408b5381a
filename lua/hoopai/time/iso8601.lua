--- Instants as ISO 8601 text: reading and writing.
--
-- Here an instant is a number of milliseconds since 1970 and a zone of `hoopai.time.zone`.
local gregorian = require "hoopai.time.gregorian"
local values = require "hoopai.time.values"
local zones = require "hoopai.time.zone"

local setmetatable, tonumber = setmetatable, tonumber
local byte, find, format, gsub = string.byte, string.find, string.format, string.gsub
local match, sub = string.match, string.sub

local existing_days, date_of, month_days = gregorian.existing_days, gregorian.date, gregorian.month_days
local load_zone, zone_at = zones.load, zones.at
local SECOND, MINUTE, HOUR, DAY = values.SECOND, values.MINUTE, values.HOUR, values.DAY
local FIRST_MS, LAST_MS = values.FIRST_MS, values.LAST_MS
local quote = values.quote

local iso8601 = {}

--- The text that error messages show as an example.
iso8601.EXAMPLE = "2024-10-28T10:00:00-05:00"

-- Writing -------------------------------------------------------------------------------------------------------------

--- The text of an offset, such as "+05:30"; seconds are left out.
-- @tparam integer offset seconds east of UTC
-- @tparam string separator between hours and minutes
-- @treturn string
function iso8601.offset_text(offset, separator)
  local sign = "+"
  if offset < 0 then
    sign, offset = "-", -offset
  end
  return format("%s%02d%s%02d", sign, offset // 3600, separator, offset % 3600 // 60)
end

-- Offset -> text. The offsets in use are some forty.
local offset_texts = setmetatable({}, {
  __index = function(self, offset)
    local text = iso8601.offset_text(offset, ":")
    self[offset] = text
    return text
  end,
})

local function write_local(ms, offset, suffix)
  local wall = ms + offset * SECOND
  local year, month, day = date_of(wall // DAY)
  local of_day = wall % DAY
  local fraction = of_day % SECOND
  if fraction ~= 0 then
    return format(
      "%04d-%02d-%02dT%02d:%02d:%02d.%03d%s",
      year,
      month,
      day,
      of_day // HOUR,
      of_day // MINUTE % 60,
      of_day // SECOND % 60,
      fraction,
      suffix
    )
  end
  return format(
    "%04d-%02d-%02dT%02d:%02d:%02d%s",
    year,
    month,
    day,
    of_day // HOUR,
    of_day // MINUTE % 60,
    of_day // SECOND % 60,
    suffix
  )
end

--- Writes an instant with the offset of a zone.
--
-- Local mean time, before standard time, has offsets with seconds, which ISO 8601 cannot express. Their seconds are cut
-- off, and the clock is written for the offset that is left: the clock is off by less than a minute, and the text names
-- the same instant.
-- @tparam integer ms
-- @tparam table zone
-- @treturn string
function iso8601.write(ms, zone)
  local offset = zone_at(zone, ms // SECOND)
  local seconds = offset % 60
  if seconds ~= 0 then offset = offset > 0 and offset - seconds or offset - seconds + 60 end
  return write_local(ms, offset, offset_texts[offset])
end

--- Writes an instant whose zone is unknown: in UTC, with "Z" (RFC 9557 2.2).
-- @tparam integer ms
-- @treturn string
function iso8601.write_unzoned(ms) return write_local(ms, 0, "Z") end

-- Reading -------------------------------------------------------------------------------------------------------------

-- The zone of an offset at the end of a text; nil if it is malformed.
local function parse_offset(text)
  if text == "Z" or text == "z" then return load_zone("UTC") end
  local sign, hours, minutes = match(text, "^([+-])(%d%d):?(%d%d)$")
  if not sign then
    sign, hours = match(text, "^([+-])(%d%d)$")
    minutes = "00"
  end
  return sign and load_zone(sign .. hours .. ":" .. minutes) or nil
end

-- Spelling of an offset ("Z", "+0530") -> zone.
local offset_zones = setmetatable({}, {
  __index = function(self, text)
    local zone = parse_offset(text)
    self[text] = zone
    return zone
  end,
})

local WHAT_TO_WRITE = format('write the date, the time and its offset, such as "%s"', iso8601.EXAMPLE)
local FOUR_DIGITS = "years are written with four digits, 0001 to 9999"

-- The problem of a text that is no date, time and offset.
local function syntax_problem(text)
  local shown = quote(text)
  if find(text, "^%s*$") then return format("%s is empty: %s", shown, WHAT_TO_WRITE) end
  if find(text, "^%s") or find(text, "%s$") then return format("%s has blanks around it: %s", shown, WHAT_TO_WRITE) end
  if find(text, "^%d%d%d%d%-%d%d%-%d%d$") then
    return format(
      '%s names a day, not an instant: write the time and its offset too, such as "%sT00:00:00-05:00", '
        .. 'or use hoopai.time.day("%s", "America/Chicago")',
      shown,
      text,
      text
    )
  end
  if find(text, "^%d%d%d%d%-?W") or find(text, "^%d%d%d%d%-%d%d%d$") or find(text, "^%d%d%d%d%-%d%d%d[T ]") then
    return format("%s is a week or ordinal date: %s", shown, WHAT_TO_WRITE)
  end
  if find(text, "^[+-]?%d%d%d%d%d+%-") or find(text, "^[+-]%d%d%d%d%-") then return shown .. ": " .. FOUR_DIGITS end
  if find(text, "^%d+$") then return format("%s is a bare number: %s", shown, WHAT_TO_WRITE) end
  local date, clock, tail = match(text, "^(%d%d%d%d%-%d%d%-%d%d[Tt ])(%d%d:?[%d:.,]*)(.*)$")
  if
    not date
    or not (find(clock, "^%d%d:%d%d$") or find(clock, "^%d%d:%d%d:%d%d$") or find(clock, "^%d%d:%d%d:%d%d[.,]%d+$"))
  then
    return format("%s is not an ISO 8601 time: %s", shown, WHAT_TO_WRITE)
  end
  if find(clock, "[.,]%d%d%d%d%d%d%d%d%d%d") then return shown .. " has more than nine digits after the second" end
  if tail == "" then
    local usual = gsub(gsub(text, "^(..........)[t ]", "%1T"), ",", ".") -- a body takes no other spelling
    return format(
      '%s has no offset: write "%s-05:00" with the offset of the zone you mean, "%sZ" for UTC, or use '
        .. 'hoopai.time.at { ..., zone = "America/Chicago" }',
      shown,
      usual,
      usual
    )
  end
  if not find(tail, "^[+-]%d") then return format("%s: %s is not an offset: %s", shown, quote(tail), WHAT_TO_WRITE) end
  if find(tail, "[", 1, true) then return shown .. ": leave out the zone in brackets; the offset says it all" end
  return format('%s: offset %s must be written as "+05:00", up to "+23:59"', shown, quote(tail))
end

-- The problem of a date or time of day that does not exist.
local function field_problem(text, year, month, day, hour, minute, second)
  local shown = quote(text)
  if year == 0 then return shown .. ": " .. FOUR_DIGITS end
  if month < 1 or month > 12 then return format("%s: there is no month %02d", shown, month) end
  if day < 1 or day > month_days(year, month) then
    return format("%s: %04d-%02d has no day %02d", shown, year, month, day)
  end
  if hour == 24 then return shown .. ": write 00:00 of the next day instead of 24:00" end
  if hour > 23 or minute > 59 then return format("%s: there is no time %02d:%02d", shown, hour, minute) end
  if second == 60 then return shown .. ": leap seconds are not counted; write :59, or :00 of the next minute" end
  return format("%s: there is no second %02d", shown, second)
end

local COMMA <const>, POINT <const>, COLON <const>, T <const>, Z <const>, SMALL_Z <const> = 44, 46, 58, 84, 90, 122

--- Reads an instant: date, time and offset. Digits beyond the millisecond are cut off.
-- @tparam string text
-- @treturn[1] integer milliseconds since 1970
-- @treturn[1] table the zone of the offset
-- @treturn[1] boolean whether the spelling is the usual one, that every reader of ISO 8601 takes: capital T and Z, a
-- point before the fraction, a colon in the offset
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function iso8601.read(text)
  if not find(text, "^%d%d%d%d%-%d%d%-%d%d[Tt ]%d%d:%d%d") then return nil, syntax_problem(text) end
  local y1, y2, y3, y4, _, m1, m2, _, d1, d2, t, h1, h2, _, n1, n2, colon, s1, s2 = byte(text, 1, 19)
  -- 53328 and 528: the code of "0" (48) in each of four or two digits.
  local year = y1 * 1000 + y2 * 100 + y3 * 10 + y4 - 53328
  local month, day = m1 * 10 + m2 - 528, d1 * 10 + d2 - 528
  local hour, minute, second, fraction = h1 * 10 + h2 - 528, n1 * 10 + n2 - 528, 0, 0
  local position, is_usual = 17, t == T
  if colon == COLON then
    if not find(text, "^%d%d", 18) then return nil, syntax_problem(text) end
    second, position = s1 * 10 + s2 - 528, 20
    local point = byte(text, 20)
    if point == POINT or point == COMMA then
      local digits = match(text, "^%d+", 21)
      if not digits or #digits > 9 then return nil, syntax_problem(text) end
      -- Cut off, not rounded: an instant never moves past the next millisecond.
      fraction = tonumber(sub(digits .. "00", 1, 3))
      position, is_usual = 21 + #digits, is_usual and point == POINT
    end
  end
  local tail = sub(text, position)
  local zone = offset_zones[tail]
  if not zone then return nil, syntax_problem(text) end
  local days = year > 0 and hour <= 23 and minute <= 59 and second <= 59 and existing_days(year, month, day)
  if not days then return nil, field_problem(text, year, month, day, hour, minute, second) end
  local ms = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + fraction - zone.fixed * SECOND
  if ms < FIRST_MS or ms > LAST_MS then return nil, quote(text) .. " " .. values.OUT_OF_RANGE end
  local mark = byte(tail)
  return ms, zone, is_usual and mark ~= SMALL_Z and (mark == Z or #tail == 6)
end

-- The problem of a text that is no day.
local function day_problem(text)
  local shown = quote(text)
  if find(text, "^%d%d%d%d%-%d%d%-%d%d[Tt ]") then
    return format("%s has a time of day: write the day alone, or read an instant with hoopai.time.parse", shown)
  end
  if find(text, "^[+-]?%d%d%d%d%d+%-%d%d%-%d%d$") then return shown .. ": " .. FOUR_DIGITS end
  local year, month, day = match(text, "^%s*(%d%d%d%d)[-/.](%d%d?)[-/.](%d%d?)%s*$")
  if not year then
    year, month, day = match(text, "^%s*(%d%d%d%d)(%d%d)(%d%d)%s*$")
  end
  local usual = year and format("%s-%02d-%02d", year, tonumber(month), tonumber(day))
  if usual then return format('%s is an unusual spelling: write "%s"', shown, usual) end
  return shown .. ' is not a day: write year, month and day, such as "2026-12-15"'
end

--- Reads a day: `2026-12-15`.
-- @tparam string text
-- @treturn[1] integer days since 1970
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function iso8601.read_day(text)
  local year, month, day = match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
  if not year then return nil, day_problem(text) end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local days = year > 0 and existing_days(year, month, day)
  if days then return days end
  return nil, field_problem(text, year, month, day, 0, 0, 0)
end

return iso8601
