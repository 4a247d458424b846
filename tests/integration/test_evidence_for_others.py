"""The odds of sequential rules reach those who look: API, metrics, and the decision that was recorded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import samples
from tests.judge_story import one_stage, policy_of
from tests.serving import ServedGate
from tests.unit.judge.sequential_stories import ERRORS, VERSUS, limit_rule, versus_rule

RULE = f'{{environment="production",rule="{ERRORS}",service="checkout"}}'


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    rules = (limit_rule(), versus_rule())
    plan = {"cold_start_seconds": 0.0}
    with ServedGate(
        tmp_path, policy_of(rules, one_stage(name=samples.CANARY, bake_max_seconds=3600.0), **plan)
    ) as gate:
        yield gate


def sample(served: ServedGate, name: str) -> float:
    """The value of a series of the rule with the fixed limit."""
    lines = served.get("/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{RULE} "))


def test_evidence_is_shown_beside_its_limit(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(10)
    limited, compared = served.verdict(release)["rules"]
    assert (limited["rule"], limited["evidence_limit"], limited["health_evidence_limit"]) == (ERRORS, 100.0, 20.0)
    assert 0 < limited["evidence"] < 1
    assert limited["interval"][0] <= limited["value"] <= limited["interval"][1] < 0.02
    assert (compared["rule"], compared["baseline"], compared["baseline_value"]) == (VERSUS, "beside", 0.0)
    assert sample(served, "gated_rule_evidence") == pytest.approx(limited["evidence"], rel=1e-3)
    assert sample(served, "gated_rule_evidence_limit") == 100.0


def test_a_rollback_is_recorded_with_its_odds(served: ServedGate) -> None:
    release = served.open()
    served.start(release)
    served.tick(5)
    served.world.error_share, served.world.old_error_share = 0.5, 0.0
    while served.verdict(release)["verdict"] != "rollback":
        served.tick()
    (decision,) = served.get(f"/api/v1/releases/{release}").json()["decisions"]
    assert decision["decision"] == "rolled_back"
    assert sum(rule["evidence"] for rule in decision["rules"]) >= 100.0
    assert " : 1 that this is no accident, limit 100 : 1" in decision["reason"]
