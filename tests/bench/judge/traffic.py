"""Traffic as gates see it: how many requests there were at each look, and how many of them failed.

A service runs on ten pods under the same load. In a bake one of them is the canary and nine are the baseline, so the
canary has a tenth of the traffic; history knows all ten by name. What a model adds to independent errors hits all of
them together (its `shared` law), every pod by itself (`own`), or makes errors come in clusters (`errors`). The same
laws make the bake and the history before it: a healthy canary is as good as the baseline in the mean, whatever
happens to either. Noise and drift have mean 1; outages come on top of a good day's errors.
"""

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gated.model.evidence import Counts
from gated.model.reading import Track
from tests.bench.judge import sampling

STEP_SECONDS = 15.0
LOOKS = 240
"""One hour."""
PODS = 10

Look = tuple[Counts, Counts]
"""The new version's counts, and the baseline's."""


class Cell(NamedTuple):
    """One kind of service.

    Args:
        rate: requests a second on the canary; ten times as many on the service.
        share: of requests that fail when all is well.
    """

    rate: float
    share: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s {self.share:.2%}"

    @property
    def limit(self) -> float:
        """The error rate at which users are harmed."""
        return 2.0 * self.share


CELLS = tuple(
    Cell(rate, share)
    for rate in (1.0, 10.0, 100.0, 1_000.0, 10_000.0)
    for share in (0.0001, 0.001, 0.02)
    if rate * share >= 0.01
)
"""All combinations but three: those in which a healthy canary fails less than once in 100 s."""


class Weather(NamedTuple):
    """What hits all pods alike, as factors: how many requests come, and how many of them fail."""

    volume: float = 1.0
    severity: float = 1.0


Shared = Callable[[random.Random], Iterator[Weather]]
"""The weather, look after look."""
Own = Callable[[random.Random, int], Iterator[float]]
"""The sum of the own severities of so many pods, look after look."""
Errors = Callable[[random.Random, float], int]
"""How many requests of a look failed, given the mean."""
Harm = Callable[[int], float]
"""By what factor more requests fail on the canary at the look with this number, from 0."""


def _calm(_rng: random.Random) -> Iterator[Weather]:
    return itertools.repeat(Weather())


def _all_alike(_rng: random.Random, pods: int) -> Iterator[float]:
    return itertools.repeat(float(pods))


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of traffic.

    Args:
        name: in tables and seeds.
        is_unseen: never used to choose any parameter of the judge.
        shared: what hits all pods alike.
        own: what every pod does by itself.
        errors: how errors come within a look.
        retries: how many errors an error breeds on the same pod, in the mean, in the looks after it; below 1.
    """

    name: str
    is_unseen: bool = False
    shared: Shared = _calm
    own: Own = _all_alike
    errors: Errors = sampling.poisson
    retries: float = 0.0


class _Echo:
    """Errors that breed errors: a branching process whose mean is what it would be without.

    Of the errors that were to come, only 1 - b come by themselves; every error breeds b more, in the mean, and it takes
    a geometric number of looks (45 s in the mean) until they come. It is linear: nine pods are one of nine times the
    size. It starts where it is in the mean.
    """

    def __init__(self, retries: float) -> None:
        self._retries = retries
        self._now = STEP_SECONDS / 45.0  # of what is to come, the share that comes in the next look
        self._waiting: float | None = None

    def louder(self, failing: float) -> float:
        """How many errors there are in a look in the mean, knowing those before it."""
        if not self._retries:
            return failing
        if self._waiting is None:
            self._waiting = self._retries * failing / self._now
        return (1.0 - self._retries) * failing + self._waiting * self._now

    def heard(self, errors: float) -> None:
        """So many there were."""
        if self._waiting is not None:
            self._waiting = (1.0 - self._now) * self._waiting + self._retries * errors


def healthy(_look: int) -> float:
    """The new version is as good as the old one."""
    return 1.0


def faulty(effect: float, since_look: int = 0) -> Harm:
    """So many times as many requests fail from some look on."""
    return lambda look: effect if look >= since_look else 1.0


def cold(effect: float, cooling_seconds: float) -> Harm:
    """A harmless cold start: an excess of errors that falls to 1/e in `cooling_seconds`."""
    return lambda look: 1.0 + (effect - 1.0) * math.exp(-(look + 0.5) * STEP_SECONDS / cooling_seconds)


def looks(model: Model, cell: Cell, rng: random.Random, harm: Harm = healthy) -> Iterator[Look]:
    """A bake without an end."""
    pods = zip(model.shared(rng), model.own(rng, 1), model.own(rng, PODS - 1), strict=True)
    echo, others_echo = _Echo(model.retries), _Echo(model.retries)
    for look, (weather, canary, others) in enumerate(pods):
        arrivals = cell.rate * STEP_SECONDS * weather.volume
        failing = arrivals * cell.share * weather.severity
        yield (
            _counts(rng, model.errors, arrivals, failing * canary * harm(look), echo),
            _counts(rng, model.errors, arrivals * (PODS - 1), failing * others, others_echo),
        )


def history(
    model: Model, cell: Cell, rng: random.Random, seconds: float, birth: Harm | None = None
) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
    """What the pods of the old version did before the release.

    Args:
        model: the traffic.
        cell: the service.
        rng: the generator.
        seconds: how long.
        birth: what befalls a young pod. Then every pod is replaced once, in the middle half of the history; without
            it nobody is born.

    Returns:
        Tracks of failed requests, and of all.
    """
    length = round(seconds / STEP_SECONDS)
    births = [rng.randrange(length // 4, 3 * length // 4) if birth else length for _ in range(PODS)]
    own = [model.own(rng, 1) for _ in range(PODS)]
    echoes = [_Echo(model.retries) for _ in own]
    counted: list[list[Counts]] = [[] for _ in own]
    for look, weather in enumerate(itertools.islice(model.shared(rng), length)):
        arrivals = cell.rate * STEP_SECONDS * weather.volume
        failing = arrivals * cell.share * weather.severity
        for pod, severity in enumerate(own):
            harm = birth(look - births[pod]) if birth and look >= births[pod] else 1.0
            counted[pod].append(_counts(rng, model.errors, arrivals, failing * next(severity) * harm, echoes[pod]))
    bad, total = [], []
    for pod, track in enumerate(counted):
        ends = births[pod]
        for name, lived, before, after in (("old", track[:ends], 0, length - ends), ("new", track[ends:], ends, 0)):
            if lived:
                bad.append(_track(f"{name}-{pod}", [counts.bad for counts in lived], before, after))
                total.append(_track(f"{name}-{pod}", [counts.total for counts in lived], before, after))
    return tuple(bad), tuple(total)


def _track(name: str, counts: list[float], before: int, after: int) -> Track:
    """One pod's counts, with the looks at which there was no such pod."""
    return Track(name, (*itertools.repeat(None, before), *counts, *itertools.repeat(None, after)))


def _counts(rng: random.Random, errors: Errors, arrivals: float, failing: float, echo: _Echo) -> Counts:
    """Failed and successful requests come independently of each other, so that the share has its binomial law."""
    failing = min(echo.louder(failing), arrivals)
    bad = errors(rng, failing)
    echo.heard(bad)
    return Counts(bad, bad + sampling.poisson(rng, arrivals - failing))


def _drifting_together(rng: random.Random) -> Iterator[Weather]:
    return (Weather(severity=severity) for severity in sampling.drift(rng, 0.5, 300.0, STEP_SECONDS))


def _day_and_night(rng: random.Random) -> Iterator[Weather]:
    """Volume follows the sun, from 0.4 to 1.6 of its mean; the release comes at any hour."""
    begins = rng.random()
    for look in itertools.count():
        yield Weather(volume=1.0 + 0.6 * math.sin(2.0 * math.pi * (begins + look * STEP_SECONDS / 86_400.0)))


def _outages(rng: random.Random) -> Iterator[Weather]:
    """Twice an hour ten times as many requests fail on all pods, for 90 s."""
    while True:
        if rng.random() < 2.0 * STEP_SECONDS / 3600.0:
            yield from itertools.repeat(Weather(severity=10.0), round(90.0 / STEP_SECONDS))
        yield Weather()


def _noisy(rng: random.Random, pods: int) -> Iterator[float]:
    """Every look of every pod has a severity of its own, cv .5. A sum of alike gamma numbers is a gamma number."""
    cv = 0.5 / math.sqrt(pods)
    while True:
        yield sampling.gamma(rng, pods, cv)


def _drifting_apart(cv: float, lasting_seconds: float) -> Own:
    def own(rng: random.Random, pods: int) -> Iterator[float]:
        return map(
            sum, zip(*(sampling.drift(rng, cv, lasting_seconds, STEP_SECONDS) for _ in range(pods)), strict=True)
        )

    return own


def _odd_nodes(rng: random.Random, pods: int) -> Iterator[float]:
    """Every pod has an error rate of its own, cv .2, and keeps it."""
    return itertools.repeat(sum(sampling.lognormal(rng, 0.2) for _ in range(pods)))


def _brownouts(rng: random.Random) -> Iterator[Weather]:
    """Every 20 minutes six times as many requests fail on all pods, for about a minute."""
    for is_on in sampling.switching(rng, 60.0, 1200.0, STEP_SECONDS):
        yield Weather(severity=6.0 if is_on else 1.0)


def _sick_pods(rng: random.Random, pods: int) -> Iterator[float]:
    """Every half hour eight times as many requests fail on a pod, for about 45 s."""
    states = [sampling.switching(rng, 45.0, 1800.0, STEP_SECONDS) for _ in range(pods)]
    for on in zip(*states, strict=True):
        yield pods + 7.0 * sum(on)


def _sticky_clients(rng: random.Random, pods: int) -> Iterator[float]:
    """Batch clients that retry, each bound to its pod: 30 % of all errors.

    A pod has 20 of them, their sizes follow Pareto's law (exponent 1.5, the largest fifty times the smallest). Each
    has a batch every ten minutes, which fails for a minute.
    """
    sizes = [min(rng.paretovariate(1.5), 50.0) for _ in range(20 * pods)]
    mean_size = 3.0 - 2.0 / math.sqrt(50.0)  # E min(X, c) = 1 + integral of x**-1.5 from 1 to c
    unit = 0.3 / (20 * mean_size * 0.1)  # 20 clients, a tenth of the time
    active, ends = 0.0, defaultdict[int, float](float)
    lasts = 60.0 / STEP_SECONDS
    for look in itertools.count(-40):  # the first forty looks, unseen, bring it into equilibrium
        for _ in range(sampling.poisson(rng, len(sizes) * STEP_SECONDS / 600.0)):
            size = rng.choice(sizes)
            active += size
            ends[look + sampling.geometric(rng, lasts)] += size
        if look >= 0:
            yield 0.7 * pods + unit * active
        active = max(0.0, active - ends.pop(look + 1, 0.0))


def _noisy_neighbours(rng: random.Random, pods: int) -> Iterator[float]:
    """Every pod has a neighbour for some minutes every hour or so, under which more of its requests fail."""
    return map(sum, zip(*(_one_after_another(rng) for _ in range(pods)), strict=True))


def _one_after_another(rng: random.Random) -> Iterator[float]:
    """The severity of one pod: one neighbour after another, with an hour without any between them, in the mean.

    A neighbour stays for a log-normal time, with a median of 3 minutes and a mean of 5, and multiplies the errors by a
    log-normal factor, with a median of 2 and a mean of 2.6.
    """
    alone, median, spread, factor, factor_spread = 3600.0, 180.0, 1.0, 2.0, 0.7
    stays, multiplies = median * math.exp(spread**2 / 2), factor * math.exp(factor_spread**2 / 2)
    mean = 1.0 + (multiplies - 1.0) * stays / (stays + alone)
    left, severity, is_alone = 0.0, 1.0, False
    for look in itertools.count(-1440):  # the first six hours, unseen, bring it into equilibrium
        passed, weighed = 0.0, 0.0
        while left < STEP_SECONDS - passed:
            weighed += severity * left
            passed += left
            is_alone = not is_alone
            left = rng.expovariate(1 / alone) if is_alone else median * math.exp(rng.gauss(0.0, spread))
            severity = 1.0 if is_alone else factor * math.exp(rng.gauss(0.0, factor_spread))
        weighed += severity * (STEP_SECONDS - passed)
        left -= STEP_SECONDS - passed
        if look >= 0:
            yield weighed / STEP_SECONDS / mean


INDEPENDENT = Model("independent")
CLUSTERED = Model("clusters and pod noise", own=_noisy, errors=sampling.clusters_of_three)
ZIPF = Model("Zipf clusters", errors=sampling.Zipf(2.0, 100).clusters)
DRIFTING = Model("canary drift, 30 min", own=_drifting_apart(0.3, 1800.0))
SICK = Model("brownouts and sick pods", shared=_brownouts, own=_sick_pods)
STICKY = Model("sticky batch clients", own=_sticky_clients)
MODELS = (
    INDEPENDENT,
    CLUSTERED,
    ZIPF,
    Model("shared drift", shared=_drifting_together),
    Model("day and night", shared=_day_and_night),
    Model("shared outages", shared=_outages),
    Model("canary drift, 5 min", own=_drifting_apart(0.3, 300.0)),
    DRIFTING,
    Model("odd nodes", own=_odd_nodes),
    SICK,
    STICKY,
    Model("retry storms", is_unseen=True, retries=0.65),
    Model("noisy neighbours", is_unseen=True, own=_noisy_neighbours),
)
"""The last two were fixed before the judge was first run on them, and nothing in it was chosen to suit them. The two
before them were so once; then it learned of bursts, see `gated.judge.stats.bursts`."""
