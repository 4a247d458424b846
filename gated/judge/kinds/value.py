"""Any PromQL that yields one number."""

from gated.judge.assessment import Assessment, Finding, blind, reading_of, sample_age
from gated.model.reading import Instant, Newest, Query, Readings, Value
from gated.model.rule import ValueRule
from gated.model.selection import Workload
from gated.model.units import format_quantity


def queries(rule: ValueRule, workload: Workload) -> tuple[Query, ...]:
    """The expression, and the time of the newest sample of every selector in it."""
    freshness = (Query(rule.source, Newest(selector), workload) for selector in rule.selectors)
    return (Query(rule.source, Instant(rule.query), workload), *freshness)


def assess(rule: ValueRule, workload: Workload, readings: Readings) -> Assessment:
    """Compare the number with the limit; it is as old as the oldest of its ingredients."""
    result, *newest = (reading_of(readings, query) for query in queries(rule, workload))
    if not isinstance(result, Value):
        return blind(result)
    oldest = 0.0
    for reading in newest:
        age = sample_age(reading, rule.max_sample_age_seconds)
        if isinstance(age, Assessment):
            return age
        oldest = max(oldest, age)
    seen, bound = format_quantity(result.number, rule.unit), format_quantity(rule.limit.bound, rule.unit)
    return Assessment(
        finding=Finding.PAST if rule.limit.is_passed_by(result.number) else Finding.INSIDE,
        reason=f"the value is {seen}; harm lies {rule.limit.side.value} {bound}",
        value=result.number,
        sample_age_seconds=oldest if newest else None,
        query=result.expression,
    )
