"""The values that are tried instead of the present one."""

from dataclasses import replace

import pytest

from gated.model import rule as rules
from gated.model.ids import RuleName
from gated.model.rule import Limit, OnBreach, Side, WorseThanBaseline
from gated.operations.calibrate import candidates
from gated.operations.calibrate.candidates import Movable
from tests import samples
from tests.unit.operations.replay.rehearsing import error_rate, errors_against_baseline, policy, threshold

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5)
RATIO = samples.ratio_rule(test=rules.Test.SEQUENTIAL)
QUANTILE = samples.quantile_rule(test=rules.Test.SEQUENTIAL, limit=Limit(0.5, Side.ABOVE))

RULES: dict[str, tuple[Movable, list[str], list[str]]] = {
    "a share above": (RATIO, ["3%", "5%", "7.5%", "10%", "15%", "20%"], ["1.5%", "1%", "0.75%"]),
    "a share above, not round": (replace(RATIO, limit=Limit(0.013, Side.ABOVE)), ["1.5%", "2%"], ["1%", "0.75%"]),
    "a share below": (
        replace(RATIO, is_good=True, limit=Limit(0.995, Side.BELOW)),
        ["99.25%", "99%", "98.5%"],
        ["99.7%", "99.8%", "99.85%"],
    ),
    "a tolerance": (replace(RATIO, limit=WorseThanBaseline(0.1)), ["15%", "25%", "50%"], ["5%", "0%"]),
    "a quantile moves from boundary to boundary": (QUANTILE, ["1s", "2s500ms"], ["250ms", "100ms"]),
    "a quantile between two boundaries": (
        replace(QUANTILE, limit=Limit(0.8, Side.ABOVE)),
        ["1s", "2s500ms"],
        ["500ms", "250ms", "100ms"],
    ),
}


@pytest.mark.parametrize(("rule", "looser", "tighter"), RULES.values(), ids=RULES.keys())
def test_round_numbers_on_both_sides_the_nearest_first(rule: Movable, looser: list[str], tighter: list[str]) -> None:
    judged_by = policy([rule])
    assert [each.text for each in candidates.looser(judged_by, rule, BOUNDS)][: len(looser)] == looser
    assert [each.text for each in candidates.tighter(judged_by, rule, BOUNDS)][: len(tighter)] == tighter


def test_a_share_never_passes_everything() -> None:
    rule = replace(RATIO, limit=Limit(0.5, Side.ABOVE))
    assert [each.text for each in candidates.looser(policy([rule]), rule, ())] == ["75%"]


def test_a_candidate_is_alone_and_has_its_share_of_the_budget() -> None:
    warning = error_rate(name=RuleName("warning"), on_breach=OnBreach.WARN)
    guards = [error_rate(), errors_against_baseline(), threshold(), warning]
    judged_by = policy(guards)
    alone = candidates.present(judged_by, guards[1])  # type: ignore[arg-type] # a ratio rule
    assert alone.policy.plan.rules == ("errors-against-baseline",)
    assert alone.policy.rules == (guards[1],)
    assert alone.policy.plan.false_rollback_budget == judged_by.plan.false_rollback_budget / 2
    for rule in guards[2:]:
        unshared = candidates.present(judged_by, rule)  # type: ignore[arg-type] # a ratio rule
        assert unshared.policy.plan.false_rollback_budget == judged_by.plan.false_rollback_budget


def test_only_larger_drift_floors_are_tried() -> None:
    judged_by = policy([errors_against_baseline()], drift_floor=0.15)
    found = candidates.drift_floors(judged_by, judged_by.rules[0])
    assert [each.text for each in found] == ["20%", "30%", "50%"]
    assert [each.policy.plan.drift_floor for each in found] == [0.2, 0.3, 0.5]


def test_what_only_people_know_is_not_moved() -> None:
    guards = [error_rate(), samples.value_rule(), samples.alerts_rule()]
    assert [rule.name for rule in candidates.movable(policy(guards))] == ["error-rate"]
