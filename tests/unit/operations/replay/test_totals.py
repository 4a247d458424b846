"""What came of all, and how sure one can be."""

import pytest

from gated.operations.replay.report import Expectation, report, unexpected
from gated.operations.replay.totals import clopper_pearson, totals
from tests.unit.operations.replay.rehearsing import NOON, past, policy, rehearsal, replayed

KNOWN = {
    "none of ten": (0, 10, 0.0, 0.3085),
    "one of ten": (1, 10, 0.0025, 0.4450),
    "half": (5, 10, 0.1871, 0.8129),
    "all": (10, 10, 0.6915, 1.0),
    "none of a week of hours": (0, 168, 0.0, 0.0217),
    "many": (50, 10_000, 0.00371, 0.00659),
}
"""Table of Clopper and Pearson's intervals, as R's binom.test prints them."""


@pytest.mark.parametrize(("count", "of", "low", "high"), KNOWN.values(), ids=KNOWN.keys())
def test_the_interval_is_that_of_the_tables(count: int, of: int, low: float, high: float) -> None:
    assert clopper_pearson(count, of) == pytest.approx((low, high), abs=1e-4)


def test_nothing_is_known_of_nothing() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


HEALTHY = replayed(past())
FAULTY = replayed(past(canary={"fails": {NOON + 100: 0.3}}), rehearsal(onset_at=NOON + 100, environment="staging"))
TOO_EARLY = replayed(past(canary={"fails": {NOON: 0.3}}), rehearsal(onset_at=NOON + 900, environment="test"))
BLIND = replayed(past(), rehearsal(version="v3"))


def test_endings_causes_and_rules_are_counted() -> None:
    found = totals([HEALTHY, FAULTY, TOO_EARLY, BLIND])
    assert (found.rolled_back.count, found.rolled_back.of, found.blind, found.completed) == (3, 4, 1, 1)
    assert found.before_onset == 1
    (rule,) = found.rules
    assert (rule.breached.count, rule.breached.of, rule.caused) == (2, 4, 2)
    assert rule.blind_share > 0


EXPECTATIONS = {
    "none": (Expectation.NONE, ["staging", "test"]),
    "rollback": (Expectation.ROLLBACK, ["production"]),
    "onsets": (Expectation.ONSETS, ["test"]),
}


@pytest.mark.parametrize(("expectation", "others"), EXPECTATIONS.values(), ids=EXPECTATIONS.keys())
def test_what_is_not_as_expected_is_found(expectation: Expectation, others: list[str]) -> None:
    judged_by = policy()
    found = report(
        [HEALTHY, FAULTY, TOO_EARLY], {judged_by.plan.name: judged_by}, {}, interval_seconds=15.0, requests=0
    )
    assert [each.environment for each in unexpected(found, expectation)] == others
