"""Adds months, days and milliseconds to instants, by dateutil and zoneinfo.

A line of the input: zone, or "-" for none; milliseconds since 1970; months; days; milliseconds. A line of the output:
milliseconds since 1970, and the first instants of the local day, month and year of the instant in the input.
"""
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MILLISECOND = timedelta(milliseconds=1)


def instant(ms):
    return EPOCH + ms * MILLISECOND


def ms_of(moment):
    return (moment.astimezone(timezone.utc) - EPOCH) // MILLISECOND


def first_of(moment, zone, same):
    """The first instant at which the local date is in the same day, month or year, to the minute."""
    wall = moment.astimezone(zone)
    midnight = datetime(*same(wall), tzinfo=zone)
    # Clocks may show the end of the day before again after midnight, or skip midnight.
    for ms in range(ms_of(midnight) - 2 * 3600000, ms_of(midnight) + 2 * 3600000, 60000):
        if same(instant(ms).astimezone(zone)) == same(wall):
            return ms
    raise ValueError("no such day")


for line in sys.stdin:
    name, ms, months, days, length = line.split()
    zone = timezone.utc if name == "-" else ZoneInfo(name)
    start = instant(int(ms))
    wall = start.astimezone(zone)
    if int(months) or int(days):
        moved = wall.replace(tzinfo=None) + relativedelta(months=int(months), days=int(days))
        # fold=0: the first of two equal local times; a skipped one is taken by the offset before the gap.
        result = moved.replace(tzinfo=zone, fold=0)
    else:
        result = start
    starts = [
        first_of(start, zone, lambda t: (t.year, t.month, t.day)),
        first_of(start, zone, lambda t: (t.year, t.month, 1)),
        first_of(start, zone, lambda t: (t.year, 1, 1)),
    ]
    print(ms_of(result) + int(length), *starts)
