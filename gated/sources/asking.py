"""The queries of one look at one source, asked in as few requests as possible."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from gated.model.ids import SourceName
from gated.model.reading import Query, QueryFailed, Reading
from gated.sources import silence
from gated.sources.errors import SourceError
from gated.sources.grouping import Express, Request, requests_for
from gated.sources.look import Answer, Look, Pending, QueryReport, Round

Fetch = Callable[[Request, float], Mapping[Query, Reading]]
"""Sends one request and reads its answer, given the seconds that are left; raises SourceError."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions under way. Made by `ask`.

    Args:
        source: who was asked.
        refused: what could not be put into words.
        sent: the requests.
    """

    source: SourceName
    refused: Mapping[Query, QueryFailed]
    sent: tuple[tuple[Request, Pending[Mapping[Query, Reading]]], ...]

    def look(self) -> Look:
        """Wait for the answers, at most until the deadline.

        Returns:
            A reading for each query and each heartbeat; where no alert fires, `NoData` of reason `ABSENT`.
        """
        readings: dict[Query, Reading] = {**self.refused}
        reports: list[QueryReport] = []
        for request, pending in self.sent:
            answer = pending.answer()
            found = _readings(request, answer)
            failed = next((reading for reading in found.values() if isinstance(reading, QueryFailed)), None)
            reports.append(answer.report(self.source, failed))
            readings.update(found)
        return Look(readings, tuple(reports))


def ask(asking: Round, source: SourceName, queries: Collection[Query], express: Express, fetch: Fetch) -> Asked:
    """Ask every query, and for every heartbeat that one of them names.

    Args:
        asking: the look.
        source: who is asked.
        queries: of this source.
        express: puts a query into the words of the source.
        fetch: sends a request and reads the answer.
    """
    requests, refused = requests_for(dict.fromkeys([*queries, *silence.heartbeats(queries)]), express)
    sent = tuple((request, asking.send(request.expression, partial(fetch, request))) for request in requests)
    return Asked(source, refused, sent)


def _readings(request: Request, answer: Answer[Mapping[Query, Reading]]) -> Mapping[Query, Reading]:
    """A reading for every query of a request, whether it was answered or not."""
    if isinstance(answer.content, SourceError):
        return {query: answer.content.reading(expression) for query, expression in request.asked.values()}
    return answer.content
