"""Plots of one rollout as SVG inside a page. Pure: a drawing in, markup out. Colours and fonts are the page's."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from gated.model.units import Unit, format_quantity
from gated.model.verdict import Verdict
from gated.operations.replay.results import Curve, Drawing, Replayed, ReplayedRule

WIDTH = 760
_LEFT, _RIGHT = 78, 14
_BAND_HEIGHT, _VALUE_HEIGHT, _ODDS_HEIGHT, _AXIS_HEIGHT = 22, 84, 64, 22
_ROOM = 6
"""Between a plot and its edge."""
_SMALLEST_ODDS, _LARGEST_ODDS = 1e-3, 1e6
_LETTER_WIDTH, _LINE_HEIGHT = 6.5, 11
_TICKS = 6


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


def legend() -> str:
    """What the colours of the band mean."""
    keys = "".join(f'<span class="key {_class(verdict)}">{verdict.value}</span>' for verdict in Verdict)
    return f'<p class="legend">{keys}</p>'


def band(replayed: Replayed, drawing: Drawing) -> str:
    """The verdicts over time, with the stages above them and the times below."""
    time = _time_axis(drawing)
    parts = []
    for each in drawing.bands:
        left, right = time(each.since), time(each.until)
        name = each.verdict.value if each.verdict is not None else "no verdict"
        label = f"{each.stage}: {name}" if each.stage else name
        shown = _text(left + 4, 15, label if _fits(label, right - left) else "") if right > left else ""
        told = f"<title>{escape(label)}, {_clock(each.since)} to {_clock(each.until)}</title>"
        width = max(0.5, round(right - left, 1))
        place = f'x="{left}" y="0" width="{width}" height="{_BAND_HEIGHT}"'
        parts.append(f'<rect class="{_class(each.verdict)}" {place}>{told}</rect>{shown}')
    ticks = "".join(_tick(time, at) for at in _ticks(drawing.at[0], drawing.at[-1]))
    marks = _marks(replayed, time, _BAND_HEIGHT)
    return _svg(
        _BAND_HEIGHT + _AXIS_HEIGHT, f"verdicts of {replayed.service} over time", "".join(parts) + marks + ticks
    )


def values(replayed: Replayed, drawing: Drawing, curve: Curve) -> str:
    """What a rule judged, against its limit."""
    numbers = [number for number in (*curve.values, *curve.limits) if number is not None]
    axis = Axis(0.0, max(numbers, default=0.0) * 1.08 or 1.0, _VALUE_HEIGHT - _ROOM, _ROOM)
    time = _time_axis(drawing)
    limits = curve.limits if len(curve.limits) > 1 else curve.limits * len(drawing.at)
    shown = next((limit for limit in reversed(limits) if limit is not None), None)
    label = "" if shown is None else _aside(axis(shown), f"limit {format_quantity(shown, curve.unit)}")
    is_near_zero = shown is not None and axis(0.0) - axis(shown) < _LINE_HEIGHT
    zero = "" if is_near_zero else _aside(axis(0.0), format_quantity(0.0, curve.unit))
    body = (
        _line("limit", drawing.at, limits, time, axis)
        + _line("value", drawing.at, curve.values, time, axis)
        + zero
        + label
        + _marks(replayed, time, _VALUE_HEIGHT)
        + _breach(replayed, curve, time, _VALUE_HEIGHT)
    )
    return _svg(_VALUE_HEIGHT, f"{curve.rule}: value and limit over time", body)


def odds(replayed: Replayed, drawing: Drawing, curve: Curve) -> str:
    """A rule's odds against the new version, on a scale of powers of ten; empty for rules without."""
    limit = curve.odds_limit
    if not curve.odds or limit is None:
        return ""
    tens = tuple(None if each is None else _log(each) for each in curve.odds)
    known = [each for each in tens if each is not None]
    axis = Axis(min(known) - 0.2, max(*known, _log(limit)) + 0.4, _ODDS_HEIGHT - _ROOM, _ROOM)
    time = _time_axis(drawing)
    body = (
        _line("limit", drawing.at, (_log(limit),) * len(drawing.at), time, axis)
        + _line("odds", drawing.at, tens, time, axis)
        + _aside(axis(_log(limit)), f"{limit:,.0f} : 1")
        + (_aside(axis(0.0), "1 : 1") if axis.low <= 0 <= axis.high else "")
        + _marks(replayed, time, _ODDS_HEIGHT)
        + _breach(replayed, curve, time, _ODDS_HEIGHT)
    )
    return _svg(_ODDS_HEIGHT, f"{curve.rule}: odds against the new version over time", body)


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


def _time_axis(drawing: Drawing) -> Axis:
    first, last = drawing.at[0], drawing.at[-1]
    return Axis(min(first, drawing.bands[0].since), max(last, first + 1), _LEFT, WIDTH - _RIGHT)


def _line(kind: str, at: Sequence[float], numbers: Sequence[float | None], time: Axis, axis: Axis) -> str:
    """A line that is broken where there is no number; a single number is a dot."""
    pieces = []
    for piece in _pieces(at, numbers):
        points = [f"{time(when)},{axis(number)}" for when, number in piece]
        pieces.append(f"M{' L'.join(points)}" if len(points) > 1 else f"M{points[0]} h0.1")
    return f'<path class="{kind}" d="{" ".join(pieces)}"/>' if pieces else ""


def _pieces(at: Sequence[float], numbers: Sequence[float | None]) -> Iterator[list[tuple[float, float]]]:
    piece: list[tuple[float, float]] = []
    for when, number in zip(at, numbers, strict=True):
        if number is not None:
            piece.append((when, number))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _marks(replayed: Replayed, time: Axis, height: int) -> str:
    """Where stages began, and the onset."""
    marks = [("stage", stage.started_at, f"{stage.stage} began") for stage in replayed.stages]
    marks.append(("onset", replayed.onset_at, "onset of the known fault"))
    return "".join(
        f'<line class="{kind}" x1="{time(at.timestamp())}" x2="{time(at.timestamp())}" y1="0" y2="{height}">'
        f"<title>{escape(what)}, {_clock(at.timestamp())}</title></line>"
        for kind, at, what in marks
        if at is not None and time.low <= at.timestamp() <= time.high
    )


def _breach(replayed: Replayed, curve: Curve, time: Axis, height: int) -> str:
    rule: ReplayedRule | None = next((rule for rule in replayed.rules if rule.rule == curve.rule), None)
    if rule is None or rule.breached_at is None:
        return ""
    place, at = time(rule.breached_at.timestamp()), _clock(rule.breached_at.timestamp())
    return f'<line class="breach" x1="{place}" x2="{place}" y1="0" y2="{height}"><title>breach, {at}</title></line>'


def _ticks(first: float, last: float) -> list[float]:
    """Round times, about six of them."""
    steps = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    step = next((step for step in steps if (last - first) / step <= _TICKS), steps[-1])
    begin = math.ceil(first / step) * step
    return [begin + number * step for number in range(int((last - begin) // step) + 1)] if begin <= last else []


def _tick(time: Axis, at: float) -> str:
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
    return math.log10(min(max(number, _SMALLEST_ODDS), _LARGEST_ODDS))


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%SZ")


def _class(verdict: Verdict | None) -> str:
    return f"v-{verdict.value}" if verdict is not None else "v-none"


def _svg(height: int, label: str, body: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{body}</svg>'
