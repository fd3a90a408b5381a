-- Every fault of the matrix (spec/support/fault/matrix.lua) x every class of endpoint x HTTP/1.1, the same over TLS,
-- and HTTP/2. What is expected is read from the server's ledger, never from the client's word.

local errors = require "hoopai.errors"
local faults = require "spec.support.faults"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local matrix = require "spec.support.fault.matrix"

local now = require("hoopai.core").now

local AT_ONCE = 100 -- calls
local SHORT = 0.8 -- seconds after which a call is given up that the server lets stall, at first
local LONG = 20 -- and one that it does not; more than a call ever needs
local LATE = 0.3
local ROUNDS = 5 -- of which each has twice the time of the one before

local TRANSPORTS = {
  { name = "HTTP/1.1", tls = false, http2 = false, cases = 93 },
  { name = "HTTP/1.1 over TLS", tls = true, http2 = false, cases = 94 },
  { name = "HTTP/2", tls = true, http2 = true, cases = 94 },
}

local known_kinds = {}
for _, kind in ipairs(errors.kinds) do
  known_kinds[kind] = true
end

--- What is wrong, collected by case.
local Problems = {}
Problems.__index = Problems

function Problems:that(condition, case, text, ...)
  if not condition then self[#self + 1] = case.name .. ": " .. text:format(...) end
end

local function new_problems() return setmetatable({}, Problems) end

local function new_client(server, case, more)
  local given = {
    base_url = case.lane.url,
    token = "t",
    location_id = "l",
    ca_file = server.ca_file,
    http2 = case.transport.http2,
    timeout = case.timeout,
  }
  for name, value in pairs(more or {}) do
    given[name] = value or nil
  end
  return hoopai.new(given)
end

local function new_app(server, case, store)
  return hoopai.oauth {
    client_id = "app",
    client_secret = "secret",
    redirect_uri = "https://example.com/",
    base_url = case.lane.url,
    ca_file = server.ca_file,
    http2 = case.transport.http2,
    store = store or hoopai.store.memory(),
  }
end

-------------------------------------------------------------------------------------------------------------- classes

local SLOT = "2026-01-05T10:00:00-05:00"
local RECONCILE = 2 -- seconds in which a booking whose response was lost is looked for

-- Seen at once, these make a client leave, over HTTP/2 perhaps before it has sent its body.
local DRIVES_AWAY = { close = true, truncate = true, garbage = true }
local IS_EARLY = { after_accept = true, after_headers = true }
local AT_CONNECTION = { before_accept = true, after_accept = true }

--- Is the fault what it is called: must the server carry the request out?
local function must_be_carried_out(case)
  local fault = case.fault
  if fault.applied == "no" or fault.class == "safe" then return false end
  if case.reads_first and AT_CONNECTION[fault.when] then return false end -- the first connection carries a read
  return not (case.transport.http2 and IS_EARLY[fault.when] and DRIVES_AWAY[fault.what])
end

--- Is the error's word true? `count` is how often the ledger saw the change.
local function check_word(problems, case, count)
  local err = case.err
  if not err then return problems:that(count >= 1, case, "a success, but the ledger has nothing") end
  problems:that(known_kinds[err.kind], case, "unknown kind %s", tostring(err.kind))
  problems:that(err.applied ~= "no" or count == 0, case, "applied is no, but the ledger has it (%s)", err)
  problems:that(err.applied ~= "yes" or count >= 1, case, "applied is yes, but the ledger has nothing (%s)", err)
  problems:that(
    err.applied == "no" or err.applied == "maybe" or err.applied == "yes",
    case,
    "applied is %s",
    tostring(err.applied)
  )
  -- Before the end of a handshake nothing can have left: more than that must not be claimed.
  if case.transport.tls and case.fault.when == "before_accept" then
    problems:that(err.applied == "no", case, "applied is %s, but there never was a handshake", err.applied)
  end
end

local booked = 0

--- A booking of a calendar and a contact of its own: bookings of one slot take turns.
local function appointment(more)
  booked = booked + 1
  local given = { calendarId = "k" .. booked, contactId = "guest" .. booked, startTime = SLOT, title = "t" }
  for name, value in pairs(more or {}) do
    given[name] = value
  end
  return given
end

local function service_booking(more)
  local given = appointment {
    endTime = "2026-01-05T10:30:00-05:00",
    timezone = "America/New_York",
    services = { { id = "s", staffId = "u" } },
    reconcile_timeout = more and more.reconcile_timeout,
  }
  given.calendarId = nil
  return given
end

--- What a create must not do: be carried out, or even arrive, twice.
local function check_create(problems, case, ledger)
  local count = ledger.applied.create or 0
  check_word(problems, case, count)
  problems:that(count <= 1, case, "booked %d times", count)
  problems:that(ledger.arrived.once <= 1, case, "came %d times", ledger.arrived.once)
end

local function check_delete(problems, case, ledger)
  check_word(problems, case, ledger.applied.delete or 0)
  problems:that((ledger.applied.delete or 0) <= 1, case, "deleted %s times", ledger.applied.delete)
  problems:that(ledger.arrived.idempotent <= 3, case, "sent %d times", ledger.arrived.idempotent)
end

--- An update of the title of this record.
local function check_update(id)
  return function(problems, case, ledger)
    check_word(problems, case, ledger.applied.update or 0)
    if case.result then problems:that(ledger.titles[id] == "after", case, "the title is %s", ledger.titles[id]) end
    problems:that(ledger.arrived.idempotent <= 3, case, "sent %d times", ledger.arrived.idempotent)
  end
end

--- A booking that was looked for: if it was made, it is found, unless the request may still be under way.
local function check_booked(problems, case, ledger)
  check_create(problems, case, ledger)
  local count = ledger.applied.create or 0
  problems:that(not case.result or count == 1, case, "a success, booked %d times", count)
  if case.err then problems:that(case.err.applied == "no" or case.err.booking, case, "nothing to look again with") end
end

local function count_creates(ledger) return ledger.applied.create or 0 end

-- For each class of endpoint: the call under test (client or app, case), what the ledger must say after it, and
-- another call that must succeed afterwards.
local CLASSES = {
  {
    class = "safe",
    name = "a read",
    call = function(client) return client.appointments:get("ap1") end,
    check = function(problems, case, ledger)
      if case.result then
        problems:that(case.result.title == "before", case, "got the title %s", tostring(case.result.title))
      else
        check_word(problems, case, 0)
        problems:that(case.err.applied == "no", case, "applied of a read is %s", case.err.applied)
      end
      problems:that(next(ledger.applied) == nil, case, "a read changed something")
    end,
  },
  {
    class = "idempotent",
    name = "an update by id",
    count = function(ledger) return ledger.applied.update or 0 end,
    call = function(client) return client.appointments:update("ap1", { title = "after" }) end,
    check = check_update "ap1",
  },
  {
    class = "idempotent",
    name = "a delete by id",
    count = function(ledger) return ledger.applied.delete or 0 end,
    call = function(client) return client.appointments:delete("ap1") end,
    check = check_delete,
  },
  {
    class = "once",
    name = "a booking",
    count = count_creates,
    call = function(client) return client.appointments:create(appointment()) end,
    check = check_create,
  },
  {
    class = "once",
    name = "a booking that is looked for",
    count = count_creates,
    call = function(client) return client.appointments:book(appointment { reconcile_timeout = RECONCILE }) end,
    check = check_booked,
  },
  {
    class = "idempotent",
    name = "an update of a service booking",
    count = function(ledger) return ledger.applied.update or 0 end,
    call = function(client) return client.service_bookings:update("sb1", { title = "after" }) end,
    check = check_update "sb1",
  },
  {
    class = "idempotent",
    name = "a delete of a service booking",
    count = function(ledger) return ledger.applied.delete or 0 end,
    call = function(client) return client.service_bookings:delete("sb1") end,
    check = check_delete,
  },
  {
    class = "once",
    name = "a service booking",
    count = count_creates,
    call = function(client) return client.service_bookings:create(service_booking()) end,
    check = check_create,
  },
  {
    class = "once",
    name = "a service booking that is looked for",
    reads_first = true,
    count = count_creates,
    call = function(client) return client.service_bookings:book(service_booking { reconcile_timeout = RECONCILE }) end,
    check = check_booked,
  },
}

--- A call that must work on each client afterwards.
local function healthy(client)
  local found, err = client.appointments:get("ap2", { timeout = LONG })
  if not found then return err end
  return found.title ~= "before" and "got the title " .. tostring(found.title) or nil
end

--- What a call returned: the result, or nil and the error.
local function outcome(result, response)
  if result ~= nil then return result end
  return nil, response
end

---------------------------------------------------------------------------------------------------------------- cases

local function new_case(fault, transport)
  local is_slow = fault.what == "stall" or fault.what == "drip"
  return {
    fault = fault,
    transport = transport,
    is_slow = is_slow,
    timeout = LONG,
    name = ("%s, %s %s applied=%s"):format(transport.name, fault.when, fault.what, fault.applied),
  }
end

--- One case for each fault that makes sense, over each transport.
local function cases_of(class, nth, reads_first)
  local cases = {}
  for _, transport in ipairs(TRANSPORTS) do
    for _, fault in ipairs(matrix.all(transport.tls)) do
      fault.class = class
      if nth then fault.nth = nth[fault.when] or nth.request end
      local case = new_case(fault, transport)
      case.reads_first = reads_first
      cases[#cases + 1] = case
    end
  end
  return cases
end

--- One case for each way in which a response with a success status can break off although nothing was done.
local function lies_of(class)
  local cases = {}
  for _, transport in ipairs(TRANSPORTS) do
    for _, what in ipairs(matrix.whats) do
      local fault = { when = "mid_answer", what = what, applied = "no", lies = true, class = class }
      cases[#cases + 1] = new_case(fault, transport)
    end
  end
  return cases
end

local function lanes_for(cases, short, more)
  local list = {}
  for index, case in ipairs(cases) do
    if case.is_slow then case.timeout = short end
    local lane = {
      tls = case.transport.tls,
      faults = { case.fault },
      late = LATE,
      patience = 2 * short,
      records = 2,
      services = 2,
    }
    for name, value in pairs(more or {}) do
      lane[name] = value
    end
    list[index] = lane
  end
  return list
end

--- On a busy machine the time of a call that is to be given up can be over before it has come to its fault.
local function is_too_early(case, ledger, has_happened)
  if not case.is_slow then return false end
  local never_left = case.err and case.err.stage == "connect" and case.fault.when ~= "before_accept"
  return never_left or ledger.faults[1] == 0 or not has_happened
end

--- Plays cases side by side and returns those that have to be played again.
local function run_round(server, cases, short, given, play, check, problems)
  local lanes, missed = server:open(lanes_for(cases, short, given.lane)), {}
  for index, case in ipairs(cases) do
    case.lane = lanes[index]
  end
  hoopai.map(cases, play, { concurrency = given.at_once or AT_ONCE })
  server:settle(lanes)
  for index, ledger in ipairs(server:ledger(lanes)) do
    local case = cases[index]
    local has_happened = not must_be_carried_out(case) or given.count(ledger) > 0
    if is_too_early(case, ledger, has_happened) then
      missed[#missed + 1] = case
    else
      problems:that(has_happened, case, "the server did not carry it out")
      check(problems, case, ledger)
      problems:that(ledger.faults[1] == 1, case, "the fault struck %d times", ledger.faults[1])
    end
  end
  server:close(lanes)
  return missed
end

--- Plays all cases: play(case) in a task each. Then checks each with its ledger.
-- @tparam table given `count`: how often the ledger has the change under test; `lane`: further members of each lane;
-- `at_once`: how many cases
local function run_all(server, cases, given, play, check)
  local problems, rounds = new_problems(), 0
  while #cases > 0 and rounds < ROUNDS do
    cases = run_round(server, cases, SHORT * 2 ^ rounds, given, play, check, problems)
    rounds = rounds + 1
  end
  for _, case in ipairs(cases) do
    problems:that(false, case, "the fault never struck")
  end
  assert.are.same({}, { table.unpack(problems) })
end

local function count_first_code(ledger) return ledger.changes.token.first or 0 end

--- A refresh token: its successor is never lost if the response came, and never reported as refused while it is valid.
local function check_refresh(problems, case, ledger)
  local rotated = ledger.changes.token["refresh-1"] or 0
  problems:that(rotated <= 1, case, "rotated %d times", rotated)
  problems:that((ledger.presented["refresh-1"] or 0) <= 3, case, "came %s times", ledger.presented["refresh-1"])
  if case.last then
    problems:that(ledger.current ~= "access-1", case, "a call worked with the first token")
  else
    local kind = case.problem.kind
    problems:that(
      kind == "reauth_required" and rotated == 1,
      case,
      "ends with %s, rotated %d times",
      case.problem,
      rotated
    )
    problems:that(case.problem.applied == "no", case, "applied is %s", case.problem.applied)
  end
  problems:that(case.result or case.err.applied == "no", case, "applied of a read is not no")
end

local H1, H1_TLS, H2 = TRANSPORTS[1], TRANSPORTS[2], TRANSPORTS[3]

-- What must not be sent again when a connection that was used before dies under it: libcurl itself would.
local REUSED = {}
for _, way in ipairs {
  { H1, "close" },
  { H1, "reset" },
  { H1_TLS, "close" },
  { H1_TLS, "reset" },
  { H2, "close" },
  { H2, "reset" },
  { H2, "goaway" },
  { H2, "refuse" },
  { H2, "cancel" },
} do
  REUSED[#REUSED + 1] = {
    transport = way[1],
    what = way[2],
    name = "a booking is lost",
    class = "once",
    nth = 1,
    play = function(server, case, mark)
      local client <close> = new_client(server, case)
      case.problem = healthy(client)
      mark()
      case.result, case.err = outcome(CLASSES[4].call(client))
      case.problem = case.problem or healthy(client)
    end,
    count = function(ledger) return ledger.applied.create or 0 end,
  }
  REUSED[#REUSED + 1] = {
    transport = way[1],
    what = way[2],
    name = "a service booking is lost",
    class = "once",
    nth = 1,
    play = function(server, case, mark)
      local client <close> = new_client(server, case)
      case.problem = healthy(client)
      mark()
      case.result, case.err = outcome(client.service_bookings:create(service_booking()))
      case.problem = case.problem or healthy(client)
    end,
    count = count_creates,
  }
  REUSED[#REUSED + 1] = {
    transport = way[1],
    what = way[2],
    name = "a code is lost",
    class = "token",
    nth = 2,
    play = function(server, case, mark)
      local app <close> = new_app(server, case)
      assert(app:exchange { code = "zeroth" })
      mark()
      case.result, case.err = outcome(app:exchange { code = "first" })
    end,
    count = count_first_code,
  }
end

describe("faults:", function()
  local server

  setup(function() server = faults.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after() end)

  for _, row in ipairs(CLASSES) do
    it(row.name .. " has one of 93, 94 and 94 faults", function()
      run_all(server, cases_of(row.class, nil, row.reads_first), { count = row.count }, function(case)
        local client <close> = new_client(server, case)
        local began = now()
        case.result, case.err = outcome(row.call(client))
        case.elapsed = now() - began
        case.problem = healthy(client)
      end, function(problems, case, ledger)
        problems:that(not case.problem, case, "the client is not usable afterwards: %s", tostring(case.problem))
        problems:that(case.elapsed < case.timeout + 10 + RECONCILE, case, "took %.1f s", case.elapsed)
        row.check(problems, case, ledger)
      end)
    end)

    it(row.name .. " gets 200 in half a response, and nothing was done", function()
      run_all(server, lies_of(row.class), {}, function(case)
        local client <close> = new_client(server, case)
        case.result, case.err = outcome(row.call(client))
      end, function(problems, case, ledger)
        problems:that(case.err or row.class == "safe" or next(ledger.applied), case, "a success, and nothing was done")
        problems:that(case.err or row.class ~= "safe" or case.result.title == "before", case, "a lie was believed")
        problems:that(ledger.arrived.once <= 1, case, "came %d times", ledger.arrived.once)
      end)
    end)
  end

  it("the exchange of a code has one of 93, 94 and 94 faults", function()
    run_all(server, cases_of "token", { count = count_first_code }, function(case)
      local app <close> = new_app(server, case)
      case.result, case.err = outcome(app:exchange { code = "first" })
      case.again, case.problem = app:exchange { code = "second" }
      -- libcurl 7.88 keeps a connection whose very first sending failed, and what leaves at most once is lost on it.
      if not case.again then
        case.again, case.problem = app:exchange { code = "third" }
      end
    end, function(problems, case, ledger)
      problems:that(case.again, case, "the app is not usable afterwards: %s", tostring(case.problem))
      check_word(problems, case, count_first_code(ledger))
      problems:that((ledger.presented.first or 0) <= 1, case, "the code came %s times", ledger.presented.first)
      problems:that(ledger.reuses == 0, case, "a code was used twice")
    end)
  end)

  it("the exchange of a refresh token has one of 93, 94 and 94 faults", function()
    local nth = { before_accept = 3, after_accept = 3, request = 2 } -- after the sign-in and a call that is refused
    local given = {
      lane = { only_current = true },
      at_once = 300,
      count = function(ledger) return ledger.changes.token["refresh-1"] or 0 end,
    }
    run_all(server, cases_of("token", nth), given, function(case)
      local store = hoopai.store.memory()
      do
        local app <close> = new_app(server, case, store)
        assert(app:exchange { code = "code" })
      end
      local app <close> = new_app(server, case, store)
      local client <close> = new_client(server, case, { token = false, oauth = app, timeout = LONG })
      case.result, case.err = outcome(client.appointments:get("ap1"))
      hoopai.sleep(1.2) -- after a failed exchange it rests for a second
      case.last, case.problem = outcome(client.appointments:get("ap2", { timeout = LONG }))
    end, check_refresh)
  end)

  describe("of a connection that is used again:", function()
    for _, row in ipairs(REUSED) do
      for _, second in ipairs { "healthy", "faulted" } do
        it(
          ("%s by %s over %s, a second sending would be %s"):format(row.name, row.what, row.transport.name, second),
          function()
            local fault = { when = "after_apply", what = row.what, applied = "yes", class = row.class, nth = row.nth }
            local twin = { when = fault.when, what = row.what, applied = "yes", class = row.class, nth = row.nth + 1 }
            local case = new_case(fault, row.transport)
            local lanes = server:open {
              { tls = row.transport.tls, records = 2, faults = { fault, second == "faulted" and twin or nil } },
            }
            case.lane = lanes[1]
            local problems = new_problems()
            local connections
            hoopai.run(function()
              row.play(server, case, function() connections = server:ledger(lanes)[1].connections end)
            end)
            server:settle(lanes)
            local ledger = server:ledger(lanes)[1]
            server:close(lanes)
            assert.are.equal(1, connections)
            assert.are.equal(1, ledger.faults[1])
            if second == "faulted" then assert.are.equal(0, ledger.faults[2], "it was sent a second time") end
            check_word(problems, case, row.count(ledger))
            assert.are.same({}, { table.unpack(problems) })
            assert.are.equal(1, row.count(ledger))
            assert.are.equal(row.nth, ledger.arrived[row.class])
            assert.is_nil(case.problem)
          end
        )
      end
    end
  end)

  describe("a dead connection is given up for new calls", function()
    -- The first connection is taken, and nothing ever comes from it.
    local function with_client(transport, play)
      local lanes = server:open {
        {
          tls = transport.tls,
          records = 2,
          patience = 60,
          faults = { { when = "after_accept", what = "stall", applied = "no" } },
        },
      }
      local client = leak.client {
        base_url = lanes[1].url,
        token = "t",
        location_id = "l",
        ca_file = server.ca_file,
        http2 = transport.http2,
        timeout = 1,
        retries = false,
      }
      hoopai.run(play, client)
      local ledger = server:ledger(lanes)[1]
      server:close(lanes)
      assert.are.equal(1, ledger.faults[1])
      assert.is_true(ledger.connections >= 2)
    end

    for _, transport in ipairs(TRANSPORTS) do
      it("over " .. transport.name .. ", by one call after the other", function()
        with_client(transport, function(client)
          local failures = 0
          while not client.appointments:get("ap1") do
            failures = failures + 1
            assert.is_true(failures < 10)
          end
          assert.is_true(failures >= 1)
          assert.is_table(client.appointments:get("ap1"))
        end)
      end)

      it("over " .. transport.name .. ", although there is always a call on it", function()
        with_client(transport, function(client)
          local succeeded = 0
          local function call_for_ever(index)
            hoopai.sleep(index * 0.2)
            for _ = 1, 15 do
              if client.appointments:get("ap1") then
                succeeded = succeeded + 1
                return
              end
            end
          end
          hoopai.map({ 1, 2, 3, 4, 5 }, call_for_ever, { concurrency = 5 })
          assert.are.equal(5, succeeded)
        end)
      end)
    end
  end)

  it("the matrix is whole: 108 faults for each class, less those that make no sense", function()
    local left_out_for = {
      [false] = {
        ["without a handshake this is after_accept"] = 9,
        ["a request that nobody reads is not carried out"] = 6,
      },
      [true] = {
        ["without a handshake no request comes that could be carried out"] = 12,
        ["a request that nobody reads is not carried out"] = 2,
      },
    }
    for _, transport in ipairs(TRANSPORTS) do
      local list, left_out = matrix.all(transport.tls)
      local count = #list
      for _, number in pairs(left_out) do
        count = count + number
      end
      assert.are.same(left_out_for[transport.tls], left_out, transport.name)
      assert.are.equal(108, count)
      assert.are.equal(transport.cases, #list, transport.name)
    end
  end)
end)
