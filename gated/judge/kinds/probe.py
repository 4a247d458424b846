"""HTTP endpoints that must answer."""

from gated.judge.assessment import Assessment, Finding, blind, reading_of
from gated.model.reading import HttpProbe, Query, Readings, Value
from gated.model.rule import ProbeRule
from gated.model.selection import Workload


def queries(rule: ProbeRule, _workload: Workload) -> tuple[Query]:
    """The one GET. No release parameter reaches it: its address comes from configuration only."""
    probe = HttpProbe(rule.name, rule.url, rule.status, rule.within_seconds, rule.body_contains)
    return (Query(rule.source, probe),)


def assess(rule: ProbeRule, workload: Workload, readings: Readings) -> Assessment:
    """A failed probe is past the limit; how many in a row are a breach is judged with the rule's memory."""
    (query,) = queries(rule, workload)
    reading = reading_of(readings, query)
    if not isinstance(reading, Value):
        return blind(reading)
    return Assessment(
        finding=Finding.INSIDE if reading.number == 1 else Finding.PAST,
        reason=reading.detail or ("the endpoint answers" if reading.number == 1 else "the endpoint does not answer"),
        value=1.0 - reading.number,
        query=reading.expression,
    )
