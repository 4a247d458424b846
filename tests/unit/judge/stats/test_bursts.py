"""Short excesses of errors, found in history and allowed for in the null."""

import itertools
import math

import pytest

from gated.judge.stats import bursts, drift
from gated.judge.stats.autocovariance import Drift, Noise
from gated.judge.stats.drift import BURST_SIZES, Bursts, burst_transition
from gated.model.evidence import Calibration
from tests.unit.judge.stats.simulated_service import poisson, seeded

LASTS = Drift(1.0, 0.01, 60.0)
MODELLED = Bursts(size=2.0, seconds=60.0, share=0.1)


def turns(seed: int, *, extra: float = 0.0, begins: float = 0.02, ends: float = 0.25, cluster: int = 1) -> list[Noise]:
    """A dozen hours of an instance with ten errors a look, with `extra` times as many on top while it is sick."""
    random, stretches = seeded(seed), []
    for _ in range(12):
        is_sick, excesses = False, []
        for _ in range(240):
            is_sick = random.random() >= ends if is_sick else random.random() < begins
            mean = 10.0 * (1 + extra * is_sick)
            excesses.append(cluster * poisson(mean / cluster, random) - 10.0)
        stretches.append(Noise(excesses, [10.0] * 240))
    return stretches


def test_sick_instances_are_found_and_measured() -> None:
    """If not, every minute of sickness of a healthy version would be taken for a fault."""
    found = bursts.bursts(turns(1, extra=5.0), LASTS, 15.0)
    assert found is not None
    assert 5.0 <= math.expm1(found.size) <= 2.5 * 5.0
    assert found.share == pytest.approx(0.02 / 0.27, rel=0.6)


@pytest.mark.parametrize("cluster", [1, 3, 10])
def test_what_is_over_with_the_look_is_no_burst(cluster: int) -> None:
    """If it were, services whose errors come in clusters would find faults later, for nothing."""
    assert bursts.bursts(turns(2, cluster=cluster), LASTS, 15.0) is None


def test_small_waves_and_long_ones_are_drift() -> None:
    """If not, an ordinary drift would be taken for bursts, and faults of its size be found later."""
    assert bursts.bursts(turns(3, extra=0.3, begins=0.1, ends=0.1), LASTS, 15.0) is None
    assert bursts.bursts(turns(1, extra=5.0), LASTS._replace(seconds=1800.0), 15.0) is None


def test_a_shared_outage_does_not_drown_bursts() -> None:
    """Its looks have a hundred times the errors; by their weight nothing else would be seen."""
    outage = Noise([0.0] * 20, [1000.0] * 20)
    found = bursts.bursts([*turns(1, extra=5.0), outage], LASTS, 15.0)
    assert found is not None
    assert math.expm1(found.size) >= 5.0


@pytest.mark.parametrize(
    "stretches",
    [[], [Noise([], [])], [Noise([1.0], [1.0])], [Noise([0.0] * 9, [0.0] * 9)], [Noise([1e15] * 4, [0.0] * 4)]],
)
def test_too_little_history_shows_none(stretches: list[Noise]) -> None:
    assert bursts.bursts(stretches, LASTS, 15.0) is None


def test_without_its_bursts_a_stretch_is_calm() -> None:
    """Drift is measured in what is left; otherwise bursts would be allowed for twice."""
    found = Bursts(size=math.log1p(2.5 * 4.0), seconds=60.0, share=0.1)
    noise = Noise([0.0, 400.0, -5.0], [10.0, 10.0, 10.0])
    assert bursts.calmed(noise, found).excesses == pytest.approx([0.0, 10 * 2.0 + 2 * math.sqrt(10), -5.0])


def test_bursts_begin_and_end_as_the_chain_says() -> None:
    """Long pauses and short ones have to come to the same, or looks without errors would change the evidence."""
    once, twice = burst_transition(MODELLED, 15.0), burst_transition(MODELLED, 30.0)
    rows = list(zip(*once, strict=True))
    for state, row in enumerate(rows):
        assert sum(row) == pytest.approx(1)
        assert min(row) >= 0
        for other, column in enumerate(once):
            assert sum(p * q for p, q in zip(row, column, strict=True)) == pytest.approx(twice[other][state])
    for state, column in enumerate(once):
        assert sum(p * q for p, q in zip(MODELLED.law, column, strict=True)) == pytest.approx(MODELLED.law[state])


def test_a_burst_lasts_as_long_as_it_says() -> None:
    """Of bursts of 60 s with hardly any new ones, exp(-1/4) go on after 15 s."""
    columns = burst_transition(Bursts(size=1.0, seconds=60.0, share=1e-9), 15.0)
    assert columns[0][1] == pytest.approx(1 - math.exp(-0.25))


def test_the_states_reach_to_the_largest_burst_without_gaps() -> None:
    """In a gap experts would explain healthy looks better than the null can."""
    states = drift.bursting(0.1, 300.0, MODELLED)
    levels = sorted(states.levels)
    assert sum(states.law) == pytest.approx(1)
    assert len(levels) == (BURST_SIZES + 1) * 9
    assert levels[-1] >= MODELLED.size
    assert max(b - a for a, b in itertools.pairwise(levels)) <= states.step * (1 + 1e-9)


def test_by_default_there_are_none() -> None:
    """Releases in flight and services without bursts are judged exactly as before."""
    assert Calibration().burst_size == 0
    assert drift.drift(0.3, 300.0).bursts is None
