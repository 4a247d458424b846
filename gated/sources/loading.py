"""What queries are about, loaded for hours of looks at once: one range query for all workloads of a measure."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from gated.model.errors import InvalidInput
from gated.model.reading import (
    CountHistory,
    Events,
    FailureReason,
    Measure,
    Newest,
    Observations,
    Query,
    QueryFailed,
    Reading,
)
from gated.model.selection import MatchOp, Workload
from gated.sources import counting, trust, wording
from gated.sources.errors import SourceError, brief, unforeseen
from gated.sources.grid import Grid, Line, milliseconds
from gated.sources.grouping import Identity, Labels, Request, requests_for, shared_labels
from gated.sources.look import Answer, QueryReport
from gated.sources.prometheus import MOST_INSTANTS, Prometheus
from gated.sources.samples import Sample, hand_out
from gated.sources.settings import SourceSettings
from gated.sources.silence import Alerting
from gated.sources.transport import Transport

_LOADS_AT_ONCE: Final = 2
_FEWEST_INSTANTS: Final = 60
"""A request that is too much for the server is made again in halves, but in none smaller than that."""
_MOST_TIMESTAMPS: Final = 120
"""How many instants of `timestamp(...)` are asked for at once. Prometheus up to 2.42 reads a series anew from the
beginning of the request for each of them: of sixty series, 1,440 at once took it 1.7 s, in parts of 120 0.5 s."""
_TOO_MUCH: Final = frozenset({FailureReason.TOO_LARGE, FailureReason.TIMEOUT})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is known about a query for some looks.

    Args:
        expression: how it was asked.
        lines: one per series, bucket or instance, with a value for each look.
        failure: why there is nothing; None when there is.
        processes: for counts: the same process by process, from which the lines were added up.
    """

    expression: str
    lines: Sequence[Line] = ()
    failure: QueryFailed | None = None
    processes: Sequence[Line] = ()

    @property
    def cells(self) -> int:
        """How much it holds."""
        return 1 + sum(len(line.values) for line in (*self.lines, *self.processes))


class Loader:
    """Asks one server about the past.

    Args:
        settings: of a source that speaks Prometheus' API.
        timeout_seconds: how long one request may take.
    """

    def __init__(self, settings: SourceSettings, timeout_seconds: float) -> None:
        self._settings = settings
        self._timeout_seconds = timeout_seconds
        self._transport = Transport(settings.access, concurrency=_LOADS_AT_ONCE, max_bytes=settings.max_bytes)
        self._client = Prometheus(settings.url, self._transport)
        self._pool = ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix=f"gated-{settings.name}")
        self._most_instants = MOST_INSTANTS
        self._is_trusted = settings.expect.is_empty
        self._reports: list[QueryReport] = []
        self._made: list[int] = []

    def load(self, subjects: Iterable[Query], looks: Grid) -> dict[Query, Piece]:
        """What some queries are about at some looks.

        Args:
            subjects: of this source; the times in them do not matter.
            looks: the instants, by our clock.
        """
        doubt = self._doubt()

        def express(measure: Measure, workload: Workload, by: Labels) -> str:
            return wording.recorded(measure, looks.step_ms / 1000, workload, by)

        requests, refused = requests_for(subjects, express)
        pieces = {query: Piece("", failure=failure) for query, failure in refused.items()}
        answers = [doubt] * len(requests) if doubt else list(self._pool.map(partial(self._lines, looks), requests))
        for request, lines in zip(requests, answers, strict=True):
            pieces.update(_pieces(request, lines, looks))
        return pieces

    def counts(self, queries: Iterable[Query]) -> dict[Query, Reading]:
        """What was counted between instants that are none of looks, each asked for as it was asked then.

        Args:
            queries: for `Events` or `Observations`, of this source.
        """
        doubt = self._doubt()
        requests, refused = requests_for(queries, wording.promql)
        readings: dict[Query, Reading] = dict(refused)
        answers = [doubt] * len(requests) if doubt else list(self._pool.map(self._samples, requests))
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, SourceError):
                readings.update({query: answer.reading(expression) for query, expression in request.asked.values()})
            else:
                readings.update(hand_out(request, answer))
        return readings

    def part(self, query: Query, whole: Piece, looks: Grid) -> Piece:
        """What is known about a query, read off what is known about another: see `whole_of`.

        Args:
            query: as for `load`.
            whole: of the other, at the same looks.
            looks: these.
        """
        try:
            expression = wording.recorded(query.measure, looks.step_ms / 1000, query.workload, shared_labels(query))
        except InvalidInput as error:
            return Piece("", failure=QueryFailed(FailureReason.BAD_QUERY, brief(str(error))))
        if whole.failure is not None:
            return Piece(expression, failure=replace(whole.failure, expression=expression))
        wanted = [matcher for matcher in query.workload if matcher.name in counting.PROCESS]
        processes = [
            line
            for line in whole.processes
            if all(line.labels.get(matcher.name, "") == matcher.value for matcher in wanted)
        ]
        return Piece(expression, counting.together(processes, _counted_by(query.measure) or ()))

    def alerting(self) -> Alerting:
        """What the server says about its alerting rules, now: what it had loaded in the past nobody knows."""
        there = self._ask("time()", lambda: self._client.query("time()", self._timeout_seconds)[0].number)
        if isinstance(there, SourceError):
            return Alerting(there, 0.0)
        return Alerting(self._ask("/api/v1/rules", lambda: self._client.alert_rules(self._timeout_seconds)), there)

    @property
    def requests(self) -> int:
        """How many requests were made so far; a question about many looks may take several."""
        return sum(self._made)

    def reports(self) -> tuple[QueryReport, ...]:
        """Every request since this was last asked for."""
        reports, self._reports = tuple(self._reports), []
        return reports

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _doubt(self) -> SourceError | None:
        """Why this is not the server that was meant; asked until it once was."""
        expected = self._settings.expect
        checks: list[tuple[str, Callable[[], None]]] = []
        if expected.labels and not self._is_trusted:
            check = partial(trust.has_labels, self._client, expected.labels, self._timeout_seconds)
            checks.append(("/api/v1/status/config", check))
        if expected.query and not self._is_trusted:
            check = partial(trust.has_answer, self._client, expected.query, self._timeout_seconds)
            checks.append((expected.query, check))
        found = [self._ask(*check) for check in checks]
        doubt = next((error for error in found if isinstance(error, SourceError)), None)
        self._is_trusted = doubt is None
        return doubt

    def _lines(self, looks: Grid, request: Request) -> Sequence[Line] | SourceError:
        instants = looks
        if _counted_by(request.measure) is not None:
            instants = looks.shifted(-self._settings.settle_seconds).preceded(_before(looks))
        limit = _MOST_TIMESTAMPS if isinstance(request.measure, Newest) else instants.count
        while True:
            most = min(self._most_instants, limit)
            parts = math.ceil(instants.count / most)
            seconds = self._timeout_seconds * parts
            ask = partial(self._client.query_range, request.expression, instants, seconds, most)
            lines = self._ask(request.expression, ask, parts)
            if not isinstance(lines, SourceError) or lines.reason not in _TOO_MUCH or most <= _FEWEST_INSTANTS:
                return lines
            self._most_instants = most // 2

    def _samples(self, request: Request) -> Sequence[Sample] | SourceError:
        match request.measure:
            case Events(until=until) | Observations(until=until):
                at_ms = milliseconds(until) - milliseconds(self._settings.settle_seconds)
                ask = partial(self._client.query, request.expression, self._timeout_seconds, at_ms)
                return self._ask(request.expression, ask)
            case _:
                raise AssertionError(f"{request.measure} is no count")

    def _ask(self, expression: str, ask: Callable[[], T], requests: int = 1) -> T | SourceError:
        """Send a request, or several for one answer, and remember how it went."""
        self._made.append(requests)
        started = time.monotonic()
        content: T | SourceError
        try:
            content = ask()
        except SourceError as error:
            content = error
        except Exception as bug:  # noqa: BLE001  # as for a look: a bug in one answer must not pass as health
            content = unforeseen(bug)
        answer = Answer(expression, content, time.monotonic() - started)
        self._reports.append(answer.report(self._settings.name))
        return content


def whole_of(query: Query) -> Query | None:
    """The question about all processes together that are also asked about one by one; None where there is none.

    A recording is loaded process by process, so the answer about one of them is in it, and so is the history of each.

    Args:
        query: without its times.
    """
    ones = [matcher for matcher in query.workload if matcher.name in counting.PROCESS]
    if any(matcher.op is not MatchOp.EQUAL for matcher in ones):
        return None
    rest = tuple(matcher for matcher in query.workload if matcher not in ones)
    match query.measure:
        case Events() | Observations() if ones:
            return Query(query.source, query.measure, rest)
        case CountHistory(selector, at_most=None, by=by) if by in {"", *counting.PROCESS}:
            return Query(query.source, Events(selector, 0.0, 0.0), rest)
        case _:
            return None


def _pieces(request: Request, answer: Sequence[Line] | SourceError, looks: Grid) -> Iterator[tuple[Query, Piece]]:
    """What belongs to each of the queries of a request."""
    if isinstance(answer, SourceError):
        for query, expression in request.asked.values():
            yield query, Piece(expression, failure=answer.reading(expression))
        return
    of_workload: defaultdict[Identity, list[Line]] = defaultdict(list)
    for line in answer:
        of_workload[request.identity(line.labels)].append(line)
    names = _counted_by(request.measure)
    for identity, (query, expression) in request.asked.items():
        lines = of_workload[identity]
        if names is None:
            yield query, Piece(expression, lines)
        else:
            processes = counting.of_processes(lines, _before(looks))
            yield query, Piece(expression, counting.together(processes, names), processes=processes)


def _counted_by(measure: Measure) -> Labels | None:
    """The labels by which events are told apart; None for what is no count of events."""
    match measure:
        case Events():
            return ()
        case Observations():
            return ("le",)
        case CountHistory():
            return (measure.by,)
        case _:
            return None


def _before(looks: Grid) -> int:
    return counting.bridge(looks.step_ms / 1000)
