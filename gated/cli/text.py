"""Texts for people: what a server said, made safe for a terminal, and tables of it."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from gated.model.units import format_duration

_DROPPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that steer a terminal or hide text: controls, invisible formatting, halves of characters."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_TEXT = 4096
"""No sentence or query of gated's is longer; something else may be."""
_LONGEST_SHOWN_SECONDS = 365 * 86400.0
"""A duration that is longer tells nobody anything."""


def printable(text: str) -> str:
    """A text from outside in one line of sensible length, without anything that could steer a terminal."""
    spaced = " ".join(text[:_LONGEST_TEXT].split())
    shown = "".join(character for character in spaced if unicodedata.category(character) not in _DROPPED)
    return shown if len(text) <= _LONGEST_TEXT else f"{shown}…"


def printable_json(document: str) -> str:
    """A JSON document, unchanged but for control characters inside its strings, which are escaped as JSON allows."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def duration(seconds: float | None) -> str:
    """A duration to the second; a dash for none, and for what is no sensible duration."""
    if seconds is None or not 0 <= seconds <= _LONGEST_SHOWN_SECONDS:
        return "-"
    return format_duration(round(seconds))


def share(ratio: float) -> str:
    """A share as whole percent."""
    return f"{ratio:.0%}".replace("%", " %")


def instant(at: datetime | None) -> str:
    """A time stamp in UTC, to the second; a dash for none."""
    if at is None:
        return "-"
    try:
        return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except OverflowError:  # the first or last day a calendar can hold, in some time zone
        return at.isoformat()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the last is not padded."""
    cells = [tuple(header), *(tuple(printable(cell) or "-" for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)
