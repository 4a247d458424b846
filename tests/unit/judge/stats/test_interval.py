"""The interval that holds at every look."""

import pytest

from gated.judge.stats.interval import confidence_sequence
from gated.model.evidence import Counts


def test_it_is_what_others_compute() -> None:
    """Beta(1, 1), 150 of 150,000, at 1 %: the upper end of PyPI's `ville`."""
    _, upper = confidence_sequence(Counts(150, 150_000), alpha=0.01, dispersion=1.0, prior=(1.0, 1.0))
    assert upper == pytest.approx(0.00147770, abs=5e-9)


def test_nothing_is_known_of_nothing() -> None:
    assert confidence_sequence(Counts(), alpha=0.05, dispersion=1.0) == (0, 1)


@pytest.mark.parametrize("total", [1, 50, 1e6], ids=str)
def test_without_bad_events_it_begins_at_none(total: float) -> None:
    lower, upper = confidence_sequence(Counts(0, total), alpha=0.05, dispersion=1.0)
    assert lower == 0
    assert 0 < upper < 1


def test_with_bad_events_only_it_ends_at_all() -> None:
    lower, upper = confidence_sequence(Counts(50, 50), alpha=0.05, dispersion=1.0)
    assert upper == 1
    assert 0.8 < lower < 1


def test_it_is_the_same_seen_from_the_other_side() -> None:
    lower, upper = confidence_sequence(Counts(7, 100), alpha=0.05, dispersion=1.0)
    mirrored = confidence_sequence(Counts(93, 100), alpha=0.05, dispersion=1.0)
    assert mirrored == pytest.approx((1 - upper, 1 - lower))


def test_it_narrows_with_events_and_widens_with_certainty_and_clusters() -> None:
    def width(total: float, alpha: float, dispersion: float) -> float:
        lower, upper = confidence_sequence(Counts(total * 0.1, total), alpha, dispersion)
        assert lower < 0.1 < upper
        return upper - lower

    assert width(1000, 0.05, 1.0) < width(100, 0.05, 1.0)
    assert width(100, 0.05, 1.0) < width(100, 0.001, 1.0)
    assert width(100, 0.05, 1.0) < width(100, 0.05, 5.0) == pytest.approx(width(20, 0.05, 1.0))


@pytest.mark.parametrize("bad", [1e-6, 1.0, 3e4, 8e9, 1.7e10 - 1e-5], ids=str)
@pytest.mark.parametrize("alpha", [1e-6, 0.05, 0.5, 0.999], ids=str)
def test_it_holds_the_share_of_billions_of_events(bad: float, alpha: float) -> None:
    lower, upper = confidence_sequence(Counts(bad, 17179869185.0), alpha, dispersion=1.0)
    share = bad / 17179869185.0
    assert lower <= share <= upper
    assert upper - lower < 2e-4
