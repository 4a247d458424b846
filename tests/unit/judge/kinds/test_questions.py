"""What every kind asks, and of whom."""

from gated.judge.kinds import alerts, probe, quantile, ratio, value
from gated.model.reading import (
    FiringAlerts,
    Query,
)
from gated.model.rule import AlertsRule
from tests import samples
from tests.unit.judge.kinds.one_look import WORKLOAD


def test_every_question_goes_to_the_rules_own_source() -> None:
    source = "thanos"
    asked: list[Query] = [
        *ratio.queries(samples.ratio_rule(source=source), WORKLOAD),
        *quantile.queries(samples.quantile_rule(source=source), WORKLOAD),
        *value.queries(samples.value_rule(source=source), WORKLOAD),
        *alerts.queries(samples.alerts_rule(source=source), WORKLOAD),
        *probe.queries(samples.probe_rule(source=source), WORKLOAD),
    ]
    assert {query.source for query in asked} == {source}


def test_an_alerts_rule_asks_for_its_heartbeat_with_it() -> None:
    rule = AlertsRule(name=samples.ERROR_RATE, match='{alertname="Waf"}', heartbeat='{alertname="Watchdog"}')
    (query,) = alerts.queries(rule, ())
    assert query.measure == FiringAlerts('{alertname="Waf"}', '{alertname="Watchdog"}')
