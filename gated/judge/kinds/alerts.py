"""Firing alerts."""

from gated.judge.assessment import Assessment, Finding, blind, reading_of
from gated.model.reading import FiringAlert, FiringAlerts, Query, Readings, Value
from gated.model.rule import AlertsRule
from gated.model.selection import Workload

_NAMED = 3
"""How many alerts a sentence names before it only counts."""


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
    names = [alert.name for alert in reading.alerts]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return Assessment(
        finding=Finding.PAST,
        reason=f"firing: {', '.join(names[:_NAMED])}{more}",
        value=float(len(names)),
        query=reading.expression,
        active_since=_active_since(reading.alerts, began_at),
    )


def _active_since(alerts: tuple[FiringAlert, ...], began_at: float | None) -> float | None:
    if any(alert.active_since <= 0 for alert in alerts):
        return None
    since = [alert.active_since for alert in alerts]
    if began_at is None:
        return min(since)
    return min((at for at in since if at >= began_at), default=min(since))
