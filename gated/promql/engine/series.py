"""A series with its samples."""

import bisect
from collections.abc import Iterable, Mapping, Sequence

from gated.promql.notation import Gap

LOOK_BACK_SECONDS = 300.0
"""How old a sample may be for an instant selector; Prometheus' default."""

Labels = Mapping[str, str]
Key = tuple[tuple[str, str], ...]
"""Labels ordered by name; empty for none."""
Window = tuple[Sequence[int], Sequence[float]]
"""The times and the values of the samples of a range."""


def milliseconds(seconds: float) -> int:
    """A time or a duration as Prometheus counts it, and this engine inside: differences of whole numbers are exact."""
    return round(seconds * 1000)


def nameless(key: Key) -> Key:
    """The labels without the metric's name."""
    return tuple(label for label in key if label[0] != "__name__")


class Series:
    """A series.

    Args:
        labels: `__name__` among them.
        samples: (Unix seconds, value or `Gap.STALE`), by ascending time.
    """

    def __init__(self, labels: Labels, samples: Iterable[tuple[float, float | Gap]]) -> None:
        self.labels = labels
        self.key: Key = tuple(sorted(labels.items()))
        self.samples = tuple(samples)
        numbers = [(at, value) for at, value in self.samples if not isinstance(value, Gap)]
        self._scraped_at = [milliseconds(at) for at, _ in self.samples]
        self._times = [milliseconds(at) for at, _ in numbers]
        self._values = [value for _, value in numbers]

    def latest(self, at_ms: int) -> tuple[int, float] | None:
        """Time and value of the sample an instant selector finds; None where the series has ended or not begun."""
        last = bisect.bisect_right(self._scraped_at, at_ms) - 1
        if last < 0 or self._scraped_at[last] <= at_ms - milliseconds(LOOK_BACK_SECONDS):
            return None
        _, value = self.samples[last]
        return None if isinstance(value, Gap) else (self._scraped_at[last], value)

    def within(self, start: int, end: int) -> Window:
        """The samples of `start < time <= end`; what a range selector finds, stale markers left out."""
        low, high = bisect.bisect_right(self._times, start), bisect.bisect_right(self._times, end)
        return self._times[low:high], self._values[low:high]
