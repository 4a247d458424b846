"""Series for the fake Prometheus: recorded sample by sample, or scraped steadily from something that grows."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.fakes.promql import Samples


@dataclass
class Scraped:
    """A series that is scraped at a steady pace.

    Args:
        labels: its labels, `__name__` among them.
        interval_seconds: between two scrapes.
        since: when it began, Unix seconds; later when its present rate did.
        value: what it was then.
        per_second: how fast it grows; 0 for a gauge that stands.
        past: samples from before `since`.
        ended_at: when it was seen for the last time.
    """

    labels: Mapping[str, str]
    interval_seconds: float
    since: float
    value: float = 0.0
    per_second: float = 0.0
    past: list[tuple[float, float]] = field(default_factory=list)
    ended_at: float = math.inf

    def change(self, now: float, per_second: float, value: float | None = None) -> None:
        """Grow at another rate from now on, and from another value if one is given."""
        self.past = self.samples(-math.inf, now)
        self.value = self._at(now) if value is None else value
        self.since, self.per_second = now, per_second

    def samples(self, start: float, end: float) -> list[tuple[float, float]]:
        first = math.floor(self.since / self.interval_seconds) + 1
        first = max(first, math.ceil(start / self.interval_seconds)) if math.isfinite(start) else first
        last = math.floor(min(end, self.ended_at) / self.interval_seconds)
        scrapes = (number * self.interval_seconds for number in range(first, last + 1))
        return [*_within(self.past, start, end), *((at, self._at(at)) for at in scrapes)]

    def is_gone(self, at: float) -> bool:
        return at >= self.ended_at

    def _at(self, at: float) -> float:
        return self.value + self.per_second * (at - self.since)


@dataclass(frozen=True)
class Recorded:
    """A series of given samples."""

    labels: Mapping[str, str]
    recorded: Samples

    def samples(self, start: float, end: float) -> list[tuple[float, float]]:
        return _within(self.recorded, start, end)

    def is_gone(self, at: float) -> bool:
        return not self.samples(-math.inf, at)


@dataclass(frozen=True)
class Until:
    """A series as a server knows it that stopped scraping."""

    series: Scraped | Recorded
    last_scrape: float

    @property
    def labels(self) -> Mapping[str, str]:
        return self.series.labels

    def samples(self, start: float, end: float) -> list[tuple[float, float]]:
        return self.series.samples(start, min(end, self.last_scrape))

    def is_gone(self, at: float) -> bool:
        return self.series.is_gone(min(at, self.last_scrape))


def _within(samples: Iterable[tuple[float, float]], start: float, end: float) -> list[tuple[float, float]]:
    return [(at, value) for at, value in samples if start <= at <= end]
