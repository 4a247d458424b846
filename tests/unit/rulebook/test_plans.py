"""Plans: what a file says and what the model gets."""

import pytest

from gated.model.evidence import BaselineKind
from gated.model.ids import PlanName, RuleName, StageName
from gated.model.plan import BlindAction, InconclusiveAction, LabelTemplate, OnBlind, Plan, Stage
from gated.model.selection import MatchOp
from tests.rule_text import GOOD, faults_of, only_fault_of, plan_of, spoiled

STAGE = "{name: canary, traffic: 5%, bake: {min: 15m, max: 30m}}"
WORKLOAD = 'workload: {service: "{service}", version: "{version}"}'


def test_a_plan_means_what_its_file_says() -> None:
    text = (
        GOOD.split("plans:")[0]
        + """\
plans:
  standard:
    workload:
      version: {regex: "{version}-[0-9a-f]{8,10}-.*"}
      service: "{service}"
      env: "{environment}"
    rules: [error-rate, latency-p95, target-down, waf-alerts, login-works]
    discovery_grace: 30s
    recovery_watch: 20m
    on_blind: {hold_for: 5m, then: page}
    baseline:
      version: {regex: "{baseline}-.*"}
      track: stable
    false_rollback_budget: 0.5%
    drift_floor: 0.2
    history: 24h
    instance_label: pod
    cold_start: 0s
    stages:
      - {name: canary-5, traffic: 5%, warmup: 90s, bake: {min: 15m, max: 30m}, min_requests: 500}
      - {name: full, traffic: 100%, bake: {min: 0, max: 1h}, on_blind: {hold_for: 1m}, baseline: before,
         on_inconclusive: promote}
"""
    )
    assert plan_of(text) == Plan(
        name=PlanName("standard"),
        workload=(
            LabelTemplate("env", "{environment}"),
            LabelTemplate("service", "{service}"),
            LabelTemplate("version", "{version}-[0-9a-f]{{8,10}}-.*", MatchOp.REGEX),
        ),
        rules=tuple(map(RuleName, ("error-rate", "latency-p95", "target-down", "waf-alerts", "login-works"))),
        stages=(
            Stage(
                name=StageName("canary-5"),
                traffic=0.05,
                bake_min_seconds=900,
                bake_max_seconds=1800,
                warmup_seconds=90,
                min_requests=500,
                on_blind=OnBlind(300, BlindAction.PAGE),
            ),
            Stage(
                name=StageName("full"),
                traffic=1.0,
                bake_min_seconds=0,
                bake_max_seconds=3600,
                on_blind=OnBlind(60, BlindAction.ROLLBACK),
                baseline=BaselineKind.BEFORE,
                on_inconclusive=InconclusiveAction.PROMOTE,
            ),
        ),
        discovery_grace_seconds=30,
        recovery_watch_seconds=1200,
        baseline=(LabelTemplate("track", "stable"), LabelTemplate("version", "{baseline}-.*", MatchOp.REGEX)),
        false_rollback_budget=0.005,
        drift_floor=0.2,
        history_seconds=86400,
        instance_label="pod",
        cold_start_seconds=0,
    )


def test_a_plan_has_the_defaults_of_the_model() -> None:
    plan = plan_of(GOOD)
    bare = Plan(name=plan.name, workload=plan.workload, rules=plan.rules, stages=plan.stages)
    assert plan == bare
    assert plan.stages[0] == Stage(name=StageName("canary"), traffic=0.05, bake_min_seconds=900, bake_max_seconds=1800)


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        pytest.param(
            WORKLOAD,
            'workload: {service: "{service}"}',
            "33:5 workload",
            "no label depends on {version}, so versions cannot be told apart",
            id="no version",
        ),
        pytest.param(WORKLOAD, "workload: {}", "33:5 workload", "at least one is needed", id="no labels"),
        pytest.param(
            '"{service}"',
            "{service}",
            "33:16 workload.service",
            "braces without quotes are a mapping; put quotes around the text",
            id="template without quotes",
        ),
        pytest.param(
            '"{service}"',
            '"{servce}"',
            "33:25 workload.service",
            "{servce} is not a placeholder",
            id="misspelt placeholder",
        ),
        pytest.param(
            '"{service}"',
            '"{service.__class__}"',
            "33:25 workload.service",
            "{service.__class__} is not a placeholder",
            id="placeholder with an attribute",
        ),
        pytest.param(
            '"{service}"',
            '"a{"',
            "33:25 workload.service",
            "{ is not a placeholder",
            id="stray brace",
        ),
        pytest.param(
            '"{service}"',
            '"x{3}"',
            "33:25 workload.service",
            "{3} is not a placeholder",
            id="quantifier outside a pattern",
        ),
        pytest.param(
            '"{service}"',
            '{regex: "({service}"}',
            "33:33 workload.service.regex",
            "'({service}' is not a regular expression that Prometheus understands (RE2)",
            id="broken pattern",
        ),
        pytest.param(
            '"{service}"',
            '{regex: "x", pattern: "x"}',
            "33:38 workload.service.pattern",
            "unknown key",
            id="not a pattern",
        ),
        pytest.param(
            "{service: ",
            "{__name__: ",
            "33:16 workload.__name__",
            "'__name__' is not the name of a label",
            id="the name as a label",
        ),
        pytest.param(
            "{service: ",
            "{service-name: ",
            "33:16 workload.service-name",
            "'service-name' is not the name of a label",
            id="not a label",
        ),
        pytest.param(
            ", login-works]",
            ", login-works, login-works]",
            "34:76 rules[5]",
            "login-works is already listed above; name each once",
            id="a rule twice",
        ),
        pytest.param(
            ", login-works]",
            ", login-works, lgin-works]",
            "34:76 rules[5]",
            "there is no rule 'lgin-works'",
            id="an unknown rule",
        ),
        pytest.param(
            "name: full",
            "name: canary",
            "37:16 stages[1].name",
            "canary is already listed above; name each once",
            id="a stage twice",
        ),
        pytest.param(
            "name: full",
            "name: Full",
            "37:16 stages[1].name",
            "'Full' is not a name",
            id="a stage in capitals",
        ),
        pytest.param(
            "traffic: 100%",
            "traffic: 1%",
            "37:31 stages[1].traffic",
            "less than the 5% of an earlier stage; traffic never decreases",
            id="less traffic",
        ),
        pytest.param(
            "traffic: 100%",
            "traffic: 101%",
            "37:31 stages[1].traffic",
            "101% is out of range; a share here is more than 0% and at most 100%",
            id="too much traffic",
        ),
        pytest.param(
            "{min: 1h, max: 2h}",
            "{min: 3h, max: 2h}",
            "37:58 stages[1].bake.max",
            "shorter than min (3h); max is at least min",
            id="max below min",
        ),
        pytest.param(
            "{min: 1h, max: 2h}",
            "{min: 0, max: 0}",
            "37:57 stages[1].bake.max",
            "must be longer than 0",
            id="no time at all",
        ),
        pytest.param(
            "{min: 1h, max: 2h}",
            "{max: 2h}",
            "37:37 stages[1].bake",
            "min is missing: Never promoted earlier.",
            id="no min",
        ),
        pytest.param(
            "  standard:\n",
            "  standard:\n    canary: {}\n",
            "33:5 canary",
            "unknown key; allowed: workload, baseline, rules, stages",
            id="an unknown key",
        ),
        pytest.param(
            '"{service}"',
            '"{baseline}"',
            "33:25 workload.service",
            "{baseline} is not a placeholder; allowed: {service}, {environment}, {version}",
            id="the baseline in the labels of the new version",
        ),
        pytest.param(
            WORKLOAD,
            f"{WORKLOAD}\n    baseline: {{}}",
            "34:5 baseline",
            "at least one is needed",
            id="a baseline without labels",
        ),
        pytest.param(
            WORKLOAD,
            f'{WORKLOAD}\n    baseline: {{version: "{{version}}", service: "{{service}}"}}',
            "34:5 baseline",
            "every label is identical to the workload's, so the new version would be its own baseline",
            id="a baseline that is the new version",
        ),
        pytest.param(
            WORKLOAD,
            f'{WORKLOAD}\n    baseline: {{service: "{{service}}"}}',
            "34:5 baseline",
            "every label is identical to the workload's",
            id="a baseline that holds the new version",
        ),
        pytest.param(
            WORKLOAD,
            f'{WORKLOAD}\n    baseline: {{version: "{{basline}}"}}',
            "34:25 baseline.version",
            "(did you mean baseline?); allowed: {service}, {environment}, {version}, {baseline}",
            id="a misspelt placeholder of the baseline",
        ),
        pytest.param(
            "name: full, ",
            "name: full, baseline: after, ",
            "37:32 stages[1].baseline",
            "'after' is not a baseline; allowed: beside, before, none",
            id="an unknown baseline",
        ),
        pytest.param(
            "name: full, ",
            "name: full, on_inconclusive: rollback, ",
            "37:39 stages[1].on_inconclusive",
            "'rollback' is not an action; allowed: hold, promote",
            id="no proof as a reason to go back",
        ),
        pytest.param(
            "  standard:\n",
            "  standard:\n    false_rollback_budget: 25%\n",
            "33:28 false_rollback_budget",
            "25% is out of range; a share here is more than 0% and at most 20%",
            id="a budget of crying wolf",
        ),
        pytest.param(
            "  standard:\n",
            "  standard:\n    drift_floor: 110%\n",
            "33:18 drift_floor",
            "110% is out of range; a share here is at least 0% and at most 100%",
            id="a floor above everything",
        ),
        pytest.param(
            "  standard:\n",
            "  standard:\n    history: 2w\n",
            "33:14 history",
            "2w is too long; at most 7d",
            id="more history than one question may ask for",
        ),
        pytest.param(
            "  standard:\n",
            "  standard:\n    instance_label: pod-name\n",
            "33:21 instance_label",
            "'pod-name' is not the name of a label",
            id="no label for instances",
        ),
        pytest.param(
            "  standard:\n",
            "  Standard:\n",
            "32:3 Standard",
            "'Standard' is not a name",
            id="a plan in capitals",
        ),
        pytest.param(
            "  standard:\n",
            "  standard:\n    on_blind: {then: wait}\n",
            "33:22 on_blind.then",
            "'wait' is not an action",
            id="an unknown action",
        ),
    ],
)
def test_what_a_plan_cannot_say_is_told_at_its_place(old: str, new: str, place: str, message: str) -> None:
    position, key = place.split(" ")
    fault = only_fault_of(spoiled(old, new))
    assert fault.startswith(f"{position}: plans.{'standard.' if key != 'Standard' else ''}{key}: ")
    assert message in fault


def test_a_plan_needs_workload_rules_and_stages() -> None:
    text = GOOD.split("plans:")[0] + "plans:\n  standard: {rules: [], stages: {}}\n"
    told = [
        fault.partition("plans.standard")[2].split(":")[1] for fault in faults_of(text) if "plans.standard" in fault
    ]
    assert told == [" workload is missing", " at least one is needed", " a mapping where a list is due"]


def test_faults_of_one_stage_hide_nothing_in_the_others() -> None:
    text = (
        spoiled("traffic: 5%", "trafic: 5%")
        .replace("{min: 1h, max: 2h}", "{min: 3h, max: 2h}")
        .replace("name: full", "name: canary")
    )
    assert [fault.partition("plans.standard.")[2].partition(": ")[0] for fault in faults_of(text)] == [
        "stages[0]",
        "stages[0].trafic",
        "stages[1].name",
        "stages[1].bake.max",
    ]
