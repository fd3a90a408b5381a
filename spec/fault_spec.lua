-- Every fault of the matrix (spec/support/fault/matrix.lua) x every class of endpoint x HTTP/1.1, the same over TLS, and
-- HTTP/2. What is expected is read from the server's ledger, never from the client's word.

local errors = require "hoopai.errors"
local faults = require "spec.support.faults"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local matrix = require "spec.support.fault.matrix"

local now = require("hoopai.core").now

local SHORT = 0.8 -- seconds after which a call is given up that the server lets stall
local LONG = 20   -- and one that it does not; more than a call ever needs
local LATE, PATIENCE = 0.3, 2

local TRANSPORTS = {
  { name = "HTTP/1.1", tls = false, http2 = false, cases = 93 },
  { name = "HTTP/1.1 over TLS", tls = true, http2 = false, cases = 94 },
  { name = "HTTP/2", tls = true, http2 = true, cases = 94 },
}

local known_kinds = {}
for _, kind in ipairs(errors.kinds) do known_kinds[kind] = true end

--- What is wrong, collected by case.
local Problems = {}
Problems.__index = Problems

function Problems:that(condition, case, text, ...)
  if not condition then self[#self + 1] = case.name .. ": " .. text:format(...) end
end

local function new_problems()
  return setmetatable({}, Problems)
end

local function new_client(server, case, more)
  local given = {
    base_url = case.lane.url, token = "t", location_id = "l", ca_file = server.ca_file, http2 = case.transport.http2,
    timeout = case.timeout,
  }
  for name, value in pairs(more or {}) do given[name] = value end
  return hoopai.new(given)
end

local function new_app(server, case, store)
  return hoopai.oauth {
    client_id = "app", client_secret = "secret", redirect_uri = "https://example.com/", base_url = case.lane.url,
    ca_file = server.ca_file, http2 = case.transport.http2, store = store,
  }
end

-------------------------------------------------------------------------------------------------------------- classes

local SLOT = "2026-01-05T10:00:00-05:00"

--- Is the error's word true? `count` is how often the ledger saw the change.
local function check_word(problems, case, count)
  local err = case.err
  if not err then return problems:that(count >= 1, case, "a success, but the ledger has nothing") end
  problems:that(known_kinds[err.kind], case, "unknown kind %s", tostring(err.kind))
  problems:that(err.applied ~= "no" or count == 0, case, "applied is no, but the ledger has it (%s)", err)
  problems:that(err.applied ~= "yes" or count >= 1, case, "applied is yes, but the ledger has nothing (%s)", err)
  problems:that(err.applied == "no" or err.applied == "maybe" or err.applied == "yes", case, "applied is %s",
    tostring(err.applied))
  -- Before the end of a handshake nothing can have left: more than that must not be claimed.
  if case.transport.tls and case.fault.when == "before_accept" then
    problems:that(err.applied == "no", case, "applied is %s, but there never was a handshake", err.applied)
  end
end

-- For each class of endpoint: the call under test (client or app, case), what the ledger must say after it, and
-- another call that must succeed afterwards.
local CLASSES = {
  {
    class = "R", name = "a read",
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
    class = "U", name = "an update by id",
    call = function(client) return client.appointments:update("ap1", { title = "after" }) end,
    check = function(problems, case, ledger)
      check_word(problems, case, ledger.applied.update or 0)
      if case.result then problems:that(ledger.titles.ap1 == "after", case, "the title is %s", ledger.titles.ap1) end
      problems:that(ledger.arrived.U <= 3, case, "sent %d times", ledger.arrived.U)
    end,
  },
  {
    class = "U", name = "a delete by id",
    call = function(client) return client.appointments:delete("ap1") end,
    check = function(problems, case, ledger)
      check_word(problems, case, ledger.applied.delete or 0)
      problems:that((ledger.applied.delete or 0) <= 1, case, "deleted %s times", ledger.applied.delete)
      problems:that(ledger.arrived.U <= 3, case, "sent %d times", ledger.arrived.U)
    end,
  },
  {
    class = "C", name = "a booking",
    call = function(client)
      return client.appointments:create { calendarId = "k", contactId = "guest", startTime = SLOT, title = "t" }
    end,
    check = function(problems, case, ledger)
      local count = ledger.applied.create or 0
      check_word(problems, case, count)
      problems:that(count <= 1, case, "booked %d times", count)
      problems:that(ledger.arrived.C <= 1, case, "came %d times", ledger.arrived.C)
    end,
  },
}

--- A call that must work on each client afterwards. Over HTTP/2 it may get on the connection that the server is about
-- to end, after a stall of a whole connection; then once more.
local function healthy(client)
  local found, err
  for _ = 1, 2 do
    found, err = client.appointments:get("ap2", { timeout = LONG })
    if found then return found.title ~= "before" and "got the title " .. tostring(found.title) or nil end
  end
  return err
end

---------------------------------------------------------------------------------------------------------------- cases

local function name_of(fault)
  return ("%s %s applied=%s"):format(fault.when, fault.what, fault.applied)
end

local function is_slow(fault)
  return fault.what == "stall" or fault.what == "drip"
end

--- One case for each fault that makes sense.
local function cases_of(transport, class, nth)
  local cases = {}
  for index, fault in ipairs(matrix.all(transport.tls)) do
    fault.class = class
    if nth then fault.nth = nth[fault.when] or nth.request end
    cases[index] = {
      fault = fault, name = name_of(fault), transport = transport, timeout = is_slow(fault) and SHORT or LONG,
    }
  end
  return cases
end

local function lanes_for(cases, more)
  local list = {}
  for index, case in ipairs(cases) do
    local lane = { tls = case.transport.tls, faults = { case.fault }, late = LATE, patience = PATIENCE, records = 2 }
    for name, value in pairs(more or {}) do lane[name] = value end
    list[index] = lane
  end
  return list
end

--- Plays all cases side by side: play(case) in a task each. Then checks each with its ledger.
local function run_all(server, cases, lane_options, play, check)
  local lanes = server:open(lanes_for(cases, lane_options))
  for index, case in ipairs(cases) do case.lane = lanes[index] end
  local problems = new_problems()
  hoopai.map(cases, play, { concurrency = #cases })
  server:settle(lanes)
  for index, ledger in ipairs(server:ledger(lanes)) do
    local case = cases[index]
    problems:that(ledger.faults[1] == 1, case, "the fault struck %d times", ledger.faults[1])
    check(problems, case, ledger)
  end
  server:close(lanes)
  assert.are.same({}, { table.unpack(problems) })
end

describe("faults:", function()
  local server

  setup(function() server = faults.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after() end)

  for _, transport in ipairs(TRANSPORTS) do
    describe(transport.name, function()
      for _, row in ipairs(CLASSES) do
        it(("%s has one of %d faults"):format(row.name, transport.cases), function()
          local cases = cases_of(transport, row.class)
          run_all(server, cases, nil, function(case)
            local client <close> = new_client(server, case)
            local began = now()
            case.result, case.err = row.call(client, case)
            if case.result then case.err = nil end
            case.elapsed = now() - began
            case.problem = healthy(client)
          end, function(problems, case, ledger)
            problems:that(not case.problem, case, "the client is not usable afterwards: %s", tostring(case.problem))
            problems:that(case.elapsed < case.timeout + 10, case, "took %.1f s", case.elapsed)
            row.check(problems, case, ledger)
          end)
        end)
      end
    end)
  end

  it("the matrix is whole: 108 faults, less those that make no sense", function()
    for _, transport in ipairs(TRANSPORTS) do
      local list, left_out = matrix.all(transport.tls)
      local count = 0
      for _, number in pairs(left_out) do count = count + number end
      assert.are.equal(108, #list + count)
      assert.are.equal(transport.cases, #list, transport.name)
    end
  end)
end)
