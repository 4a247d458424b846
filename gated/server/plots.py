"""Plots of one release as SVG inside a page. Pure: a drawing in, markup out. Colours and fonts are the page's."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TypeVar

from gated.model.units import Unit, format_quantity
from gated.model.verdict import Verdict
from gated.operations.drawing import Curve, Drawing

WIDTH = 760
_LEFT, _RIGHT = 92, 22
_BAND_HEIGHT, _VALUE_HEIGHT, _ODDS_HEIGHT, _AXIS_HEIGHT = 22, 84, 64, 22
_ROOM = 6
"""Between a plot and its edge."""
_SMALLEST_ODDS, _LARGEST_ODDS = 1e-3, 1e6
"""Beyond them there is nothing to tell apart, unless the limit itself is larger."""
_LETTER_WIDTH, _LINE_HEIGHT = 6.5, 11
_TICKS = 6
_DAY = 86400
_FAR_FROM_ZERO = 0.7
"""When the least number is at least this share of the largest, a scale from zero would show a flat line."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From numbers to places.

    Args:
        low: the number at `begin`.
        high: the number at `end`; more than `low`.
        begin: a place.
        end: another.
    """

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, number: float) -> float:
        """The place of a number; beyond the ends there is none."""
        share = (min(max(number, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at an instant: a line through a plot.

    Args:
        kind: what it looks like: `stage`, `onset` or `breach`.
        at: when, Unix seconds.
        what: what happened.
    """

    kind: str
    at: float
    what: str


def legend() -> str:
    """What the colours of the band mean."""
    keys = "".join(f'<span class="key {_class(verdict)}">{verdict.value}</span>' for verdict in Verdict)
    return f'<p class="legend">{keys}</p>'


def band(drawing: Drawing, marks: Sequence[Mark], name: str, width: int = WIDTH) -> str:
    """The verdicts over time, with the stages above them and the times below.

    Args:
        drawing: the release.
        marks: where things happened.
        name: what it is of, for those who hear the page.
        width: of the plot, in the units of its letters.
    """
    time = _time_axis(drawing, width)
    parts = []
    for each in drawing.bands:
        left, right = time(each.since), time(each.until)
        verdict = each.verdict.value if each.verdict is not None else "no verdict"
        label = f"{each.stage}: {verdict}" if each.stage else verdict
        shown = _text(left + 4, 15, label if _fits(label, right - left) else "") if right > left else ""
        told = f"<title>{escape(label)}, {_clock(each.since)} to {_clock(each.until)}</title>"
        place = f'x="{left}" y="0" width="{max(0.5, round(right - left, 1))}" height="{_BAND_HEIGHT}"'
        parts.append(f'<rect class="{_class(each.verdict)}" {place}>{told}</rect>{shown}')
    ticks = "".join(_tick(time, at) for at in _ticks(drawing.at[0], drawing.at[-1]))
    body = "".join(parts) + _marks(marks, time, _BAND_HEIGHT) + ticks
    return _svg(_BAND_HEIGHT + _AXIS_HEIGHT, f"verdicts of {name} over time", body, width)


def values(drawing: Drawing, curve: Curve, marks: Sequence[Mark], width: int = WIDTH) -> str:
    """What a rule judged, with its confidence interval, against its limit."""
    axis = _value_axis(curve)
    time = _time_axis(drawing, width)
    limits = curve.limits if len(curve.limits) > 1 else curve.limits * len(drawing.at)
    shown = next((limit for limit in reversed(limits) if limit is not None), None)
    label = "" if shown is None else _aside(axis(shown), f"limit {format_quantity(shown, curve.unit)}")
    is_near_floor = shown is not None and axis(axis.low) - axis(shown) < _LINE_HEIGHT
    floor = "" if is_near_floor else _aside(axis(axis.low), format_quantity(axis.low, curve.unit))
    body = (
        _area(drawing.at, curve.lows, curve.highs, time, axis)
        + _line("limit", drawing.at, limits, time, axis)
        + _line("value", drawing.at, curve.values, time, axis)
        + floor
        + label
        + _marks(marks, time, _VALUE_HEIGHT)
    )
    return _svg(_VALUE_HEIGHT, f"{curve.rule}: value and limit over time", body, width)


def odds(drawing: Drawing, curve: Curve, marks: Sequence[Mark], width: int = WIDTH) -> str:
    """A rule's odds against the new version, on a scale of powers of ten; empty for rules without."""
    limit = curve.odds_limit
    if not curve.odds or limit is None:
        return ""
    most = max(_LARGEST_ODDS, 10 * limit)
    tens = tuple(None if each is None else _log(min(each, most)) for each in curve.odds)
    known = [each for each in tens if each is not None]
    axis = Axis(min(known) - 0.2, max(*known, _log(limit)) + 0.4, _ODDS_HEIGHT - _ROOM, _ROOM)
    time = _time_axis(drawing, width)
    body = (
        _line("limit", drawing.at, (_log(limit),) * len(drawing.at), time, axis)
        + _line("odds", drawing.at, tens, time, axis)
        + _aside(axis(_log(limit)), f"{limit:,.0f} : 1")
        + (_aside(axis(0.0), "1 : 1") if axis.low <= 0 <= axis.high else "")
        + _marks(marks, time, _ODDS_HEIGHT)
    )
    return _svg(_ODDS_HEIGHT, f"{curve.rule}: odds against the new version over time", body, width)


def bar(low: float, share: float, high: float, most: float) -> str:
    """A share with its confidence interval.

    Args:
        low: the lower end.
        share: what was seen.
        high: the upper end.
        most: the number at the right edge, more than 0.
    """
    axis = Axis(0.0, most, 2, 118)
    left, middle, right = axis(low), axis(share), axis(high)
    body = (
        f'<rect class="range" x="{left}" y="5" width="{max(1.0, round(right - left, 1))}" height="4"/>'
        f'<circle class="dot" cx="{middle}" cy="7" r="3.5"/>'
    )
    label = f"{format_quantity(low, Unit.RATIO)} to {format_quantity(high, Unit.RATIO)}"
    return f'<svg class="bar" viewBox="0 0 120 14" role="img" aria-label="{escape(label)}">{body}</svg>'


def _time_axis(drawing: Drawing, width: int) -> Axis:
    first, last = drawing.at[0], drawing.at[-1]
    return Axis(min(first, drawing.bands[0].since), max(last, first + 1), _LEFT, width - _RIGHT)


T = TypeVar("T")


def _line(kind: str, at: Sequence[float], numbers: Sequence[float | None], time: Axis, axis: Axis) -> str:
    """A line that is broken where there is no number; a single number is a dot."""
    pieces = []
    for piece in _pieces(at, numbers):
        points = [f"{time(when)},{axis(number)}" for when, number in piece]
        pieces.append(f"M{' L'.join(points)}" if len(points) > 1 else f"M{points[0]} h0.1")
    return f'<path class="{kind}" d="{" ".join(pieces)}"/>' if pieces else ""


def _pieces(at: Sequence[float], numbers: Sequence[T | None]) -> Iterator[list[tuple[float, T]]]:
    piece: list[tuple[float, T]] = []
    for when, number in zip(at, numbers, strict=True):
        if number is not None:
            piece.append((when, number))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _area(
    at: Sequence[float], lows: Sequence[float | None], highs: Sequence[float | None], time: Axis, axis: Axis
) -> str:
    """The stretch between two lines, broken where there is none."""
    pieces = []
    ends = [None if low is None or high is None else (low, high) for low, high in zip(lows, highs, strict=True)]
    for piece in _pieces(at[: len(ends)], ends):
        there = [f"{time(when)},{axis(high)}" for when, (_, high) in piece]
        back = [f"{time(when)},{axis(low)}" for when, (low, _) in reversed(piece)]
        pieces.append(f"M{' L'.join([*there, *back])} Z")
    return f'<path class="area" d="{" ".join(pieces)}"/>' if pieces else ""


def _value_axis(curve: Curve) -> Axis:
    """From zero, unless all numbers are near each other and far from it, as shares of good requests are.

    Intervals do not stretch it: those of the first looks span everything.
    """
    numbers = [number for number in (*curve.values, *curve.limits) if number is not None]
    most, least = max(numbers, default=0.0), min(numbers, default=0.0)
    low = 0.0 if least < most * _FAR_FROM_ZERO or least == most else least - max(most - least, most * 1e-3) * 0.3
    return Axis(min(low, least), most + (most - low) * 0.15 if most > low else low + 1.0, _VALUE_HEIGHT - _ROOM, _ROOM)


def _marks(marks: Sequence[Mark], time: Axis, height: int) -> str:
    return "".join(
        f'<line class="{mark.kind}" x1="{time(mark.at)}" x2="{time(mark.at)}" y1="0" y2="{height}">'
        f"<title>{escape(mark.what)}, {_clock(mark.at)}</title></line>"
        for mark in marks
        if time.low <= mark.at <= time.high
    )


def _ticks(first: float, last: float) -> list[float]:
    """Round times, about six of them."""
    steps = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, _DAY)
    days = math.ceil((last - first) / (_TICKS * _DAY)) * _DAY
    step = next((step for step in steps if (last - first) / step <= _TICKS), days)
    begin = math.ceil(first / step) * step
    return [begin + number * step for number in range(int((last - begin) // step) + 1)] if begin <= last else []


def _tick(time: Axis, at: float) -> str:
    """A line at a round time, with the time of day; at midnight with the day that begins."""
    if at % _DAY == 0:
        clock = f"{datetime.fromtimestamp(at, UTC):%d %b}"
    else:
        clock = _clock(at).removesuffix("Z").removesuffix(":00")
    return f'<line class="tick" x1="{time(at)}" x2="{time(at)}" y1="{_BAND_HEIGHT}" y2="{_BAND_HEIGHT + 4}"/>' + _text(
        time(at), _BAND_HEIGHT + 16, clock, "middle"
    )


def _aside(place: float, text: str) -> str:
    return _text(_LEFT - 6, place + 4, text, "end")


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>' if text else ""


def _fits(text: str, width: float) -> bool:
    return len(text) * _LETTER_WIDTH < width - 4


def _log(number: float) -> float:
    return math.log10(max(number, _SMALLEST_ODDS))


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%SZ")


def _class(verdict: Verdict | None) -> str:
    return f"v-{verdict.value}" if verdict is not None else "v-none"


def _svg(height: int, label: str, body: str, width: int) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{body}</svg>'
