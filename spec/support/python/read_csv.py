"""Reads CSV by Python's csv module, strictly. The input is the document, the output JSON: a list of lists of texts."""
import csv
import io
import json
import sys

text = sys.stdin.buffer.read().decode("utf-8")
assert text == "" or text.endswith("\r\n"), "the last line has no CRLF"
json.dump(list(csv.reader(io.StringIO(text, newline=""), strict=True)), sys.stdout)
