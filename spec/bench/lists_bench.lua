-- What reading many records costs over what its requests need: all free slots of 30 calendars over 180 days.
--
--   chain   50 ms of latency and no rate limit, over the longest chain of requests: the list of the calendars, and then
--           the windows of one calendar in order
--   limit   a rate limit of 100 per 10 s, over what so many requests need
--
-- The server has its responses ready: the sandbox would take longer to compute them than they take to be read.
--
--   eval "$(make -s env)"; lua5.4 spec/bench/lists_bench.lua [chain | limit]
local core = require "hoopai.core"
local hoopai = require "hoopai"
local local_time = require "hoopai.sandbox.domain.local_time"
local servers = require "spec.support.server"
local slot_zones = require "spec.support.slot_zones"
local windows = require "hoopai.list.windows"

local CALENDARS, DAYS, DAY = 30, 180, 86400000
local MOST, INTERVAL = 100, 10
local ZONE = "America/New_York"

local from = slot_zones.at("2027-01-04T10:07:00", ZONE)
local to = from + DAYS * DAY
local ids, spans = {}, {}
for index = 1, CALENDARS do
  ids[index] = ("Calendar%012d"):format(index)
end
do
  local start = windows.start(from)
  while start do
    local stop, next_start = windows.stop(start, to)
    spans[#spans + 1], start = { startDate = start, endDate = stop }, next_start
  end
end

--- Slots of half an hour in a window, from nine to five on workdays, as JSON.
local function free_slots(span)
  local days = {}
  for date = local_time.date(span.startDate, ZONE), (local_time.date(span.endDate, ZONE)) do
    local slots, weekday = {}, local_time.weekday(date)
    for minutes = 9 * 60, weekday >= 1 and weekday <= 5 and 16 * 60 + 30 or 0, 30 do
      local start = local_time.instant(date, minutes, ZONE)
      if start >= span.startDate and start <= span.endDate then
        slots[#slots + 1] = '"' .. local_time.iso(start, ZONE) .. '"'
      end
    end
    if #slots > 0 then
      days[#days + 1] = ('"%s":{"slots":[%s]}'):format(local_time.date_text(date), table.concat(slots, ","))
    end
  end
  return "{" .. table.concat(days, ",") .. "}"
end

local function script(server, delay, headers)
  local listed = {}
  for index, id in ipairs(ids) do
    listed[index] = ('{"id":"%s","name":"Calendar %d","isActive":true}'):format(id, index)
  end
  local function reply(target, body)
    server:reply { target = target, always = true, delay = delay, headers = headers, body = body }
  end
  reply("/calendars/?locationId=l", '{"calendars":[' .. table.concat(listed, ",") .. "]}")
  for _, span in ipairs(spans) do
    local body = free_slots(span)
    for _, id in ipairs(ids) do
      reply(("/calendars/%s/free-slots?startDate=%d&endDate=%d"):format(id, span.startDate, span.endDate), body)
    end
  end
end

local function count_slots(client)
  local count = 0
  for _ in client.calendars:each_slot { from = from, to = to } do
    count = count + 1
  end
  return count
end

--- Reads the longest chain alone.
local function read_chain(client)
  assert(client.calendars:list())
  for _, span in ipairs(spans) do
    assert(client.calendars:free_slots(ids[1], span))
  end
end

local function seconds_of(fn, ...)
  local begun = core.now()
  local result = fn(...)
  return core.now() - begun, result
end

local function measure_chain(server)
  script(server, 0.05)
  local client <close> = hoopai.new { base_url = server.url, token = "t", location_id = "l", rate_limit = false }
  local chain, plain, task, count = math.huge, math.huge, math.huge, nil
  for _ = 1, 5 do
    local seconds
    chain = math.min(chain, (seconds_of(read_chain, client)))
    seconds, count = seconds_of(count_slots, client)
    plain = math.min(plain, seconds)
    task = math.min(task, (seconds_of(hoopai.run, count_slots, client)))
  end
  local text = "%d slots, 50 ms: the longest chain takes %.0f ms; in a script %.0f ms, ratio %.2f; "
    .. "in a task %.0f ms, ratio %.2f (at most 1.3)"
  print(text:format(count, chain * 1e3, plain * 1e3, plain / chain, task * 1e3, task / chain))
end

--- The most requests that arrived within an interval.
local function most_at_once(ledger)
  local most, first = 0, 1
  for index, entry in ipairs(ledger) do
    while ledger[first].arrived <= entry.arrived - INTERVAL do
      first = first + 1
    end
    most = math.max(most, index - first + 1)
  end
  return most
end

local function measure_limit(server)
  local headers =
    { ["X-RateLimit-Max"] = tostring(MOST), ["X-RateLimit-Interval-Milliseconds"] = tostring(INTERVAL * 1000) }
  script(server, 0, headers)
  local client <close> = hoopai.new { base_url = server.url, token = "t", location_id = "l" }
  local seconds, count = seconds_of(count_slots, client)
  local ledger = server:ledger()
  local least = (#ledger - 1) // MOST * INTERVAL
  local text = "%d slots, %d per %d s: %d requests need %d s, took %.2f s, ratio %.3f (at most 1.02); "
    .. "at most %d arrived in %d s"
  print(text:format(count, MOST, INTERVAL, #ledger, least, seconds, seconds / least, most_at_once(ledger), INTERVAL))
end

local which = arg and arg[1]
for _, case in ipairs { { "chain", measure_chain }, { "limit", measure_limit } } do
  if not which or which == case[1] then
    local server = servers.start()
    case[2](server)
    server:stop()
  end
end
