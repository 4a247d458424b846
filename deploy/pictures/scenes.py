"""Releases for pictures: chance as everywhere, but from fixed seeds, and judged by the judge itself.

One service throughout: ten instances, one of them the new version; looks every 15 s, for an hour.
"""

import math
import random
from collections.abc import Callable, Iterator

from gated.judge.stats.one_sample import OneSample, is_excused
from gated.judge.stats.two_sample import TwoSample
from gated.model.evidence import Calibration, Counts

STEP_SECONDS = 15.0
LOOKS = 240
ODDS_LIMIT = 100.0
"""At which a release goes back: a budget of 1 %."""
CANARY_REQUESTS = 300
"""Of the new version in a look: 20 a second."""
OTHERS = 9
"""Instances of the old version, each with as many requests."""
USUAL = 0.01
"""The share of requests that fail when all is well."""
LIMIT = 0.03
"""The share at which users are harmed."""
TOLERANCE = 0.10
CALM = Calibration(
    correlation=0.0, drift_sd=math.sqrt(math.log1p(0.1**2)), dispersion=1.0, service_dispersion=1.0, can_bet=True
)
"""What history would have taught: errors come one by one, and no instance drifts by more than 10 %."""

Look = tuple[Counts, Counts]
"""The new version's counts, and the old one's."""
Shares = Callable[[float], tuple[float, float]]
"""What share of requests fails on the new version and on the old one, at a minute."""


def healthy(_minute: float) -> tuple[float, float]:
    """Both versions as usual."""
    return USUAL, USUAL


def faulty(effect: float, since_minute: float = 0.0) -> Shares:
    """So many times as many requests of the new version fail, from some minute on."""
    return lambda minute: (USUAL * effect if minute >= since_minute else USUAL, USUAL)


def release(shares: Shares, seed: int) -> list[Look]:
    """An hour of looks."""
    rng = random.Random(seed)  # noqa: S311 -- chance is simulated here, nothing is kept secret
    looks = []
    for look in range(LOOKS):
        new, old = shares(look * STEP_SECONDS / 60)
        canary = Counts(_binomial(rng, CANARY_REQUESTS, new), CANARY_REQUESTS)
        looks.append((canary, Counts(_binomial(rng, CANARY_REQUESTS * OTHERS, old), CANARY_REQUESTS * OTHERS)))
    return looks


def against_baseline(looks: list[Look]) -> Iterator[float]:
    """The odds, look after look, that the new version is worse than the old one beside it."""
    test = TwoSample(TOLERANCE, LOOKS, CALM)
    process = test.opened()
    for canary, baseline in looks:
        process = test.looked(process, canary, baseline, STEP_SECONDS)
        yield process.value


def against_limit(looks: list[Look], *, with_excuses: bool) -> Iterator[float]:
    """The odds that the new version is above the limit; with excuses, looks of shared outages do not count."""
    test = OneSample(LIMIT, LOOKS, CALM.dispersion)
    process = test.opened()
    for number, (canary, _) in enumerate(looks, 1):
        recent = [baseline for _, baseline in looks[max(0, number - 4) : number]]
        process = test.looked(process, canary, is_excused=with_excuses and is_excused(recent, LIMIT))
        yield process.value


def minutes(look: int) -> float:
    """When a look ends; the first has the number 0."""
    return (look + 1) * STEP_SECONDS / 60


def _binomial(rng: random.Random, requests: int, share: float) -> int:
    """How many of independent requests fail: one chance after the other, from failure to failure."""
    failed, at = 0, 0.0
    log_kept = math.log1p(-share)
    while True:
        at += math.floor(math.log(1.0 - rng.random()) / log_kept) + 1
        if at > requests:
            return failed
        failed += 1
