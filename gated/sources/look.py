"""One look at the sources: what came back, and how each request went.

A look at one source is bounded by one deadline that all of its requests share. Requests wait for a free place, run
in threads, and are given up at the deadline whether or not their thread has noticed it.
"""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from gated.model.ids import SourceName
from gated.model.reading import FailureReason, QueryFailed, Readings
from gated.sources.deadline import Deadline
from gated.sources.errors import NotAsked, SourceError, brief, unforeseen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueryReport:
    """How one request went; for metrics and logs.

    Args:
        source: who was asked.
        expression: what was asked: PromQL, a path, or the address of a probe; its beginning when it is long.
        duration_seconds: from sending to the last byte, or to giving up; 0 when it was never sent.
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
        reports: every request that was made for it.
    """

    readings: Readings
    reports: tuple[QueryReport, ...]


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one request brought.

    Args:
        expression: what was asked.
        content: what was wanted, or why it is not to be had.
        duration_seconds: from sending to the last byte, or to giving up; 0 when it was never sent.
    """

    expression: str
    content: T | SourceError
    duration_seconds: float

    def report(self, source: SourceName, failed: QueryFailed | None = None) -> QueryReport:
        """How the request went.

        Args:
            source: who was asked.
            failed: the first of its readings that failed, if it was answered and one did.
        """
        # A request for a thousand workloads is 20 kB long, and a report is a line in a log.
        report = QueryReport(source, brief(self.expression), self.duration_seconds)
        failure = self.content if isinstance(self.content, SourceError) else failed
        return report if failure is None else replace(report, failure=failure.reason, detail=failure.detail)


class Round:
    """The requests of one look at one source, under one deadline.

    Args:
        pool: where they run; its size bounds how many do at once.
        timeout_seconds: how long the look may take, from now.
    """

    def __init__(self, pool: Executor, timeout_seconds: float) -> None:
        self._pool = pool
        self._deadline = Deadline.after(timeout_seconds)

    def send(self, expression: str, ask: Callable[[float], T]) -> "Pending[T]":
        """Send a request as soon as there is a place for it.

        Args:
            expression: what is asked, for people.
            ask: sends it and returns what it brought; given the seconds that are left. A `SourceError` it raises
                becomes the content of the answer, and so does an exception that nobody foresaw.
        """
        return Pending(expression, ask, self._pool, self._deadline)


class Pending(Generic[T]):
    """A request under way. Made by `Round.send`."""

    def __init__(self, expression: str, ask: Callable[[float], T], pool: Executor, deadline: Deadline) -> None:
        self._expression = expression
        self._ask = ask
        self._deadline = deadline
        self._sent_at = time.monotonic()
        self._future = pool.submit(self._run)

    def answer(self) -> Answer[T]:
        """Wait for the answer, at most until the deadline."""
        try:
            return self._future.result(max(0.0, self._deadline.at - time.monotonic()))
        except TimeoutError:
            if self._future.cancel():
                why = "not sent: the other requests used up the time"
                return Answer(self._expression, NotAsked(FailureReason.TIMEOUT, why), 0.0)
            return self._brought(_too_late())

    def _run(self) -> Answer[T]:
        self._sent_at = time.monotonic()
        try:
            return self._brought(self._ask(self._deadline.remaining_seconds()))
        except TimeoutError:
            return self._brought(_too_late())
        except SourceError as error:
            return self._brought(error)
        except Exception as bug:  # noqa: BLE001  # a bug in one answer must neither blind the others nor pass as health
            return self._brought(unforeseen(bug))

    def _brought(self, content: T | SourceError) -> Answer[T]:
        return Answer(self._expression, content, time.monotonic() - self._sent_at)


def _too_late() -> SourceError:
    return SourceError(FailureReason.TIMEOUT, "no complete answer before the deadline")
