"""What is needed to draw a release: numbers over time, whether it was watched or played again."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gated.model.trace import RulePoint, TracePoint
from gated.model.units import Unit
from gated.model.verdict import Verdict
from gated.operations.documents import Document

_POINTS = 240
"""Points of a curve at most; a screen has no more to show in half its width."""


class Band(Document):
    """A stretch of time with one verdict."""

    since: float
    until: float
    stage: str
    verdict: Verdict | None


class Curve(Document):
    """What one rule judged, look by look; one number for every time of the drawing."""

    rule: str
    unit: Unit
    values: tuple[float | None, ...]
    limits: tuple[float | None, ...]
    """One only when it never moved."""
    lows: tuple[float | None, ...] = ()
    """The lower ends of the confidence intervals; empty for rules without."""
    highs: tuple[float | None, ...] = ()
    """The upper ends."""
    outcomes: tuple[str, ...] = ()
    """What the rule said."""
    odds: tuple[float | None, ...]
    """Empty for rules without odds."""
    odds_limit: float | None


class Drawing(Document):
    """All that is needed to draw a rollout. Times are Unix seconds."""

    at: tuple[float, ...]
    bands: tuple[Band, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Pen:
    """What is the same for all points of a curve.

    Args:
        rule: the rule's name.
        unit: of its values and limits.
        odds_limit: the odds at which the release goes back; None for rules without odds.
    """

    rule: str
    unit: Unit
    odds_limit: float | None


def draw(trace: Sequence[TracePoint], pens: Sequence[Pen]) -> Drawing | None:
    """A drawing of at most 240 points, and those between stretches; None when there is nothing to draw.

    Args:
        trace: looks, in order of time.
        pens: one for each rule of each look, in the same order.
    """
    if not trace:
        return None
    groups = list(_groups(trace, size=-(-len(trace) // _POINTS)))
    return Drawing(
        at=tuple(group[-1].at for group in groups),
        bands=tuple(_bands(trace)),
        curves=tuple(
            _curve([[look.rules[at] for look in group] for group in groups], pen) for at, pen in enumerate(pens)
        ),
    )


def _groups(trace: Sequence[TracePoint], size: int) -> Iterator[list[TracePoint]]:
    """What becomes one point each. Where nothing was seen is a point of its own, lest a line bridge it."""
    for _, stretch in itertools.groupby(trace, lambda look: look.is_unseen):
        looks = list(stretch)
        yield from (looks[at : at + size] for at in range(0, len(looks), size))


def _bands(trace: Sequence[TracePoint]) -> list[Band]:
    bands: list[Band] = []
    for before, look in zip(trace, [*trace[1:], trace[-1]], strict=True):
        if bands and (bands[-1].stage, bands[-1].verdict) == (before.stage, before.verdict):
            bands[-1] = bands[-1].model_copy(update={"until": look.at})
        else:
            bands.append(Band(since=before.at, until=look.at, stage=before.stage, verdict=before.verdict))
    return bands


def _curve(groups: Sequence[Sequence[RulePoint]], pen: Pen) -> Curve:
    """The last point of every group, with the worst outcome and the largest odds: no crossing of the line is lost."""
    last = [group[-1] for group in groups]
    limits = [point.limit for point in last]
    odds = [max((point.odds for point in group if point.odds is not None), default=None) for group in groups]
    has_odds = any(each is not None for each in odds)
    has_interval = any(point.low is not None for point in last)
    return Curve(
        rule=pen.rule,
        unit=pen.unit,
        values=tuple(point.value for point in last),
        limits=tuple(limits[:1] if len(set(limits)) == 1 else limits),
        lows=tuple(point.low for point in last) if has_interval else (),
        highs=tuple(point.high for point in last) if has_interval else (),
        outcomes=tuple(max(point.outcome for point in group).text for group in groups),
        odds=tuple(odds) if has_odds else (),
        odds_limit=pen.odds_limit,
    )
