"""A service that never existed: instances under traffic, with the ways in which healthy ones are unsteady."""

import math
from dataclasses import dataclass, field
from random import Random

from gated.model.evidence import Counts
from gated.model.reading import Track

STEP_SECONDS = 15.0
LOOKS_AN_HOUR = 240


@dataclass(frozen=True, kw_only=True)
class Service:
    """What its instances are like; all alike but for `factors`.

    Args:
        instances: how many there are.
        requests: of one instance in a look, on average.
        share: of errors.
        cluster: errors that come together, on average (geometric); 1 for one by one.
        drift_sd: of the logarithm of each instance's own error rate.
        drift_seconds: how long that lasts.
        factors: instance number -> times as many errors, always.
        births: instance number -> the look it starts at.
        cold: times as many errors right after a start, decaying within two minutes.
    """

    instances: int = 9
    requests: float = 150.0
    share: float = 0.01
    cluster: float = 1.0
    drift_sd: float = 0.0
    drift_seconds: float = 300.0
    factors: dict[int, float] = field(default_factory=dict)
    births: dict[int, int] = field(default_factory=dict)
    cold: float = 1.0

    def tracks(self, looks: int, random: Random) -> tuple[list[Track], list[Track]]:
        """Errors and requests of every instance, as a source would answer."""
        bad, total = [], []
        for number in range(self.instances):
            counts = self.lived(number, looks, random)
            name = f"10.0.0.{number}:8080"
            bad.append(Track(name, tuple(None if look is None else look.bad for look in counts)))
            total.append(Track(name, tuple(None if look is None else look.total for look in counts)))
        return bad, total

    def lived(self, number: int, looks: int, random: Random) -> list[Counts | None]:
        """One instance's looks; None before it was born."""
        memory = math.exp(-STEP_SECONDS / self.drift_seconds)
        fresh = math.sqrt(1 - memory * memory)
        level = random.gauss(0.0, 1.0)
        born = self.births.get(number, 0)
        counts: list[Counts | None] = []
        for look in range(looks):
            level = memory * level + fresh * random.gauss(0.0, 1.0)
            if look < born:
                counts.append(None)
                continue
            age_seconds = (look - born) * STEP_SECONDS
            cold = 1 + (self.cold - 1) * math.exp(-age_seconds / 120) if number in self.births else 1.0
            drift = math.exp(self.drift_sd * level - self.drift_sd**2 / 2)
            requests = poisson(self.requests, random)
            mean = requests * self.share * drift * cold * self.factors.get(number, 1.0)
            counts.append(Counts(float(min(requests, self._errors(mean, random))), float(requests)))
        return counts

    def _errors(self, mean: float, random: Random) -> int:
        if self.cluster == 1:
            return poisson(mean, random)
        again = math.log(1 - 1 / self.cluster)
        clusters = poisson(mean / self.cluster, random)
        return sum(1 + int(math.log(1 - random.random()) / again) for _ in range(clusters))


def seeded(seed: int) -> Random:
    """Random numbers that are the same in every run."""
    return Random(seed)  # noqa: S311 -- a simulation, no secret


def poisson(mean: float, random: Random) -> int:
    """How many events; nearly so (rounded normal) for large means."""
    if mean > 30:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    number, product, limit = 0, random.random(), math.exp(-mean)
    while product > limit:
        number += 1
        product *= random.random()
    return number
