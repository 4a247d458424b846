"""Releases that never happened, looked at again and again."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts, Process
from tests.unit.judge.stats.simulated_service import STEP_SECONDS, poisson

INDEPENDENT = Calibration(correlation=0.0, drift_sd=0.0, dispersion=1.0, can_bet=True, hours=24.0)
"""What history says of a service whose errors are independent, and whose instances are all alike."""
STEADY = Calibration(correlation=0.0, drift_sd=math.sqrt(math.log1p(0.1**2)), dispersion=1.0, can_bet=True, hours=24.0)
"""The same, with the least drift that is assumed of any service."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """A new version beside an old one, with independent errors.

    Args:
        errors: of the old version in a look, on average.
        requests: of the old version in a look; the new one gets a ninth.
        ratio: how many times as often the new version fails.
        since: the first look in which it does; before, it fails as often as the old one.
        drift_sd: of the harmless drift of the new version.
        drift_seconds: how long that lasts.
    """

    errors: float = 6.0
    requests: float = 9000.0
    ratio: float = 1.0
    since: int = 0
    drift_sd: float = 0.0
    drift_seconds: float = 300.0

    def looks(self, number: int, random: Random) -> Iterator[tuple[Counts, Counts]]:
        """Counts of the new and of the old version, look by look."""
        memory = math.exp(-STEP_SECONDS / self.drift_seconds)
        level = random.gauss(0.0, 1.0)
        for look in range(number):
            level = memory * level + math.sqrt(1 - memory**2) * random.gauss(0.0, 1.0)
            drift = math.exp(self.drift_sd * level - self.drift_sd**2 / 2)
            mean = self.errors / 9 * drift * (self.ratio if look >= self.since else 1.0)
            canary = Counts(poisson(mean, random), self.requests / 9)
            yield canary, Counts(poisson(self.errors, random), self.requests)


def odds_over_time(
    test: TwoSample, looks: Iterator[tuple[Counts, Counts]], elapsed_seconds: float = STEP_SECONDS
) -> Iterator[float]:
    """The evidence after every look."""
    process: Process = test.opened()
    for canary, baseline in looks:
        process = test.looked(process, canary, baseline, elapsed_seconds)
        yield process.value


def is_promise_kept(crossings: int, runs: int, alpha: float) -> bool:
    """Whether so many crossings would be seen at least once in a thousand times, if the chance of one were alpha."""
    likely = (math.comb(runs, k) * alpha**k * (1 - alpha) ** (runs - k) for k in range(crossings))
    return 1 - sum(likely) >= 1e-3
