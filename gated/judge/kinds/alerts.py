"""Firing alerts."""

from collections import Counter

from gated.judge.assessment import Assessment, Finding, blind, reading_of
from gated.model.reading import FiringAlert, FiringAlerts, Query, Readings, Value
from gated.model.rule import AlertsRule
from gated.model.selection import Workload

_NAMED = 3
"""How many names a sentence tells before it only counts."""


def queries(rule: AlertsRule, workload: Workload) -> tuple[Query]:
    """The firing alerts."""
    return (Query(rule.source, FiringAlerts(rule.match, rule.heartbeat), workload),)


def assess(rule: AlertsRule, workload: Workload, readings: Readings, began_at: float | None) -> Assessment:
    """Any firing alert is past the limit.

    Args:
        rule: the rule.
        workload: whose alerts.
        readings: this look's answers.
        began_at: when the release's first stage started. An alert that was active before must not hide one that
            was not, so the condition counts from the oldest alert that became active since.
    """
    (query,) = queries(rule, workload)
    reading = reading_of(readings, query)
    if not isinstance(reading, Value):
        return blind(reading)
    if not reading.alerts:
        return Assessment(finding=Finding.INSIDE, reason="no matching alert fires", value=0.0, query=reading.expression)
    return Assessment(
        finding=Finding.PAST,
        reason=f"firing: {_named(reading.alerts)}",
        value=reading.number,
        query=reading.expression,
        active_since=_active_since(reading.alerts, began_at),
    )


def _named(alerts: tuple[FiringAlert, ...]) -> str:
    """Each name once, with the number of its instances; those of further names are only counted."""
    by_name = list(Counter(alert.name for alert in alerts).items())
    told = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in by_name[:_NAMED])
    untold = sum(count for _, count in by_name[_NAMED:])
    return f"{told} and {untold} more" if untold else told


def _active_since(alerts: tuple[FiringAlert, ...], began_at: float | None) -> float | None:
    if any(alert.active_since <= 0 for alert in alerts):
        return None
    since = [alert.active_since for alert in alerts]
    if began_at is None:
        return min(since)
    return min((at for at in since if at >= began_at), default=min(since))
