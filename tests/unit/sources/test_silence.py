"""When no alert means that all is well."""

from gated.model.ids import DEFAULT_SOURCE
from gated.model.reading import (
    FailureReason,
    FiringAlerts,
    Increase,
    NoData,
    NoDataReason,
    Query,
    QueryFailed,
    Reading,
    Value,
)
from gated.model.selection import Matcher
from gated.sources import silence
from gated.sources.prometheus import AlertRule

NOW = 1_700_000_000.0
WAF = FiringAlerts('{alertname="Waf"}', heartbeat='{alertname="Watchdog"}')
BEAT = Query(DEFAULT_SOURCE, FiringAlerts('{alertname="Watchdog"}'))


def rule(name: str = "Waf", *, is_healthy: bool = True, age: float = 1.0, interval: float = 30.0) -> AlertRule:
    return AlertRule(name, is_healthy, NOW - age, interval)


def lack(*rules: AlertRule) -> str:
    missing = silence.missing_rule(rules, lambda name: name == "Waf", NOW)
    return missing.detail if missing else ""


def test_one_rule_that_works_is_proof() -> None:
    assert lack(rule("Other"), rule(is_healthy=False), rule(age=1000), rule()) == ""


def test_no_rule_or_another_rule_is_no_proof() -> None:
    assert lack() == lack(rule("Other")) == "no alerting rule could raise such an alert"


def test_a_rule_in_error_is_no_proof() -> None:
    assert lack(rule(is_healthy=False)) == "alerting rule Waf is not evaluated without error"


def test_a_rule_may_miss_two_evaluations_and_not_three() -> None:
    assert lack(rule(age=90)) == ""
    assert lack(rule(age=91)) == "alerting rule Waf is not evaluated any more"


def test_a_rule_of_a_short_interval_has_a_minute() -> None:
    assert lack(rule(age=60, interval=1)) == ""
    assert lack(rule(age=61, interval=1)) == "alerting rule Waf is not evaluated any more"


def test_a_rule_that_was_never_evaluated_is_no_proof() -> None:
    assert lack(AlertRule("Waf", is_healthy=True, evaluated_at=-6e10, interval_seconds=15)) != ""


def test_heartbeats_are_asked_for_the_whole_source() -> None:
    queries = [Query(DEFAULT_SOURCE, WAF), Query(DEFAULT_SOURCE, FiringAlerts('{alertname="X"}'))]
    assert silence.heartbeats([*queries, Query(DEFAULT_SOURCE, Increase("x_total", 60.0))]) == [BEAT]


def heartbeat(reading: Reading) -> Reading | None:
    return silence.missing_heartbeat({BEAT: reading}, DEFAULT_SOURCE, WAF)


def test_a_heartbeat_must_fire() -> None:
    assert heartbeat(Value(1, NOW)) is None
    missing = heartbeat(NoData(NoDataReason.ABSENT))
    assert isinstance(missing, NoData)
    assert missing.reason is NoDataReason.NO_HEARTBEAT


def test_a_heartbeat_that_could_not_be_asked_for_is_a_failure() -> None:
    failed = QueryFailed(FailureReason.TIMEOUT, "late")
    assert heartbeat(failed) == failed


def test_without_a_heartbeat_none_is_missing() -> None:
    assert silence.missing_heartbeat({}, DEFAULT_SOURCE, FiringAlerts('{alertname="Waf"}')) is None


def test_only_the_absence_of_alerts_is_given_a_meaning_and_once_per_measure() -> None:
    asked: list[FiringAlerts] = []

    def meaning(measure: FiringAlerts) -> Reading:
        asked.append(measure)
        return Value(0, NOW)

    absent = NoData(NoDataReason.ABSENT, "no series matched", "the expression")
    counter = Query(DEFAULT_SOURCE, Increase("x_total", 60.0))
    quiet = [Query(DEFAULT_SOURCE, WAF, (Matcher("version", version),)) for version in ("v1", "v2")]
    readings: dict[Query, Reading] = {**dict.fromkeys(quiet, absent), counter: absent, BEAT: Value(1, NOW)}
    zero = Value(0, NOW, "the expression")
    assert silence.settled(readings, meaning) == {quiet[0]: zero, quiet[1]: zero, counter: absent, BEAT: Value(1, NOW)}
    assert asked == [WAF]
