"""Pods that serve, fail, restart, come and go, as a Prometheus sees them: seeded, and with the truth beside.

An event is seen at the first scrape of its process after it. One that no scrape follows before the process ends is
lost to everybody, so it is not part of the truth.
"""

import bisect
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Key = tuple[tuple[str, str], ...]
"""Labels, ordered by name."""


@dataclass(frozen=True)
class Pod:
    """One instance.

    Args:
        name: of it.
        lives: when each of its processes began and ended, Unix seconds.
        unseen: stretches of time in which no scrape reaches it, though it serves.
    """

    name: str
    lives: Sequence[tuple[float, float]]
    unseen: Sequence[tuple[float, float]] = ()


@dataclass
class Fleet:
    """Pods of one version.

    Args:
        pods: all that ever were.
        seed: of everything that happens.
        requests_per_second: of one pod.
        errors_per_hour: of one pod, beside them.
        interval_seconds: between two scrapes of a pod.
        jitter_seconds: by which a scrape may be late.
        missed: the share of scrapes that fail.
        starts_at_zero: whether a process shows its counters from its beginning, and not from their first event.
    """

    pods: Sequence[Pod]
    seed: int
    requests_per_second: float = 1.0
    errors_per_hour: float = 5.0
    interval_seconds: float = 15.0
    jitter_seconds: float = 0.5
    missed: float = 0.01
    starts_at_zero: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: {"service": "cart", "version": "v2", "job": "cart"})
    series: dict[Key, list[tuple[float, float]]] = field(init=False)
    """Every series of `http_requests_total` with its samples, (Unix seconds, value)."""
    _seen: dict[str, list[float]] = field(init=False)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)  # noqa: S311  # a simulation, repeatable on purpose
        self.series = defaultdict(list)
        self._seen = defaultdict(list)
        for pod in self.pods:
            phase = chance.uniform(0, self.interval_seconds)
            for begin, end in pod.lives:
                self._live(pod, begin, end, phase, chance)
        for times in self._seen.values():
            times.sort()

    def truth(self, code: str, since: float, until: float) -> int:
        """How many events of a code were seen in `since < time <= until`."""
        times = self._seen[code]
        return bisect.bisect_right(times, until) - bisect.bisect_right(times, since)

    def _live(self, pod: Pod, begin: float, end: float, phase: float, chance: random.Random) -> None:
        """One process."""
        scrapes = list(self._scrapes(pod, begin, end, phase, chance))
        for code, per_second in (("200", self.requests_per_second), ("500", self.errors_per_hour / 3600)):
            events = list(_poisson(chance, per_second, begin, end))
            key = tuple(sorted({**self.labels, "instance": f"{pod.name}:8080", "code": code}.items()))
            for at in scrapes:
                count = bisect.bisect_right(events, at)
                if count or self.starts_at_zero:
                    self.series[key].append((at, float(count)))
            seen = (bisect.bisect_left(scrapes, event) for event in events)
            self._seen[code].extend(scrapes[index] for index in seen if index < len(scrapes))

    def _scrapes(self, pod: Pod, begin: float, end: float, phase: float, chance: random.Random) -> Iterator[float]:
        turn = int((begin - phase) // self.interval_seconds) + 1
        while (due := phase + turn * self.interval_seconds) < end:
            turn += 1
            at = round(due + chance.uniform(0, self.jitter_seconds), 3)
            is_unseen = any(first <= at <= last for first, last in pod.unseen)
            if begin <= at < end and not is_unseen and chance.random() >= self.missed:
                yield at


def rolling(start: float, end: float, chance: random.Random) -> list[Pod]:
    """Four pods of which two restart twice, one dies and one is born in the middle of a stretch of time."""
    before = start - 1800

    def somewhen() -> float:
        return chance.uniform(start + 0.1 * (end - start), start + 0.9 * (end - start))

    def restarting(name: str) -> Pod:
        first, second = sorted((somewhen(), somewhen()))
        return Pod(name, ((before, first), (first + chance.uniform(2, 40), second), (second + 5, end + 60)))

    return [
        restarting("a"),
        restarting("b"),
        Pod("dying", ((before, somewhen()),)),
        Pod("newborn", ((somewhen(), end + 60),)),
    ]


def openmetrics(name: str, fleets: Sequence[Fleet]) -> str:
    """The series of fleets as text that `deploy.local.servers.backfill` takes."""
    lines = [f"# TYPE {name.removesuffix('_total')} unknown"]
    for fleet in fleets:
        for key, samples in fleet.series.items():
            labels = ",".join(f'{label}="{value}"' for label, value in key)
            lines += [f"{name}{{{labels}}} {value} {at:.3f}" for at, value in samples]
    return "\n".join([*lines, "# EOF", ""])


def _poisson(chance: random.Random, per_second: float, begin: float, end: float) -> Iterator[float]:
    at = begin
    while per_second and (at := at + chance.expovariate(per_second)) < end:
        yield at
