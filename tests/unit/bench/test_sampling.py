"""The random numbers of the simulations have the laws they are said to have. Seeded: they fail always, or never."""

import itertools
import math
import statistics
from collections.abc import Callable

import pytest

from tests.bench.judge import sampling

DRAWS = 20_000
STEP = 15.0


def draws(law: Callable[[], float]) -> tuple[float, float]:
    """Mean and variance of many."""
    values = [law() for _ in range(DRAWS)]
    return statistics.fmean(values), statistics.variance(values)


@pytest.mark.parametrize("mean", [0.0, 0.02, 3.0, 9.99, 10.0, 150.0, 30_000.0])
def test_poisson_numbers_have_their_mean_as_variance(mean: float) -> None:
    rng = sampling.seeded("poisson", mean)
    got, variance = draws(lambda: sampling.poisson(rng, mean))
    assert got == pytest.approx(mean, abs=5 * math.sqrt(mean / DRAWS))
    assert variance == pytest.approx(mean, rel=0.1 if mean < 1 else 0.05)


@pytest.mark.parametrize("mean", [3.0, 12.0])
def test_every_poisson_number_is_as_frequent_as_it_should_be(mean: float) -> None:
    rng = sampling.seeded("frequencies", mean)
    seen = [sampling.poisson(rng, mean) for _ in range(DRAWS)]
    for number in range(25):
        share = math.exp(number * math.log(mean) - mean - math.lgamma(number + 1))
        assert seen.count(number) / DRAWS == pytest.approx(share, abs=5 * math.sqrt(share / DRAWS) + 1e-4)


def test_gamma_and_lognormal_numbers_have_their_mean_and_variation() -> None:
    rng = sampling.seeded("factors")
    mean, variance = draws(lambda: sampling.gamma(rng, 9.0, 0.5))
    assert (mean, math.sqrt(variance) / mean) == pytest.approx((9.0, 0.5), rel=0.03)
    mean, variance = draws(lambda: sampling.lognormal(rng, 0.3))
    assert (mean, math.sqrt(variance)) == pytest.approx((1.0, 0.3), rel=0.03)


def test_a_drift_is_in_equilibrium_from_the_start_and_forgets_as_fast_as_it_should() -> None:
    rng = sampling.seeded("drift")
    pairs = [
        list(itertools.islice(sampling.drift(rng, 0.3, 300.0, STEP), 21))[::20] for _ in range(DRAWS)
    ]  # 20 steps are 300 s: correlation 1/e
    firsts, lasts = zip(*pairs, strict=True)
    assert statistics.fmean(firsts) == pytest.approx(1.0, abs=0.01)
    assert statistics.stdev(firsts) == pytest.approx(0.3, rel=0.03)
    assert statistics.stdev(lasts) == pytest.approx(0.3, rel=0.03)
    logs = ([math.log(x) for x in firsts], [math.log(x) for x in lasts])
    assert statistics.correlation(*logs) == pytest.approx(math.exp(-1), abs=0.03)


def test_a_switch_is_on_for_its_share_of_the_time() -> None:
    rng = sampling.seeded("switch")
    on = list(itertools.islice(sampling.switching(rng, 60.0, 540.0, STEP), 10 * DRAWS))
    assert statistics.fmean(on) == pytest.approx(0.1, rel=0.1)
    spells = sum(after and not before for before, after in itertools.pairwise(on))
    assert sum(on) / spells == pytest.approx(60.0 / STEP, rel=0.1)


def test_geometric_numbers_are_at_least_one() -> None:
    rng = sampling.seeded("geometric")
    assert {sampling.geometric(rng, 1.0) for _ in range(10)} == {1}
    mean, variance = draws(lambda: sampling.geometric(rng, 4.0))
    assert (mean, variance) == pytest.approx((4.0, 4.0 * 3.0), rel=0.05)


def test_clusters_keep_the_mean_and_raise_the_variance() -> None:
    """Of a compound Poisson sum the variance is mean · E k² / E k, k the size of a cluster."""
    rng = sampling.seeded("clusters")
    mean, variance = draws(lambda: sampling.geometric_clusters(rng, 7.0, 3.0))
    assert mean == pytest.approx(7.0, rel=0.03)
    assert variance / mean == pytest.approx(5.0, rel=0.05)  # 2 · 3 - 1


@pytest.mark.parametrize("mean", [7.0, 300.0], ids=["clusters one by one", "common clusters together"])
def test_zipf_clusters_keep_the_mean_and_raise_the_variance(mean: float) -> None:
    zipf = sampling.Zipf(2.0, 100)
    weights = [k**-2.0 for k in range(1, 101)]
    first, second = (sum(k**power * w for k, w in enumerate(weights, 1)) / sum(weights) for power in (1, 2))
    assert zipf.mean == pytest.approx(first)
    rng = sampling.seeded("zipf", mean)
    got, variance = draws(lambda: zipf.clusters(rng, mean))
    assert got == pytest.approx(mean, rel=0.03)
    assert variance / got == pytest.approx(second / first, rel=0.06)


def test_the_same_seed_repeats_itself() -> None:
    assert sampling.seeded("a", 1).random() == sampling.seeded("a", 1).random()
    assert sampling.seeded("a", 1).random() != sampling.seeded("a", 2).random()
