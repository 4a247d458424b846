"""What has to be known of two samples of a gauge."""

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.judge.stats.gauges import dispersion, is_outlier, mean_ratio, without_outliers
from tests.unit.judge.stats.simulated_service import seeded
from tests.unit.judge.stats.wandering_gauge import SAMPLE, wander


def test_the_ratio_of_the_means() -> None:
    assert mean_ratio([3.0, 5.0], [1.0, 3.0]) == 2.0
    assert mean_ratio([0.0], [4.0]) == 0.0


@pytest.mark.parametrize("old", [[0.0, 0.0], [-1.0, 1.0], [-4.0]], ids=["nothing", "evens out", "negative"])
def test_no_ratio_says_how_much_more_than_nothing_something_is(old: list[float]) -> None:
    assert mean_ratio([1.0], old) is None


def test_a_value_far_outside_the_middle_half_is_an_outlier() -> None:
    values = [21.0, 23.0, 24.0, 25.0, 50.0, 29.0, 23.0, 21.0]  # quartiles 22.5 and 26
    assert [value for value, is_out in zip(values, is_outlier(values, 1.5), strict=True) if is_out] == [50.0]
    assert is_outlier([17.25, *values[:4], 31.25], 100) == [False] * 6


@pytest.mark.parametrize("values", [[], [7.0]], ids=["none", "one"])
def test_nothing_stands_out_from_nothing(values: list[float]) -> None:
    assert is_outlier(values, 1.5) == [False] * len(values)
    assert without_outliers(values) == values


def test_a_rare_spike_is_left_out() -> None:
    assert without_outliers([*range(100), 10_000.0]) == [*range(100)]
    assert without_outliers([*range(100), -10_000.0]) == [*range(100)]


def test_a_gauge_that_mostly_stands_still_keeps_its_steps() -> None:
    """Its quartiles are one value: without the demand for rarity, a tenth of the window would be left out."""
    values = [4.0] * 54 + [5.0] * 6
    assert any(is_outlier(values, 3.0))
    assert without_outliers(values) == values


@given(SAMPLE)
def test_what_is_left_was_there_and_in_this_order(values: list[float]) -> None:
    rest = iter(values)
    assert all(value in rest for value in without_outliers(values))


def test_independent_values_need_no_correction() -> None:
    random = seeded(1)
    found = [dispersion(wander(random, 100, 0.3, 0), wander(random, 100, 0.3, 0)) for _ in range(100)]
    assert fmean(found) < 1.3


@pytest.mark.parametrize("persistence", [0.5, 0.75, 0.9])
def test_values_that_depend_on_each_other_are_worth_fewer(persistence: float) -> None:
    random = seeded(2)
    pairs = ((wander(random, 100, 0.3, persistence), wander(random, 130, 0.3, persistence)) for _ in range(100))
    truth = (1 + persistence) / (1 - persistence)
    assert fmean(dispersion(*pair) for pair in pairs) == pytest.approx(truth, rel=0.35)


def test_a_value_seen_four_times_is_one_value() -> None:
    """A gauge scraped every minute and looked at every 15 seconds; 1 + 2(3/4 + 2/4 + 1/4) = 4."""
    random = seeded(3)
    seen = [value for value in wander(random, 100, 0.3, 0, 60) for _ in range(4)]
    assert 3 < dispersion(seen, seen) < 10


def test_one_spike_does_not_make_steady_values_look_independent() -> None:
    """Of the values themselves, all the variance would be the spike's, and it has no neighbours like it."""
    steady = wander(seeded(4), 100, 0.1, 0.9)
    assert dispersion([*steady[:30], 1e6, *steady[31:]]) > 5


@pytest.mark.parametrize("values", [[5.0] * 60, [5.0], [5.0, 6.0]], ids=["never changes", "one value", "two values"])
def test_where_nothing_repeats_nothing_is_corrected(values: list[float]) -> None:
    assert dispersion(values, values) == 1


def test_values_that_only_rise_are_worth_hardly_more_than_one() -> None:
    assert dispersion([*range(60)]) == pytest.approx(59)


@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)), min_size=1, max_size=40))
def test_it_is_at_least_one_and_less_than_the_number_of_values(pairs: list[tuple[float, float]]) -> None:
    new, old = [new for new, _ in pairs], [old for _, old in pairs]
    assert 1 <= dispersion(new, old) <= max(1, len(pairs))


@given(SAMPLE)
def test_neither_unit_nor_origin_matter(values: list[float]) -> None:
    assert dispersion([3 * value - 1000 for value in values]) == dispersion(values)
