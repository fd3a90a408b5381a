-- Kills programs that book with a reference of their own, and runs them again:
--
--   eval "$(make -s env)"; BOOKING_KILLS=500 lua5.4 spec/torture/booking_kill.lua
--
-- From the root of the checkout, after make build build/process.so.
--
-- Each program is killed at a point between the first byte of its create and the end of the response, and run again two
-- times, with the same reference. The server carries out what it has received before the second run: there must be one
-- booking, and each later run must return it. Where the server carries it out later, the figures show what
-- doc/retries.md says. Ends with status 1 otherwise.

local kills = require "spec.torture.support.booking_kills"

local figures = kills.run(tonumber(os.getenv "BOOKING_KILLS") or 500)
for _, problem in ipairs(figures.problems) do
  print("  WRONG: " .. problem)
end
local points = {}
for name, count in pairs(figures.points) do
  points[#points + 1] = ("%d %s"):format(count, name)
end
table.sort(points)
local REPORT = "%d kills (%s): %d creates were carried out before the second run, %d were not; "
  .. "%d duplicates, %d wrong; %.1f s"
print(
  REPORT:format(
    figures.kills,
    table.concat(points, ", "),
    figures.applied,
    figures.unapplied,
    figures.duplicates,
    figures.wrong,
    figures.seconds
  )
)

local wrong = figures.wrong
-- How many bookings there must be in the end, by the calendar and by when the create is carried out.
local LATE = {
  { "k-late", "before", 1 },
  { "k-late", "during", 1 },
  { "k-late", "after", 1 },
  { "class-late", "before", 1 },
  { "class-late", "during", 2 },
  { "class-late", "after", 2 },
}
for _, case in ipairs(LATE) do
  local found = kills.late(case[1], case[2])
  print(
    ("%s, carried out %s the second run: %d bookings; the second run: %s; the third: %s"):format(
      case[1],
      case[2],
      found.bookings,
      found.second,
      found.third
    )
  )
  if found.bookings ~= case[3] then wrong = wrong + 1 end
end
os.exit(wrong == 0)
