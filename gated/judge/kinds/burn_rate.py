"""How fast an error budget is used up, over a long and a short window at once.

The budget is the share of bad events that the objective leaves: 0.1 % where 99.9 % are promised. The burn rate is the
share of bad events divided by it: at 1 the budget lasts exactly as long as it is meant to, at 14.4 that of 30 days is
gone after 50 hours. The long window says that it matters, the short one that it still goes on; a limit is passed only
if both pass it. B. Beyer et al., *The Site Reliability Workbook* (2018), chapter 5, "Multiwindow, Multi-Burn-Rate
Alerts".

A window longer than the version has lived covers its life and no more: no events are invented for the time before. A
young version's long window is therefore as short as its life, and only `min_samples` keeps it from crying wolf.
"""

from dataclasses import dataclass

from gated.judge.assessment import Assessment, Finding, blind, events_of, reading_of, sample_age
from gated.model.reading import Increase, Newest, Query, Readings, Value
from gated.model.rule import BurnRateRule, BurnWindow
from gated.model.selection import Workload
from gated.model.units import format_duration, format_quantity

_WORST_LAST = (Finding.INSIDE, Finding.UNSURE, Finding.PAST)


def queries(rule: BurnRateRule, workload: Workload) -> tuple[Query, ...]:
    """Bad and all events of every distinct window, shortest first, and the time of the total's newest sample."""
    counts = (query for seconds in _windows(rule) for query in _counts(rule, workload, seconds))
    return (*counts, Query(rule.source, Newest(rule.total), workload))


def assess(rule: BurnRateRule, workload: Workload, readings: Readings) -> Assessment:
    """Compare the burn rates with the limit of every pair of windows.

    A numerator without series beside a live denominator is zero events. A denominator without series is no data. A
    window with few events says nothing; the other one of its pair may still say that all is well.

    Value and limit are burn rates, those of the pair that stands worst: what both its windows reach at least, and its
    factor. So the value is above the limit if and only if a limit is passed.
    """
    burns: dict[float, _Burn] = {}
    for seconds in _windows(rule):
        burn = _burn(rule, workload, seconds, readings)
        if isinstance(burn, Assessment):
            return burn
        burns[seconds] = burn
    newest = reading_of(readings, Query(rule.source, Newest(rule.total), workload))
    age = sample_age(newest, rule.max_sample_age_seconds)
    if isinstance(age, Assessment):
        return age
    pairs = [_Pair(window, burns[window.long_seconds], burns[window.short_seconds]) for window in rule.windows]
    worst = max(pairs, key=lambda pair: (_WORST_LAST.index(pair.finding), pair.rate / pair.window.factor))
    shortest = burns[rule.window_seconds]
    is_unsure = worst.finding is Finding.UNSURE
    return Assessment(
        finding=worst.finding,
        code="too_few_samples" if is_unsure else "",
        reason=_too_few(rule, worst) if is_unsure else _sentence(worst),
        value=None if is_unsure else worst.rate,
        limit=worst.window.factor,
        samples=shortest.total,
        sample_age_seconds=age,
        query=shortest.query,
    )


@dataclass(frozen=True, slots=True)
class _Burn:
    """One window.

    Args:
        seconds: its length.
        total: events in it.
        rate: how many times faster than sustainable the budget is used up; None if there are too few events to say.
        query: what was asked.
    """

    seconds: float
    total: float
    rate: float | None
    query: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """A long and a short window with one limit."""

    window: BurnWindow
    long: _Burn
    short: _Burn

    @property
    def known(self) -> list[float]:
        """The burn rates of the windows that say anything."""
        return [burn.rate for burn in (self.long, self.short) if burn.rate is not None]

    @property
    def rate(self) -> float:
        """What both windows reach at least; 0 if neither says anything."""
        return min(self.known, default=0.0)

    @property
    def finding(self) -> Finding:
        """One window within the limit is enough for peace; for harm both have to speak."""
        if any(rate <= self.window.factor for rate in self.known):
            return Finding.INSIDE
        return Finding.PAST if self.long.rate is not None and self.short.rate is not None else Finding.UNSURE


def _windows(rule: BurnRateRule) -> list[float]:
    """The distinct windows in seconds, shortest first."""
    return sorted({seconds for window in rule.windows for seconds in (window.long_seconds, window.short_seconds)})


def _counts(rule: BurnRateRule, workload: Workload, seconds: float) -> tuple[Query, Query]:
    """Bad and all events of one window."""
    return (
        Query(rule.source, Increase(rule.events, seconds), workload),
        Query(rule.source, Increase(rule.total, seconds), workload),
    )


def _burn(rule: BurnRateRule, workload: Workload, seconds: float, readings: Readings) -> _Burn | Assessment:
    """The burn rate of one window, or why there is none. More bad events than all (one scrape apart) count as all."""
    events, total = (reading_of(readings, query) for query in _counts(rule, workload, seconds))
    if not isinstance(total, Value):
        return blind(total)
    count = events_of(events)
    if isinstance(count, Assessment):
        return count
    rate = None
    if total.number >= max(rule.min_samples, 1):
        rate = min(count / total.number, 1.0) / _budget(rule)
    return _Burn(seconds, total.number, rate, f"{events.expression} / {total.expression}")


def _budget(rule: BurnRateRule) -> float:
    """The share of events that may be bad: 0.0001 where 99.99 % are promised, not 0.00009999999999998899."""
    return float(f"{1 - rule.objective:.9g}")


def _too_few(rule: BurnRateRule, pair: _Pair) -> str:
    silent = (burn for burn in (pair.long, pair.short) if burn.rate is None)
    seen = " and ".join(f"{burn.total:,.0f} events over {format_duration(burn.seconds)}" for burn in silent)
    return f"{seen}; at least {max(rule.min_samples, 1)} are needed to judge"


def _sentence(pair: _Pair) -> str:
    """The burn rates against the limit; as it takes both to pass it, peace says so."""
    is_past = pair.finding is Finding.PAST
    seen = " and ".join(
        f"{format_quantity(burn.rate, BurnRateRule.unit)} times over {format_duration(burn.seconds)}"
        for burn in (pair.long, pair.short)
        if burn.rate is not None
    )
    seen = seen.replace("times", "times too fast" if is_past else "times as fast as it may", 1)
    limit = format_quantity(pair.window.factor, BurnRateRule.unit)
    return f"the error budget burns {seen}; {'limit' if is_past else 'both windows would have to pass'} {limit}"
