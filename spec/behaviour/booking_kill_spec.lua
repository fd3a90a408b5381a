-- A small run of the kills that `make torture` does 500 times: programs that book with a reference of their own die by
-- SIGKILL and are run again.

local kills = require "spec.torture.support.booking_kills"
local leak = require "spec.support.leak"

describe("a program that was killed while it booked, run again with the same reference,", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  it("finds its booking, wherever it was killed, or makes the only one", function()
    local figures = kills.run(24)
    assert.are.same({}, figures.problems)
    assert.are.equal(0, figures.wrong)
    assert.are.equal(0, figures.duplicates)
    -- Else the run has shown nothing: some of the creates had been carried out, some not.
    assert.is_true(figures.applied >= 10 and figures.unapplied >= 3, figures.applied .. ", " .. figures.unapplied)
  end)

  it("finds it if the API has carried the create out late, and the pause was long enough", function()
    for _, calendar in ipairs { "k-late", "class-late" } do
      local found = kills.late(calendar, "before")
      assert.are.equal(1, found.bookings)
      assert.matches("existing$", found.second)
    end
  end)

  it("is kept from a second booking by the calendar if the pause was too short and a slot has one seat", function()
    for _, moment in ipairs { "during", "after" } do
      local found = kills.late("k-late", moment)
      assert.are.equal(1, found.bookings, moment)
      assert.matches("^ap1 .* new$", found.second)
      assert.matches("^ap1 .* existing$", found.third)
    end
  end)

  it(
    "books a second time if the pause was too short and a slot has several seats, and says so when run again",
    function()
      for _, moment in ipairs { "during", "after" } do
        local found = kills.late("class-late", moment)
        assert.are.equal(2, found.bookings, moment)
        assert.are.equal("duplicate yes", found.third)
      end
    end
  )
end)
