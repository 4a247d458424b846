"""A world that is written down, as a source of readings: what Prometheus would answer at any time of it.

The questions are put into the same words as for a live server, and the answers read in the same way; only the time is
not the server's own. Who answers is an engine in memory, or a real server that was handed the same samples.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from gated.model.reading import (
    CountHistory,
    Events,
    FailureReason,
    FiringAlerts,
    HttpProbe,
    NoData,
    NoDataReason,
    Observations,
    Query,
    Reading,
    Value,
)
from gated.promql.engine.errors import EvaluationFailed
from gated.promql.engine.evaluate import Engine
from gated.sources import counting, silence
from gated.sources.errors import SourceError
from gated.sources.grid import Grid, Line, milliseconds
from gated.sources.grouping import Request, requests_for
from gated.sources.look import Look
from gated.sources.samples import Sample, hand_out
from gated.sources.wording import promql

_TIMEOUT_SECONDS = 30.0


class Answers(Protocol):
    """Who knows the series: `InMemory`, and the client of a server."""

    def query(self, expression: str, timeout_seconds: float, at_ms: int) -> Sequence[Sample]:
        """Evaluate PromQL at one instant."""

    def query_range(self, expression: str, grid: Grid, timeout_seconds: float) -> Sequence[Line]:
        """Evaluate PromQL at many instants."""


class Probed(Protocol):
    """Who knows what probes brought."""

    def __call__(self, probe: HttpProbe, now: float) -> Reading:
        """What a probe at this moment brings."""


class ScriptedSource:
    """Answers queries about a scripted world. It is every source there is, and all the addresses to probe.

    Args:
        answers: who knows the series.
        probed: who knows the addresses.
        can_alert: whether alerting rules were evaluated, so that silence means something.
    """

    def __init__(self, answers: Answers, probed: Probed, *, can_alert: bool) -> None:
        self._answers = answers
        self._probed = probed
        self._can_alert = can_alert

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query as of a moment of that world.

        Raises:
            Unsupported: a question is beyond the engine in memory.
        """
        by_source = defaultdict(list)
        readings: dict[Query, Reading] = {}
        for query in dict.fromkeys(queries):
            if isinstance(query.measure, HttpProbe):
                readings[query] = self._probed(query.measure, now)
            else:
                by_source[query.source].append(query)
        for of_source in by_source.values():
            readings.update(self._of_source(of_source, now))
        return Look({query: readings[query] for query in queries}, ())

    def _of_source(self, queries: Sequence[Query], now: float) -> Mapping[Query, Reading]:
        requests, refused = requests_for(dict.fromkeys([*queries, *silence.heartbeats(queries)]), promql)
        readings: dict[Query, Reading] = {**refused}
        for request in requests:
            try:
                readings.update(self._fetch(request, now))
            except SourceError as error:
                readings.update({query: error.reading(expression) for query, expression in request.asked.values()})
        source = queries[0].source

        def meaning(measure: FiringAlerts) -> Reading:
            if not self._can_alert:
                return NoData(NoDataReason.NO_ALERT_RULE, "no alerting rule could raise such an alert")
            return silence.missing_heartbeat(readings, source, measure) or Value(0.0, now)

        return silence.settled(readings, meaning)

    def _fetch(self, request: Request, now: float) -> Mapping[Query, Reading]:
        match request.measure:
            case CountHistory() as measure:
                looks = Grid.of_looks(measure.since, measure.until, measure.step_seconds)
                asked = looks.preceded(counting.bridge(measure.step_seconds))
                lines = self._answers.query_range(request.expression, asked, _TIMEOUT_SECONDS)
                return {
                    query: counting.history(measure, expression, looks, lines)
                    for query, expression in request.asked.values()
                }
            case Events(until=at) | Observations(until=at):
                return self._handed_out(request, at)
            case _:
                return self._handed_out(request, now)

    def _handed_out(self, request: Request, at: float) -> Mapping[Query, Reading]:
        return hand_out(request, self._answers.query(request.expression, _TIMEOUT_SECONDS, milliseconds(at)))


class InMemory:
    """Answers from an engine. Takes no time, so it needs none.

    Args:
        engine: over the series of that world.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def query(self, expression: str, timeout_seconds: float, at_ms: int) -> Sequence[Sample]:  # noqa: ARG002
        """Evaluate PromQL at one instant.

        Raises:
            SourceError: Prometheus would refuse it on this data.
            Unsupported: it is beyond the engine.
        """
        at = at_ms / 1000
        try:
            value = self._engine.evaluate(expression, at)
        except EvaluationFailed as error:
            raise SourceError(FailureReason.BAD_QUERY, str(error)) from error
        if isinstance(value, float):
            return (Sample({}, value, at),)
        return tuple(Sample(dict(key), number, at) for key, number in value.items())

    def query_range(self, expression: str, grid: Grid, timeout_seconds: float) -> Sequence[Line]:
        """Evaluate PromQL at many instants; otherwise as `query`."""
        lines: dict[tuple[tuple[str, str], ...], list[float | None]] = {}
        for index in range(grid.count):
            for sample in self.query(expression, timeout_seconds, milliseconds(grid.at(index))):
                key = tuple(sorted(sample.labels.items()))
                lines.setdefault(key, [None] * grid.count)[index] = sample.number
        return tuple(Line(dict(key), values) for key, values in lines.items())
