"""All queries of one look at one source, asked in as few requests as possible."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from gated.model.ids import SourceName
from gated.model.reading import Query, QueryFailed, Reading
from gated.sources import silence
from gated.sources.errors import SourceError
from gated.sources.grouping import Express, Request, requests_for
from gated.sources.look import Answer, Look, QueryReport, Round
from gated.sources.samples import Sample, hand_out

Fetch = Callable[[str, float], Sequence[Sample]]
"""Sends one request, given its expression and the seconds that are left; raises SourceError."""


def ask(asking: Round, source: SourceName, queries: Collection[Query], express: Express, fetch: Fetch) -> Look:
    """Ask every query, and for every heartbeat that one of them names.

    Args:
        asking: the look.
        source: who is asked.
        queries: of this source.
        express: puts a query into the words of the source.
        fetch: sends it.

    Returns:
        A reading for each query and each heartbeat; where no alert fires, `NoData` of reason `ABSENT`.
    """

    def brought(request: Request, timeout_seconds: float) -> dict[Query, Reading]:
        return hand_out(request, fetch(request.expression, timeout_seconds))

    requests, refused = requests_for(dict.fromkeys([*queries, *silence.heartbeats(queries)]), express)
    sent = [(request, asking.send(request.expression, partial(brought, request))) for request in requests]
    readings: dict[Query, Reading] = {**refused}
    reports: list[QueryReport] = []
    for request, pending in sent:
        answer = pending.answer()
        found = _readings(request, answer)
        failed = next((reading for reading in found.values() if isinstance(reading, QueryFailed)), None)
        reports.append(answer.report(source, failed))
        readings.update(found)
    return Look(readings, tuple(reports))


def _readings(request: Request, answer: Answer[dict[Query, Reading]]) -> Mapping[Query, Reading]:
    """A reading for every query of a request, whether it was answered or not."""
    if isinstance(answer.content, SourceError):
        return {query: answer.content.reading(expression) for query, expression in request.asked.values()}
    return answer.content
