"""How many events of either version a look brought.

Every look asks from where the last one that counted ended, so that nothing is lost or counted twice, however the
looks are spaced. A quantile is counted like a share: "p95 is above T" means "more than 5 % are slower than T".
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from gated.judge.assessment import Assessment, Finding, blind, events_of, reading_of, sample_age
from gated.judge.sequential.setting import Setting, compares
from gated.judge.stats.history import sane
from gated.model.evidence import BaselineKind, Counts, Evidence
from gated.model.reading import Events, Newest, NoData, NoDataReason, Observations, Query, Readings, Value
from gated.model.rule import ActivityRule, Limit, QuantileRule, RatioRule, SequentialRule, Side
from gated.model.selection import Workload
from gated.model.units import Unit, format_quantity

LONGEST_SECONDS = 3600.0
"""After a longer gap what happened in it is left out: a source would have to read hours of samples for one look."""

ROUNDING = 1e-9
"""Relative slack for bucket boundaries that went through decimal text."""

Boundaries = tuple[tuple[float, float], ...]
"""For a quantile: (boundary of the baseline, boundary of the new version) of every comparison."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one look brought.

    Args:
        pairs: for every comparison (one, but for quantiles) the counts of the new version and of the baseline.
        proof: the new version's counts as the proof of health counts them.
        query: what was asked, for people.
        boundaries: where a quantile was counted: as in the evidence, or the present ones around a fixed limit.
    """

    pairs: tuple[tuple[Counts, Counts], ...]
    proof: Counts
    query: str
    boundaries: Boundaries = ()


def is_due(rule: SequentialRule, evidence: Evidence, setting: Setting) -> bool:
    """Whether this look brings something to count: for blocks, only the first look after a block has ended."""
    if not isinstance(rule, ActivityRule):
        return setting.now > evidence.counted_until
    return setting.now // rule.block_seconds > evidence.counted_until // rule.block_seconds


def total_of(rule: SequentialRule) -> str:
    """The selector of the series that must be live, and whose age is the evidence's age."""
    match rule:
        case RatioRule():
            return rule.total
        case QuantileRule():
            name, brace, matchers = rule.histogram.partition("{")
            return f"{name.strip()}_count{brace}{matchers}"
        case ActivityRule():
            return rule.exposure


def freshness(rule: SequentialRule, setting: Setting) -> tuple[Query, ...]:
    """When the newest samples were scraped; of the baseline too, where a comparison needs it."""
    whose = [setting.workload]
    if _needs_baseline(rule, setting) and setting.old is not None:
        whose.append(setting.old)
    return tuple(Query(rule.source, Newest(total_of(rule)), workload) for workload in whose)


def questions(rule: SequentialRule, evidence: Evidence, setting: Setting) -> tuple[Query, ...]:
    """What is asked of a look that counts. A fixed limit asks the baseline too: it may be suffering the same."""
    whose = [setting.workload]
    if setting.old is not None and setting.kind is BaselineKind.BESIDE:
        whose.append(setting.old)
    return tuple(query for workload in whose for query in _of(rule, workload, evidence.counted_until, setting.now))


def ages(rule: SequentialRule, setting: Setting, readings: Readings) -> float | Assessment:
    """The age of the oldest of the newest samples, or why the evidence does not count."""
    oldest = 0.0
    for at, query in enumerate(freshness(rule, setting)):
        age = sample_age(reading_of(readings, query), rule.max_sample_age_seconds)
        if isinstance(age, Assessment):
            return _of_baseline(age, setting) if at else age
        oldest = max(oldest, age)
    return oldest


def count(
    rule: SequentialRule, evidence: Evidence, setting: Setting, readings: Readings
) -> Counted | Assessment | None:
    """The events of this look.

    Args:
        rule: the rule.
        evidence: whose `counted_until` says where counting goes on, and whose `boundaries` where a quantile counts.
        setting: of this look.
        readings: its answers.

    Returns:
        The counts; a blind assessment when they are not complete; None when a version that is fresh was not scraped
        since the last look that counted. In both cases nothing may be counted, and the next look covers this one.
    """
    new = _tally(rule, setting.workload, evidence.counted_until, setting.now, readings)
    if new is None or isinstance(new, Assessment):
        return new
    old = _NOTHING
    if setting.old is not None and setting.kind is BaselineKind.BESIDE:
        tally = _tally(rule, setting.old, evidence.counted_until, setting.now, readings)
        if isinstance(tally, _Tally):
            old = tally
        elif _needs_baseline(rule, setting):
            return None if tally is None else _of_baseline(tally, setting)
    if not isinstance(rule, QuantileRule):
        return Counted(((new.counts, old.counts),), new.counts, new.query)
    if isinstance(rule.limit, Limit):
        upper, lower = around(rule.limit.bound, new.bounds) if new.counts.total else evidence.boundaries[0]
        if upper is None:
            return no_boundary(rule, new.bounds)
        slower = new.slower_than(lower) if lower is not None else Counts(new.counts.total, new.counts.total)
        return Counted(((new.slower_than(upper), old.slower_than(upper)),), slower, new.query, ((upper, upper),))
    for whose, version, bounds in (
        ("the new version", new, [c for _, c in evidence.boundaries]),
        (f"the baseline {setting.baseline_name}", old, [b for b, _ in evidence.boundaries]),
    ):
        missing = next((bound for bound in bounds if version.counts.total and bound not in version.bounds), None)
        if missing is not None:
            return _no_such_boundary(whose, format_quantity(missing, rule.unit), version.query)
    pairs = tuple((new.slower_than(c), old.slower_than(b)) for b, c in evidence.boundaries)
    return Counted(pairs, pairs[-1][0], new.query, evidence.boundaries)


def leftovers(rule: SequentialRule, evidence: Evidence | None, setting: Setting) -> tuple[Query, ...]:
    """After a rollback: what the version that was rolled back still serves, and whether its successor is seen."""
    if evidence is None:
        return ()
    served = Query(rule.source, Events(total_of(rule), evidence.counted_until, setting.now), setting.version)
    return (served, *freshness(rule, setting))


def traffic_left(rule: SequentialRule, evidence: Evidence | None, setting: Setting, readings: Readings) -> Assessment:
    """Whether the version that was rolled back is out of the way: then there is nothing left to compare.

    That it serves nothing is only known where the version gone back to is seen: a source that lost both saw nothing.
    """
    asked = leftovers(rule, evidence, setting)
    if not asked:
        return Assessment(finding=Finding.UNSURE, code="recovering", reason="the rollback has just been reported")
    age = ages(rule, setting, readings)
    if isinstance(age, Assessment):
        return age
    served = events_of(reading_of(readings, asked[0]))
    if isinstance(served, Assessment):
        return served
    if served:
        reason = f"the version that was rolled back still served {served:,.0f} since the last look"
        return Assessment(finding=Finding.OPEN, code="recovering", reason=reason, samples=served)
    return Assessment(finding=Finding.INSIDE, reason="the version that was rolled back serves nothing any more")


def around(limit: float, bounds: Sequence[float]) -> tuple[float | None, float | None]:
    """The smallest boundary at or above a limit, and the largest at or below it; None where there is none."""
    above = bisect_left(bounds, limit * (1 - ROUNDING))
    below = bisect_right(bounds, limit * (1 + ROUNDING))
    return (bounds[above] if above < len(bounds) else None), (bounds[below - 1] if below else None)


def no_boundary(rule: QuantileRule, bounds: Sequence[float]) -> Assessment:
    """A limit above the last finite bucket: nothing above it can be counted."""
    limit = rule.limit.bound if isinstance(rule.limit, Limit) else 0.0
    highest = format_quantity(bounds[-1], Unit.SECONDS) if bounds else "none"
    return Assessment(
        finding=Finding.ERROR,
        code="limit_above_last_bucket",
        reason=f"the limit {format_quantity(limit, rule.unit)} lies above the histogram's last finite bucket"
        f" ({highest}); nothing above it can be counted",
    )


def _no_such_boundary(whose: str, boundary: str, query: str) -> Assessment:
    """A layout that changed: the next boundary would count other observations than those of the hour before."""
    return Assessment(
        finding=Finding.ERROR,
        code="no_such_boundary",
        reason=f"the histogram of {whose} has no boundary at {boundary}, where the comparison needs one",
        query=query,
    )


@dataclass(frozen=True, slots=True)
class _Tally:
    """One version's events in a look; for a histogram with its cumulative buckets."""

    counts: Counts
    buckets: tuple[tuple[float, float], ...] = ()
    query: str = ""

    @property
    def bounds(self) -> list[float]:
        return [bound for bound, _ in self.buckets]

    def slower_than(self, bound: float) -> Counts:
        """Observations above a boundary; a look without observations has no buckets either."""
        at = bisect_left(self.bounds, bound * (1 - ROUNDING))
        within = self.buckets[at][1] if at < len(self.buckets) else self.counts.total
        return sane(Counts(self.counts.total - max(0.0, min(within, self.counts.total)), self.counts.total))


_NOTHING = _Tally(Counts())


def _needs_baseline(rule: SequentialRule, setting: Setting) -> bool:
    return compares(rule) and setting.kind is BaselineKind.BESIDE


def _of(rule: SequentialRule, workload: Workload, since: float, until: float) -> tuple[Query, ...]:
    if isinstance(rule, QuantileRule):
        return (Query(rule.source, Observations(rule.histogram, since, until), workload),)
    selectors = (rule.events, total_of(rule))
    return tuple(Query(rule.source, Events(selector, since, until), workload) for selector in selectors)


def _tally(
    rule: SequentialRule, workload: Workload, since: float, until: float, readings: Readings
) -> _Tally | Assessment | None:
    """One version's events; a numerator without series beside a live denominator is zero events.

    A denominator that was not scraped in this time has none to count; that it is live, its freshness has shown. But
    what is fresh was scraped within the greatest age that counts.
    """
    answers = [reading_of(readings, query) for query in _of(rule, workload, since, until)]
    total = answers[-1]
    is_absent = isinstance(total, NoData) and total.reason is NoDataReason.ABSENT
    if is_absent and until - since <= rule.max_sample_age_seconds:
        return None
    if not isinstance(total, Value):
        return blind(total)
    if isinstance(rule, QuantileRule):
        return _Tally(sane(Counts(0.0, total.number)), total.buckets, total.expression)
    events = events_of(answers[0])
    if isinstance(events, Assessment):
        return events
    counts = sane(Counts(events, total.number))
    if isinstance(rule, RatioRule) and counts_good(rule):
        counts = Counts(counts.total - counts.bad, counts.total)
    return _Tally(counts, query=f"{answers[0].expression} / {total.expression}")


def counts_good(rule: RatioRule) -> bool:
    """Whether a ratio's events are the harmless ones."""
    return rule.is_good or (isinstance(rule.limit, Limit) and rule.limit.side is Side.BELOW)


def _of_baseline(assessment: Assessment, setting: Setting) -> Assessment:
    """The same, said of the baseline."""
    return Assessment(
        finding=assessment.finding,
        code=assessment.code,
        reason=f"the baseline {setting.baseline_name}: {assessment.reason}",
        query=assessment.query,
    )
