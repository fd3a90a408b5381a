-- Books services, with faults in a part of all requests, and counts what went wrong:
--
--   eval "$(make -s env)"; BOOKINGS=100000 lua5.4 spec/torture/service_bookings.lua
--
-- From the root of the checkout, after make. FAULTS (0.05) is the share of the requests that have one, SEED (1) what
-- they are drawn with.
--
-- From the ledger of the server: no booking may be made twice, none be reported that does not exist, and none be
-- reported as not made that does. Ends with status 1 otherwise.

require("spec.torture.support.bookings").main "service_bookings"
