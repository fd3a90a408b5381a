-- Books, with faults in a part of all requests, and counts what went wrong:
--
--   eval "$(make -s env)"; BOOKINGS=100000 lua5.4 spec/torture/bookings.lua
--
-- From the root of the checkout, after make. FAULTS (0.05) is the share of the requests that have one, SEED (1) what
-- they are drawn with.
--
-- From the ledger of the server: no booking may be made twice, none be reported that does not exist, and none be
-- reported as not made that does. Ends with status 1 otherwise.

local bookings = require "spec.torture.support.bookings"

local figures = bookings.soak {
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
print(
  ("%d bookings, %d requests, %d of them with a fault; %.0f s, the longest booking %.1f s"):format(
    figures.count,
    figures.requests,
    figures.faulted,
    figures.seconds,
    figures.longest
  )
)
print(
  (
    "%d booked (%d of them found afterwards), %d not for a taken slot, %d not for another reason (%d of them "
    .. "looked for in vain), %d unclear, %d unclear where somebody else has the slot"
  ):format(
    figures.booked,
    figures.reconciled,
    figures.taken,
    figures.definite,
    figures.not_there,
    figures.unclear,
    figures.unclear_contested
  )
)
print(
  (
    "%d duplicates, %d creates sent twice, %d successes that do not exist, %d denied that exist, %d unclear without "
    .. "a booking to look up"
  ):format(figures.duplicates, figures.resent, figures.invented, figures.denied, figures.mute)
)
os.exit(figures.duplicates + figures.resent + figures.invented + figures.denied + figures.mute == 0)
