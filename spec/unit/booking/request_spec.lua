-- The job that appointments:book makes of its arguments. (What is refused: spec/unit/booking_spec.lua.)

local hoopai = require "hoopai"
local kinds = require "hoopai.booking.kinds"
local requests = require "hoopai.booking.request"

local time = hoopai.time
local DAY = 86400000

describe("hoopai.booking.request", function()
  local client = hoopai.new { token = "t", base_url = "http://127.0.0.1:9", location_id = "loc", timeout = 7 }
  local state = { client = client, settings = { location_id = "loc", timeout = 7, validate = true } }

  teardown(function() client:close() end)

  local function new_job(more, call_options)
    local given = { calendarId = "cal", contactId = "con" }
    for name, value in pairs(more) do
      given[name] = value
    end
    return assert(requests.new_job(kinds.appointments, state, given, call_options))
  end

  it("has the fields of the appointment apart from the options of the booking", function()
    local job = new_job {
      startTime = "2026-12-01T10:00:00-05:00",
      title = "Visit",
      description = "Bring the papers.",
      reference = "my-reference",
      max_slots = 7,
    }
    assert.are.same({
      calendarId = "cal",
      contactId = "con",
      locationId = "loc",
      startTime = "2026-12-01T10:00:00-05:00",
      title = "Visit",
      description = "Bring the papers.\n\n[ref my-reference]",
    }, job.body)
    assert.are.equal(7, job.slots_left)
    assert.are.equal("fail", job.on_taken)
    assert.are.equal(60, job.reconcile_timeout)
    local start = time.parse("2026-12-01T10:00:00-05:00"):ms()
    assert.are.same({ start, start, start + 7 * DAY }, { job.start, job.from, job.to })
  end)

  it("has a reference of the caller, one that was made up, or none", function()
    local own = new_job { reference = "my-reference" }
    assert.are.same({ "my-reference", true }, { own.reference, own.has_own_reference })
    for _, given in ipairs { {}, { reference = true } } do
      local job = new_job(given)
      assert.matches("^hoopai%-%x+$", job.reference)
      assert.is_false(job.has_own_reference)
      assert.are.equal("[ref " .. job.reference .. "]", job.body.description)
    end
    local none = new_job { reference = false }
    assert.is_nil(none.reference)
    assert.is_false(none.has_own_reference)
    assert.is_nil(none.body.description)
  end)

  it("takes lengths of references from 8 to 200", function()
    for length, ok in pairs { [7] = false, [8] = true, [200] = true, [201] = false } do
      for _, character in ipairs { "x", "\u{E9}", "\u{1F600}" } do
        local reference = character:rep(length)
        local job, err =
          requests.new_job(kinds.appointments, state, { calendarId = "cal", contactId = "con", reference = reference })
        assert.are.equal(ok, job ~= nil, length)
        if not ok then assert.are.equal("reference", err.details[1].path) end
      end
    end
  end)

  it("takes no reference that contains the mark of another one", function()
    for _, reference in ipairs { "order-1 [ref other-one", "other-one]x", "other-one [" } do
      local job, err =
        requests.new_job(kinds.appointments, state, { calendarId = "cal", contactId = "con", reference = reference })
      assert.is_nil(job)
      assert.are.same({ "reference", "must have no [ and ], which mark it in the text" }, {
        err.details[1].path,
        err.details[1].problem,
      })
    end
  end)

  it("takes no reference that is not UTF-8", function()
    local job, err = requests.new_job(
      kinds.appointments,
      state,
      { calendarId = "cal", contactId = "con", reference = "order-\xE9t\xE9" }
    )
    assert.is_nil(job)
    assert.are.same({ "reference" }, { err.details[1].path, err.details[2] })
  end)

  it("bounds the time of a request by that of a call", function()
    local job = new_job({}, { queue_timeout = 3, headers = { ["X-A"] = "b" } })
    assert.are.same({ timeout = 7, queue_timeout = 3, headers = { ["X-A"] = "b" } }, requests.within(job, 10))
    assert.are.same({ timeout = 2, queue_timeout = 2, headers = { ["X-A"] = "b" } }, requests.within(job, 2))
  end)
end)
