--- The permits that one program holds of a rate limit which several share. It counts for hoopai.call.rate_limiter, in
-- place of the counter of src/rate_limiter.c, which it asks first: a call needs the room that the API's headers leave
-- and a permit of the lease.
--
-- While permits are left, nothing waits: a background task, the keeper, renews the lease in Redis a few times per
-- second. It reports what was used and has ended, returns what is not needed, and takes as many permits as half a
-- second needs, if these become few. It ends once nothing is held. Where no loop runs, the caller renews the lease when
-- it has no permit left.
--
-- When a renewal fails, Redis is away: until one succeeds, the counter alone decides. The next one is tried after a
-- second, later after ten.
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"

local ceil, floor, huge, max, min = math.ceil, math.floor, math.huge, math.max, math.min
local ipairs, pcall, setmetatable = ipairs, pcall, setmetatable
local now = core.now

local leases = {}

local Lease = {}
Lease.__index = Lease

local GAP = 0.2 -- seconds between two renewals of a program that need not wait for a permit, or gets none
local PERIOD = 0.5 -- between two renewals while the limit is used
local LONG_PERIOD = 1.5 -- while a request is in flight, and nothing else
local AHEAD = 0.5 -- for how many seconds of use permits are taken
local MOST = 4096 -- permits of a lease without calls that wait
local MOST_RETRY = 10 -- seconds between two attempts while Redis is away
local PARTS = 64 -- of the times of responses in one renewal, the last one without end
local PART = 0.05 -- seconds

--- Makes a lease without permits.
-- @tparam table given `renew(arguments)` -> the four integers of the script in hoopai.rate_limit.redis, or nil and a
-- problem; `notify(problem)`; `id`; `lease_ms`; `timeout` of a renewal, in seconds
-- @treturn Lease
function leases.new(given)
  local self = setmetatable({
    renew = given.renew,
    notify = given.notify,
    id = given.id,
    lease_ms = given.lease_ms,
    timeout = given.timeout,
    counter = core.rate_limiter(),
    limiter = false, -- set by hoopai.call.rate_limiter: has the line of the calls that wait
    number = 0, -- of the last renewal
    available = 0,
    usable_until = -huge, -- of the available permits
    in_flight = 0,
    unleased = 0, -- requests in flight without a permit of the lease
    last_end = -huge, -- when a request ended
    used = 0, -- permits since the last renewal
    size = 1, -- how many permits AHEAD seconds of use need
    last = -huge, -- when the last renewal ended
    next_ask = -huge, -- not before, as there was no permit left
    reported_at = -huge, -- the time of the response whose headers were reported last
    paused_until = -huge,
    has_new_pause = false,
    is_away = false,
    retry_at = -huge,
    retry_after = 0,
    has_keeper = false,
    sleeps_until = -huge, -- the keeper
    changed = async.new_condition(), -- wakes the keeper
    ended_count = {}, -- of each part the requests that ended in it
    ended_from = {}, -- the time of its first response
    ended_at = {}, -- and of its last one
    parts = 0,
  }, Lease)
  for part = 1, PARTS do -- now: later there may be no memory
    self.ended_count[part], self.ended_from[part], self.ended_at[part] = 0, 0, 0
  end
  self.counter:share(true)
  return self
end

-- What hoopai.call uses -----------------------------------------------------------------------------------------------

local function has_permit(self, moment) return self.available > 0 and moment < self.usable_until end

local function wake(self)
  self.sleeps_until = -huge
  self.changed:broadcast()
end

local function use(self)
  self.available, self.used = self.available - 1, self.used + 1
  if 2 * self.available <= self.size and self.sleeps_until > self.last + GAP then wake(self) end
end

local function take(self, is_leased)
  if is_leased then return use(self) end
  self.unleased = self.unleased + 1
end

--- Counts the end of a request. Which of those in flight had a permit is not known: the first that end had none.
local function end_unleased(self)
  if self.unleased == 0 then return false end
  self.unleased = self.unleased - 1
  return true
end

--- Acquires a permit if there is one at this moment.
-- @treturn boolean
function Lease:try(moment)
  local is_leased = has_permit(self, moment)
  if not is_leased and not (self.is_away and moment < self.retry_at) then return false end
  if not self.counter:try(moment) then return false end
  self.in_flight = self.in_flight + 1
  take(self, is_leased)
  return true
end

--- As `wait` of src/rate_limiter.c.
function Lease:wait(moment)
  local seconds, scope, retry_after = self.counter:wait(moment)
  if seconds ~= 0 then return seconds, scope, retry_after end
  if self.is_away or has_permit(self, moment) then return 0 end
  return self.next_ask > moment and self.next_ask - moment or huge
end

--- Acquires a permit, also one that is not there.
function Lease:acquire(moment)
  self.counter:acquire(moment)
  self.in_flight = self.in_flight + 1
  take(self, has_permit(self, moment))
end

--- Gives back a permit that was not used.
function Lease:release()
  self.counter:release()
  self.in_flight = self.in_flight - 1
  if not end_unleased(self) then self.available = self.available + 1 end
end

--- As `record` of src/rate_limiter.c: allocates nothing.
function Lease:record(moment, stated, has_response)
  self.counter:record(moment, stated, has_response)
  self.in_flight, self.last_end = self.in_flight - 1, moment
  end_unleased(self)
  local part = self.parts
  if part == 0 or part < PARTS and moment - self.ended_from[part] > PART then
    part = part + 1
    self.parts, self.ended_count[part], self.ended_from[part] = part, 0, moment
  end
  self.ended_count[part], self.ended_at[part] = self.ended_count[part] + 1, moment
end

--- As `pause` of src/rate_limiter.c. All other programs are to pause as well.
function Lease:pause(moment, seconds)
  self.counter:pause(moment, seconds)
  if moment + seconds <= self.paused_until then return end
  self.paused_until, self.has_new_pause = moment + seconds, true
  if self.changed.has_waiters then pcall(wake, self) end -- without memory the keeper reports the pause later
end

-- Renewals ----------------------------------------------------------------------------------------------------------

local function waiting(self) return self.limiter and self.limiter.waiting - self.limiter.leaving or 0 end

local function milliseconds(seconds) return max(ceil(seconds * 1000), 0) end

--- How many permits the program needs now: those of the calls that wait, and what AHEAD seconds have used, or more if
-- these were not enough.
local function needed(self, moment, is_blocking)
  local count = is_blocking and 1 or waiting(self)
  if count == 0 and self.in_flight == 0 and moment - self.last_end > GAP then return 0 end
  if self.used > 0 then
    local rate = self.used / max(moment - self.last, 0.1)
    local is_short = self.available == 0 and self.next_ask <= moment
    self.size = min(max(ceil(rate * AHEAD), is_short and 2 * self.size or 1), MOST)
  elseif count == 0 then
    return 0
  end
  return count + self.size
end

--- The arguments of the script. What ended is no longer in the lease, and is reported by this renewal or a later one.
local function arguments_of(self, moment, is_blocking)
  if moment >= self.usable_until then self.available = 0 end
  local need = needed(self, moment, is_blocking)
  self.available = min(self.available, need)
  local most, interval, remaining, daily, reset, seen_at = self.counter:observed()
  if seen_at <= self.reported_at then
    remaining, daily = -1, -1
  end
  local pause = self.has_new_pause and milliseconds(self.paused_until - moment) or 0
  self.number = self.number + 1
  local arguments = {
    self.id,
    self.number,
    self.available + self.in_flight,
    need - self.available,
    self.lease_ms,
    most,
    interval,
    remaining,
    seen_at > -huge and milliseconds(moment - seen_at) or 0,
    daily,
    reset,
    pause,
  }
  local count = #arguments
  for part = 1, self.parts do
    arguments[count + 1] = self.ended_count[part]
    arguments[count + 2] = max(floor((moment - self.ended_at[part]) * 1000), 0)
    count = count + 2
  end
  arguments.n = count
  return arguments, seen_at
end

--- Forgets the parts that were reported, of which the last one may have grown meanwhile.
local function drop_parts(self, count, last_count)
  local rest = self.parts - count
  if count > 0 and self.ended_count[count] > last_count then
    self.ended_count[count] = self.ended_count[count] - last_count
    count, rest = count - 1, rest + 1
  end
  for part = 1, rest do
    for _, times in ipairs { self.ended_count, self.ended_from, self.ended_at } do
      times[part] = times[part + count]
    end
  end
  self.parts = rest
end

local function apply(self, numbers, wanted, begun)
  local moment, granted, pause, day = now(), numbers[1], numbers[3] / 1000, numbers[4] / 1000
  self.available = self.available + granted
  self.usable_until = begun + self.lease_ms / 1000
  self.next_ask = granted < wanted and moment + max(numbers[2] / 1000, GAP) + core.random() * GAP / 4 or -huge
  if moment + pause > self.paused_until + 0.5 then
    self.paused_until = moment + pause
    self.counter:pause(moment, pause)
  end
  if day > 0 then self.counter:hold_day(moment, day) end
end

--- Redis cannot be asked, or can again.
local function set_away(self, problem)
  local was_away = self.is_away
  self.is_away = problem ~= nil
  self.counter:share(problem == nil)
  if problem then
    self.available = 0
    self.retry_after = min(max(1, 2 * self.retry_after), MOST_RETRY)
    self.retry_at = now() + self.retry_after
  else
    self.retry_after = 0
  end
  if was_away ~= self.is_away then self.notify(problem) end
end

--- Renews the lease in Redis.
-- @tparam function send sends the arguments
-- @tparam[opt] boolean is_blocking whether a caller needs a permit that is not in the line
local function ask(self, send, is_blocking)
  local begun = now()
  local arguments, seen_at = arguments_of(self, begun, is_blocking)
  local number, wanted, parts, used = self.number, arguments[4], self.parts, self.used
  local last_count, paused_until = parts > 0 and self.ended_count[parts], self.paused_until
  local numbers, problem = send(arguments)
  if number ~= self.number then return end -- another renewal was made meanwhile
  self.last, self.used = now(), self.used - used
  if not numbers then return set_away(self, errors.report(problem)) end
  self.reported_at = max(self.reported_at, seen_at)
  drop_parts(self, parts, last_count)
  if self.paused_until == paused_until then self.has_new_pause = false end -- else a longer one came meanwhile
  apply(self, numbers, wanted, begun)
  if self.is_away then set_away(self, nil) end
end

--- Returns all permits that are not in flight.
-- @tparam[opt] function send sends the arguments
function Lease:give_back(send)
  self.used, self.available = 0, 0
  ask(self, send or self.renew)
end

-- The keeper ----------------------------------------------------------------------------------------------------------

--- Sends within the time limit: a call of the host's that takes longer is cut off.
local function send_in_time(self, arguments)
  return async.timeout(self.timeout, function() return self.renew(arguments) end)
end

--- When the next renewal is due; nil if none is.
local function due_at(self, moment)
  if self.has_new_pause then return moment end
  local is_waiting = waiting(self) > 0
  if is_waiting and not has_permit(self, moment) then return max(self.next_ask, self.last) end
  local is_low = self.used > 0 and 2 * self.available <= self.size
  if is_low and self.next_ask <= moment then return self.last + GAP end
  if self.available > 0 or self.parts > 0 or is_waiting then return self.last + PERIOD end
  return self.in_flight > 0 and self.last + LONG_PERIOD or nil
end

local function keep(self)
  local function send(arguments) return send_in_time(self, arguments) end
  while not self.is_away or now() >= self.retry_at do
    local moment = now()
    local due = due_at(self, moment)
    if not due then return end
    if async.is_shutting_down() then return self:give_back(send) end
    if due <= moment then
      ask(self, send)
      self.limiter:serve()
    else
      self.sleeps_until = due
      self.changed:wait("task", due)
      self.sleeps_until = -huge
    end
  end
end

local function run_keeper(self)
  local ok, problem = pcall(keep, self)
  self.has_keeper = false
  if not ok then set_away(self, errors.report(problem)) end
  self.limiter:serve()
end

--- Called before a call is judged that got no permit at once: sees to it that a renewal is made.
-- @tparam string mode "task" or "block"
function Lease:prepare(mode)
  local moment = now()
  if has_permit(self, moment) or self.is_away and moment < self.retry_at then return end
  if mode == "block" then
    if moment >= self.next_ask then ask(self, self.renew, true) end
  elseif not self.has_keeper then
    self.has_keeper = true
    async.background(function() run_keeper(self) end, true)
  elseif self.changed.has_waiters then
    wake(self)
  end
end

return leases
