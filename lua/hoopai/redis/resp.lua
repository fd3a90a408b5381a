--- RESP2, the protocol of Redis: commands as bytes, and replies from bytes that come in pieces of any size.
--
-- All that a reply may have is bounded, as a peer that is no Redis can send anything: MOST_BYTES of one reply, LINE
-- bytes until the end of a line, DEPTH arrays within each other.
local concat = table.concat
local find, format, match, sub = string.find, string.format, string.match, string.sub
local math_type, select, setmetatable, tonumber, type = math.type, select, setmetatable, tonumber, type

local resp = {}

local MOST_BYTES = 16777216
local LINE = 65536
local DEPTH = 8

--- An argument of a command as a string; nil if it is neither a string nor a number.
local function text_of(argument)
  if type(argument) == "string" then return argument end
  if math_type(argument) == "integer" then return format("%d", argument) end
  return type(argument) == "number" and format("%.17g", argument) or nil
end

--- A command with its arguments, as an array of bulk strings.
-- @tparam string|number ...
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string what is wrong with the arguments
function resp.encode(...)
  local count = select("#", ...)
  local parts = { format("*%d\r\n", count) }
  for index = 1, count do
    local argument = select(index, ...)
    local text = text_of(argument)
    if not text then
      local what = index == 1 and "the command" or format("argument %d of the command", index - 1)
      return nil, format("%s must be a string or a number, and is a %s", what, type(argument))
    end
    parts[#parts + 1] = format("$%d\r\n", #text)
    parts[#parts + 1] = text
    parts[#parts + 1] = "\r\n"
  end
  if count == 0 then return nil, "the command is missing" end
  return concat(parts)
end

local Parser = {}
Parser.__index = Parser

--- Makes a parser of replies.
-- @treturn Parser
function resp.new_parser()
  return setmetatable({
    pieces = {}, -- what came since the buffer was made
    waiting = 0, -- their bytes
    needed = 1, -- how many of these make the buffer worth another look
    buffer = "",
    at = 1,
    size = 0, -- bytes of the reply so far
    bulk = false, -- the length of the string that comes next
    stack = {}, -- the arrays that are not complete, the outermost first: { items, left }
    refusal = false, -- an error within an array
  }, Parser)
end

--- Adds bytes.
function Parser:feed(bytes)
  self.pieces[#self.pieces + 1] = bytes
  self.waiting = self.waiting + #bytes
end

--- Makes one buffer of what has come. So a long string is copied once, however many pieces it has.
local function join(self)
  self.pieces[#self.pieces + 1] = ""
  self.buffer = sub(self.buffer, self.at) .. concat(self.pieces)
  self.pieces, self.waiting, self.needed, self.at = {}, 0, 1, 1
end

--- Takes the string of `self.bulk` bytes out of the buffer; nil until it is there, false if no line ends after it.
local function take_bulk(self)
  local stop = self.at + self.bulk
  local missing = stop + 1 - #self.buffer
  if missing > 0 then
    self.needed = missing
    return nil
  end
  if sub(self.buffer, stop, stop + 1) ~= "\r\n" then return false end
  local text = sub(self.buffer, self.at, stop - 1)
  self.at, self.bulk = stop + 2, false
  return text
end

--- Takes a line out of the buffer; nil until it is there, false if it is too long.
local function take_line(self)
  local stop = find(self.buffer, "\r\n", self.at, true)
  if (stop or #self.buffer) - self.at > LINE then return false end
  if not stop then return nil end
  local line = sub(self.buffer, self.at, stop - 1)
  self.size = self.size + #line + 2
  self.at = stop + 2
  return line
end

local NULL = {} -- the nil of Redis, while the reply is read

-- The first byte of a line -> what the line means: a value; nil if something else must follow; or nil and a problem.
local readers = {}

readers["+"] = function(_, text) return text end

readers["-"] = function(self, text)
  self.refusal = self.refusal or text
  return NULL
end

readers[":"] = function(_, text)
  local number = match(text, "^[+-]?%d+$") and tonumber(text)
  if math_type(number) ~= "integer" then return nil, "an integer is wrong" end
  return number
end

readers["$"] = function(self, text)
  if text == "-1" then return NULL end
  local length = match(text, "^%d+$") and #text < 12 and tonumber(text)
  if not length then return nil, "the length of a string is wrong" end
  self.size = self.size + length + 2
  self.bulk = length
  return nil
end

readers["*"] = function(self, text)
  if text == "-1" then return NULL end
  local length = match(text, "^%d+$") and #text < 12 and tonumber(text)
  if not length then return nil, "the length of an array is wrong" end
  if length == 0 then return {} end
  if #self.stack == DEPTH then return nil, "it has too many arrays within each other" end
  self.stack[#self.stack + 1] = { items = {}, left = length }
  return nil
end

--- Puts a value into the array that it belongs to. Returns the value of the whole reply once it is complete. The nil of
-- Redis within an array is `false`, so that the array has no holes.
local function place(self, value)
  local stack = self.stack
  while #stack > 0 do
    local top = stack[#stack]
    if value == NULL then value = false end
    top.items[#top.items + 1] = value
    top.left = top.left - 1
    if top.left > 0 then return nil end
    value, stack[#stack] = top.items, nil
  end
  return value
end

--- The next part of a reply: its value, or nil until more has come; a problem after nil.
local function next_value(self)
  while true do
    if self.bulk then
      local text = take_bulk(self)
      if text == false then return nil, "a string is longer than it says" end
      return text
    end
    local line = take_line(self)
    if line == false then return nil, "a line is too long" end
    if not line then return nil end
    local read = readers[sub(line, 1, 1)]
    if not read then return nil, "it is not the protocol of Redis" end
    local value, problem = read(self, sub(line, 2))
    if problem or value ~= nil then return value, problem end
    if self.size > MOST_BYTES then return nil, format("it has more than %d bytes", MOST_BYTES) end
  end
end

--- Takes the next whole reply.
-- @treturn[1] boolean true
-- @return[1] its value: a string, an integer, a list (with false for a nil in it); nil for the nil of Redis
-- @treturn[1] ?string the error that Redis sent; the value is nil then
-- @treturn[2] boolean false: it is not complete
-- @treturn[3] nil
-- @treturn[3] string why the bytes are no reply
function Parser:next()
  if self.waiting >= self.needed then join(self) end
  while true do
    local value, problem = next_value(self)
    if problem then return nil, problem end
    if value == nil then return false end
    if self.size > MOST_BYTES then return nil, format("it has more than %d bytes", MOST_BYTES) end
    value = place(self, value)
    if value ~= nil then
      local refusal = self.refusal
      self.size, self.refusal = 0, false
      if refusal then return true, nil, refusal end
      if value == NULL then value = nil end
      return true, value
    end
  end
end

return resp
