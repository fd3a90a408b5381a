--- Books appointments or services with `book` at a server of which a part of all requests has a fault, and asks the
-- server's ledger what became of each booking.

local core = require "hoopai.core"
local faults = require "spec.support.faults"
local hoopai = require "hoopai"

local now = core.now

local bookings = {}

local FIRST_SLOT = 1767571200000 -- 2026-01-05T00:00:00Z
local HALF_HOUR = 30 * 60 * 1000
local PAGE = 5000

-- Seconds. The server lets a request stall for longer than the client waits, and is late for longer than that.
local TIMEOUT, PATIENCE, LATE = 3, 4, 5

-- Plain HTTP is the fastest, so most bookings go there.
local TRANSPORTS = {
  { name = "HTTP/1.1", share = 8, tls = false, http2 = false },
  { name = "HTTP/1.1 over TLS", share = 1, tls = true, http2 = false },
  { name = "HTTP/2", share = 1, tls = true, http2 = true },
}

local function slot_text(number) return hoopai.time.from_ms(FIRST_SLOT + number * HALF_HOUR):iso("UTC") end

-- The kinds of bookings, ten in a row. Each gets the number of the row and its place in it. Those that want the same
-- slot, or the next free one of the same calendar, are two each.
-- stylua: ignore
local function of_a_slot(row, place)
  return { calendarId = ("k%d-%d"):format(row, place), startTime = slot_text(place) }
end

local function of_the_same_slot(row) return { calendarId = ("same%d"):format(row), startTime = slot_text(0) } end

local function of_the_next_slot(row)
  return {
    calendarId = ("next%d"):format(row),
    from = FIRST_SLOT,
    to = FIRST_SLOT + 8 * HALF_HOUR,
    on_taken = "next",
  }
end

local function without_reference(row, place)
  local booking = of_a_slot(row, place)
  booking.reference = false
  return booking
end

local function of_a_class(row) return { calendarId = ("class%d"):format(row // 4), startTime = slot_text(0) } end

-- Service bookings are listed by location: those that are looked for in a wide span have one of their own each.

local function of_staff(staff, row)
  return {
    services = { { id = "s", staffId = staff } },
    startTime = slot_text(row),
    endTime = slot_text(row + 1),
    timezone = "America/New_York",
  }
end

local function of_a_member(row, place) return of_staff(("u%d-%d"):format(row, place), row) end

local function of_the_same_member(row) return of_staff(("same%d"):format(row), row) end

local function of_a_busy_member(row) return of_staff(("class%d"):format(row // 4), row // 4) end

local function with_own_reference(row, place)
  local booking = of_a_member(row, place)
  booking.reference = ("order-%06d"):format(row)
  return booking, { location_id = ("own%d"):format(row) }
end

local function with_any_reference(row, place)
  local booking = of_a_member(row, place)
  booking.reference = true
  return booking, { location_id = ("any%d"):format(row) }
end

-- Resource -> the name of its identifier, and its kinds of bookings.
local RESOURCES = {
  appointments = {
    id = "id",
    kinds = {
      of_a_slot,
      of_a_slot,
      of_a_slot,
      of_a_slot,
      of_the_same_slot,
      of_the_same_slot,
      of_the_next_slot,
      of_the_next_slot,
      without_reference,
      of_a_class,
    },
  },
  service_bookings = {
    id = "bookingId",
    kinds = {
      of_a_member,
      of_a_member,
      of_a_member,
      of_a_member,
      of_a_member,
      of_the_same_member,
      of_the_same_member,
      with_own_reference,
      with_any_reference,
      of_a_busy_member,
    },
  },
}
local contested = { [of_the_same_slot] = true, [of_the_next_slot] = true, [of_the_same_member] = true }

local function new_booking(number, transport, given)
  local kinds = RESOURCES[given.resource].kinds
  local row, place = (number - 1) // #kinds, (number - 1) % #kinds + 1
  local booking, options = kinds[place](row, place)
  booking.contactId, booking.title = ("%s %d"):format(transport.name, number), "soak"
  booking.reconcile_timeout = given.reconcile_timeout
  return { given = booking, options = options, contact = booking.contactId, contested = contested[kinds[place]] }
end

--- One transport with its lane, its client, and its share of the bookings.
local function new_part(server, transport, given)
  local lane = server:open({
    {
      tls = transport.tls,
      late = LATE,
      patience = PATIENCE,
      random = { seed = given.seed, rate = given.rate },
      headers = "X-RateLimit-Max: 1000000\r\nX-RateLimit-Remaining: 1000000\r\n"
        .. "X-RateLimit-Interval-Milliseconds: 10000\r\n",
    },
  })[1]
  local part = { transport = transport, lane = lane, requests = 0, list = {}, resource = given.resource }
  part.client = hoopai.new {
    base_url = lane.url,
    token = "t",
    location_id = "l",
    ca_file = server.ca_file,
    http2 = transport.http2,
    timeout = TIMEOUT,
    max_connections = given.connections,
    on = { request = function() part.requests = part.requests + 1 end },
  }
  for number = 1, given.count * transport.share // 10 do
    part.list[number] = new_booking(number, transport, given)
  end
  return part
end

--- Books all, each of them a task's work; notes the outcomes.
local function book_all(part, at_once)
  local id = RESOURCES[part.resource].id
  hoopai.map(part.list, function(booking)
    local began = now()
    local result, response = part.client[part.resource]:book(booking.given, booking.options)
    booking.seconds = now() - began
    if result then
      booking.id, booking.reconciled = result[id], response.reconciled
    else
      booking.err = response
    end
    return true
  end, { concurrency = at_once })
end

local Figures = {}
Figures.__index = Figures

function Figures:wrong(name, contact, text, ...)
  self[name] = self[name] + 1
  if #self.problems < 20 then self.problems[#self.problems + 1] = contact .. ": " .. text:format(...) end
end

local function has_id(booked, id)
  for _, record in ipairs(booked) do
    if record.id == id then return true end
  end
  return false
end

--- Holds one outcome against what the ledger says.
local function judge(figures, booking, truth)
  local contact, err = booking.contact, booking.err
  figures.longest = math.max(figures.longest, booking.seconds)
  if truth.created > 1 then figures:wrong("duplicates", contact, "%d bookings", truth.created) end
  if booking.given.startTime and truth.arrived > 1 then
    figures:wrong("resent", contact, "the create came %d times", truth.arrived)
  end
  if not err then
    figures.booked = figures.booked + 1
    if booking.reconciled then figures.reconciled = figures.reconciled + 1 end
    if not has_id(truth.booked, booking.id) then figures:wrong("invented", contact, "there is no %s", booking.id) end
  elseif err.applied == "no" then
    local name = err.kind == "slot_taken" and "taken" or "definite"
    figures[name] = figures[name] + 1
    if err.message:find("it was looked for and is not there", 1, true) then
      figures.not_there = figures.not_there + 1
    end
    if truth.created > 0 then figures:wrong("denied", contact, "it exists: %s", err) end
  else
    local name = booking.contested and "unclear_contested" or "unclear"
    figures[name] = figures[name] + 1
    if not err.booking then figures:wrong("mute", contact, "nothing to look again with: %s", err) end
  end
end

local function judge_part(figures, server, part)
  for first = 1, #part.list, PAGE do
    local contacts = {}
    for number = first, math.min(first + PAGE - 1, #part.list) do
      contacts[#contacts + 1] = part.list[number].contact
    end
    for position, truth in ipairs(server:contacts(part.lane, contacts)) do
      judge(figures, part.list[first + position - 1], truth)
    end
  end
end

--- Looks again for the bookings that stayed unclear: what is found must be what the ledger has.
local function look_again(figures, server, part)
  hoopai.map(part.list, function(booking)
    local err = booking.err
    if not err or not err.booking then return true end
    local found, problem = part.client[part.resource]:find_booking(err.booking, booking.options)
    local truth = server:contacts(part.lane, { booking.contact })[1]
    if found then
      if not has_id(truth.booked, found[RESOURCES[part.resource].id]) then
        figures:wrong("invented", booking.contact, "found again")
      end
    elseif problem.kind == "not_found" and truth.created > 0 then
      figures:wrong("denied", booking.contact, "not found again")
    end
    return true
  end, { concurrency = 100 })
end

--- Runs the soak.
-- @tparam table given `resource` (appointments or service_bookings), `count` of bookings, `rate` of faults (0 to 1),
-- `seed`, `reconcile_timeout`, `at_once` (tasks), `connections` of each client
-- @treturn table figures. Of bookings: `count`, `booked` and `reconciled` (those of them that were found afterwards),
-- `taken` (not booked, by a taken slot), `definite` (not booked, for another reason), `not_there` (those of them whose
-- response was lost, and that were looked for in vain), `unclear`, and `unclear_contested`: then the slot belongs to
-- another booking, which proves nothing. Violations are in `problems`, counted in `duplicates` (more than one booking),
-- `resent` (a create that came twice), `invented` (a success that does not exist), `denied` ("not booked", but it
-- exists), `mute` (an unclear outcome that cannot be looked up)
function bookings.soak(given)
  local server <close> = setmetatable({ server = faults.start() }, { __close = function(own) own.server:stop() end })
  local parts, lanes = {}, {}
  for index, transport in ipairs(TRANSPORTS) do
    parts[index] = new_part(server.server, transport, given)
    lanes[index] = parts[index].lane
  end
  local figures = setmetatable({
    count = 0,
    booked = 0,
    reconciled = 0,
    taken = 0,
    definite = 0,
    not_there = 0,
    unclear = 0,
    unclear_contested = 0,
    longest = 0,
    requests = 0,
    faulted = 0,
    duplicates = 0,
    resent = 0,
    invented = 0,
    denied = 0,
    mute = 0,
    problems = {},
  }, Figures)
  local began = now()
  hoopai.map(parts, function(part)
    book_all(part, given.at_once)
    return true
  end)
  figures.seconds = now() - began
  server.server:settle(lanes)
  for index, ledger in ipairs(server.server:ledger(lanes)) do
    local part = parts[index]
    figures.count, figures.requests = figures.count + #part.list, figures.requests + part.requests
    figures.faulted = figures.faulted + ledger.struck
    judge_part(figures, server.server, part)
    look_again(figures, server.server, part)
    part.client:close()
  end
  return figures
end

local REPORT = {
  {
    "%d bookings, %d requests, %d of them with a fault; %.0f s, the longest booking %.1f s",
    { "count", "requests", "faulted", "seconds", "longest" },
  },
  {
    "%d booked (%d of them found afterwards), %d not for a taken slot, %d not for another reason (%d of them "
      .. "looked for in vain), %d unclear, %d unclear where somebody else has the slot",
    { "booked", "reconciled", "taken", "definite", "not_there", "unclear", "unclear_contested" },
  },
  {
    "%d duplicates, %d creates sent twice, %d successes that do not exist, %d denied that exist, %d unclear without "
      .. "a booking to look up",
    { "duplicates", "resent", "invented", "denied", "mute" },
  },
}

--- Runs the soak with what the environment says, prints the figures, and ends with status 1 if anything is wrong.
-- @tparam string resource
function bookings.main(resource)
  local figures = bookings.soak {
    resource = resource,
    count = tonumber(os.getenv("BOOKINGS")) or 100000,
    rate = tonumber(os.getenv("FAULTS")) or 0.05,
    seed = tonumber(os.getenv("SEED")) or 1,
    reconcile_timeout = 60,
    at_once = 2000,
    connections = 600,
  }
  for _, problem in ipairs(figures.problems) do
    print("  WRONG: " .. problem)
  end
  for _, line in ipairs(REPORT) do
    local list = {}
    for index, name in ipairs(line[2]) do
      list[index] = figures[name]
    end
    print(line[1]:format(table.unpack(list)))
  end
  os.exit(figures.duplicates + figures.resent + figures.invented + figures.denied + figures.mute == 0)
end

return bookings
