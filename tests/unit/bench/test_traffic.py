"""The traffic that judges are compared on: fair to a healthy canary, and as harmful as it says to a bad one."""

import itertools
import statistics

import pytest

from gated.model.evidence import Counts
from tests.bench.judge import sampling, traffic
from tests.bench.judge.traffic import CELLS, MODELS, PODS, Cell, Harm, Look, Model

BUSY = Cell(1_000.0, 0.02)
BY_NAME = pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])


def bakes(model: Model, runs: int = 200, looks: int = 40, harm: Harm = traffic.healthy) -> list[Look]:
    """Looks of many releases, as new pods' severities differ from release to release."""
    return [
        look
        for run in range(runs)
        for look in itertools.islice(traffic.looks(model, BUSY, sampling.seeded(model.name, run), harm), looks)
    ]


def shares(looks: list[Look]) -> tuple[float, float]:
    """The error rates of the canary and of the baseline."""
    canary, baseline = (sum((look[side] for look in looks), Counts()) for side in (0, 1))
    return canary.share, baseline.share


def test_a_healthy_canary_fails_at_least_once_in_100_seconds() -> None:
    assert len(CELLS) == 12
    assert all(cell.rate * cell.share >= 0.01 for cell in CELLS)
    assert (min(cell.rate for cell in CELLS), max(cell.rate for cell in CELLS)) == (1.0, 10_000.0)


@BY_NAME
def test_the_canary_has_a_tenth_of_the_traffic(model: Model) -> None:
    looks = bakes(model, runs=20)
    mine, theirs = (sum(look[side].total for look in looks) for side in (0, 1))
    assert mine / (mine + theirs) == pytest.approx(1 / PODS, rel=0.02)


@BY_NAME
def test_a_healthy_canary_is_as_good_as_the_baseline(model: Model) -> None:
    canary, baseline = shares(bakes(model))
    assert canary == pytest.approx(baseline, rel=0.12)


def test_independent_errors_have_their_rate_and_binomial_variance() -> None:
    looks = bakes(traffic.INDEPENDENT)
    assert shares(looks) == pytest.approx((0.02, 0.02), rel=0.01)
    bad = [canary.bad for canary, _ in looks]
    assert statistics.variance(bad) / statistics.fmean(bad) == pytest.approx(1.0, abs=0.1)


def test_pod_noise_and_clusters_raise_the_variance_of_a_look() -> None:
    """Clusters by 5 at any rate, noise of cv .5 by a quarter of the mean: 5 + 300/4."""
    bad = [canary.bad for canary, _ in bakes(traffic.CLUSTERED)]
    assert statistics.fmean(bad) == pytest.approx(300.0, rel=0.02)
    assert statistics.variance(bad) / statistics.fmean(bad) == pytest.approx(80.0, rel=0.1)


def test_a_faulty_canary_fails_as_much_more_as_it_should_from_then_on() -> None:
    looks = bakes(traffic.INDEPENDENT, harm=traffic.faulty(3.0, since_look=20))
    before = [look for number, look in enumerate(looks) if number % 40 < 20]
    after = [look for number, look in enumerate(looks) if number % 40 >= 20]
    assert shares(before) == pytest.approx((0.02, 0.02), rel=0.02)
    assert shares(after) == pytest.approx((0.06, 0.02), rel=0.02)


def test_a_cold_start_cools_down() -> None:
    harm = traffic.cold(5.0, cooling_seconds=120.0)
    assert harm(0) == pytest.approx(5.0, rel=0.1)
    assert harm(8) - 1 == pytest.approx((harm(0) - 1) / 2.718, rel=0.01)
    assert harm(100) == pytest.approx(1.0, abs=1e-3)


def test_never_do_more_requests_fail_than_came() -> None:
    looks = bakes(traffic.INDEPENDENT, runs=5, harm=traffic.faulty(1e6))
    assert all(canary.bad == canary.total for canary, _ in looks)


def test_a_history_has_all_pods_at_all_looks() -> None:
    bad, total = traffic.history(traffic.INDEPENDENT, BUSY, sampling.seeded("history"), 3600.0)
    assert [track.instance for track in bad] == [track.instance for track in total]
    assert len(total) == PODS
    assert all(len(track.counts) == 240 and None not in track.counts for track in (*bad, *total))


def test_pods_that_are_replaced_begin_cold() -> None:
    cold = traffic.cold(10.0, cooling_seconds=60.0)
    bad, total = traffic.history(traffic.INDEPENDENT, BUSY, sampling.seeded("births"), 3600.0, birth=cold)
    assert len(bad) == len(total) == 2 * PODS
    for failed, served in zip(bad, total, strict=True):
        lived = [look for look, count in enumerate(served.counts) if count is not None]
        assert lived == list(range(lived[0], lived[-1] + 1))
        assert [look for look, count in enumerate(failed.counts) if count is not None] == lived
        if served.instance.startswith("new"):
            first, last = failed.counts[lived[0]] or 0.0, failed.counts[lived[-1]] or 0.0
            assert first > 5 * last
    alive = [sum(track.counts[look] is not None for track in total) for look in range(240)]
    assert set(alive) == {PODS}
