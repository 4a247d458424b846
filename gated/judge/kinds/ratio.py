"""Shares of events: failed of all requests, good of all requests."""

from gated.judge.assessment import Assessment, Finding, blind, events_of, fixed, reading_of, sample_age
from gated.model.reading import Increase, Newest, Query, Readings, Value
from gated.model.rule import Limit, RatioRule, Side
from gated.model.selection import Workload
from gated.model.units import Unit, format_quantity


def queries(rule: RatioRule, workload: Workload) -> tuple[Query, Query, Query]:
    """Numerator, denominator, and the time of the denominator's newest sample."""
    return (
        Query(rule.source, Increase(rule.events, rule.window_seconds), workload),
        Query(rule.source, Increase(rule.total, rule.window_seconds), workload),
        Query(rule.source, Newest(rule.total), workload),
    )


def assess(rule: RatioRule, workload: Workload, readings: Readings) -> Assessment:
    """Compare the share of events in the window with the limit.

    A numerator without series beside a live denominator is zero events: a healthy service has no 5xx series at
    all. A denominator without series is no data. More events than the total (one scrape apart) counts as all.
    """
    events, total, newest = (reading_of(readings, query) for query in queries(rule, workload))
    if not isinstance(total, Value):
        return blind(total)
    age = sample_age(newest, rule.max_sample_age_seconds)
    if isinstance(age, Assessment):
        return age
    count = events_of(events)
    if isinstance(count, Assessment):
        return count
    query = f"{events.expression} / {total.expression}"
    if total.number < max(rule.min_samples, 1):
        return Assessment(
            finding=Finding.UNSURE,
            code="too_few_samples",
            reason=f"{total.number:,.0f} events in the window; at least {max(rule.min_samples, 1)} are needed to judge",
            samples=total.number,
            sample_age_seconds=age,
            query=query,
        )
    share, limit = min(count / total.number, 1.0), fixed(rule.limit)
    return Assessment(
        finding=Finding.PAST if limit.is_passed_by(share) else Finding.INSIDE,
        reason=_sentence(limit, share, total.number),
        value=share,
        samples=total.number,
        sample_age_seconds=age,
        query=query,
    )


def _sentence(limit: Limit, share: float, total: float) -> str:
    seen, bound = format_quantity(share, Unit.RATIO), format_quantity(limit.bound, Unit.RATIO)
    if limit.side is Side.ABOVE:
        return f"{seen} of {total:,.0f} were bad; limit {bound}"
    return f"{seen} of {total:,.0f} were good; at least {bound} must be"
