--- The rate limit of one location, as the API's headers state it: the line in which calls wait for a permit. Only the
-- caller waits. (hoopai.call acquires the permit of a call that need not wait, and releases all.)
--
-- The line is served first come, first served, when a permit is released and when the wait of its first call is over:
-- then all for which there is room get their permits at once. A call that comes before all of these have gone on joins
-- the line, so that it does not pass them.
local async = require "hoopai.async"
local core = require "hoopai.core"

local min, huge, setmetatable = math.min, math.huge, setmetatable
local now = core.now

local rate_limiter = {}

local RateLimiter = {}
RateLimiter.__index = RateLimiter

--- A rate limiter.
-- @tparam ?table lease of a limit that several programs share, see hoopai.rate_limit.lease: it counts in place of the
-- counter. Its permits come later, by its own calls of `serve`
-- @treturn table `counter` counts permits (src/rate_limiter.c), `line` has the calls without a permit, from the index
-- `first` to `last` (false: one that gave up). `waiting` is how many calls wait, and `leaving` how many of these have
-- got their permit and were not resumed yet
function rate_limiter.new(lease)
  local self = setmetatable({
    counter = lease or core.rate_limiter(),
    lease = lease or false,
    line = {},
    first = 1,
    last = 0,
    waiting = 0,
    leaving = 0,
  }, RateLimiter)
  if lease then lease.limiter = self end
  return self
end

-- What the rate limit means for one call, now: true for room; or why it is not waited for, and the seconds; or nil and
-- the seconds of the wait (`huge`: until a request in flight ends; if that is a probe, the scope and the seconds of a
-- call that cannot wait for it follow).
local function judge(counter, moment, deadline)
  local seconds, scope, retry_after = counter:wait(moment)
  if seconds == 0 then return true end
  if not seconds then return scope, retry_after end
  local known = seconds < huge and seconds or nil
  if deadline and moment + (known or 0) >= deadline then return "late", known end
  return nil, seconds, scope, retry_after
end

local for_blocking = async.new_condition() -- never signalled: a blocking caller waits for a moment

-- While a caller blocks, no task goes on but those in the background. So a blocking caller waits for no request in
-- flight, and is refused if that is a probe.
local function block(self, deadline, is_closed, on_wait)
  local has_emitted = false
  while not is_closed() do
    if self.lease then self.lease:prepare "block" end
    local moment = now()
    local outcome, seconds, probe_scope, retry_after = judge(self.counter, moment, deadline)
    if probe_scope then return nil, probe_scope, retry_after end
    if outcome == true or not outcome and seconds == huge then
      self.counter:acquire(moment)
      return true
    end
    if outcome then return nil, outcome, seconds end
    if has_emitted then
      for_blocking:wait("block", min(moment + seconds, deadline or huge))
    else
      has_emitted = true
      on_wait(seconds) -- may close the client: the loop checks again
    end
  end
  return nil, "closed"
end

-- The line ------------------------------------------------------------------------------------------------------------

-- A call in the line. `serve` sets `outcome`: true for a permit; or the reason of a refusal, and its `seconds`. For the
-- first call of the line, `moment` is when the limit may have room. `sleeps_until` is when the call wakes by its timer.
local Waiter = {}

-- Takes the first of the line out of it, unless other code has done so meanwhile.
local function drop_first(self, waiter)
  if self.line[self.first] == waiter then
    self.line[self.first] = nil
    self.first = self.first + 1
  end
end

--- Serves the line, in order: all for which there is room get their permits, and all that would wait for too long get
-- their refusals. The first of those that remain is woken if it would sleep for too long.
-- A call leaves the line once it was woken: when memory is exhausted and this raises, the next response serves it.
function RateLimiter:serve()
  local moment = now()
  while self.first <= self.last do
    local waiter = self.line[self.first]
    if waiter then
      if waiter.outcome == nil then
        local outcome, seconds = judge(self.counter, moment, waiter.deadline)
        if outcome == true then
          self.counter:acquire(moment) -- the last that can fail
          self.leaving = self.leaving + 1
        end
        waiter.outcome, waiter.seconds = outcome, seconds
      end
      if waiter.outcome == nil then
        waiter.moment = moment + waiter.seconds
        if waiter.moment < waiter.sleeps_until then waiter.changed:broadcast() end
        return
      end
      waiter.changed:broadcast()
      drop_first(self, waiter)
    else
      self.line[self.first] = nil
      self.first = self.first + 1
    end
  end
end

-- Leaves the line, whatever the end of the wait. A call that was cancelled after it had got its permit, and before it
-- was resumed, must not keep it. The last of those that leave serves the calls that have come meanwhile.
function Waiter.__close(waiter)
  local self = waiter.limiter
  self.waiting = self.waiting - 1
  if waiter.outcome == true then
    self.leaving = self.leaving - 1
    if not waiter.is_done then self.counter:release() end
  elseif self.line[waiter.index] == waiter then
    self.line[waiter.index] = false
  end
  if self.leaving == 0 then self:serve() end
end

local function join(self, deadline)
  local waiter = setmetatable({
    limiter = self,
    index = self.last + 1,
    deadline = deadline,
    changed = async.new_condition(),
    outcome = nil,
    seconds = nil,
    moment = huge,
    sleeps_until = huge, -- it is not asleep
    is_done = false,
  }, Waiter)
  self.line[waiter.index] = waiter
  self.last, self.waiting = waiter.index, self.waiting + 1
  return waiter
end

-- Waits in the line.
local function stand(self, deadline, is_closed, on_wait)
  local waiter <close> = join(self, deadline)
  local has_emitted = false
  while true do
    if is_closed() then return nil, "closed" end
    if self.lease and waiter.outcome == nil then self.lease:prepare "task" end
    if waiter.outcome == nil and self.line[self.first] == waiter and self.leaving == 0 then self:serve() end
    if waiter.outcome == true then
      waiter.is_done = true
      return true
    end
    if waiter.outcome then return nil, waiter.outcome, waiter.seconds end
    if deadline and now() >= deadline then return nil, "late" end
    if waiter.moment < huge and not has_emitted then
      has_emitted = true
      on_wait(waiter.seconds) -- may close the client: the loop checks again
    else
      waiter.sleeps_until = min(waiter.moment, deadline or huge)
      waiter.changed:wait("task", waiter.sleeps_until < huge and waiter.sleeps_until or nil)
      waiter.sleeps_until = huge
    end
  end
end

--- Acquires a permit for one request, waiting if need be.
-- @tparam string mode "task" or "block"
-- @tparam ?number deadline a core.now() time; a wait that is known to last longer does not begin
-- @tparam function is_closed whether the client was closed meanwhile
-- @tparam function on_wait called with the seconds, once, before a wait of known length
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "late", "closed"; or "daily" or "burst" if the API asked for a pause that is not waited for
-- @treturn[2] ?number seconds until a call is tried, if known
function RateLimiter:acquire(mode, deadline, is_closed, on_wait)
  return (mode == "block" and block or stand)(self, deadline, is_closed, on_wait)
end

--- Wakes all calls of the line: their client may have been closed.
function RateLimiter:wake()
  for index = self.first, self.last do
    local waiter = self.line[index]
    if waiter then waiter.changed:broadcast() end
  end
end

return rate_limiter
