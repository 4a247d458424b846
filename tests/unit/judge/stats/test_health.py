"""The proof that a rate is below its limit."""

import math

import pytest

from gated.judge.stats import health
from gated.model.evidence import Counts

LIMIT = 0.02


def test_nothing_is_proved_by_nothing() -> None:
    assert health.odds(LIMIT, Counts(), dispersion=1.0) == 1


def test_good_events_prove_and_bad_ones_refute() -> None:
    odds = [health.odds(LIMIT, Counts(bad, 1000), dispersion=1.0) for bad in (0, 5, 10, 20, 40)]
    assert odds == sorted(odds, reverse=True)
    assert odds[0] > 1e6
    assert odds[-1] < 0.1


def test_clusters_weaken_the_proof() -> None:
    odds = [health.odds(LIMIT, Counts(2, 1000), dispersion) for dispersion in (1.0, 3.0, 30.0)]
    assert odds == sorted(odds, reverse=True)


def test_odds_stop_before_they_overflow() -> None:
    assert 1e100 < health.odds(0.5, Counts(0, 1e12), dispersion=1.0) < math.inf


@pytest.mark.parametrize("dispersion", [1.0, 4.0])
@pytest.mark.parametrize("counts", [Counts(), Counts(0, 10), Counts(3, 500), Counts(10, 1000), Counts(4, 250)], ids=str)
def test_the_events_needed_are_enough_and_hardly_fewer_would_be(counts: Counts, dispersion: float) -> None:
    needed = health.events_needed(LIMIT, counts, dispersion)
    assert health.odds(LIMIT, later(counts, needed), dispersion) >= 20
    assert health.odds(LIMIT, later(counts, needed * 0.99), dispersion) < 20


def later(counts: Counts, events: float) -> Counts:
    return counts + Counts(counts.share * events, events)


def test_no_more_events_are_needed_once_it_is_proved() -> None:
    assert health.events_needed(LIMIT, Counts(0, 1000), dispersion=1.0) == 0


@pytest.mark.parametrize("bad", [19.6, 20, 25, 1000], ids=["hardly below", "at the limit", "above", "all"])
def test_a_rate_that_is_not_clearly_below_the_limit_is_never_proved(bad: float) -> None:
    assert health.events_needed(LIMIT, Counts(bad, 1000), dispersion=1.0) == math.inf


def test_higher_odds_need_more_events() -> None:
    needed = [health.events_needed(LIMIT, Counts(1, 100), 1.0, odds_limit) for odds_limit in (5.0, 20.0, 100.0)]
    assert needed == sorted(needed)
    assert needed[0] < needed[-1]


def test_without_bad_events_it_takes_as_many_as_the_limit_is_small() -> None:
    """ln(20) / T events at least, and for the mixture of eight rates about a quarter more."""
    for limit in (0.1, 0.01, 0.001):
        assert 3 / limit < health.events_needed(limit, Counts(), dispersion=1.0) < 4 / limit
