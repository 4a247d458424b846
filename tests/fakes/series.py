"""Series for the fake Prometheus: recorded sample by sample, or scraped steadily from something that grows."""

import bisect
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gated.promql.engine.series import Series
from gated.promql.notation import Gap

Samples = Sequence[tuple[float, float]]
"""(Unix seconds, value), by ascending time."""


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
        late_seconds: how long after its time a sample is there to be seen.
    """

    labels: Mapping[str, str]
    interval_seconds: float
    since: float
    value: float = 0.0
    per_second: float = 0.0
    past: list[tuple[float, float]] = field(default_factory=list)
    ended_at: float = math.inf
    late_seconds: float = 0.0

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

    def seen(self, start: float, now: float) -> Series:
        """What a server knows of it at a time: its samples since `start`, and that it has ended."""
        samples = self.samples(start, now - self.late_seconds)
        if self.ended_at <= now:
            return Series(self.labels, [*(each for each in samples if each[0] < self.ended_at), self._end()])
        return Series(self.labels, samples)

    def _end(self) -> tuple[float, Gap]:
        return self.ended_at, Gap.STALE

    def _at(self, at: float) -> float:
        return self.value + self.per_second * (at - self.since)


@dataclass(frozen=True)
class Recorded:
    """A series of given samples.

    Args:
        labels: its labels, `__name__` among them.
        recorded: its samples.
        late_seconds: how long after its time a sample is there to be seen.
    """

    labels: Mapping[str, str]
    recorded: Samples
    late_seconds: float = 0.0

    def seen(self, start: float, now: float) -> Series:
        """What a server knows of it at a time: its samples since `start`."""
        return Series(self.labels, _within(self.recorded, start, now - self.late_seconds))


def _within(samples: Samples, start: float, end: float) -> list[tuple[float, float]]:
    first = bisect.bisect_left(samples, start, key=operator.itemgetter(0))
    last = bisect.bisect_right(samples, end, key=operator.itemgetter(0))
    return list(samples[first:last])
