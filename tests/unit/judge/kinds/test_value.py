"""What one look's readings say about a number."""

from dataclasses import replace

import pytest

from gated.judge.assessment import Assessment, Finding
from gated.judge.kinds import value
from gated.model.reading import (
    Reading,
    Value,
)
from gated.model.rule import Limit, Side, ValueRule
from tests import samples
from tests.judge_story import BLINDNESSES, Blindness, unseen
from tests.unit.judge.kinds.one_look import AT, FRESH, STALE, WORKLOAD, count, finding_of


def assess_value(result: Reading, *newest: Reading, rule: ValueRule | None = None) -> Assessment:
    """Assess a value rule that has one selector for each reading of the newest sample."""
    rule = replace(rule or samples.value_rule(), selectors=tuple(f"s{n}" for n in range(len(newest))))
    return value.assess(rule, WORKLOAD, dict(zip(value.queries(rule, WORKLOAD), (result, *newest), strict=True)))


@pytest.mark.parametrize(
    ("number", "side", "finding"),
    [
        (1.0, Side.BELOW, Finding.INSIDE),
        (0.999, Side.BELOW, Finding.PAST),
        (1.0, Side.ABOVE, Finding.INSIDE),
        (1.001, Side.ABOVE, Finding.PAST),
        (-5.0, Side.ABOVE, Finding.INSIDE),
        (-5.0, Side.BELOW, Finding.PAST),
    ],
    ids=["at the floor", "below the floor", "at the ceiling", "above the ceiling", "far below", "far below the floor"],
)
def test_a_number_is_compared_with_its_limit(number: float, side: Side, finding: Finding) -> None:
    rule = samples.value_rule(limit=Limit(1.0, side))
    found = assess_value(count(number, "the query"), FRESH, rule=rule)
    assert (found.finding, found.value, found.samples, found.query) == (finding, number, None, "the query")
    assert f"harm lies {side.value} 1" in found.reason


def test_a_number_is_as_old_as_its_oldest_ingredient() -> None:
    found = assess_value(count(1), Value(AT - 7, AT), Value(AT - 90, AT), Value(AT - 3, AT))
    assert (found.finding, found.sample_age_seconds) == (Finding.INSIDE, 90.0)


def test_one_old_ingredient_spoils_a_number() -> None:
    found = assess_value(count(1), FRESH, STALE, FRESH)
    assert (found.finding, found.code) == (Finding.NO_DATA, "stale")


def test_a_number_made_of_no_series_has_no_age() -> None:
    """`vector(1)` selects nothing, so there is nothing to be stale."""
    found = assess_value(count(1))
    assert (found.finding, found.sample_age_seconds) == (Finding.INSIDE, None)


@pytest.mark.parametrize("reason", BLINDNESSES)
def test_a_number_that_cannot_be_seen_is_blind(reason: Blindness) -> None:
    assert assess_value(unseen(reason), FRESH).finding is finding_of(reason)
    assert assess_value(count(0), unseen(reason)).finding is finding_of(reason)
