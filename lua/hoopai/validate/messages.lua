--- The texts of the checks: how a value, a path and an expectation are printed, and the list of the problems of a call.
-- Every text is bounded in length. Printing calls no metamethod and shows no secret.
local core = require "hoopai.core"
local options = require "hoopai.options"
local printable = require "hoopai.errors.printable"
local time = require "hoopai.time"

-- A token in the wrong place passes through here as any value: a host that patches these functions must not see it.
local getmetatable, ipairs, next, rawget, rawlen = getmetatable, ipairs, next, rawget, rawlen
local setmetatable, tonumber, tostring, type = setmetatable, tonumber, tostring, type
local byte, find, format, gsub = string.byte, string.find, string.format, string.gsub
local lower, sub = string.lower, string.sub
local concat, huge, math_type, utf8_len = table.concat, math.huge, math.type, utf8.len

local null, is_array = core.null, core.is_array
local is_instant, is_duration = time.is_instant, time.is_duration

local messages = {}

-- Longest excerpt of a string, in bytes.
local EXCERPT = 40

-- The length of `details`. A table may be wrong in a million places, and fifty show what is wrong with it.
local MOST_PROBLEMS = 50

-- Values

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape_byte(char) return ESCAPES[char] or format("\\x%02X", byte(char)) end

--- The first bytes of a string, cut between characters. Escapes whatever moves a terminal's cursor or changes the
-- direction of writing.
-- @treturn string
-- @treturn boolean whether the string was cut
local function excerpt(value)
  local cut = #value > EXCERPT
  local part = value
  if cut then
    local last = EXCERPT
    while last > EXCERPT - 4 and find(value, "^[\x80-\xBF]", last + 1) do
      last = last - 1
    end
    part = sub(value, 1, last)
  end
  part = gsub(gsub(part, "\\", "\\\\"), "[%z\1-\31\127]", escape_byte)
  if utf8_len(part) then
    part = gsub(printable.without_marks(part), "\xE2\x80[\x8C\x8D]", printable.escaped) -- joiners, which have no width
  else
    part = gsub(part, "[\x80-\xFF]", escape_byte)
  end
  return part, cut
end

--- Whether a string looks like a token. Tokens are pasted into the wrong field, and error texts end up in logs.
function messages.is_secret(value)
  value = sub(value, 1, 200)
  return find(value, "^%s*pit%-")
    or find(value, "^%s*eyJ[%w_%-]")
    or find(value, "^%s*[Bb]earer%s")
    or find(value, "^%s*[Bb]asic%s")
    or find(value, "eyJ[%w_%-]+%.eyJ[%w_%-]")
    or find(value, "pit%-%x%x%x%x")
end

local SECRET_NAMES = { "token", "secret", "password", "authorization", "apikey", "api_key" }

local function is_secret_name(name)
  if type(name) ~= "string" or #name > 200 then return false end
  name = lower(name)
  for _, secret in ipairs(SECRET_NAMES) do
    if find(name, secret, 1, true) then return true end
  end
  return false
end

local function is_finite(value) return value == value and value ~= huge and value ~= -huge end

--- A number in the fewest digits that read back as the same number.
function messages.number(value)
  if value ~= value then return "NaN" end
  if not is_finite(value) then return value > 0 and "infinity" or "-infinity" end
  if math_type(value) == "integer" then return format("%d", value) end
  local short = format("%.14g", value)
  if tonumber(short) ~= value then short = format("%.17g", value) end
  return (gsub(short, ",", ".")) -- some locales print a decimal comma
end

--- Whether a value is a table of data. Instants and durations have a metatable, and fields of their own.
function messages.is_plain(value)
  return type(value) == "table" and (getmetatable(value) == nil or not (is_instant(value) or is_duration(value)))
end

--- Whether a table is a list, by the rule of core.encode: marked by `hoopai.array`, or with items.
function messages.is_list(value) return is_array(value) or rawget(value, 1) ~= nil or rawlen(value) > 0 end

local KINDS = { ["nil"] = "nil", thread = "a coroutine" }

--- The kind of a value, with its article: "a string", "a list", "null".
function messages.kind(value)
  local kind = type(value)
  if value == null then return "null" end
  if kind == "number" and not is_finite(value) then return messages.number(value) end
  if kind == "table" then
    if is_instant(value) then return "a time value" end
    if is_duration(value) then return "a duration" end
    if messages.is_list(value) then return "a list" end
    return next(value) == nil and "an empty table" or "a table"
  end
  return KINDS[kind] or "a " .. kind
end

--- A short printable form of a value; of a table only its kind.
-- @param value anything
-- @tparam ?string name the field that the value was given for: a name such as `accessToken` hides the value
-- @treturn string
function messages.describe(value, name)
  local kind = type(value)
  if kind == "string" then
    local bytes = #value > EXCERPT and format(" (%d bytes)", #value) or ""
    if is_secret_name(name) or messages.is_secret(value) then return "a string that may be a secret" .. bytes end
    local part, cut = excerpt(value)
    return '"' .. part .. (cut and '..."' or '"') .. bytes
  elseif kind == "number" then
    return messages.number(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif messages.is_plain(value) and messages.is_list(value) then
    local count = rawlen(value) -- in a list with gaps this is one of its borders
    return count == 1 and "a list of 1 item" or format("a list of %d items", count)
  end
  return messages.kind(value)
end

-- Paths and names

--- The path of a value as people write it: `teamMembers[2].priority`; "" is the whole query or body.
-- @tparam table keys names and positions, the outermost first
-- @tparam integer depth how many of the keys count
-- @treturn string
function messages.path(keys, depth)
  local parts = {}
  for i = 1, depth do
    local key = keys[i]
    if type(key) == "string" and #key <= 64 and find(key, "^[%a_][%w_]*$") and not messages.is_secret(key) then
      parts[i] = i == 1 and key or "." .. key
    else
      parts[i] = "[" .. messages.describe(key) .. "]"
    end
  end
  return concat(parts)
end

--- An order for keys of any types, for table.sort: strings, then numbers, then all others.
function messages.comes_before(a, b)
  local kind, other = type(a), type(b)
  if kind == other then return (kind == "string" or kind == "number") and a < b end
  return kind == "string" or (other ~= "string" and kind == "number")
end

--- "`a`, `b` and `c`"
function messages.names(names, last)
  local quoted = {}
  for i, name in ipairs(names) do
    quoted[i] = "`" .. name .. "`"
  end
  if #quoted < 2 then return quoted[1] or "" end
  return concat(quoted, ", ", 1, #quoted - 1) .. " " .. (last or "and") .. " " .. quoted[#quoted]
end

-- Expectations

--- "0, 0.5, 1"
function messages.values(values)
  local printed = {}
  for i, value in ipairs(values) do
    printed[i] = type(value) == "number" and messages.number(value) or tostring(value)
  end
  return concat(printed, ", ")
end

--- The limits of a number or size: "from 1 to 20", "at least 1", "at most 20"; nil if there are none.
function messages.limits(low, high)
  if low and low == high then return "exactly " .. messages.number(low) end
  if low and high then return "from " .. messages.number(low) .. " to " .. messages.number(high) end
  if low then return "at least " .. messages.number(low) end
  if high then return "at most " .. messages.number(high) end
end

--- The limits of a size with its unit: "from 1 to 20 characters", "at most 1 item".
function messages.sizes(low, high, unit)
  local limits = messages.limits(low, high)
  return limits and limits .. " " .. unit .. ((high or low) == 1 and "" or "s")
end

local NOUNS = {
  string = "a string",
  integer = "a whole number",
  number = "a number",
  boolean = "true or false",
  any = "a JSON value",
  array = "a list",
  object = "a table with named fields",
  date = "a date",
  timezone = "an IANA time zone",
  epoch_ms = "an instant: milliseconds since 1970, an ISO 8601 string with offset, or a hoopai.time value",
  datetime = "an instant: an ISO 8601 string with offset, or a hoopai.time value with a zone",
}

local function with_example(noun, field)
  return type(field.example) == "string" and format('%s like "%s"', noun, field.example) or noun
end

local function expected_value(field)
  local kind = field.type
  local noun = NOUNS[kind] or kind
  if field.enum then
    return (#field.enum == 1 and "" or "one of ") .. messages.values(field.enum)
  elseif kind == "integer" or kind == "number" then
    local limits = messages.limits(field.min, field.max)
    return noun .. (limits and " " .. limits or "")
  elseif kind == "string" then
    local limits = messages.sizes(field.min_length, field.max_length, "character")
    noun = noun .. (limits and " of " .. limits or "")
    return field.pattern and with_example(noun, field) or noun
  elseif kind == "array" then
    local limits = messages.sizes(field.min_items, field.max_items, "item")
    return noun .. (limits and " of " .. limits or "")
  elseif kind == "object" and field.values then
    return "a table that maps names to values"
  elseif kind == "date" or kind == "timezone" then
    return with_example(noun, field)
  end
  return noun
end

--- What a declared field takes.
-- @tparam table field a type of the endpoint data
-- @treturn string
function messages.expected(field)
  local expected = expected_value(field)
  return field.nullable and expected .. ", or hoopai.null" or expected
end

-- Problems

--- The problem of a value of the wrong kind.
-- @param value
-- @tparam string expected
-- @tparam ?string fix what to write instead, if that is obvious
-- @treturn string
function messages.wrong_kind(value, expected, fix)
  local problem = "must be " .. expected .. ", not " .. messages.kind(value)
  return fix and problem .. ": write " .. fix or problem
end

-- Zones set their clocks back by half an hour (Lord Howe) to two hours (Troll). The last minute of a day may be left
-- out.
local SHORTEST_SHIFT, LONGEST_SHIFT = 29 * 60000, 120 * 60000

--- Why a window of calendar days is longer than so many times 24 hours, as the end of a problem.
-- @tparam string from the field of its start
-- @tparam integer days how many are allowed
-- @tparam integer excess milliseconds
-- @treturn string "" if the excess is not that of a clock change
function messages.clock_advice(from, days, excess)
  if excess < SHORTEST_SHIFT or excess > LONGEST_SHIFT then return "" end
  return format(
    "; calendar days are longer where the clocks are set back meanwhile (summer time ends): at most %d hours, "
      .. "write %s + hoopai.time.hours(%d)",
    days * 24,
    from,
    days * 24
  )
end

-- Names of tables around the fields, as other libraries have them. A declared field of the name comes first.
local WRAPPERS = { query = true, params = true, body = true, data = true, json = true, payload = true }

--- Why a name at the top of a query or body does not belong there: an option of the call, or a path argument.
-- @tparam table endpoint an entry of `hoopai.api.*`
-- @param name
-- @treturn ?string the problem; nil for any other name
function messages.misplaced_name(endpoint, name)
  if WRAPPERS[name] then return "is no field: write its fields directly, without this table around them" end
  if options.call_names[name] then return "is an option: pass it in the last argument" end
  for _, param in ipairs(endpoint.params or {}) do
    if param.name == name then return "is an argument of its own, before the table: leave it out here" end
  end
end

local Problems = {}
Problems.__index = Problems

--- An empty list of problems. Its `path` is the stack of names and positions that leads to the value being checked: a
-- check that descends into a value writes the key at its own depth.
-- @tparam ?function explain_unknown explain_unknown(path, depth): why an undeclared name was probably given, or nil
function messages.new_problems(explain_unknown)
  return setmetatable({ count = 0, path = {}, list = {}, explain_unknown = explain_unknown }, Problems)
end

--- Adds a problem of the value that is `depth` steps down the path.
-- @tparam integer depth
-- @tparam string problem
-- @param given the offending value; nil if the name is wrong or the value is missing
-- @tparam ?table|string field the declaration of the value, or what was expected as text
-- @tparam ?string suggestion what was probably meant
function Problems:add(depth, problem, given, field, suggestion)
  self.count = self.count + 1
  if self.count > MOST_PROBLEMS then return end
  self.list[self.count] = {
    path = messages.path(self.path, depth),
    problem = problem,
    given = given ~= nil and messages.describe(given, self.path[depth]) or nil,
    expected = type(field) == "table" and messages.expected(field) or field,
    suggestion = suggestion,
  }
end

--- Whether further problems are counted but not listed.
function Problems:is_full() return self.count >= MOST_PROBLEMS end

--- Counts further problems of the kind just added, without listing them.
function Problems:count_more(count) self.count = self.count + count end

--- The `details` of the error: the problems in order, and `more`, how many were left out (nil if none).
function Problems:details()
  local list = self.list
  if self.count > #list then list.more = self.count - #list end
  return list
end

--- The `details` of a query or body that is wrong as a whole.
-- @tparam string problem
-- @param given
-- @tparam ?string expected
-- @treturn table
function messages.whole(problem, given, expected)
  local problems = messages.new_problems()
  problems:add(0, problem, given, expected)
  return problems:details()
end

local function line(detail)
  local text = detail.path == "" and detail.problem or detail.path .. ": " .. detail.problem
  local given = detail.given
  if given and not find(detail.problem, given, 1, true) then text = text .. " (given: " .. given .. ")" end
  return text
end

--- The message of an error: one line for one problem, a list for several.
-- @tparam table details
-- @tparam ?string name the method that was called, as the beginning of the text
-- @treturn string
function messages.message(details, name)
  local more = details.more
  if #details == 1 and not more then return (name and name .. ": " or "") .. line(details[1]) end
  local lines = { (name and name .. " has " or "") .. format("%d problems:", #details + (more or 0)) }
  for i, detail in ipairs(details) do
    lines[i + 1] = "  " .. line(detail)
  end
  if more then lines[#lines + 1] = format("  and %d more", more) end
  return concat(lines, "\n")
end

return messages
