"""Evidence does not grow on average while the new version is healthy: every possible next look, weighed by its chance.

This is what bounds false rollbacks at any schedule of looks, and it holds look by look, so it needs no simulation.
"""

import math
from collections.abc import Callable

import pytest

from gated.judge.stats import drift, likelihood
from gated.judge.stats.drift import Bursts
from gated.judge.stats.one_sample import OneSample
from gated.judge.stats.past_baseline import PastBaseline
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts, PastRate, Process
from tests.unit.judge.stats.simulated_service import STEP_SECONDS, poisson, seeded

TOLERANCE = 0.1
CANARY, BASELINE = 100.0, 700.0
THETA = (1 + TOLERANCE) * CANARY / ((1 + TOLERANCE) * CANARY + BASELINE)

Law = Callable[[int, list[tuple[float, float]]], list[float]]
"""Of the new version's errors, given all errors and the chance of each theta."""


def binomial(events: int, chance: float) -> list[float]:
    return [math.comb(events, k) * chance**k * (1 - chance) ** (events - k) for k in range(events + 1)]


def independent(errors: int, thetas: list[tuple[float, float]]) -> list[float]:
    laws = [[weight * p for p in binomial(errors, theta)] for weight, theta in thetas]
    return [sum(column) for column in zip(*laws, strict=True)]


def healthier(errors: int, thetas: list[tuple[float, float]]) -> list[float]:
    return independent(errors, [(weight, theta / 2) for weight, theta in thetas])


def all_or_nothing(errors: int, thetas: list[tuple[float, float]]) -> list[float]:
    mean = sum(weight * theta for weight, theta in thetas)
    return [1 - mean, *[0.0] * (errors - 1), mean]


@pytest.mark.parametrize("can_bet", [True, False], ids=["both bettors", "likelihood only"])
@pytest.mark.parametrize(
    ("correlation", "drift_sd", "law"),
    [
        pytest.param(0.0, 0.0, independent, id="independent at the tolerated ratio"),
        pytest.param(0.0, 0.0, healthier, id="independent and healthier"),
        pytest.param(0.0, 0.3, independent, id="drifting as the chain does"),
        pytest.param(0.0, 0.8, healthier, id="drifting and healthier"),
        pytest.param(0.2, 0.1, independent, id="more clusters assumed than there are"),
        pytest.param(1.0, 0.0, all_or_nothing, id="all errors of a look in one cluster"),
        pytest.param(1.0, 0.3, all_or_nothing, id="one cluster and drift"),
    ],
)
def test_evidence_against_the_old_version_does_not_grow(
    correlation: float, drift_sd: float, law: Law, can_bet: bool
) -> None:
    test = TwoSample(TOLERANCE, 50, Calibration(correlation=correlation, drift_sd=drift_sd, can_bet=can_bet))
    states, random = drift.drift(drift_sd, 300.0), seeded(1)
    process = test.opened()
    for _ in range(40):
        errors = 1 + poisson(5.0, random)
        null, _ = likelihood.arrived(process, states, STEP_SECONDS)
        tilted = [(weight, THETA * math.exp(z)) for weight, z in zip(null, states.levels, strict=True)]
        chances = law(errors, [(weight, up / (1 - THETA + up)) for weight, up in tilted])
        after = [
            test.looked(process, Counts(bad, CANARY), Counts(errors - bad, BASELINE), STEP_SECONDS)
            for bad in range(errors + 1)
        ]
        assert mean_value(after, chances) <= process.value * (1 + 1e-12)
        process = random.choices(after, chances)[0]


@pytest.mark.parametrize("can_bet", [True, False], ids=["both bettors", "likelihood only"])
def test_evidence_does_not_grow_where_healthy_instances_have_bursts(can_bet: bool) -> None:
    """The filter knows of bursts: with another matrix or law than the modelled one, every burst would be evidence."""
    bursts = Bursts(size=2.0, seconds=60.0, share=0.1)
    known = Calibration(
        correlation=0.0,
        drift_sd=0.1,
        can_bet=can_bet,
        burst_size=bursts.size,
        burst_seconds=bursts.seconds,
        burst_share=bursts.share,
    )
    test, states, random = TwoSample(TOLERANCE, 50, known), drift.bursting(0.1, 300.0, bursts), seeded(4)
    process = test.opened()
    for _ in range(40):
        errors = 1 + poisson(4.0, random)
        null, _ = likelihood.arrived(process, states, STEP_SECONDS)
        tilted = [(weight, THETA * math.exp(z)) for weight, z in zip(null, states.levels, strict=True)]
        chances = independent(errors, [(weight, up / (1 - THETA + up)) for weight, up in tilted])
        after = [
            test.looked(process, Counts(bad, CANARY), Counts(errors - bad, BASELINE), STEP_SECONDS)
            for bad in range(errors + 1)
        ]
        assert mean_value(after, chances) <= process.value * (1 + 1e-12)
        process = random.choices(after, chances)[0]


@pytest.mark.parametrize("rate", [0.1, 0.05, 0.001], ids=["at the limit", "half of it", "far below"])
def test_evidence_against_a_limit_does_not_grow(rate: float) -> None:
    test = OneSample(limit=0.1, planned_looks=50, dispersion=1.0)
    process, random = test.opened(), seeded(2)
    for look in range(40):
        events = random.randrange(30)
        chances = binomial(events, rate)
        after = [test.looked(process, Counts(bad, events), is_excused=look % 5 == 4) for bad in range(events + 1)]
        assert mean_value(after, chances) <= process.value * (1 + 1e-12)
        process = random.choices(after, chances)[0]


@pytest.mark.parametrize(("drift_sd", "day_sd"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.3), (0.2, 0.3)])
def test_evidence_against_the_past_does_not_grow(drift_sd: float, day_sd: float) -> None:
    past = PastRate(share=0.01, drift_sd=drift_sd, drift_seconds=150.0, day_sd=day_sd)
    test, states, random = PastBaseline(TOLERANCE, 50, past), drift.drift(drift_sd, 150.0, day_sd), seeded(3)
    process = test.opened()
    for _ in range(20):
        events = random.randrange(300)
        mean = events * past.share * (1 + TOLERANCE)
        null, _ = likelihood.arrived(process, states, STEP_SECONDS)
        means = [(weight, mean * math.exp(z)) for weight, z in zip(null, states.levels, strict=True)]
        chances = [sum(w * math.exp(-mu) * mu**bad / math.factorial(bad) for w, mu in means) for bad in range(60)]
        after = [test.looked(process, Counts(bad, events), STEP_SECONDS) for bad in range(60)]
        assert mean_value(after, chances) <= process.value * (1 + 1e-12)
        process = random.choices(after, chances)[0]


def mean_value(processes: list[Process], chances: list[float]) -> float:
    return sum(process.value * chance for process, chance in zip(processes, chances, strict=True))
