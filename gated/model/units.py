"""Durations, shares and other quantities: read from text, written for people.

The grammar of durations is Prometheus' own (`1h30m`, `500ms`, `0`), largest unit first and each at most once.
"""

import enum
import math
import re

_DURATION = re.compile(
    r"(?:(?P<y>\d+)y)?(?:(?P<w>\d+)w)?(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?(?:(?P<ms>\d+)ms)?",
    re.ASCII,
)
_LONGEST_SECONDS = 2**63 / 1e9
"""About 292 years: Prometheus counts nanoseconds in 64 bits, and refuses more."""
_UNIT_SECONDS = {
    "y": 365 * 86400.0,
    "w": 7 * 86400.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}
_PERCENT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*%", re.ASCII)
_EVERYDAY = (1e-4, 1e7)
"""Sizes between these are written without an exponent."""
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


class Unit(enum.Enum):
    """What a rule's value is measured in; the text form is Prometheus' base unit."""

    RATIO = "ratio"
    """A share between 0 and 1."""
    SECONDS = "seconds"
    """A duration in seconds."""
    COUNT = "count"
    """A number of things: firing alerts, failed probes."""
    NUMBER = "number"
    """A plain number whose unit only the user knows."""


def parse_duration(text: str) -> float:
    """Read a duration in Prometheus' grammar.

    Args:
        text: for example `1h30m`, `500ms` or `0`.

    Returns:
        The duration in seconds, at least 0.

    Raises:
        ValueError: the text is not a duration, or is too long a one; the message says what one looks like.
    """
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration; write it as 30s, 5m, 1h30m or 500ms")
    seconds = sum(float(count) * _UNIT_SECONDS[unit] for unit, count in match.groupdict().items() if count)
    if seconds > _LONGEST_SECONDS:
        raise ValueError(f"{text!r} is longer than the 292 years Prometheus can count")
    return seconds


def format_duration(seconds: float) -> str:
    """Write a duration so that `parse_duration` reads it back, to the millisecond.

    Args:
        seconds: at least 0 and finite.

    Returns:
        The shortest text, for example `1h30m` for 5400 and `0s` for 0.
    """
    remaining = round(seconds * 1000)
    parts: list[str] = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, remaining = divmod(remaining, round(_UNIT_SECONDS[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_share(text: str) -> float:
    """Read a share written as a percentage or a plain number: `2%` and `0.02` are the same.

    Returns:
        The share, finite; 1.0 is everything. Whether 150% makes sense is the caller's to know.

    Raises:
        ValueError: the text is neither, negative, or too large for a number.
    """
    percent = _PERCENT.fullmatch(text)
    if percent is not None:
        share = float(f"{percent['number']}e-2")  # not / 100: 0.7% and 0.007 are the same number
    elif _NUMBER.fullmatch(text) is not None:
        share = float(text)
    else:
        share = math.nan
    if not 0 <= share < math.inf:
        raise ValueError(f"{text!r} is not a share; write it as 2% or 0.02")
    return share


def parse_number(text: str) -> float:
    """Read a finite decimal number.

    Raises:
        ValueError: the text is not a finite number.
    """
    if _NUMBER.fullmatch(text) is None or not math.isfinite(float(text)):
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def format_quantity(value: float, unit: Unit) -> str:
    """Write a value as a tired person reads it best: `0.31 %`, `740 ms`, `3`.

    Args:
        value: finite, in the base unit.
        unit: what it is measured in.
    """
    match unit:
        case Unit.RATIO:
            return f"{_significant(value * 100)} %"
        case Unit.SECONDS if abs(value) < 1:
            return f"{_significant(value * 1000)} ms"
        case Unit.SECONDS:
            return f"{_significant(value)} s"
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.NUMBER:
            return _significant(value)


def _significant(value: float) -> str:
    """Three significant digits, without an exponent for everyday sizes and without trailing zeros."""
    if value == 0:
        return "0"
    if not _EVERYDAY[0] <= abs(value) < _EVERYDAY[1]:
        return f"{value:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
