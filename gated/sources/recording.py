"""What one Prometheus has recorded, read as if each of many looks was the present.

Nothing is asked look by look: what a query is about is loaded for hours of looks (`loading`), and each look is cut
from that. Events were subtracted from look to look, so a look that counts from further back is a sum.
"""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from gated.model.reading import (
    CountHistory,
    Events,
    FiringAlerts,
    Measure,
    Observations,
    Query,
    Reading,
)
from gated.sources import counting, silence
from gated.sources.grid import Grid, Line, milliseconds
from gated.sources.loading import Loader, Piece, whole_of
from gated.sources.look import Look
from gated.sources.samples import Sample, reading
from gated.sources.settings import SourceSettings

_CHUNK_SECONDS: Final = 6 * 3600.0
"""How much is loaded at once: 1,440 looks of 15 s."""
_MOST_CELLS: Final = 4_000_000
"""How many numbers are kept, of about 32 bytes each. What was not used for longest goes first."""

_PRECISION_SECONDS: Final = 0.0005
"""Prometheus counts milliseconds."""

_Place = tuple[Query, int]
"""A query without its times, and the number of a chunk; chunks before the start have negative numbers."""


class Recording:
    """Answers queries at looks of the past. Not safe to use from several threads.

    Args:
        settings: of a source that speaks Prometheus' API.
        start: a look, Unix seconds; there may be others before and after it.
        step_seconds: from look to look.
        timeout_seconds: how long one request may take.
    """

    def __init__(self, settings: SourceSettings, start: float, step_seconds: float, timeout_seconds: float) -> None:
        self._settings = settings
        self._start = start
        self._step_seconds = step_seconds
        self._chunk = max(1, round(_CHUNK_SECONDS / step_seconds))
        self._loader = Loader(settings, timeout_seconds)
        self._pieces: OrderedDict[_Place, Piece] = OrderedDict()
        self._cells = 0
        self._alerting: silence.Alerting | None = None

    def read(self, queries: Collection[Query], now: float) -> Look:
        """Answer every query as the source would have at that time.

        Args:
            queries: of this source; of any measure but a probe.
            now: when, Unix seconds.

        Returns:
            The readings, and a report of every request that had to be made for them.
        """
        apart = {query for query in queries if self._is_apart(query.measure)}
        spans = {
            query: self._span(query.measure, self._nearest(now))
            for query in [*queries, *silence.heartbeats(queries)]
            if query not in apart
        }
        places = {query: self._places(query, span) for query, span in spans.items()}
        self._load([place for of_query in places.values() for place in of_query])
        readings: Mapping[Query, Reading] = {
            **{query: self._reading(query, span, places[query], now) for query, span in spans.items()},
            **self._readings_apart(apart),
        }
        if any(isinstance(query.measure, FiringAlerts) for query in queries):
            self._alerting = self._alerting or self._loader.alerting()
            meaning = partial(self._alerting.meaning, readings, self._settings.name, now)
            readings = silence.settled(readings, meaning)
        return Look({query: readings[query] for query in queries}, self._loader.reports())

    @property
    def requests(self) -> int:
        """How many requests were made so far."""
        return self._loader.requests

    def close(self) -> None:
        """Ask no more."""
        self._loader.close()

    def _span(self, measure: Measure, at: int) -> range:
        """The looks a measure is about, counted from the start."""
        match measure:
            case Events(since=since) | Observations(since=since):
                return range(min(self._nearest(since) + 1, at), at + 1)
            case CountHistory(since=since, until=until):
                return range(self._nearest(since) + 1, self._nearest(until) + 1)
            case _:
                return range(at, at + 1)

    def _nearest(self, at: float) -> int:
        return round((at - self._start) / self._step_seconds)

    def _places(self, query: Query, span: range) -> list[_Place]:
        """Where to find what a query is about."""
        subject = _subject(query)
        return [(subject, chunk) for chunk in range(span.start // self._chunk, (span.stop - 1) // self._chunk + 1)]

    def _load(self, needed: Sequence[_Place]) -> None:
        """See to it that every place is known."""
        missing: defaultdict[int, list[Query]] = defaultdict(list)
        for subject, chunk in dict.fromkeys(needed):
            if (subject, chunk) in self._pieces:
                self._pieces.move_to_end((subject, chunk))
            else:
                missing[chunk].append(subject)
        for chunk, subjects in missing.items():
            first = self._start + chunk * self._chunk * self._step_seconds
            looks = Grid(milliseconds(first), milliseconds(self._step_seconds), self._chunk)
            parts = {subject: whole for subject in subjects if (whole := self._whole(subject, chunk, subjects))}
            asked = [subject for subject in subjects if subject not in parts]
            asked += [whole for whole in parts.values() if (whole, chunk) not in self._pieces]
            for subject, piece in self._loader.load(dict.fromkeys(asked), looks).items():
                self._keep((subject, chunk), piece)
            for subject, whole in parts.items():
                self._keep((subject, chunk), self._loader.part(subject, self._pieces[whole, chunk], looks))
        if self._cells > _MOST_CELLS:
            self._forget(set(needed))

    def _whole(self, subject: Query, chunk: int, subjects: Collection[Query]) -> Query | None:
        """What this can be read off, if that is loaded or about to be.

        For a history it always is loaded: the rule that asks for it will ask for the same counters look by look.
        """
        whole = whole_of(subject)
        if whole is None or isinstance(subject.measure, CountHistory):
            return whole
        return whole if whole in subjects or (whole, chunk) in self._pieces else None

    def _keep(self, place: _Place, piece: Piece) -> None:
        self._pieces[place] = piece
        self._cells += piece.cells

    def _forget(self, needed: Collection[_Place]) -> None:
        """Let go what was not used for longest, until there is room again."""
        for place in [place for place in self._pieces if place not in needed]:
            self._cells -= self._pieces.pop(place).cells
            if self._cells <= _MOST_CELLS:
                break

    def _reading(self, query: Query, span: range, places: Sequence[_Place], now: float) -> Reading:
        measure = query.measure
        pieces = {chunk: self._pieces[subject, chunk] for subject, chunk in places}
        failure = next((piece.failure for piece in pieces.values() if piece.failure is not None), None)
        if failure is not None:
            return failure
        expression = next((piece.expression for piece in pieces.values()), "")
        lines = self._cut(pieces, span)
        match measure:
            case CountHistory(until=until):
                return counting.tracks(measure, expression, lines, until - self._settings.settle_seconds)
            case Events() | Observations():
                evaluated_at = now - self._settings.settle_seconds
            case _:
                evaluated_at = now
        return reading(measure, expression, [_sample(line, evaluated_at) for line in lines])

    def _is_apart(self, measure: Measure) -> bool:
        """Whether a question is about other instants than those of looks, as the first one about a release may be."""
        match measure:
            case Events(since=since) | Observations(since=since):
                return self._is_between_looks(since)
            case CountHistory(since=since, step_seconds=step_seconds):
                return step_seconds != self._step_seconds or self._is_between_looks(since)
            case _:
                return False

    def _is_between_looks(self, at: float) -> bool:
        return abs(at - self._start - self._nearest(at) * self._step_seconds) > _PRECISION_SECONDS

    def _readings_apart(self, queries: Collection[Query]) -> dict[Query, Reading]:
        """The answers to questions about other instants; they are asked for by themselves."""
        counts = [query for query in queries if not isinstance(query.measure, CountHistory)]
        readings = self._loader.counts(counts) if counts else {}
        for query in queries:
            if isinstance(query.measure, CountHistory):
                readings[query] = self._history_apart(query, query.measure)
        return readings

    def _history_apart(self, query: Query, measure: CountHistory) -> Reading:
        looks = Grid.of_looks(measure.since, measure.until, measure.step_seconds)
        (piece,) = self._loader.load([query], looks).values()
        if piece.failure is not None:
            return piece.failure
        return counting.tracks(measure, piece.expression, piece.lines, measure.until - self._settings.settle_seconds)

    def _cut(self, pieces: Mapping[int, Piece], span: range) -> list[Line]:
        """The lines that have any value at some looks."""
        if len(pieces) == 1:
            ((chunk, piece),) = pieces.items()
            first = chunk * self._chunk
            parts = ((line, line.values[span.start - first : span.stop - first]) for line in piece.lines)
            return [
                Line(line.labels, part, line.is_histogram)
                for line, part in parts
                if line.is_histogram or part.count(None) < len(part)
            ]
        found: defaultdict[tuple[tuple[str, str], ...], list[float | None]] = defaultdict(lambda: [None] * len(span))
        histograms = set()
        for chunk, piece in pieces.items():
            first = chunk * self._chunk
            begin, end = max(span.start, first), min(span.stop, first + self._chunk)
            for line in piece.lines:
                part = line.values[begin - first : end - first]
                labels = tuple(line.labels.items())
                if line.is_histogram:
                    histograms.add(labels)
                if line.is_histogram or any(value is not None for value in part):
                    found[labels][begin - span.start : end - span.start] = part
        return [Line(dict(labels), values, labels in histograms) for labels, values in found.items()]


def _subject(query: Query) -> Query:
    """A query without its times: what is loaded once for all looks."""
    measure: Measure
    match query.measure:
        case Events(selector):
            measure = Events(selector, 0.0, 0.0)
        case Observations(histogram):
            measure = Observations(histogram, 0.0, 0.0)
        case CountHistory() as history:
            measure = replace(history, since=0.0, until=0.0)
        case _:
            return query
    return Query(query.source, measure, query.workload)


def _sample(line: Line, at: float) -> Sample:
    return Sample(line.labels, math.fsum(value for value in line.values if value is not None), at, line.is_histogram)
