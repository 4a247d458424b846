"""The part of the noise that lasts."""

import math

import pytest

from gated.judge.stats.autocovariance import Drift, Noise, lasting
from tests.unit.judge.stats.simulated_service import seeded


def by_the_book(stretches: list[Noise], step: float, seconds: float) -> Drift:
    """The formula as it is written, pair by pair."""
    lags = int(600 / step)
    pairs = [
        (k, noise, t)
        for noise in stretches
        for t in range(len(noise.scales))
        for k in range(1, lags + 1)
        if t + k < len(noise.scales)
    ]
    information = sum(
        math.exp(-2 * k * step / seconds) * noise.scales[t] * noise.scales[t + k] for k, noise, t in pairs
    )
    variance = (
        sum(math.exp(-k * step / seconds) * noise.excesses[t] * noise.excesses[t + k] for k, noise, t in pairs)
        / information
    )
    squares = sum(r * r for noise in stretches for r in noise.excesses)
    return Drift(
        variance, max(1, squares / sum(sum(noise.scales) for noise in stretches)) / math.sqrt(information), seconds
    )


@pytest.mark.parametrize("step", [15.0, 70.0, 400.0], ids=["forty lags", "eight lags", "one lag"])
@pytest.mark.parametrize("seconds", [600.0, 1800.0])
def test_one_pass_is_the_sum_over_all_pairs(step: float, seconds: float) -> None:
    random = seeded(1)
    stretches = [
        Noise([random.gauss(0, 3) for _ in range(length)], [random.random() * 5 for _ in range(length)])
        for length in (1, 30, 100, 41)
    ]
    got, expected = lasting(stretches, step, [seconds]), by_the_book(stretches, step, seconds)
    assert got.variance == pytest.approx(expected.variance, rel=1e-9)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=1e-9)


@pytest.mark.parametrize(
    "stretches",
    [
        pytest.param([], id="none"),
        pytest.param([Noise([], [])], id="empty"),
        pytest.param([Noise([0.0] * 50, [0.0] * 50)], id="no errors"),
        pytest.param([Noise([1.0], [1.0])], id="one look"),
    ],
)
def test_nothing_does_not_drift(stretches: list[Noise]) -> None:
    drift = lasting(stretches, 15.0)
    assert drift.variance == 0
    assert drift.significance == 0


def test_time_constants_shorter_than_a_look_are_not_tried() -> None:
    random = seeded(2)
    noise = Noise([random.gauss(0, 1) for _ in range(200)], [1.0] * 200)
    assert lasting([noise], 300.0).seconds >= 300
    assert lasting([noise], 7200.0).seconds == 1800


def test_pairs_do_not_reach_from_one_stretch_into_another() -> None:
    calm, odd = Noise([2.0], [1.0]), Noise([2.0], [1.0])
    assert lasting([calm, odd], 15.0).variance == 0
    assert lasting([Noise([2.0, 2.0], [1.0, 1.0])], 15.0).variance > 0
