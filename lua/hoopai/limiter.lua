--- The request budget of one location: how long to wait before the next request may be sent.
--
-- A pure state machine: it never waits itself and reads no clock; every function takes the time (of a clock that is
-- never set, in seconds). What it knows it has learnt from the answers' X-RateLimit-* headers.
--
-- The server counts a request when it arrives, which is somewhere between sending and answer. A request counts here
-- from its sending until one interval after its answer, so in no interval of the server's, wherever that begins, do
-- more arrive than allowed. Requests of other programs show in what the server says is left.
local max, min, huge, setmetatable = math.max, math.min, math.huge, setmetatable

local limiter = {}

local PROBES = 20        -- requests in flight while nothing is known of the budget: the smallest one seen was 25
local PARTS = 100        -- in which an interval is counted: a place becomes free at most a hundredth of it late
local FAR = 60           -- what takes longer than this is not waited for (a day that is used up)
local INTERVAL = 10      -- assumed where the headers name no interval
local BLIND_DAY = 60     -- how long an exhausted day is believed where its end is not told
local LONGEST = 86400    -- no header closes the gate, or makes an interval, for longer than a day

local Limiter = {}
Limiter.__index = Limiter

--- A budget of which nothing is known.
-- @tparam[opt] table known what is known beforehand: `max` requests in `interval` seconds
function limiter.new(known)
  return setmetatable({
    max = known and known.max,         -- requests in an interval; nil = unlimited, as far as is known
    interval = known and known.interval or INTERVAL,
    asking = not known,                -- has no answer come yet?
    in_flight = 0,
    first = 1, last = 0,               -- the answered ones of the last interval, by parts of it:
    begins = {}, ends = {}, counts = {},
    answered = 0,                      -- the sum of counts
    closed_until = -huge,              -- after a 429
    day_over_until = -huge,
  }, Limiter)
end

local function forget_old(self, now)
  local first = self.first
  while first <= self.last and self.ends[first] + self.interval <= now do
    self.answered = self.answered - self.counts[first]
    self.begins[first], self.ends[first], self.counts[first] = nil, nil, nil
    first = first + 1
  end
  self.first = first
end

local function count(self, now, requests)
  local last = self.last
  if self.first > last or now - self.begins[last] > self.interval / PARTS then
    last = last + 1
    self.begins[last], self.ends[last], self.counts[last] = now, now, 0
    self.last = last -- when all three had the memory to grow
  end
  self.ends[last] = now
  self.counts[last] = self.counts[last] + requests
  self.answered = self.answered + requests
end

--- Seconds until a request may be sent: 0 = now, math.huge = not before an answer has come.
-- @tparam number now
-- @return[1] seconds
-- @treturn[2] nil where waiting is no use
-- @treturn[2] string "daily" or "burst"
-- @treturn[2] number seconds until the gate opens again
function Limiter:wait(now)
  if now < self.day_over_until then return nil, "daily", self.day_over_until - now end
  local closed = self.closed_until - now
  if closed > FAR then return nil, "burst", closed end
  if closed > 0 then return closed end
  if self.asking then return self.in_flight < PROBES and 0 or huge end
  if not self.max then return 0 end
  forget_old(self, now)
  if self.in_flight + self.answered < self.max then return 0 end
  if self.first > self.last then return huge end -- all of the budget is in flight
  local left = max(self.ends[self.first] + self.interval - now, 0)
  if left > FAR then return nil, "burst", left end
  return left
end

--- Notes that a request is about to be sent.
function Limiter:take()
  self.in_flight = self.in_flight + 1
end

--- Notes that a request which was taken never left.
function Limiter:give_back()
  self.in_flight = self.in_flight - 1
end

--- Notes what others have used, as far as the server's word shows it. Some of ours in flight may not be counted yet, so
-- this is the least that can be true.
local function count_others(self, now, remaining)
  local used = self.max - remaining
  local others = used - self.answered - self.in_flight
  if others > 0 then count(self, now, min(others, self.max)) end
end

local function learn_day(self, now, told)
  if told.daily_remaining ~= 0 then return end
  local left = told.daily_reset_ms and told.daily_reset_ms / 1000 or BLIND_DAY
  self.day_over_until = now + min(left, LONGEST)
end

--- Notes the end of a request: its answer, or that none came (it may have arrived all the same).
-- @tparam number now
-- @tparam ?table told the answer's `rate_limit` (see hoopai.answer); nil = it had none
-- @tparam boolean came whether there was an answer
function Limiter:settle(now, told, came)
  self.in_flight = self.in_flight - 1
  if came and not told then self.asking = false end
  if told then
    self.asking = false
    if told.interval_ms and told.interval_ms > 0 then self.interval = min(told.interval_ms / 1000, LONGEST) end
    if told.max and told.max > 0 then self.max = told.max end
    learn_day(self, now, told)
  end
  if not self.max then return end
  forget_old(self, now)
  count(self, now, 1)
  if told and told.remaining then count_others(self, now, told.remaining) end
end

--- Closes the gate after a 429.
-- @tparam number now
-- @tparam number seconds for how long
function Limiter:close(now, seconds)
  self.closed_until = max(self.closed_until, now + min(seconds, LONGEST))
end

return limiter
