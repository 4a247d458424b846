"""The files in rules/ as somebody copies them: they load, they are meant, and they keep the checklist's thresholds."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from gated.model.evidence import BaselineKind
from gated.model.ids import PlanName, RuleName, SourceName
from gated.model.plan import BlindAction, Plan
from gated.model.rule import (
    AlertsRule,
    BurnRateRule,
    DistributionRule,
    Limit,
    OnBreach,
    ProbeRule,
    QuantileRule,
    RatioRule,
    Rule,
    Scope,
    Side,
    ValueRule,
    WorseThanBaseline,
    is_sequential,
)
from gated.rulebook.load import is_cases, load
from gated.rulebook.rules import KINDS
from gated.rulebook.schema import json_schema

RULES = Path(__file__).parents[2] / "rules"
DEMO = Path(__file__).parents[2] / "deploy" / "demo" / "rules.yaml"
FILES = sorted(file for file in RULES.glob("*.yaml") if not is_cases(file))
LOADED = load([RULES], {SourceName("default"): KINDS.keys() - {"probe"}})


def rule(name: str) -> Rule:
    assert LOADED.rulebook is not None
    return LOADED.rulebook.rules[RuleName(name)]


@pytest.fixture
def plan() -> Plan:
    assert LOADED.rulebook is not None
    return LOADED.rulebook.policy(PlanName("standard")).plan


def test_they_have_neither_errors_nor_warnings() -> None:
    assert LOADED.faults == ()


def test_the_rules_of_the_demo_have_neither_errors_nor_warnings() -> None:
    assert load([DEMO], {SourceName("default"): KINDS.keys() - {"probe"}}).faults == ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_file_is_valid_by_the_published_schema(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), json_schema(), cls=jsonschema.Draft202012Validator)


def test_every_rule_says_what_it_is_for() -> None:
    for file in FILES:
        for name, body in (yaml.safe_load(file.read_text()).get("rules") or {}).items():
            assert body.get("description"), name


def test_5xx_above_two_percent_goes_back_as_soon_as_it_is_beyond_doubt() -> None:
    errors = rule("error-rate")
    assert isinstance(errors, RatioRule)
    assert errors.limit == Limit(0.02, Side.ABOVE)
    assert (errors.on_breach, errors.scope, is_sequential(errors)) == (OnBreach.ROLLBACK, Scope.VERSION, True)


def test_more_5xx_than_on_the_old_version_goes_back() -> None:
    errors = rule("error-rate-vs-baseline")
    assert isinstance(errors, RatioRule)
    assert (errors.limit, errors.on_breach) == (WorseThanBaseline(0.1), OnBreach.ROLLBACK)


def test_p95_above_800_milliseconds_goes_back() -> None:
    latency = rule("latency-p95")
    assert isinstance(latency, QuantileRule)
    assert (latency.quantile, latency.limit, latency.on_breach) == (0.95, Limit(0.8, Side.ABOVE), OnBreach.ROLLBACK)


def test_a_p95_more_than_half_as_long_again_as_the_old_versions_goes_back() -> None:
    latency = rule("latency-p95-vs-baseline")
    assert isinstance(latency, QuantileRule)
    assert (latency.quantile, latency.limit, latency.on_breach) == (0.95, WorseThanBaseline(0.5), OnBreach.ROLLBACK)


def test_availability_below_its_objective_goes_back() -> None:
    availability = rule("availability")
    assert isinstance(availability, RatioRule)
    assert (availability.limit, availability.on_breach) == (Limit(0.995, Side.BELOW), OnBreach.ROLLBACK)


def test_a_service_that_burns_its_error_budget_holds_the_rollout() -> None:
    burn = rule("fast-burn")
    assert isinstance(burn, BurnRateRule)
    assert (burn.objective, burn.scope, burn.on_breach) == (0.995, Scope.SERVICE, OnBreach.HOLD)


def test_more_memory_than_the_old_version_is_only_told() -> None:
    memory = rule("saturation")
    assert isinstance(memory, DistributionRule)
    assert (memory.limit, memory.on_breach) == (WorseThanBaseline(0.25), OnBreach.WARN)


def test_a_target_down_for_two_minutes_goes_back() -> None:
    down = rule("target-down")
    assert isinstance(down, ValueRule)
    assert (down.limit, down.for_seconds) == (Limit(1.0, Side.BELOW), 120.0)


@pytest.mark.parametrize("name", ["login-works", "billing-works"])
def test_an_unavailable_login_or_billing_goes_back_at_once(name: str) -> None:
    probe = rule(name)
    assert isinstance(probe, ProbeRule)
    assert (probe.failures, probe.for_seconds, probe.on_breach) == (2, 0.0, OnBreach.ROLLBACK)


def test_the_firewall_and_refused_requests_are_watched_for_the_whole_service() -> None:
    assert isinstance(rule("waf-alerts"), AlertsRule)
    for name in ("waf-blocks", "gateway-refusals"):
        assert isinstance(rule(name), RatioRule)
        assert rule(name).scope is Scope.SERVICE


def test_traffic_is_widened_after_15_minutes_at_the_earliest_and_watched_for_an_hour_at_the_end(plan: Plan) -> None:
    *earlier, last = plan.stages
    assert all(stage.bake_min_seconds >= 15 * 60 for stage in earlier)
    assert last.bake_min_seconds >= 3600
    assert last.traffic == 1.0
    assert last.on_blind.then is BlindAction.PAGE


def test_where_no_old_version_is_left_the_new_one_is_compared_with_what_was_before(plan: Plan) -> None:
    assert [stage.baseline for stage in plan.stages] == [
        BaselineKind.BESIDE,
        BaselineKind.BESIDE,
        BaselineKind.BEFORE,
    ]


def test_the_plan_uses_every_rule(plan: Plan) -> None:
    assert LOADED.rulebook is not None
    assert set(plan.rules) == set(LOADED.rulebook.rules)
