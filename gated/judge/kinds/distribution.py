"""Gauges compared with the baseline's: one value of both versions at each look, judged one window after another.

A window is judged once, when it is full, and goes on speaking until the next one is. Windows do not overlap, so there
are as few chances to err as windows.

    past       the whole interval of the shift lies beyond what is tolerated
    open       the estimate lies beyond it, the interval does not: worse by the look of it, and not proved
    inside     the estimate lies within

What is tolerated is a share of the baseline's mean. Kayenta tolerates a share of the shift itself, which a small shift
of a steady gauge exceeds as easily as a large one, and leaves the rest to its effect sizes.

Successive values of a gauge depend on each other, all the more if it is looked at more often than it is scraped; the
interval is widened by as much as the window shows of that. With a confidence of 98 %, a gauge that moved by just what
is tolerated is found worse in one or two windows of a hundred, in up to five if its values depend on each other for
minutes. NOT guaranteed: a gauge that wanders for longer than a window looks, within it, like one that has moved.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean

from gated.judge.assessment import COLLECTING, Assessment, Finding, blind, reading_of, sample_age
from gated.judge.stats.gauges import dispersion, mean_ratio, without_outliers
from gated.judge.stats.mann_whitney import Pairs, Shift
from gated.model.evidence import BaselineKind
from gated.model.reading import Instant, Newest, Query, Readings, Value
from gated.model.rule import Direction, DistributionRule
from gated.model.selection import Workload
from gated.model.units import Unit, format_quantity

Samples = tuple[tuple[float, float], ...]
"""What was collected: (new version, baseline) per look. The last full window, and what there is of the next one."""

MOST_LOOKS = 240
"""A window is full with so many looks, however long it is meant to be: more tell little, and cost their square."""

_LARGEST = 1e300
"""Greater values count as this one. Some exporters say "unlimited" with the greatest number there is, and two of these
cannot be added up."""


def queries(rule: DistributionRule, workload: Workload, baseline: Workload | None) -> tuple[Query, ...]:
    """For both versions the expression, and the time of the newest sample of every selector in it."""
    sides = (workload,) if baseline is None or baseline == workload else (workload, baseline)
    return tuple(query for side in sides for query in _queries(rule, side))


def assess(
    rule: DistributionRule,
    workload: Workload,
    baseline: Workload | None,
    readings: Readings,
    samples: Samples,
    looks_per_window: int,
) -> tuple[Assessment, Samples]:
    """Collect this look's values and say what the last full window says.

    A look in which either version cannot be seen is blind and collects nothing; the window waits.

    Args:
        rule: the rule.
        workload: the new version's series.
        baseline: the old version's; None if there is none.
        readings: the answers to `queries`.
        samples: what was collected before; nothing at the beginning of a stage.
        looks_per_window: looks in the rule's window. If it changed since the last look, the windows are cut anew.

    Returns:
        What there is to say, and what to remember for the next look.
    """
    if baseline is None:
        return _unfit("no_baseline", "there is no baseline to compare with"), samples
    if baseline == workload:
        reason = "the baseline's series are the new version's own; no label of the plan's workload tells them apart"
        return _unfit("same_series", reason), samples
    new = _gauge(rule, workload, readings)
    if isinstance(new, Assessment):
        return new, samples
    old = _gauge(rule, baseline, readings)
    if isinstance(old, Assessment):
        return replace(old, reason=f"of the baseline, {old.reason}"), samples

    size = min(max(looks_per_window, rule.min_samples, 1), MOST_LOOKS)
    samples = _last_window((*samples, (new.number, old.number)), size)
    found = _judged(rule, samples[:size]) if len(samples) >= size else _collecting(len(samples), size)
    ages = [gauge.age for gauge in (new, old) if gauge.age is not None]
    return replace(found, sample_age_seconds=max(ages, default=None), query=new.expression), samples


@dataclass(frozen=True, slots=True)
class _Gauge:
    """One version's value at this look.

    Args:
        number: the value, within bounds.
        age: of its oldest ingredient, in seconds; None if it is made of no series.
        expression: what was asked.
    """

    number: float
    age: float | None
    expression: str


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One full window.

    Args:
        new: the new version's mean.
        old: the baseline's.
        shift: how far the new version lies above the baseline.
        ratio: of the means; None where it says nothing.
        new_samples: how many values of the new version count.
        old_samples: how many of the baseline.
    """

    new: float
    old: float
    shift: Shift
    ratio: float | None
    new_samples: int
    old_samples: int


def _queries(rule: DistributionRule, workload: Workload) -> Iterator[Query]:
    yield Query(rule.source, Instant(rule.query), workload)
    for selector in rule.selectors:
        yield Query(rule.source, Newest(selector), workload)


def _gauge(rule: DistributionRule, workload: Workload, readings: Readings) -> _Gauge | Assessment:
    """One version's value, or why it does not count."""
    result, *newest = (reading_of(readings, query) for query in _queries(rule, workload))
    if not isinstance(result, Value):
        return blind(result)
    oldest = None
    for reading in newest:
        age = sample_age(reading, rule.max_sample_age_seconds)
        if isinstance(age, Assessment):
            return age
        oldest = age if oldest is None else max(oldest, age)
    return _Gauge(max(-_LARGEST, min(result.number, _LARGEST)), oldest, result.expression)


def _last_window(samples: Samples, size: int) -> Samples:
    """The last full window and what follows it; everything while no window is full."""
    full = len(samples) // size
    return samples[max(0, full - 1) * size :]


@lru_cache(maxsize=256)  # every look between two judgements asks for the same window again
def _compared(window: Samples, confidence: float, drop_outliers: bool) -> _Comparison:
    new, old = [new for new, _ in window], [old for _, old in window]
    dependence = dispersion(new, old)
    if drop_outliers:
        new, old = without_outliers(new), without_outliers(old)
    shift = Pairs(new, old).shift(confidence, dependence)
    return _Comparison(fmean(new), fmean(old), shift, mean_ratio(new, old), len(new), len(old))


def _judged(rule: DistributionRule, window: Samples) -> Assessment:
    """What a full window says."""
    seen = _compared(window, rule.confidence, rule.drop_outliers)
    tolerated = rule.limit.tolerance * abs(seen.old)
    sign = _sign_of_harm(rule.direction, seen.shift)
    harm = Direction.INCREASE if sign > 0 else Direction.DECREASE
    if sign * seen.shift.estimate <= tolerated:
        finding, remark = Finding.INSIDE, ""
    elif seen.shift.beyond(tolerated) is not harm:
        finding, remark = Finding.OPEN, ", which the interval does not exclude"
    elif not _matters(rule, sign, seen.ratio):
        finding, remark = Finding.INSIDE, f", and the means differ by a factor of less than {rule.effect:g}"
    else:
        finding, remark = Finding.PAST, ""
    return Assessment(
        finding=finding,
        code="not_proved" if finding is Finding.OPEN else "",
        reason=_sentence(rule, seen) + remark,
        value=seen.new,
        samples=float(seen.new_samples),
        baseline=BaselineKind.BESIDE,
        baseline_value=seen.old,
        baseline_samples=float(seen.old_samples),
        interval=(seen.old + seen.shift.low, seen.old + seen.shift.high),
        limit=seen.old + sign * tolerated,
    )


def _sign_of_harm(direction: Direction, shift: Shift) -> int:
    """1 if harm lies above the baseline, -1 if below; where either is harm, the side the new version is on."""
    match direction:
        case Direction.INCREASE:
            return 1
        case Direction.DECREASE:
            return -1
        case Direction.EITHER:
            return 1 if shift.estimate >= 0 else -1


def _matters(rule: DistributionRule, sign: int, ratio: float | None) -> bool:
    """Whether the means differ by the factor the rule asks for; a ratio that says nothing stands in nobody's way."""
    return ratio is None or (ratio >= rule.effect if sign > 0 else ratio * rule.effect <= 1)


def _collecting(looks: int, size: int) -> Assessment:
    reason = f"collecting values of both versions: {looks} of {size} looks"
    return Assessment(finding=Finding.UNSURE, code=COLLECTING, reason=reason, baseline=BaselineKind.BESIDE)


def _unfit(code: str, reason: str) -> Assessment:
    return Assessment(finding=Finding.ERROR, code=code, reason=reason)


def _sentence(rule: DistributionRule, seen: _Comparison) -> str:
    """In shares of the baseline; in the gauge's own unit where the baseline is nothing."""
    shift, whole = seen.shift, abs(seen.old)
    tolerated = format_quantity(rule.limit.tolerance, Unit.RATIO)
    unit, scale = (Unit.RATIO, whole) if whole else (rule.unit, 1.0)
    estimate, low, high = (number / scale for number in (shift.estimate, shift.low, shift.high))
    than = "than on the baseline" if whole else "than on the baseline, where it is 0"
    return (
        f"{format_quantity(abs(estimate), unit)} {'lower' if estimate < 0 else 'higher'} {than}"
        f" (interval {format_quantity(low, unit)} to {format_quantity(high, unit)}); tolerated {tolerated}"
    )
