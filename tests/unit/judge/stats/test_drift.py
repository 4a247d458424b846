"""The hidden chain of coins."""

import math

import pytest

from gated.judge.stats import drift, likelihood
from gated.judge.stats.drift import COINS, DAY_COINS, Columns, transition

CORRELATIONS = [0.0, 0.3, 0.95, 1.0]


def composed(first: Columns, second: Columns) -> list[list[float]]:
    """By columns, as both are."""
    rows = list(zip(*first, strict=True))
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for row in rows] for column in second]


@pytest.mark.parametrize("coins", [0, 1, DAY_COINS, COINS])
@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_from_any_state_one_comes_somewhere(coins: int, correlation: float) -> None:
    for row in zip(*transition(coins, correlation), strict=True):
        assert sum(row) == pytest.approx(1)
        assert min(row) >= 0


def test_two_steps_are_one_longer_step() -> None:
    """On this rests that time without events may gather and pass at once."""
    twice, once = composed(transition(COINS, 0.9), transition(COINS, 0.5)), transition(COINS, 0.45)
    for column, expected in zip(twice, once, strict=True):
        assert column == pytest.approx(expected)


def test_two_coins_turn_as_coins_do() -> None:
    """Stays with 3/4, turns with 1/4. From one head to two: 3/4 * 1/4."""
    columns = transition(2, 0.5)
    assert columns[2] == pytest.approx((1 / 16, 3 / 16, 9 / 16))
    assert columns[1] == pytest.approx((6 / 16, 10 / 16, 6 / 16))


@pytest.mark.parametrize(("sd", "day_sd"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_a_law_that_knows_nothing_stays_as_it_is(sd: float, day_sd: float) -> None:
    states = drift.drift(sd, 300.0, day_sd)
    (moved,) = states.moved([states.law], 1234.0)
    assert moved == pytest.approx(states.law)
    assert sum(states.law) == pytest.approx(1)


@pytest.mark.parametrize(("sd", "day_sd"), [(0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_states_have_the_spread_that_was_asked_for(sd: float, day_sd: float) -> None:
    states = drift.drift(sd, 300.0, day_sd)
    mean = sum(p * z for p, z in zip(states.law, states.levels, strict=True))
    variance = sum(p * (z - mean) ** 2 for p, z in zip(states.law, states.levels, strict=True))
    assert variance == pytest.approx(sd**2 + day_sd**2)


def test_drift_does_no_harm_on_average() -> None:
    states = drift.drift(0.3, 300.0)
    assert sum(p * math.exp(z) for p, z in zip(states.law, states.levels, strict=True)) == pytest.approx(1, abs=1e-3)


def test_memory_fades_as_it_should() -> None:
    """What is expected of z after a while is exp(-elapsed / seconds) times what it is now."""
    states = drift.drift(0.3, 300.0)
    known = [0.0] * COINS + [1.0]
    centre = -(0.3**2) / 2
    (moved,) = states.moved([known], 150.0)
    expected = sum(p * (z - centre) for p, z in zip(moved, states.levels, strict=True))
    assert expected == pytest.approx(math.exp(-0.5) * (states.levels[-1] - centre))


@pytest.mark.parametrize(("sd", "day_sd"), [(0.0, 0.0), (0.01, 0.0), (0.1, 0.0), (0.8, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_every_expert_finds_its_states_on_the_grid(sd: float, day_sd: float) -> None:
    states = drift.drift(sd, 300.0, day_sd)
    grid = likelihood.grid(states)
    assert grid.log_ratios[grid.null] == pytest.approx(states.levels)
    for place, ratio in zip(grid.experts, likelihood.RATIOS, strict=True):
        shifts = [eta - z for eta, z in zip(grid.log_ratios[place], states.levels, strict=True)]
        assert shifts == pytest.approx([shifts[0]] * len(states.levels))
        if states.step > 0.02:
            assert shifts[0] / states.step == pytest.approx(max(1, round(math.log(ratio) / states.step)))
        else:
            assert shifts[0] == pytest.approx(math.log(ratio))
    assert len(set(grid.log_ratios)) == len(grid.log_ratios)
