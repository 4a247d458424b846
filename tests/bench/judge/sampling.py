"""Random numbers that traffic is made of, from `random.Random` alone: exact laws, a microsecond or two a draw.

Every function takes its generator, so that a run can be repeated from its seed.
"""

import itertools
import math
import random
from bisect import bisect_left
from collections.abc import Iterator

_SMALL = 10.0
"""Up to this mean a Poisson number is found by inversion, one term after the other; above it by rejection."""


def seeded(*seed: object) -> random.Random:
    """A generator that repeats itself for the same seed, in every process and on every machine."""
    return random.Random(" ".join(map(str, seed)))  # noqa: S311 -- chance is simulated here, nothing is kept secret


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson number.

    Source: W. Hörmann, "The transformed rejection method for generating Poisson random variables", Insurance:
    Mathematics and Economics 12 (1993), algorithm PTRS; inversion for small means.

    Args:
        rng: the generator.
        mean: at least 0.
    """
    if mean < _SMALL:
        left, number, term = rng.random(), 0, math.exp(-mean)
        while left > term > 0.0:
            left -= term
            number += 1
            term *= mean / number
        return number
    log_mean = math.log(mean)
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    accepted_at_once = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = rng.random() - 0.5, 1.0 - rng.random()
        us = 0.5 - abs(u)
        if us < 1e-12:
            continue
        number = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= accepted_at_once:
            return number
        if number < 0 or (us < 0.013 and v > us):
            continue
        density = number * log_mean - mean - math.lgamma(number + 1)
        if math.log(v * inverse_alpha / (a / (us * us) + b)) <= density:
            return number


def gamma(rng: random.Random, mean: float, cv: float) -> float:
    """A gamma number with this mean and coefficient of variation."""
    shape = 1.0 / (cv * cv)
    return rng.gammavariate(shape, mean / shape)


def lognormal(rng: random.Random, cv: float) -> float:
    """A log-normal number with mean 1 and this coefficient of variation."""
    variance = math.log1p(cv * cv)
    return math.exp(rng.gauss(-variance / 2.0, math.sqrt(variance)))


def drift(rng: random.Random, cv: float, lasting_seconds: float, step_seconds: float) -> Iterator[float]:
    """A log-normal AR(1) drift with mean 1, in equilibrium from the start.

    Args:
        rng: the generator.
        cv: its coefficient of variation.
        lasting_seconds: after which its autocorrelation has fallen to 1/e.
        step_seconds: between two values.
    """
    variance = math.log1p(cv * cv)
    kept = math.exp(-step_seconds / lasting_seconds)
    fresh = math.sqrt(variance * (1.0 - kept * kept))
    log = rng.gauss(0.0, math.sqrt(variance))
    while True:
        yield math.exp(log - variance / 2.0)
        log = kept * log + rng.gauss(0.0, fresh)


def switching(rng: random.Random, on_seconds: float, off_seconds: float, step_seconds: float) -> Iterator[bool]:
    """A Markov chain that is on or off, geometric times each, in equilibrium from the start.

    Args:
        rng: the generator.
        on_seconds: how long it is on, in the mean.
        off_seconds: how long it is off, in the mean.
        step_seconds: between two values, shorter than both.
    """
    is_on = rng.random() < on_seconds / (on_seconds + off_seconds)
    while True:
        yield is_on
        if rng.random() < step_seconds / (on_seconds if is_on else off_seconds):
            is_on = not is_on


def geometric(rng: random.Random, mean: float) -> int:
    """How often something happens that goes on with the same chance every time; at least 1."""
    if mean <= 1.0:
        return 1
    return 1 + int(math.log(1.0 - rng.random()) / math.log1p(-1.0 / mean))


def geometric_clusters(rng: random.Random, mean: float, size: float) -> int:
    """Poisson many clusters, each of a geometric number of events.

    A sum of k geometric numbers is k plus a negative binomial number, and that is a Poisson number with gamma mean.

    Args:
        rng: the generator.
        mean: of the sum.
        size: mean events of a cluster, above 1.
    """
    clusters = poisson(rng, mean / size)
    return clusters + poisson(rng, rng.gammavariate(clusters, size - 1.0)) if clusters else 0


def clusters_of_three(rng: random.Random, mean: float) -> int:
    """The clusters of the traffic models: three events each, in the mean."""
    return geometric_clusters(rng, mean, 3.0)


class Zipf:
    """Clusters of k events with probability proportional to k**-exponent, k from 1 to `largest`."""

    _COMMON = 10
    """Sizes up to this are drawn all at once, as independent Poisson numbers; the few larger clusters one by one."""

    def __init__(self, exponent: float, largest: int) -> None:
        weights = [k**-exponent for k in range(1, largest + 1)]
        self._shares = [weight / sum(weights) for weight in weights]
        self._rare = 1.0 - sum(self._shares[: self._COMMON])
        self._cumulative = list(itertools.accumulate(self._shares[self._COMMON :]))
        self.mean = sum(k * share for k, share in enumerate(self._shares, 1))
        """Events of a cluster, in the mean."""

    def clusters(self, rng: random.Random, mean: float) -> int:
        """Events of Poisson many clusters, `mean` in the mean."""
        clusters = mean / self.mean
        if clusters < self._COMMON:
            return sum(self._one(rng) for _ in range(poisson(rng, clusters)))
        common = sum(k * poisson(rng, clusters * share) for k, share in enumerate(self._shares[: self._COMMON], 1))
        return common + sum(self._large(rng) for _ in range(poisson(rng, clusters * self._rare)))

    def _one(self, rng: random.Random) -> int:
        left = rng.random()
        for k, share in enumerate(self._shares[: self._COMMON], 1):
            left -= share
            if left < 0.0:
                return k
        return self._large(rng)

    def _large(self, rng: random.Random) -> int:
        at = bisect_left(self._cumulative, rng.random() * self._cumulative[-1])
        return self._COMMON + 1 + min(at, len(self._cumulative) - 1)
