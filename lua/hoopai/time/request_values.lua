--- Conversion of what a user gives for an instant or a zone into what the API takes: milliseconds in a query, ISO 8601
-- text in a body, the name of a zone.
local iso8601 = require "hoopai.time.iso8601"
local values = require "hoopai.time.values"
local zones = require "hoopai.time.zone"

local tonumber, tostring, type = tonumber, tostring, type
local abs, find, format, gsub, sub = math.abs, string.find, string.format, string.gsub, string.sub

local instants = values.instants
local FIRST_MS, LAST_MS = values.FIRST_MS, values.LAST_MS
local is_instant, describe, quote = values.is_instant, values.describe, values.quote
local read, write = iso8601.read, iso8601.write
local EXAMPLE = iso8601.EXAMPLE

-- As milliseconds, numbers below this are in or before 1973; as seconds, numbers from here on are after the year 5000.
local LEAST_MS = 100000000000

-- An instant in early 1970 is seconds of the years 2001 to 2100 that were given to `from_ms`.
local LEAST_SECONDS, MOST_SECONDS = 1000000000, 4102444800
local YEAR_20, YEAR_100 = -61536067200000, -59011459200000 -- in milliseconds

local request_values = {}

-- The problem of an instant that cannot be meant; nil if there is none.
local function instant_problem(instant)
  local ms = instants[instant].ms
  if ms >= LEAST_SECONDS and ms <= MOST_SECONDS then
    return format(
      "%s looks like seconds taken for milliseconds: write hoopai.time.from_seconds(%d)",
      tostring(instant),
      ms
    )
  end
  if ms >= YEAR_20 and ms < YEAR_100 then
    return tostring(instant) .. " is in a year without a century: write four digits, such as 2026"
  end
end

-- The problem of a number that cannot be milliseconds; `shown` is its spelling.
local function ms_problem(n, shown)
  if n < 0 then return shown .. " is before 1970: write milliseconds since 1970" end
  if n == 0 then return "0 is not a time to ask for: write milliseconds since 1970, or hoopai.time.from_ms(0)" end
  if n < LEAST_MS // values.SECOND then -- as milliseconds it would be refused again
    return format(
      "%s is too small for milliseconds since 1970: write hoopai.time.from_seconds(%d), or hoopai.time.from_ms(%d)",
      shown,
      n,
      n
    )
  end
  if n < LEAST_MS then
    return format(
      "%s looks like seconds: write milliseconds (%d), or hoopai.time.from_seconds(%d)",
      shown,
      n * values.SECOND,
      n
    )
  end
  -- The units of instants from 2001 to 2286.
  local unit = n >= 1000000000000000000 and "nanoseconds"
    or n >= 1000000000000000 and n < 10000000000000000 and "microseconds"
  if unit then return format("%s looks like %s: write milliseconds since 1970", shown, unit) end
  return shown .. " is after the year 9999: write milliseconds since 1970"
end

local function is_ms(n) return n >= LEAST_MS and n <= LAST_MS end

local function number_to_ms(n)
  local whole = values.integer(n)
  if whole then
    if is_ms(whole) then return whole end
    return nil, ms_problem(whole, format("%d", whole))
  end
  if n ~= n then return nil, "not-a-number is not a time: write milliseconds since 1970" end
  if n == 1 / 0 or n == -1 / 0 then return nil, "infinity is not a time: write milliseconds since 1970" end
  if abs(n) >= 2 ^ 63 then return nil, format("%g is after the year 9999: write milliseconds since 1970", n) end
  return nil,
    values.number_text(n) .. " has a fraction: write whole milliseconds, or hoopai.time.from_seconds for seconds"
end

local function text_to_ms(text)
  if find(text, "^%-?%d+$") then
    -- A number of more than 18 digits may not fit into an integer; it is out of range on its side.
    local n = #text <= 18 and tonumber(text) or sub(text, 1, 1) == "-" and FIRST_MS or LAST_MS + 1
    if is_ms(n) then return n end
    return nil, ms_problem(n, quote(text))
  end
  local ms, problem = read(text)
  if not ms then return nil, problem end
  if ms < 0 then return nil, quote(text) .. " is before 1970" end
  return ms
end

--- Reads what a user may give for an instant in a query. The API takes milliseconds there.
--
-- Accepted are instants, text that @{parse} accepts, and milliseconds as an integer, as a float without a fraction or
-- as digits in a string. Numbers below 1e11 are refused: as milliseconds they would be before March 1973, so they can
-- only be seconds. Instants before 1970 are refused too.
-- @tparam any v
-- @treturn[1] integer milliseconds since 1970
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function request_values.to_epoch_ms(v)
  if is_instant(v) then
    local ms = instants[v].ms
    if ms > MOST_SECONDS then return ms end
    local problem = ms < 0 and tostring(v) .. " is before 1970" or instant_problem(v)
    if problem then return nil, problem end
    return ms
  end
  if type(v) == "string" then return text_to_ms(v) end
  if type(v) == "number" then return number_to_ms(v) end
  return nil,
    format(
      'must be an instant: write milliseconds, a text such as "%s", or a hoopai.time value (got %s)',
      EXAMPLE,
      describe(v)
    )
end

-- The problem of a number, or of digits in a string, as an instant of a body.
local function bare_number_problem(v)
  local whole = values.integer(tonumber(v))
  local call = "hoopai.time.from_ms(ms"
  if whole and whole >= 0 and whole <= LAST_MS then
    call = format("hoopai.time.from_%s(%d", whole < LEAST_MS and "seconds" or "ms", whole)
  end
  return format('a bare number carries no zone: write a text such as "%s", or %s, "America/Chicago")', EXAMPLE, call)
end

--- Reads what a user may give for an instant in a request body. The API takes ISO 8601 text there, whose offset is all
-- that it receives of a zone.
--
-- Accepted are text with an offset, which is passed on verbatim, and instants that carry a zone. Text must be spelled
-- the usual way (`T`, `Z` or `+hh:mm`, a point before a fraction): other spellings that @{parse} reads may be read
-- otherwise, or not at all, by the API. Bare numbers are refused: they carry no zone.
-- @tparam any v
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function request_values.to_body_datetime(v)
  local kind = type(v)
  if kind == "string" and not find(v, "^%-?%d+$") then
    local ms, zone, is_usual = read(v)
    if not ms then return nil, zone end
    if is_usual then return v end
    return nil, format('%s is an unusual spelling: write "%s"', quote(v), write(ms, zone))
  end
  if is_instant(v) then
    local zone, problem = instants[v].zone, instants[v].ms <= MOST_SECONDS and instant_problem(v)
    if problem then return nil, problem end
    if zone then return write(instants[v].ms, zone) end
    return nil,
      format(
        "%s carries no zone, and its offset is all the API learns of it: write "
          .. 'start:in_zone("America/Chicago"), with the zone of the calendar',
        tostring(v)
      )
  end
  if kind == "number" or kind == "string" then return nil, bare_number_problem(v) end
  return nil,
    format(
      'must be an instant: write a text such as "%s", or a hoopai.time value with a zone (got %s)',
      EXAMPLE,
      describe(v)
    )
end

--- Checks the spelling of a zone name that a request carries. Whether there is such a zone is for the API to decide,
-- whose list of zones is not the host's.
-- @tparam any v
-- @treturn[1] string the name
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function request_values.to_timezone(v)
  if type(v) == "string" and (v == "Z" or find(v, "^[+-]%d")) then
    return nil, quote(v) .. ' is an offset: write the name of a zone, such as "America/Chicago"'
  end
  local ok, problem = zones.check_name(v)
  if ok then return v end
  -- An offset is advised there, which a request does not take.
  problem = gsub(gsub(problem, ', or an offset such as "%+02:00"$', ""), ', "UTC" or "%+05:30"', ' or "UTC"')
  return nil, problem
end

return request_values
