"""By how much one sample lies above another."""

import math
from itertools import pairwise
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.judge.stats.mann_whitney import Pairs, Shift
from gated.model.rule import Direction
from tests.unit.judge.stats.simulated_service import seeded
from tests.unit.judge.stats.wandering_gauge import EIGHTHS, SAMPLE, wander

AT_TERM = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
MID_PREGNANCY = [1.15, 0.88, 0.90, 0.74, 1.21]
"""Hollander, Wolfe, Chicken, example 4.1: permeability of membranes; also the example of R's `wilcox.test`."""

CONFIDENCE = st.sampled_from([0.5, 0.9, 0.98, 0.999])


def test_the_textbook_counts_the_same_pairs() -> None:
    assert Pairs(AT_TERM, MID_PREGNANCY).above(0) == 35


def test_the_textbook_finds_the_same_shift() -> None:
    assert Pairs(AT_TERM, MID_PREGNANCY).shift(0.9).estimate == pytest.approx(0.305)


@pytest.mark.parametrize(
    ("new", "old", "p_value"),
    [
        pytest.param(AT_TERM, MID_PREGNANCY, 0.24462360512698333, id="without ties"),
        pytest.param([1.0, 2, 2, 3, 9], [2.0, 3, 4, 4], 0.45088703102517036, id="with ties"),
        pytest.param([0.0, 0, 0, 1, 1, 2], [1.0, 1, 1, 2, 2, 3, 3], 0.04439790748478668, id="small whole numbers"),
    ],
)
def test_the_statistic_is_corrected_for_ties_and_for_continuity(
    new: list[float], old: list[float], p_value: float
) -> None:
    """Two-sided, from scipy.stats.mannwhitneyu(method="asymptotic", use_continuity=True)."""
    z = Pairs(new, old).statistic(0)
    assert math.erfc(abs(z) / math.sqrt(2)) == pytest.approx(p_value, rel=1e-12)


def test_every_pair_of_equal_values_counts_half() -> None:
    assert Pairs([1.0, 2.0], [1.0, 2.0]).above(0) == 0.5 + 1 + 0.5


def test_a_sample_beside_itself_has_not_moved() -> None:
    assert Pairs(AT_TERM, AT_TERM).statistic(0) == 0
    assert Pairs(AT_TERM, AT_TERM).shift(0.98).beyond(0) is None


def test_one_value_throughout_is_no_shift_and_no_error() -> None:
    """R refuses this case: there is no variance to standardise with."""
    pairs = Pairs([3.0] * 5, [3.0] * 4)
    assert pairs.statistic(0) == 0
    assert pairs.shift(0.98) == Shift(0, 0, 0)


def test_values_that_only_rounding_tells_apart_are_no_error() -> None:
    """0.9 - 0.3 is 0.6000000000000001, and 0.9 - 0.6000000000000001 is not 0.3."""
    pairs = Pairs([0.9], [0.9 - 0.3])
    assert pairs.above(0.3) == 0
    assert pairs.statistic(0.3) == 0


def test_two_gauges_that_stand_still_differ_by_exactly_their_difference() -> None:
    assert Pairs([10.0] * 5, [1.0] * 5).shift(0.98) == Shift(9, 9, 9)


def test_too_few_values_exclude_nothing() -> None:
    assert Pairs([10.0, 20.0], [1.0, 2.0]).shift(0.98) == Shift(13.5, 8, 19)


def test_an_interval_ends_exactly_where_the_statistic_steps() -> None:
    """A limit at a whole number must not be passed by the error of a search."""
    new, old = [5.0] * 12 + [6.0] * 8, [4.0] * 15 + [5.0] * 5
    assert Pairs(new, old).shift(0.98) == Shift(1, 1, 2)


def test_the_greatest_gauges_are_compared_without_overflow() -> None:
    assert Pairs([1e300, 5e299], [-1e300, -1e300]).shift(0.98) == Shift(1.75e300, 1.5e300, 2e300)


@pytest.mark.parametrize(
    ("shift", "margin", "moved"),
    [
        (Shift(3, 1, 5), 0.0, Direction.INCREASE),
        (Shift(3, 1, 5), 1.0, None),
        (Shift(3, -1, 5), 0.0, None),
        (Shift(0, 0, 0), 0.0, None),
        (Shift(-3, -5, -1), 0.5, Direction.DECREASE),
        (Shift(-3, -5, -1), 1.0, None),
    ],
    ids=["above", "touches the margin", "around nothing", "nothing", "below", "touches the margin below"],
)
def test_only_a_whole_interval_beyond_the_margin_has_moved(
    shift: Shift, margin: float, moved: Direction | None
) -> None:
    assert shift.beyond(margin) is moved


@given(SAMPLE, SAMPLE, EIGHTHS, CONFIDENCE)
def test_what_is_added_to_every_new_value_is_added_to_the_shift(
    new: list[float], old: list[float], added: float, confidence: float
) -> None:
    before, after = Pairs(new, old).shift(confidence), Pairs([x + added for x in new], old).shift(confidence)
    assert after == Shift(before.estimate + added, before.low + added, before.high + added)


@given(SAMPLE, SAMPLE, st.sampled_from([2.0**-40, 0.25, 1024.0]), CONFIDENCE)
def test_the_unit_of_a_gauge_does_not_matter(
    new: list[float], old: list[float], unit: float, confidence: float
) -> None:
    before = Pairs(new, old).shift(confidence)
    after = Pairs([x * unit for x in new], [y * unit for y in old]).shift(confidence)
    assert after == Shift(before.estimate * unit, before.low * unit, before.high * unit)


@given(SAMPLE, SAMPLE, CONFIDENCE)
def test_changing_places_changes_the_sign(new: list[float], old: list[float], confidence: float) -> None:
    there, back = Pairs(new, old), Pairs(old, new)
    assert there.statistic(0) == -back.statistic(0)
    shift, mirrored = there.shift(confidence), back.shift(confidence)
    assert shift == Shift(-mirrored.estimate, -mirrored.high, -mirrored.low)


@given(st.data(), SAMPLE, SAMPLE)
def test_the_order_of_the_values_does_not_matter(data: st.DataObject, new: list[float], old: list[float]) -> None:
    shuffled = Pairs(data.draw(st.permutations(new)), data.draw(st.permutations(old)))
    assert shuffled.shift(0.98) == Pairs(new, old).shift(0.98)
    assert shuffled.statistic(0.5) == Pairs(new, old).statistic(0.5)


@given(SAMPLE, SAMPLE, CONFIDENCE)
def test_the_estimate_lies_within_its_interval(new: list[float], old: list[float], confidence: float) -> None:
    shift = Pairs(new, old).shift(confidence)
    assert min(new) - max(old) <= shift.low <= shift.estimate <= shift.high <= max(new) - min(old)


@given(SAMPLE, SAMPLE, st.floats(1, 1000), st.floats(1, 1000))
def test_more_doubt_only_widens_the_interval(new: list[float], old: list[float], one: float, other: float) -> None:
    pairs = Pairs(new, old)
    inner, outer = pairs.shift(0.9, min(one, other)), pairs.shift(0.98, max(one, other))
    assert outer.low <= inner.low <= inner.high <= outer.high


@given(SAMPLE, SAMPLE, CONFIDENCE)
def test_the_interval_is_where_the_statistic_says_it_is(new: list[float], old: list[float], confidence: float) -> None:
    """Between two differences next to each other: inside the interval |z| <= q, outside not."""
    pairs = Pairs(new, old)
    shift, quantile = pairs.shift(confidence), NormalDist().inv_cdf((1 + confidence) / 2)
    steps = sorted(set(pairs.differences))
    for one, next_one in pairwise(steps):
        is_inside = shift.low <= one and next_one <= shift.high
        assert (abs(pairs.statistic((one + next_one) / 2)) <= quantile) is is_inside


@given(SAMPLE, SAMPLE)
def test_the_statistic_falls_as_the_shift_grows(new: list[float], old: list[float]) -> None:
    pairs = Pairs(new, old)
    steps = sorted(set(pairs.differences))
    found = [pairs.statistic((one + next_one) / 2) for one, next_one in pairwise(steps)]
    assert found == sorted(found, reverse=True)


def test_an_interval_covers_the_truth_as_often_as_it_promises() -> None:
    random, covered = seeded(5), 0
    for _ in range(300):
        shift = Pairs(wander(random, 125, 0.24, 0, 30), wander(random, 100, 0.3, 0, 30)).shift(0.9)
        covered += shift.low <= 25 <= shift.high
    assert 0.86 < covered / 300 < 0.94
