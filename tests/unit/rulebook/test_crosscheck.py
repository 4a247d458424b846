"""What is wrong only when rules, plans and sources are seen together."""

import pytest

from gated.model.ids import SourceName
from gated.rulebook import strict_yaml
from gated.rulebook.load import assemble
from tests.rule_text import GOOD, SEQUENTIAL, faults_of, only_fault_of, spoiled

PROMETHEUS = frozenset({"ratio", "quantile", "value", "alerts"})
NOT_BESIDE = "compares with an old version beside the new one, but no stage has baseline: beside"
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


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param(
            "events: waf_blocked_total",
            'events: waf_blocked_total{version="v2"}',
            "20:13: rules.blocks.events: plan standard adds version by itself, so it must not be matched here",
            id="a label of the workload in the events",
        ),
        pytest.param(
            "exposure: http_requests_total",
            'exposure: http_requests_total{service="cart"}',
            "21:15: rules.blocks.exposure: plan standard adds service by itself, so it must not be matched here",
            id="a label of the workload in the exposure",
        ),
        pytest.param(
            "query: avg(process_resident_memory_bytes)",
            "query: absent(process_resident_memory_bytes)",
            "26:12: rules.memory.query: absent(process_resident_memory_bytes) cannot say for which version",
            id="a distribution that cannot be told apart by version",
        ),
        pytest.param(
            "exposure: http_requests_total",
            'exposure: http_requests_total{track="stable"}',
            "",
            id="a label that no plan adds",
        ),
    ],
)
def test_rules_that_compare_must_fit_the_plans_that_use_them(old: str, new: str, fault: str) -> None:
    told = faults_of(spoiled(old, new, SEQUENTIAL))
    assert len(told) == bool(fault)
    assert all(each.startswith(f"rules.yaml:{fault}") for each in told)
    assert not any("scope: global" in each for each in told), "a comparison cannot be global"


BASELINE = 'baseline: {service: "{service}", version: "{baseline}"}'


@pytest.mark.parametrize(
    ("labels", "query", "faults"),
    [
        pytest.param("{track: stable}", 'm{track="canary"}', 1, id="a label of the baseline"),
        pytest.param("{track: stable}", 'label_replace(m, "track", "x", "a", ".*")', 1, id="a label overwritten"),
        pytest.param('{track: {regex: "s.*"}}', 'label_replace(m, "track", "x", "a", ".*")', 0, id="asked apart"),
    ],
)
def test_what_a_distribution_asks_of_the_baseline_must_fit_too(labels: str, query: str, faults: int) -> None:
    text = spoiled(BASELINE, f"baseline: {labels}", SEQUENTIAL)
    told = faults_of(text.replace("avg(process_resident_memory_bytes)", query))
    assert [each.split(" ")[1] for each in told] == ["rules.memory.query:"] * faults


def test_what_never_looks_at_the_baseline_may_match_its_labels() -> None:
    text = spoiled(
        'workload: {service: "{service}", version: "{version}"}',
        'workload: {service: "{service}", version: "{version}"}\n    baseline: {service: "{service}", track: stable}',
    )
    assert faults_of(text.replace("min(up)", 'min(up{track="canary"})')) == []


def test_comparisons_need_a_stage_that_has_a_baseline() -> None:
    text = spoiled("baseline: before", "baseline: none", SEQUENTIAL)
    assert faults_of(text) == []
    told = faults_of(text.replace("name: canary, ", "name: canary, baseline: none, "))
    nothing = "compares with the baseline, but every stage has baseline: none"
    assert [each.removeprefix("rules.yaml:") for each in told] == [
        f"40:25: plans.standard.rules[1]: {nothing}",
        f"40:45: plans.standard.rules[2]: {nothing}",
        f"40:66: plans.standard.rules[3]: {nothing}",
        f"40:74: plans.standard.rules[4]: {NOT_BESIDE}",
    ]


def test_a_distribution_needs_a_stage_that_has_an_old_version_beside_the_new_one() -> None:
    told = faults_of(spoiled("name: canary, ", "name: canary, baseline: before, ", SEQUENTIAL))
    assert [each.partition(": ")[2] for each in told] == [f"plans.standard.rules[4]: {NOT_BESIDE}"]


def test_the_past_needs_a_label_of_the_service() -> None:
    text = spoiled('workload: {service: "{service}", ', "workload: {", SEQUENTIAL)
    assert only_fault_of(text).startswith(
        "46:47: plans.standard.stages[1].baseline: every label of the workload depends on {version}"
    )
    thresholds = spoiled("name: full, ", "name: full, baseline: before, ")
    assert faults_of(thresholds.replace('workload: {service: "{service}", ', "workload: {")) == []


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


@pytest.mark.parametrize("kept", ["error-rate", "errors-vs-baseline", "latency-vs-baseline", "blocks", "fast-burn"])
def test_rules_that_weigh_evidence_count_requests(kept: str) -> None:
    rules = "rules: [error-rate, errors-vs-baseline, latency-vs-baseline, blocks, memory, fast-burn]"
    assert not any("min_requests" in each for each in faults_of(spoiled(rules, f"rules: [{kept}]", SEQUENTIAL)))
    told = faults_of(spoiled(rules, "rules: [memory]", SEQUENTIAL))
    assert any("min_requests: nothing counts requests" in each for each in told)


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
