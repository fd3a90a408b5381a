"""Compares lua/hoopai/command/lib/width_table.lua with tools/generate_widths.py and this Python's own Unicode data.

The input is the table as JSON: unicode, zero, mark, wide. The output is JSON: the code points that differ (at most 20,
with what the generator says), how many were compared, and whether these were all. If the Unicode versions differ, only
blocks are compared whose characters kept their width.
"""
import importlib.util
import json
import sys
import unicodedata

SETTLED = [
    (0x20, 0x4FF),  # Latin, combining marks, Greek, Cyrillic
    (0x5D0, 0x5EA),
    (0x620, 0x65F),
    (0x900, 0x97F),  # Devanagari
    (0x1100, 0x11FF),  # Hangul
    (0x2000, 0x2064),
    (0x2190, 0x21FF),
    (0x3041, 0x3096),
    (0x30A1, 0x30FA),
    (0x3400, 0x9FEF),  # ideographs; see EXCEPT
    (0xAC00, 0xD7A3),
    (0xFE00, 0xFE0F),
    (0xFF01, 0xFF60),
    (0x1F300, 0x1F64F),  # emoji
    (0x1F900, 0x1F9FF),
    (0x20000, 0x2A6DF),
    (0xE0020, 0xE007F),
    (0xE0100, 0xE01EF),
]
EXCEPT = range(0x4DC0, 0x4E00)  # hexagrams: wide since Unicode 16

spec = importlib.util.spec_from_file_location("generate_widths", "tools/generate_widths.py")
generator = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generator)

table = json.load(sys.stdin)
same = table["unicode"] == unicodedata.unidata_version


def is_compared(code):
    return same or code not in EXCEPT and any(first <= code <= last for first, last in SETTLED)


def codes(flat):
    """The code points of a flat list of ranges, which must be in order and apart from each other."""
    previous, found = -2, set()
    for first, last in zip(flat[::2], flat[1::2]):
        assert previous + 1 < first <= last, "%x" % first
        found.update(range(int(first), int(last) + 1))
        previous = last
    return found


listed = {name: codes(table[name]) for name, _ in generator.KINDS}
compared = [code for code in range(generator.LAST + 1) if is_compared(code)]
different = []
for code in compared:
    for name, belongs in generator.KINDS:
        if belongs(code) != (code in listed[name]):
            different.append("U+%04X %s %s" % (code, name, belongs(code)))
json.dump({"different": different[:20], "compared": len(compared), "all": same}, sys.stdout)
