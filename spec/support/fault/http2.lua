--- HTTP/2 by hand, so that it can be broken: the same connections and exchanges as in http1.lua, over frames.
--
-- lua-http's reader of header blocks serves; its connections would not do what no server should do.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local hpack = require "http.hpack"

local monotime, poll = cqueues.monotime, cqueues.poll
local pack, unpack = string.pack, string.unpack

local http2 = {}

local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

local DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
local END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
local NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM = 0, 2, 7

local Exchange = {}
Exchange.__index = Exchange

------------------------------------------------------------------------------------------------------------- frames

local function write(conn, bytes)
  if conn.gone then return false end
  if conn.socket:write(bytes) and conn.socket:flush() then return true end
  conn:give_up()
  return false
end

-- stylua: ignore
local function frame(kind, flags, stream, payload)
  return pack(">I3I1I1I4", #payload, kind, flags, stream) .. payload
end

--- Has at least so many bytes in the buffer; false when the connection is over.
local function need(conn, count)
  while #conn.buffer < count do
    if conn.gone then return false end
    local bytes, why = conn.socket:recv(-65536)
    if bytes then
      conn.buffer = conn.buffer .. bytes
    elseif why ~= errno.EAGAIN then
      return false
    else
      poll(conn.socket)
    end
  end
  return true
end

local function take(conn, count)
  local bytes = conn.buffer:sub(1, count)
  conn.buffer = conn.buffer:sub(count + 1)
  return bytes
end

-- A mute connection sends nothing any more.
local function reply(conn, bytes)
  if not conn.mute then write(conn, bytes) end
end

local function without_padding(flags, payload)
  if flags & PADDED == 0 then return payload end
  return payload:sub(2, #payload - payload:byte(1))
end

local on_frame = {}

local function open_exchange(conn, id, block)
  local headers = conn.hpack:decode_headers(block)
  local ex = setmetatable({
    conn = conn,
    stream = id,
    method = headers:get(":method"),
    target = headers:get(":path"),
    authorization = headers:get("authorization"),
    body = "",
  }, Exchange)
  conn.streams[id] = ex
  conn.waiting[#conn.waiting + 1] = ex
  return ex
end

on_frame[HEADERS] = function(conn, flags, id, payload)
  payload = without_padding(flags, payload)
  if flags & PRIORITY ~= 0 then payload = payload:sub(6) end
  conn.block, conn.block_ends_stream = payload, flags & END_STREAM ~= 0
  on_frame[CONTINUATION](conn, flags, id, "")
end

on_frame[CONTINUATION] = function(conn, flags, id, payload)
  conn.block = conn.block .. payload
  if flags & END_HEADERS == 0 then return end
  open_exchange(conn, id, conn.block).complete = conn.block_ends_stream
end

on_frame[DATA] = function(conn, flags, id, payload)
  local ex = conn.streams[id]
  if ex then
    ex.body = ex.body .. without_padding(flags, payload)
    if flags & END_STREAM ~= 0 then ex.complete = true end
  end
  if #payload > 0 then reply(conn, frame(WINDOW_UPDATE, 0, 0, pack(">I4", #payload))) end
end

on_frame[RST_STREAM] = function(conn, _, id)
  if conn.streams[id] then conn.streams[id].gone = true end
end

on_frame[SETTINGS] = function(conn, flags)
  if flags & ACK == 0 then reply(conn, frame(SETTINGS, ACK, 0, "")) end
end

on_frame[PING] = function(conn, flags, _, payload)
  if flags & ACK == 0 then reply(conn, frame(PING, ACK, 0, payload)) end
end

local function give_up(conn)
  conn.gone = true
  conn.changed:signal()
end

--- Reads frames until the client goes.
local function read_all(conn)
  if need(conn, #PREFACE) and take(conn, #PREFACE) == PREFACE then
    while need(conn, 9) do
      local length, kind, flags, id = unpack(">I3I1I1I4", take(conn, 9))
      if not need(conn, length) then break end
      local payload = take(conn, length)
      if on_frame[kind] then on_frame[kind](conn, flags, id & 0x7fffffff, payload) end
      conn.changed:signal()
    end
  end
  give_up(conn)
end

--- Waits until done() for something that comes from the client; false when it has gone or the deadline passes first.
local function wait_until(conn, done, deadline)
  while not done() do
    local left = deadline and deadline - monotime()
    if conn.gone or left and left <= 0 then return false end
    conn.changed:wait(left)
  end
  return true
end

--------------------------------------------------------------------------------------------------------- connections

local function wait_gone(conn, deadline)
  wait_until(conn, function() return false end, deadline)
end

--- A connection after the handshake. Its frames are read by a coroutine of `loop`.
function http2.connection(socket, loop)
  local conn = {
    socket = socket,
    buffer = "",
    protocol = http2,
    hpack = hpack.new(4096),
    streams = {},
    waiting = {},
    changed = condition.new(),
    wait_gone = wait_gone,
    give_up = give_up,
  }
  loop:wrap(read_all, conn)
  return conn
end

function http2.greet(conn) write(conn, http2.greeting) end

--- The next request; nil when there is none.
function http2.next(conn, deadline)
  if not wait_until(conn, function() return #conn.waiting > 0 end, deadline) then return nil end
  return table.remove(conn.waiting, 1)
end

http2.write = write

--- How a server begins.
http2.greeting = frame(SETTINGS, 0, 0, "")

http2.garbage = "\255\255\255\1\255\255\255\255\255 this is no frame"

--- The frames before a response, cut off in the middle.
function http2.cut_head() return frame(SETTINGS, 0, 0, ("\0"):rep(6)):sub(1, 12) end

----------------------------------------------------------------------------------------------------------- exchanges

function Exchange:read_body(deadline)
  local function is_over() return self.complete or self.gone end
  return wait_until(self.conn, is_over, deadline) and self.complete and self.body or nil
end

local function literal(name, value) return "\0" .. pack("s1s1", name, value) end

-- Header fields are sent as literals, which change no table on either side.
local function header_block(status, length, headers)
  local block = { status == 200 and "\x88" or "\8" .. pack("s1", tostring(status)) }
  block[2] = literal("content-type", "application/json; charset=utf-8")
  block[3] = literal("content-length", tostring(length))
  for name, value in (headers or ""):gmatch("([^:\r\n]+): ([^\r\n]+)") do
    block[#block + 1] = literal(name:lower(), value)
  end
  return table.concat(block)
end

function Exchange:answer(status, body, headers, last)
  local conn, id = self.conn, self.stream
  conn.streams[id] = nil
  if last then write(conn, frame(GOAWAY, 0, 0, pack(">I4I4", id, NO_ERROR))) end
  return write(
    conn,
    frame(HEADERS, END_HEADERS, id, header_block(status, #body, headers)) .. frame(DATA, END_STREAM, id, body)
  )
end

function Exchange:begin(status, body, headers)
  self.rest = body:sub(#body // 2 + 1)
  return write(
    self.conn,
    frame(HEADERS, END_HEADERS, self.stream, header_block(status, #body, headers))
      .. frame(DATA, 0, self.stream, body:sub(1, #body // 2))
  )
end

function Exchange:truncate() return write(self.conn, frame(DATA, END_STREAM, self.stream, "")) end

function Exchange:spoil() return write(self.conn, frame(DATA, END_STREAM, self.stream, ("\1"):rep(#self.rest))) end

function Exchange:drip()
  if self.rest == "" then return false end
  local byte = self.rest:sub(1, 1)
  self.rest = self.rest:sub(2)
  return write(self.conn, frame(DATA, self.rest == "" and END_STREAM or 0, self.stream, byte))
end

function Exchange:wait_gone(deadline)
  return wait_until(self.conn, function() return self.gone end, deadline)
end

--- "The connection ends, and this request was not looked at."
function Exchange:goaway()
  write(self.conn, frame(GOAWAY, 0, 0, pack(">I4I4", self.stream > 2 and self.stream - 2 or 0, NO_ERROR)))
  if not self.conn.gone then self.conn.socket:shutdown("w") end
end

--- "This request was not looked at", says the protocol.
function Exchange:refuse() write(self.conn, frame(RST_STREAM, 0, self.stream, pack(">I4", REFUSED_STREAM))) end

--- "This request failed."
function Exchange:cancel() write(self.conn, frame(RST_STREAM, 0, self.stream, pack(">I4", INTERNAL_ERROR))) end

return http2
