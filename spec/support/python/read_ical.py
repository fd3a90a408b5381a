"""Reads iCalendar files with icalendar, and their time zones with dateutil, which follows the VTIMEZONE alone.

The input is a JSON list of files. The output is a JSON list of what is in each: properties of the calendar, and events
with their properties; times are seconds since 1970.
"""
import io
import json
import re
import sys
from datetime import datetime, timezone

from dateutil import tz
from icalendar import Calendar

TEXTS = ["UID", "SUMMARY", "DESCRIPTION", "LOCATION", "STATUS", "TRANSP", "RRULE"]
TIMES = ["DTSTAMP", "CREATED", "LAST-MODIFIED", "DTSTART", "DTEND"]


def seconds(moment):
    return int(moment.astimezone(timezone.utc).timestamp())


def read_event(component, zones):
    event = {}
    for name in TEXTS:
        if name in component:
            event[name] = str(component[name])
    if "SEQUENCE" in component:
        event["SEQUENCE"] = int(component["SEQUENCE"])
    for name in TIMES:
        if name not in component:
            continue
        moment = component[name].dt
        if moment.tzinfo is None:
            raise ValueError(name + " is a floating time")
        event[name] = seconds(moment)
        tzid = component[name].params.get("TZID")
        if tzid and tzid != "UTC":
            event[name + " zone"] = str(tzid)
            local = moment.replace(tzinfo=None)
            event[name + " local"] = local.strftime("%Y-%m-%dT%H:%M:%S")
            event[name + " by VTIMEZONE"] = seconds(local.replace(tzinfo=zones.get(str(tzid))))
    return event


def read_changes(component):
    """When the kinds of time of a VTIMEZONE begin, in seconds since 1970, and their offsets."""
    changes = []
    for kind in component.subcomponents:
        starts = [kind["DTSTART"].dt]
        others = kind.get("RDATE", [])
        for dates in others if isinstance(others, list) else [others]:
            starts += [date.dt for date in dates.dts]
        for start in starts:
            onset = start.replace(tzinfo=timezone.utc) - kind["TZOFFSETFROM"].td
            changes.append([seconds(onset), int(kind["TZOFFSETTO"].td.total_seconds())])
    return sorted(changes)


ESCAPES = {"\\": "\\", ";": ";", ",": ",", "n": "\n"}


def unescape(value):
    """A value of type TEXT: what must be escaped is, and nothing else."""
    text, position = "", 0
    while position < len(value):
        character = value[position]
        if character in ";,":
            raise ValueError("not escaped: " + value)
        if character == "\\":
            position += 1
            character = ESCAPES[value[position]]
        text += character
        position += 1
    return text


def read_strictly(text):
    """The name of the calendar and the texts of all events, by the letter of RFC 5545, 3.1 and 3.3.11.

    icalendar is lenient, and takes the escaped backslash before an n for a line break.
    """
    lines = []
    assert text.endswith("\r\n")
    for octets in text.encode().split(b"\r\n")[:-1]:
        assert 0 < len(octets) <= 75, octets
        line = octets.decode()  # raises for a piece of a character
        assert not re.search("[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]", line), line
        if line.startswith(" "):
            lines[-1] += line[1:]
        else:
            lines.append(line)
    events, calendar_name = [], None
    for line in lines:
        name, value = line.split(":", 1)
        if line == "BEGIN:VEVENT":
            events.append({})
        elif name == "X-WR-CALNAME":
            calendar_name = unescape(value)
        elif name in TEXTS:
            assert name not in events[-1], line
            events[-1][name] = unescape(value)
    return calendar_name, events


def read_file(text):
    calendar = Calendar.from_ical(text)
    zones = tz.tzical(io.StringIO(text)) if "BEGIN:VTIMEZONE" in text else None
    calendar_name, events = read_strictly(text)
    names = [part.name for part in calendar.walk()]
    return {
        "properties": {name: str(calendar[name]) for name in calendar if not name.startswith("X-")},
        "events": [read_event(part, zones) for part in calendar.walk("VEVENT")],
        "zones": [str(part["TZID"]) for part in calendar.walk("VTIMEZONE")],
        "changes": [read_changes(part) for part in calendar.walk("VTIMEZONE")],
        "components": names,
        "name": calendar_name,
        "strictly": events,
    }


json.dump([read_file(text) for text in json.load(io.TextIOWrapper(sys.stdin.buffer, "utf-8"))], sys.stdout)
