"""A sequence that is made as far as somebody looks: what judges share when they watch the same release."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Series(Generic[T]):
    """The values of an iterable by number, each made once, none before it is asked for.

    Args:
        values: without an end, or with one that nobody asks beyond.
    """

    def __init__(self, values: Iterable[T]) -> None:
        self._coming = iter(values)
        self._made: list[T] = []

    def __getitem__(self, number: int) -> T:
        return self.upto(number + 1)[number]

    def upto(self, end: int) -> Sequence[T]:
        """The first values, at least `end` of them."""
        while len(self._made) < end:
            self._made.append(next(self._coming))
        return self._made
