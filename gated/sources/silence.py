"""When the absence of alerts means that all is well.

No firing alert is what a healthy service shows, and also a server whose rules were never loaded, fail to evaluate,
or belong to somebody else. Silence counts only when somebody could have spoken. Pure: answers in, readings out.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

from gated.model.ids import SourceName
from gated.model.reading import FiringAlerts, NoData, NoDataReason, Query, QueryFailed, Reading, Value
from gated.promql import render
from gated.sources.errors import SourceError
from gated.sources.prometheus import AlertRule

_MISSED_INTERVALS = 3
"""An evaluation that is one interval late is load; a rule that missed three has stopped."""
_MIN_AGE_SECONDS = 60.0
"""Rules of a few seconds' interval get at least this long, as the answer itself takes time."""


def heartbeats(queries: Iterable[Query]) -> list[Query]:
    """The questions for the heartbeat alerts that queries name."""
    return [
        _heartbeat(query.source, query.measure)
        for query in queries
        if isinstance(query.measure, FiringAlerts) and query.measure.heartbeat
    ]


def _heartbeat(source: SourceName, measure: FiringAlerts) -> Query:
    return Query(source, FiringAlerts(measure.heartbeat))


def settled(readings: Mapping[Query, Reading], meaning: Callable[[FiringAlerts], Reading]) -> dict[Query, Reading]:
    """Replace the absence of alerts by what it means.

    Args:
        readings: of a whole look, as `samples.hand_out` makes them.
        meaning: what no alert means for a measure; asked once per measure, as thousands of releases share few.
    """
    known = cache(meaning)
    return {
        query: replace(known(query.measure), expression=reading.expression)
        if isinstance(query.measure, FiringAlerts) and isinstance(reading, NoData)
        else reading
        for query, reading in readings.items()
    }


@dataclass(frozen=True, slots=True)
class Alerting:
    """What a server that evaluates alerting rules itself said about them.

    Args:
        rules: those it has loaded, or why it did not say.
        asked_at: when it was asked, by its own clock.
    """

    rules: tuple[AlertRule, ...] | SourceError
    asked_at: float

    def meaning(
        self, readings: Mapping[Query, Reading], source: SourceName, now: float, measure: FiringAlerts
    ) -> Reading:
        """What it means that no alert of a measure fires: zero, if one could have.

        Args:
            readings: of a whole look.
            source: where alerts are looked for.
            now: when the look was, by the server's clock.
            measure: which alerts.
        """
        if isinstance(self.rules, SourceError):
            return self.rules.reading("")
        could_match = partial(render.alert_could_match, measure.match)
        return (
            missing_rule(self.rules, could_match, self.asked_at)
            or missing_heartbeat(readings, source, measure)
            or Value(0.0, now)
        )


def missing_rule(rules: Iterable[AlertRule], could_match: Callable[[str], bool], now: float) -> NoData | None:
    """What silence lacks on a server that evaluates alerting rules itself.

    Proof is one rule whose alert could match and whose last evaluation worked and is recent.

    Args:
        rules: what the server has loaded.
        could_match: whether an alert of that name could be one of those asked for.
        now: by the server's clock, Unix seconds.

    Returns:
        None when there is proof.
    """
    named = [rule for rule in rules if could_match(rule.name)]
    if not named:
        return NoData(NoDataReason.NO_ALERT_RULE, "no alerting rule could raise such an alert")
    healthy = [rule for rule in named if rule.is_healthy]
    if not healthy:
        return NoData(NoDataReason.NO_ALERT_RULE, f"alerting rule {named[0].name} is not evaluated without error")
    if not any(now - rule.evaluated_at <= _max_age_seconds(rule) for rule in healthy):
        return NoData(NoDataReason.NO_ALERT_RULE, f"alerting rule {healthy[0].name} is not evaluated any more")
    return None


def missing_heartbeat(
    readings: Mapping[Query, Reading], source: SourceName, measure: FiringAlerts
) -> NoData | QueryFailed | None:
    """What silence lacks where an alert was named that always fires.

    Args:
        readings: of a whole look, `heartbeats` included.
        source: where alerts are looked for.
        measure: names the heartbeat.

    Returns:
        None when the heartbeat fires, or none was named.
    """
    beat = readings[_heartbeat(source, measure)] if measure.heartbeat else None
    match beat:
        case NoData():
            return NoData(NoDataReason.NO_HEARTBEAT, "the heartbeat alert does not fire")
        case QueryFailed():
            return beat
        case _:
            return None


def _max_age_seconds(rule: AlertRule) -> float:
    return max(_MISSED_INTERVALS * rule.interval_seconds, _MIN_AGE_SECONDS)
