"""Equally spaced instants, and what series showed at them. Pure.

Prometheus counts milliseconds. Instants are rounded to them once, here, so that stretches of time that meet on paper
meet on the server as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self


def milliseconds(seconds: float) -> int:
    """An instant or a duration as Prometheus counts it."""
    return round(seconds * 1000)


@dataclass(frozen=True, slots=True)
class Grid:
    """Instants from a first one on, a step apart.

    Args:
        first_ms: the first instant, Unix milliseconds.
        step_ms: from one to the next, at least 1.
        count: how many there are.
    """

    first_ms: int
    step_ms: int
    count: int

    @classmethod
    def of_looks(cls, since: float, until: float, step_seconds: float) -> Self:
        """The ends of the looks that fill a stretch of time: the first ends one step after its beginning."""
        step_ms = max(1, milliseconds(step_seconds))
        first_ms = milliseconds(since) + step_ms
        return cls(first_ms, step_ms, round((milliseconds(until) - milliseconds(since)) / step_ms))

    @property
    def last_ms(self) -> int:
        """The last instant; one step before the first when there is none."""
        return self.first_ms + (self.count - 1) * self.step_ms

    def at(self, index: int) -> float:
        """An instant, Unix seconds."""
        return (self.first_ms + index * self.step_ms) / 1000

    def index(self, at: float) -> int | None:
        """Which of the instants this is; None when it is none of them."""
        index, remainder = divmod(milliseconds(at) - self.first_ms, self.step_ms)
        return index if remainder == 0 and 0 <= index < self.count else None

    def part(self, begin: int, count: int) -> Self:
        """So many of the instants from an index on, which may lie before the first."""
        return type(self)(self.first_ms + begin * self.step_ms, self.step_ms, count)

    def shifted(self, seconds: float) -> Self:
        """The same so much later."""
        return type(self)(self.first_ms + milliseconds(seconds), self.step_ms, self.count)

    def preceded(self, steps: int) -> Self:
        """With so many more instants before the first."""
        return self.part(-steps, self.count + steps)

    def pieces(self, most: int) -> Iterator[tuple[int, Self]]:
        """The same instants in pieces of at most so many, each with the index of its first."""
        for begin in range(0, self.count, most):
            yield begin, self.part(begin, min(most, self.count - begin))


@dataclass(frozen=True, slots=True)
class Line:
    """What one series showed at the instants of a grid.

    Args:
        labels: of the series.
        values: at each instant, NaN and infinities included; None where there was no sample.
        is_histogram: whether it is a native histogram, which is no number at all.
    """

    labels: Mapping[str, str]
    values: Sequence[float | None]
    is_histogram: bool = False
