"""One look at the sources: what came back, and how each request went.

A look at one source is bounded by one deadline that all of its requests share. Requests wait for a free place, run
in threads, and are given up at the deadline whether or not their thread has noticed it.
"""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

from gated.model.ids import SourceName
from gated.model.reading import FailureReason, Readings
from gated.sources.deadline import Deadline
from gated.sources.errors import SourceError, unforeseen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueryReport:
    """How one request that was sent went; for metrics and logs.

    Args:
        source: who was asked.
        expression: what was asked: PromQL, a path, or the address of a probe.
        duration_seconds: from sending to the last byte, or to giving up.
        failure: why it failed, or why the first of its readings did; None when it was answered.
        detail: what was seen, in a few words; empty when it was answered.
    """

    source: SourceName
    expression: str
    duration_seconds: float
    failure: FailureReason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look brought.

    Args:
        readings: every query that was asked, with its reading.
        reports: every request that was sent.
    """

    readings: Readings
    reports: tuple[QueryReport, ...]


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one request brought.

    Args:
        expression: what was asked.
        content: what was wanted, or why it was not to be had.
        sent_after_seconds: when it was sent, counted from the start of the look; None when it never was.
        came_after_seconds: when its answer was complete, or given up.
    """

    expression: str
    content: T | SourceError
    sent_after_seconds: float | None
    came_after_seconds: float


class Round:
    """The requests of one look at one source, under one deadline.

    Args:
        pool: where they run; its size bounds how many do at once.
        timeout_seconds: how long the look may take, from now.
    """

    def __init__(self, pool: Executor, timeout_seconds: float) -> None:
        self._pool = pool
        self._start = time.monotonic()
        self._deadline = Deadline(self._start + timeout_seconds)

    def send(self, expression: str, ask: Callable[[float], T]) -> "Pending[T]":
        """Send a request as soon as there is a place for it.

        Args:
            expression: what is asked, for people.
            ask: sends it and returns what it brought; given the seconds that are left. A `SourceError` it raises
                becomes the content of the answer, and so does an exception that nobody foresaw.
        """
        return Pending(expression, ask, self._pool, self._start, self._deadline)


class Pending(Generic[T]):
    """A request under way. Made by `Round.send`."""

    def __init__(
        self, expression: str, ask: Callable[[float], T], pool: Executor, start: float, deadline: Deadline
    ) -> None:
        self._expression = expression
        self._ask = ask
        self._start = start
        self._deadline = deadline
        self._sent_after: float | None = None
        self._future = pool.submit(self._content)

    def answer(self) -> Answer[T]:
        """Wait for the answer, at most until the deadline."""
        try:
            content = self._future.result(max(0.0, self._deadline.at - time.monotonic()))
        except TimeoutError:
            content = _too_late()
        if self._future.cancel():  # it still waited for a place, and now never gets one
            content = SourceError(FailureReason.TIMEOUT, "not sent: the other requests used up the time")
        return Answer(self._expression, content, self._sent_after, time.monotonic() - self._start)

    def _content(self) -> T | SourceError:
        self._sent_after = time.monotonic() - self._start
        try:
            return self._ask(self._deadline.remaining_seconds())
        except TimeoutError:
            return _too_late()
        except SourceError as error:
            return error
        except Exception as bug:  # noqa: BLE001  # a bug in one answer must neither blind the others nor pass as health
            return unforeseen(bug)


def _too_late() -> SourceError:
    return SourceError(FailureReason.TIMEOUT, "no complete answer before the deadline")
