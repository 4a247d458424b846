"""What is wrong only when rules, plans and sources are seen together."""

import pytest

from gated.model.ids import SourceName
from gated.rulebook import strict_yaml
from gated.rulebook.load import assemble
from tests.rule_text import GOOD, faults_of, only_fault_of, spoiled

PROMETHEUS = frozenset({"ratio", "quantile", "value", "alerts"})
DOWN = "    query: min(up)\n"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param(
            'bad: http_requests_total{code=~"5.."}',
            'bad: http_requests_total{code=~"5..",version="v1"}',
            "5:10: rules.error-rate.bad: plan standard adds version by itself",
            id="a label of the workload in a selector",
        ),
        pytest.param(
            "histogram: http_request_duration_seconds",
            'histogram: http_request_duration_seconds{service="cart"}',
            "12:16: rules.latency-p95.histogram: plan standard adds service by itself",
            id="a label of the workload in a histogram",
        ),
        pytest.param(
            DOWN,
            '    query: min(up{service="cart"})\n    scope: service\n',
            "19:12: rules.target-down.query: plan standard adds service by itself",
            id="a label of the workload in a rule of the service",
        ),
        pytest.param(
            DOWN,
            "    query: absent(up)\n",
            "19:12: rules.target-down.query: absent(up) cannot say for which version something is absent",
            id="an expression that cannot be told apart by version",
        ),
        pytest.param(
            'workload: {service: "{service}", version: "{version}"}',
            'workload: {pod: {regex: "{service}-{version}-.*"}}',
            "",
            id="absence asked of one release at a time",
        ),
        pytest.param(
            "bake: {min: 1h, max: 2h}}",
            "bake: {min: 1h, max: 2h}, min_requests: 10}",
            "",
            id="requests with something to count them",
        ),
    ],
)
def test_rules_must_fit_the_plans_that_use_them(old: str, new: str, fault: str) -> None:
    if fault:
        assert only_fault_of(spoiled(old, new)).startswith(fault)
    else:
        assert faults_of(spoiled(old, new)) == []


def test_a_global_rule_selects_what_it_likes() -> None:
    assert faults_of(spoiled(DOWN, '    query: absent(up{service="db"})\n    scope: global\n')) == []


def test_a_rule_of_the_service_needs_a_label_that_is_not_of_the_version() -> None:
    text = spoiled(
        'workload: {service: "{service}", version: "{version}"}', 'workload: {release: "{service}-{version}"}'
    )
    text = text.replace(DOWN, f"{DOWN}    scope: service\n")
    assert only_fault_of(text).startswith(
        "20:12: rules.target-down.scope: every label of plan standard depends on {version}"
    )


def test_a_plan_without_a_blocking_rule_is_refused() -> None:
    text = spoiled("rules: [error-rate, latency-p95, target-down, waf-alerts, login-works]", "rules: [error-rate]")
    text = text.replace("above: 2%", "above: 2%\n    on_breach: warn")
    errors = [fault for fault in faults_of(text) if "no plan uses" not in fault]
    assert len(errors) == 1
    assert errors[0].startswith("rules.yaml:35:5: plans.standard.rules: every rule only warns")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("on_breach: warn", id="rules that only warn"),
        pytest.param("scope: service", id="rules of the whole service"),
    ],
)
def test_requests_need_a_blocking_rule_of_the_version_to_be_counted(change: str) -> None:
    text = spoiled("max: 30m}}", "max: 30m}, min_requests: 500}")
    text = text.replace("for: 5m", f"for: 5m\n    {change}")
    assert only_fault_of(text).startswith("38:79: plans.standard.stages[0].min_requests: nothing counts requests")


def test_a_source_that_is_not_configured_is_named_with_those_that_are() -> None:
    document = strict_yaml.read(spoiled(DOWN, f"{DOWN}    source: thanso\n").encode(), "rules.yaml")
    faults = assemble([document], {SourceName("default"): PROMETHEUS, SourceName("thanos"): PROMETHEUS}).faults
    (fault,) = faults
    assert (fault.line, fault.column, fault.key) == (20, 13, "rules.target-down.source")
    assert fault.message == "there is no source 'thanso' (did you mean thanos?); there is: default, thanos"


def test_every_rule_but_a_probe_needs_the_source_called_default_unless_it_names_one() -> None:
    faults = assemble([strict_yaml.read(GOOD.encode(), "rules.yaml")], {}).faults
    assert [fault.key for fault in faults] == [
        "rules.error-rate.source",
        "rules.latency-p95.source",
        "rules.target-down.source",
        "rules.waf-alerts.source",
    ]
    assert [fault.line for fault in faults] == [3, 10, 17, 22]


def test_an_alertmanager_answers_alerts_only() -> None:
    faults = assemble([strict_yaml.read(GOOD.encode(), "rules.yaml")], {SourceName("default"): {"alerts"}}).faults
    assert [fault.key for fault in faults] == [
        "rules.error-rate.source",
        "rules.latency-p95.source",
        "rules.target-down.source",
    ]
    assert "the source default answers alerts rules only, not ratio rules" in faults[0].message


def test_a_fault_in_one_rule_does_not_hide_what_is_wrong_between_the_others() -> None:
    text = spoiled("above: 2%", "above: 200%").replace(DOWN, '    query: min(up{service="cart"})\n')
    assert [fault.partition(": ")[2].partition(":")[0] for fault in faults_of(text)] == [
        "rules.error-rate.above",
        "rules.target-down.query",
    ]
    text = spoiled("waf-alerts, login-works]", "waf-alerts, login-work]").replace("max: 30m", "max: 3m")
    assert [fault.partition(": ")[2].partition(":")[0] for fault in faults_of(text)] == [
        "rules.login-works",
        "plans.standard.rules[4]",
        "plans.standard.stages[0].bake.max",
    ]


def test_names_are_not_missed_while_a_file_cannot_be_read() -> None:
    rules, plans = GOOD.split("plans:")
    assert faults_of(f"{rules}\t", f"version: 1\nplans:{plans}") == ["rules.yaml:31:1: a tab; indent with spaces"]
