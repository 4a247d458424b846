"""What the calibration is for: a healthy new version of an unsteady service is not rolled back, a harmful one is."""

from dataclasses import replace

import pytest

from gated.judge.stats import calibration
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts
from tests.unit.judge.stats.simulated_service import LOOKS_AN_HOUR, STEP_SECONDS, Service, seeded

BUDGET = 0.01
UNSTEADY = Service(requests=60, share=0.02, cluster=3, drift_sd=0.3)
"""Errors come in threes, and every instance's rate drifts by 30 % for five minutes, each by itself."""


def learned(seed: int) -> Calibration:
    bad, total = UNSTEADY.tracks(4 * LOOKS_AN_HOUR, seeded(seed))
    return calibration.learn(bad, total, STEP_SECONDS, drift_floor=0.1)


def is_rolled_back(calibrated: Calibration, seed: int, times_as_bad: float = 1.0) -> bool:
    """One hour of one new instance beside all the old ones."""
    random = seeded(seed)
    canary = replace(UNSTEADY, factors={0: times_as_bad}).lived(0, LOOKS_AN_HOUR, random)
    old = [UNSTEADY.lived(number, LOOKS_AN_HOUR, random) for number in range(1, UNSTEADY.instances)]
    test = TwoSample(0.1, LOOKS_AN_HOUR, calibrated)
    process = test.opened()
    for own, *others in zip(canary, *old, strict=True):
        baseline = sum((look or Counts() for look in others), Counts())
        process = test.looked(process, own or Counts(), baseline, STEP_SECONDS)
        if process.value >= 1 / BUDGET:
            return True
    return False


@pytest.mark.parametrize("case", range(6), ids=lambda case: f"history-{case}")
def test_a_harmful_version_is_found_whatever_its_history_taught(case: int) -> None:
    calibrated = learned(case)
    assert is_rolled_back(calibrated, 1000 + case, times_as_bad=10)


def test_healthy_versions_are_rolled_back_as_rarely_as_promised() -> None:
    """One in a hundred; 60 releases may have 1 + 2 of them by chance (three standard errors of a binomial)."""
    calibrations = [learned(history) for history in range(6)]
    rolled_back = sum(is_rolled_back(each, 100 * at + n) for at, each in enumerate(calibrations) for n in range(10))
    assert rolled_back <= 3
